"""The Debian package installed, used, upgraded, removed and purged in a new Debian."""

import re
import shutil
import stat

import pytest

from support import http, pages, paths, tokens
from support.issuer import Issuer
from support.refusal import assert_refusal
from support.wait import wait_until

NAME = "libapache2-mod-auth0-jwt"
CONF = "/etc/apache2/mods-available/auth0_jwt.conf"
ENABLED = "/etc/apache2/mods-enabled/auth0_jwt.load"
STATE = "/var/lib/auth0-jwt"
AUDIENCE = "https://hello-world.example.com"


class Server:
    """The root's own httpd, driven as an administrator drives it."""

    def __init__(self, root):
        self.root = root

    def start(self):
        self.root.do("apache2ctl", "start")
        self.wait()

    def wait(self):
        wait_until(self._answers, 20, "httpd's readiness")

    def _answers(self):
        try:
            return http.request(self.root.port, "OPTIONS", "*").status
        except OSError:
            return None

    @property
    def pid(self):
        return self.root.do("cat", "/run/apache2/apache2.pid").strip()

    def get(self, path="/", token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return http.request(self.root.port, "GET", path, headers)

    def log(self):
        return self.root.path("/var/log/apache2/error.log").read_text()


@pytest.fixture
def root(root_with_apache2):
    made = root_with_apache2.copy()
    with made:
        yield made
    made.remove()


def install(root, package):
    """By apt, which finds what the package depends on."""
    shutil.copy(package.deb, root.path("/tmp"))
    return root.do("apt-get", "install", "-y", f"/tmp/{package.deb.name}")


def protect(root, issuer):
    """What docs/packages.md says, for the tests' issuer."""
    server, htaccess = (block for _, block in pages.blocks(pages.read("docs/packages.md")))
    assert pages.is_htaccess(htaccess)
    root.append(CONF, f"\nAuth0TrustedDomains {issuer.domain}\n")
    root.write("/etc/apache2/conf-available/auth0.conf", server)
    root.do("a2enconf", "auth0")
    root.write("/var/www/html/.htaccess", pages.with_issuer(issuer, htaccess))


def assert_protected(server, issuer):
    """Refused without a token and with a forged one, served with a good one."""
    good = issuer.mint(aud=AUDIENCE)
    assert_refusal(server.get(), "E1")
    assert_refusal(server.get(token=tokens.tampered(good)), "E3", reason="signature_invalid")
    assert_refusal(server.get(token=issuer.mint(aud="https://other.example.com")), "E3",
                   reason="audience_mismatch")
    answer = server.get(token=good)
    assert answer.status == 200, f"{answer!r}\n{server.log()}"
    assert "Apache2 Debian Default Page" in answer.text


def test_installing_enables_the_module_and_changes_nothing_for_the_site(root, package):
    server = Server(root)
    server.start()
    before = server.get()
    said = install(root, package)
    assert "Enable module auth0_jwt" in said
    assert root.path(ENABLED).is_symlink()
    assert "enabled by maintainer script" in root.do("a2query", "-m", "auth0_jwt")
    assert "Syntax OK" in root.do("apache2ctl", "configtest")
    server.wait()
    assert "auth0_jwt_module" in root.do("apache2ctl", "-M")
    after = server.get()
    assert before.status == 200 and after.body == before.body
    assert [name for name, _ in after.headers] == [name for name, _ in before.headers]
    folder = root.path(STATE)
    assert folder.owner() == "www-data" and stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_htaccess_file_protects_the_document_root(root, package, issuer):
    install(root, package)
    protect(root, issuer)
    server = Server(root)
    server.root.do("service", "apache2", "restart")
    server.wait()
    assert_protected(server, issuer)
    (kept,) = wait_until(lambda: list(root.path(STATE).glob("*.jwks")), 5, "keys on disk")
    assert kept.owner() == "www-data" and stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_server_that_starts_during_an_outage_has_the_keys_of_before(
        root, package, authority):
    install(root, package)
    with Issuer(authority) as issuer:
        protect(root, issuer)
        root.do("service", "apache2", "restart")
        server = Server(root)
        server.wait()
        assert_protected(server, issuer)
        wait_until(lambda: list(root.path(STATE).glob("*.jwks")), 5, "keys on disk")
    root.do("service", "apache2", "stop")
    root.do("service", "apache2", "start")
    server.wait()
    assert_protected(server, issuer)


def test_an_upgrade_restarts_the_server_and_keeps_what_the_administrator_wrote(
        root, package, newer_package, issuer):
    install(root, package)
    protect(root, issuer)
    root.do("service", "apache2", "restart")
    server = Server(root)
    server.wait()
    assert_protected(server, issuer)
    pid, conf = server.pid, root.path(CONF).read_text()

    install(root, newer_package)
    assert newer_package.version in root.do("dpkg-query", "-W", NAME)
    wait_until(lambda: server.pid != pid, 10, "a restart")
    server.wait()
    assert_protected(server, issuer)
    assert root.path(CONF).read_text() == conf and issuer.domain in conf
    assert not list(root.path(CONF).parent.glob("auth0_jwt.conf.*"))
    assert "exit signal" not in server.log()


def test_an_upgrade_leaves_a_module_disabled_that_the_administrator_disabled(
        root, package, newer_package):
    install(root, package)
    root.do("a2dismod", "auth0_jwt")
    said = install(root, newer_package)
    assert "disabled by local admin" in said
    assert not root.path(ENABLED).exists()
    assert newer_package.version in root.do("dpkg-query", "-W", NAME)


def test_an_upgrade_does_not_stop_a_server_whose_configuration_is_broken(
        root, package, newer_package, issuer):
    install(root, package)
    protect(root, issuer)
    root.do("service", "apache2", "restart")
    server = Server(root)
    server.wait()
    pid = server.pid
    root.append(CONF, "Auth0Leeway much\n")
    said = install(root, newer_package)
    assert "Not restarting Apache 2" in said and "Auth0Leeway" in said
    assert server.pid == pid
    assert_protected(server, issuer)


def test_an_upgrade_keeps_the_owner_that_the_state_folder_was_given(
        root, package, newer_package):
    install(root, package)
    root.do("chown", "daemon:daemon", STATE)
    install(root, newer_package)
    assert root.path(STATE).owner() == "daemon"
    root.do("rmdir", STATE)
    root.do("dpkg-reconfigure", NAME)
    assert root.path(STATE).owner() == "www-data"


def test_the_readme_of_the_package_says_what_the_page_says():
    readme = (paths.TOP / "debian/README.Debian").read_text()
    for _, block in pages.blocks(pages.read("docs/packages.md")):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        assert "\n".join("    " + line for line in lines) in readme


def test_after_a_removal_httpd_starts_and_opens_nothing_that_was_protected(
        root, package, issuer):
    install(root, package)
    protect(root, issuer)
    root.do("service", "apache2", "restart")
    server = Server(root)
    server.wait()
    assert_protected(server, issuer)
    root.do("apt-get", "remove", "-y", NAME)
    server.wait()
    assert not root.path(ENABLED).is_symlink()
    assert "auth0_jwt" not in root.do("apache2ctl", "-M")
    assert server.get().status == 500
    root.path("/var/www/html/.htaccess").unlink()
    assert server.get().status == 200
    assert root.path(CONF).exists() and root.path(STATE).exists()

    install(root, package)
    assert root.path(ENABLED).is_symlink()
    assert issuer.domain in root.path(CONF).read_text()


def test_a_purge_leaves_nothing_of_the_package(root, package, issuer):
    before = root.listing()
    install(root, package)
    protect(root, issuer)
    root.do("service", "apache2", "restart")
    server = Server(root)
    server.wait()
    assert_protected(server, issuer)
    wait_until(lambda: list(root.path(STATE).glob("*.jwks")), 5, "keys on disk")
    during = root.listing()
    assert any("auth0" in line for line in during - before)
    root.path("/var/www/html/.htaccess").unlink()
    root.do("a2disconf", "auth0")
    root.path("/etc/apache2/conf-available/auth0.conf").unlink()
    root.do("apt-get", "purge", "-y", "--autoremove", NAME)
    # Empty folders that a2dismod and its kin make, and what a2disconf notes of the test's file.
    theirs = r"/var/lib/apache2/(conf|module)/\w+_by_\w+( d |/auth0 )"
    assert not {line for line in root.listing() - before if not re.match(theirs, line)}
    assert not before - root.listing()
    assert "auth0" not in root.do("dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n")


def test_the_smoke_test_of_the_package_passes_there_and_fails_without_the_module(
        root, package):
    install(root, package)
    shutil.copy(package.folder / "source" / f"mod_auth0_jwt-{package.version.split('-')[0]}"
                / "debian/tests/smoke", root.path("/tmp/smoke"))
    said = root.do("/tmp/smoke")
    assert "200, expected 200" in said
    root.do("a2dismod", "auth0_jwt")
    assert root.run("/tmp/smoke").returncode != 0
