"""Auth0PassHeaders: claims as header fields that only httpd can set."""

import urllib.parse

import pytest

from support.backend import seen_header
from support.conf import PROXY, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered

NAMES = ("X-User", "X-Email", "X-Roles")
ROLES = "https://example.com/roles"


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + proxied(shared_backend)
        + location("/in", f"Auth0PassHeaders sub=X-User email=X-Email {ROLES}=X-Roles")
        + location("/in/inner", "Auth0PassHeaders email=X-Email")
        + location("/other") + """
        RewriteEngine On
        RewriteRule ^/rewritten$ /in/target [PT]
        <Location "/in/early">
            RequestHeader set X-Email "from the configuration"
        </Location>
        """, modules=(*PROXY, "rewrite"))


def fields(backend):
    """Whatever of ours the back end saw, in any spelling."""
    (seen,) = backend.hits
    return {name.lower().replace("_", "-"): value for name, value in seen["headers"]
            if name.lower().replace("_", "-") in [ours.lower() for ours in NAMES]}


def test_the_back_end_gets_the_claims(server, issuer, backend):
    token = issuer.mint(email="a@example.com", **{ROLES: ["x", "y,z"]})
    for path in ("/in", "/rewritten"):
        assert server.get(path, token).status == 200
        assert fields(backend) == {"x-user": "client-1@clients", "x-email": "a@example.com",
                                   "x-roles": '["x","y,z"]'}
        backend.hits.clear()


@pytest.mark.parametrize("value", ["plain", "ünï – 名", "100 %", "%41", "a;b,c=\"d\"", "", "é\\"])
def test_f12_any_text_arrives_and_can_be_undone(server, issuer, backend, value):
    assert server.get("/in", issuer.mint(email=value)).status == 200
    raw = fields(backend)["x-email"]
    assert raw.isascii() and urllib.parse.unquote(raw) == value


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x7f", None])
def test_f12_what_could_split_a_field_is_not_passed(server, issuer, backend, value):
    assert server.get("/in", issuer.mint(email=value)).status == 200
    assert "x-email" not in fields(backend)
    assert seen_header(backend.hits[0], "X-Evil") == []


SPELLINGS = ("X-Email", "x-email", "X-EMAIL", "X_Email", "x_email", "X_EMAIL")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("path", ["/in", "/in/inner", "/other", "/public"])
def test_f11_a_client_cannot_bring_one_in_any_spelling(server, issuer, backend, path, spelling):
    headers = [(spelling, "admin@example.com"), (spelling, "twice"), ("X-Else", "stays")]
    if path != "/public":
        headers.append(("Authorization", f"Bearer {issuer.mint()}"))
    assert server.get(path, headers=headers).status == 200
    assert "x-email" not in fields(backend)
    assert seen_header(backend.hits[0], "X-Else") == ["stays"]


def test_f11_its_own_value_replaces_the_clients(server, issuer, backend):
    headers = {name: "evil" for name in ("X_User", "x-user", "X-EMAIL")}
    assert server.get("/in", issuer.mint(email="good"), headers=headers).status == 200
    assert fields(backend) == {"x-user": "client-1@clients", "x-email": "good"}


def test_an_inner_list_replaces_the_outer_and_other_places_get_none(server, issuer, backend):
    assert server.get("/in/inner", issuer.mint(email="e")).status == 200
    assert fields(backend) == {"x-email": "e"}
    backend.hits.clear()
    assert server.get("/other", issuer.mint(email="e")).status == 200
    assert fields(backend) == {}


def test_it_comes_after_whatever_else_sets_such_a_field(server, issuer, backend):
    assert server.get("/in/early", issuer.mint(email="of the token")).status == 200
    assert fields(backend)["x-email"] == "of the token"


def test_a_refused_request_reaches_nobody(server, issuer, backend):
    assert_refusal(server.get("/in", tampered(issuer.mint(email="e"))), "E3",
                   backend=backend)


REFUSED = {
    **{f"sub={name}": "meaning of its own" for name in (
        "Host", "host", "Authorization", "Proxy-Authorization", "Proxy_Connection", "Proxy",
        "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "transfer_encoding",
        "Upgrade", "Content-Length", "Cookie", "Expect")},
    "sub": "is not claim=Header", "sub=": "is not claim=Header", "=X-A": "is not claim=Header",
    '"sub=X A"': "is not claim=Header", "sub=X:A": "is not claim=Header",
    "sub=Xé": "is not claim=Header", "a=X-A b=x_a": "named twice", "a=${NO}": "NO",
}


@pytest.mark.parametrize("value", REFUSED)
def test_c0_a_name_that_cannot_be_meant_is_refused(bench, value):
    bench.assert_refuses(f"Auth0PassHeaders {value}\n", REFUSED[value])


def test_an_htaccess_file_may_not_say_it(httpd, issuer):
    server = httpd(trust(issuer) + '<Directory "${DOCS}">\nAllowOverride AuthConfig\n'
                   "</Directory>\n", files={"htdocs/.htaccess": "Auth0PassHeaders a=X-A\n",
                                            "htdocs/page": "x"})
    assert server.get("/page", issuer.mint()).status == 500
