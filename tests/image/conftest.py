"""Fixtures of the tests of the container image; tests/image/run.sh calls them."""

from pathlib import Path

import pytest
from containers import AUDIENCE, CA, IMAGE, Container

from support.backend import Backend
from support.httpd import readable_folder
from support.issuer import Authority, Issuer
from support.tokens import Key

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    if not IMAGE:
        for item in (one for one in items if HERE in one.path.parents):
            item.add_marker(pytest.mark.skip(reason="run by make -f Makefile.apxs image-test"))


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture(scope="session")
def key():
    return Key("RS256", "key-1")


@pytest.fixture
def tenant(authority, key):
    """A tenant that speaks TLS with a certificate of the tests' own authority."""
    with Issuer(authority, keys=[key], audience=AUDIENCE) as made:
        yield made


@pytest.fixture
def serve(tenant):
    """Starts containers that trust the tenant; `trust=False` for those that do not."""
    started = []

    def start(env=(), mounts=(), trust=True, **more):
        env, mounts = dict(env), list(mounts)
        if trust:
            env = {"AUTH0_DOMAIN": tenant.domain, "AUTH0_AUDIENCE": AUDIENCE,
                   "AUTH0_CA_FILE": CA, **env}
            mounts.append((tenant.ca_file, CA))
        started.append(Container(env, mounts, **more))
        return started[-1].start().wait_until_it_listens()

    yield start
    problem = None
    for one in started:
        try:
            one.assert_clean()
        except AssertionError as found:
            problem = problem or found
        finally:
            one.remove()
    if problem:
        raise problem


@pytest.fixture
def backend():
    made = Backend()
    yield made
    made.stop()


@pytest.fixture
def folder():
    """Lays files into a fresh folder that any user can read; returns the folder."""
    def lay(files):
        top = readable_folder("auth0-jwt-mount-")
        for name, text in files.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o755)
            path.write_text(text)
            path.chmod(0o644)
        return top
    return lay
