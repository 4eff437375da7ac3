"""The Debian package as a file: its flags, its contents, its way of being built."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest

from support import paths

NAME = "libapache2-mod-auth0-jwt"


def said_by(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          **more).stdout


def tracked_files(folder="."):
    return said_by("git", "-c", "safe.directory=*", "ls-files", folder,
                   cwd=paths.TOP).splitlines()


def lintian(*files):
    """Every tag, also those that only a pedant would mind."""
    return subprocess.run(["lintian", "--allow-root", "--pedantic", "--display-info",
                           "--fail-on", "error,warning", *files],
                          capture_output=True, text=True)


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "-R", package.deb, folder], check=True)
    return folder


def test_lintian_has_nothing_to_say(package, unpacked, tmp_path):
    said = lintian(package.one("*.changes"))
    # What a later lintian than Debian 12's tells: that there is a later policy to read.
    tags = [line for line in said.stdout.splitlines()
            if "out-of-date-standards-version" not in line]
    assert (said.returncode, tags) == (0, [])
    # It does look: the same package without its copyright.
    other = tmp_path / "other"
    shutil.copytree(unpacked, other, symlinks=True)
    (other / f"usr/share/doc/{NAME}/copyright").unlink()
    subprocess.run(["dpkg-deb", "-b", other, tmp_path], check=True, capture_output=True)
    (rebuilt,) = tmp_path.glob("*.deb")
    said = lintian(rebuilt)
    assert said.returncode != 0 and "no-copyright-file" in said.stdout


def test_the_maintainer_scripts_are_free_of_known_mistakes(unpacked):
    for name in ("postinst", "prerm", "postrm"):
        # debhelper's own parts name a file that is not here, and loop over one module.
        done = subprocess.run(["shellcheck", "-e", "SC1091,SC2043", unpacked / "DEBIAN" / name],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["usr/lib/apache2/modules/mod_auth0_jwt.so",
                                  "usr/bin/auth0-jwt"])
def test_what_is_compiled_is_hardened(unpacked, name):
    program = unpacked / name
    headers = said_by("readelf", "-hlW", program)
    dynamic = said_by("readelf", "-dW", program)
    symbols = said_by("readelf", "--dyn-syms", "-W", program)
    assert re.search(r"Type: +DYN", headers), "not position-independent"
    assert "GNU_RELRO" in headers and "BIND_NOW" in dynamic, "relocations stay writable"
    assert re.search(r"GNU_STACK .* RW +0x", headers), "the stack is executable"
    assert "__stack_chk_fail" in symbols, "no stack protector"
    assert re.search(r"__(mem|str|f|v|sn|vsn|read)\w*_chk", symbols), "not fortified"
    assert not re.search(r"RPATH|RUNPATH", dynamic)
    assert ".debug_info" not in said_by("readelf", "-SW", program), "not stripped"


def test_the_module_exports_its_record_alone_as_built_for_debian(unpacked):
    module = unpacked / "usr/lib/apache2/modules/mod_auth0_jwt.so"
    listing = said_by("nm", "-D", "--defined-only", module)
    assert re.findall(r"^\w+ [^A] (\w+)", listing, flags=re.M) == ["auth0_jwt_module"]
    assert "NODELETE" in said_by("readelf", "-dW", module)


def test_it_depends_on_the_servers_interface_and_not_on_the_service(package):
    depends = said_by("dpkg-deb", "-f", package.deb, "Depends").strip().split(", ")
    names = {one.split(" ")[0] for one in depends}
    assert any(re.fullmatch(r"apache2-api-\d+", name) for name in names)
    assert "apache2" not in names
    for library in ("libcurl4", "libssl3", "libcjson1"):
        assert any(name.startswith(library) for name in names), library


def test_the_unit_tests_ran_when_it_was_built(package):
    log = (package.folder / "source/build.log").read_text()
    ran = re.findall(r"^100%: Checks: (\d+), Failures: 0, Errors: 0$", log, flags=re.M)
    programs = list((paths.TOP / "tests/unit").glob("test_*.c"))
    assert len(ran) == len(programs) and sum(map(int, ran)) > 1000


def test_everything_a_person_looks_for_is_in_its_place(unpacked):
    doc = f"usr/share/doc/{NAME}"
    for name in ("etc/apache2/mods-available/auth0_jwt.load",
                 "etc/apache2/mods-available/auth0_jwt.conf",
                 "usr/share/man/man1/auth0-jwt.1.gz",
                 "usr/share/bash-completion/completions/auth0-jwt",
                 "usr/share/zsh/vendor-completions/_auth0-jwt",
                 "usr/share/fish/vendor_completions.d/auth0-jwt.fish",
                 f"{doc}/README.Debian", f"{doc}/copyright", f"{doc}/changelog.gz",
                 f"{doc}/README.md.gz"):
        assert (unpacked / name).is_file(), name
    shipped = {path.name.removesuffix(".gz") for path in (unpacked / doc / "docs").iterdir()}
    tracked = {name.partition("/")[2] for name in tracked_files("docs")}
    assert shipped == tracked - {"auth0-jwt.1"} and len(shipped) > 5
    examples = {str(path.relative_to(unpacked / doc / "examples"))
                for path in (unpacked / doc / "examples").rglob("*") if path.is_file()}
    assert examples == {name.partition("/")[2] for name in tracked_files("conf")}
    conffiles = (unpacked / "DEBIAN/conffiles").read_text().split()
    assert conffiles == ["/etc/apache2/mods-available/auth0_jwt.conf",
                         "/etc/apache2/mods-available/auth0_jwt.load"]


def test_the_manual_page_is_free_of_mistakes(unpacked):
    page = unpacked / "usr/share/man/man1/auth0-jwt.1.gz"
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                          capture_output=True, text=True,
                          env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "80"})
    assert (done.returncode, done.stderr) == (0, "")


def test_the_settings_that_are_installed_are_comments_but_for_one(unpacked):
    text = (unpacked / "etc/apache2/mods-available/auth0_jwt.conf").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["Auth0StateDir /var/lib/auth0-jwt"]


def digest_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_two_builds_give_the_same_bytes(package, rebuild):
    again = rebuild("again", TZ="Pacific/Apia", LC_ALL="C.UTF-8", DEB_BUILD_OPTIONS=
                    "nocheck parallel=1", HOME="/nonexistent")
    for first in package.folder.glob("*.deb"):
        assert digest_of(again.folder / first.name) == digest_of(first), first.name


def test_the_release_tarball_has_the_tracked_files_and_always_the_same_bytes(
        package, tmp_path):
    first = package.one("*.orig.tar.gz")
    made = said_by(paths.TOP / "tools/dist.sh", tmp_path, umask=0o077,
                   env={**os.environ, "TZ": "Pacific/Apia"}).strip()
    with open(made, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == digest_of(first)
    listed = said_by("tar", "-tzf", first).splitlines()
    top = listed[0].partition("/")[0]
    assert {f"{top}/{name}" for name in tracked_files() if not name.startswith("debian/")} \
        == set(listed)


def test_a_release_tarball_builds_the_package_that_a_clone_builds(package, tmp_path):
    """An unpacked tarball is no repository."""
    subprocess.run(["tar", "-xzf", package.one("*.orig.tar.gz"), "-C", tmp_path], check=True)
    (tree,) = tmp_path.iterdir()
    (tree / "build").mkdir()
    (tree / "build/left-over").write_text("x")
    (tree / ".env").write_text("AUTH0_DOMAIN=tenant.us.auth0.com\n")
    made = said_by(tree / "tools/dist.sh", tmp_path).strip()
    with open(made, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == digest_of(
            package.one("*.orig.tar.gz"))


def test_building_leaves_the_tree_as_it_was(package):
    before, after = package.tree
    assert after == before
