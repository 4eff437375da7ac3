"""F8: the modules that make pages of other pages, asked as a stranger and as a friend.

Two servers that differ in their AuthType alone: what these modules show of a protected file
is what they show with AuthType Basic, and no more.
"""

import base64
import hashlib
import re

import pytest

from support.conf import trust
from support.refusal import assert_refusal
from support.tokens import tampered

PASSWORD = base64.b64encode(hashlib.sha1(b"pass").digest()).decode()
BASIC = {"Authorization": "Basic " + base64.b64encode(b"client-1@clients:pass").decode()}

AUTH = {"auth0": "AuthType Auth0\nAuth0Audience https://api.example.com\nRequire valid-user",
        "basic": "AuthType Basic\nAuthName basic\nAuthUserFile ${ROOT}/htpasswd\n"
                 "Require valid-user"}

CONFIG = """
<Directory "${{DOCS}}">
    Options +Includes +Indexes +MultiViews
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
    AddLanguage en .en
    AddLanguage de .de
    LanguagePriority en de
    ForceLanguagePriority Fallback Prefer
    IndexOptions FancyIndexing NameWidth=* DescriptionWidth=* {index}
    AddDescription "what nobody may know" kept.txt
    CheckSpelling {spelling}
    IndexIgnore nothing
</Directory>
<Location "/kept">
{auth}
</Location>
<Files "kept*">
{auth}
</Files>
<Directory "${{DOCS}}/kept-too">
{auth}
</Directory>
"""

FILES = {
    "htdocs/kept/page.txt": "kept page",
    "htdocs/kept/page.shtml": 'user <!--#echo var="REMOTE_USER" -->, '
                              '<!--#include virtual="/open/page.txt" -->',
    "htdocs/kept/both.shtml": '<!--#include virtual="/kept/page.txt" -->, '
                              '<!--#include virtual="/kept-too/page.txt" -->',
    "htdocs/kept/doc.txt.en": "kept in English",
    "htdocs/kept/doc.txt.de": "kept in German",
    "htdocs/kept-too/page.txt": "kept page too",
    "htdocs/open/page.txt": "open page",
    "htdocs/open/page.shtml": 'user <!--#echo var="REMOTE_USER" -->, '
                              '<!--#include virtual="/kept/page.txt" -->.',
    "htdocs/open/file.shtml": '<!--#include file="kept.txt" -->.',
    "htdocs/open/about.shtml": '<!--#fsize virtual="/kept/page.txt" -->, '
                               '<!--#flastmod virtual="/kept/page.txt" -->, '
                               '<!--#fsize file="kept.txt" -->.',
    "htdocs/open/nested.shtml": '<!--#include virtual="page.shtml" -->',
    "htdocs/open/kept.txt": "kept file of some length",
    "htdocs/open/doc.txt.en": "open in English",
    "htdocs/open/doc.txt.de": "open in German",
    "htdocs/variants/kept.txt.en": "kept variant",
    "htdocs/variants/some.txt.en": "open variant",
    "htdocs/variants/kept-de.txt": "x",
}

PATHS = ("/open/", "/open/?C=S;O=D", "/open/?C=M;O=A", "/open/?P=kept*", "/open/kept.txt",
         "/kept/", "/kept", "/kept-too/", "/kept-too", "/", "/open/page.shtml",
         "/open/file.shtml", "/open/about.shtml", "/open/nested.shtml", "/kept/page.shtml",
         "/kept/both.shtml", "/open/doc", "/open/doc.txt", "/kept/doc", "/kept/doc.txt",
         "/variants/kept", "/variants/kept.txt", "/variants/", "/open/pgae.txt",
         "/kept/pgae.txt", "/kept-too/pgae.txt", "/open/kpet.txt", "/KEPT/page.txt",
         "/keptt/page.txt", "/open/Kept.txt", "/kept-too/PAGE.TXT", "/nothing")
LANGUAGES = ("", "en", "de", "fr")


@pytest.fixture(scope="module", params=[("", "Off"), ("ShowForbidden", "Off"),
                                        ("", "On"), ("ShowForbidden", "On")],
                ids=lambda pair: f"{pair[0] or 'plain'}, CheckSpelling {pair[1]}")
def pair(request, shared_httpd, issuer):
    index, spelling = request.param
    return {kind: shared_httpd(
        trust(issuer) + CONFIG.format(auth=AUTH[kind], index=index, spelling=spelling),
        modules=("include", "autoindex", "negotiation", "speling", "auth_basic",
                 "authn_file"),
        files={**FILES, "htpasswd": f"client-1@clients:{{SHA}}{PASSWORD}\n"})
        for kind in AUTH}


@pytest.fixture
def ours(pair):
    return pair["auth0"]


def shown(answer):
    """What a client sees, less times and what names the server or the scheme."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d|\d\d-\w{3}-\d{4}|\w+, \d\d-\w{3}-\d{4} \S+ \w+",
                  "TIME", answer.body.decode("utf-8", "replace"))
    text = re.sub(r"(port |localhost:)\d+", r"\1PORT", text)
    names = {name: re.sub(r"(localhost:)\d+", r"\1PORT", value)
             for name, value in answer.headers
             if name in ("Location", "Content-Type", "Content-Location", "Vary", "TCN",
                         "Content-Language", "WWW-Authenticate", "Cache-Control")}
    return answer.status, names, text


@pytest.mark.parametrize("path", PATHS)
def test_f8_pages_of_pages_show_what_basic_lets_them_show(pair, issuer, path):
    for language in LANGUAGES:
        headers = {"Accept-Language": language} if language else {}
        token = issuer.mint()
        strangers = [shown(server.get(path, headers=headers)) for server in pair.values()]
        friends = [shown(pair["auth0"].get(path, token, headers=headers)),
                   shown(pair["basic"].get(path, headers={**headers, **BASIC}))]
        assert friends[0] == friends[1]
        assert friends[0][0] != 401
        if strangers[1][0] == 401:
            assert_refusal(pair["auth0"].get(path, headers=headers), "E1")
            assert_refusal(pair["auth0"].get(path, tampered(token), headers=headers), "E3")
            continue
        assert strangers[0] == strangers[1]
        assert "kept in" not in strangers[0][2] and "kept page" not in strangers[0][2]
        assert "kept file" not in strangers[0][2]
        # A refusal on the way to a good answer leaves nothing on it.
        assert not {"WWW-Authenticate", "Cache-Control"} & set(strangers[0][1])


def test_f8_an_index_names_a_protected_file_to_friends_alone(ours, issuer, request):
    stranger, friend = ours.get("/open/"), ours.get("/open/", issuer.mint())
    assert stranger.status == friend.status == 200
    assert "kept.txt" in friend.text and "what nobody may know" in friend.text
    assert "page.txt" in stranger.text
    if "ShowForbidden" not in request.node.name:
        assert "kept.txt" not in stranger.text
        assert "what nobody may know" not in stranger.text
        assert "kept.txt" not in ours.get("/open/", tampered(issuer.mint())).text
    assert stranger.all("WWW-Authenticate") == stranger.all("Cache-Control") == []


def test_f8_a_page_includes_a_protected_one_for_friends_alone(ours, issuer):
    for token in (None, tampered(issuer.mint()), issuer.mint(exp_in=-600)):
        answer = ours.get("/open/page.shtml", token)
        assert answer.status == 200 and answer.all("WWW-Authenticate") == []
        assert answer.text.startswith("user (none), ") and "kept" not in answer.text
    # A token counts where it is asked for: the public page itself has no user.
    assert ours.get("/open/page.shtml", issuer.mint()).text == "user (none), kept page."


def test_f8_a_protected_page_knows_its_user_and_includes_what_it_likes(ours, issuer):
    assert_refusal(ours.get("/kept/page.shtml"), "E1")
    answer = ours.get("/kept/page.shtml", issuer.mint(sub="ann"))
    assert answer.text == "user ann, open page"
    assert ours.get("/kept/both.shtml", issuer.mint()).text == "kept page, kept page too"


def test_f8_a_page_tells_the_size_and_date_of_a_protected_one_to_friends_alone(ours, issuer):
    stranger, friend = ours.get("/open/about.shtml"), ours.get("/open/about.shtml",
                                                              issuer.mint())
    size = str(len("kept page"))
    assert friend.text.split(",")[0].strip() == size, friend.text
    assert not re.search(r"\d{2}:\d{2}", stranger.text) and size not in stranger.text


@pytest.fixture(scope="module")
def headers_server(shared_httpd, issuer):
    return shared_httpd(
        trust(issuer) + """
        Header always set X-Always "on every answer"
        Header set X-Success "on good answers"
        Header always set Strict-Transport-Security "max-age=60"
        Header always append Vary Origin
        <Location "/kept/own">
            AuthType Auth0
            Auth0Audience https://api.example.com
            Require valid-user
            Header always set Cache-Control "no-store, private"
        </Location>
        <Location "/kept">
            AuthType Auth0
            Auth0Audience https://api.example.com
            Require valid-user
        </Location>
        <Location "/kept/admin">
            Require auth0-permission read:a
        </Location>
        """, files={"htdocs/kept/page.txt": "kept page", "htdocs/kept/own/page.txt": "own",
                    "htdocs/kept/admin/page.txt": "admin"})


def test_f8_header_always_reaches_each_refusal_and_header_alone_none(headers_server, issuer):
    token = issuer.mint()
    for outcome, answer in (
            ("E1", headers_server.get("/kept/page.txt")),
            ("E2", headers_server.get("/kept/page.txt",
                                      headers={"Authorization": "Bearer"})),
            ("E3", headers_server.get("/kept/page.txt", tampered(token))),
            ("E4", headers_server.get("/kept/admin/page.txt", token))):
        assert_refusal(answer, outcome, scope="read:a" if outcome == "E4" else None)
        assert answer.header("X-Always") == "on every answer"
        assert answer.header("Strict-Transport-Security") == "max-age=60"
        assert answer.header("Vary") == "Origin"
        assert answer.all("X-Success") == []
    good = headers_server.get("/kept/page.txt", token)
    assert (good.status, good.header("X-Always"), good.header("X-Success")) == \
        (200, "on every answer", "on good answers")


def test_f8_an_administrators_cache_control_stands_alone_on_a_refusal(headers_server):
    answer = headers_server.get("/kept/own/page.txt")
    assert answer.header("Cache-Control") == "no-store, private"
    assert_refusal(answer, "E1")
