"""auth0-jwt jwks and doctor, verify --domain: against real TLS servers and their faults."""

import datetime
import json
import re

import pytest

from support import tokens
from support.fault_table import useless_keys
from support.issuer import Issuer
from support.origin import Door, Origins, answer
from support.process import find_faketime
from support.tokens import Key, jwks, tampered
from support.tool import ACCEPTED, REFUSED, UNAVAILABLE, USAGE, as_json, tool
from support.wait import free_port

AUD = "https://api.example.com"
#: The tests' servers are on loopback, which no proxy of the tester's leads to.
NO_PROXY = {"PATH": "/usr/bin:/bin"}


@pytest.fixture(scope="module")
def key():
    return Key("RS256", "key-1")


@pytest.fixture(scope="module")
def origins(authority):
    with Origins(authority) as made:
        yield made


@pytest.fixture
def tenant(origins, key):
    made = origins.tenant(keys=[key])
    yield made
    made.stop()


class Configured(Issuer):
    """A tenant that has an openid-configuration, as Auth0's have."""

    said = None

    def _answer(self, handler):
        if handler.path != "/.well-known/openid-configuration":
            super()._answer(handler)
            return
        said = self.said or {"issuer": self.iss, "jwks_uri": self.jwks_url}
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True


@pytest.fixture
def auth0(authority, key):
    with Configured(authority, keys=[key]) as made:
        yield made


def ca(tenant):
    return ["--ca-file", tenant.ca_file]


def findings(said):
    found = {}
    for finding in said["findings"]:
        found.setdefault(finding["check"], finding)
    return found


def doctor(tenant, *more, env=None, **others):
    said = as_json("doctor", tenant.domain, *ca(tenant), *more, env=NO_PROXY | (env or {}),
                   **others)
    assert said["ok"] == (said["exit"] == ACCEPTED)
    for finding in said["findings"]:
        assert finding["state"] != "failed" or finding["advice"], finding
    return {**findings(said), "exit": said["exit"]}


def states(found):
    return {name: finding["state"] for name, finding in found.items() if name != "exit"}


# ---- verify --domain -------------------------------------------------------------------


def test_a_domain_is_issuer_and_keys_in_one(tenant):
    options = ["--domain", tenant.domain, "--audience", AUD, *ca(tenant)]
    assert tool("verify", *options, stdin=tenant.mint(), env=NO_PROXY).returncode == ACCEPTED
    assert [path for _, path in tenant.requests] == ["/.well-known/jwks.json"]
    done = tool("verify", *options, stdin=tampered(tenant.mint()), env=NO_PROXY)
    assert done.returncode == REFUSED and "signature_invalid" in done.stdout
    done = tool("verify", *options, stdin=tenant.mint(iss="https://other/"), env=NO_PROXY)
    assert done.returncode == REFUSED and "issuer_unknown" in done.stdout
    for way in (f"https://{tenant.domain}/", tenant.domain.upper()):
        assert tool("verify", "--domain", way, *options[2:], stdin=tenant.mint(),
                    env=NO_PROXY).returncode == ACCEPTED


def test_keys_are_fetched_as_the_module_does_or_not_at_all(tenant):
    token = tenant.mint()
    url = ["--jwks", tenant.jwks_url, "--issuer", tenant.iss, "--audience", AUD]
    assert tool("verify", *url, *ca(tenant), stdin=token, env=NO_PROXY).returncode == 0
    done = tool("verify", *url, stdin=token, env=NO_PROXY)  # an authority nobody knows
    assert done.returncode == UNAVAILABLE and "certificate" in done.stderr
    plain = url[1].replace("https:", "http:")
    done = tool("verify", "--jwks", plain, *url[2:], stdin=token, env=NO_PROXY)
    assert done.returncode == UNAVAILABLE and "plain http" in done.stderr
    tenant.misbehave(answer("302 Found", "", headers=["Location: https://localhost/"]))
    done = tool("verify", *url, *ca(tenant), stdin=token, env=NO_PROXY)
    assert done.returncode == UNAVAILABLE and "redirects are not followed" in done.stderr


def test_explain_shows_the_other_checks_when_the_keys_cannot_be_had(tenant):
    options = ["--domain", tenant.domain, "--audience", AUD, *ca(tenant)]
    tenant.misbehave(answer("503 Service Unavailable", "{}"))
    said = as_json("explain", *options, stdin=tenant.mint(exp_in=-60), env=NO_PROXY)
    assert (said["verdict"], said["reason"], said["status"], said["exit"]) == \
        ("unavailable", "keys_unavailable", 503, UNAVAILABLE)
    by_name = {check["check"]: check for check in said["checks"]}
    assert "status 503" in by_name["key"]["found"]
    assert (by_name["expiry"]["state"], by_name["expiry"]["verified"]) == ("failed", False)
    done = tool("verify", *options, stdin=tenant.mint(), env=NO_PROXY)
    assert done.returncode == UNAVAILABLE and "status 503" in done.stderr
    tenant.behave()
    assert as_json("explain", *options, stdin=tenant.mint(),
                   env=NO_PROXY)["verdict"] == "accepted"


# ---- jwks ------------------------------------------------------------------------------


def test_jwks_lists_every_key_as_the_module_sees_it(tenant, key):
    weak, private = Key("RS256", "weak", bits=1024), json.loads(useless_keys())["keys"]
    tenant.document = jwks(key, Key("ES256", "ec"), Key("EdDSA", "ed"), weak,
                           key.public(kid="any", alg=tokens.ABSENT), *private)
    tenant.publish()
    said = as_json("jwks", tenant.domain, *ca(tenant), env=NO_PROXY)
    assert said["exit"] == 0 and said["usable"] and said["source"] == tenant.jwks_url
    assert said["status"] == 200 and said["bytes"] == len(tenant.document)
    assert 0 < said["seconds"] < 5 and said["json_type"]
    rows = {row["kid"]: row for row in said["keys"]}
    assert rows["key-1"]["algorithms"] == ["RS256"] and rows["key-1"]["key"] == "RSA 2048"
    assert rows["ec"]["algorithms"] == ["ES256"] and rows["ec"]["key"] == "EC P-256"
    assert rows["ed"]["algorithms"] == ["EdDSA"] and rows["ed"]["key"] == "OKP Ed25519"
    assert rows["any"]["algorithms"] == ["RS256", "RS384", "RS512", "PS256", "PS384",
                                         "PS512"]
    for kid in ("weak", "for-encryption", "secret", "broken"):
        assert not rows[kid]["usable"] and rows[kid]["skipped"], rows[kid]
    assert "2048" in rows["weak"]["skipped"]
    page = tool("jwks", tenant.domain, *ca(tenant), env=NO_PROXY).stdout
    for row in said["keys"]:
        assert re.search(rf"^{row['kid']} .*{row['skipped'] or ', '.join(row['algorithms'])}$",
                         page, flags=re.M), page
    assert "8 keys, 4 usable" in page
    assert "limits: 64 keys, 131072 bytes" in page and "2.0 s to connect" in page


def test_jwks_takes_a_domain_an_issuer_a_url_and_a_file(tenant, tmp_path):
    file = tmp_path / "keys.json"
    file.write_text(tenant.body())
    for source in (tenant.domain, tenant.iss, tenant.iss[:-1], tenant.jwks_url, file):
        said = as_json("jwks", source, *ca(tenant), env=NO_PROXY)
        assert said["usable"] and [row["kid"] for row in said["keys"]] == ["key-1"], said
        assert said["source"] == (str(file) if source == file else tenant.jwks_url)


@pytest.mark.parametrize("document, reason", [
    ("{", "json_syntax"), ("[]", "jwks_malformed"), ('{"keys":[]}', "jwks_no_usable_key"),
    ('{"keys":[{"kty":"oct","k":"AAAA","kid":"s"}]}', "jwks_no_usable_key"),
    (json.dumps({"keys": [{"kty": "x"}] * 65}), "jwks_too_large"),
    ("private", "jwks_private_key")])
def test_a_document_of_no_use_is_exit_3_with_the_reason(tmp_path, key, document, reason):
    file = tmp_path / "keys.json"
    if document == "private":
        document = json.dumps({"keys": [json.loads(key.jwk.export_private())]})
    file.write_text(document)
    said = as_json("jwks", file)
    assert (said["reason"], said["usable"], said["exit"]) == (reason, False, UNAVAILABLE)
    done = tool("jwks", file)
    assert done.returncode == UNAVAILABLE and reason in done.stderr
    if reason == "jwks_private_key":
        assert json.loads(document)["keys"][0]["d"] not in done.stdout + done.stderr


def test_nothing_of_a_key_document_reaches_the_terminal_unescaped(tmp_path, key):
    nasty = "\x1b[31m\u202e\u009b"
    (tmp_path / "keys.json").write_text(jwks(
        key.public(kid="a\u202eb"), key.public(kid="c", use=nasty, alg=nasty),
        {"kty": nasty, "crv": nasty, "kid": nasty}))
    for form in ([], ["--json"]):
        done = tool("jwks", tmp_path / "keys.json", *form)
        assert not set(nasty) & set(done.stdout + done.stderr) - set("[31m"), done


def test_jwks_without_a_source_is_exit_2():
    assert tool("jwks").returncode == USAGE
    assert tool("jwks", "a", "b").returncode == USAGE


# ---- doctor ----------------------------------------------------------------------------

ALL = ["dns", "connection", "tls", "http", "time", "clock", "keys", "issuer", "audience",
       "token"]


def test_a_healthy_tenant_passes_every_check(auth0):
    found = doctor(auth0, "--audience", AUD, "--token", "-", stdin=auth0.mint())
    assert states(found) == dict.fromkeys(ALL, "ok") and found["exit"] == 0
    assert "127.0.0.1" in found["dns"]["found"]
    assert re.search(r"^TLSv1\.3; .* until \d{4}-\d\d-\d\d ", found["tls"]["found"])
    assert re.search(r"0\.\d{3} s in all \(limit 5\.0 s\)", found["time"]["found"])
    assert '"key-1" for RS256' in found["keys"]["found"]
    assert auth0.iss in found["issuer"]["found"]
    page = tool("doctor", auth0.domain, *ca(auth0), env=NO_PROXY).stdout
    assert page.endswith("\nAll is well.\n") and "FAILED" not in page


FAULTS = {
    # fault: the check that fails, a word of what was found, a word of the advice, and
    # whether the next document is asked for
    "refused": ({"closed": True}, "connection", "refused", "firewall"),
    "silent": ({"silent": True}, "tls", "timed out", "TLS"),
    "expired": ({"certificate": "expired"}, "tls", "certificate has expired", "clock"),
    "not yet valid": ({"certificate": "not yet valid"}, "tls", "not yet valid", "clock"),
    "wrong host": ({"certificate": "of another host"}, "tls", "other.example.com",
                   "another host"),
    "untrusted": ({"certificate": "of a stranger"}, "tls", "issuer certificate",
                  "Auth0CAFile"),
    "self-signed": ({"certificate": "self-signed"}, "tls", "self", "Auth0CAFile"),
    "not found": (answer("404 Not Found", "no"), "http", "status 404", "domain of a tenant"),
    "redirect": (answer("302 Found", "", headers=["Location: /"]), "http", "redirects",
                 "tenant"),
    "html": (answer(body="<html>log in</html>", kind="text/html"), "keys", "json_syntax",
             "login page"),
    "no keys": (answer(body='{"keys":[]}'), "keys", "jwks_no_usable_key", "auth0-jwt jwks"),
    "weak keys": (answer(body=useless_keys()), "keys", "broken", "auth0-jwt jwks"),
    "never ends": (answer(then="silence", length="9999"), "http", "timed out", "tenant"),
}
#: What passes before that fails.
PASSED = {"connection": ALL[:1], "tls": ALL[:2], "http": ALL[:3], "keys": ALL[:5]}


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case.replace(" ", "-"))
def test_a_fault_is_found_with_a_line_of_advice_and_does_not_end_the_look(tenant, case):
    fault, name, word, advice = FAULTS[case]
    healthy = doctor(tenant)
    assert healthy[name]["state"] == "ok" and healthy["exit"] == 0
    tenant.misbehave(fault)
    found = doctor(tenant, "--audience", AUD, "--token", "-", stdin=tenant.mint())
    assert found["exit"] == REFUSED
    assert found[name]["state"] == "failed" and word in found[name]["found"], found[name]
    assert advice in found[name]["advice"], found[name]
    assert set(ALL[:9]) <= set(found)
    for before in PASSED[name]:
        assert found[before]["state"] == "ok", found[before]
    assert found["audience"]["state"] == "ok"
    # Without keys the token's own words are still looked at.
    assert found["token: key"]["state"] == "failed"
    page = tool("doctor", tenant.domain, *ca(tenant), env=NO_PROXY).stdout
    assert re.search(rf"^FAILED   {name} ", page, flags=re.M)
    assert page.endswith("\nSomething is wrong.\n")


def test_a_name_that_does_not_exist_is_found(authority):
    said = as_json("doctor", "no-such-tenant.invalid", env=NO_PROXY)
    found = findings(said)
    assert said["exit"] == REFUSED and found["dns"]["state"] == "failed"
    assert "Settings page" in found["dns"]["advice"]
    assert found["connection"]["state"] == "skipped"


def test_the_last_line_tells_of_warnings(auth0):
    """Of an audience with a slash too many, say; exit status 0, as nothing failed."""
    for audience, last in ((AUD, "All is well."), (AUD + "/", "It works; see the warnings.")):
        done = tool("doctor", auth0.domain, "--ca-file", auth0.ca_file, "--audience",
                    audience, env=NO_PROXY)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, last), done.stdout


def test_a_slow_answer_is_a_warning(tenant):
    tenant.misbehave(answer(pace_head=0.03))
    found = doctor(tenant)
    assert found["time"]["state"] == "warning" and found["exit"] == 0
    assert "Auth0HTTPTimeout" in found["time"]["advice"]


@pytest.mark.parametrize("offset, way", [("+10m", "ahead"), ("-10m", "behind")])
def test_a_clock_that_is_off_is_found(auth0, offset, way):
    library = find_faketime()
    if library is None:
        pytest.skip("libfaketime is not installed")
    env = {"LD_PRELOAD": library, "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1"}
    assert doctor(auth0)["clock"]["state"] == "ok"
    found = doctor(auth0, env=env)
    assert found["clock"]["state"] == "failed" and found["exit"] == REFUSED
    assert re.search(rf"(9 min 5\d s|10 min.*) {way} ", found["clock"]["found"])
    assert ("expire too early" if way == "ahead" else "in the future") in \
        found["clock"]["advice"]
    # A leeway that large forgives four minutes, and no more.
    env["FAKETIME"] = offset.replace("10", "4")
    assert doctor(auth0, env=env)["clock"]["state"] == "failed"
    assert doctor(auth0, "--leeway", 300, env=env)["clock"]["state"] == "ok"


@pytest.mark.parametrize("said, state, word", [
    ({"issuer": "https://tenant.us.auth0.com/"}, "failed", "Auth0Issuer"),
    ({"jwks_uri": "x"}, "failed", "tenant"),
    (b"<html>", "warning", "tenant"),
    ({"issuer": None, "jwks_uri": "https://other.example.com/keys"}, "warning", "jwks=")])
def test_the_issuer_that_tokens_will_name_is_compared(auth0, said, state, word):
    assert doctor(auth0)["issuer"]["state"] == "ok"
    if isinstance(said, dict) and said.get("issuer", "") is None:
        said = said | {"issuer": auth0.iss}
    auth0.said = said
    found = doctor(auth0)["issuer"]
    assert found["state"] == state and word in found["advice"], found


def test_a_token_of_the_canonical_issuer_is_judged_by_that(auth0):
    """At a custom domain: the token names what openid-configuration does."""
    auth0.said = {"issuer": "https://tenant.us.auth0.com/"}
    token = auth0.mint(iss="https://tenant.us.auth0.com/")
    found = doctor(auth0, "--token", token, "--audience", AUD)
    assert found["issuer"]["state"] == "failed" and found["token"]["state"] == "ok"
    found = doctor(auth0, "--token", auth0.mint(), "--audience", AUD)
    assert found["token: issuer"]["state"] == "failed"


@pytest.mark.parametrize("audience, state, word", [
    (AUD, "ok", None), (AUD + "/", "warning", "slash"), ("urn:my-api", "ok", None),
    ("aBcDeFgHiJkLmNoPqRsTuVwXyZ012345", "failed", "Client ID"),
    ("https://tenant.us.auth0.com/userinfo", "failed", "userinfo"),
    ("https://tenant.us.auth0.com/api/v2/", "failed", "Management API"),
    ("https://api.example.com ", "failed", "white space")])
def test_an_audience_that_cannot_be_meant_is_found(tenant, audience, state, word):
    found = doctor(tenant, "--audience", audience)["audience"]
    assert found["state"] == state and (word is None or word in found["found"]), found


TOKENS = {
    "another audience": ({"aud": AUD + "/"}, "token: audience", "slash"),
    "expired": ({"exp_in": -60}, "token: expiry", "expired"),
    "another tenant": ({"iss": "https://other.us.auth0.com/"}, "token: issuer",
                       "issuer_unknown"),
}


@pytest.mark.parametrize("case", TOKENS, ids=lambda case: case.replace(" ", "-"))
def test_a_token_that_would_be_refused_is_found(tenant, case, tmp_path):
    claims, name, word = TOKENS[case]
    (tmp_path / "token").write_text(tenant.mint(**claims))
    found = doctor(tenant, "--audience", AUD, "--token-file", tmp_path / "token")
    assert found[name]["state"] == "failed" and word in found[name]["found"], found
    good = doctor(tenant, "--audience", AUD, "--token", tenant.mint())
    assert good["token"]["state"] == "ok" and good["exit"] == 0


def test_a_long_name_of_a_finding_stands_apart_from_its_text(tenant):
    said = tool("doctor", tenant.domain, "--ca-file", tenant.ca_file, "--audience", AUD,
                "--token", tenant.mint(aud="x"), env=NO_PROXY).stdout
    assert re.search(r"^FAILED   token: audience\n {23}audience_mismatch: ", said, re.M), said
    assert re.search(r"^ok       audience {6}\"", said, re.M), said


def test_an_opaque_or_an_id_token_is_explained(tenant):
    found = doctor(tenant, "--token", "x" * 32)
    assert "No audience was requested" in found["token: kind"]["advice"]
    token = tenant.mint(aud="aBcDeFgHiJkLmNoPqRsTuVwXyZ012345", nonce="x",
                        gty=tokens.ABSENT)
    found = doctor(tenant, "--token", token, "--audience", AUD)
    assert "ID token" in found["token: kind"]["advice"]


def test_everything_goes_through_the_proxy_when_there_is_one(origins, tenant):
    proxy = Door(origins, "proxy")
    url = f"http://user:hidden@localhost:{proxy.port}"
    ways = [(["--proxy", url], {}), ([], {"https_proxy": url})]
    for more, env in ways:
        before = proxy.connections
        found = doctor(tenant, *more, env=env)
        assert found["exit"] == 0 and proxy.connections == before + 2
        assert found["dns"]["state"] == "skipped"
        assert "hidden" not in found["dns"]["found"]
    before = proxy.connections
    assert doctor(tenant, "--proxy", "none", env={"https_proxy": url})["exit"] == 0
    assert doctor(tenant, env={"https_proxy": url, "no_proxy": "localhost"})["exit"] == 0
    said = as_json("jwks", tenant.domain, *ca(tenant), "--proxy", url, env=NO_PROXY)
    assert said["usable"] and proxy.connections == before + 1
    proxy.misbehave(answer("407 Proxy Authentication Required", ""))
    found = doctor(tenant, "--proxy", url)
    assert found["exit"] == REFUSED
    assert "the proxy answers 407" in (found["tls"]["found"] + found["connection"]["found"])
    proxy.stop()


def test_a_certificate_that_ends_soon_is_a_warning(auth0):
    soon = auth0.authority.ca.issue_cert(
        "localhost", not_after=datetime.datetime.now() + datetime.timedelta(days=3))
    soon.configure_cert(auth0.context)
    found = doctor(auth0)["tls"]
    assert found["state"] == "warning" and "ends soon" in found["advice"]


@pytest.mark.parametrize("operand", ["", "https://a b/", "a/b", "tenant us"])
def test_what_is_no_domain_is_exit_2(operand):
    assert tool("doctor", operand).returncode == USAGE
    assert tool("doctor").returncode == USAGE


def test_nothing_listens_at_a_port_of_nobodys():
    said = as_json("doctor", f"localhost:{free_port()}", env=NO_PROXY)
    found = findings(said)
    assert (found["dns"]["state"], found["connection"]["state"]) == ("ok", "failed")
    assert {found[name]["state"] for name in ALL[2:8]} == {"skipped"}
