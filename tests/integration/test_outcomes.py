"""Every outcome of DESIGN.md section 2, to the byte, as a client sees it."""

import pytest

from support import reasons
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import free_port

ADMIN = "auth0-permission read:admin-messages"


@pytest.fixture(scope="module")
def dead_issuer():
    """An issuer that nobody answers for."""
    return f"https://localhost:{free_port()}/"


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend, dead_issuer):
    return shared_httpd(
        trust(issuer) + proxied(shared_backend, "/unsure")
        + location("/valid")
        + location("/admin", require=ADMIN)
        + location("/forbidding", "AuthzSendForbiddenOnFailure On", require=ADMIN)
        + location("/named", "AuthName hello")
        + location("/quoted", r'AuthName "My \"own\" API"')
        + location("/user", require="user client-1@clients")
        + location("/other-user", require="user somebody-else")
        + location("/two-lines", require=["auth0-permission read:a read:b",
                                          "auth0-permission read:b read:c",
                                          "auth0-scope read:c profile"])
        + location("/mixed", require=["user somebody-else", "auth0-permission read:a"])
        + location("/all-words", require="auth0-permission read:a read:b")
        + location("/any", """
            <RequireAny>
                Require auth0-permission read:a
                Require auth0-scope profile
            </RequireAny>""", require=None)
        + location("/both", """
            <RequireAll>
                Require auth0-permission read:a
                Require auth0-scope profile
            </RequireAll>""", require=None)
        + location("/down", f"Auth0Issuer {dead_issuer}")
        + """
        <Directory "${DOCS}/unsure">
            AllowOverride AuthConfig
        </Directory>
        """,
        modules=PROXY,
        files={"htdocs/unsure/.htaccess": "AuthType Auth0\nRequire valid-user\n",
               "htdocs/unsure/page.txt": "never shown"})


def ask(server, issuer, dead_issuer, outcome, method="GET", version="1.1"):
    """A request that gets this outcome."""
    good = issuer.mint()
    if outcome == "OK":
        return server.request(method, "/valid", good, version=version)
    if outcome == "E1":
        return server.request(method, "/valid", version=version)
    if outcome == "E2":
        return server.request(method, "/valid", headers={"Authorization": "Bearer a b"},
                              version=version)
    if outcome == "E3":
        return server.request(method, "/valid", tampered(good), version=version)
    if outcome == "E4":
        return server.request(method, "/admin", good, version=version)
    if outcome == "E5":
        return server.request(method, "/down", issuer.mint(iss=dead_issuer),
                              version=version)
    return server.request(method, "/unsure/page.txt", good, version=version)


OUTCOMES = ("E1", "E2", "E3", "E4", "E5", "E6")
REASON = {"E3": "signature_invalid", "E4": "permission_missing"}
SCOPE = {"E4": "read:admin-messages"}


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_has_its_exact_answer(server, issuer, backend, dead_issuer, outcome,
                                           method, version):
    mark = server.mark()
    answer = ask(server, issuer, dead_issuer, outcome, method, version)
    assert_refusal(answer, outcome, method=method, scope=SCOPE.get(outcome),
                   reason=REASON.get(outcome), server=server, mark=mark,
                   backend=backend)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_a_valid_token_reaches_the_back_end(server, issuer, backend, dead_issuer, method,
                                            version):
    assert_accepted(ask(server, issuer, dead_issuer, "OK", method, version), backend)


def test_the_exact_bytes_of_e1(server):
    answer = server.get("/valid")
    assert answer.status == 401
    assert answer.all("WWW-Authenticate") == ['Bearer realm="api"']
    assert answer.body == b'{"message":"Requires authentication"}'


def test_the_exact_bytes_of_e2(server):
    answer = server.get("/valid", headers={"Authorization": "Bearer"})
    sentence = "Authorization header value must follow this format: Bearer access-token"
    assert answer.status == 400
    assert answer.all("WWW-Authenticate") == [
        'Bearer realm="api", error="invalid_request", '
        f'error_description="{sentence}"']
    assert answer.body == (b'{"error":"invalid_request","error_description":"'
                           + sentence.encode()
                           + b'","message":"Requires authentication"}')


def test_the_exact_bytes_of_e3(server, issuer):
    answer = server.get("/valid", issuer.mint(exp_in=-3600))
    sentence = reasons.table()["expired"].sentence
    assert answer.status == 401
    assert answer.all("WWW-Authenticate") == [
        f'Bearer realm="api", error="invalid_token", error_description="{sentence}"']
    assert answer.body == (f'{{"error":"invalid_token","error_description":"{sentence}",'
                           '"message":"Bad credentials"}').encode()


def test_the_exact_bytes_of_e4(server, issuer):
    answer = server.get("/admin", issuer.mint())
    sentence = reasons.table()["permission_missing"].sentence
    assert answer.status == 403
    assert answer.all("WWW-Authenticate") == [
        f'Bearer realm="api", error="insufficient_scope", '
        f'error_description="{sentence}", scope="read:admin-messages"']
    assert answer.body == (f'{{"error":"insufficient_scope","error_description":'
                           f'"{sentence}","message":"Permission denied"}}').encode()


def test_the_exact_bytes_of_e5(server, issuer, dead_issuer):
    answer = server.get("/down", issuer.mint(iss=dead_issuer))
    sentence = reasons.table()["keys_unavailable"].sentence
    assert answer.status == 503
    assert answer.all("WWW-Authenticate") == []
    assert answer.body == (f'{{"error":"signing_key_unavailable","error_description":'
                           f'"{sentence}","message":"Unable to verify credentials"}}'
                           ).encode()


def test_an_outage_of_the_issuer_is_never_reported_as_a_bad_token(server, issuer,
                                                                  dead_issuer):
    answer = server.get("/down", issuer.mint(iss=dead_issuer))
    assert_refusal(answer, "E5")
    # Twin: without the outage the same claims and key are accepted.
    assert_accepted(server.get("/valid", issuer.mint()))


def test_without_a_token_an_outage_is_still_e1(server):
    assert_refusal(server.get("/down"), "E1")


def test_every_sentence_of_the_closed_list_is_fit_for_a_header_and_for_json():
    for row in reasons.table().values():
        assert all(0x20 <= ord(c) < 0x7f and c not in '"\\' for c in row.sentence), row.name
        assert bool(row.sentence) == (row.outcome in ("E2", "E3", "E4", "E5")), row.name


def test_the_realm_is_authname(server):
    assert_refusal(server.get("/named"), "E1", realm="hello")


def test_quotes_in_authname_are_escaped_once(server, issuer):
    assert_refusal(server.get("/quoted"), "E1", realm='My "own" API')
    assert_refusal(server.get("/quoted", tampered(issuer.mint())), "E3",
                   realm='My "own" API')


@pytest.mark.parametrize("path", ["/admin", "/forbidding"])
def test_403_does_not_depend_on_authzsendforbiddenonfailure(server, issuer, backend, path):
    assert_refusal(server.get(path, issuer.mint()), "E4", scope="read:admin-messages",
                   backend=backend)
    assert_accepted(server.get(path, issuer.mint(permissions=["read:admin-messages"])),
                    backend)


def test_the_scope_attribute_lists_the_words_of_all_denied_lines_once(server, issuer,
                                                                      backend):
    assert_refusal(server.get("/two-lines", issuer.mint(permissions=["read:a"])), "E4",
                   scope="read:a read:b read:c profile", backend=backend)


@pytest.mark.parametrize("grant", [
    {"permissions": ["read:b", "read:a"]}, {"permissions": ["read:c", "read:b", "x"]},
    {"scope": "openid profile read:c"}])
def test_one_granted_line_of_several_is_enough(server, issuer, backend, grant):
    assert_accepted(server.get("/two-lines", issuer.mint(**grant)), backend)


def test_a_denied_user_line_is_e4_without_scope(server, issuer, backend):
    mark = server.mark()
    answer = server.get("/other-user", issuer.mint())
    assert_refusal(answer, "E4", scope=None, reason="requirement_not_met",
                   server=server, mark=mark, backend=backend)


def test_an_allowed_user_line_lets_the_user_in(server, issuer, backend):
    assert_accepted(server.get("/user", issuer.mint()), backend)


def test_a_user_line_beside_a_permission_line_leaves_the_scope_attribute(server, issuer):
    assert_refusal(server.get("/mixed", issuer.mint()), "E4", scope="read:a")
    assert_accepted(server.get("/mixed", issuer.mint(sub="somebody-else")))


def test_all_words_of_a_line_are_needed(server, issuer, backend):
    for permissions in ([], ["read:a"], ["read:b"], ["read:a", "read:bb"]):
        assert_refusal(server.get("/all-words", issuer.mint(permissions=permissions)),
                       "E4", scope="read:a read:b", backend=backend)
    assert_accepted(server.get("/all-words",
                               issuer.mint(permissions=["read:b", "x", "read:a"])),
                    backend)


def test_requireany_needs_one(server, issuer, backend):
    assert_refusal(server.get("/any", issuer.mint()), "E4", scope="read:a profile",
                   backend=backend)
    assert_accepted(server.get("/any", issuer.mint(scope="profile")), backend)
    backend.hits.clear()
    assert_accepted(server.get("/any", issuer.mint(permissions=["read:a"])), backend)


def test_requireall_needs_all(server, issuer, backend):
    for grant in ({}, {"permissions": ["read:a"]}, {"scope": "profile"}):
        answer = server.get("/both", issuer.mint(**grant))
        held = {*grant.get("permissions", ()), *grant.get("scope", "").split()}
        missing = [word for word in ("read:a", "profile") if word not in held]
        # httpd stops a RequireAll at its first denial: then only that one is known.
        scope = missing[0] if f'scope="{missing[0]}"' in repr(answer) \
            else " ".join(missing)
        assert_refusal(answer, "E4", scope=scope, backend=backend)
    assert_accepted(server.get("/both", issuer.mint(permissions=["read:a"],
                                                    scope="openid profile")), backend)


def test_no_credentials_get_e1_wherever_a_token_would_be_needed(server):
    for path in ("/valid", "/admin", "/user", "/other-user", "/any", "/both", "/mixed"):
        assert_refusal(server.get(path), "E1")


def test_a_public_place_beside_protected_ones_asks_for_nothing(server, backend):
    assert server.get("/public").status == 200
    assert len(backend.hits) == 1


def test_a_bad_token_does_no_harm_on_a_public_place(server, backend):
    answer = server.get("/public", "not.a.token")
    assert answer.status == 200 and answer.all("WWW-Authenticate") == []


def test_e6_names_the_missing_audience_in_the_log_at_error(server, issuer):
    mark = server.mark()
    assert_refusal(server.get("/unsure/page.txt", issuer.mint()), "E6")
    lines = [line for line in server.log(mark).splitlines() if ":error]" in line]
    assert any("audience" in line.lower() for line in lines), server.log(mark)


@pytest.mark.parametrize("path, claims, reason", [
    ("/valid", {"kid": "VALUE"}, "key_unknown"),
    ("/valid", {"iss": "VALUE"}, "issuer_unknown"),
    ("/admin", {"sub": "VALUE"}, "permission_missing")], ids=["kid", "iss", "sub"])
def test_what_a_token_says_is_logged_in_one_line_escaped_and_cut_to_64_bytes(
        server, issuer, path, claims, reason):
    value = "\u00e9\"\\%n\u2028" + "x" * 200
    mark = server.mark()
    answer = server.get(path, issuer.mint(**dict.fromkeys(claims, value)))
    assert_refusal(answer, "E4" if path == "/admin" else "E3", reason=reason, server=server,
                   mark=mark, scope=SCOPE["E4"] if path == "/admin" else None)
    ours = [line.replace("\\\\", "\\") for line in server.log(mark).splitlines()
            if "[auth0_jwt:info]" in line and "[client" in line]
    assert len(ours) == 1 and f"({reason})" in ours[0], ours
    assert r'"\xc3\xa9\x22\x5c%n\xe2\x80\xa8' + "x" * 55 + '..."' in ours[0], ours


def test_a_client_fault_is_logged_at_info_and_not_louder(server, issuer):
    mark = server.mark()
    assert_refusal(server.get("/valid", tampered(issuer.mint())), "E3")
    assert_refusal(server.get("/admin", issuer.mint()), "E4", scope=SCOPE["E4"])
    ours = [line for line in server.log(mark).splitlines() if "[auth0_jwt:" in line]
    assert [line for line in ours if "(signature_invalid)" in line], ours
    assert [line for line in ours if "(permission_missing)" in line], ours
    assert not [line for line in ours if ":warn]" in line or ":error]" in line], ours
