"""What the image serves: a sample API, a site, a back end, a configuration."""

import json
import re
import subprocess

import pytest
from containers import AUDIENCE, STRICT, run

from support import http, pages
from support.backend import Backend, seen_header
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import free_port, wait_until
from support.websocket import WebSocket, WebSocketServer

SITE = "/srv/site"
CONF_D = "/etc/auth0-jwt/conf.d"
PAGE = "http://page.example.com"


def body(text):
    return f'{{"message":"{text}"}}'.encode()


PUBLIC = body("The API doesn't require an access token to share this message.")
PROTECTED = body("The API successfully validated your access token.")
ADMIN = body("The API successfully recognized you as an admin.")


# ---- a sample API ----------------------------------------------------------------------


def assert_serves_hello_world(one, tenant):
    assert one.get("/api/messages/public").body == PUBLIC
    assert_refusal(one.get("/api/messages/protected"), "E1")
    assert_refusal(one.get("/api/messages/protected", tampered(tenant.mint())), "E3",
                   reason="signature_invalid")
    assert_refusal(one.get("/api/messages/protected",
                           tenant.mint(aud="https://other.example.com")), "E3",
                   reason="audience_mismatch")
    answer = one.get("/api/messages/protected", tenant.mint())
    assert (answer.status, answer.body) == (200, PROTECTED)
    assert answer.all("Cache-Control") == ["no-store, max-age=0"]
    assert_refusal(one.get("/api/messages/admin", tenant.mint()), "E4",
                   scope="read:admin-messages")
    assert one.get("/api/messages/admin", tenant.mint(
        permissions=["read:admin-messages"])).body == ADMIN
    assert one.get("/elsewhere").status == 404


@pytest.mark.parametrize("options", [
    (), STRICT, ("--read-only", "--user=12345", "--pids-limit=200", "--memory=256m")],
    ids=["as it comes", "strict", "a uid alone, with limits"])
def test_with_a_tenant_it_serves_the_hello_world_api(serve, tenant, options):
    one = serve(options=options)
    assert_serves_hello_world(one, tenant)
    out, _ = one.wait_for("/api/messages/admin")
    assert f"https://{tenant.domain}/oauth/token" in out
    assert AUDIENCE in out


def test_an_env_file_works_as_it_is_written_for_other_programs(serve, tenant, tmp_path):
    """docker takes quotes, comments and a CR for parts of the value."""
    settings = tmp_path / "env"
    settings.write_bytes(
        b"# the tenant\n"
        b'AUTH0_DOMAIN="%s"\n'
        b"AUTH0_AUDIENCE='%s'  # the API\n"
        b"CLIENT_ORIGIN_URL=%s\r\n" % (tenant.domain.encode(), AUDIENCE.encode(),
                                       PAGE.encode()))
    one = serve(env={"AUTH0_CA_FILE": "/ca.pem"}, mounts=[(tenant.ca_file, "/ca.pem")],
                trust=False, options=(*STRICT, f"--env-file={settings}"))
    assert_serves_hello_world(one, tenant)
    answer = one.get("/api/messages/public", headers={"Origin": PAGE})
    assert answer.header("Access-Control-Allow-Origin") == PAGE
    answer = one.get("/api/messages/public", headers={"Origin": "http://localhost:4040"})
    assert answer.header("Access-Control-Allow-Origin") is None


def test_conf_quickstart_serves_the_quickstart_api(serve, tenant):
    one = serve({"CONF": "quickstart"})
    assert_refusal(one.get("/api/private"), "E1")
    assert one.get("/api/private", tenant.mint()).status == 200
    assert_refusal(one.get("/api/private-scoped", tenant.mint()), "E4",
                   scope="read:messages")
    assert one.get("/api/private-scoped", tenant.mint(scope="read:messages")).status == 200


def test_it_starts_while_the_tenant_is_down_and_works_when_that_is_up(serve, tenant):
    tenant.stop()
    one = serve()
    assert one.get("/api/messages/public").status == 200
    assert_refusal(one.get("/api/messages/protected", tenant.mint()), "E5")
    assert one.state()["Running"]
    tenant.start()
    wait_until(lambda: one.get("/api/messages/protected", tenant.mint()).status == 200, 20,
               "an accepted token", every=0.3)


def test_a_state_folder_lets_it_start_with_keys_while_the_tenant_is_down(serve, tenant,
                                                                         tmp_path):
    """The folder is open to everyone, as many a volume is."""
    volume = tmp_path / "state"
    volume.mkdir()
    for path in (volume, *list(volume.parents)[:4]):
        path.chmod(0o777 if path == volume else path.stat().st_mode | 0o055)
    settings = {"env": {"AUTH0_STATE_DIR": "/state"},
                "options": (*STRICT, f"--volume={volume}:/state")}
    one = serve(**settings)
    assert one.get("/api/messages/protected", tenant.mint()).status == 200
    wait_until(lambda: list(volume.glob("keys/*")), 5, "a file of keys")
    one.stop()
    tenant.stop()
    assert serve(**settings).get("/api/messages/protected", tenant.mint()).status == 200
    assert (volume / "keys").stat().st_mode & 0o777 == 0o700


# ---- development -----------------------------------------------------------------------


def paste(output):
    """What a person does: the assignments and each curl line in one shell, in turn.

    Pairs of the status that was promised and the one that came.
    """
    assignments = re.findall(r"^[A-Z]+=eyJ\S+$", output, flags=re.M)
    lines = re.findall(r"^ +(\d{3})  [^\n]*\n +(curl [^\n]*)$", output, flags=re.M)
    assert len(assignments) == 2 and lines, output
    found = []
    for promised, line in lines:
        done = subprocess.run(["sh", "-c", "\n".join([*assignments, line])], text=True,
                              capture_output=True, timeout=30, check=True)
        found.append((promised, done.stdout.split()[1]))
    return found


def issue(one):
    """The two tokens that it printed."""
    out = one.wait_for("To use a real tenant")[0]
    return re.findall(r"^[A-Z]+=(eyJ\S+)$", out, flags=re.M)


@pytest.mark.parametrize("conf", ["hello-world", "quickstart"])
def test_development_prints_lines_that_do_what_they_say(serve, conf):
    one = serve({"AUTH0_DEV": "1", "CONF": conf}, trust=False)
    pairs = paste(one.wait_for("To use a real tenant")[0])
    assert len(pairs) == 9
    assert [promised for promised, _ in pairs] == [came for _, came in pairs]


def test_each_container_has_a_development_key_of_its_own_in_memory(serve):
    one, other = (serve({"AUTH0_DEV": "1"}, trust=False) for _ in range(2))
    assert issue(one)[0] != issue(other)[0]
    assert one.get("/api/messages/protected", issue(one)[0]).status == 200
    assert one.get("/api/messages/protected", issue(other)[0]).status == 401
    kept = one.execute("sh", "-c", "find / -xdev -name key.pem; find /dev/shm -name key.pem "
                       "-printf '%m %F %p'").stdout
    assert re.fullmatch(r"600 tmpfs /dev/shm/auth0-jwt\.\w+/dev/key\.pem", kept), kept


def test_the_console_is_there_and_gives_its_tokens_to_its_own_page_alone(serve):
    one = serve({"AUTH0_DEV": "1"}, options=STRICT, trust=False)
    page = one.get("/")
    assert page.status == 200 and page.header("Content-Type") == "text/html; charset=utf-8"
    assert page.header("Content-Security-Policy") \
        == "default-src 'self'; frame-ancestors 'none'"
    for path in re.findall(r'(?:href|src)="([^":#]+)"', page.text):
        assert one.get("/" + path.lstrip("/")).status == 200, path
    facts = json.loads(one.get("/console.json").body)
    assert facts["development"] and facts["audience"] == f"http://localhost:{one.port}"
    own = one.get("/console-tokens.json", headers={"Sec-Fetch-Site": "same-origin"})
    tokens = [entry["token"] for entry in json.loads(own.body)]
    assert [one.get("/api/messages/admin", token).status for token in tokens] \
        == [403, 200, 401, 401]
    for site in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                 {"Sec-Fetch-Site": "same-origin", "Host": "rebound.example.com"}):
        answer = one.get("/console-tokens.json", headers=site)
        assert answer.status == 403 and b"eyJ" not in answer.body, site


def test_the_console_of_a_tenant_has_no_tokens(serve, tenant):
    one = serve()
    assert "console" in one.get("/").text
    facts = json.loads(one.get("/console.json").body)
    assert (facts["development"], facts["issuer"]) == (False, f"https://{tenant.domain}/")
    answer = one.get("/console-tokens.json", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 404


def test_development_protects_a_site_with_the_permission_that_was_named(serve, folder):
    one = serve({"AUTH0_DEV": "1", "AUTH0_PERMISSION": "read:a read:b"}, trust=False,
                mounts=[(folder({"index.html": "hello"}), SITE)])
    assert paste(one.wait_for("To use a real tenant")[0]) == [
        ("401", "401"), ("403", "403"), ("200", "200")]


# ---- a site ----------------------------------------------------------------------------

FILES = {"index.html": "<p>home</p>\n", "style.css": "p {}\n", "notes/index.html": "notes",
         ".env": "SECRET=1\n", ".git/config": "[core]\n", "empty/.keep": "",
         ".well-known/security.txt": "Contact: x\n", "open/logo.svg": "<svg/>"}


def test_a_mounted_site_is_served_to_valid_tokens_alone(serve, tenant, folder):
    one = serve(mounts=[(folder(FILES), SITE)])
    for path in ("/", "/index.html", "/style.css", "/notes/", "/missing", "/open/logo.svg"):
        assert_refusal(one.get(path), "E1")
    answer = one.get("/", tenant.mint())
    assert (answer.status, answer.body) == (200, b"<p>home</p>\n")
    assert answer.header("Content-Type") == "text/html"
    assert one.get("/style.css", tenant.mint()).header("Content-Type") == "text/css"
    assert one.get("/missing", tenant.mint()).status == 404
    assert one.get("/.well-known/security.txt", tenant.mint()).status == 200
    for path in ("/.env", "/.git/config", "/empty/.keep", "/%2egit/config"):
        assert one.get(path, tenant.mint()).status == 404
    assert one.get("/empty/", tenant.mint()).status in (403, 404), "a folder is listed"


def test_a_site_wants_every_permission_that_is_named(serve, tenant, folder):
    one = serve({"AUTH0_PERMISSION": "read:site read:notes"},
                mounts=[(folder(FILES), SITE)])
    assert_refusal(one.get("/", tenant.mint(permissions=["read:site"])), "E4",
                   scope="read:site read:notes")
    assert one.get("/", tenant.mint(permissions=["read:notes", "read:site"])).status == 200


def test_htaccess_files_of_a_site_decide_who_may_read_and_nothing_else(serve, tenant,
                                                                       folder):
    one = serve(mounts=[(folder({
        **FILES, "notes/.htaccess": "Require auth0-permission read:notes\n",
        "open/.htaccess": "Require all granted\n",
        "more/.htaccess": "Options +Indexes\n", "more/index.html": "x"}), SITE)])
    assert_refusal(one.get("/notes/", tenant.mint()), "E4", scope="read:notes")
    assert one.get("/notes/", tenant.mint(permissions=["read:notes"])).status == 200
    assert one.get("/open/logo.svg").status == 200
    assert one.get("/more/", tenant.mint()).status == 500
    one.wait_for("Options not allowed here")


def test_public_paths_of_a_site_need_no_token(serve, tenant, folder):
    one = serve({"PUBLIC_PATHS": "/style.css /open/"}, mounts=[(folder(FILES), SITE)])
    assert one.get("/style.css").status == 200
    assert one.get("/open/logo.svg").status == 200
    for path in ("/", "/style.css/", "/styleXcss", "/open", "/open/../index.html",
                 "/open/%2e%2e/index.html"):
        assert one.get(path).status == 401, path
    assert one.get("/", tenant.mint()).status == 200


# ---- a back end ------------------------------------------------------------------------


def test_a_back_end_gets_what_valid_tokens_ask_for(serve, tenant, backend):
    one = serve({"PROXY_TO": backend.url + "/"})
    assert_refusal(one.get("/orders/1?a=b"), "E1", backend=backend)
    assert_refusal(one.get("/", tampered(tenant.mint())), "E3", backend=backend)
    token = tenant.mint(sub="auth0|anna", permissions=["a", "b"])
    answer = one.get("/orders/1?a=b", token, headers={
        "Host": "api.example.com", "X-User": "root", "X_Permissions": "all",
        "X-Forwarded-For": "192.0.2.1"})
    assert answer.status == 200
    (seen,) = backend.hits
    assert seen["path"] == "/orders/1?a=b"
    assert seen_header(seen, "Authorization") == [f"Bearer {token}"]
    assert seen_header(seen, "X-User") == ["auth0|anna"]
    assert seen_header(seen, "X-Permissions") == ['["a","b"]']
    assert seen_header(seen, "X_Permissions") == []
    assert seen_header(seen, "Host") == ["api.example.com"]
    assert seen_header(seen, "X-Forwarded-For") == ["192.0.2.1, 127.0.0.1"]
    assert seen_header(seen, "X-Forwarded-Host") == ["api.example.com"]


def test_a_back_end_wants_the_permission_that_is_named(serve, tenant, backend):
    one = serve({"PROXY_TO": backend.url, "AUTH0_PERMISSION": "read:orders"})
    assert_refusal(one.get("/", tenant.mint()), "E4", scope="read:orders", backend=backend)
    assert one.get("/", tenant.mint(permissions=["read:orders"])).status == 200


def test_only_the_plainest_spelling_of_a_public_path_needs_no_token(serve, tenant, backend):
    """A back end may read ..;/ and \\ and %2e as a way up; then /assets/ is not it."""
    one = serve({"PROXY_TO": backend.url, "PUBLIC_PATHS": "/health /assets/"})
    for path in ("/health", "/health?x=1", "/assets/", "/assets/app-1.js", "/assets/a/b.c",
                 "/x/../health", "/%68ealth", "//health"):
        assert one.get(path, headers={"X-User": "root"}).status == 200, path
    assert not [seen for seen in backend.hits if seen_header(seen, "X-User")]
    backend.hits.clear()
    for path in ("/", "/healthy", "/health/", "/health/x", "/health;x", "/health%0a",
                 "/Health", "/assets", "/assets/../admin", "/assets/%2e%2e/admin",
                 "/assets/..;/admin", "/assets/..%5cadmin",
                 "/assets/..\\admin", "/assets/%252e%252e/admin", "/assets/.git/config",
                 "/assets/a%0a", "/assets/..%2fadmin", "/assets//../../admin"):
        assert one.get(path).status in (400, 401, 404), path
        assert backend.hits == [], path
    assert one.get("/admin", tenant.mint()).status == 200


def test_a_websocket_opens_with_a_valid_token_alone(serve, tenant):
    server = WebSocketServer()
    try:
        one = serve({"PROXY_TO": f"http://127.0.0.1:{server.port}"})
        with WebSocket(one.port, "/chat") as refused:
            assert refused.answer.status == 401
        assert server.hits == []
        with WebSocket(one.port, "/chat",
                       [("Authorization", f"Bearer {tenant.mint()}")]) as chat:
            assert chat.hear() == b"welcome"
            chat.say(b"hello")
            assert chat.hear() == b"olleh"
            chat.bye()
    finally:
        server.stop()


def test_a_back_end_that_was_away_is_asked_again_at_once(serve, tenant):
    port = free_port()
    one = serve({"PROXY_TO": f"http://127.0.0.1:{port}"})
    for _ in range(5):
        assert one.get("/", tenant.mint()).status == 503
    assert_refusal(one.get("/"), "E1")
    back = Backend(port)
    try:
        assert one.get("/", tenant.mint()).status == 200
    finally:
        back.stop()


def test_pages_of_another_origin_may_call_a_back_end_when_they_are_named(serve, tenant,
                                                                         backend):
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "GET"}
    one = serve({"PROXY_TO": backend.url, "CLIENT_ORIGIN_URL": PAGE})
    answer = one.get("/x", headers=preflight, method="OPTIONS")
    assert answer.status == 204
    assert answer.header("Access-Control-Allow-Origin") == PAGE
    other = serve({"PROXY_TO": backend.url})
    assert other.get("/x", headers=preflight, method="OPTIONS").status == 401
    assert backend.hits == []


# ---- a configuration -------------------------------------------------------------------

OWN = """\
Auth0Domain   ${AUTH0_DOMAIN}
Auth0Audience ${AUTH0_AUDIENCE}
<Location "/own">
    AuthType Auth0
    Require  auth0-permission read:own
    SetHandler auth0-message
    Auth0Message "own"
</Location>
"""


def test_mounted_configuration_files_replace_the_sample(serve, tenant, backend, folder):
    """The example of docs/docker.md."""
    (_, text), = pages.blocks(pages.read("docs/docker.md"))
    text = pages.changed(text, {"http://orders:8000": backend.url})
    one = serve(mounts=[(folder({"own.conf": text, "ignored.txt": "not httpd's"}), CONF_D)])
    assert one.get("/api/messages/public").status == 404
    assert one.get("/status").body == body("up")
    assert_refusal(one.get("/orders/1"), "E1", backend=backend)
    assert_refusal(one.get("/orders/1", tenant.mint()), "E4", scope="read:orders",
                   backend=backend)
    assert one.get("/orders/1", tenant.mint(permissions=["read:orders"])).status == 200


def test_a_configuration_may_bring_its_own_port_and_tenant(serve, tenant, folder):
    """Then PORT is not listened on."""
    port, other = free_port(), free_port()
    conf = OWN.replace("${AUTH0_DOMAIN}", tenant.domain).replace("${AUTH0_AUDIENCE}", AUDIENCE)
    one = serve(trust=False, env={"AUTH0_CA_FILE": "/ca.pem", "PORT": other}, port=port,
                mounts=[(folder({"own.conf": f"  listen {port}\n{conf}"}), CONF_D),
                        (tenant.ca_file, "/ca.pem")])
    assert_refusal(one.get("/own"), "E1")
    assert one.get("/own", tenant.mint(permissions=["read:own"])).status == 200
    with pytest.raises(ConnectionRefusedError):
        http.request(other, "GET", "/own")


@pytest.mark.parametrize("text, words", [
    ("Auth0Domian x\n", ["line 1 of /etc/auth0-jwt/conf.d/own.conf", "Auth0Domian"]),
    ('<Location "/x">\nAuthType Auth0\nRequire valid-user\n</Location>\n',
     ["/etc/auth0-jwt/conf.d/own.conf"])])
def test_a_configuration_with_a_mistake_ends_with_its_file_and_line(folder, text, words):
    status, _, err = run(mounts=[(folder({"own.conf": text}), CONF_D)])
    assert status == 1
    for word in words:
        assert word in err
