"""A static site protected by dropping in an .htaccess file, and what one may not do."""

import re
import zlib

import pytest

from support import tokens
from support.issuer import Issuer
from support.paths import TOP
from support.refusal import assert_refusal

AUDIENCE = "https://api.example.com"


@pytest.fixture(scope="module")
def other(authority):
    """A tenant that the server's own configuration trusts, but .htaccess may not name."""
    with Issuer(authority, kids=("other-key",)) as made:
        yield made


@pytest.fixture(scope="module")
def server(shared_httpd, issuer):
    return shared_httpd(
        f"Auth0CAFile {issuer.ca_file}\n"
        f"Auth0TrustedDomains {issuer.domain} *.trusted.invalid\n" + """
        <Directory "${DOCS}">
            AllowOverride AuthConfig Limit
        </Directory>
        <Directory "${DOCS}/deaf">
            AllowOverride None
        </Directory>
        <Directory "${DOCS}/indexes">
            AllowOverride Indexes
        </Directory>
        """, modules=("autoindex",))


@pytest.fixture
def site(server, request):
    """A folder of the test's own: (URL path, function that writes its .htaccess)."""
    name = f"site-{zlib.crc32(request.node.nodeid.encode())}"
    server.write(f"htdocs/{name}/page.html", "the page")

    def htaccess(*lines):
        server.write(f"htdocs/{name}/.htaccess", "\n".join(lines) + "\n")

    return f"/{name}/page.html", htaccess


def full(issuer, *more, audience=AUDIENCE):
    return ["AuthType Auth0", "Require valid-user", f"Auth0Domain {issuer.domain}",
            f"Auth0Audience {audience}", *more]


def test_a_static_site_becomes_protected_by_dropping_in_a_file(server, issuer, site):
    path, htaccess = site
    assert server.get(path).text == "the page"
    htaccess(*full(issuer))
    assert_refusal(server.get(path), "E1")
    answer = server.get(path, issuer.mint())
    assert (answer.status, answer.text) == (200, "the page"), repr(answer)
    assert_refusal(server.get(path, issuer.mint(exp_in=-3600)), "E3", reason="expired")
    assert_refusal(server.get(path, issuer.mint(aud="https://other.example.com")), "E3",
                   reason="audience_mismatch")
    server.wait_for_access(f"client-1@clients 200 GET {path} HTTP/1.1")


def test_f7_an_edit_holds_from_the_next_request_on(server, issuer, site):
    path, htaccess = site
    token = issuer.mint(permissions=["read:pages"])
    htaccess(*full(issuer))
    assert server.get(path, token).status == 200
    htaccess("AuthType Auth0", "Require auth0-permission write:pages",
             f"Auth0Domain {issuer.domain}", f"Auth0Audience {AUDIENCE}")
    assert_refusal(server.get(path, token), "E4", scope="write:pages")
    htaccess("AuthType Auth0", "Require auth0-permission read:pages",
             f"Auth0Domain {issuer.domain}", f"Auth0Audience {AUDIENCE}")
    assert server.get(path, token).status == 200
    htaccess(*full(issuer, audience="https://new.example.com"))
    assert_refusal(server.get(path, token), "E3", reason="audience_mismatch")
    (server.root / ("htdocs" + path)).with_name(".htaccess").unlink()
    assert server.get(path).text == "the page"


@pytest.mark.parametrize("missing, line", [("audience", "Auth0Audience"),
                                           ("issuer", "Auth0Domain")])
def test_f3_a_file_without_audience_or_issuer_is_e6(server, issuer, site, missing, line):
    path, htaccess = site
    htaccess(*(written for written in full(issuer) if not written.startswith(line)))
    mark = server.mark()
    assert_refusal(server.get(path, issuer.mint()), "E6")
    errors = [entry for entry in server.log(mark).splitlines() if ":error]" in entry]
    assert any(missing in entry.lower() or line.lower() in entry.lower()
               for entry in errors), server.log(mark)
    htaccess(*full(issuer))
    assert server.get(path, issuer.mint()).status == 200


FORBIDDEN = {
    "an untrusted domain": "Auth0Domain evil.example.com",
    "an untrusted port": "Auth0Domain localhost:1",
    "a suffix that looks trusted": "Auth0Domain eviltrusted.invalid",
    "a trusted domain as a prefix": "Auth0Domain a.trusted.invalid.evil.example.com",
    "one trusted and one not": "Auth0Domain a.trusted.invalid evil.example.com",
    "an issuer": "Auth0Issuer ISS",
    "a jwks url": "Auth0Issuer ISS jwks=ISS.well-known/jwks.json",
    "a key file": "Auth0Issuer https://x.example.com/ jwks=file:/etc/passwd",
    "a secret": "Auth0Issuer https://x.example.com/ secret=file:/etc/passwd",
    "a ca": "Auth0CAFile /etc/passwd",
    "refresh times": "Auth0JWKSRefresh 1s 1s 1s",
    "timeouts": "Auth0HTTPTimeout 60s 60s",
    "trusted domains": "Auth0TrustedDomains *",
    "algorithms": "Auth0Algorithms RS256 PS256",
    "cors origins": "Auth0CORSOrigin https://evil.example.com",
    "a negated requirement": "Require not auth0-permission read:a",
    "an empty requirement": "Require auth0-permission",
    "too much leeway": "Auth0Leeway 301",
    "an undefined variable": "Auth0Audience ${NOT_DEFINED_ANYWHERE}",
    "an unknown error style": "Auth0ErrorBody loud",
}


@pytest.mark.parametrize("what", FORBIDDEN, ids=lambda what: what.replace(" ", "-"))
def test_f6_what_a_file_may_not_say_is_500_and_opens_no_connection(server, issuer, other,
                                                                   site, what):
    path, htaccess = site
    line = FORBIDDEN[what].replace("ISS", other.iss)
    htaccess(*full(issuer, line))
    mark, connections = server.mark(), other.connections
    answer = server.get(path, issuer.mint())
    assert answer.status == 500, repr(answer)
    assert b"the page" not in answer.body
    assert ".htaccess" in server.log(mark), server.log(mark)
    assert server.get(path, other.mint()).status == 500
    assert other.connections == connections
    # Without that line the rest of the file is fine.
    htaccess(*full(issuer))
    assert server.get(path, issuer.mint()).status == 200


def test_f6_a_domain_the_server_trusts_is_not_free_for_files_to_name(httpd, issuer, other):
    """Auth0Domain in the server's file is no leave to name it in an .htaccess."""
    server = httpd(f"""
        Auth0CAFile {issuer.ca_file}
        Auth0Domain {other.domain}
        <Directory "${{DOCS}}">
            AllowOverride AuthConfig
        </Directory>
        """, files={
            "htdocs/inherits/page": "page", "htdocs/inherits/.htaccess":
                f"AuthType Auth0\nRequire valid-user\nAuth0Audience {AUDIENCE}\n",
            "htdocs/names/page": "page", "htdocs/names/.htaccess":
                f"AuthType Auth0\nRequire valid-user\nAuth0Audience {AUDIENCE}\n"
                f"Auth0Domain {issuer.domain}\n"})
    assert server.get("/inherits/page", other.mint()).status == 200
    assert_refusal(server.get("/inherits/page", issuer.mint()), "E3",
                   reason="issuer_unknown")
    connections = issuer.connections
    assert server.get("/names/page", issuer.mint()).status == 500
    assert issuer.connections == connections


@pytest.mark.parametrize("domain, trusted", [
    ("tenant.us.auth0.com", True), ("tenant.auth0.com", True), ("A.EU.Auth0.Com", True),
    ("evilauth0.com", False), ("auth0.com", False), ("auth0.com.evil.invalid", False),
    ("tenant.us.auth0.com.evil.invalid", False), ("evil.invalid", False)])
def test_f6_the_default_trusts_auth0s_own_domains_only(shared_default, domain, trusted):
    name = f"d-{domain.lower()}"
    shared_default.write(f"htdocs/{name}/page", "page")
    shared_default.write(f"htdocs/{name}/.htaccess",
                         f"AuthType Auth0\nRequire valid-user\nAuth0Audience x\n"
                         f"Auth0Domain {domain}\n")
    # No token: nothing need be fetched to refuse.
    answer = shared_default.get(f"/{name}/page")
    if trusted:
        assert_refusal(answer, "E1")
    else:
        assert answer.status == 500


@pytest.fixture(scope="module")
def shared_default(shared_httpd):
    return shared_httpd('Auth0HTTPTimeout 50ms 50ms\n<Directory "${DOCS}">\n'
                        '    AllowOverride AuthConfig\n</Directory>\n')


@pytest.mark.parametrize("domain, allowed", [("a.trusted.invalid", True),
                                             ("a.b.c.trusted.invalid", True),
                                             ("A.Trusted.INVALID", True),
                                             ("trusted.invalid", False)])
def test_a_star_in_a_trusted_domain_spans_dots_and_case_does_not_matter(
        server, site, domain, allowed):
    path, htaccess = site
    htaccess("AuthType Auth0", "Require valid-user", f"Auth0Domain {domain}",
             f"Auth0Audience {AUDIENCE}")
    answer = server.get(path)
    assert answer.status == (401 if allowed else 500), repr(answer)


def test_what_a_file_may_say_beyond_the_two_lines_of_trust(server, issuer, site):
    path, htaccess = site
    htaccess(*full(issuer, "Auth0TokenProfile rfc9068"))
    assert_refusal(server.get(path, issuer.mint()), "E3", reason="type_mismatch")
    assert server.get(path, issuer.mint(header={"typ": "at+jwt"})).status == 200
    htaccess(*full(issuer, "Auth0Leeway 200", "Auth0UserClaim email",
                   "Auth0ErrorBody all", "AuthName hello"))
    token = issuer.mint(exp_in=-100, email="a@example.com")
    assert server.get(path, token).status == 200
    server.wait_for_access(f"a@example.com 200 GET {path} HTTP/1.1")
    assert_refusal(server.get(path), "E1", realm="hello")
    answer = server.get(path.replace("page", "nothing"), token)
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    htaccess(*full(issuer, "Auth0ErrorBody off"))
    answer = server.get(path)
    assert_refusal(answer, "E1", body=None)
    assert answer.header("Content-Type").startswith("text/html")


def test_a_file_below_replaces_what_the_file_above_says(server, issuer, site):
    path, htaccess = site
    folder = path.split("/")[1]
    htaccess(*full(issuer))
    server.write(f"htdocs/{folder}/below/page.html", "below")
    below = f"/{folder}/below/page.html"
    assert server.get(below, issuer.mint()).status == 200
    server.write(f"htdocs/{folder}/below/.htaccess",
                 "Auth0Audience https://below.example.com\n")
    assert_refusal(server.get(below, issuer.mint()), "E3", reason="audience_mismatch")
    assert server.get(below, issuer.mint(aud="https://below.example.com")).status == 200
    assert server.get(path, issuer.mint()).status == 200


def test_a_place_that_hears_no_htaccess_is_not_changed_by_one(server, issuer):
    server.write("htdocs/deaf/page.html", "page")
    server.write("htdocs/deaf/.htaccess", "\n".join(full(issuer)) + "\n")
    assert server.get("/deaf/page.html").text == "page"


def test_without_allowoverride_authconfig_the_directives_are_500(server, issuer):
    server.write("htdocs/indexes/page.html", "page")
    server.write("htdocs/indexes/.htaccess", f"Auth0Audience {AUDIENCE}\n")
    assert server.get("/indexes/page.html").status == 500
    server.write("htdocs/indexes/.htaccess", "DirectoryIndex page.html\n")
    assert server.get("/indexes/").text == "page"


# ---- the whole split, as docs/directives.md has it -----------------------------------

#: A line of each directive and requirement that is right where it may stand.
LINES = {
    "Auth0Domain": "Auth0Domain DOMAIN",
    "Auth0Audience": "Auth0Audience https://api.example.com",
    "Auth0Issuer": "Auth0Issuer https://t.example.com/ jwks=file:conf/jwks.json",
    "Auth0TrustedDomains": "Auth0TrustedDomains *.auth0.com",
    "Auth0Algorithms": "Auth0Algorithms RS256",
    "Auth0Leeway": "Auth0Leeway 5",
    "Auth0TokenProfile": "Auth0TokenProfile auto",
    "Auth0TokenSource": "Auth0TokenSource header",
    "Auth0UserClaim": "Auth0UserClaim sub",
    "Auth0PassClaims": "Auth0PassClaims email",
    "Auth0PassHeaders": "Auth0PassHeaders sub=X-User",
    "Auth0PassToken": "Auth0PassToken Off",
    "Auth0ReportOnly": "Auth0ReportOnly Off",
    "Auth0ErrorBody": "Auth0ErrorBody all",
    "Auth0CORSOrigin": "Auth0CORSOrigin http://localhost:4040",
    "Auth0Message": "Auth0Message hello",
    "Auth0CAFile": "Auth0CAFile CAFILE",
    "Auth0JWKSRefresh": "Auth0JWKSRefresh 10min",
    "Auth0HTTPTimeout": "Auth0HTTPTimeout 2s 5s",
    "Auth0HTTPProxy": "Auth0HTTPProxy none",
    "Auth0StateDir": "Auth0StateDir conf",
    "Auth0TokenCache": "Auth0TokenCache 100",
    "Require valid-user": "Require valid-user",
    "Require auth0-permission": "Require auth0-permission read:a",
    "Require auth0-scope": "Require auth0-scope read:a",
    "Require auth0-org": "Require auth0-org acme",
    "Require auth0-client": "Require auth0-client app-1",
    "Require auth0-claim": "Require auth0-claim level=3",
    "AUTH0_CLAIM": 'Header set X-Sub "expr=%{AUTH0_CLAIM:sub}"',
    "auth0-message": "SetHandler auth0-message",
}


def documented():
    """Each heading of docs/directives.md with its Context line."""
    page = (TOP / "docs" / "directives.md").read_text()
    return dict(re.findall(r"^## (\S[^\n]*)\n.*?^- \*\*Context:\*\* ([^\n]+)$", page,
                           re.M | re.S))


#: No lines of ours: what an .htaccess file gets that names this handler is in
#: test_status_access.py, and where log items stand is httpd's to say.
ELSEWHERE = {"auth0-status", "%{...}^AJ"}
CONTEXTS = {name: where for name, where in documented().items() if name not in ELSEWHERE}
FREE = sorted(name for name, places in CONTEXTS.items() if ".htaccess" in places)
RESERVED = sorted(set(CONTEXTS) - set(FREE))


def test_every_directive_and_requirement_of_the_page_is_tested_in_htaccess():
    assert set(CONTEXTS) == set(LINES)
    assert ELSEWHERE < set(documented())
    assert len(FREE) > 10 and len(RESERVED) > 10


@pytest.fixture(scope="module")
def split(shared_httpd, issuer):
    """Folders that leave everything to .htaccess files, by name or altogether."""
    listed = sorted({line.split()[0] for line in LINES.values()}
                    | {"AuthType", "<Files", "<If"})
    return shared_httpd(
        f"Auth0CAFile {issuer.ca_file}\nAuth0TrustedDomains {issuer.domain}\n" + f"""
        <Directory "${{DOCS}}/all">
            AllowOverride All
        </Directory>
        <Directory "${{DOCS}}/list">
            AllowOverride None
            AllowOverrideList {" ".join(listed)}
        </Directory>
        """, files={"htdocs/all/page": "the page", "htdocs/list/page": "the page",
                    "conf/jwks.json": tokens.jwks(issuer.key)})


def line_of(name, issuer):
    return LINES[name].replace("DOMAIN", issuer.domain).replace("CAFILE", issuer.ca_file)


def nested(line, section):
    return f"<{section}>\n{line}\n</{section.split()[0]}>\n" if section else line + "\n"


OVERRIDE = pytest.mark.parametrize("override", ["all", "list"])
SECTION = pytest.mark.parametrize("section", ["", 'Files "*"', 'If "true"'],
                                  ids=["plain", "Files", "If"])


@OVERRIDE
@SECTION
@pytest.mark.parametrize("name", RESERVED)
def test_allowoverridelist_does_not_hand_over_what_is_the_servers(
        split, issuer, name, section, override):
    """F6: httpd itself would let pass what the list names; these choose whom to trust."""
    line = line_of(name, issuer)
    split.write(f"htdocs/{override}/.htaccess", nested(line, section))
    mark = split.mark()
    answer = split.get(f"/{override}/page")
    assert answer.status == 500 and b"the page" not in answer.body, repr(answer)
    said = split.log(mark)
    assert name in said and "not allowed" in said, said


@pytest.mark.parametrize("name", RESERVED)
def test_what_the_page_keeps_from_htaccess_is_fine_in_the_servers_own_file(
        bench, issuer, name):
    """The twin: it is the place that was wrong, not the line."""
    bench.write("conf/jwks.json", tokens.jwks(issuer.key))
    bench.configure(line_of(name, issuer) + "\n")
    status, output = bench.configtest()
    assert status == 0 and "Syntax OK" in output, output


@OVERRIDE
@SECTION
@pytest.mark.parametrize("name", FREE)
def test_what_the_page_leaves_to_htaccess_is_accepted_there(split, issuer, name, section,
                                                            override):
    line = line_of(name, issuer)
    if name.startswith("Require "):
        # With what a requirement needs, all of it in the section.
        text = nested(f"AuthType Auth0\nAuth0Domain {issuer.domain}\n"
                      f"Auth0Audience {AUDIENCE}\n{line}", section)
    else:
        text = nested(line, section)
    split.write(f"htdocs/{override}/.htaccess", text)
    answer = split.get(f"/{override}/page")
    if name.startswith("Require "):
        assert_refusal(answer, "E1")
        good = issuer.mint(permissions=["read:a"], scope="read:a", org_name="acme",
                           azp="app-1", level=3)
        answer = split.get(f"/{override}/page", good)
    if name == "auth0-message":
        # The handler is in force: it misses the Auth0Message, which is the server's.
        assert answer.status == 500 and b"the page" not in answer.body
        split.write(f"htdocs/{override}/.htaccess", "")
        answer = split.get(f"/{override}/page")
    assert answer.status == 200 and answer.text == "the page", repr(answer)
