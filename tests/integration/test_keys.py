"""Keys: where they come from, when they are fetched, and what an outage does.

Rotation, load and the life of the server have files of their own.
"""

import json
import re
import socket
import threading
import time

import pytest

from support import tokens
from support.conf import location, trust
from support.issuer import JWKS_PATH, Authority, Issuer
from support.paths import SLOW
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import wait_until

PAGE = {"htdocs/valid": "ok"}


def in_parallel(number, work):
    """Run work(i) in so many threads; return the results, raise the first failure."""
    results, failures = [None] * number, []

    def run(index):
        try:
            results[index] = work(index)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60 * SLOW)
    if failures:
        raise failures[0]
    return results


# ---- who fetches, and how often ---------------------------------------------------


def test_keys_are_refreshed_before_they_are_old(httpd, own_issuer):
    server = httpd(trust(own_issuer) + "Auth0JWKSRefresh 2s 1h 30s\n" + location("/valid"),
                   files=PAGE)
    assert server.get("/valid", own_issuer.mint()).status == 200
    own_issuer.wait_for_fetches(3, seconds=10)
    gaps = [b - a for a, b in zip(own_issuer.fetch_times, own_issuer.fetch_times[1:])]
    assert all(0.8 <= gap <= 2.5 * SLOW for gap in gaps), gaps


def test_a_key_file_needs_no_network(httpd, own_issuer):
    key = tokens.Key("RS256", "from-file")
    server = httpd(f"Auth0CAFile {own_issuer.ca_file}\n"
                   + location("/valid", f"Auth0Issuer {own_issuer.iss} "
                              "jwks=file:${ROOT}/conf/jwks.json"),
                   files={**PAGE, "conf/jwks.json": tokens.jwks(key)})
    assert server.get("/valid", own_issuer.mint(key=key)).status == 200
    assert_refusal(server.get("/valid", own_issuer.mint()), "E3", reason="key_unknown")
    assert server.get("/valid", own_issuer.mint(key=key)).status == 200
    time.sleep(0.3)
    assert own_issuer.connections == 0


def test_a_jwks_url_of_ones_own_is_used(httpd, own_issuer, authority):
    with Issuer(authority) as host:
        host.keys = own_issuer.keys
        server = httpd(f"Auth0CAFile {own_issuer.ca_file}\n"
                       + location("/valid", f"Auth0Issuer {own_issuer.iss} "
                                  f"jwks={host.jwks_url}"), files=PAGE)
        assert server.get("/valid", own_issuer.mint()).status == 200
        assert (host.fetches, own_issuer.connections) == (1, 0)


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_an_issuer_is_reached_by_ipv6_as_well(httpd, authority):
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    with Issuer(authority, names=("::1",), address="::1", host="[::1]") as six:
        server = httpd(f"Auth0CAFile {six.ca_file}\n"
                       + location("/valid", f"Auth0Issuer {six.iss}"), files=PAGE)
        assert server.get("/valid", six.mint()).status == 200
        assert six.fetches == 1


def test_one_issuer_with_two_sources_keeps_them_apart(httpd, own_issuer):
    """A key set belongs to one (issuer, source) pair."""
    other = tokens.Key("RS256", own_issuer.key.kid)
    server = httpd(trust(own_issuer) + location("/fetched")
                   + location("/filed", f"Auth0Issuer {own_issuer.iss} "
                              "jwks=file:${ROOT}/conf/jwks.json"),
                   files={"conf/jwks.json": tokens.jwks(other), "htdocs/fetched": "ok",
                          "htdocs/filed": "ok"})
    for _ in range(2):
        assert server.get("/fetched", own_issuer.mint()).status == 200
        assert server.get("/filed", own_issuer.mint(key=other)).status == 200
        assert_refusal(server.get("/filed", own_issuer.mint()), "E3",
                       reason="signature_invalid")
        assert_refusal(server.get("/fetched", own_issuer.mint(key=other)), "E3",
                       reason="signature_invalid")


# ---- outages ----------------------------------------------------------------------


def test_an_issuer_that_is_down_at_start_is_e5_and_then_recovers(httpd, authority):
    late = Issuer(authority)
    server = httpd(trust(late) + location("/valid"), files=PAGE)
    token = late.mint()
    mark = server.mark()
    start = time.monotonic()
    assert_refusal(server.get("/valid", token), "E5")
    assert time.monotonic() - start <= 3.0 * SLOW
    server.wait_for_log(late.domain)
    assert ":warn]" in "".join(line for line in server.log().splitlines()
                               if late.domain in line)
    assert_refusal(server.get("/valid"), "E1")
    with late:
        wait_until(lambda: server.get("/valid", token).status == 200, 20, "the recovery",
                   every=0.2)
        assert_refusal(server.get("/valid", tampered(token)), "E3",
                       reason="signature_invalid")
    assert "keys_unavailable" in server.log(mark)


def test_an_issuer_that_goes_down_later_does_no_harm_until_stale_time_is_over(httpd,
                                                                              own_issuer):
    server = httpd(trust(own_issuer) + "Auth0JWKSRefresh 1s 6s 1s\n" + location("/valid"),
                   files=PAGE)
    token = own_issuer.mint()
    assert server.get("/valid", token).status == 200
    own_issuer.stop()
    start = time.monotonic()
    while time.monotonic() - start < 3.5:
        answer = server.get("/valid", token)
        assert answer.status == 200, f"{time.monotonic() - start:.1f} s: {answer!r}"
        time.sleep(0.2)
    # An unknown kid during the outage is a bad token as ever.
    assert_refusal(server.get("/valid", own_issuer.mint(kid="other")), "E3",
                   reason="key_unknown")
    answer = wait_until(lambda: (a := server.get("/valid", token)).status != 200 and a, 12,
                        "the end of the stale time", every=0.2)
    assert_refusal(answer, "E5")
    assert time.monotonic() - start >= 4.0


def test_the_log_says_who_cannot_read_the_certificates(httpd, own_issuer, authority):
    """The start, often as root, can read what the workers cannot when they fetch."""
    server = httpd("Auth0CAFile ${ROOT}/conf/ca.pem\nAuth0JWKSRefresh 600s 86400s 1s\n"
                   f"Auth0TrustedDomains {own_issuer.domain}\n"
                   '<Directory "${DOCS}">\nAllowOverride AuthConfig\n</Directory>\n',
                   files={**PAGE, "conf/ca.pem": authority.file.read_text(),
                          "htdocs/.htaccess": "AuthType Auth0\nRequire valid-user\n"
                          f"Auth0Domain {own_issuer.domain}\n"
                          "Auth0Audience https://api.example.com\n"})
    file = server.root / "conf" / "ca.pem"
    away = file.rename(file.with_suffix(".away"))
    assert_refusal(server.get("/valid", own_issuer.mint()), "E5")
    server.wait_for_log(f"{file}: uid")
    assert "must be able to read this file and to enter its folders" in server.log()
    away.rename(file)
    wait_until(lambda: server.get("/valid", own_issuer.mint()).status == 200, 20,
               "the recovery", every=0.2)


def test_a_bad_document_does_not_replace_a_good_one(httpd, own_issuer):
    server = httpd(trust(own_issuer) + "Auth0JWKSRefresh 1s 1h 1s\n" + location("/valid"),
                   files=PAGE)
    token = own_issuer.mint()
    assert server.get("/valid", token).status == 200
    private = json.loads(own_issuer.key.jwk.export_private())
    for body in ("garbage", '{"keys":[]}', json.dumps({"keys": [private]})):
        own_issuer.fail_with(body=body)
        before = own_issuer.fetches
        own_issuer.wait_for_fetches(before + 1, seconds=10)
        time.sleep(0.1)
        assert server.get("/valid", token).status == 200, body
    own_issuer.heal()
    own_issuer.rotate("key-2")
    wait_until(lambda: server.get("/valid", own_issuer.mint()).status == 200, 20,
               "the recovery", every=0.2)


FAULTS = {
    # what the origin does: words of which one must be in the log
    "answers 404": ({"status": 404, "body": "{}"}, "404"),
    "answers 500": ({"status": 500, "body": "oops"}, "500"),
    "answers 503": ({"status": 503, "body": ""}, "503"),
    "answers 204": ({"status": 204, "body": ""}, "204|empty|JSON"),
    "redirects": ({"status": 302, "body": ""}, "302|redirect"),
    "answers HTML": ({"body": "<html>hello</html>",
                      "headers": {"Content-Type": "text/html"}}, "JSON"),
    "answers garbage": ({"body": b"\x00\x01\x02"}, "JSON"),
    "answers half a document": ({"body": '{"keys":[{"kty":"RSA",'}, "JSON"),
    "publishes no key": ({"body": '{"keys":[]}'}, "key"),
    "answers more than 128 KiB": ({"body": '{"keys":[],"x":"' + "x" * 140000 + '"}'},
                                  "large|long|big|size|limit|131072|128"),
    "hangs": ({"hang": True}, "time"),
    "closes the connection": ({"close": True}, "reply|empty|reset|closed|SSL|TLS|recv"),
    "gzips": ({"body": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03abc",
               "headers": {"Content-Encoding": "gzip"}}, "JSON|encod"),
}


@pytest.fixture(scope="module")
def faulty(authority, shared_httpd):
    """One server and a tenant for each fault; one of them is well."""
    target = Issuer(authority).start()
    key = tokens.Key("RS256", "key-1")
    issuers = {name: Issuer(authority, keys=[key]) for name in FAULTS}
    for name, made in issuers.items():
        fault = dict(FAULTS[name][0])
        if name == "redirects":
            fault["headers"] = {"Location": target.jwks_url}
        made.fail_with(**fault)
    stranger = Authority()
    issuers["has a certificate of another authority"] = Issuer(stranger, keys=[key])
    issuers["has a certificate of another name"] = Issuer(
        authority, keys=[key], names=("other.example.com",))
    issuers["is well"] = Issuer(authority, keys=[key])
    for made in issuers.values():
        made.start()
    conf = f"Auth0CAFile {authority.file}\nAuth0HTTPTimeout {SLOW}s {SLOW}s\n"
    files = {}
    for index, (name, made) in enumerate(issuers.items()):
        conf += location(f"/{index}", f"Auth0Domain {made.domain}")
        files[f"htdocs/{index}"] = "ok"
    server = shared_httpd(conf, files=files, threads=40)
    yield server, issuers, target
    for made in (*issuers.values(), target):
        made.heal()
        made.stop()


NAMED = {**{name: words for name, (_, words) in FAULTS.items()},
         "has a certificate of another authority": "certificate|verif",
         "has a certificate of another name": "name|match|certificate"}


@pytest.mark.parametrize("fault", NAMED, ids=lambda name: name.replace(" ", "-"))
def test_a_faulty_issuer_is_e5_and_the_log_says_what_failed(faulty, fault):
    server, issuers, target = faulty
    made = issuers[fault]
    path = f"/{list(issuers).index(fault)}"
    start = time.monotonic()
    answer = server.get(path, made.mint())
    assert_refusal(answer, "E5")
    assert time.monotonic() - start <= 4 * SLOW, "a request waits 2 seconds at most"
    line = wait_until(lambda: next(
        (line for line in server.log().splitlines()
         if made.domain in line and (":warn]" in line or ":error]" in line)), None), 8,
        f"a warning that names {made.domain}")
    said = line.split("]")[-1]
    assert re.search(NAMED[fault], said, re.I), f"the log does not say what failed: {line}"
    assert target.fetches == 0, "a redirect was followed"
    assert all(path == JWKS_PATH for _, path in made.requests)


def test_beside_faulty_issuers_a_good_one_serves(faulty):
    server, issuers, _ = faulty
    made = issuers["is well"]
    path = f"/{list(issuers).index('is well')}"
    wait_until(lambda: server.get(path, made.mint()).status == 200, 10, "the good one",
               every=0.1)
    for _ in range(20):
        start = time.monotonic()
        assert server.get(path, made.mint()).status == 200
        assert time.monotonic() - start < 0.5 * SLOW
    assert made.fetches == 1


def test_a_hung_issuer_does_not_delay_a_good_one(httpd, authority):
    with Issuer(authority) as hung, Issuer(authority) as good:
        hung.fail_with(hang=True)
        server = httpd(f"Auth0CAFile {authority.file}\n"
                       + location("/hung", f"Auth0Domain {hung.domain}")
                       + location("/good", f"Auth0Domain {good.domain}"),
                       files={"htdocs/good": "ok", "htdocs/hung": "ok"}, threads=16)
        start = time.monotonic()
        assert server.get("/good", good.mint()).status == 200
        assert time.monotonic() - start < 2.0 * SLOW
        waiting = threading.Thread(target=server.get, args=("/hung", hung.mint()))
        waiting.start()
        slowest = 0
        for _ in range(20):
            start = time.monotonic()
            assert server.get("/good", good.mint()).status == 200
            slowest = max(slowest, time.monotonic() - start)
        waiting.join()
        assert slowest < 0.5 * SLOW
        hung.heal()


def test_waiting_for_keys_takes_at_most_a_quarter_of_the_workers(httpd, authority,
                                                                 several_processes):
    """The rest are answered at once: 16 workers, 12 requests, at most 4 wait."""
    with Issuer(authority) as hung:
        hung.fail_with(hang=True)
        server = httpd(trust(hung) + location("/valid"), files=PAGE, threads=16)
        token = hung.mint()

        def ask(_):
            start = time.monotonic()
            assert_refusal(server.get("/valid", token), "E5")
            return time.monotonic() - start

        times = sorted(in_parallel(12, ask))
        assert times[-1] <= 3.0 * SLOW, times
        assert sum(1 for seconds in times if seconds > 1.0) <= 4, times
        assert server.get("/nothing").status == 404
        hung.heal()


def test_a_good_document_of_a_wrong_content_type_is_used(httpd, own_issuer):
    own_issuer.fail_with(headers={"Content-Type": "text/plain"})
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint()).status == 200


def test_c7_one_broken_key_among_good_ones_does_no_harm(httpd, own_issuer):
    good = own_issuer.key
    weak = tokens.Key("RS256", "weak", bits=1024)
    own_issuer.document = json.dumps({"keys": [
        {"kty": "RSA", "kid": "broken", "n": "!!", "e": "AQAB"}, {"kty": "??"},
        {"kty": "oct", "kid": "secret", "k": "A" * 43, "alg": "HS256"}, weak.public(),
        {"kty": "EC", "crv": "P-256", "kid": "off-curve", "x": "A" * 43, "y": "A" * 43},
        good.public(kid="for-encryption", use="enc"),
        good.public(kid="not-to-verify", key_ops=["encrypt"]),
        good.public()]})
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint()).status == 200
    secret = tokens.Key("HS256", "secret", secret=tokens.unb64("A" * 43))
    for token, reason in ((own_issuer.mint(kid="for-encryption"), "key_unknown"),
                          (own_issuer.mint(kid="not-to-verify"), "key_unknown"),
                          (own_issuer.mint(key=weak), "key_unknown"),
                          (own_issuer.mint(key=secret), "algorithm_not_allowed")):
        mark = server.mark()
        assert_refusal(server.get("/valid", token), "E3", reason=reason, server=server,
                       mark=mark)


def test_the_issuer_hears_no_more_than_it_must(httpd, own_issuer):
    """A plain GET of the one path: no token, no cookie, nothing of the client's."""
    seen = []
    original = own_issuer._answer
    own_issuer._answer = lambda handler: (seen.append(dict(handler.headers)),
                                          original(handler))
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint()).status == 200
    assert len(seen) == 1
    names = {name.lower() for name in seen[0]}
    assert not names & {"authorization", "cookie", "referer", "x-forwarded-for"}, seen
