"""Auth0PassClaims: claims as variables, for whatever reads httpd's environment."""

import pytest

from support.backend import seen_header
from support.conf import PROXY, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import wait_until

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
env -0 | grep -z -E '^(REDIRECT_)?(AUTH0_|REMOTE_USER|HTTP_PROXY|PATH=|LD_)' | sort -z
"""

NS = "https://example.com/roles"


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + """
        SetEnv AUTH0_CLAIM_email set-before
        SetEnvIf X-Evil (.*) AUTH0_CLAIM_plan=$1
        ScriptAlias /cgi/ ${ROOT}/cgi/
        ScriptAlias /public/ ${ROOT}/cgi/
        LogFormat "plan is %{AUTH0_CLAIM_plan}e" plan
        CustomLog logs/plan.log plan
        RewriteEngine On
        RewriteRule ^/rewritten$ /cgi/env [PT]
        """
        + location("/cgi", f"Auth0PassClaims email plan n list {NS}",
                   "Auth0PassClaims plan=AUTH0_PLAN http_proxy HTTP_PROXY=AUTH0_HTTP_PROXY")
        + location("/cgi/inner", "Auth0PassClaims sub")
        + location("/cgi/none")
        + location("/proxied", "Auth0PassClaims email list",
                   'RequestHeader set X-Email "%{AUTH0_CLAIM_email}e"',
                   'RequestHeader set X-List "expr=%{reqenv:AUTH0_CLAIM_list}"')
        + """
        <Directory "${DOCS}/app">
            AuthType Auth0
            Require valid-user
            Auth0Audience https://api.example.com
            Auth0PassClaims email
            Options +ExecCGI +Includes
            AddHandler cgi-script .cgi
            AddType text/html .shtml
            AddOutputFilter INCLUDES .shtml
            DirectoryIndex index.cgi
            FallbackResource /app/index.cgi
        </Directory>
        <Directory "${DOCS}/ht">
            AllowOverride AuthConfig
            Options ExecCGI
            AddHandler cgi-script .cgi
        </Directory>
        """ + proxied(shared_backend, "/cgi", "/public", "/app", "/ht", "/rewritten"),
        modules=(*PROXY, "cgid", "rewrite", "include"),
        files={"cgi/env": (SCRIPT, 0o755), "cgi/inner/env": (SCRIPT, 0o755),
               "cgi/none/env": (SCRIPT, 0o755), "htdocs/app/index.cgi": (SCRIPT, 0o755),
               "htdocs/ht/env.cgi": (SCRIPT, 0o755),
               "htdocs/app/page.shtml": 'mail: <!--#echo var="AUTH0_CLAIM_email" -->; '
                                        '<!--#include virtual="index.cgi" -->'})


def seen(answer):
    assert answer.status == 200, repr(answer)
    return dict(line.split("=", 1) for line in answer.text.split("\0") if line)


@pytest.mark.parametrize("value, text", [
    ("a@example.com", "a@example.com"), ("", ""), ("ünï – 名", "ünï – 名"),
    ("two words; $(id) `id` & | <x> \"q\" 'q' \\", "two words; $(id) `id` & | <x> \"q\" 'q' \\"),
    (7, "7"), (1.50, "1.5"), (True, "true"), (False, "false"), (["a", "b"], '["a","b"]'),
    (["a,b", 'c"d'], '["a,b","c\\"d"]'), ({"a": {"b": 1}}, '{"a":{"b":1}}'), ([], "[]")])
def test_f12_a_value_arrives_whole_and_in_one_piece(server, issuer, value, text):
    assert seen(server.get("/cgi/env", issuer.mint(email=value)))["AUTH0_CLAIM_email"] == text


@pytest.mark.parametrize("number", ["9007199254740993", "18446744073709551616", "1e3", "1.10"])
def test_d16_a_number_keeps_every_digit(server, issuer, number):
    payload = issuer.claims()
    text = str(payload).replace("'", '"')[:-1] + f', "n": {number}}}'
    assert seen(server.get("/cgi/env", issuer.mint(payload=text)))["AUTH0_CLAIM_n"] == number


@pytest.mark.parametrize("value", [None, "a\nb", "a\rX-Evil: 1", "tab\t", "\x7f", "\x85"])
def test_f12_what_could_mislead_is_not_there_nor_what_was_set_before(server, issuer, value):
    mark = server.mark()
    names = seen(server.get("/cgi/env", issuer.mint(email=value)))
    assert "AUTH0_CLAIM_email" not in names
    if value is not None:
        server.wait_for_log('claim "email" is not passed on', mark)


def test_f12_names_are_made_safe_and_never_another_variable(server, issuer):
    names = seen(server.get("/cgi/env", issuer.mint(
        **{NS: ["x"], "http_proxy": "p", "HTTP_PROXY": "q", "plan": "gold"})))
    assert names["AUTH0_CLAIM_https___example_com_roles"] == '["x"]'
    assert names["AUTH0_CLAIM_http_proxy"] == "p"
    assert names["AUTH0_HTTP_PROXY"] == "q"
    assert "HTTP_PROXY" not in names
    # Lines in one section add up, so both names are there.
    assert (names["AUTH0_PLAN"], names["AUTH0_CLAIM_plan"]) == ("gold", "gold")


def test_only_named_claims_are_passed_and_an_inner_list_replaces_the_outer(server, issuer):
    names = seen(server.get("/cgi/env", issuer.mint(email="e", other="o")))
    assert [name for name in names if "other" in name or "sub" in name] == []
    inner = seen(server.get("/cgi/inner/env", issuer.mint(plan="p", sub="me")))
    assert inner["AUTH0_CLAIM_sub"] == "me" and "AUTH0_PLAN" not in inner


def test_nothing_is_set_without_a_valid_token(server, issuer):
    for headers in ({}, {"Authorization": "Bearer " + issuer.mint(email="e", plan="p")}):
        names = seen(server.get("/public/env", headers=headers))
        assert names["AUTH0_CLAIM_email"] == "set-before"
        assert "AUTH0_PLAN" not in names and "REMOTE_USER" not in names
    assert_refusal(server.get("/cgi/env", tampered(issuer.mint(email="e"))), "E3")


def test_a_client_cannot_bring_its_own(server, issuer):
    evil = {"X-Evil": "platinum", "AUTH0_CLAIM_plan": "x", "Auth0-Claim-Plan": "x"}
    assert "AUTH0_CLAIM_plan" not in seen(server.get("/cgi/env", issuer.mint(), headers=evil))


@pytest.mark.parametrize("path", ["/app/index.cgi", "/app/", "/app/no/such/thing"])
def test_f8_a_directory_index_and_a_fallback_see_them(server, issuer, path):
    names = seen(server.get(path, issuer.mint(email="e@example.com")))
    assert names["AUTH0_CLAIM_email"] == "e@example.com"


def test_f8_the_target_of_a_rewrite_sees_them(server, issuer):
    names = seen(server.get("/rewritten", issuer.mint(email="e@example.com")))
    assert names["AUTH0_CLAIM_email"] == "e@example.com"


def test_f8_a_page_with_ssi_and_what_it_includes_see_them(server, issuer):
    answer = server.get("/app/page.shtml", issuer.mint(email="e@example.com"))
    assert answer.status == 200
    page, _, included = answer.text.partition("; ")
    assert page == "mail: e@example.com"
    assert "AUTH0_CLAIM_email=e@example.com" in included


def test_a_back_end_gets_them_by_requestheader(server, issuer, backend):
    assert server.get("/proxied", issuer.mint(email="e@example.com", list=["a"])).status == 200
    assert seen_header(backend.hits[0], "X-Email") == ["e@example.com"]
    assert seen_header(backend.hits[0], "X-List") == ['["a"]']


def test_they_stand_in_a_log_of_ones_own(server, issuer):
    seen(server.get("/cgi/env", issuer.mint(plan="gold-plan")))
    log = server.root / "logs" / "plan.log"
    wait_until(lambda: "plan is gold-plan\n" in log.read_text(), 5, "the line")


def test_an_htaccess_file_may_ask_for_them(httpd, issuer):
    server = httpd(f"Auth0CAFile {issuer.ca_file}\nAuth0TrustedDomains localhost:*\n"
                   '<Directory "${DOCS}">\nAllowOverride AuthConfig\nOptions ExecCGI\n'
                   "AddHandler cgi-script .cgi\n</Directory>\n", modules=("cgid",),
                   files={"htdocs/env.cgi": (SCRIPT, 0o755),
                          "htdocs/.htaccess": "AuthType Auth0\nRequire valid-user\n"
                          f"Auth0Domain {issuer.domain}\nAuth0Audience {issuer.audience}\n"
                          "Auth0PassClaims email sub=AUTH0_ME\n"})
    names = seen(server.get("/env.cgi", issuer.mint(email="e", sub="me")))
    assert (names["AUTH0_CLAIM_email"], names["AUTH0_ME"]) == ("e", "me")


REFUSED = {
    "email=PATH": "PATH", "email=LD_PRELOAD": "LD_PRELOAD", "email=REMOTE_USER": "REMOTE_USER",
    "email=AUTH0_": "AUTH0_", "email=AUTH0_A-B": "AUTH0_A-B", "email=": "AUTH0_",
    "=AUTH0_X": "is no name", "a-b a_b": "AUTH0_CLAIM_a_b", "a=AUTH0_X b=AUTH0_X": "AUTH0_X",
    "a=AUTH0_X b=AUTH0_x": "AUTH0_x", 'a "" b': "empty",
    "a a": "AUTH0_CLAIM_a", '""': "at least one argument", "${NOT_DEFINED}": "NOT_DEFINED",
}


@pytest.mark.parametrize("value", REFUSED)
def test_c0_a_list_that_cannot_be_meant_is_refused(bench, value):
    bench.assert_refuses(f"Auth0PassClaims {value}\n", REFUSED[value])
