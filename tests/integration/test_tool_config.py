"""auth0-jwt verify and explain --config: what they say is what the running httpd does."""

import json
import re
import subprocess

import pytest

from support import tokens
from support.conf import trust
from support.httpd import Httpd
from support.paths import HTTPD, INTEGRATION
from support.tokens import ABSENT, Key, tampered
from support.tool import (ACCEPTED, REFUSED, UNAVAILABLE, UNDECIDED, USAGE, as_json,
                          checks_of, tool)
from support.wait import free_port

OTHER = "https://other.example.com/"
SECRET = "a secret of sixty-four bytes, which is enough for every algorithm"


def config(issuer):
    port = free_port()
    return port, trust(issuer) + f"""
        Auth0Audience https://api.example.com
        AliasMatch "^/(?!folder)" ${{DOCS}}/page
        AliasMatch "^/folder/by-pattern" ${{DOCS}}/page
        <Location "/valid">
            AuthType Auth0
            Require valid-user
        </Location>
        <Location "/valid/reports">
            Auth0Audience https://reports.example.com
            Require auth0-permission read:reports write:reports
        </Location>
        <Location "/any">
            AuthType Auth0
            Require auth0-permission read:a
            Require auth0-scope email
        </Location>
        <Location "/all">
            AuthType Auth0
            <RequireAll>
                Require auth0-permission read:a
                Require auth0-claim https://example.com/roles=editor
                Require auth0-org acme org_1
            </RequireAll>
        </Location>
        <Location "/client">
            AuthType Auth0
            Require auth0-client client-1
        </Location>
        <LocationMatch "^/claim/[0-9]+$">
            AuthType Auth0
            Require auth0-claim /profile/groups/1="team lead"
        </LocationMatch>
        <Location "/set">
            AuthType Auth0
            Require auth0-claim email_verified
        </Location>
        <Location "/pointer">
            AuthType Auth0
            Require auth0-claim /a~1b/c~0d=x
        </Location>
        <Location "/index">
            AuthType Auth0
            Require auth0-claim /profile/groups/01=a
            Require auth0-claim /profile/groups/2
        </Location>
        <Location "/number">
            AuthType Auth0
            Require auth0-claim level=5
            Require auth0-claim "level" = 5.0
        </Location>
        <Location "/true">
            AuthType Auth0
            Require auth0-claim email_verified=true
            Require auth0-claim "my name"="a b"
        </Location>
        <Location "/null">
            AuthType Auth0
            Require auth0-claim nothing
            Require auth0-claim profile=x
        </Location>
        <Location "/user">
            AuthType Auth0
            Auth0UserClaim email
            Require user a@example.com
        </Location>
        <Location "/methods">
            AuthType Auth0
            <Limit POST>
                Require auth0-permission write:a
            </Limit>
            <Limit GET>
                Require valid-user
            </Limit>
        </Location>
        <Location "/none">
            AuthType Auth0
            <RequireAll>
                Require valid-user
                <RequireNone>
                    Require user client-1@clients
                </RequireNone>
            </RequireAll>
        </Location>
        <Location "/all/merged">
            AuthMerging Or
            Require auth0-permission other
        </Location>
        <Location "/late">
            AuthType Auth0
            Auth0Leeway 4min
            Auth0TokenProfile rfc9068
            Require valid-user
        </Location>
        <Location "/other">
            AuthType Auth0
            Auth0Issuer {OTHER} jwks=file:conf/other.json algorithms=ES256
            Auth0Domain {issuer.domain}
            Require valid-user
        </Location>
        <Location "/secret">
            AuthType Auth0
            Auth0Issuer {OTHER} secret=file:conf/secret
            Require valid-user
        </Location>
        <Location "/open">
            Require all granted
        </Location>
        <Location "/valid/closed">
            Require all denied
        </Location>
        <Directory "${{DOCS}}/folder">
            AuthType Auth0
            Require auth0-permission read:folder
        </Directory>
        <FilesMatch "\\.txt$">
            AuthType Auth0
            Require auth0-permission read:text
        </FilesMatch>
        Listen 127.0.0.1:{port}
        <VirtualHost *:{port}>
            ServerName two.example.com
            Auth0Audience https://two.example.com
            <Location "/valid">
                Require auth0-permission two
            </Location>
        </VirtualHost>
        """


PLACES = ["/valid", "/valid/", "/valid/reports", "/validity", "/any", "/all", "/all/merged",
          "/client/x", "/claim/12", "/claim/x", "/set",
          "/pointer", "/index", "/number", "/true", "/null", "/user", "/methods", "/none",
          "/late", "/other", "/secret", "/open", "/valid/closed", "/folder/page.html",
          "/folder/sub/a.txt", "/folder/%70age.html?x=/valid", "/folder/../valid"]


@pytest.fixture(scope="module")
def other():
    return Key("ES256", "other-1")


@pytest.fixture(scope="module")
def place(shared_httpd, issuer, other):
    port, text = config(issuer)
    server = shared_httpd(text, files={
        "htdocs/page": "page", "htdocs/folder/page.html": "page",
        "htdocs/folder/sub/a.txt": "text", "conf/other.json": tokens.jwks(other),
        "conf/secret": (SECRET + "\n", 0o600)})
    server.second = port
    return server


@pytest.fixture(scope="module")
def callers(issuer, other):
    """Tokens of all sorts by name."""
    secret = Key("HS256", None, secret=SECRET.encode())
    good = {"permissions": ["read:a"], "scope": "openid email"}
    made = {
        "plain": issuer.mint(),
        "permission": issuer.mint(permissions=["read:a", "read:folder", "read:text"]),
        "scope": issuer.mint(scope="openid email"),
        "reports": issuer.mint(aud="https://reports.example.com",
                               permissions=["write:reports", "read:reports", "x"]),
        "one of two": issuer.mint(aud="https://reports.example.com",
                                  permissions=["read:reports"]),
        "everything": issuer.mint(
            **good, **{"https://example.com/roles": ["reader", "editor"]}, org_name="acme",
            profile={"groups": ["a", "team lead"]}, email_verified=True,
            email="a@example.com"),
        "by id": issuer.mint(**good, **{"https://example.com/roles": "editor"},
                             org_id="org_1", email_verified=False, email="b@example.com"),
        "pointer": issuer.mint(**{"a/b": {"c~d": "x"}}, level=5, nothing=None),
        "numbers": issuer.mint(level=5.0, profile={"groups": ["a", "b", 0]}),
        "names": issuer.mint(**{"my name": ["c", "a b"]}, level="5.0", nothing=""),
        "merged": issuer.mint(permissions=["other", "write:a"]),
        "another client": issuer.mint(azp="client-2", client_id="client-3"),
        "expired a little": issuer.mint(exp_in=-100, header={"typ": "at+jwt"}),
        "expired": issuer.mint(exp_in=-1000),
        "at+jwt": issuer.mint(header={"typ": "at+jwt"}),
        "another api": issuer.mint(aud="https://elsewhere.example.com"),
        "both apis": issuer.mint(aud=["https://elsewhere.example.com",
                                      "https://api.example.com"]),
        "another issuer": issuer.mint(iss="https://stranger.example.com/"),
        "tampered": tampered(issuer.mint()),
        "unknown key": issuer.mint(kid="nobody"),
        "ps256": issuer.mint(alg="PS256"),
        "no user": issuer.mint(sub=ABSENT),
        "bound": issuer.mint(cnf={"jkt": "x"}),
        "future": issuer.mint(nbf=4102444800),
        "a comma": "a,b.c",
        "opaque": "dGhpcyBpcyBvcGFxdWU",
        "other": tokens.token_of(tokens.header_of(other), tokens.claims_of(
            OTHER, "https://api.example.com"), other),
        "secret": tokens.token_of(
            {"alg": "HS256", "typ": "JWT"},
            tokens.claims_of(OTHER, "https://api.example.com"), secret),
        "two": issuer.mint(aud="https://two.example.com", permissions=["two"]),
    }
    return made


def conf_of(place):
    return place.root / "conf/httpd.conf"


def ask(command, place, path, token, *more, **others):
    return as_json(command, "--config", conf_of(place), "--httpd", HTTPD, "--path", path,
                   *more, stdin=token, **others)


def assert_same(said, response, context):
    """The tool's verdict is httpd's answer, to the sentence that the client gets."""
    if said["verdict"] in ("open", "accepted"):
        assert response.status in (200, 404), (context, said, response)
        assert said["exit"] == ACCEPTED
        return
    assert said["verdict"] == "refused", (context, said, response)
    assert response.status == said["status"] and said["exit"] == REFUSED, \
        (context, said, response)
    challenge = " ".join(response.all("WWW-Authenticate"))
    described = re.search(r'error_description="([^"]*)"', challenge)
    assert described and described.group(1) == said["sentence"], (context, said, challenge)


@pytest.mark.parametrize("path", PLACES)
def test_verify_says_of_a_place_what_the_running_server_answers(place, callers, path):
    for name, token in callers.items():
        for method in ("GET", "POST") if path == "/methods" else ("GET",):
            said = ask("verify", place, path, token, "--server", "localhost", "--method",
                       method)
            response = place.request(method, path, token)
            if path == "/valid/closed":  # httpd refuses before it looks for a token
                assert (response.status, said["status"]) == (403, 403), (name, said)
                assert said["reason"] == "requirement_not_met" and "user" not in said
                continue
            if method == "POST" and response.status == 405:
                response.status = 200  # a file, which was reached
            assert_same(said, response, (path, name, method))


def test_verify_says_of_a_virtual_host_what_that_answers(place, callers):
    for name in ("two", "plain", "reports", "merged"):
        for path in ("/valid", "/any", "/client", "/open"):
            said = ask("verify", place, path, callers[name], "--server",
                       f"two.example.com:{place.second}")
            assert "two.example.com" in said["server"]
            assert_same(said, place.get(path, callers[name], port=place.second),
                        (path, name))


def test_the_reason_is_the_one_in_the_servers_log(place, callers):
    for name in ("expired", "tampered", "unknown key", "ps256", "opaque", "bound",
                 "no user", "future", "another issuer"):
        mark = place.mark()
        place.get("/valid", callers[name])
        place.wait_for_log("token rejected", mark)
        said = ask("verify", place, "/valid", callers[name], "--server", "localhost")
        assert f"({said['reason']})" in place.log(mark), (name, said)


def test_explain_has_the_same_verdict_and_says_where_each_thing_is_written(place, callers):
    for name, token in callers.items():
        one = ask("verify", place, "/valid/reports", token, "--server", "localhost")
        all_ = ask("explain", place, "/valid/reports", token, "--server", "localhost")
        assert (one["verdict"], one["reason"], one["exit"]) == \
            (all_["verdict"], all_["reason"], all_["exit"])
    said = ask("explain", place, "/valid/reports", callers["plain"], "--server",
               "localhost")
    lines = (place.root / "conf/test.conf").read_text().splitlines()
    checks = checks_of(said)
    for check, text in (("audience", "Auth0Audience https://reports.example.com"),
                        ("issuer", "Auth0Domain"),
                        ("requirement", "Require auth0-permission read:reports")):
        file, _, number = checks[check]["from"].partition(":")
        assert file == "conf/test.conf" and text in lines[int(number) - 1], checks[check]


def test_the_keys_are_those_of_the_configuration_over_its_own_authority(place, callers,
                                                                        issuer):
    before = issuer.fetches
    assert ask("verify", place, "/valid", callers["plain"], "--server",
               "localhost")["verdict"] == "accepted"
    assert issuer.fetches == before + 1
    assert ask("verify", place, "/other", callers["other"], "--server",
               "localhost")["verdict"] == "accepted"
    assert ask("verify", place, "/secret", callers["secret"], "--server",
               "localhost")["verdict"] == "accepted"
    assert issuer.fetches == before + 1


def test_a_path_that_several_servers_protect_needs_a_name(place, callers):
    done = tool("verify", "--config", conf_of(place), "--httpd", HTTPD, "--path", "/valid",
                stdin=callers["plain"])
    assert done.returncode == USAGE
    assert "--server" in done.stderr and "two.example.com" in done.stderr
    assert f"*:{place.second}" in done.stderr
    done = tool("verify", "--config", conf_of(place), "--path", "/valid", "--server",
                "three.example.com", stdin=callers["plain"])
    assert done.returncode == USAGE and "two.example.com" in done.stderr


def test_a_main_server_that_no_request_reaches_is_not_asked(issuer):
    """As on Debian: sites are virtual hosts, and the main server has not even a root."""
    text = trust(issuer) + """
        Auth0Audience https://api.example.com
        <VirtualHost *:{port}>
            DocumentRoot ${{DOCS}}
            <Directory "${{DOCS}}/private">
                AuthType Auth0
                Require auth0-permission read:a
            </Directory>
        </VirtualHost>
        """
    server = Httpd(files={"htdocs/private/page": "page", "htdocs/page": "page"})
    for port, reached in ((server.port, False), (free_port(), True)):
        server.configure(text.format(port=port))
        for path, verdict in (("/private/page", "refused"), ("/page", "open")):
            said = ask("verify", server, path, issuer.mint())
            if path == "/page":
                assert ("the main server" in said["server"]) == reached, said
            if not reached:
                assert said["verdict"] == verdict and "virtual host" in said["server"]
    server.stop()


def test_a_place_that_nobody_can_tell_of_is_neither_open_nor_closed(issuer):
    server = Httpd(trust(issuer) + """
        Auth0Audience https://api.example.com
        <Directory "/">
            Require all denied
        </Directory>
        <DirectoryMatch "^/.*/htdocs/pri">
            AuthType Auth0
            Require valid-user
        </DirectoryMatch>
        """, before="RewriteEngine On\nRewriteRule ^/x /y\n", modules=("rewrite",))
    said = ask("verify", server, "/private/page", issuer.mint())
    assert (said["verdict"], said["exit"]) == ("undecided", UNDECIDED), said
    assert "status" not in said
    assert any("<DirectoryMatch" in note for note in said["notes"])
    server.stop()


def test_what_only_httpd_can_tell_is_exit_4(httpd, issuer):
    server = httpd(trust(issuer) + """
        Auth0Audience https://api.example.com
        AliasMatch "^/" ${DOCS}/page
        <Location "/">
            AuthType Auth0
            <RequireAll>
                Require auth0-permission read:a
                Require ip 127.0.0.1
            </RequireAll>
        </Location>
        <Location "/pattern">
            Require auth0-claim email ~ @example\\.com$
        </Location>
        <Location "/expression">
            Require auth0-permission read:%{REQUEST_METHOD}
        </Location>
        """, files={"htdocs/page": "page"})
    allowed = issuer.mint(permissions=["read:a"], email="a@example.com")
    for path in ("/", "/pattern", "/expression"):
        said = ask("explain", server, path, allowed)
        assert (said["verdict"], said["exit"]) == ("undecided", UNDECIDED), said
        assert any(check["state"] == "open" and "httpd decides" in check["hint"]
                   for check in said["checks"]), said
    text = tool("explain", "--config", conf_of(server), "--httpd", HTTPD, "--path", "/",
                stdin=allowed)
    assert text.stdout.startswith("undecided: ") and text.returncode == UNDECIDED
    # What the token lacks settles it, whatever httpd thinks of the rest.
    said = ask("verify", server, "/", issuer.mint())
    assert (said["verdict"], said["reason"]) == ("refused", "permission_missing")
    assert server.get("/", issuer.mint()).status == 403
    assert server.get("/", allowed).status == 200


def test_htaccess_files_are_not_read_and_a_note_says_so(httpd, issuer):
    server = httpd(trust(issuer) + """
        Auth0Audience https://api.example.com
        <Directory "${DOCS}">
            AuthType Auth0
            Require valid-user
            AllowOverride AuthConfig
        </Directory>
        """, files={"htdocs/a/page": "page", "htdocs/a/.htaccess":
                    "Require auth0-permission nobody\n", "htdocs/b/page": "page"})
    token = issuer.mint()
    said = ask("verify", server, "/a/page", token)
    assert said["verdict"] == "accepted"
    assert any("htdocs/a/.htaccess" in note for note in said["notes"]), said
    assert server.get("/a/page", token).status == 403
    said = ask("verify", server, "/b/page", token)
    assert any("none now" in note for note in said["notes"])
    assert server.get("/b/page", token).status == 200


def test_notes_tell_what_a_request_could_change(httpd, issuer):
    server = httpd(trust(issuer) + """
        Auth0Audience https://api.example.com
        <Location "/">
            AuthType Auth0
            Auth0ReportOnly On
            Auth0TokenSource cookie:token
            Require valid-user
            <If "%{HTTP_HOST} == 'inside'">
                Require all granted
            </If>
        </Location>
        """)
    notes = " ".join(ask("verify", server, "/", issuer.mint())["notes"])
    assert "Auth0ReportOnly is On (conf/test.conf:" in notes
    assert "cookie:token" in notes and "<If " in notes and "the requirements" in notes


REFUSED_CONFIGURATIONS = {
    "a mistake": ("Auth0Leeway never\n", "Auth0Leeway"),
    "no module": (None, "does not load mod_auth0_jwt"),
    "another type": ('<Location "/x">\nAuthType Basic\nAuthName x\nRequire valid-user\n'
                     "</Location>\n", "AuthType Basic"),
    "no audience": ('Auth0Domain tenant.us.auth0.com\n<Directory "${DOCS}">\n'
                    'AuthType Auth0\nRequire valid-user\n</Directory>\n'
                    '<Location "/y">\nAuth0Audience a\n</Location>\n'
                    '<Directory "${DOCS}/z">\nAuth0Audience a\n</Directory>\n',
                    "Auth0Audience"),
}


@pytest.mark.parametrize("case", REFUSED_CONFIGURATIONS, ids=lambda case: case.replace(
    " ", "-"))
def test_a_configuration_that_cannot_judge_is_exit_3_with_the_reason(case):
    text, word = REFUSED_CONFIGURATIONS[case]
    server = Httpd(text or "", auth0=text is not None, modules=("auth_basic",))
    done = tool("verify", "--config", conf_of(server), "--httpd", HTTPD, "--path", "/x",
                stdin="a.b.c")
    assert done.returncode == UNAVAILABLE and word in done.stderr, done
    assert not done.stdout
    server.stop()


def test_a_config_that_is_not_there_is_exit_3(tmp_path):
    done = tool("verify", "--config", tmp_path / "none.conf", "--httpd", HTTPD, "--path",
                "/", stdin="a.b.c")
    assert done.returncode == UNAVAILABLE and "none.conf" in done.stderr


@pytest.mark.parametrize("arguments, word", [
    (["--path", "/"], "--config"),
    (["--config", "C"], "--path"),
    (["--config", "C", "--path", "/", "--audience", "a"], "--audience"),
    (["--config", "C", "--path", "/", "--domain", "d"], "--domain"),
])
def test_options_that_do_not_go_together_are_exit_2(arguments, word):
    done = tool("verify", *arguments, stdin="a.b.c")
    assert done.returncode == USAGE and word in done.stderr and not done.stdout


def test_a_path_that_is_none_is_exit_2(place):
    for path in ("valid", "/%zz", "/a%2fb"):
        done = tool("verify", "--config", conf_of(place), "--httpd", HTTPD, "--server",
                    "localhost", "--path", path, stdin="a.b.c")
        assert done.returncode == USAGE and "path" in done.stderr, (path, done)


def test_variables_of_an_envvars_file_are_set_as_apachectl_does(httpd, issuer):
    """Debian's apache2.conf does not even parse without them."""
    server = httpd(trust(issuer) + 'Auth0Audience ${MY_AUDIENCE}\n'
                   '<Location "/">\nAuthType Auth0\nRequire valid-user\n</Location>\n',
                   env={"MY_AUDIENCE": "https://api.example.com"})
    missing = tool("verify", "--config", conf_of(server), "--httpd", HTTPD, "--path", "/",
                   stdin=issuer.mint())
    assert missing.returncode == UNAVAILABLE and "MY_AUDIENCE" in missing.stderr
    server.write("conf/envvars", 'MY_AUDIENCE="https://api.example.com"\n'
                                 'test -n "$APACHE_CONFDIR" || exit 1\n')
    assert ask("verify", server, "/", issuer.mint())["verdict"] == "accepted"


TARGETS = {
    "/": ("file", "htdocs/"), "/a/b": ("file", "htdocs/a"),
    "/page/more": ("file", "htdocs/page"),
    "/alias/x": ("file", "elsewhere/x"), "/aliased": ("file", "htdocs/aliased"),
    "/match/12": ("file", "elsewhere/12.html"),
    "/proxied/x": ("proxy", None), "/proxied/here": ("file", "htdocs/proxied"),
    "/placed/x": ("proxy", None), "/~joe/x": ("unknown", None),
    "/%61lias/../alias//x?y=/": ("file", "elsewhere/x"),
}


def dumps(server, path):
    status, output = server.configtest("-D", f"DUMP_AUTH0_PLACE={path}")
    assert status == 0, output
    line, = [line for line in output.splitlines() if line.startswith("{")]
    return json.loads(line)["hosts"]


@pytest.fixture(scope="module")
def mapped():
    server = Httpd("""
        Alias "/alias/" "${ROOT}/elsewhere/"
        AliasMatch "^/match/([0-9]+)$" "${ROOT}/elsewhere/$1.html"
        ProxyPass /proxied/here !
        ProxyPass /proxied http://127.0.0.1:1/
        <Location "/placed">
            ProxyPass http://127.0.0.1:1/
        </Location>
        Auth0Domain tenant.us.auth0.com
        Auth0Audience a
        <Directory "${DOCS}">
            AuthType Auth0
            <Files "index.html">
                Require auth0-scope index
            </Files>
            <FilesMatch "^\\.ht">
                Require all denied
            </FilesMatch>
        </Directory>
        <VirtualHost *:81>
            RewriteEngine On
            RewriteRule ^/x /y
        </VirtualHost>
        """, modules=("proxy", "proxy_http", "rewrite"), files={"htdocs/page": "x", "elsewhere/keep": ""})
    yield server
    server.stop()


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.replace("/", "-"))
def test_where_a_path_leads_is_told_as_far_as_the_text_can(mapped, path):
    target, file = TARGETS[path]
    main, host = dumps(mapped, path)
    assert main["target"] == target
    assert main["file"] == (file and str(mapped.root / file) + "/" * file.endswith("/"))
    if target == "file" and not path.startswith(("/match", "/proxied", "/placed")):
        assert host["target"] == "unknown"  # a rewrite may lead it anywhere


def test_which_files_a_section_may_be_about_is_told_as_far_as_the_text_can(mapped):
    def about(path):
        main, _ = dumps(mapped, path)
        require = main["requires"]
        return (json.dumps(require).count("auth0-scope"),
                [one["section"] for one in main["perhaps"] if "<Files" in one["section"]])

    assert about("/index.html") == (1, [])
    assert about("/page") == (0, [])
    # Of a folder its index may be what is served, and nothing that begins with .ht.
    assert about("/") == (0, ['<Files "index.html">'])
    main, _ = dumps(mapped, "/.htaccess")
    assert json.dumps(main["requires"]).count("denied") == 1


def test_valgrind_finds_nothing_in_the_dump(mapped, place, program):
    valgrind = program("valgrind")
    for server, path in ((mapped, "/match/12?x"), (place, "/all/merged"),
                         (place, "/%zz"), (place, "/folder/sub/a.txt")):
        done = subprocess.run(
            [valgrind, "-q", "--error-exitcode=99",
             f"--suppressions={INTEGRATION / 'valgrind.supp'}", str(HTTPD), "-d",
             str(server.root), "-f", str(conf_of(server)), "-t", "-D",
             f"DUMP_AUTH0_PLACE={path}"], env=server._environment(), capture_output=True,
            text=True, timeout=120)
        assert done.returncode == 0 and "==" not in done.stderr, done.stderr
        assert '{"auth0_place":' in done.stdout


def test_the_dump_behind_it_is_one_line_of_json_and_no_secret(place):
    status, output = place.configtest("-D", "DUMP_AUTH0_PLACE=/secret")
    assert status == 0 and SECRET not in output and SECRET[:20] not in output
    line, = [line for line in output.splitlines() if line.startswith("{")]
    dump = json.loads(line)
    assert [host["main"] for host in dump["hosts"]] == [True, False]
    assert dump["hosts"][0]["issuers"][0]["source"] == str(place.root / "conf/secret")
    assert "{" not in place.configtest()[1]
