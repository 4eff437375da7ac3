"""httpd -t -D DUMP_AUTH0: the page that says what protects what."""

import re
import subprocess

import pytest

from support import paths, tokens
from support.conf import trust
from support.httpd import Httpd
from support.paths import CONF, TOP
from support.wait import free_port
from test_documentation import EXAMPLES, SERVER_EXAMPLES, without_load_lines

TRUST = "Auth0Domain tenant.us.auth0.com\nAuth0Audience https://api.example.com\n"
SECRET = "this must never be seen on a screen: 2cf24dba5fb0a30e"
FILES = {"conf/secret": (SECRET, 0o600),
         "conf/keys.json": tokens.jwks(tokens.Key("RS256", "key-1")),
         "conf/auth0/secret": (SECRET, 0o600),
         "conf/auth0/jwks.json": tokens.jwks(tokens.Key("RS256", "key-1")),
         "auth0-state/empty": ""}


@pytest.fixture(scope="module")
def bench(authority):
    """One ServerRoot for all; `httpd -t` starts nothing."""
    files = FILES | {"conf/auth0/ca.pem": authority.file.read_text()}
    server = Httpd(files=files, modules=("proxy", "proxy_http", "proxy_fcgi",
                                         "auth_basic", "authn_file", "access_compat"))
    yield server
    server.stop()


def page_of(bench, config):
    """What it prints, without the log's lines; the tests' port and folder by name."""
    bench.configure(config)
    status, output = bench.configtest("-D", "DUMP_AUTH0")
    assert status == 0, output
    lines = [line for line in output.splitlines()
             if not line.startswith("[") and line != "Syntax OK"]
    for line in lines:
        assert len(line) <= 100 or str(bench.root) in line, line
        assert line == line.rstrip() and "(null)" not in line, repr(line)
    return "\n".join(lines).replace(str(bench.root), "ROOT")


def block(page, heading):
    """The lines of a section (or of a server), those of sections inside of it too."""
    lines = page.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.strip().startswith(heading))
    indent = len(lines[begin]) - len(lines[begin].lstrip())
    end = begin + 1
    while end < len(lines) and (not lines[end] or lines[end].startswith(" " * (indent + 1))):
        end += 1
    return "\n".join(lines[begin:end]).rstrip()


def field(text, label):
    """What stands behind a label, the lines below it in its column too."""
    match = re.search(rf"^( +){label} +(\S.*(?:\n\1 {{15,}}\S.*)*)", text, flags=re.M)
    assert match, f"no {label} in:\n{text}"
    return "\n".join(line.removeprefix(match.group(1) + " " * 15)
                     for line in match.group(2).splitlines())


def place(*lines, path="/x", section="Location"):
    inner = "".join(f"    {line}\n" for line in lines)
    return f'<{section} "{path}">\n{inner}</{section}>\n'


# ---- the page as a whole -------------------------------------------------------------


def test_plain_httpd_t_prints_nothing_new(bench):
    bench.configure(TRUST + place("AuthType Auth0", "Require valid-user"))
    assert bench.configtest() == (0, "Syntax OK\n")
    assert bench.configtest("-D", "DUMP_AUTH0_NOT") == (0, "Syntax OK\n")
    assert "any valid token" in bench.configtest("-D", "DUMP_AUTH0")[1]


def test_the_example_of_the_page_prints_what_the_page_says(bench):
    text = (TOP / "docs/directives.md").read_text("utf-8")
    section = text.split("\n## httpd -t -D DUMP_AUTH0\n")[1]
    example, printed = re.search(r"^```apache\n(.*?)^```$.*?^```\n(.*?)^```$", section,
                                 flags=re.M | re.S).groups()
    bench.write("conf/site.conf", example)

    def without_ports(page):
        return re.sub(r"^  Listen .*\n", "", page, flags=re.M).strip()

    assert without_ports(page_of(bench, "Include conf/site.conf")) == without_ports(printed)


def test_a_configuration_that_protects_nothing_is_one_sentence(bench):
    sentence = "Nothing in this configuration asks for an Auth0 access token."
    assert page_of(bench, "") == sentence
    assert page_of(bench, TRUST + "<VirtualHost *:81>\n</VirtualHost>\n"
                   + place("AuthType Basic", "AuthName x", "Require valid-user")) == sentence
    protected = page_of(bench, TRUST + place("AuthType Auth0", "Require valid-user"))
    assert sentence not in protected and "any valid token" in protected


def test_a_section_that_asks_nobody_is_shown_below_the_sentence(bench):
    page = page_of(bench, TRUST + place("AuthType Auth0", "Require all granted"))
    assert page.startswith("Nothing in this configuration asks")
    assert "    nothing here asks for a token\n" in page
    assert field(block(page, "<Location"), "Requires") == "nobody is asked for a token"


def test_a_configuration_that_is_refused_is_not_shown(bench):
    bench.configure(place("AuthType Auth0", "Require valid-user"))
    status, output = bench.configtest("-D", "DUMP_AUTH0")
    assert status != 0 and "Requires" not in output


def test_the_page_is_the_same_each_time(bench):
    config = TRUST + "".join(place("AuthType Auth0", "Require valid-user", path=f"/{i}")
                             for i in range(20))
    assert len({page_of(bench, config) for _ in range(3)}) == 1


@pytest.mark.parametrize("name", SERVER_EXAMPLES)
def test_every_example_of_the_pages_is_put_into_words(bench, name):
    example = without_load_lines(EXAMPLES[name])
    page = page_of(bench, example)
    asks = re.search(r"^\s*Require +(?!all|local|ip)", example, flags=re.M)
    assert page.startswith("What asks" if asks else "Nothing"), page
    for section, lines in re.findall(r'^<(Location "[^"]+")>\n(.*?)^</Location>', example,
                                     flags=re.M | re.S):
        if re.search(r"Auth0|auth0-", lines.replace("auth0-status", "")):
            assert section in page


def test_the_readmes_example_says_who_may_go_where(bench):
    example = next(text for name, text in EXAMPLES.items()
                   if name.startswith("README") and "/api/admin" in text)
    page = page_of(bench, without_load_lines(example))
    requires = {path: field(block(page, f'<Location "{path}">'), "Requires")
                for path in ("/api", "/api/admin", "/api/public")}
    assert requires == {"/api": "any valid token",
                        "/api/admin": "the permission read:admin-messages",
                        "/api/public": "nobody is asked for a token"}
    admin = block(page, '<Location "/api/admin">')
    assert re.fullmatch(r'Auth0  \(from <Location "/api">, conf/test.conf:\d+\)',
                        field(admin, "AuthType"))


SAMPLES = {
    "hello-world": ("HELLO_WORLD_PORT", "/api/messages/", {
        "public": "nobody is asked for a token", "protected": "any valid token",
        "admin": "the permission read:admin-messages"}),
    "quickstart": ("QUICKSTART_PORT", "/api/", {
        "public": "nobody is asked for a token", "private": "any valid token",
        "private-scoped": "the scope read:messages"})}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_configurations_are_put_into_words(bench, name):
    define, base, routes = SAMPLES[name]
    bench.env = {"AUTH0_DOMAIN": "tenant.us.auth0.com", "AUTH0_AUDIENCE": "https://api",
                 "CLIENT_ORIGIN_URL": "http://localhost:4040"}
    try:
        page = page_of(bench, f"Define {define} 6161\nInclude {CONF}/{name}.conf\n")
    finally:
        bench.env = {}
    assert "nothing here asks for a token" in block(page, "Main server")
    host = block(page, "Virtual host localhost, <VirtualHost *:6161>")
    for route, words in routes.items():
        text = block(host, f'<LocationMatch "^{base}{route}$">')
        assert field(text, "Requires") == words
        if words != "nobody is asked for a token":
            assert field(text, "AuthType") == "Auth0"
            assert "https://tenant.us.auth0.com/" in field(text, "Issuer")
            assert "(from the virtual host, " in field(text, "Audience")
    # Plain paths, though written as patterns: nothing about them is left open.
    assert "Depends on the request" not in page


# ---- requirements --------------------------------------------------------------------

WORDS = {
    "valid-user": "any valid token",
    "auth0-permission read:a": "the permission read:a",
    "auth0-permission a b": "both permissions: a, b",
    "auth0-permission a b c": "all 3 permissions: a, b, c",
    "auth0-scope read:a": "the scope read:a",
    "auth0-scope a b": "both scopes: a, b",
    "auth0-org acme": "the organization acme",
    "auth0-org acme org_1": "one of the organizations acme, org_1",
    "auth0-client abc": "the application abc",
    "auth0-client abc def": "one of the applications abc, def",
    "auth0-claim email_verified": "the claim email_verified is set",
    "auth0-claim https://example.com/roles=editor":
        "the claim https://example.com/roles equals editor",
    'auth0-claim /p/department="Research and More"':
        'the claim /p/department equals "Research and More"',
    'auth0-claim "my name" = x': "the claim my name equals x",
    r"auth0-claim email ~ @example\.com$": r"the claim email matches @example\.com$",
    "user joe": "the user joe",
    "user joe jim": "one of the users joe, jim",
    "ip 192.0.2.0/24": "the client address 192.0.2.0/24",
    "ip 192.0.2.1 192.0.2.2": "one of the client addresses 192.0.2.1, 192.0.2.2",
    "host example.com": "the client host example.com",
    "expr \"%{HTTP_HOST} == 'a'\"": "the expression \"%{HTTP_HOST} == 'a'\" is true",
    "all granted": "nobody is asked for a token",
    "all denied": "nobody is let in",
    "local": "Require local",
    "env INSIDE": "Require env INSIDE",
    "method GET POST": "Require method GET POST",
    "reader": "both permissions: read:a, read:b, named reader",
}
ALIAS = ('<AuthzProviderAlias auth0-permission reader "read:a read:b">\n'
         "</AuthzProviderAlias>\n")


@pytest.mark.parametrize("line", WORDS)
def test_a_requirement_is_put_into_words(bench, line):
    page = page_of(bench, TRUST + ALIAS + place("AuthType Auth0", f"Require {line}"))
    assert field(page, "Requires") == WORDS[line]


GROUPS = {
    "two lines": (["Require valid-user", "Require ip 192.0.2.1"],
                  "one of:\n  any valid token\n  the client address 192.0.2.1"),
    "any": (["<RequireAny>", "Require auth0-scope a", "Require auth0-scope b",
             "</RequireAny>"], "one of:\n  the scope a\n  the scope b"),
    "all with none": (["<RequireAll>", "Require valid-user", "<RequireNone>",
                       "Require ip 192.0.2.1", "Require user joe", "</RequireNone>",
                       "</RequireAll>"],
                      "all of:\n  any valid token\n  none of:\n"
                      "    the client address 192.0.2.1\n    the user joe"),
    "not": (["<RequireAll>", "Require valid-user", "Require not user joe",
             "</RequireAll>"], "all of:\n  any valid token\n  not the user joe"),
    "one line in all": (["<RequireAll>", "Require valid-user", "</RequireAll>"],
                        "any valid token"),
    "limit": (["<Limit POST PUT>", "Require auth0-scope w", "</Limit>"],
              "for POST, PUT: the scope w\nother methods: nobody is asked for a token"),
    "limitexcept": (["<LimitExcept GET>", "Require auth0-scope w", "</LimitExcept>"],
                    "for all but GET: the scope w\nGET: nobody is asked for a token"),
    "limit beside others": (["Require auth0-scope r", "<Limit POST>",
                             "Require auth0-scope w", "</Limit>"],
                            "one of:\n  the scope r\n  for POST: the scope w"),
    "both limits": (["<Limit GET>", "Require auth0-scope r", "</Limit>",
                     "<LimitExcept GET>", "Require auth0-scope w", "</LimitExcept>"],
                    "one of:\n  for GET: the scope r\n  for all but GET: the scope w"),
    "a group in limit": (["<Limit GET>", "<RequireAll>", "Require valid-user",
                          "Require user joe", "</RequireAll>", "</Limit>"],
                         "for GET: all of:\n  any valid token\n  the user joe\n"
                         "other methods: nobody is asked for a token"),
}


@pytest.mark.parametrize("name", GROUPS)
def test_groups_of_requirements_are_lists(bench, name):
    lines, words = GROUPS[name]
    page = page_of(bench, TRUST + place("AuthType Auth0", *lines))
    assert field(page, "Requires") == words


@pytest.mark.parametrize("op, words", [("And", "all of:"), ("Or", "one of:")])
def test_f5_authmerging_is_named_with_what_it_joins(bench, op, words):
    page = page_of(bench, TRUST
                   + place("AuthType Auth0", "Require valid-user", path="/a")
                   + place(f"AuthMerging {op}", "Require ip 192.0.2.1", path="/a/b"))
    assert field(block(page, '<Location "/a/b">'), "Requires") == (
        f"{words}  (AuthMerging {op})\n"
        '  any valid token  (from <Location "/a">, conf/test.conf:3)\n'
        "  the client address 192.0.2.1\n"
        # httpd merges the result once more, with what the <Directory> sections left.
        f"{op.lower()} what outer sections require, if any  (AuthMerging {op})")
    assert "<Directory ROOT>" in block(page, '<Location "/a/b">')
    assert field(block(page, '<Location "/a">'), "Requires") == "any valid token"


def test_f5_satisfy_any_is_named(bench):
    config = TRUST + place("AuthType Auth0", "Require valid-user", "Satisfy Any")
    assert "whom Allow and Deny let in" in field(page_of(bench, config), "Satisfy")
    assert "Satisfy" not in page_of(bench, config.replace("Any", "All"))


def test_f4_a_section_without_require_protects_nothing_of_itself(bench):
    said = "It has no Require of its own, so it protects nothing of itself."
    page = page_of(bench, TRUST + place("AuthType Auth0", path="/bare")
                   + place("AuthType Auth0", "Require valid-user", path="/a")
                   + place("AuthType Auth0", path="/a/b"))
    bare = block(page, '<Location "/bare">')
    assert said in bare and field(bare, "Requires") == "depends on the request"
    assert re.search(r"<Directory ROOT>  \(conf/httpd.conf:\d+\)  the requirements", bare)
    inner = block(page, '<Location "/a/b">')
    assert said in inner
    assert field(inner, "Requires") == \
        'any valid token  (from <Location "/a">, conf/test.conf:6)'
    assert said not in block(page, '<Location "/a">')


def test_a_requirement_without_an_authtype_is_said_to_be_a_500(bench):
    config = TRUST + place("Require auth0-scope a")
    assert "httpd answers 500" in page_of(bench, config)
    assert "500" not in page_of(bench, config.replace("Require", "AuthType Auth0\nRequire"))


# ---- where values come from ----------------------------------------------------------

VALUES = {
    "Auth0Domain": ("Issuer", "a.auth0.com", "b.auth0.com",
                    "https://{}/{}\n  keys from https://{}/.well-known/jwks.json"),
    "Auth0Audience": ("Audience", "one", "two", "{}{}"),
    "Auth0Algorithms": ("Algorithms", "PS256", "ES256", "{}{}"),
    "Auth0TokenProfile": ("Token profile", "rfc9068", "auto", "{}{}"),
    "Auth0Leeway": ("Leeway", "1min", "0s", "{}{}"),
    "Auth0UserClaim": ("User claim", "email", "azp", "{}{}"),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_from_the_nearest_that_sets_it(bench, name):
    """Not set, then at the main server, the virtual host, a section around, its own."""
    label, first, second, form = VALUES[name]
    rest = "\n".join(line for line in TRUST.splitlines() if name not in line)
    template = ("{main}\n" + rest + "\n<VirtualHost *:81>\n{host}\n"
                '<Location "/a">\nAuthType Auth0\n{outer}\nRequire valid-user\n</Location>\n'
                '<Location "/a/b">\nRequire user joe\n{own}\n</Location>\n</VirtualHost>\n')

    def shown(**lines):
        lines = {"main": "", "host": "", "outer": "", "own": ""} | lines
        page = page_of(bench, template.format(**lines))
        return field(block(page, '<Location "/a/b">'), label)

    def words(value, origin):
        origin = f"  (from {origin})" if origin else ""
        return form.format(value, origin, value)

    one, two = f"{name} {first}", f"{name} {second}"
    lines = template.format(main="1", host="2", outer="3", own="4").split("\n")
    at = {line: number for number, line in enumerate(lines, 1)}
    assert shown(main=one) == words(first, "the main server, conf/test.conf:1")
    assert shown(main=one, host=two) == words(
        second, f"the virtual host, conf/test.conf:{at['2']}")
    assert shown(main=one, host=one, outer=two) == words(
        second, f'<Location "/a">, conf/test.conf:{at["3"]}')
    assert shown(main=one, host=one, outer=one, own=two) == words(second, None)


@pytest.mark.parametrize("label, words", [
    ("Algorithms", "RS256"), ("Token profile", "auto"), ("Leeway", "5 seconds"),
    ("User claim", "sub")])
def test_a_value_that_nobody_sets_is_the_default(bench, label, words):
    page = page_of(bench, TRUST + place("AuthType Auth0", "Require valid-user"))
    assert field(page, label) == f"{words}  (the default)"


def test_lines_of_one_section_add_up_and_replace_the_inherited_ones(bench):
    page = page_of(bench, TRUST + place(
        "AuthType Auth0", "Require valid-user", "Auth0Audience one two",
        "Auth0Audience three", "Auth0Domain A.auth0.com:8443 b.auth0.com",
        "Auth0Algorithms PS256", "Auth0Algorithms ES256 EdDSA", "Auth0Leeway 7",
        "Auth0Leeway 9"))
    assert field(page, "Audience") == "one, two, three"
    assert field(page, "Algorithms") == "PS256, ES256, EdDSA"
    assert field(page, "Leeway") == "9 seconds"
    assert [line for line in field(page, "Issuer").splitlines() if line[0] != " "] == \
        ["https://a.auth0.com:8443/", "https://b.auth0.com/"]


ISSUERS = {
    "https://i.example.com/": (
        "keys from https://i.example.com/.well-known/jwks.json", None, True),
    "https://i.example.com jwks=https://k.example.com/keys": (
        "keys from https://k.example.com/keys", None, True),
    "https://i.example.com/ jwks=file:conf/keys.json algorithms=ES256,RS256": (
        "keys in the file conf/keys.json", "algorithms ES256,RS256", False),
    "https://i.example.com/ secret=file:conf/secret": (
        "secret in the file conf/secret", "algorithms HS256", False),
    "https://i.example.com/ algorithms=HS384 secret=file:conf/secret": (
        "secret in the file conf/secret", "algorithms HS384", False),
}


@pytest.mark.parametrize("line", ISSUERS)
def test_an_issuer_is_shown_with_its_keys_and_algorithms_and_no_secret(bench, line):
    keys, algorithms, general = ISSUERS[line]
    page = page_of(bench, f"Auth0Issuer {line}\nAuth0Audience a\n"
                   + place("AuthType Auth0", "Require valid-user"))
    expected = [line.split()[0] + "  (from the main server, conf/test.conf:1)",
                "  " + keys] + (["  " + algorithms] if algorithms else [])
    assert field(page, "Issuer").splitlines() == expected
    assert ("Algorithms " in page) == general
    assert SECRET not in page and SECRET[:20] not in page


def test_the_path_of_a_later_section_has_the_last_word(bench):
    """httpd merges <Location> in the order of the file, not by length."""
    admin = place("Require auth0-permission admin", path="/api/admin")
    api = place("AuthType Auth0", "Require valid-user", path="/api")
    said = "Its own Require lines do not count"
    text = block(page_of(bench, TRUST + admin + api), '<Location "/api/admin">')
    assert field(text, "Requires") == \
        'any valid token  (from <Location "/api">, conf/test.conf:6)'
    assert said in text
    text = block(page_of(bench, TRUST + api + admin), '<Location "/api/admin">')
    assert field(text, "Requires") == "the permission admin" and said not in text


def test_folders_go_by_length_and_paths_only_with_whole_names(bench):
    page = page_of(bench, TRUST
                   + place("Require auth0-scope a", path="${DOCS}/a/b", section="Directory")
                   + place("AuthType Auth0", "Require valid-user", path="${DOCS}/a",
                           section="Directory")
                   + place("Require auth0-scope a", path="${DOCS}/ab", section="Directory"))
    inner = block(page, '<Directory "ROOT/htdocs/a/b">')
    assert field(inner, "Requires") == "the scope a"
    assert field(inner, "AuthType").startswith("Auth0")
    assert field(block(page, '<Directory "ROOT/htdocs/ab">'), "AuthType") == "none"


def test_a_path_has_the_last_word_over_folders_and_files_wherever_they_stand(bench):
    every = place("AuthType Auth0", "Require auth0-scope location", path="/")
    folder = place("AuthType Auth0", "Require auth0-scope folder", path="${DOCS}",
                   section="Directory")
    file = place("AuthType Auth0", "Require auth0-scope file", path="a.html",
                 section="Files")
    for config in (every + folder + file, file + folder + every):
        page = page_of(bench, TRUST + config)
        for heading in ("<Directory", "<Files"):
            assert field(block(page, heading), "Requires").startswith(
                'the scope location  (from <Location "/">')
        assert field(block(page, '<Location "/">'), "Requires") == "the scope location"
        assert "Depends on the request" not in page


# ---- servers and sections ------------------------------------------------------------

HOSTS = """
<VirtualHost *:81>
    ServerName one.example.com
    Auth0Domain one.auth0.com
    Auth0Audience one
    <Location "/x">
        AuthType Auth0
        Require valid-user
    </Location>
</VirtualHost>
<VirtualHost *:82>
    ServerName two.example.com
    <Location "/x">
        Require all granted
    </Location>
</VirtualHost>
"""


def test_f15_each_virtual_host_is_shown_with_its_own_values(bench):
    page = page_of(bench, TRUST + HOSTS)
    assert "nothing here asks for a token" in block(page, "Main server localhost")
    one = block(page, "Virtual host one.example.com, <VirtualHost *:81>  (conf/test.conf:4)")
    assert field(one, "Issuer").startswith("https://one.auth0.com/  (from the virtual host")
    assert field(one, "Audience").startswith("one  (from the virtual host")
    two = block(page, "Virtual host two.example.com, <VirtualHost *:82>")
    assert two.splitlines()[1:] == ["    nothing here asks for a token"]


def test_a_place_of_the_main_server_is_shown_where_a_virtual_host_changes_it(bench):
    main = place("AuthType Auth0", "Require valid-user", path="/m")
    page = page_of(bench, TRUST + HOSTS + main)
    one = block(block(page, "Virtual host one"), '<Location "/m">')
    assert field(one, "Audience").startswith("one  (from the virtual host")
    two = block(block(page, "Virtual host two"), '<Location "/m">')
    assert two.splitlines()[1:] == ["        as in the main server"]
    assert "nothing here asks" not in page
    assert field(block(page, "Main server"), "Audience").startswith("https://api.example")


def test_sections_inside_of_others_are_indented(bench):
    page = page_of(bench, TRUST + """
        <Directory "${DOCS}">
            <Files "secret.html">
                AuthType Auth0
                Require valid-user
            </Files>
            <If "%{HTTP_HOST} == 'a'">
                AuthType Auth0
                Require auth0-scope a
            </If>
        </Directory>
        """)
    headings = re.findall(r"^ *<(?:Directory|Files|If) .*\(conf/test.conf:\d+\)$", page,
                          flags=re.M)
    assert headings == ['    <Directory "ROOT/htdocs">  (conf/test.conf:4)',
                        '        <Files "secret.html">  (conf/test.conf:5)',
                        "        <If \"%{HTTP_HOST} == 'a'\">  (conf/test.conf:9)"]
    directory = block(page, "<Directory")
    files = block(directory, "<Files")
    condition = block(directory.split("\n\n")[-1], "<If")
    assert field(files, "Requires") == "any valid token"
    assert "<If" in files.split("Depends on the request")[1]
    assert field(condition, "Requires") == "the scope a"
    assert condition.startswith("        <If")


@pytest.mark.parametrize("section, path", [
    ("LocationMatch", "^/api/v[0-9]"), ("Location", "/api/*/x"), ("Directory", "${DOCS}"),
    ("Files", "*.pdf")])
def test_what_only_a_request_can_tell_is_not_guessed(bench, section, path):
    config = (TRUST + place("AuthType Auth0", path="/api", section="Location")
              + place("Require auth0-scope a", "Auth0Audience other", path=path,
                      section=section))
    api = block(page_of(bench, config), '<Location "/api">')
    shown = path.replace("${DOCS}", "ROOT/htdocs")
    assert f'<{section} "{shown}"> (conf/test.conf:6) the requirements, the audience' in \
        " ".join(api.split("Depends on the request")[1].split()), api


def test_a_plain_path_elsewhere_is_left_out(bench):
    """Its twin above is a pattern, of which nobody knows."""
    page = page_of(bench, TRUST + place("AuthType Auth0", "Require valid-user", path="/api")
                   + place("AuthType Auth0", "Require auth0-scope a", path="/apis")
                   + place("AuthType Auth0", "Require auth0-scope b", path="^/api/x$",
                           section="LocationMatch"))
    assert "Depends on the request" not in page
    inner = block(page, '<LocationMatch "^/api/x$">')
    assert field(inner, "Requires") == "the scope b"


def test_many_uncertain_sections_are_counted(bench):
    page = page_of(bench, TRUST + place("AuthType Auth0", "Require valid-user") + "".join(
        place("Require auth0-scope a", path=f"^/x/.*{i}", section="LocationMatch")
        for i in range(7)))
    assert block(page, '<Location "/x">').endswith("            and 3 more")


@pytest.mark.parametrize("lines, says", [
    (["AllowOverride AuthConfig"], "AllowOverride AuthConfig"),
    (["AllowOverride FileInfo AuthConfig"], "AllowOverride FileInfo AuthConfig"),
    (["AllowOverride All"], "AllowOverride All"),
    (["AllowOverride None", "AllowOverrideList Require AuthType"],
     "AllowOverrideList Require AuthType"),
    (["AllowOverrideList Auth0Leeway"], "AllowOverrideList Auth0Leeway"),
    (["AllowOverride None"], None), (["AllowOverride FileInfo"], None),
    (["AllowOverrideList Redirect"], None), ([], None)])
def test_f7_what_htaccess_files_may_change_is_said(bench, lines, says):
    page = page_of(bench, TRUST + place("AuthType Auth0", "Require valid-user", *lines,
                                        path="${DOCS}", section="Directory"))
    said = re.search(r"Files \.htaccess may change this: (.*)", page)
    assert (said and said.group(1)) == says
    bare = page_of(bench, place(*lines, path="${DOCS}", section="Directory"))
    assert ("Files .htaccess may protect places here." in bare) == (says is not None)


# ---- what must not happen ------------------------------------------------------------


def test_no_connection_is_made_for_the_page(bench, issuer):
    before = issuer.connections
    page = page_of(bench, trust(issuer) + "Auth0Audience a\n"
                   + place("AuthType Auth0", "Require valid-user"))
    assert issuer.domain in page
    assert issuer.connections == before


def test_valgrind_finds_nothing_in_it(bench, program):
    valgrind = program("valgrind")
    bench.configure(TRUST + HOSTS + ALIAS + "".join(
        place("AuthType Auth0", *lines, path=f"/{i}")
        for i, (lines, _) in enumerate(GROUPS.values())) + "".join(
        place("AuthType Auth0", f"Require {line}", path=f"^/[{i}]", section="LocationMatch")
        for i, line in enumerate(WORDS)))
    done = subprocess.run(
        [valgrind, "-q", "--error-exitcode=99",
         f"--suppressions={paths.INTEGRATION / 'valgrind.supp'}", str(paths.HTTPD), "-d",
         str(bench.root), "-f", str(bench.root / "conf/httpd.conf"), "-t", "-D",
         "DUMP_AUTH0"], env=bench._environment(), capture_output=True, text=True,
        timeout=120)
    assert done.returncode == 0 and "==" not in done.stderr, done.stderr
    assert "any valid token" in done.stdout


# ---- the page and the server say the same --------------------------------------------


def tree_of(text):
    """The indented lines of a list as (line, [those below it])."""
    top = []
    stack = [(-1, top)]
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        while stack[-1][0] >= depth:
            stack.pop()
        node = (re.sub(r"  \((from|AuthMerging) .*", "", line.strip()), [])
        stack[-1][1].append(node)
        stack.append((depth, node[1]))
    return top


def join(kind, results):
    """As mod_authz_core does: None has no say."""
    results = [result for result in results if result is not None]
    if kind == "none of:":
        return False if any(results) else None
    if not results:
        return None
    return all(results) if kind == "all of:" else any(results)


def let_in(node, method, token):
    """What a line of the list says of a request; token: None or the claims."""
    line, below = node
    limit = re.match(r"for (all but )?(\w+(?:, \w+)*): (.*)", line)
    if limit:
        named = method in limit.group(2).split(", ")
        if named == bool(limit.group(1)):
            return None
        line = limit.group(3)
    if line in ("all of:", "one of:", "none of:"):
        return join(line, [let_in(child, method, token) for child in below])
    granted = set((token or {}).get("permissions", ()))
    words = re.fullmatch(r"(?:the permission|both permissions:) (.*)", line)
    if words:
        return token is not None and set(words.group(1).split(", ")) <= granted
    return {"any valid token": token is not None, "nobody is asked for a token": True,
            "nobody is let in": False, "the client address 127.0.0.1": True,
            "the client address 192.0.2.1": False}[line]


def claimed(page, path, method, token):
    """Does the page let this request in? The smallest place that holds it decides."""
    places = re.findall(r'<Location(Match)? "(\S+)">  \(', page)
    holding = [(len(text.strip("^$")), bool(match), text) for match, text in places
               if (path == text.strip("^$") if match else
                   path == text or path.startswith(text + "/"))]
    if not holding:
        return True
    _, match, text = max(holding)
    section = block(page, f'<Location{"Match" if match else ""} "{text}">')
    top = tree_of(field(section, "Requires"))
    merging = [line for line, _ in top if line.endswith("outer sections require, if any")]
    result = join("one of:", [let_in(node, method, token) for node in top
                              if node[0] not in merging and "other methods:" not in node[0]])
    # Around all of them is only the document root, which is open.
    if merging:
        result = result if merging[0].startswith("and") else True
    return result is not False


def random_group(rng, depth=0):
    one = rng.choice(["valid-user", "auth0-permission p", "auth0-permission p q",
                      "all granted", "all denied", "ip 127.0.0.1", "ip 192.0.2.1"])
    if depth == 2 or rng.random() < 0.5:
        return [f"Require {one}"]
    name = rng.choice(["RequireAny", "RequireAll"])
    inner = [line for _ in range(rng.randint(1, 3)) for line in random_group(rng, depth + 1)]
    if name == "RequireAll" and rng.random() < 0.3:
        inner += ["<RequireNone>", f"Require ip {rng.choice(['127.0.0.1', '192.0.2.1'])}",
                  "</RequireNone>"]
    return [f"<{name}>", *inner, f"</{name}>"]


def random_config(rng):
    """Places in any order, some of them twice in one another."""
    sections = [place("AuthType Auth0", *random_group(rng), path="/a")]
    for path in ("/a/b", "/a/b/c", "/a/d", "/a/bc"):
        lines = random_group(rng) if rng.random() < 0.8 else ["Auth0Leeway 7"]
        kind = rng.random()
        if kind < 0.25:
            lines = [f"<Limit {rng.choice(['GET', 'POST'])}>", *lines, "</Limit>"]
        elif kind < 0.6:
            lines = [f"AuthMerging {rng.choice(['And', 'Or'])}", *lines]
        match = path == "/a/d" or rng.random() < 0.2
        sections.append(place(*lines, path=f"^{path}$" if match else path,
                              section="LocationMatch" if match else "Location"))
    rng.shuffle(sections)
    return "".join(sections)


@pytest.mark.parametrize("number", range(8))
def test_what_the_page_says_of_a_path_is_what_the_server_does(bench, httpd, issuer, rng,
                                                             number):
    config = (trust(issuer) + "Auth0Audience https://api.example.com\n"
              + 'AliasMatch "^/" ${DOCS}/page\n' + random_config(rng))
    page = page_of(bench, config)
    server = httpd(config, files={"htdocs/page": "page"})
    callers = [None, {}, {"permissions": ["p"]}, {"permissions": ["p", "q"]}]
    signed = [None if claims is None else issuer.mint(**claims) for claims in callers]
    for path in ("/", "/a", "/a/x", "/a/b", "/a/b/x", "/a/b/c", "/a/d", "/a/d/x", "/a/bc"):
        for method in ("GET", "POST"):
            for claims, token in zip(callers, signed):
                status = server.request(method, path, token).status
                expected = {200, 405} if claimed(page, path, method, claims) else \
                    {401, 403} if token is None else {403}
                assert status in expected, \
                    f"{method} {path} with {claims}: {status}\n{config}\n{page}"


def test_what_the_page_says_of_a_virtual_host_is_what_the_server_does(bench, httpd, issuer):
    port = free_port()
    config = (trust(issuer) + "Auth0Audience main\n"
              + place("AuthType Auth0", "Require valid-user", path="/m")
              + f"Listen 127.0.0.1:{port}\n<VirtualHost *:{port}>\nAuth0Audience host\n"
              + place("Require auth0-permission p", path="/m/p")
              + place("Require all granted", path="/m/open") + "</VirtualHost>\n"
              + 'AliasMatch "^/" ${DOCS}/page\n')
    page = page_of(bench, config)
    host = block(page, "Virtual host")
    assert field(block(host, '<Location "/m">'), "Audience").startswith("host  (")
    assert field(block(page, "Main server"), "Audience").startswith("main  (")
    assert field(block(host, '<Location "/m/p">'), "Requires") == "the permission p"
    assert field(block(host, '<Location "/m/open">'), "Requires") == \
        "nobody is asked for a token"

    server = httpd(config, files={"htdocs/page": "page"})
    of_main, of_host = (issuer.mint(aud=audience) for audience in ("main", "host"))
    assert server.get("/m", of_main).status == 200
    assert server.get("/m", of_host).status == 401
    assert server.get("/m/open").status == 401
    assert server.get("/m", of_main, port=port).status == 401
    assert server.get("/m", of_host, port=port).status == 200
    assert server.get("/m/p", of_host, port=port).status == 403
    assert server.get("/m/p", issuer.mint(aud="host", permissions=["p"]),
                      port=port).status == 200
    assert server.get("/m/open", port=port).status == 200
