"""Where things are, and the switches that the environment may set.

AUTH0_JWT_MPM       event (default), worker or prefork: the MPM of the whole suite
AUTH0_JWT_VALGRIND  1: every server runs under valgrind, as one process (httpd -X)
AUTH0_JWT_MODULE    another mod_auth0_jwt.so (a sanitizer build)
AUTH0_JWT_TOOL      another auth0-jwt
AUTH0_JWT_KEEP      1: leave the servers' folders in place
AUTH0_JWT_TOKEN_CACHE
                    a number: every server has Auth0TokenCache so, 0 for no cache, unless
                    a test's own configuration says otherwise
AUTH0_JWT_LOAD      all: the tests of rotation, load and lifecycle run under more MPMs
                    and for longer
AUTH0_JWT_SEED      the seed of everything random (printed at the top of a run)
"""

import os
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
INTEGRATION = TOP / "tests" / "integration"
CONF = TOP / "conf"

MODULE = Path(os.environ.get("AUTH0_JWT_MODULE", TOP / "mod_auth0_jwt.so"))
#: The one that tools/setup.sh fetches where none is installed.
PROMTOOL = shutil.which("promtool") or TOP / "build" / "promtool"
TOOL = Path(os.environ.get("AUTH0_JWT_TOOL", TOP / "build" / "auth0-jwt"))
MPM = os.environ.get("AUTH0_JWT_MPM", "event")
VALGRIND = os.environ.get("AUTH0_JWT_VALGRIND") == "1"
TOKEN_CACHE = os.environ.get("AUTH0_JWT_TOKEN_CACHE")
KEEP = os.environ.get("AUTH0_JWT_KEEP") == "1"
LOAD_ALL = os.environ.get("AUTH0_JWT_LOAD") == "all"
CI = os.environ.get("CI") == "true"

# Everything is slower under valgrind: multiply every deadline.
SLOW = 20 if VALGRIND else 1


def apxs(name):
    """What apxs says, or Debian's value where it is not installed."""
    fallback = {"LIBEXECDIR": "/usr/lib/apache2/modules", "SBINDIR": "/usr/sbin",
                "PROGNAME": "apache2"}
    program = shutil.which("apxs") or shutil.which("apxs2")
    if program is None:
        return fallback[name]
    answer = subprocess.run([program, "-q", name], capture_output=True, text=True)
    return answer.stdout.strip() or fallback[name]


LIBEXECDIR = Path(apxs("LIBEXECDIR"))
HTTPD = Path(apxs("SBINDIR")) / apxs("PROGNAME")


def compiled_in():
    """The modules that must not be loaded: they are part of the binary."""
    answer = subprocess.run([str(HTTPD), "-l"], capture_output=True, text=True)
    return {line.strip().removesuffix(".c") for line in answer.stdout.splitlines()
            if line.startswith("  ")}


COMPILED_IN = compiled_in() if HTTPD.exists() else set()
