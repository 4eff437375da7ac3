"""F1: what needs a token cannot be negated, in whatever way that is written.

httpd would let in without authentication who does not have what must be lacking.
"""

import pytest

from support.httpd import Httpd
from support.refusal import assert_refusal

ALL = "<RequireAll>\nRequire all granted\n{}\n</RequireAll>\n"
NONE = "<RequireNone>\n{}\n</RequireNone>"
ANY = "<RequireAny>\nRequire ip 192.0.2.1\nRequire LINE\n</RequireAny>"
IF_MODULE = "<IfModule auth0_jwt_module>\n{}\n</IfModule>"

SHAPES = {
    "not": ALL.format("Require not LINE"),
    "not in another case": ALL.format("rEQUIRE NoT LINE"),
    "not in quotes": ALL.format('Require "not" LINE'),
    "not on a line of its own": ALL.format("Require \\\n    not \\\n    LINE"),
    "none": ALL.format(NONE.format("Require LINE")),
    "none in another case": ALL.format(NONE.lower().format("require LINE")),
    "none with more": ALL.format(NONE.format("Require ip 192.0.2.1\nRequire LINE")),
    "any in none": ALL.format(NONE.format(ANY)),
    "all in any in none": ALL.format(NONE.format(
        "<RequireAny>\n<RequireAll>\nRequire LINE\nRequire ip 192.0.2.1\n"
        "</RequireAll>\n</RequireAny>")),
    "in files": "<Files *>\n" + ALL.format(NONE.format("Require LINE")) + "</Files>\n",
    "in if": "<If true>\n" + ALL.format("Require not LINE") + "</If>\n",
    "in limit": "<Limit GET>\n" + ALL.format("Require not LINE") + "</Limit>\n",
    "ifmodule around it": IF_MODULE.format(ALL.format(NONE.format("Require LINE"))) + "\n",
    "ifmodule in it": ALL.format(NONE.format(IF_MODULE.format("Require LINE"))),
    "any in ifmodule twice in it": ALL.format(NONE.format(
        IF_MODULE.format(IF_MODULE.format(ANY)))),
}

#: What only the server's own files can say.
SERVER_SHAPES = {
    **SHAPES,
    "included": ALL.format(NONE.format("Include conf/line.conf")),
    "any included": ALL.format(NONE.format("Include conf/any.conf")),
    "a macro": ALL.format(NONE.format("Use line")),
    "any by a macro": ALL.format(NONE.format("Use any")),
    "not by a macro": ALL.format("Use not"),
}
ALIAS = ('<AuthzProviderAlias auth0-permission reader "read:a">\n'
         "</AuthzProviderAlias>\n")
LINES = ["auth0-permission read:a", "auth0-scope read:a", "auth0-org acme",
         "auth0-client app-1", "auth0-claim level"]
HEAD = "AuthType Auth0\nAuth0Domain {0.domain}\nAuth0Audience {0.audience}\n"


def name_of(text):
    return text.split()[0] if text in LINES else text.replace(" ", "-")


EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=name_of)


@pytest.fixture(scope="module")
def macros():
    server = Httpd(modules=("macro",))
    yield server
    server.stop()


@pytest.mark.parametrize("line", [LINES[0], "reader"], ids=name_of)
@pytest.mark.parametrize("shape", SERVER_SHAPES, ids=name_of)
def test_f1_the_server_does_not_start_with_a_negated_requirement(macros, shape, line):
    macros.write("conf/line.conf", f"Require {line}\n")
    macros.write("conf/any.conf", ANY.replace("LINE", line) + "\n")
    head = ALIAS + "Auth0Domain tenant.us.auth0.com\nAuth0Audience a\n" + "".join(
        f"<Macro {name}>\n{text.replace('LINE', line)}\n</Macro>\n" for name, text in
        (("line", "Require LINE"), ("any", ANY), ("not", "Require not LINE")))

    def verdict(text):
        macros.configure(head + '<Directory "${DOCS}">\nAuthType Auth0\n' + text
                         + "</Directory>\n")
        return macros.configtest()

    status, output = verdict(SERVER_SHAPES[shape].replace("LINE", line))
    assert status != 0 and "httpd would skip authentication" in output, output
    twin = SERVER_SHAPES[shape]
    for negation in ('"not" ', "not \\\n    ", "not ", "NoT "):
        twin = twin.replace(negation, "")
    for said, meant in (("RequireNone>", "RequireAny>"), ("requirenone>", "RequireAny>"),
                        ("Use not", "Use line")):
        twin = twin.replace(said, meant)
    status, output = verdict(twin.replace("LINE", line))
    assert status == 0 and "Syntax OK" in output, output


@pytest.fixture(scope="module")
def server(shared_httpd, issuer):
    return shared_httpd(
        f"Auth0CAFile {issuer.ca_file}\nAuth0TrustedDomains {issuer.domain}\n" + ALIAS
        + '<Directory "${DOCS}">\nAllowOverride All\n</Directory>\n',
        files={"htdocs/page": "the page"})


def assert_not_negated(server, issuer, shape, line):
    server.write("htdocs/.htaccess",
                 HEAD.format(issuer) + SHAPES[shape].replace("LINE", line))
    for token in (None, issuer.mint()):
        mark = server.mark()
        answer = server.get("/page", token)
        assert answer.status == 500 and b"the page" not in answer.body, repr(answer)
        assert "httpd would skip authentication" in server.log(mark), server.log(mark)


@pytest.mark.parametrize("line", LINES, ids=name_of)
@EACH_SHAPE
def test_f1_a_negated_requirement_in_an_htaccess_file_is_500(server, issuer, shape, line):
    assert_not_negated(server, issuer, shape, line)


@pytest.mark.parametrize("shape", ["not", "none"])
def test_f1_nor_can_an_htaccess_file_negate_another_name_of_one(server, issuer, shape):
    assert_not_negated(server, issuer, shape, "reader")


@pytest.mark.parametrize("line", [*LINES, "reader"], ids=name_of)
def test_the_same_requirement_as_it_stands_is_fine_in_an_htaccess_file(server, issuer,
                                                                       line):
    server.write("htdocs/.htaccess", HEAD.format(issuer) + f"Require {line}\n")
    assert_refusal(server.get("/page"), "E1")
    token = issuer.mint(permissions=["read:a"], scope="read:a", org_name="acme",
                        azp="app-1", level=1)
    assert server.get("/page", token).text == "the page"
