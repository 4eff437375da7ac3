"""F9: an administrator's ErrorDocument for each status, of each kind that httpd knows."""

import pytest

from support.conf import PROXY, location, trust
from support.refusal import STATUS, assert_refusal
from support.tokens import tampered
from support.wait import free_port

ADMIN = "auth0-permission read:a"
SCOPE = {"E4": "read:a"}
OUTCOMES = ("E1", "E2", "E3", "E4", "E5")

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "script for $REDIRECT_STATUS of $REDIRECT_URL"
env | grep -E 'REMOTE_USER|AUTH_TYPE|AUTHORIZATION|AUTH0'
"""

#: The document of a status, and what it shows; None where it cannot be shown, so that the
#: answer is as if there were none.
KINDS = {
    "text": ('"text for {status}"', "text for {status}"),
    "static": ("/errors/{status}.html", "page for {status}"),
    "cgi": ("/cgi/error", "script for {status} of /cgi-doc/page.txt\n{user}"),
    "ssi": ("/errors/any.shtml", "included for {status}"),
    # httpd lets an error page of the very section pass (the configuration is the same).
    "in the place": ("/in-the-place/{status}.html", "page in the place for {status}"),
    "elsewhere protected": ("/other-place/page.txt", None),
    "with passwords": ("/basic/page.txt", None),
    "missing": ("/errors/nowhere.html", None),
    "forbidden": ("/errors/denied/page.html", None),
    "another host": ("https://help.example.com/{status}", None),
}
PATHS = {kind: "/" + kind.replace("cgi", "cgi-doc").replace(" ", "-") for kind in KINDS}


@pytest.fixture(scope="module")
def dead_issuer():
    return f"https://localhost:{free_port()}/"


@pytest.fixture(scope="module", params=["auth", "all"])
def server(request, shared_httpd, issuer, dead_issuer):
    config = trust(issuer) + f"Auth0ErrorBody {request.param}\n"
    files = {"cgi/error": (SCRIPT, 0o755), "htdocs/other-place/page.txt": "secret",
             "htdocs/basic/page.txt": "secret", "htdocs/errors/denied/page.html": "secret",
             "htdocs/errors/any.shtml": 'included for <!--#echo var="REDIRECT_STATUS" -->'}
    for kind, (document, _) in KINDS.items():
        lines = [f"ErrorDocument {status} {document.format(status=status)}"
                 for status in (400, 401, 403, 503)]
        config += location(PATHS[kind], f"Auth0Issuer {issuer.iss}",
                           f"Auth0Issuer {dead_issuer}", *lines, require=ADMIN)
        files[f"htdocs{PATHS[kind]}/page.txt"] = "what is protected"
    for status in (400, 401, 403, 503):
        files[f"htdocs/errors/{status}.html"] = f"page for {status}"
        files[f"htdocs/in-the-place/{status}.html"] = f"page in the place for {status}"
    config += location("/other-place", require="auth0-permission read:other") + """
        ScriptAlias /cgi/ ${ROOT}/cgi/
        <Directory "${DOCS}/errors">
            Options +Includes
            AddType text/html .shtml
            AddOutputFilter INCLUDES .shtml
        </Directory>
        <Location "/errors/denied">
            Require all denied
        </Location>
        <Location "/basic">
            AuthType Basic
            AuthName passwords
            AuthUserFile /dev/null
            Require valid-user
        </Location>
        """
    # mod_expires would like its say too.
    config += 'ExpiresActive On\nExpiresDefault "access plus 60 seconds"\n'
    return shared_httpd(config, modules=(*PROXY, "expires", "cgid", "include", "auth_basic",
                                         "authn_file"), files=files)


def ask(server, issuer, dead_issuer, outcome, kind, method="GET"):
    path = PATHS[kind] + "/page.txt"
    if outcome == "E2":
        return server.request(method, path, headers={"Authorization": "Bearer a b"})
    token = {"E1": lambda: None, "E3": lambda: tampered(issuer.mint()),
             "E4": issuer.mint, "E5": lambda: issuer.mint(iss=dead_issuer)}[outcome]()
    return server.request(method, path, token)


def is_elsewhere(kind, outcome):
    """httpd sends a client to another host; but for 401 it keeps to its own pages."""
    return kind == "another host" and STATUS[outcome] != 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", KINDS)
def test_f9_the_status_and_the_one_challenge_stay_whatever_the_document(
        server, issuer, dead_issuer, kind, outcome, method):
    answer = ask(server, issuer, dead_issuer, outcome, kind, method)
    if is_elsewhere(kind, outcome):
        assert answer.status == 302, repr(answer)
        assert answer.header("Location") == f"https://help.example.com/{STATUS[outcome]}"
        return
    assert answer.all("Expires") == [], repr(answer)
    shown = KINDS[kind][1]
    if outcome == "E5" and shown is not None:
        # What was described in the JSON is gone with it.
        assert answer.status == 503 and answer.all("WWW-Authenticate") == [], repr(answer)
        assert int(answer.header("Retry-After")) >= 1
        assert answer.header("Cache-Control") == "no-store"
        return
    assert_refusal(answer, outcome, scope=SCOPE.get(outcome), method=method,
                   body="json" if shown is None else None)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", KINDS)
def test_f9_the_document_stands_for_the_json_and_shows_nothing_else(
        server, issuer, dead_issuer, kind, outcome):
    answer = ask(server, issuer, dead_issuer, outcome, kind)
    status, expected = STATUS[outcome], KINDS[kind][1]
    assert b"secret" not in answer.body and b"protected" not in answer.body
    if expected is not None:
        # A script learns whom a refusal is about, if that is known, and never the token.
        user = "REDIRECT_REMOTE_USER=client-1@clients\n" if outcome == "E4" else ""
        assert answer.text == expected.format(status=status, user=user), repr(answer)
    elif is_elsewhere(kind, outcome):
        assert b"message" not in answer.body


def test_f9_with_the_permission_there_is_no_document(server, issuer):
    for path in PATHS.values():
        answer = server.get(path + "/page.txt", issuer.mint(permissions=["read:a"]))
        assert (answer.status, answer.text) == (200, "what is protected")
        assert len(answer.all("Expires")) == 1
