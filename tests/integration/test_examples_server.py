"""The examples of docs/directives.md and README.md do what their sections say: the server.

The directives about issuers, keys and limits, most of which stand for the whole server,
and .htaccess files. See test_examples.py.
"""

import os
import subprocess

import pytest

from support import guide, pages, tokens
from support.conf import location, trust
from support.httpd import readable_folder
from support.issuer import Authority, Issuer
from support.origin import Door, Origins
from support.pages import README, changed, example
from support.refusal import assert_refusal
from support.tokens import Key, tampered

AUDIENCE = "https://hello-world.example.com"
PAGE = {"htdocs/valid": "the page"}


@pytest.fixture(scope="module")
def keys(ready_key):
    """By algorithm. RS256 and PS256 are published, and an algorithm to be refused."""
    return {"RS256": ready_key, "PS256": Key("PS256", "key-2"), "ES256": Key("ES256", "key-3")}


@pytest.fixture
def publisher(authority, keys):
    """A tenant with all of these keys."""
    with Issuer(authority, keys=list(keys.values())) as made:
        yield made


# ---- issuers, algorithms and times -----------------------------------------------------


@example("Auth0Issuer")
def test_each_line_names_an_issuer_with_keys_of_its_own_kind(httpd, publisher, keys, block):
    secret = Key("HS256", secret=b"a secret of exactly 32 octets...")
    issuers = ["https://tenant.us.auth0.com/", "https://login.example.com/",
               "https://legacy.example.com/"]
    in_file = Key("RS256", "key-of-the-file")
    server = httpd(
        f"Auth0CAFile {publisher.ca_file}\n"
        + changed(block, {"https://keys.example.com/tenant.json": publisher.jwks_url})
        + location("/valid"),
        files={**PAGE, "conf/auth0/secret": (secret.secret + b"\n", 0o600),
               "conf/auth0/jwks.json": tokens.jwks(in_file, keys["PS256"])})
    good = [publisher.mint(iss=issuers[0], key=keys["RS256"]),
            publisher.mint(iss=issuers[1], key=in_file),
            publisher.mint(iss=issuers[1], key=keys["PS256"]),
            publisher.mint(iss=issuers[2], key=secret, kid=tokens.ABSENT)]
    for token in good:
        assert server.get("/valid", token).status == 200
        assert_refusal(server.get("/valid", tampered(token)), "E3",
                       reason="signature_invalid")
    for iss, key, reason in ((issuers[0], keys["PS256"], "algorithm_not_allowed"),
                             (issuers[0], in_file, "key_unknown"),
                             (issuers[0], secret, "algorithm_not_allowed"),
                             (issuers[1], keys["ES256"], "algorithm_not_allowed"),
                             (issuers[1], keys["RS256"], "key_unknown"),
                             (issuers[2], keys["RS256"], "algorithm_not_allowed"),
                             (issuers[2].rstrip("/"), secret, "issuer_unknown")):
        assert_refusal(server.get("/valid", publisher.mint(iss=iss, key=key)), "E3",
                       reason=reason)


@example("Auth0Algorithms")
def test_the_listed_algorithms_are_accepted_and_no_others(httpd, publisher, keys, block):
    server = httpd(trust(publisher) + block + location("/valid"), files=PAGE)
    for alg in ("RS256", "PS256"):
        assert server.get("/valid", publisher.mint(key=keys[alg])).status == 200
    for alg in ("RS384", "PS512", "ES256"):
        token = publisher.mint(key=keys.get(alg, keys["RS256"]), alg=alg)
        assert_refusal(server.get("/valid", token), "E3", reason="algorithm_not_allowed")


@example("Auth0Leeway")
def test_clocks_may_differ_by_half_a_minute(httpd, issuer, block):
    server = httpd(trust(issuer) + block + location("/valid"), files=PAGE)
    now = issuer.claims()["iat"]
    assert server.get("/valid", issuer.mint(exp_in=-20)).status == 200
    assert_refusal(server.get("/valid", issuer.mint(exp_in=-40)), "E3", reason="expired")
    for claim, reason in (("nbf", "not_yet_valid"), ("iat", "issued_in_future")):
        assert server.get("/valid", issuer.mint(**{claim: now + 20})).status == 200
        assert_refusal(server.get("/valid", issuer.mint(**{claim: now + 60})), "E3",
                       reason=reason)


# ---- where the keys come from ----------------------------------------------------------


@example("Auth0CAFile")
@pytest.mark.parametrize("known", [True, False], ids=["known", "stranger"])
def test_the_named_authority_alone_is_trusted(httpd, authority, issuer, block, known):
    trusted = authority if known else Authority()
    server = httpd(block + f"Auth0Domain {issuer.domain}\n" + location("/valid"),
                   files={**PAGE, "conf/auth0/ca.pem": trusted.file.read_text()})
    answer = server.get("/valid", issuer.mint())
    if known:
        assert answer.status == 200
    else:
        assert_refusal(answer, "E5", reason="keys_unavailable", server=server)
        server.wait_for_log("cannot fetch the keys of issuer " + issuer.iss)


@example("Auth0JWKSRefresh")
def test_unknown_key_ids_ask_once_within_the_cooldown(httpd, ready_issuer, block):
    server = httpd(trust(ready_issuer) + block + location("/valid"), files=PAGE)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    assert ready_issuer.fetches == 1
    for kid in ("unknown-1", "unknown-2", "unknown-1"):
        assert_refusal(server.get("/valid", ready_issuer.mint(kid=kid)), "E3",
                       reason="key_unknown")
        assert ready_issuer.fetches == 2
    assert server.get("/valid", ready_issuer.mint()).status == 200


@example("Auth0HTTPTimeout")
def test_a_slow_issuer_gets_the_time_that_it_takes(httpd, ready_issuer, block):
    ready_issuer.delay = 5.5  # more than the default's 5
    server = httpd(trust(ready_issuer) + block + location("/valid"), files=PAGE)
    server.wait_for_log("1 usable keys", seconds=10)
    assert "cannot fetch" not in server.log()
    assert ready_issuer.fetches == 1
    assert server.get("/valid", ready_issuer.mint()).status == 200


@example("Auth0HTTPProxy")
def test_the_keys_come_through_the_proxy(httpd, authority, ready_issuer, block):
    with Origins(authority) as origins:
        proxy = Door(origins, "proxy")
        block = changed(block, {"proxy.example.com:3128": f"127.0.0.1:{proxy.port}"})
        # What the environment excepts makes no difference.
        server = httpd(trust(ready_issuer) + block + location("/valid"), files=PAGE,
                       env={"no_proxy": "localhost"})
        assert server.get("/valid", ready_issuer.mint()).status == 200
        assert [target for _, target in proxy.requests] == [ready_issuer.domain]
    assert ready_issuer.fetches == 1


@example("Auth0StateDir")
def test_a_server_that_starts_in_an_outage_has_the_keys(httpd, ready_issuer, block):
    """The folder is made by the page's own line."""
    folder = readable_folder() / "state"
    (section,) = [text for heading, text in pages.sections(pages.read(pages.DIRECTIVES))
                  if heading == "Auth0StateDir"]
    ((_, install),) = pages.blocks(section, "sh")
    theirs = {"/var/lib/auth0-jwt": folder}
    if os.geteuid() != 0:
        theirs["-o www-data -g www-data "] = ""
    subprocess.run(["sh", "-c", changed(install, theirs)], check=True, timeout=10)
    server = httpd(trust(ready_issuer) + changed(block, {"/var/lib/auth0-jwt": folder})
                   + location("/valid"), files=PAGE)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    server.end()
    (kept,) = folder.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    ready_issuer.stop()
    server.start()
    assert server.get("/valid", ready_issuer.mint()).status == 200
    assert_refusal(server.get("/valid", tampered(ready_issuer.mint())), "E3",
                   reason="signature_invalid")
    assert ready_issuer.fetches == 1


@example("Auth0TokenCache")
def test_a_token_costs_one_signature_and_is_judged_all_the_same(httpd, issuer, block):
    # Each process remembers for itself.
    server = httpd(trust(issuer) + block + location("/valid")
                   + location("/admin", require="auth0-permission admin")
                   + location("/other", audience="https://other.example.com"), files=PAGE,
                   one_process=True)
    first, second = issuer.mint(), issuer.mint(sub="auth0|2")
    for number, token in enumerate((first, second), 1):
        for _ in range(3):
            assert server.get("/valid", token).status == 200
            assert server.log().count("token accepted as signed by") == number
    assert_refusal(server.get("/admin", first), "E4", scope="admin",
                   reason="permission_missing")
    assert_refusal(server.get("/other", first), "E3", reason="audience_mismatch")
    for _ in range(2):
        assert_refusal(server.get("/valid", tampered(first)), "E3",
                       reason="signature_invalid")
    assert server.log().count("token accepted as signed by") == 2


# ---- .htaccess files -------------------------------------------------------------------


@example("Auth0TrustedDomains")
def test_an_htaccess_file_may_name_the_listed_domains_only(httpd, issuer, block):
    server = httpd(guide.htaccess_server(issuer).replace(
        f"Auth0TrustedDomains {issuer.domain}\n", pages.with_issuer(issuer, block)),
        files=PAGE)

    def answer(domain, token=None):
        server.write("htdocs/.htaccess", f"AuthType Auth0\nAuth0Domain {domain}\n"
                     f"Auth0Audience {issuer.audience}\nRequire valid-user\n")
        return server.get("/valid", token)

    assert answer(issuer.domain, issuer.mint()).text == "the page"
    assert_refusal(answer(issuer.domain, tampered(issuer.mint())), "E3",
                   reason="signature_invalid")
    for domain in ("eu.login.example.com", "a.b.login.example.com", "EU.Login.example.com"):
        assert_refusal(answer(domain), "E1")
    # The list replaces the default, so Auth0's other tenants are not free either.
    for domain in ("other.auth0.com", "login.example.com", "login.example.com.evil.org"):
        assert answer(domain).status == 500
        assert domain in server.log()


@example("In .htaccess", README, "allowed")
@example("In .htaccess 2", README, "dropped")
@example("In .htaccess 3", README, "trusted")
def test_the_readmes_file_protects_its_folder_where_it_is_heard(httpd, issuer, allowed,
                                                                dropped, trusted):
    ca = f"Auth0CAFile {issuer.ca_file}\n"
    files = {**PAGE, "htdocs/.htaccess": dropped}
    deaf = httpd(ca, files=files)
    assert deaf.get("/valid").text == "the page"
    allowed = changed(allowed, {"/var/www/site": "${DOCS}"})
    server = httpd(ca + allowed + changed(trusted, {"login.example.com": issuer.domain}),
                   files=files)
    assert pages.is_htaccess(dropped)
    # The tenant of the page is trusted by the pattern; then one by its own name.
    assert_refusal(server.get("/valid"), "E1")
    ours = pages.with_issuer(issuer, dropped)
    server.write("htdocs/.htaccess", ours)
    assert_refusal(server.get("/valid"), "E1")
    assert server.get("/valid", issuer.mint(aud=AUDIENCE)).text == "the page"
    assert_refusal(server.get("/valid", issuer.mint()), "E3", reason="audience_mismatch")
    server.write("htdocs/.htaccess", changed(ours, {issuer.domain: "login.example.org"}))
    assert server.get("/valid").status == 500
    # Without the line that trusts it, the issuer's domain is no more allowed than that.
    plain = httpd(ca + allowed, files={**PAGE, "htdocs/.htaccess": ours})
    assert plain.get("/valid").status == 500
