"""Containers of the image under test, by podman.

tests/image/run.sh has set podman up and gives the image's name; all of this happens in a
network namespace of the tests' own, where containers share the tests' loopback.
"""

import json
import os
import re
import subprocess
import time
import uuid

from support import canaries, http
from support.httpd import CRASHES
from support.wait import free_port, wait_until

IMAGE = os.environ.get("AUTH0_JWT_IMAGE", "")

AUDIENCE = "https://hello-world.example.com"

#: Where the certificate authority of the tests is mounted.
CA = "/etc/auth0-jwt/ca.pem"

#: What a cautious administrator allows a container. Podman would mount a /tmp over a
#: read-only root, docker would not.
STRICT = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges",
          "--user=12345:54321")

#: What podman itself has to say here, where there is no systemd.
_PODMAN = re.compile(r'^time="[^\n]*\n', re.M)


def podman(*arguments, check=True, timeout=60):
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"podman {arguments[0]}: {done.stdout}{done.stderr}")
    return done


def options_of(env=(), mounts=(), options=()):
    """mounts: pairs of a folder or file here and its place in the container."""
    found = list(options)
    for name, value in dict(env).items():
        found.append(f"--env={name}={value}")
    for here, there in mounts:
        found.append(f"--volume={here}:{there}:ro")
    return found


def run(*command, env=(), mounts=(), options=STRICT):
    """A container that ends by itself: its status, stdout and stderr."""
    done = podman("run", "--rm", "--network=host", *options_of(env, mounts, options), IMAGE,
                  *command, check=False)
    return done.returncode, done.stdout, _PODMAN.sub("", done.stderr)


class Container:
    """One that serves, on ports of its own. Starts on `start()` or `with`."""

    def __init__(self, env=(), mounts=(), options=STRICT, network="host", port=None,
                 command=()):
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.port = port or free_port()
        if network == "host":
            env = {"PORT": self.port, "HEALTH_PORT": free_port(), **dict(env)}
        # In development the tokens are printed, which is what assert_clean() looks for.
        self._shows_tokens = dict(env).get("AUTH0_DEV") == "1"
        self._command = command
        self._arguments = [f"--name={self.name}", f"--network={network}",
                           *options_of(env, mounts, options)]

    def start(self):
        podman("run", "--detach", *self._arguments, IMAGE, *self._command)
        return self

    def wait_until_it_listens(self):
        def listens():
            assert self.state()["Running"], f"it has ended:\n{self.logs()}"
            try:
                http.raw_bytes(self.port, b"OPTIONS * HTTP/1.0\r\n\r\n", timeout=3)
            except OSError:
                return False
            return True
        wait_until(listens, 20, "an answer of the container", every=0.1)
        return self

    def __enter__(self):
        try:
            return self.start().wait_until_it_listens()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, kind, *_exception):
        try:
            if kind is None:
                self.assert_clean()
        finally:
            self.remove()

    def remove(self):
        podman("rm", "--force", "--time=0", self.name, check=False)

    # ---- what is said of it --------------------------------------------------

    def inspect(self):
        return json.loads(podman("inspect", self.name).stdout)[0]

    def state(self):
        return self.inspect()["State"]

    def logs(self):
        """What came out of it, stdout and stderr apart."""
        done = podman("logs", self.name)
        return done.stdout, _PODMAN.sub("", done.stderr)

    def wait_for(self, text):
        """The output when this is in it, on either stream."""
        return wait_until(lambda: text in "".join(self.logs()) and self.logs(), 20,
                          f"{text!r} in the container's output")

    def assert_clean(self):
        logs = "".join(self.logs())
        crash = CRASHES.search(logs)
        assert crash is None, f"the log speaks of a crash: {crash.group(0)}\n{logs}"
        if self._shows_tokens:
            return
        leaked = canaries.found_in(logs)
        assert not leaked, f"the log holds parts of tokens: {leaked}"

    def health(self):
        """What the health check says now: its status and its sentence."""
        podman("healthcheck", "run", self.name, check=False)
        check = self.state()["Health"]["Log"][-1]
        return check["ExitCode"], check["Output"].strip()

    # ---- what is done to it --------------------------------------------------

    def execute(self, *command):
        return podman("exec", self.name, *command, check=False)

    def signal(self, name):
        podman("kill", f"--signal={name}", self.name)

    def stop(self, *options):
        """As `docker stop` does: the seconds it took and the exit status."""
        begin = time.monotonic()
        podman("stop", *options, self.name)
        return time.monotonic() - begin, self.state()["ExitCode"]

    def end(self, seconds=15):
        """Its exit status, when it ends by itself."""
        wait_until(lambda: not self.state()["Running"], seconds, "the container's end")
        return self.state()["ExitCode"]

    # ---- requests ------------------------------------------------------------

    def get(self, path, token=None, headers=(), method="GET"):
        headers = list(dict(headers).items())
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        return http.request(self.port, method, path, headers)
