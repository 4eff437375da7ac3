"""Remembered tokens in time: rotation, outages, restarts, eviction, several processes.

And what a request makes of a remembered token must be what it made of it at first.
"""

import json
import re
import socket
import threading
import time
from collections import Counter

import pytest

from support import http
from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, refresh, trust
from support.issuer import Issuer
from support.load import Load, ask_everything, request_of
from support.paths import SLOW, VALGRIND
from support.process import resident_memory_of
from support.refusal import assert_refusal
from support.remembered import CACHE, ONE, VERIFIED, costs
from support.tokens import tampered
from support.wait import wait_until

PAGE = {"htdocs/valid": "ok"}
#: One process with several threads.
THREADS = {"mpm": "event", "processes": 1, "threads": 8}


def start(httpd, issuer, config="", **more):
    return httpd(trust(issuer) + CACHE + config + location("/valid"), files=PAGE,
                 **{**ONE, **more})


# ---- the issuer's keys -------------------------------------------------------------


def test_a_removed_key_s_tokens_are_forgotten_when_the_document_is(httpd, ready_issuer):
    """Until then they are hits; from the refresh on they are refused, hit or not."""
    fresh = 2
    server = start(httpd, ready_issuer, refresh(fresh, cooldown=1))
    old = ready_issuer.mint()
    assert server.get("/valid", old).status == 200
    ready_issuer.rotate("key-2", keep_old=False)
    begin, before = time.monotonic(), ready_issuer.fetches
    hits = 0
    with costs(server, 0):
        while (answer := server.get("/valid", old)).status == 200:
            hits += 1
            assert time.monotonic() - begin <= (fresh + 5) * SLOW
    assert hits > 5 and ready_issuer.fetches > before
    assert_refusal(answer, "E3", reason="key_unknown")
    with costs(server, 1):
        for _ in range(5):
            assert server.get("/valid", ready_issuer.mint(exp=4102444800, iat=0)
                              ).status == 200
            assert_refusal(server.get("/valid", old), "E3", reason="key_unknown")


def test_a_removed_key_is_refused_right_after_the_refresh_that_lacks_it(httpd,
                                                                        ready_issuer):
    """Here an unknown kid brings the refresh, and the moment is known."""
    server = start(httpd, ready_issuer, refresh(cooldown=0))
    old = ready_issuer.mint()
    with costs(server, 1):
        for _ in range(3):
            assert server.get("/valid", old).status == 200
    ready_issuer.rotate("key-2", keep_old=False)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    for _ in range(5):
        assert_refusal(server.get("/valid", old), "E3", reason="key_unknown")


def test_a_key_replaced_under_its_kid_takes_its_tokens_along(httpd, ready_issuer):
    fresh = 2
    server = start(httpd, ready_issuer, refresh(fresh, cooldown=1))
    old = ready_issuer.mint()
    assert server.get("/valid", old).status == 200
    ready_issuer.rotate(ready_issuer.key.kid, keep_old=False)
    answer = wait_until(lambda: (a := server.get("/valid", old)).status != 200 and a,
                        fresh + 5, "the refusal", every=0.02)
    assert_refusal(answer, "E3", reason="signature_invalid")
    assert server.get("/valid", ready_issuer.mint()).status == 200
    assert_refusal(server.get("/valid", old), "E3", reason="signature_invalid")


def test_a_token_of_a_key_that_stays_costs_one_verification_more(httpd, ready_issuer):
    server = start(httpd, ready_issuer, refresh(cooldown=0))
    old = ready_issuer.mint()
    with costs(server, 1):
        for _ in range(3):
            assert server.get("/valid", old).status == 200
    new = ready_issuer.rotate("key-2")
    with costs(server, 1):
        assert server.get("/valid", ready_issuer.mint(key=new)).status == 200
    with costs(server, 1):
        for _ in range(5):
            assert server.get("/valid", old).status == 200


def test_a_refresh_that_brings_the_same_document_costs_no_verification(httpd,
                                                                       ready_issuer):
    server = start(httpd, ready_issuer, refresh(0.5, cooldown=1))
    token = ready_issuer.mint()
    assert server.get("/valid", token).status == 200
    with costs(server, 0):
        until = ready_issuer.fetches + 3
        while ready_issuer.fetches < until:
            assert server.get("/valid", token).status == 200
            time.sleep(0.02)
        assert server.get("/valid", token).status == 200


def test_a_remembered_token_is_e5_when_its_keys_are_dead(httpd, ready_issuer):
    """An outage is no reason to go on for ever; nor is it one to call the token bad."""
    server = start(httpd, ready_issuer, refresh(1, stale=4, cooldown=1))
    token = ready_issuer.mint()
    assert server.get("/valid", token).status == 200
    ready_issuer.stop()
    begin, hits = time.monotonic(), 0
    with costs(server, 0):
        while (answer := server.get("/valid", token)).status == 200:
            hits += 1
            assert time.monotonic() - begin <= 8 * SLOW
            time.sleep(0.02)
    assert hits > 20, "no hits while the keys were stale"
    assert_refusal(answer, "E5")
    assert time.monotonic() - begin >= 2
    assert_refusal(server.get("/valid", token), "E5")
    ready_issuer.start()
    wait_until(lambda: server.get("/valid", token).status == 200, 20, "the recovery",
               every=0.2)


# ---- restarts ----------------------------------------------------------------------


def test_h6_a_reload_without_the_issuer_or_the_audience_forgets_its_tokens(
        httpd, ready_issuer, authority, ready_key):
    with Issuer(authority, keys=[ready_key]) as other:
        server = start(httpd, ready_issuer)
        token = ready_issuer.mint()
        for _ in range(3):
            assert server.get("/valid", token).status == 200
            assert_refusal(server.get("/valid", other.mint()), "E3",
                           reason="issuer_unknown")
        for config, answers, good in (
                (trust(other) + location("/valid"), "issuer_unknown", other.mint()),
                (trust(ready_issuer) + location("/valid", audience="https://new.example/"),
                 "audience_mismatch", ready_issuer.mint(aud="https://new.example/"))):
            server.configure(CACHE + config)
            before = set(server.pids())
            server.graceful()
            if not VALGRIND:
                wait_until(lambda: not before & set(server.pids()), 10,
                           "the end of the former process")
            for _ in range(3):
                assert_refusal(server.get("/valid", token), "E3", reason=answers)
                assert server.get("/valid", good).status == 200


# ---- eviction ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick(authority):
    """A tenant that signs quickly."""
    with Issuer(authority, alg="EdDSA") as made:
        yield made


def users_of(server, path):
    """Who has asked for what is below this path, by what is behind it: in the access log."""
    found = re.findall(rf"^(\S+) (\d+) GET {path}\?(\d+) ", server.access_log, re.M)
    return [(user, int(number)) for user, status, number in found if status == "200"]


@pytest.mark.parametrize("entries", [16, 256])
def test_a_hot_token_and_all_others_stay_right_in_a_flood_of_tokens(httpd, quick, entries):
    """Each token is asked with twice, before and after it has been overwritten."""
    server = httpd(trust(quick) + f"Auth0TokenCache {entries}\nMaxKeepAliveRequests 0\n"
                   + location("/valid", "Auth0Algorithms EdDSA"), files=PAGE, **THREADS)
    number = 150 if VALGRIND else 1500
    hot = quick.mint(sub="user-0")
    others = [quick.mint(sub=f"user-{i}", permissions=[f"p{i}"] * (i % 40))
              for i in range(1, number)]
    requests = []
    for _ in range(2):
        for i, token in enumerate(others, 1):
            requests.append(request_of(token, f"/valid?{i}"))
            if i % 5 == 0:
                requests.append(request_of(hot, "/valid?0"))
                requests.append(request_of(tampered(hot), "/valid?0"))
    forged = sum(b"?0" in request for request in requests) // 2
    mark = server.mark()
    assert ask_everything(server.port, requests) == {200: len(requests) - forged,
                                                     401: forged}
    users = wait_until(lambda: len(found := users_of(server, "/valid"))
                       == len(requests) - forged and found, 5, "the access log")
    assert all(user == f"user-{i}" for user, i in users)
    verified = server.log(mark).count(VERIFIED)
    # Of the others hardly one is there the second time; the hot one mostly is.
    assert 1.9 * len(others) < verified < 2 * len(others) + 0.7 * forged


def test_a_flood_of_tokens_takes_no_more_memory_than_the_cache(httpd, quick,
                                                                several_processes):
    """1 MiB for 4096 entries, and what httpd itself takes for its connections."""
    server = httpd(trust(quick) + CACHE + "MaxKeepAliveRequests 0\n"
                   + location("/valid", "Auth0Algorithms EdDSA"), files=PAGE,
                   log_level="warn", **THREADS)
    others = [request_of(quick.mint(jti=str(i), permissions=[f"read:{n}" for n in range(20)]))
              for i in range(4000)]
    assert ask_everything(server.port, others[:1] * 2000, clients=4) == {200: 2000}
    child, = server.pids()
    before = resident_memory_of(child)
    assert ask_everything(server.port, others, clients=4) == {200: 4000}
    filled = resident_memory_of(child)
    assert ask_everything(server.port, others, clients=4) == {200: 4000}
    print(f"{filled - before} bytes for a full cache, "
          f"{resident_memory_of(child) - filled} more for as many again")
    assert filled - before <= 2 * 2**20
    assert resident_memory_of(child) - filled <= 2**19
    assert server.pids() == [child]


def test_claims_of_a_request_survive_the_overwriting_of_their_entry(httpd, quick, backend):
    """A request that takes long was let in by a hit; what it says of its user at its end is
    of the same user, though hundreds of others have come meanwhile."""
    late = 'Header always set X-Late "expr=%{AUTH0_CLAIM:plan}/%{AUTH0_CLAIM:sub}"'
    server = httpd(trust(quick) + "Auth0TokenCache 1\n" + proxied(backend)
                   + location("/valid", "Auth0Algorithms EdDSA",
                              "Auth0PassHeaders sub=X-Sub", late),
                   modules=PROXY, **THREADS)
    token = quick.mint(sub="slow", plan="gold", scope="z a m")
    others = [quick.mint(sub=f"user-{i}", plan="none") for i in range(200)]
    assert server.get("/valid", token).status == 200
    # Were the slow one judged after the others, it would cost a verification too.
    with costs(server, len(others)):
        with socket.create_connection(("127.0.0.1", server.port), 10 * SLOW) as client:
            client.sendall(request_of(token, close=True).replace(b"GET", b"POST", 1)[:-2]
                           + b"Content-Length: 4\r\n\r\nab")
            time.sleep(0.3 * SLOW)  # it is let in, and waits for the rest of its body
            for i, other in enumerate(others):
                assert server.get("/valid", other).header("X-Late") == f"none/user-{i}"
            backend.hits.clear()
            client.sendall(b"cd")
            data = b""
            while chunk := client.recv(65536):
                data += chunk
    answer = http.parse(data, "POST")
    assert answer.status == 200 and answer.header("X-Late") == "gold/slow", repr(answer)
    assert_accepted(answer, backend, user="slow")
    assert seen_header(backend.hits[0], "X-Sub") == ["slow"]
    assert backend.hits[0]["body"] == "abcd"


# ---- several processes -------------------------------------------------------------


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_each_process_verifies_a_token_for_itself_and_then_remembers_it(
        httpd, ready_issuer, several_processes, mpm):
    threads = 2
    server = httpd(trust(ready_issuer) + CACHE + location("/valid")
                   + location("/other", audience="https://other.example.com"),
                   files={**PAGE, "htdocs/other": "ok"}, mpm=mpm, processes=4,
                   threads=threads)
    good = ready_issuer.mint()
    assert server.get("/valid", good).status == 200
    asked, forged, other = (request_of(token, path, close=True) for token, path in
                            ((good, "/valid"), (tampered(good), "/valid"),
                             (good, "/other")))
    assert ask_everything(server.port, [asked, forged, asked] * 150, batch=1) \
        == {200: 300, 401: 150}
    lines = [line for line in server.log().splitlines() if VERIFIED in line]
    by_process = Counter(re.search(r"\[pid (\d+)", line).group(1) for line in lines)
    print(f"{mpm}: verified by {dict(by_process)}")
    # Threads that meet the token at the same moment each verify it.
    assert len(by_process) >= 2
    assert max(by_process.values()) <= (1 if mpm == "prefork" else threads)
    removed = threading.Event()
    cases = {"good": (asked, lambda status, head: status == 200 or removed.is_set()),
             "other": (other, 401), "forged": (forged, 401)}
    with Load(server.port, cases, clients=3) as load:
        time.sleep(0.5)
        ready_issuer.rotate("key-2", keep_old=False)
        removed.set()
        assert server.get("/valid", ready_issuer.mint()).status == 200
        wait_until(lambda: ask_everything(server.port, [asked] * 40, batch=1) == {401: 40},
                   5, "the refusal by all processes")
    load.assert_right(at_least=10)


# ---- what a hit says ---------------------------------------------------------------

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
env | grep -E '^(REMOTE_USER|AUTH_TYPE|AUTH0_|REDIRECT_AUTH0_|REDIRECT_REMOTE_USER)' | sort
"""

RICH = {
    "scope": "write:z read:a  m ", "permissions": ["z", "a:b", "", "a:b"],
    "org_id": "org_1", "list": ["a,b", 'c"d', 1, 1.5, None, True, {"k": []}],
    "object": {"deep": {"er": [[], {}]}, "": ""}, "name": "ünï – 名 \\ \" \t",
    "https://example.com/roles": ["admin", "user"], "nothing": None, "yes": True,
}
NUMBERS = '"n":123456789012345678901234567890.1230,"e":1E+2,"z":-0'
PASSED = " ".join(name for name in (*RICH, "n", "e", "z", "aud", "exp", "iat"))


@pytest.fixture(scope="module")
def telling(shared_httpd, issuer, shared_backend):
    """Places that pass on all they can of a token: to a back end, a CGI, an index."""
    everything = (f"Auth0PassClaims {PASSED}", "Auth0PassHeaders list=X-List sub=X-Sub "
                  "object=X-Object n=X-N scope=X-Scope",
                  'Header set X-Expr "expr=%{AUTH0_CLAIM:org_id} %{AUTH0_CLAIM:list}"')
    return shared_httpd(
        trust(issuer) + CACHE + "ScriptAlias /cgi/ ${ROOT}/cgi/\n"
        + proxied(shared_backend, "/cgi", "/app") + location("/proxied", *everything)
        + location("/cgi", *everything)
        + location("/proxied/granted", require=[
            "auth0-permission a:b", "auth0-scope nothing"])
        + location("/proxied/claimed", "<RequireAll>", "Require auth0-claim list=1.5",
                   "Require auth0-claim n=123456789012345678901234567890.1230",
                   "Require auth0-org org_1", "Require auth0-scope m read:a write:z",
                   "Require auth0-permission z a:b", "</RequireAll>", require=None)
        + location("/proxied/denied", require="auth0-scope read:a read:b")
        + location("/app", *everything) + """
        <Directory "${DOCS}/app">
            Options ExecCGI
            AddHandler cgi-script .cgi
            DirectoryIndex index.cgi
            FallbackResource /app/index.cgi
        </Directory>
        """, modules=(*PROXY, "cgid"), files={"cgi/env": (SCRIPT, 0o755),
                                              "htdocs/app/index.cgi": (SCRIPT, 0o755)},
        **ONE)


def rich_token(issuer, request):
    claims = issuer.claims(jti=request.node.name, **RICH)
    text = json.dumps(claims, ensure_ascii=False)[:-1] + "," + NUMBERS + "}"
    return issuer.mint(payload=text)


@pytest.mark.parametrize("path, status", [
    ("/proxied", 200), ("/proxied/granted", 200), ("/proxied/claimed", 200),
    ("/proxied/denied", 403), ("/cgi/env", 200), ("/app/", 200), ("/app/no/such", 200)])
def test_a_hit_says_the_same_as_the_verification_before_it(telling, issuer, backend,
                                                           request, path, status):
    token = rich_token(issuer, request)

    def ask():
        backend.hits.clear()
        answer = telling.get(path, token)
        assert answer.status == status, repr(answer)
        return ([field for field in answer.headers if field[0] != "Date"], answer.body,
                list(backend.hits))

    with costs(telling, 1):
        first = ask()
        for _ in range(3):
            assert ask() == first
    told = first[1].decode()
    if status == 200:
        assert "123456789012345678901234567890.1230" in told and "client-1@clients" in told
    else:
        assert_refusal(telling.get(path, token), "E4", scope="read:a read:b")


def test_a_hit_s_token_is_taken_out_of_what_the_back_end_sees(httpd, issuer, backend):
    """Wherever it came from: the header, a cookie, the query."""
    server = httpd(trust(issuer) + CACHE + proxied(backend)
                   + location("/valid", "Auth0TokenSource header cookie:t query",
                              "Auth0PassToken Off"), modules=PROXY, **ONE)
    token = issuer.mint()
    with costs(server, 1):
        for path, headers in (("/valid", {"Authorization": f"Bearer {token}"}),
                              ("/valid", {"Cookie": f"a=b; t={token}"}),
                              (f"/valid?a=b&access_token={token}", {})) * 2:
            backend.hits.clear()
            assert_accepted(server.get(path, headers=headers), backend)
            assert token not in json.dumps(backend.hits)
