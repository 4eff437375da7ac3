"""Fixtures of the integration tests. See support/ for what they are made of."""

import functools
import os
import random
import shutil
import subprocess

import pytest

from support import paths
from support.backend import Backend
from support.httpd import Httpd, running
from support.issuer import Authority, Issuer
from support.tokens import Key

SEED = int(os.environ.get("AUTH0_JWT_SEED") or random.SystemRandom().randrange(2**32))


def pytest_report_header(config):
    kind = "valgrind, one process" if paths.VALGRIND else f"MPM {paths.MPM}"
    return [f"httpd: {paths.HTTPD}, {kind}; module: {paths.MODULE}",
            f"AUTH0_JWT_SEED={SEED}"]


def pytest_configure(config):
    try:
        from hypothesis import settings
    except ImportError:
        return
    settings.register_profile("here", deadline=None, database=None)
    settings.load_profile("here")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows the end of the log of every server that is up."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in running():
            report.sections.append((f"log of the server on port {server.port}",
                                    server.all_logs()[-4000:]))


@pytest.fixture
def rng(request):
    """Randomness of its own for each test, reproducible by the printed seed."""
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def issuer(authority):
    """A tenant shared by the tests of a file: leave it healthy and its keys alone."""
    with Issuer(authority) as made:
        yield made


@pytest.fixture
def own_issuer(authority):
    """A tenant of the test's own, to rotate and break."""
    with Issuer(authority) as made:
        yield made


@pytest.fixture(scope="session")
def ready_key():
    return Key("RS256", "key-1")


@pytest.fixture
def ready_issuer(authority, ready_key):
    """The same with a key that was made before: making one takes half a second."""
    with Issuer(authority, keys=[ready_key]) as made:
        yield made


@pytest.fixture(scope="module")
def shared_backend():
    made = Backend()
    yield made
    made.stop()


@pytest.fixture
def backend(shared_backend):
    """The file's back end, its record emptied."""
    shared_backend.hits.clear()
    return shared_backend


@pytest.fixture
def httpd():
    """Starts servers for one test; all are stopped and checked at its end."""
    started = []

    def start(config="", **more):
        server = Httpd(config, **more)
        started.append(server)
        return server.start()

    yield start
    first_problem = None
    for server in reversed(started):
        try:
            server.stop()
        except AssertionError as problem:
            first_problem = first_problem or problem
    if first_problem is not None:
        raise first_problem


@pytest.fixture(scope="module")
def shared_httpd():
    """The same for a server that the tests of a file share."""
    started = []

    def start(config="", **more):
        server = Httpd(config, **more)
        started.append(server)
        return server.start()

    yield start
    for server in reversed(started):
        server.stop()


@pytest.fixture(scope="module")
def bench():
    """A server that is only asked what it thinks of configurations."""
    made = Httpd()
    yield made
    made.stop()


def need(program):
    """Skip without this program; on CI its absence is a failure."""
    found = shutil.which(program)
    if found is None:
        if paths.CI:
            pytest.fail(f"{program} is missing, and this is CI")
        pytest.skip(f"{program} is not installed")
    return found


@pytest.fixture(scope="session")
def program():
    return need


@pytest.fixture(scope="session")
def promtool():
    """Runs promtool: (exit status, all it printed)."""
    return functools.partial(run_promtool, need(str(paths.PROMTOOL)))


def run_promtool(program, *arguments, text=None, folder=None):
    done = subprocess.run([program, *arguments], input=text, cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout


@pytest.fixture
def several_processes():
    """For tests of several processes: not under valgrind, which runs httpd -X."""
    if paths.VALGRIND:
        pytest.skip("needs several processes; valgrind runs httpd -X")
