"""conf/hello-world.conf and conf/quickstart.conf as fragments of any server."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import tree
from test_run_command import free_port

MODULES = ["mpm_event", "authn_core", "authz_core", "authz_user", "alias", "headers", "dir",
           "mime", "status"]
# No test here needs the tenant's keys, so nothing answers at this domain.
TENANT = {"AUTH0_DOMAIN": "localhost:1", "AUTH0_AUDIENCE": "https://api.example.com"}


def query(name):
    return subprocess.run(["apxs", "-q", name], capture_output=True, check=True,
                          text=True).stdout.strip()


def httpd():
    return f"{query('SBINDIR')}/{query('PROGNAME')}"


@pytest.fixture
def server():
    """A server of someone else's, with much that the sample APIs must not show."""
    root = Path(tempfile.mkdtemp(prefix="auth0-jwt-"))
    root.chmod(0o755)
    (root / "htdocs/api/messages/public").mkdir(parents=True)
    (root / "htdocs/index.html").write_text("someone else's page\n")
    (root / "htdocs/api/messages/public/secret.html").write_text("someone else's page\n")
    built_in = subprocess.run([httpd(), "-l"], capture_output=True, check=True,
                              text=True).stdout
    loads = [f'LoadModule {name}_module "{query("LIBEXECDIR")}/mod_{name}.so"'
             for name in MODULES if f"mod_{name}.c" not in built_in]
    ports = {"HELLO_WORLD_PORT": free_port(), "QUICKSTART_PORT": free_port()}
    user = ["User www-data", "Group www-data"] if os.getuid() == 0 else []
    (root / "httpd.conf").write_text("\n".join([
        f'ServerRoot "{root}"', f'DefaultRuntimeDir "{root}"', 'PidFile "httpd.pid"',
        "ServerName localhost", f'ErrorLog "{root}/error.log"', *loads, *user,
        "TypesConfig /dev/null",
        f'LoadModule auth0_jwt_module "{tree.TOP}/mod_auth0_jwt.so"',
        f'DocumentRoot "{root}/htdocs"', f'Alias "/icons/" "{root}/htdocs/"',
        '<Location "/server-status">', "SetHandler server-status", "</Location>",
        '<Directory "/">', "Require all denied", "</Directory>",
        *(f"Define {name} {port}" for name, port in ports.items()),
        f'Include "{tree.TOP}/conf/hello-world.conf"',
        f'Include "{tree.TOP}/conf/quickstart.conf"', ""]))
    yield root, ports
    shutil.rmtree(root)


def environment(settings):
    ours = {*TENANT, "CLIENT_ORIGIN_URL"}
    return {**{k: v for k, v in os.environ.items() if k not in ours}, **settings}


def check(root, **settings):
    done = subprocess.run([httpd(), "-d", root, "-f", root / "httpd.conf", "-t"], text=True,
                          capture_output=True, env=environment(settings))
    return done.returncode, done.stderr


def test_both_fragments_start_in_one_server_with_two_variables_alone(server):
    code, said = check(server[0], **TENANT)
    assert code == 0, said


@pytest.mark.parametrize("name", TENANT)
def test_a_missing_variable_stops_the_start_and_names_the_place(server, name):
    code, said = check(server[0], **{k: v for k, v in TENANT.items() if k != name})
    assert code != 0
    assert "hello-world.conf" in said and name in said


@pytest.fixture
def running(server, request):
    root, ports = server
    settings = {**TENANT, **getattr(request, "param", {})}
    process = subprocess.Popen([httpd(), "-d", root, "-f", root / "httpd.conf",
                                "-DFOREGROUND"], env=environment(settings))
    for _ in range(100):
        if answer(ports["HELLO_WORLD_PORT"], "/") or process.poll() is not None:
            break
        time.sleep(0.1)
    assert process.poll() is None, (root / "error.log").read_text()
    yield ports
    process.terminate()
    process.wait(30)


def answer(port, path, *options):
    """Status, headers (name -> values) and body; None when there is no server."""
    done = subprocess.run(["curl", "-q", "-si", "--noproxy", "*", "--path-as-is", "-m", "10",
                           *options, f"http://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return None
    head, _, body = done.stdout.partition("\n\n")
    first, *lines = head.split("\n")
    headers = {}
    for line in lines:
        key, _, value = line.partition(":")
        headers.setdefault(key.lower(), []).append(value.strip())
    return int(first.split(" ")[1]), headers, body


HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store, max-age=0",
    "pragma": "no-cache",
    "expires": "0",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-xss-protection": "0",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
}


def test_what_is_not_exactly_a_route_is_not_found(running):
    port = running["HELLO_WORLD_PORT"]
    for path in ["/", "/index.html", "/icons/", "/icons/index.html", "/server-status",
                 "/api/messages", "/api/messages/public/", "/api/messages/public/extra",
                 "/api/messages/public/secret.html", "/api/messages/admin/",
                 "/API/messages/public", "/api/messages/Admin", "/api//messages/admin",
                 "/api/messages//public", "/api/messages%2Fadmin", "/api/messages/admin%2F",
                 "/api/messages/admin%0A", "/api/messages/public%0a",
                 "/api/messages/admin%20", "/api/messages/admin;x", "/api/messages/admin%3Fx",
                 "/api/messages/public%00", "/api/messages/public.json", "/api/public"]:
        status, headers, body = answer(port, path)
        assert (path, status, body) == (path, 404, '{"message":"Not Found"}')
        assert {name: headers.get(name) for name in HEADERS} == \
            {name: [value] for name, value in HEADERS.items()}, path


def test_another_spelling_of_a_route_is_protected_as_the_route_is(running):
    port = running["HELLO_WORLD_PORT"]
    for path in ["/api/messages/admin", "/api/messages/%61dmin", "/api/./messages/admin",
                 "/api/messages/public/../admin", "/api/messages/admin?a=b",
                 "//api/messages/admin"]:
        status, _, body = answer(port, path)
        assert (path, status, body) == (path, 401, '{"message":"Requires authentication"}')


@pytest.mark.parametrize("path, options, status", [
    ("/api/public", [], 200),
    ("/api/public", ["--head"], 200),
    ("/api/public", ["-X", "DELETE"], 405),
    ("/api/public", ["-d", "x"], 405),
    ("/api/public", ["-X", "TRACE"], 405),
    ("/api/public", ["-H", f"X-Long: {'x' * 9000}"], 400),
    ("/api/private", [], 401),
    ("/api/private", ["--head"], 401),
    ("/api/private", ["-H", "Authorization: Bearer"], 400),
    ("/api/private", ["-H", "Authorization: Bearer a.b.c"], 401),
])
def test_every_answer_has_each_header_exactly_once(running, path, options, status):
    got, headers, _ = answer(running["QUICKSTART_PORT"], path, *options)
    assert got == status
    assert {name: headers.get(name) for name in HEADERS} == \
        {name: [value] for name, value in HEADERS.items()}


@pytest.mark.parametrize("running, origin", [
    ({}, "http://localhost:4040"),
    ({"CLIENT_ORIGIN_URL": ""}, "http://localhost:4040"),
    ({"CLIENT_ORIGIN_URL": "https://page.example.com"}, "https://page.example.com"),
], indirect=["running"])
def test_the_client_origin_has_a_default(running, origin):
    for port, path in [(running["HELLO_WORLD_PORT"], "/api/messages/public"),
                       (running["QUICKSTART_PORT"], "/api/public")]:
        _, headers, _ = answer(port, path, "-H", f"Origin: {origin}")
        assert headers.get("access-control-allow-origin") == [origin]
        _, headers, _ = answer(port, path, "-H", "Origin: https://other.example.com")
        assert "access-control-allow-origin" not in headers


def test_the_fragments_load_nothing_themselves():
    for path in (tree.TOP / "conf").glob("*.conf"):
        assert not re.search(r"^\s*LoadModule", tree.read(path), flags=re.M | re.I)
