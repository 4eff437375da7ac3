"""F13: mod_cache in front of protected places, with tokens in the Authorization header.

What httpd does was found by trying. With CacheQuickHandler On (its default) a request with
an Authorization field passes the cache by, both ways: nothing that a token opened is kept,
and a request without one finds nothing. With Off the cache stands behind authentication;
it keeps what a token opened only where the back end allows that (RFC 9111 3.5), and hands
it to those alone whom httpd has let in.
"""

import itertools
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.conf import PROXY, location, trust
from support.refusal import assert_refusal
from support.tokens import tampered

ADMIN = "auth0-permission read:a"

#: What the back end says, and whether a shared cache may keep it for one with a token.
SAYS = {"nothing": ("", False), "max-age=60": ("max-age=60", False),
        "public": ("public, max-age=60", True), "s-maxage": ("s-maxage=60", True),
        "must-revalidate": ("max-age=60, must-revalidate", True),
        "private": ("private, max-age=60", False), "no-store": ("no-store", False)}


class Numbered:
    """A back end whose answers are numbered, so that a kept one shows; it says for how
    long they are good what the query tells it to."""

    def __init__(self):
        numbers = itertools.count(1)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                query = urllib.parse.urlsplit(self.path).query
                said = urllib.parse.parse_qs(query).get("say", [])
                body = b"answer %d" % next(numbers)
                self.send_response(200)
                for value in said:
                    self.send_header("Cache-Control", value)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def numbered():
    made = Numbered()
    yield made
    made.stop()


def cached(issuer, numbered, store, quick, *more):
    kind = {"disk": "CacheRoot ${ROOT}/cache", "socache": "CacheSocache shmcb"}[store]
    return "".join((
        trust(issuer), f"CacheEnable {store} /\n{kind}\nCacheQuickHandler {quick}\n",
        "".join(f"ProxyPass /{path} {numbered.url}\n" for path in
                ("valid", "admin", "public")),
        location("/valid"), location("/admin", require=ADMIN), location("/files"), *more))


def modules(store):
    return (*PROXY, "cache", f"cache_{store}", "socache_shmcb")


FILES = {"htdocs/files/a.txt": "protected", "htdocs/public-files/a.txt": "public"}


def open_cache(server):
    """The server's workers keep what they cache in a folder of the ServerRoot."""
    (server.root / "cache").mkdir()
    (server.root / "cache").chmod(0o777)
    return server


@pytest.fixture(scope="module", params=itertools.product(("disk", "socache"), ("On", "Off")),
                ids=lambda pair: f"{pair[0]}, quick handler {pair[1]}")
def server(request, shared_httpd, issuer, numbered):
    store, quick = request.param
    made = open_cache(shared_httpd(cached(issuer, numbered, store, quick),
                                   modules=modules(store), files=FILES))
    made.quick = quick == "On"
    return made


_next = itertools.count(1)


def address(place, said):
    """A URL that no other test uses."""
    query = {"test": next(_next), **({"say": said} if said else {})}
    return f"/{place}?{urllib.parse.urlencode(query)}"


def answer_to(server, path, token=None):
    answer = server.get(path, token)
    assert answer.status == 200, repr(answer)
    return answer.text


@pytest.mark.parametrize("says", SAYS)
def test_f13_nobody_gets_from_the_cache_what_their_token_does_not_open(server, issuer, says):
    said, may_be_kept = SAYS[says]
    path = address("valid", said)
    first = answer_to(server, path, issuer.mint())
    assert_refusal(server.get(path), "E1")
    assert_refusal(server.get(path, tampered(issuer.mint())), "E3")
    assert_refusal(server.get(path, issuer.mint(exp_in=-600)), "E3")
    second = answer_to(server, path, issuer.mint(sub="somebody else"))
    assert (second == first) == (may_be_kept and not server.quick)
    assert_refusal(server.get(path), "E1")


@pytest.mark.parametrize("says", SAYS)
def test_f13_nor_what_their_permissions_do_not_open(server, issuer, says):
    path = address("admin", SAYS[says][0])
    allowed = issuer.mint(permissions=["read:a"])
    answer_to(server, path, allowed)
    assert_refusal(server.get(path, issuer.mint()), "E4", scope="read:a")
    assert_refusal(server.get(path), "E1")
    answer_to(server, path, allowed)


def test_f13_the_cache_is_there_and_keeps_public_things(server):
    path = address("public", "max-age=60")
    assert answer_to(server, path) == answer_to(server, path)
    path = address("public", "no-store")
    assert answer_to(server, path) != answer_to(server, path)


def test_f13_a_static_file_stays_protected(server, issuer):
    for _ in range(2):
        assert answer_to(server, "/files/a.txt", issuer.mint()) == "protected"
        assert_refusal(server.get("/files/a.txt"), "E1")
        assert_refusal(server.get("/files/a.txt", tampered(issuer.mint())), "E3")


@pytest.mark.parametrize("says", ["public", "s-maxage", "max-age=60"])
def test_f13_a_refusal_is_not_kept(server, issuer, says):
    path = address("admin", SAYS[says][0])
    for _ in range(2):
        assert_refusal(server.get(path), "E1")
        assert_refusal(server.get(path, tampered(issuer.mint())), "E3")
        assert_refusal(server.get(path, issuer.mint()), "E4", scope="read:a")
        assert_refusal(server.get(path, headers={"Authorization": "Bearer"}), "E2")
    assert answer_to(server, path, issuer.mint(permissions=["read:a"])).startswith("answer")


@pytest.mark.parametrize("quick", ["On", "Off"])
def test_f13_an_outage_is_not_kept(httpd, ready_issuer, numbered, quick):
    ready_issuer.fail_with(500)
    server = open_cache(httpd(cached(ready_issuer, numbered, "disk", quick),
                              modules=modules("disk"), files=FILES))
    path = address("valid", "public, max-age=60")
    assert_refusal(server.get(path, ready_issuer.mint()), "E5")
    ready_issuer.heal()
    server.restart()
    assert answer_to(server, path, ready_issuer.mint()).startswith("answer")


@pytest.mark.parametrize("quick", ["On", "Off"])
def test_f13_not_even_a_cache_that_minds_nobody_keeps_a_refusal(httpd, issuer, numbered,
                                                                quick):
    """Told to ignore what the answers say, it keeps the good ones; behind the quick handler
    it would hand them to strangers, but it does not look at requests with tokens."""
    server = open_cache(httpd(
        cached(issuer, numbered, "disk", quick, "CacheIgnoreCacheControl On\n"
               "CacheStoreNoStore On\nCacheStorePrivate On\nCacheIgnoreNoLastMod On\n"),
        modules=modules("disk"), files=FILES))
    for says in ("max-age=60", "public", "private", "no-store"):
        path = address("admin", SAYS[says][0])
        for _ in range(2):
            assert_refusal(server.get(path), "E1")
            assert_refusal(server.get(path, issuer.mint()), "E4", scope="read:a")
            answer_to(server, path, issuer.mint(permissions=["read:a"]))
            assert_refusal(server.get(path), "E1")
