"""SetHandler auth0-status: every figure is what happened, in each of the three forms."""

import base64
import hashlib
import re
import threading
import time
from datetime import datetime, timezone

import pytest

from support.conf import location, refresh, trust
from support.issuer import Issuer
from support.pages import MONITORING, read
from support.refusal import assert_refusal
from support.status import (OPENED, PAGE, Page, metrics_of, page_of, requests_of, status_of,
                            wait_for_requests)
from support.tokens import Key, jwks, tampered
from support.wait import wait_until

PAGES = {"htdocs/valid": "ok", "htdocs/admin": "ok", "htdocs/reported": "ok"}

#: How each of these reasons is brought about.
BAD = {
    "no_credentials": lambda issuer: None,
    "authorization_malformed": lambda issuer: "a b",
    "token_opaque": lambda issuer: "opaque",
    "signature_invalid": lambda issuer: tampered(issuer.mint()),
    "expired": lambda issuer: issuer.mint(exp_in=-60),
    "issued_in_future": lambda issuer: issuer.mint(iat=int(time.time()) + 600),
    "audience_mismatch": lambda issuer: issuer.mint(aud="https://other.example.com"),
    "issuer_unknown": lambda issuer: issuer.mint(iss="https://other.example.com/"),
    "algorithm_not_allowed": lambda issuer: issuer.mint(alg="RS512"),
}


def config(issuer, more=""):
    return (trust(issuer) + OPENED + location("/valid")
            + location("/admin", require="auth0-permission read:admin")
            + location("/bob", require="user bob") + more)


def moment(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=timezone.utc).timestamp()


# ---- requests --------------------------------------------------------------------------


def test_each_request_counts_once_by_what_it_came_to(httpd, issuer):
    server = httpd(config(issuer), files=PAGES)
    assert requests_of(server) == (0, {}, {})
    for number, token in enumerate(BAD.values(), 1):
        for _ in range(number):
            assert server.get("/valid", token(issuer)).status in (400, 401)
    good = issuer.mint()
    for _ in range(5):
        assert server.get("/valid", good).status == 200
    for path in ("/admin", "/admin", "/bob"):
        assert server.get(path, good).status == 403
    assert server.get("/missing-but-open").status == 404
    expected = {reason: number for number, reason in enumerate(BAD, 1)}
    expected |= {"permission_missing": 2, "requirement_not_met": 1}
    wait_for_requests(server, 5, expected)
    # The same in the other forms.
    values, types = metrics_of(server)
    assert values["auth0_jwt_requests_accepted_total"] == {(): 5}
    refused = {labels[0][1]: value for labels, value in
               values["auth0_jwt_requests_refused_total"].items()}
    assert {reason: value for reason, value in refused.items() if value} == expected
    assert refused.keys() == status_of(server)["requests"]["refused_by_reason"].keys()
    assert types["auth0_jwt_requests_refused_total"] == "counter"
    page = page_of(server)
    assert page.row("Accepted") == ["5"]
    assert page.row("Refused") == [str(sum(expected.values()))]
    rows = [(row[0], int(row[2])) for row in page.rows if row[0] in expected]
    assert dict(rows) == expected
    assert [count for _, count in rows] == sorted(expected.values(), reverse=True)
    share = f"{100 * 9 / sum(expected.values()):.1f} %"
    assert page.row("algorithm_not_allowed")[2] == share


def test_what_a_request_comes_to_behind_makes_no_difference(httpd, issuer):
    server = httpd(config(issuer) + location("/gone"), files=PAGES)
    assert server.get("/gone", issuer.mint()).status == 404
    assert server.head("/valid", issuer.mint()).status == 200
    assert server.head("/valid").status == 401
    wait_for_requests(server, 2, {"no_credentials": 1})


def test_reported_requests_count_apart(httpd, issuer):
    server = httpd(config(issuer, location("/reported", "Auth0ReportOnly On",
                                           require="auth0-permission read:admin")),
                   files=PAGES)
    for token in (None, None, issuer.mint(), issuer.mint(permissions=["read:admin"])):
        assert server.get("/reported", token).status == 200
    wait_for_requests(server, 1, {}, {"no_credentials": 2, "permission_missing": 1})
    values, _ = metrics_of(server)
    assert values["auth0_jwt_requests_reported_total"][(("reason", "no_credentials"),)] == 2
    assert page_of(server).row("Let through by Auth0ReportOnly") == ["3"]


def test_what_is_not_in_use_is_not_shown(httpd, issuer):
    server = httpd(config(issuer), files=PAGES)
    assert "auth0_jwt_requests_reported_total" not in metrics_of(server)[0]
    assert "Auth0ReportOnly" not in server.get(PAGE).text
    assert "None so far." in page_of(server).texts


def test_the_hit_rate_is_of_the_tokens_of_judged_requests(httpd, issuer):
    server = httpd("Auth0TokenCache 64\n" + config(issuer), files=PAGES, one_process=True)
    assert status_of(server)["token_cache"] == {"entries": 64, "hits": 0, "misses": 0,
                                                "hit_rate": None}
    first, second = issuer.mint(sub="ann"), issuer.mint(sub="bob")
    for token in (first, first, first, second, tampered(first), None):
        server.get("/valid", token)
    server.get("/admin", first)
    wait_for_requests(server, 4, {"signature_invalid": 1, "no_credentials": 1,
                                  "permission_missing": 1})
    assert status_of(server)["token_cache"] == {"entries": 64, "hits": 3, "misses": 3,
                                                "hit_rate": 0.5}
    values, _ = metrics_of(server)
    assert values["auth0_jwt_token_cache_lookups_total"] == {(("result", "hit"),): 3,
                                                             (("result", "miss"),): 3}
    assert page_of(server).row("Token known already (cache hit rate)") == ["50.0 %"]


def test_without_a_cache_nothing_is_looked_up(httpd, issuer):
    server = httpd("Auth0TokenCache 0\n" + config(issuer), files=PAGES)
    for _ in range(2):
        assert server.get("/valid", issuer.mint()).status == 200
    wait_for_requests(server, 2, {})
    assert status_of(server)["token_cache"] == {"entries": 0, "hits": 0, "misses": 0,
                                                "hit_rate": None}


# ---- issuers ---------------------------------------------------------------------------


def issuer_in(server, name):
    (found,) = [one for one in status_of(server)["issuers"] if one["issuer"] == name]
    return found


def of_issuer(values, name, issuer):
    (found,) = [value for labels, value in values["auth0_jwt_" + name].items()
                if ("issuer", issuer) in labels]
    return found


def test_an_issuer_is_shown_with_its_keys_and_their_ages(httpd, own_issuer):
    small = Key("RS256", "small-key", bits=1024)
    own_issuer.keys.append(small)
    server = httpd(config(own_issuer), files=PAGES)
    server.wait_for_log("usable keys for issuer")
    time.sleep(1.2)
    found = issuer_in(server, own_issuer.iss)
    assert 1 <= found.pop("age_seconds") <= 10
    assert 460 <= found.pop("next_fetch_seconds") <= 480
    (used, unused) = found.pop("keys")
    assert used == {"kid": "key-1", "algorithms": "RS256", "unused_because": None}
    assert unused["kid"] == "small-key" and unused["algorithms"] is None
    assert "2048" in unused["unused_because"]
    assert found == {"issuer": own_issuer.iss, "kind": "url", "source": own_issuer.jwks_url,
                     "state": "good", "usable_keys": 1, "unused_keys": 1, "generation": 1,
                     "fetching": False, "fetches": 1, "failed_fetches": 0,
                     "failures_in_a_row": 0, "last_error": None}
    page = page_of(server)
    assert "All is well with the issuers." in page.texts
    assert page.row("Keys") == ["1, and 1 that cannot be used"]
    assert page.row("key-1") == ["RS256"]
    assert page.row("small-key") == ["nothing: " + unused["unused_because"]]
    assert re.fullmatch(r"\d+ s ago", page.row("Fetched")[0])
    assert page.row("Next refresh") == ["in 8 min"]
    assert abs(moment(page.times["in 8 min"]) - time.time() - 480) < 15
    assert abs(moment(page.times[page.row("Fetched")[0]]) - time.time()) < 15
    values, _ = metrics_of(server)
    labels = (("issuer", own_issuer.iss), ("source", own_issuer.jwks_url))
    assert values["auth0_jwt_keys"] == {(*labels, ("usable", "true")): 1,
                                        (*labels, ("usable", "false")): 1}
    assert 1 <= values["auth0_jwt_keys_age_seconds"][labels] <= 10
    assert 460 <= values["auth0_jwt_key_next_fetch_seconds"][labels] <= 480


def test_an_issuer_that_fails_says_since_when_and_why(httpd, own_issuer):
    server = httpd(refresh(fresh=2, stale=6, cooldown=1) + config(own_issuer), files=PAGES)
    assert server.get("/valid", own_issuer.mint()).status == 200
    assert issuer_in(server, own_issuer.iss)["state"] == "good"
    own_issuer.fail_with(status=418)
    found = wait_until(lambda: (one := issuer_in(server, own_issuer.iss))["state"] == "failing"
                       and one, 6, "a failure")
    assert "418" in found["last_error"]
    assert found["failures_in_a_row"] >= 1
    assert 1 + found["failed_fetches"] <= found["fetches"] <= own_issuer.fetches + 1
    values, _ = metrics_of(server)
    assert of_issuer(values, "issuer_ready", own_issuer.iss) == 1
    assert of_issuer(values, "key_fetch_failures_in_a_row", own_issuer.iss) >= 1
    page = page_of(server)
    assert any(text.startswith(own_issuer.iss + ": The keys cannot be refreshed. The ones we "
                               "have serve for another ") for text in page.texts)
    assert "418" in page.row("Last error")[0]
    # Once the keys are too old, they are no keys.
    wait_until(lambda: issuer_in(server, own_issuer.iss)["state"] == "down", 10,
               "the end of the stale time")
    assert_refusal(server.get("/valid", own_issuer.mint()), "E5")
    assert of_issuer(metrics_of(server)[0], "issuer_ready", own_issuer.iss) == 0
    assert any("get 503" in text for text in page_of(server).texts)
    own_issuer.heal()
    wait_until(lambda: issuer_in(server, own_issuer.iss)["state"] == "good", 10,
               "the recovery")
    found = issuer_in(server, own_issuer.iss)
    assert found["last_error"] is None and found["failures_in_a_row"] == 0
    assert found["failed_fetches"] >= 1 and found["generation"] == 1
    assert status_of(server)["refresh"] == {"fresh_seconds": 2, "stale_seconds": 6,
                                            "cooldown_seconds": 1}


def test_an_issuer_that_never_answered_is_starting_and_then_down(httpd, own_issuer):
    own_issuer.fail_with(hang=True)
    server = httpd("Auth0HTTPTimeout 2s 3s\n" + config(own_issuer), files=PAGES)
    own_issuer.wait_for_fetches(1)
    found = issuer_in(server, own_issuer.iss)
    assert (found["state"], found["fetching"], found["age_seconds"]) == ("starting", True,
                                                                         None)
    page = page_of(server)
    assert page.row("Next refresh") == ["under way"]
    assert "Some keys have not been fetched yet." in page.texts
    found = wait_until(lambda: (one := issuer_in(server, own_issuer.iss))["state"] == "down"
                       and one, 8, "the end of the attempt")
    assert found["last_error"] and found["usable_keys"] == 0 and found["keys"] == []
    labels = metrics_of(server)[0].get("auth0_jwt_keys_age_seconds", {})
    assert labels == {}, "there is no age without keys"
    assert page_of(server).row("Fetched") == ["never"]


def test_issuers_of_every_kind_are_listed_each_once(httpd, own_issuer):
    server = httpd(
        config(own_issuer) + location("/again", f"Auth0Domain {own_issuer.domain}")
        + location("/file", "Auth0Issuer https://file/ jwks=file:conf/jwks.json")
        + location("/file2", "Auth0Issuer https://file/ jwks=file:conf/jwks.json")
        + location("/secret", "Auth0Issuer https://secret/ secret=file:conf/secret")
        + '<Directory "${DOCS}/own">\nAllowOverride AuthConfig\n</Directory>\n'
        + "Auth0TrustedDomains localhost:*\n",
        files={**PAGES, "conf/jwks.json": jwks(Key("RS256", "of-the-file")),
               "conf/secret": ("s" * 32, 0o600), "htdocs/own/page": "page"})
    kinds = {one["issuer"]: (one["kind"], one["state"], one["usable_keys"])
             for one in status_of(server)["issuers"]}
    assert len(status_of(server)["issuers"]) == 3
    assert kinds["https://file/"] == ("file", "good", 1)
    assert kinds["https://secret/"] == ("secret", "good", 0)
    assert "s" * 32 not in server.get(PAGE).text + server.get(PAGE + "?json").text
    page = page_of(server)
    assert [row for row in page.rows if row[0] == "Secret from"]
    values, _ = metrics_of(server)
    assert of_issuer(values, "issuer_ready", "https://secret/") == 1
    assert not [labels for labels in values["auth0_jwt_keys"]
                if ("issuer", "https://secret/") in labels]
    # One that an .htaccess file names comes when the first request needs it.
    with Issuer(own_issuer.authority) as other:
        server.write("htdocs/own/.htaccess", f"AuthType Auth0\nAuth0Domain {other.domain}\n"
                     f"Auth0Audience {other.audience}\nRequire valid-user\n")
        assert server.get("/own/page", other.mint()).status == 200
        assert issuer_in(server, other.iss)["state"] == "good"


# ---- waiting ---------------------------------------------------------------------------


def test_requests_that_wait_are_seen_while_they_do_and_counted_after(httpd, own_issuer):
    own_issuer.delay = 1.5
    server = httpd(config(own_issuer), files=PAGES, processes=2, threads=8)
    token = own_issuer.mint()
    askers = [threading.Thread(target=server.get, args=("/valid", token)) for _ in range(2)]
    for asker in askers:
        asker.start()
    waiting = wait_until(lambda: (one := status_of(server)["waiting"])["now"] == 2 and one, 3,
                         "two that wait")
    assert waiting == {"now": 2, "limit": 4, "served": 0, "in_vain": 0, "turned_away": 0}
    values, _ = metrics_of(server)
    assert values["auth0_jwt_waiting_requests"] == {(): 2}
    assert values["auth0_jwt_waiting_requests_limit"] == {(): 4}
    assert page_of(server).row("Waiting for keys now") == ["2 of 4"]
    for asker in askers:
        asker.join()
    wait_for_requests(server, 2, {})
    assert status_of(server)["waiting"] == {"now": 0, "limit": 4, "served": 2, "in_vain": 0,
                                            "turned_away": 0}


def test_requests_that_wait_in_vain_count_as_such(httpd, own_issuer):
    own_issuer.fail_with(hang=True)
    server = httpd("Auth0HTTPTimeout 20s 20s\n" + config(own_issuer), files=PAGES)
    own_issuer.wait_for_fetches(1)
    assert_refusal(server.get("/valid", own_issuer.mint()), "E5")
    wait_for_requests(server, 0, {"keys_unavailable": 1})
    assert status_of(server)["waiting"]["in_vain"] == 1
    values, _ = metrics_of(server)
    assert values["auth0_jwt_key_waits_total"] == {
        (("result", "served"),): 0, (("result", "in_vain"),): 1,
        (("result", "turned_away"),): 0}
    own_issuer.heal()


# ---- the server ------------------------------------------------------------------------


def test_time_version_and_start_are_told(httpd, issuer):
    before = time.time() - 1
    server = httpd(config(issuer), files=PAGES)
    status = status_of(server)
    version = re.search(r'AUTH0_JWT_VERSION "(.*)"', read("src/version.h")).group(1)
    assert status["version"] == version and status["generation"] == 0
    assert before - 1 <= moment(status["since"]) <= moment(status["time"]) <= time.time()
    values, _ = metrics_of(server)
    assert values["auth0_jwt_build_info"] == {(("version", version),): 1}
    assert abs(values["auth0_jwt_start_time_seconds"][()] - moment(status["since"])) <= 1


# ---- the forms -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(shared_httpd, issuer):
    return shared_httpd(config(issuer), files=PAGES)


@pytest.mark.parametrize("query", ["", "?", "?json", "?json=", "?metrics", "?metrics="])
def test_a_head_request_gets_the_header_alone(server, query):
    got, head = server.get(PAGE + query), server.head(PAGE + query)
    assert got.status == head.status == 200 and got.body and head.body == b""
    for name in ("Content-Type", "Cache-Control", "X-Content-Type-Options",
                 "Content-Security-Policy"):
        assert got.header(name) == head.header(name)
    assert got.header("Cache-Control") == "no-store"
    assert got.header("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("query", ["?jason", "?json&metrics", "?JSON", "?metrics=1", "?a=b"])
def test_an_unknown_query_is_told_what_there_is(server, query):
    answer = server.get(PAGE + query)
    assert answer.status == 400
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"
    assert "?json" in answer.text and "?metrics" in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_another_method_is_refused_with_those_that_work(server, method):
    answer = server.request(method, PAGE, body=b"x")
    assert answer.status == 405
    # TRACE is httpd's own: see TraceEnable.
    assert set(answer.header("Allow").split(",")) - {"TRACE"} == {"GET", "HEAD", "OPTIONS"}
    assert server.request("OPTIONS", PAGE).status == 200


def test_the_page_needs_nothing_but_its_own_style(server):
    """Its policy allows that, by digest, and nothing else; and it asks for nothing else."""
    answer = server.get(PAGE)
    page = Page(answer.text)
    style = re.search(r"<style>(.*?)</style>", answer.text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(part.strip().partition(" ")[::2] for part in
                  answer.header("Content-Security-Policy").split(";"))
    assert policy["default-src"] == "'none'" and "script-src" not in policy
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "url(" not in style and "@import" not in style
    for tag, attributes in page.tags:
        assert tag not in ("script", "img", "iframe", "link", "form", "object")
        assert not {"style", "src", "srcset"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "?json") in ("?json", "?metrics")


def test_the_page_has_what_readers_and_their_programs_need(server):
    answer = server.get(PAGE)
    page = Page(answer.text)
    assert answer.text.startswith('<!DOCTYPE html>\n<html lang="en">')
    viewport = [attributes["content"] for tag, attributes in page.tags
                if attributes.get("name") == "viewport"]
    assert viewport == ["width=device-width, initial-scale=1"]
    assert "prefers-color-scheme:dark" in answer.text
    assert [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)][:3] == ["h1", "h2",
                                                                                 "h2"]
    assert all(attributes.get("scope") in ("row", "col")
               for tag, attributes in page.tags if tag == "th")
    assert {"header", "main", "footer", "caption"} <= {tag for tag, _ in page.tags}


def test_prometheus_accepts_the_metrics_without_a_warning(server, promtool):
    text = server.get(PAGE + "?metrics").text
    assert promtool("check", "metrics", text=text) == (0, "")
    # It would notice.
    for broken in (text.replace("# HELP auth0_jwt_keys ", "# HALP auth0_jwt_keys "),
                   text.replace('usable="true"', "usable=true"),
                   text.replace("_refused_total", "_refused")):
        assert promtool("check", "metrics", text=broken) != (0, "")


def test_the_manual_lists_every_metric_and_every_field(httpd, issuer):
    server = httpd(config(issuer, location("/reported", "Auth0ReportOnly On")), files=PAGES)
    assert server.get("/valid", issuer.mint()).status == 200  # the keys have an age now
    manual = read(MONITORING)
    values, types = metrics_of(server)
    rows = set(re.findall(r"^\| `(auth0_jwt_\w+)` \|", manual, flags=re.M))
    assert rows == types.keys() == values.keys()
    status = status_of(server)
    (one,) = status.pop("issuers")
    fields = set(status) | set(one) | {inner for value in status.values()
                                       if isinstance(value, dict) for inner in value}
    named = set(re.findall(r"`\.?(?:[a-z_]+\.)?([a-z_]+)`", manual))
    assert fields - named == {"requests", "token_cache", "waiting", "refresh"}


# ---- hostile bytes ---------------------------------------------------------------------

EVIL = "<script>alert(1)</script>\"'&{}\\\n\x01\x9f\u202e\u00e9"


def test_bytes_of_others_stay_text_in_every_form(httpd, own_issuer, promtool):
    """Key ids that an issuer publishes, and names that the configuration gives."""
    own_issuer.keys = [Key("RS256", "<b>&\"'\\"), Key("RS256", "good")]
    own_issuer.document = jwks(*own_issuer.keys, {"kty": "RSA", "kid": EVIL, "n": "AQAB",
                                                  "e": "AQAB"})
    name = "https://a/<i>&amp;\\é\"x\"/"
    server = httpd(
        trust(own_issuer) + OPENED + location("/valid", f"Auth0Domain {own_issuer.domain}")
        + location("/odd", "Auth0Issuer '" + name + f"' jwks={own_issuer.jwks_url}"),
        files=PAGES)
    wait_until(lambda: all(one["usable_keys"] == 2 for one in status_of(server)["issuers"]),
               5, "the keys")
    cleaned = EVIL.translate({1: "\ufffd", 0x9f: "\ufffd", 10: "\ufffd"})
    kids = {key["kid"] for key in issuer_in(server, own_issuer.iss)["keys"]}
    assert kids == {"<b>&\"'\\", "good", cleaned}
    assert issuer_in(server, name)["state"] == "good"
    assert of_issuer(metrics_of(server)[0], "issuer_ready", name) == 1
    assert promtool("check", "metrics",
                    text=server.get(PAGE + "?metrics").text) == (0, "")
    answer = server.get(PAGE)
    page = Page(answer.text)
    assert name in page.headings
    heads = [row[0] for row in page.rows]
    assert "<b>&\"'\\" in heads and cleaned in heads
    assert "<script" not in answer.text and "<i>" not in answer.text


@pytest.mark.usefixtures("several_processes")
def test_bytes_that_are_no_utf8_become_replacement_characters(httpd, own_issuer, promtool):
    server = httpd(trust(own_issuer) + OPENED, files=PAGES)
    conf = server.root / "conf" / "test.conf"
    conf.write_bytes(conf.read_bytes() + location(
        "/odd", f"Auth0Issuer https://a/XX/ jwks={own_issuer.jwks_url}").encode()
        .replace(b"XX", b"\xff\xc3(\xed\xa0\x80\xe9"))
    server.restart()
    name = "https://a/\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd/"
    wait_until(lambda: issuer_in(server, name)["state"] == "good", 5, "the keys")
    assert promtool("check", "metrics",
                    text=server.get(PAGE + "?metrics").text) == (0, "")
    assert name in page_of(server).headings


def test_an_error_of_others_stays_text(httpd, own_issuer):
    own_issuer.fail_with(status=302, headers={"Location": "https://x/<b>\"&"})
    server = httpd(config(own_issuer), files=PAGES)
    found = wait_until(lambda: issuer_in(server, own_issuer.iss)["last_error"], 5, "an error")
    page = page_of(server)
    assert page.row("Last error") == [found]
    assert "<b>" not in server.get(PAGE).text


def test_nothing_of_a_token_is_shown(httpd, issuer):
    server = httpd(config(issuer), files=PAGES)
    secret = "claim-that-nobody-may-see"
    for token in (issuer.mint(sub=secret), tampered(issuer.mint(sub=secret)),
                  issuer.mint(iss=f"https://{secret}/"), issuer.mint(kid=secret)):
        server.get("/valid", token)
    wait_for_requests(server, 1, {"signature_invalid": 1, "issuer_unknown": 1,
                                  "key_unknown": 1})
    for query in ("", "?json", "?metrics"):
        text = server.get(PAGE + query).text
        assert secret not in text and "eyJ" not in text
