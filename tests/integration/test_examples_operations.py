"""docs/operations.md and docs/errors.md: their configurations, commands and messages."""

import os
import re
import subprocess

import pytest

from support import pages, paths
from support.conf import location, trust
from support.httpd import Httpd
from support.issuer import Issuer
from support.pages import changed, example
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import free_port, wait_until

OPERATIONS, ERRORS = "docs/operations.md", "docs/errors.md"
AUDIENCE = "https://api.example.com"
PAGE = {"htdocs/valid": "the page"}


def blocks_of(page, heading, language=""):
    """The blocks of a section."""
    (text,) = [text for name, text in pages.sections(pages.read(page)) if name == heading]
    return [block for _, block in pages.blocks(text, language)]


def message_of(line):
    """What a line that a page shows has behind time, process and client."""
    return re.sub(r"^(\[[^]]*\] )+", "", line.strip())


# ---- docs/errors.md --------------------------------------------------------------------


@example("The log", ERRORS)
def test_the_log_says_what_the_page_shows_and_only_when_asked(httpd, issuer, block):
    (shown,) = blocks_of(ERRORS, "The log")
    promised = [message_of(line) for line in shown.splitlines()]
    assert len(promised) == 2
    place = location("/valid", require="auth0-permission read:admin-messages")
    for line, said in ((block, 1), ("", 0)):
        server = httpd(trust(issuer) + place + line, files=PAGE, log_level="warn")
        good = issuer.mint(sub="auth0|dev-user", permissions=["read:admin-messages"])
        assert server.get("/valid", good).status == 200
        assert_refusal(server.get("/valid"), "E1")
        assert_refusal(server.get("/valid", "opaque"), "E3", reason="token_opaque")
        assert_refusal(server.get("/valid", issuer.mint(sub="auth0|dev-user")), "E4",
                       scope="read:admin-messages", reason="permission_missing")
        assert [server.log().count(text) for text in promised] == [said, said]
        assert "no_credentials" not in server.log()
        # What mod_authz_core adds, until it is told not to.
        assert server.log().count("AH01631") == 1
    quiet = httpd(trust(issuer) + place + "LogLevel authz_core:crit\n", files=PAGE)
    assert quiet.get("/valid", issuer.mint()).status == 403
    quiet.wait_for_log("permission_missing")
    assert "AH01631" not in quiet.log()


TRUST = f"Auth0Domain tenant.us.auth0.com\nAuth0Audience {AUDIENCE}\n"
#: Message of the page -> (the module is loaded, a configuration that gets it, refused)
MISTAKES = {
    "Invalid command 'Auth0Domain'": (False, TRUST, True),
    "no Auth0Audience is in force there":
        (True, "Auth0Domain tenant.us.auth0.com\n" + location("/", audience=None), True),
    "is a URL; write the domain alone": (True, "Auth0Domain https://tenant.us.auth0.com/\n", True),
    "names a variable that is not defined": (True, "Auth0Domain ${AUTH0_DOMAIN}\n", True),
    "httpd would skip authentication":
        (True, TRUST + location("/", require="not auth0-permission a"), True),
    "protects nothing, since nothing there requires a user":
        (True, TRUST + location("/", require=None), False),
}


def messages_of_the_page():
    (text,) = [text for name, text in pages.sections(pages.read(ERRORS))
               if name == "When httpd does not start"]
    return set(re.findall(r"^\| `([^`]+)` \|", text, flags=re.M))


def test_the_page_tells_of_these_mistakes():
    assert messages_of_the_page() == set(MISTAKES)


@pytest.mark.parametrize("message", MISTAKES)
def test_httpd_says_what_the_page_quotes(message):
    loaded, config, refused = MISTAKES[message]
    server = Httpd(config, auth0=loaded)
    status, said = server.configtest()
    assert message in said and (status != 0) == refused, said
    assert re.search(r"line \d+ of \S+test\.conf", said)
    # Twin: nothing of it is said of a configuration without the mistake.
    server = Httpd(TRUST + location("/", audience=None))
    status, said = server.configtest()
    assert status == 0 and message not in said


# ---- docs/operations.md ----------------------------------------------------------------


@example("Outages", OPERATIONS)
def test_the_state_folder_of_the_page_holds_the_keys_over_a_stop(httpd, issuer, block):
    """The folder is made by the page's own command, for a path of the test."""
    (command,) = blocks_of(OPERATIONS, "Outages", "sh")
    server = Httpd("", files=PAGE)
    folder = server.root / "auth0-jwt"
    done = subprocess.run(["sh", "-euc", own(changed(command, {
        "/var/lib/auth0-jwt": folder}))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    server.configure(trust(issuer) + location("/valid")
                     + changed(block, {"/var/lib/auth0-jwt": folder}))
    with server:
        assert server.get("/valid", issuer.mint()).text == "the page"
        wait_until(lambda: any(folder.iterdir()), 5, "a file in the folder")


def own(command):
    """A tester who is not root can give files to nobody else, and needs not."""
    return command if os.geteuid() == 0 else re.sub(r" -o \S+ -g \S+", "", command)


def test_the_warning_of_an_outage_is_the_one_of_the_page(httpd, authority, ready_key):
    shown = [message_of(line) for line in blocks_of(OPERATIONS, "Outages")[0].splitlines()]
    away = Issuer(authority, keys=[ready_key])
    server = httpd(trust(away) + location("/valid"))
    head = shown[0].rpartition(": ")[0].rpartition(": ")[0]
    assert head.endswith("(failures in a row: 1)")
    server.wait_for_log(head.replace("tenant.us.auth0.com", away.domain) + ": ")
    # What the table under it says of this one.
    rows = re.findall(r"^\| (`.*?) \|", pages.read(OPERATIONS), flags=re.M)
    assert any("`Connection refused`" in row for row in rows)
    assert "Connection refused" in server.log()
    assert_refusal(server.get("/valid", away.mint()), "E5")


def test_an_outage_is_rehearsed_as_the_page_says(several_processes, httpd, issuer):
    """A closed port for a proxy: tokens are accepted on, and the warning comes."""
    (line,) = re.findall(r"`(Auth0HTTPProxy http://127\.0\.0\.1:\d+)`", pages.read(OPERATIONS))
    rehearsed = line.rpartition(":")[0] + f":{free_port()}\n"
    config = trust(issuer) + location("/valid") + "Auth0JWKSRefresh 1s 1h\n"
    server = httpd(config, files=PAGE)
    assert server.get("/valid", issuer.mint()).status == 200
    server.configure(config + rehearsed)
    mark = server.graceful()
    server.wait_for_log("cannot fetch the keys of issuer", mark)
    assert server.get("/valid", issuer.mint()).text == "the page"
    assert_refusal(server.get("/valid", tampered(issuer.mint())), "E3",
                   reason="signature_invalid")
    server.configure(config)
    seen = issuer.fetches
    server.graceful()
    issuer.wait_for_fetches(seen + 1)


def test_a_new_document_is_a_line_in_the_log_as_the_page_shows(httpd, ready_issuer):
    (line,) = blocks_of(OPERATIONS, "Keys and their rotation")
    expected = message_of(line).replace("tenant.us.auth0.com", ready_issuer.domain)
    server = httpd(trust(ready_issuer) + location("/valid") + "Auth0JWKSRefresh 10min 24h 100ms",
                   files=PAGE, log_level="warn auth0_jwt:info")
    before = ready_issuer.mint()
    assert server.get("/valid", before).status == 200
    assert expected not in server.log()
    ready_issuer.rotate()
    assert [server.get("/valid", token).status for token in (ready_issuer.mint(), before)] \
        == [200, 200]
    server.wait_for_log(expected)


@example("Logs", OPERATIONS)
def test_refusals_are_counted_by_the_command_of_the_page(httpd, issuer, block):
    (command,) = blocks_of(OPERATIONS, "Logs", "sh")
    server = httpd(trust(issuer) + location("/valid") + location("/more", require="user ann")
                   + block, files=PAGE, log_level="warn")
    for path, token, times in (("/valid", "opaque", 3), ("/more", issuer.mint(), 2),
                               ("/valid", issuer.mint(aud="x"), 1), ("/valid", issuer.mint(), 4)):
        for _ in range(times):
            server.get(path, token)
    server.wait_for_log("audience_mismatch")
    done = subprocess.run(["sh", "-euc", command], cwd=server.root / "logs",
                          capture_output=True, text=True)
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == \
        ["3 rejected (token_opaque)", "2 refused (requirement_not_met)",
         "1 rejected (audience_mismatch)"]


@example("Monitoring", OPERATIONS)
def test_the_health_check_needs_neither_token_nor_keys(httpd, authority, ready_key, block):
    away = Issuer(authority, keys=[ready_key])
    server = httpd(trust(away) + location("/") + block)
    assert server.get("/healthz").json() == {"message": "ok"}
    assert_refusal(server.get("/other"), "E1")
    assert_refusal(server.get("/other", away.mint()), "E5")


class Named(Issuer):
    """It notes which version of the module asks."""

    def __init__(self, authority, **more):
        super().__init__(authority, **more)
        self.agents = []

    def _answer(self, handler):
        self.agents.append(handler.headers["User-Agent"])
        super()._answer(handler)


def wait_for_the_next(issuer):
    seen = len(issuer.agents)
    wait_until(lambda: len(issuer.agents) >= seen + 2, 15, "two more fetches")
    return set(issuer.agents[seen + 1:])


def test_a_new_module_file_counts_from_the_next_stop_and_start_on(several_processes,
                                                                  authority, ready_key):
    """What "Upgrading" says: the parent process keeps what it has loaded."""
    binary = paths.MODULE.read_bytes()
    (agent,) = set(re.findall(rb"mod_auth0_jwt/\d+\.\d+\.\d+", binary))
    other = re.sub(rb"\d", b"9", agent)
    server = Httpd(auth0=False, files={**PAGE, "mod_auth0_jwt.so": binary})
    with Named(authority, keys=[ready_key]) as tenant:
        server.configure(f"LoadModule auth0_jwt_module {server.root}/mod_auth0_jwt.so\n"
                         + trust(tenant) + location("/valid") + "Auth0JWKSRefresh 1s 1h\n")
        with server:
            assert server.get("/valid", tenant.mint()).status == 200
            server.write("mod_auth0_jwt.so", binary.replace(agent, other))
            for again in (server.graceful, server.restart):
                again()
                assert wait_for_the_next(tenant) == {agent.decode()}
                assert server.get("/valid", tenant.mint()).status == 200
            server.end()
            server.start()
            assert wait_for_the_next(tenant) == {other.decode()}
            assert server.get("/valid", tenant.mint()).text == "the page"
