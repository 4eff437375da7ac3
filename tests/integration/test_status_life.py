"""The counters: one client request is one, whoever answers and whatever httpd makes of it.

Over several processes, their deaths and restarts; and through internal redirects, error
documents and sub-requests.
"""

import collections
import random
import threading

import pytest

from support.conf import location, trust
from support.load import Client, Load, ask_everything, request_of
from support.process import shared_memory_of
from support.refusal import assert_refusal
from support.status import (OPENED, metrics_of, page_of, requests_of, status_of,
                            wait_for_requests)
from support.tokens import tampered
from support.wait import wait_until

PAGES = {"htdocs/valid": "ok"}
several = pytest.mark.usefixtures("several_processes")


def start(httpd, issuer, config="", files=PAGES, **more):
    server = httpd(trust(issuer) + OPENED + location("/valid") + config, files=files, **more)
    wait_until(lambda: status_of(server)["issuers"][0]["state"] == "good", 5, "the keys")
    return server


def ask_all(server, issuer, number):
    """So many of each kind, over many connections at once."""
    good = issuer.mint()
    requests = [request_of(token, close=True) for token in (good, tampered(good), None)
                for _ in range(number)]
    random.shuffle(requests)
    assert ask_everything(server.port, requests, batch=1) == {200: number, 401: 2 * number}


def pids_that_answered(log):
    return {line.partition("[pid ")[2].partition(":")[0] for line in log.splitlines()
            if "[auth0_jwt:" in line and "no bearer token" in line}


# ---- processes and restarts ------------------------------------------------------------


@several
@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_all_processes_count_together_and_any_tells(httpd, ready_issuer, mpm):
    server = start(httpd, ready_issuer, processes=4, threads=4, mpm=mpm)
    ask_all(server, ready_issuer, 100)
    wait_for_requests(server, 100, {"signature_invalid": 100, "no_credentials": 100})
    assert len(pids_that_answered(server.log())) >= 2
    found = collections.Counter(str(requests_of(server)) for _ in range(30))
    assert len(found) == 1, "each process says the same"


@several
def test_nothing_is_lost_when_a_process_is_killed(httpd, ready_issuer):
    server = start(httpd, ready_issuer, processes=3, threads=4)
    ask_all(server, ready_issuer, 40)
    wait_for_requests(server, 40, {"signature_invalid": 40, "no_credentials": 40})
    before = server.pids()
    for pid in before:
        server.kill_child(pid)
    wait_until(lambda: server.pids() and not set(before) & set(server.pids()), 10,
               "new processes")
    wait_for_requests(server, 40, {"signature_invalid": 40, "no_credentials": 40})
    ask_all(server, ready_issuer, 10)
    wait_for_requests(server, 50, {"signature_invalid": 50, "no_credentials": 50})


@several
def test_restarts_change_no_count_and_are_counted(httpd, ready_issuer):
    server = start(httpd, ready_issuer, processes=2, threads=4)
    since = status_of(server)["since"]
    memory = shared_memory_of(server.process.pid)
    for number, again in enumerate((server.graceful, server.restart, server.graceful), 1):
        ask_all(server, ready_issuer, 10)
        expected = {"signature_invalid": 10 * number, "no_credentials": 10 * number}
        wait_for_requests(server, 10 * number, expected)
        again()
        wait_until(lambda: status_of(server)["generation"] == number, 5, "the restart")
        wait_for_requests(server, 10 * number, expected)
    status = status_of(server)
    assert status["since"] == since
    (issuer,) = status["issuers"]
    assert (issuer["fetches"], issuer["generation"]) == (1, 1)
    assert metrics_of(server)[0]["auth0_jwt_server_generation"] == {(): 3}
    assert any("restarted 3 times" in text for text in page_of(server).texts)
    assert shared_memory_of(server.process.pid) == memory
    # A stop is the end of it.
    server.end()
    server.start()
    wait_for_requests(server, 0, {})


@several
def test_a_process_of_before_a_restart_still_counts(httpd, ready_issuer, backend):
    """Its last answer is written after the others have begun anew."""
    backend.held = threading.Event()
    server = start(httpd, ready_issuer, f"ProxyPass /slow {backend.url}/\n"
                   + location("/slow"), modules=("proxy", "proxy_http"), max_processes=2)
    asker = threading.Thread(target=server.get, args=("/slow", ready_issuer.mint()))
    asker.start()
    wait_until(lambda: backend.hits, 5, "the request behind")
    server.graceful()
    wait_until(lambda: status_of(server)["generation"] == 1, 5, "the restart")
    wait_for_requests(server, 0, {})
    backend.held.set()
    asker.join()
    backend.held = None
    wait_for_requests(server, 1, {})


@several
def test_the_count_is_exact_under_load_and_restarts(httpd, ready_issuer):
    """What clients got, and what httpd cut short, is what was counted."""
    server = start(httpd, ready_issuer, processes=2, max_processes=4, threads=8,
                   log_level="warn")
    good = ready_issuer.mint()
    with Load(server.port, {"good": (request_of(good), 200),
                            "forged": (request_of(tampered(good)), 401),
                            "none": (request_of(), 401)}, clients=4) as load:
        for number in range(1, 4):
            wait_until(lambda: load.total() >= 60 * number, 10, "answers")
            server.graceful()
    load.assert_right(at_least=10)
    answered = {name: sum(counter.values()) for name, counter in load.answers.items()}

    def is_right():
        accepted, refused, _ = requests_of(server)
        beyond = [accepted - answered["good"],
                  refused["signature_invalid"] - answered["forged"],
                  refused["no_credentials"] - answered["none"]]
        # A request whose answer was cut short may have counted.
        return min(beyond) >= 0 and sum(beyond) <= load.cut

    wait_until(is_right, 5, f"the count of {answered} and {load.cut} that were cut")


@several
def test_the_last_error_is_known_after_a_restart(httpd, own_issuer):
    server = start(httpd, own_issuer, "Auth0JWKSRefresh 1s 1h 1s\n")
    assert server.get("/valid", own_issuer.mint()).status == 200
    own_issuer.fail_with(status=418)
    wait_until(lambda: status_of(server)["issuers"][0]["failures_in_a_row"] >= 2, 10,
               "two failures")
    server.graceful()
    wait_until(lambda: status_of(server)["generation"] == 1, 5, "the restart")
    (issuer,) = status_of(server)["issuers"]
    assert issuer["state"] == "failing" and issuer["failures_in_a_row"] >= 2
    assert "418" in issuer["last_error"]
    assert issuer["fetches"] >= 3 and issuer["failed_fetches"] >= 2


# ---- one request of a client's, several of httpd's -------------------------------------

REDIRECTS = """
<Directory "${DOCS}">
    Options +Includes +Indexes +MultiViews
    AddOutputFilter INCLUDES .shtml
    AddType text/html .shtml
    AddLanguage en .en
    DirectoryIndex index.html
    RewriteEngine On
    RewriteRule "^leap$" "/admin/page"
</Directory>
RewriteEngine On
RewriteCond "/admin/page" -U
RewriteRule "^/probe$" "/valid" [PT]
RewriteRule "^/to-admin$" "/admin/page" [PT]
RewriteRule "^/open/to-valid$" "/valid" [PT]
"""


@pytest.fixture
def pages(httpd, ready_issuer):
    files = {"htdocs/valid": "ok", "htdocs/error.html": "an error",
             "htdocs/kept/error.html": "an error, for friends",
             "htdocs/folder/index.html": "index", "htdocs/list/kept-1": "1",
             "htdocs/list/kept-2": "2", "htdocs/reported/index.html": "index", "htdocs/strict/index.html": "index",
             "htdocs/admin/page": "admin", "htdocs/variants/kept.txt.en": "variant",
             "htdocs/open/page.shtml": '<!--#include virtual="/valid" -->',
             "htdocs/kept/page.shtml": '<!--#include virtual="/valid" -->, '
                                       '<!--#include virtual="/admin/page" -->'}
    return start(httpd, ready_issuer, REDIRECTS + '<Files "kept*">\n'
                 + location("/x").partition("\n")[2].replace("Location", "Files")
                 + location("/folder/index.html") + location("/kept") + location("/strict")
                 + location("/strict/index.html", require="auth0-permission a")
                 + location("/admin", require="auth0-permission a")
                 + location("/reported", "Auth0ReportOnly On")
                 + location("/reported/index.html", "Auth0ReportOnly On",
                            require="auth0-permission a")
                 + location("/reported/kept", "Auth0ReportOnly Off")
                 + "RewriteRule \"^/reported/to-kept$\" \"/reported/kept\" [PT]\n"
                 + location("/documented", "ErrorDocument 401 /error.html",
                            "ErrorDocument 404 /kept/error.html")
                 + location("/documented-too", "ErrorDocument 401 /kept/error.html")
                 + '<Location "/open-404">\nErrorDocument 404 /kept/error.html\n</Location>\n',
                 files=files, modules=("include", "autoindex", "negotiation", "rewrite"))


@pytest.mark.parametrize("path, status, accepted, refused", [
    ("/folder/", 401, 0, {"no_credentials": 1}),       # its index is protected
    ("/list/", 200, 0, {}),                            # files that it only leaves out
    ("/variants/kept", 401, 0, {"no_credentials": 1}),
    ("/open/page.shtml", 200, 0, {}),                  # a part of it could not be had
    ("/to-admin", 401, 0, {"no_credentials": 1}),
    ("/documented/x", 401, 0, {"no_credentials": 1}),
    ("/documented-too/x", 401, 0, {"no_credentials": 1}),
    ("/leap", 401, 0, {"no_credentials": 1}),          # the second of two is refused
    ("/probe", 404, 0, {}),                            # it only asks what would become
    ("/open-404", 404, 0, {}),                         # the document was refused, not this
])
def test_a_request_without_a_token_counts_once(pages, path, status, accepted, refused):
    assert pages.get(path).status == status
    assert pages.get("/valid").status == 401  # the next in line: what is before is counted
    refused = {**refused, "no_credentials": refused.get("no_credentials", 0) + 1}
    wait_for_requests(pages, accepted, refused)


@pytest.mark.parametrize("path, status, accepted, refused", [
    ("/folder/", 200, 1, {}),
    ("/list/", 200, 0, {}),
    ("/variants/kept", 200, 1, {}),
    ("/open/page.shtml", 200, 0, {}),
    ("/kept/page.shtml", 200, 1, {}),                  # of whose parts one is refused
    ("/strict/", 403, 0, {"permission_missing": 1}),   # the folder is not, its index is
    ("/to-admin", 403, 0, {"permission_missing": 1}),
    ("/leap", 403, 0, {"permission_missing": 1}),
    ("/probe", 404, 0, {}),
    ("/documented/x", 404, 1, {}),
    ("/open-404", 404, 0, {}),
])
def test_a_request_with_a_token_counts_once(pages, ready_issuer, path, status, accepted,
                                            refused):
    assert pages.get(path, ready_issuer.mint()).status == status
    assert pages.get("/valid", ready_issuer.mint()).status == 200
    wait_for_requests(pages, accepted + 1, refused)


@pytest.mark.parametrize("path, token, expected", [
    ("/reported/", False, (0, {}, {"no_credentials": 1})),
    ("/reported/", True, (0, {}, {"permission_missing": 1})),  # not the folder, its index
    ("/reported/to-kept", False, (0, {"no_credentials": 1}, {})),
])
def test_a_request_that_is_only_reported_counts_once(pages, ready_issuer, path, token,
                                                     expected):
    pages.get(path, ready_issuer.mint() if token else None)
    wait_for_requests(pages, *expected)


def test_a_request_that_waits_on_the_same_connection_counts_too(httpd, ready_issuer):
    server = start(httpd, ready_issuer)
    good = ready_issuer.mint()
    with Client(server.port) as client:
        assert client.ask_all([request_of(good)] * 5 + [request_of()] * 3) == \
            [200] * 5 + [401] * 3
        wait_for_requests(server, 5, {"no_credentials": 3})


def test_what_others_decide_is_not_counted(httpd, ready_issuer):
    server = start(httpd, ready_issuer,
                   location("/network", "<RequireAll>\nRequire ip 192.0.2.1\n"
                            "Require valid-user\n</RequireAll>", require=())
                   + location("/closed", require="all denied")
                   + location("/api", "Auth0CORSOrigin https://app.example.com"))
    assert server.get("/network", ready_issuer.mint()).status == 403
    assert server.get("/closed", ready_issuer.mint()).status == 403
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    assert server.request("OPTIONS", "/api/x", headers=preflight).status == 204
    assert_refusal(server.get("/api/x"), "E1")
    wait_for_requests(server, 0, {"no_credentials": 1})
