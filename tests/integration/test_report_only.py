"""Auth0ReportOnly: what would be refused is logged and counted, and goes on."""

import re

import pytest

from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import wait_until

REPORT = "Auth0ReportOnly On"


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + proxied(shared_backend, "/index")
        + 'LogFormat "%U %>s %{AUTH0_REPORT}e" report\n'
        + "CustomLog logs/report.log report\n"
        + location("/valid", REPORT, "Auth0PassHeaders sub=X-Sub",
                   "Auth0PassClaims sub")
        + location("/valid/strict", "Auth0ReportOnly Off")
        + location("/admin", REPORT, require="auth0-permission read:a")
        + location("/bob", REPORT, require="user bob")
        + location("/hidden", REPORT, "Auth0PassToken Off")
        + location("/closed", REPORT, require="all denied")
        + location("/network", REPORT, """
            <RequireAll>
                Require ip 192.0.2.1
                Require valid-user
            </RequireAll>
            """, require=())
        + location("/either", REPORT, """
            <RequireAny>
                Require ip 192.0.2.1
                Require auth0-permission read:a
            </RequireAny>
            """, require=())
        + location("/index", REPORT)
        + """
        <Location "/basic">
            Auth0ReportOnly On
            AuthType Basic
            AuthName x
            AuthUserFile /dev/null
            Require valid-user
        </Location>
        <Directory "${DOCS}/index">
            DirectoryIndex page.html
        </Directory>
        """, modules=(*PROXY, "auth_basic", "authn_file"),
        files={"htdocs/index/page.html": "the page"})


def passed(answer, backend, user=None):
    """Let through as if nothing were asked: no challenge, no user unless valid."""
    assert answer.status == 200, repr(answer)
    assert answer.all("WWW-Authenticate") == []
    assert "no-store" not in (answer.header("Cache-Control") or "")
    seen = backend.hits[-1]
    assert seen_header(seen, "X-Remote-User") in ([[user]] if user else [[], [""]])
    assert seen_header(seen, "X-Sub") in ([[user]] if user else [[]])


BAD = {
    "no_credentials": lambda issuer: None,
    "signature_invalid": lambda issuer: tampered(issuer.mint()),
    "expired": lambda issuer: issuer.mint(exp_in=-60),
    "audience_mismatch": lambda issuer: issuer.mint(aud="https://other.example.com"),
    "authorization_malformed": lambda issuer: "a b",
    "issuer_unknown": lambda issuer: issuer.mint(iss="https://other.example.com/"),
    "token_opaque": lambda issuer: "opaque",
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_token_goes_through_without_claims_and_is_logged(server, issuer, backend, reason):
    mark = server.mark()
    headers = {"X-Sub": "mallory"}
    passed(server.get("/valid", BAD[reason](issuer), headers), backend)
    line = f"Auth0ReportOnly: /valid would have been refused ({reason};"
    assert server.log(mark).count(line) == 1
    # The same token where nothing is only reported.
    answer = server.get("/valid/strict", BAD[reason](issuer))
    assert answer.status in (400, 401) and len(backend.hits) == 1


def test_the_log_says_what_helps(server, issuer, backend):
    mark = server.mark()
    server.get("/valid", issuer.mint(iss="https://other.example.com/"))
    assert 'so far): iss "https://other.example.com/"' in server.log(mark)


def test_a_valid_token_has_its_user_and_is_not_reported(server, issuer, backend):
    mark = server.mark()
    passed(server.get("/valid", issuer.mint(sub="ann")), backend, user="ann")
    assert "would have been" not in server.log(mark)


@pytest.mark.parametrize("path, reason", [("/admin", "permission_missing"),
                                          ("/bob", "requirement_not_met"),
                                          ("/either", "permission_missing")])
def test_a_valid_token_that_may_not_keeps_its_user(server, issuer, backend, path, reason):
    mark = server.mark()
    answer = server.get(path, issuer.mint(sub="ann"))
    assert answer.status == 200 and answer.all("WWW-Authenticate") == []
    assert seen_header(backend.hits[0], "X-Remote-User") == ["ann"]
    assert f"{path} would have been refused ({reason};" in server.log(mark)
    mark = server.mark()
    granted = issuer.mint(sub="bob", permissions=["read:a"])
    assert server.get(path, granted).status == 200
    assert "would have been" not in server.log(mark)


@pytest.mark.parametrize("path", ["/closed", "/network"])
def test_what_others_refuse_whoever_asks_stays_refused(server, issuer, backend, path):
    for token in (None, issuer.mint(permissions=["read:a"])):
        assert server.get(path, token).status == 403
    assert backend.hits == []


def test_another_auth_type_is_not_touched(server, backend):
    answer = server.get("/basic")
    assert answer.status == 401 and answer.header("WWW-Authenticate") == 'Basic realm="x"'
    assert backend.hits == []


def test_hiding_the_token_works_as_ever(server, issuer, backend):
    for token in (issuer.mint(), tampered(issuer.mint())):
        assert server.get("/hidden", token).status == 200
        assert seen_header(backend.hits[-1], "Authorization") == []


def test_an_index_page_is_let_through_too(server, issuer):
    for token in (None, issuer.mint()):
        assert server.get("/index/", token).text == "the page"


def test_a_log_format_can_show_the_reason(server, issuer, backend):
    server.get("/admin/1", issuer.mint())
    server.get("/admin/2", issuer.mint(permissions=["read:a"]))
    server.get("/valid/3")
    expected = {"/admin/1 200 permission_missing", "/admin/2 200 -",
                "/valid/3 200 no_credentials"}
    log = server.root / "logs/report.log"
    wait_until(lambda: expected <= set(log.read_text().splitlines()), 5, "the three lines")


def test_the_count_is_kept_over_restarts_and_for_all_processes(httpd, issuer,
                                                               several_processes):
    server = httpd(trust(issuer) + location("/", REPORT), processes=3, threads=4,
                   files={"htdocs/page": "page"})
    for _ in range(30):
        assert server.get("/page").text == "page"
    assert server.get("/page", "opaque").text == "page"
    server.graceful()
    assert server.get("/page").text == "page"
    counts = re.findall(r"refused \(no_credentials; (\d+) so far\)", server.log())
    assert [int(count) for count in counts] == list(range(1, 32))
    assert len(set(re.findall(r"pid (\d+):.*so far\)", server.log()))) >= 2
    # One summary a minute for the whole server.
    assert re.findall(r"requests so far that would have been refused: (.*)",
                      server.log()) == ["no_credentials 1"]


def test_every_start_warns_and_so_does_configtest(httpd, issuer, bench, several_processes):
    config = trust(issuer) + location("/x", REPORT) + location("/y", "Auth0ReportOnly Off")
    bench.configure(config)
    status, output = bench.configtest()
    assert status == 0 and output.count("Auth0ReportOnly is On in <Location \"/x\"") == 1
    server = httpd(config)
    assert "Auth0ReportOnly is On" in server.all_logs()
    mark = server.graceful()
    assert "Auth0ReportOnly is On" in server.log(mark)


def test_an_htaccess_file_may_not_say_it(httpd, issuer):
    server = httpd(trust(issuer) + '<Directory "${DOCS}">\nAllowOverride All\n'
                   "AllowOverrideList Auth0ReportOnly\n</Directory>\n",
                   files={"htdocs/.htaccess": REPORT + "\n", "htdocs/page": "page"})
    assert server.get("/page").status == 500
    assert "not allowed" in server.log()


def test_an_issuer_that_is_down_is_reported_not_waited_for_in_vain(httpd, own_issuer):
    own_issuer.fail_with(status=500)
    server = httpd(trust(own_issuer) + location("/", REPORT), files={"htdocs/page": "page"})
    assert server.get("/page", own_issuer.mint()).text == "page"
    assert "would have been refused (keys_unavailable;" in server.log()
