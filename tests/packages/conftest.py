"""The packages of this tree, and Debian roots to install them in.

What is built here and what the tests of tests/integration run against are the same
sources; these tests look at what packaging adds.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from debian_root import Root
from support import paths
from support.issuer import Authority, Issuer
from support.wait import free_port

BUILD = paths.TOP / "build"

#: Whether maintainer scripts may start services: see invoke-rc.d(8). At first not, as
#: the package apache2 would listen on port 80; then as on a system that is up.
FORBIDDEN, ALLOWED = 101, 104


def release():
    """The name of the Debian that this machine runs: packages are for their own release."""
    text = Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=(\w+)$", text, flags=re.M)
    return found.group(1) if found else None


def changelog(field, folder=paths.TOP):
    return subprocess.run(["dpkg-parsechangelog", "-S", field], cwd=folder, check=True,
                          capture_output=True, text=True).stdout.strip()


class Package:
    """A built package: its folder and the .deb in it."""

    def __init__(self, folder, version):
        self.folder, self.version = Path(folder), version
        (self.deb,) = self.folder.glob(f"libapache2-mod-auth0-jwt_{version}_*.deb")

    def one(self, pattern):
        (found,) = self.folder.glob(pattern)
        return found


def state_of_the_tree():
    """What git sees, with what it is told to ignore, but for build/."""
    said = subprocess.run(["git", "-c", "safe.directory=*", "status", "--porcelain",
                           "--ignored", "--untracked-files=all", "--", ".", ":!build",
                           ":!*__pycache__*"],
                          cwd=paths.TOP, check=True, capture_output=True, text=True)
    return said.stdout


@pytest.fixture(scope="session")
def package():
    """What `make deb` builds."""
    folder = BUILD / "deb"
    before = state_of_the_tree()
    done = subprocess.run([paths.TOP / "tools/deb.sh", folder], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
    assert done.returncode == 0, done.stdout
    made = Package(folder, changelog("Version"))
    made.tree = before, state_of_the_tree()
    return made


class Rebuild:
    """Builds the source package again, elsewhere."""

    def __init__(self, package, folder):
        self.package, self.folder = package, folder

    def __call__(self, name, *, newer=False, **environment):
        folder = self.folder / name
        folder.mkdir()
        subprocess.run(["dpkg-source", "-x", self.package.one("*.dsc"), "unpacked"],
                       cwd=folder, check=True, capture_output=True)
        version = self.package.version
        if newer:
            version = self._raise_version(folder / "unpacked/debian/changelog")
        done = subprocess.run(
            ["dpkg-buildpackage", "-us", "-uc", "-b"], cwd=folder / "unpacked", text=True,
            env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck", **environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
        assert done.returncode == 0, done.stdout[-4000:]
        return Package(folder, version)

    def _raise_version(self, file):
        old = file.read_text()
        version = re.sub(r"\d+$", lambda last: str(int(last.group()) + 1),
                         self.package.version)
        entry = old.partition("\n\n -- ")[0].replace(self.package.version, version, 1)
        signature = re.search(r"^ -- .*$", old, flags=re.M).group()
        file.write_text(f"{entry}\n\n{signature}\n\n{old}")
        return version


@pytest.fixture(scope="session")
def rebuild(package):
    with tempfile.TemporaryDirectory(prefix="auth0-jwt-rebuild-") as folder:
        yield Rebuild(package, Path(folder))


@pytest.fixture(scope="session")
def newer_package(rebuild):
    """The same with a higher version, by another line in debian/changelog."""
    return rebuild("newer", newer=True)


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture(scope="session")
def issuer(authority):
    with Issuer(authority) as made:
        yield made


def set_policy(root, status):
    root.write("/usr/sbin/policy-rc.d", f"#!/bin/sh\nexit {status}\n")
    root.path("/usr/sbin/policy-rc.d").chmod(0o755)


@pytest.fixture(scope="session")
def root_with_apache2(authority):
    """A new Debian with the package apache2, on a loopback port; not running.

    It trusts the authority of the tests as an administrator makes a Debian trust one.
    """
    if os.geteuid() != 0:
        pytest.skip("a root of its own needs root")
    tar = BUILD / "roots" / f"{release()}-bare.tar"
    if not tar.exists():
        tar.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([paths.TOP / "tools/make-root.sh", release(), tar], check=True)
    made = Root.unpacked(tar)
    made.port = free_port()
    set_policy(made, FORBIDDEN)
    shutil.copyfile(authority.file,
                    made.path("/usr/local/share/ca-certificates/tests.crt"))
    with made:
        made.do("apt-get", "update")
        made.do("update-ca-certificates")
        made.do("apt-get", "install", "-y", "--no-install-recommends", "apache2", "curl")
    made.write("/etc/apache2/ports.conf", f"Listen 127.0.0.1:{made.port}\n")
    made.write("/etc/apache2/conf-enabled/servername.conf", "ServerName localhost\n")
    site = made.path("/etc/apache2/sites-available/000-default.conf")
    site.write_text(site.read_text().replace("*:80", f"127.0.0.1:{made.port}"))
    set_policy(made, ALLOWED)
    yield made
    made.remove()
