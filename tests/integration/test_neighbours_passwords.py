"""F18: passwords beside tokens: mod_auth_basic and mod_auth_digest, apart and as a choice."""

import base64
import hashlib
import re

import pytest

from support import paths
from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal, challenge
from support.tokens import tampered

AUDIENCE = "https://api.example.com"
#: Server-wide, as the README has it: it must not make the others' places ours.
AUDIENCE_OF_ALL = f"Auth0Audience {AUDIENCE}\n"
ADMIN = "auth0-permission read:a"
REALM = "of the passwords"
#: Passwords for the tests alone.
PASSWORDS = {"ann": "ann's", "bob": "bob's"}


def htpasswd():
    return "".join(f"{name}:{{SHA}}" + base64.b64encode(
        hashlib.sha1(password.encode()).digest()).decode() + "\n"
        for name, password in PASSWORDS.items())


def htdigest():
    return "".join(f"{name}:{REALM}:" + md5(f"{name}:{REALM}:{password}") + "\n"
                   for name, password in PASSWORDS.items())


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


BASIC = f"""
    AuthType Basic
    AuthName "{REALM}"
    AuthUserFile ${{ROOT}}/htpasswd
"""
DIGEST = f"""
    AuthType Digest
    AuthName "{REALM}"
    AuthUserFile ${{ROOT}}/htdigest
"""

# AuthType is one for a section, so no RequireAny can offer a choice of schemes. A section
# inside another can: it applies by the scheme that the request itself uses.
CHOICE = f"""
<Location "/choice">
    AuthType Auth0
    Auth0Audience {AUDIENCE}
    Require valid-user
    <If "%{{HTTP:Authorization}} =~ /^Basic /i">
        {BASIC}
        Require valid-user
    </If>
</Location>
<Location "/choice/admin">
    Require auth0-permission read:a
    <If "%{{HTTP:Authorization}} =~ /^Basic /i">
        Require user ann
    </If>
</Location>
"""


@pytest.fixture(scope="module", params=["loaded before us", "loaded after us"])
def server(request, shared_httpd, issuer, shared_backend):
    # Hooks of one rank are asked in the order of loading.
    theirs, before = ("auth_basic", "auth_digest"), ""
    if request.param == "loaded after us":
        before = "".join(f"LoadModule {name}_module {paths.LIBEXECDIR}/mod_{name}.so\n"
                         for name in theirs)
        theirs = ()
    return shared_httpd(
        trust(issuer) + AUDIENCE_OF_ALL + location("/valid") + location("/admin", require=ADMIN)
        + f'<Location "/basic">{BASIC}Require valid-user\n</Location>\n'
        + f'<Location "/digest">{DIGEST}Require valid-user\n</Location>\n'
        + CHOICE + proxied(shared_backend),
        before=before, modules=(*PROXY, "authn_file", *theirs),
        files={"htpasswd": htpasswd(), "htdigest": htdigest()})


def basic(user, password=None):
    pair = f"{user}:{password or PASSWORDS[user]}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def digest(server, path, user, password=None):
    """The answer to the challenge of this place (RFC 7616, MD5, qop=auth)."""
    asked = server.get(path).header("WWW-Authenticate")
    nonce = re.search(r'nonce="([^"]+)"', asked).group(1)
    first = md5(f"{user}:{REALM}:{password or PASSWORDS[user]}")
    response = md5(":".join((first, nonce, "00000001", "abc", "auth", md5(f"GET:{path}"))))
    return {"Authorization": f'Digest username="{user}", realm="{REALM}", nonce="{nonce}", '
                             f'uri="{path}", algorithm=MD5, qop=auth, nc=00000001, '
                             f'cnonce="abc", response="{response}"'}


def assert_user(answer, backend, user, scheme):
    assert answer.status == 200, repr(answer)
    (seen,) = backend.hits
    assert seen_header(seen, "X-Remote-User") == [user]
    assert seen_header(seen, "X-Auth-Type") == [scheme]


def test_f18_each_outcome_of_ours_is_the_same_beside_passwords(server, issuer, backend):
    token = issuer.mint()
    assert_refusal(server.get("/valid"), "E1", backend=backend)
    assert_refusal(server.get("/valid", headers={"Authorization": "Bearer"}), "E2",
                   backend=backend)
    assert_refusal(server.get("/valid", tampered(token)), "E3", backend=backend)
    assert_refusal(server.get("/admin", token), "E4", scope="read:a", backend=backend)
    assert_accepted(server.get("/valid", token), backend)


def test_f18_a_password_does_not_open_our_place(server, issuer, backend):
    assert_refusal(server.get("/valid", headers=basic("ann")), "E1", backend=backend)
    assert_refusal(server.get("/valid", headers=digest(server, "/digest", "ann")), "E1",
                   backend=backend)
    assert_accepted(server.get("/valid", issuer.mint()), backend)


def test_f18_a_token_does_not_open_the_places_of_passwords(server, issuer, backend):
    token = issuer.mint(sub="ann")
    answer = server.get("/basic", token)
    assert answer.status == 401
    assert answer.all("WWW-Authenticate") == [f'Basic realm="{REALM}"']
    answer = server.get("/digest", token)
    assert answer.status == 401
    assert answer.header("WWW-Authenticate").startswith("Digest ")
    # Nor as a password. (As a name it would stand in mod_auth_basic's lines of the log.)
    assert server.get("/basic", headers=basic("ann", token)).status == 401
    assert backend.hits == []


def test_f18_their_own_places_work(server, backend):
    assert_user(server.get("/basic", headers=basic("ann")), backend, "ann", "Basic")
    backend.hits.clear()
    assert_user(server.get("/digest", headers=digest(server, "/digest", "bob")), backend,
                "bob", "Digest")
    backend.hits.clear()
    for path, headers in (("/basic", basic("ann", "wrong")),
                          ("/digest", digest(server, "/digest", "ann", "wrong"))):
        answer = server.get(path, headers=headers)
        assert answer.status == 401
        assert answer.header("Content-Type").startswith("text/html")
        assert [value.split()[0] for value in answer.all("WWW-Authenticate")] == \
            [path[1:].capitalize()]
    assert backend.hits == []


def test_f18_where_the_scheme_chooses_both_kinds_of_credentials_work(server, issuer, backend):
    assert_accepted(server.get("/choice", issuer.mint()), backend)
    backend.hits.clear()
    assert_user(server.get("/choice", headers=basic("bob")), backend, "bob", "Basic")


def test_f18_where_the_scheme_chooses_bad_credentials_of_each_kind_are_refused(
        server, issuer, backend):
    assert_refusal(server.get("/choice"), "E1", backend=backend)
    assert_refusal(server.get("/choice", tampered(issuer.mint())), "E3", backend=backend)
    assert_refusal(server.get("/choice", headers={"Authorization": "Bearer"}), "E2",
                   backend=backend)
    answer = server.get("/choice", headers=basic("ann", "wrong"))
    assert answer.status == 401 and backend.hits == []
    assert answer.all("WWW-Authenticate") == [f'Basic realm="{REALM}"']


def test_f18_where_the_scheme_chooses_neither_opens_what_needs_more(server, issuer, backend):
    path = "/choice/admin"
    assert_refusal(server.get(path, issuer.mint()), "E4", scope="read:a", backend=backend)
    # The name that Basic needs does not help a token that bears it, nor the other way round.
    assert_refusal(server.get(path, issuer.mint(sub="ann")), "E4", scope="read:a",
                   backend=backend)
    assert server.get(path, headers=basic("bob")).status == 401
    assert backend.hits == []
    assert_accepted(server.get(path, issuer.mint(permissions=["read:a"])), backend)
    backend.hits.clear()
    assert_user(server.get(path, headers=basic("ann")), backend, "ann", "Basic")


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_f18_where_the_scheme_chooses_its_case_does_not_matter(server, backend, scheme):
    value = basic("ann")["Authorization"].replace("Basic", scheme)
    assert_user(server.get("/choice", headers={"Authorization": value}), backend, "ann",
                "Basic")


@pytest.mark.parametrize("order", ["basic first", "bearer first"])
def test_f18_where_the_scheme_chooses_two_headers_open_nothing_by_halves(
        server, issuer, backend, order):
    """httpd joins them: what comes first is what both modules would read."""
    lines = [("Authorization", basic("ann", "wrong")["Authorization"]),
             ("Authorization", f"Bearer {issuer.mint()}")]
    if order == "bearer first":
        lines.reverse()
    answer = server.get("/choice", headers=lines)
    assert answer.status in (400, 401), repr(answer)
    assert backend.hits == []
    assert answer.all("WWW-Authenticate") == (
        [f'Basic realm="{REALM}"'] if answer.status == 401 and order == "basic first"
        else [challenge("E2", "Authorization header value must follow this format: "
                              "Bearer access-token")])
