"""The RPM package that the spec makes with this system's httpd.

It shows that the spec builds and lists every file; no Fedora was there to try it on.
"""

import re
import subprocess

import pytest

from support import paths, tokens
from support.httpd import Httpd
from support.issuer import Authority, Issuer
from support.refusal import assert_refusal

SPEC = paths.TOP / "packaging/mod_auth0_jwt.spec"
AUDIENCE = "https://api.example.com"


def said_by(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def packages():
    """(source, binary): what `make rpm` builds."""
    folder = paths.TOP / "build/rpm"
    done = subprocess.run([paths.TOP / "tools/rpm.sh", folder], text=True, timeout=900,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    (source,) = folder.glob("SRPMS/*.src.rpm")
    (binary,) = folder.glob("RPMS/*/mod_auth0_jwt-[0-9]*.rpm")
    return source, binary


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rpm")
    with open(packages[1], "rb") as package:
        archive = subprocess.run(["rpm2archive", "-"], stdin=package, check=True,
                                 capture_output=True).stdout
    subprocess.run(["tar", "-xz", "-C", folder], input=archive, check=True)
    return folder


def files_of(package):
    """Path to (mode, owner, flags), but for links to debugging symbols."""
    lines = said_by("rpm", "-qp", "--qf",
                    "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} f%{FILEFLAGS:fflags}\n]",
                    package).splitlines()
    return {name: tuple(rest) for name, *rest in map(str.split, lines)
            if "/.build-id" not in name}


def test_every_file_is_where_fedora_has_its_kind(packages):
    files = files_of(packages[1])
    doc = "/usr/share/doc/mod_auth0_jwt-1.0.0/"
    others = {name for name in files if not name.startswith(doc.rstrip("/"))}
    assert others == {
        f"{paths.LIBEXECDIR}/mod_auth0_jwt.so", "/usr/bin/auth0-jwt",
        "/etc/httpd/conf.modules.d/10-auth0_jwt.conf", "/etc/httpd/conf.d/auth0_jwt.conf",
        "/usr/share/man/man1/auth0-jwt.1",
        "/usr/share/bash-completion/completions/auth0-jwt",
        "/usr/share/fish/vendor_completions.d/auth0-jwt.fish",
        "/usr/share/zsh/site-functions/_auth0-jwt",
        "/usr/share/licenses/mod_auth0_jwt-1.0.0",
        "/usr/share/licenses/mod_auth0_jwt-1.0.0/LICENSE", "/var/lib/httpd/auth0-jwt"}
    documents = {name.removeprefix(doc) for name in files if name.startswith(doc)}
    assert documents >= {"README.md", "CHANGELOG.md", "docs/directives.md",
                         "conf/hello-world.conf"}
    assert not [name for name in documents if name.endswith(".1")]
    assert files["/var/lib/httpd/auth0-jwt"] == ("drwx------", "apache", "f")
    for name, (_, _, flags) in files.items():
        # c, n: a configuration file that an upgrade does not overwrite
        assert (flags == "fcn") == name.startswith("/etc/"), name


def test_it_requires_the_servers_interface(packages):
    assert re.search(r"^httpd-mmn = \d{8}$", said_by("rpm", "-qp", "--requires",
                                                    packages[1]), flags=re.M)


def test_the_source_package_has_the_spec_and_the_release_tarball(packages):
    assert said_by("rpm", "-qpl", packages[0]).split() == ["mod_auth0_jwt-1.0.0.tar.gz",
                                                           "mod_auth0_jwt.spec"]


def test_the_unit_tests_ran_when_it_was_built(packages):
    log = (paths.TOP / "build/rpm/build.log").read_text()
    ran = re.findall(r"^100%: Checks: (\d+), Failures: 0, Errors: 0$", log, flags=re.M)
    assert len(ran) == len(list((paths.TOP / "tests/unit").glob("test_*.c")))


def test_rpmlint_has_nothing_to_say_but_what_is_explained(packages):
    config = SPEC.with_suffix(".rpmlintrc")
    done = subprocess.run(["rpmlint", "-r", config, SPEC, *packages], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout
    assert re.search(r"0 errors, 0 warnings", done.stdout), done.stdout
    bare = subprocess.run(["rpmlint", SPEC, *packages], capture_output=True, text=True)
    assert "no-url-tag" in bare.stdout


def test_its_module_runs_in_httpd_with_its_own_settings(unpacked, monkeypatch):
    """LoadModule as the package writes it, from a ServerRoot as Fedora's is."""
    authority = Authority()
    module = unpacked / str(paths.LIBEXECDIR / "mod_auth0_jwt.so").lstrip("/")
    load = (unpacked / "etc/httpd/conf.modules.d/10-auth0_jwt.conf").read_text()
    settings = (unpacked / "etc/httpd/conf.d/auth0_jwt.conf").read_text()
    assert "/var/lib/httpd/auth0-jwt" in settings
    with Issuer(authority) as issuer:
        server = Httpd(auth0=False, files={"htdocs/index.html": "It works.",
                                           "modules/mod_auth0_jwt.so":
                                               (module.read_bytes(), 0o755)})
        state = server.root / "state"
        server.configure(load + settings.replace("/var/lib/httpd/auth0-jwt", str(state)) + f"""
            Auth0CAFile {issuer.ca_file}
            <Location "/">
                AuthType Auth0
                Auth0Domain {issuer.domain}
                Auth0Audience {AUDIENCE}
                Require valid-user
            </Location>
            """)
        status, said = server.configtest()
        assert status != 0 and "Auth0StateDir" in said, "the folder is the package's"
        state.mkdir(0o700)
        with server:
            good = issuer.mint(aud=AUDIENCE)
            assert_refusal(server.get("/"), "E1")
            assert_refusal(server.get("/", tokens.tampered(good)), "E3")
            assert server.get("/index.html", good).status == 200


def test_its_tool_runs(unpacked):
    said = said_by(unpacked / "usr/bin/auth0-jwt", "help")
    assert "verify" in said
