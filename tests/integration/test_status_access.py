"""Who may open the status page, what httpd says at its start, and mod_status."""

import re

import pytest

from support.conf import location, trust
from support.status import OPENED, PAGE, page_of, requests_of, wait_for_requests
from support.tokens import tampered
from support.wait import wait_until

OVERRIDE = """
<Directory "${DOCS}">
    AllowOverride All
    Options +ExecCGI
</Directory>
"""
SET = "SetHandler auth0-status\n"

#: Ways in which an .htaccess file can name the handler.
INTRUSIONS = {
    "directly": SET,
    "in a section": f"<Files page>\n{SET}</Files>\n",
    "in a condition": f'<If "true">\n{SET}</If>\n',
    "in both": f'<Files page>\n<If "true">\n{SET}</If>\n</Files>\n',
    "by an expression": 'SetHandler "%{tolower:AUTH0-STATUS}"\n',
    "in capitals": "SetHandler AUTH0-STATUS\n",
    "by its ending": "AddHandler auth0-status .txt\n",
    "by a rewrite": 'RewriteEngine On\nRewriteRule "^page$" - [H=auth0-status]\n',
}


@pytest.mark.parametrize("how", INTRUSIONS)
def test_an_htaccess_file_cannot_open_the_page(httpd, issuer, how):
    name = "page.txt" if how == "by its ending" else "page"
    server = httpd(trust(issuer) + OPENED + OVERRIDE, modules=("rewrite",),
                   files={f"htdocs/dir/{name}": "the page", "htdocs/dir/.htaccess":
                          INTRUSIONS[how]})
    answer = server.get(f"/dir/{name}")
    assert answer.status == 403 and "issuer" not in answer.text.lower()
    assert "only SetHandler auth0-status in the server's own files may open it" \
        in server.log()
    # Without the file the page is the folder's own; and the server's own line works.
    server.write("htdocs/dir/.htaccess", "")
    assert server.get(f"/dir/{name}").text == "the page"
    assert server.get(PAGE).status == 200


def test_a_handler_of_the_servers_files_lends_its_trust_to_no_other(httpd, issuer):
    """SetHandler stands in the server's file, and an .htaccess file puts ours in its place."""
    server = httpd(trust(issuer) + OPENED + OVERRIDE
                   + '<Directory "${DOCS}/dir">\nSetHandler default-handler\n</Directory>\n',
                   modules=("rewrite",),
                   files={"htdocs/dir/page": "the page", "htdocs/dir/.htaccess": ""})
    assert server.get("/dir/page").text == "the page"
    server.write("htdocs/dir/.htaccess", INTRUSIONS["by a rewrite"])
    assert server.get("/dir/page").status == 403


def test_an_index_page_does_not_carry_the_handler_out_of_its_htaccess_file(httpd, issuer):
    """mod_dir makes the index's request the folder's, with its configuration."""
    server = httpd(trust(issuer) + OPENED + OVERRIDE,
                   files={"htdocs/dir/.htaccess": "DirectoryIndex /other/page\n",
                          "htdocs/other/page": "the page"})
    assert server.get("/dir/").text == "the page"
    server.write("htdocs/other/.htaccess", SET)
    assert server.get("/dir/").status == 403


@pytest.mark.parametrize("place", [
    '<Location "/here">\n{}</Location>\n', '<Directory "${{DOCS}}/here">\n{}</Directory>\n',
    '<Directory "${{DOCS}}">\n<Files "here">\n{}</Files>\n</Directory>\n',
    '<LocationMatch "^/he">\n{}</LocationMatch>\n',
    '<Location "/">\n<If "%{{REQUEST_URI}} =~ m#^/here#">\n{}</If>\n</Location>\n',
    '<If "%{{REQUEST_URI}} =~ m#^/here#">\n{}</If>\n'])
def test_any_section_of_the_servers_files_opens_it(httpd, issuer, place):
    config = place.format("SetHandler auth0-status\nRequire local\n")
    files = {"htdocs/here/x": ""} if "Directory" in place and "Files" not in place \
        else {"htdocs/here": ""}
    server = httpd(trust(issuer) + config, files=files)
    path = "/here/x" if "htdocs/here/x" in files else "/here"
    assert "Auth0 status" in server.get(path).text


def test_a_virtual_host_opens_it_for_itself_alone(httpd, issuer):
    server = httpd(trust(issuer) + '<VirtualHost *>\nServerName a.test\n</VirtualHost>\n'
                   f'<VirtualHost *>\nServerName b.test\n{OPENED}</VirtualHost>\n')
    assert server.get(PAGE, headers={"Host": "a.test"}).status == 404
    answer = server.get(PAGE, headers={"Host": "b.test"})
    assert answer.status == 200 and "<title>Auth0 status of b.test</title>" in answer.text


def test_whom_the_requirements_refuse_sees_nothing(httpd, issuer):
    server = httpd(trust(issuer) + OPENED.replace("Require local", "Require ip 192.0.2.1"))
    for query in ("", "?json", "?metrics", "?x"):
        answer = server.get(PAGE + query)
        assert answer.status == 403 and "auth0_jwt" not in answer.text
    assert server.request("POST", PAGE).status == 403


def test_it_is_not_there_unless_it_is_asked_for(httpd, issuer):
    server = httpd(trust(issuer) + location("/x"))
    for path in (PAGE, "/auth0-status?json", "/server-status"):
        assert server.get(path).status == 404


# ---- what the start says ---------------------------------------------------------------


WARNING = r"line (\d+) of \S+: SetHandler auth0-status in (.*) shows how the server is doing"


@pytest.mark.parametrize("config, warned", [
    ('<Location "/s">\n{}</Location>', True),
    ('<Location "/s">\n{}Require all granted\n</Location>', True),
    ('<Location "/s">\n{}Require local\n</Location>', False),
    ('<Location "/s">\n{}Require ip 192.0.2.1\n</Location>', False),
    ('<Location "/s">\n{}</Location>\n<Location "/s">\nRequire local\n</Location>', False),
    ('<Location "/s">\n{}</Location>\n<Location "/other">\nRequire local\n</Location>', True),
])
def test_a_page_for_everybody_is_warned_of(bench, config, warned):
    bench.configure(config.format(SET))
    status, output = bench.configtest()
    assert status == 0
    found = re.findall(WARNING, output)
    assert found == ([("2", '<Location "/s">')] if warned else [])


# ---- mod_status ------------------------------------------------------------------------


def test_mod_status_has_a_block_of_ours(httpd, issuer):
    server = httpd("Auth0TokenCache 64\n" + trust(issuer) + OPENED + location("/valid")
                   + '<Location "/server-status">\nSetHandler server-status\nRequire local\n'
                   "</Location>\n", modules=("status",), files={"htdocs/valid": "ok"},
                   one_process=True)
    good = issuer.mint()
    for token in (good, good, tampered(good), None, None, None):
        server.get("/valid", token)
    wait_for_requests(server, 2, {"signature_invalid": 1, "no_credentials": 3})
    lines = server.get("/server-status?auto").text.splitlines()
    ours = [line for line in lines if line.startswith("Auth0")]
    assert ours == ["Auth0Accepted: 2", "Auth0Refused: 4", "Auth0Reported: 0",
                    "Auth0CacheHits: 1", "Auth0CacheMisses: 2", "Auth0Waiting: 0",
                    "Auth0Issuers: 1 good"]
    page = server.get("/server-status").text
    assert "Auth0 access tokens (mod_auth0_jwt)" in page
    for text in ("Accepted: 2", "Refused: 4", "Issuers: 1 good"):
        assert f"<dt>{text}</dt>" in page


# ---- the access log --------------------------------------------------------------------

ITEMS = ('Auth0TokenCache 64\nLogFormat "%U %>s %{decision}^AJ %{reason}^AJ %{issuer}^AJ %{cache}^AJ" items\n'
         "CustomLog logs/items.log items\n")


def items(server, *expected):
    """These are the lines of the log, but for those that the start has left."""
    def lines():
        text = (server.root / "logs/items.log").read_text()
        return sorted(line for line in text.splitlines() if not line.startswith("* "))

    wait_until(lambda: len(lines()) >= len(expected), 5, "the lines")
    assert lines() == sorted(expected)


def test_the_access_log_tells_what_a_request_came_to(httpd, issuer):
    server = httpd(trust(issuer) + ITEMS + location("/valid")
                   + location("/admin", require="auth0-permission a")
                   + location("/odd", 'Auth0Issuer "https://\\"odd\\" one/" secret=file:s')
                   + location("/reported", "Auth0ReportOnly On"),
                   files={"htdocs/valid": "ok", "htdocs/reported": "ok", "htdocs/open": "ok",
                          "s": ("s" * 32, 0o600)}, one_process=True)
    good = issuer.mint()
    for path, token in (("/valid", good), ("/valid", good), ("/valid", None),
                        ("/valid", tampered(good)), ("/admin", good), ("/reported", None),
                        ("/reported", good), ("/open", good), ("/valid", "opaque"),
                        ("/valid", issuer.mint(iss="https://nobody/"))):
        server.get(path, token)
    items(server, f"/valid 200 accepted accepted {issuer.iss} miss",
          f"/valid 200 accepted accepted {issuer.iss} hit",
          "/valid 401 refused no_credentials - -",
          f"/valid 401 refused signature_invalid {issuer.iss} miss",
          f"/admin 403 refused permission_missing {issuer.iss} hit",
          "/reported 200 reported no_credentials - -",
          f"/reported 200 accepted accepted {issuer.iss} hit",
          "/open 200 - - - -", "/valid 401 refused token_opaque - miss",
          "/valid 401 refused issuer_unknown - miss")


def test_the_access_log_tells_of_the_request_and_not_of_its_error_document(httpd, issuer):
    server = httpd(trust(issuer) + ITEMS + location("/valid", "ErrorDocument 401 /kept/e")
                   + location("/kept", audience="https://other.example.com"),
                   files={"htdocs/kept/e": "an error"}, one_process=True)
    assert server.get("/valid", issuer.mint(exp_in=-60)).status == 401
    items(server, f"/valid 401 refused expired {issuer.iss} miss")


def test_the_access_log_tells_of_the_request_and_not_of_its_parts(httpd, issuer):
    """The part's token is known by then; the request's was not."""
    server = httpd(trust(issuer) + ITEMS + location("/valid", "SetOutputFilter INCLUDES")
                   + location("/part", require="auth0-permission a"), one_process=True,
                   modules=("include",),
                   files={"htdocs/valid": '<!--#include virtual="/part" -->.',
                          "htdocs/part": "a part"},
                   before='<Directory "/">\nOptions +Includes\n</Directory>\n')
    assert server.get("/valid", issuer.mint(permissions=["a"])).text == "a part."
    items(server, f"/valid 200 accepted accepted {issuer.iss} miss")


def test_an_issuers_name_cannot_break_the_line(httpd, own_issuer):
    name = 'https://a/"b\\c/'
    server = httpd(trust(own_issuer) + ITEMS + location(
        "/valid", f"Auth0Issuer '{name}' jwks={own_issuer.jwks_url}"),
        files={"htdocs/valid": "ok"}, one_process=True)
    assert server.get("/valid", own_issuer.mint(iss=name)).status == 200
    items(server, '/valid 200 accepted accepted https://a/\\"b\\\\c/ miss')


@pytest.mark.parametrize("line, unknown", [
    ('LogFormat "%h %{raeson}^AJ" x', "raeson"), ('CustomLog logs/x "%{}^AJ"', ""),
    ('LogFormat "%h %^AJ" x', ""), ('LogFormat "%{x}i %{reason}^AJ" x', None),
    ('LogFormat "%>{cache}^AJ" x', None)])
def test_an_item_that_does_not_exist_is_warned_of(bench, line, unknown):
    bench.configure("\n" + line + "\n")
    status, output = bench.configtest()
    assert status == 0, output
    found = re.findall(r"line (\d+) of \S+: %\{(.*)\}\^AJ is always empty: there are "
                       r"decision, reason, issuer and cache", output)
    assert found == ([("2", unknown)] if unknown is not None else [])


def test_the_figures_are_there_without_mod_status_and_any_log(httpd, issuer):
    server = httpd(trust(issuer) + OPENED + location("/valid"), files={"htdocs/valid": "ok"})
    assert server.get("/valid", issuer.mint()).status == 200
    wait_for_requests(server, 1, {})
    assert page_of(server).headings[0] == "Auth0 status"
    assert requests_of(server)[0] == 1
