"""tools/run.sh, what `make run` calls, in a copy of the checkout."""

import base64
import http.server
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
import tree

OURS = ["AUTH0_DOMAIN", "AUTH0_AUDIENCE", "AUTH0_CA_FILE", "CLIENT_ORIGIN_URL", "PORT",
        "CONF"]
START_LIMIT = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def checkout():
    """What run.sh needs, in a folder that httpd's workers can read. Its name has a
    space, as a user's folder may have."""
    parent = Path(tempfile.mkdtemp(prefix="auth0-jwt-"))
    parent.chmod(0o755)
    top = parent / "the checkout"
    (top / "build").mkdir(parents=True)
    (top / "tools").mkdir()
    shutil.copy(tree.TOP / "mod_auth0_jwt.so", top)
    shutil.copy(tree.TOP / "build/auth0-jwt", top / "build")
    for name in ("run.sh", "sample.sh", "console.sh"):
        shutil.copy(tree.TOP / "tools" / name, top / "tools")
    shutil.copytree(tree.TOP / "conf", top / "conf")
    yield top
    shutil.rmtree(parent)


def start(checkout, **settings):
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    environment.update(settings)
    return subprocess.Popen(["tools/run.sh"], cwd=checkout, env=environment, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


class Server:
    """A run.sh that has said it is ready; output is what it said so far."""

    def __init__(self, checkout, port, **settings):
        self.url = f"http://localhost:{port}"
        self.process = start(checkout, PORT=str(port), **settings)
        self.output = ""
        # A run.sh that hangs is stopped, which ends its output.
        timer = threading.Timer(START_LIMIT, self.process.kill)
        timer.start()
        for line in self.process.stdout:
            self.output += line
            if line.startswith(("To use a real tenant", "Put its access_token")):
                break
        else:
            self.stop()
            raise AssertionError(f"run.sh did not start:\n{self.output}")
        # The rest of the text follows at once.
        timer.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.output += self.process.communicate(timeout=START_LIMIT)[0]
        return self.process.returncode

    def lines(self):
        """(expected status, curl line) as printed"""
        return re.findall(r"^ +(\d{3})  [^\n]*\n +(curl [^\n]*)$", self.output,
                          flags=re.M)


def refusal(checkout, **settings):
    """Exit status and the only line that a run.sh which does not start says."""
    process = start(checkout, **settings)
    output = process.communicate(timeout=START_LIMIT)[0]
    assert output.count("\n") == 1, output
    return process.returncode, output


def status_of(curl_line, folder):
    done = subprocess.run(["bash", "-c", curl_line], cwd=folder, text=True,
                          capture_output=True, check=True, timeout=START_LIMIT)
    return done.stdout.split(" ", 2)[1]


def cors_origin(url, origin):
    head = subprocess.run(["curl", "-si", "--noproxy", "*", "-H", f"Origin: {origin}", url],
                          capture_output=True, check=True, text=True).stdout
    return "".join(re.findall(r"(?im)^access-control-allow-origin: (\S+)", head))


@pytest.mark.parametrize("conf", ["hello-world", "quickstart"])
def test_each_printed_curl_line_gets_the_printed_status(checkout, conf):
    with Server(checkout, free_port(), CONF=conf) as server:
        lines = server.lines()
        assert [status for status, _ in lines] == ["200", "200", "200",
                                                   "401", "200", "200",
                                                   "401", "403", "200"]
        # From any folder: the user pastes them in another terminal.
        assert [status_of(line, "/") for _, line in lines] == [s for s, _ in lines]


def test_a_second_run_keeps_the_key_and_its_tokens(checkout):
    port = free_port()
    with Server(checkout, port) as server:
        token = (checkout / "run/dev/hello-world-token").read_text().strip()
    key = (checkout / "run/dev/key.pem").read_bytes()
    with Server(checkout, port) as server:
        assert (checkout / "run/dev/key.pem").read_bytes() == key
        line = (f"curl -i -H 'Authorization: Bearer {token}' "
                f"{server.url}/api/messages/protected")
        assert status_of(line, "/") == "200"


def test_the_private_key_and_the_tokens_are_the_users_alone(checkout):
    with Server(checkout, free_port()):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode)
                 for path in (checkout / "run/dev").iterdir()}
    assert modes.pop("jwks.json") == 0o644
    assert set(modes) == {"key.pem", "hello-world-token",
                          "hello-world-token-with-permission"}
    assert set(modes.values()) == {0o600}


def test_the_first_line_names_the_page_to_open(checkout):
    with Server(checkout, free_port()) as server:
        said = [line for line in server.output.split("\n")
                if line and not line.startswith("[")]  # not httpd's log
        assert said[0] == f"Open {server.url} in a browser. Ctrl-C stops it."
        page = subprocess.run(["curl", "-s", "--noproxy", "*", server.url],
                              capture_output=True, check=True, text=True).stdout
        assert page.startswith("<!doctype html>")


def console_files(checkout):
    """The facts and the tokens, as paths."""
    facts, = (checkout / "run").glob("*-console.json")
    return facts, facts.with_name(facts.name.replace("console", "console-tokens"))


@pytest.mark.parametrize("conf, claim", [("hello-world", "permissions"),
                                         ("quickstart", "scope")])
def test_the_consoles_tokens_are_for_the_user_and_the_workers_alone(checkout, conf, claim):
    with Server(checkout, free_port(), CONF=conf) as server:
        facts, tokens = console_files(checkout)
        assert stat.S_IMODE(facts.stat().st_mode) == 0o644
        assert stat.S_IMODE(tokens.stat().st_mode) == (0o640 if os.getuid() == 0 else 0o600)
        told = json.loads(facts.read_text())
        assert (told["issuer"], told["audience"]) == (f"{server.url}/", server.url)
        assert told["development"] and told["jwks"]["keys"]
        plain, granted, expired, other = (claims(row["token"])
                                          for row in json.loads(tokens.read_text()))
        assert claim not in plain and {claim} <= set(granted) & set(expired) & set(other)
        assert expired["exp"] < time.time() < granted["exp"]
        assert other["aud"] != server.url == plain["aud"]


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_server_with_its_shell(checkout, number):
    server = Server(checkout, free_port())
    assert server.stop(number) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))


def test_a_window_that_changes_its_size_does_not_stop_the_server(checkout):
    with Server(checkout, free_port()) as server:
        os.kill(server.process.pid, signal.SIGWINCH)
        time.sleep(1)
        assert status_of(f"curl -i {server.url}/api/messages/public", "/") == "200"


def test_two_apis_run_side_by_side(checkout):
    with Server(checkout, free_port()) as first, \
            Server(checkout, free_port(), CONF="quickstart") as second:
        assert status_of(f"curl -i {first.url}/api/messages/public", "/") == "200"
        assert status_of(f"curl -i {second.url}/api/public", "/") == "200"


@pytest.mark.parametrize("address, family", [("127.0.0.1", socket.AF_INET),
                                             ("::1", socket.AF_INET6)])
def test_a_busy_port_gets_one_sentence(checkout, address, family):
    with socket.socket(family) as other:
        try:
            other.bind((address, 0))
        except OSError:
            pytest.skip(f"no {address} on this machine")
        other.listen()
        port = other.getsockname()[1]
        code, said = refusal(checkout, PORT=str(port))
    assert code == 1
    assert f"Port {port} is in use." in said and "PORT=" in said


@pytest.mark.parametrize("settings, missing", [
    ({"AUTH0_DOMAIN": "tenant.us.auth0.com"}, "AUTH0_AUDIENCE"),
    ({"AUTH0_AUDIENCE": "https://api.example.com"}, "AUTH0_DOMAIN"),
])
def test_one_of_the_two_variables_alone_gets_one_sentence(checkout, settings, missing):
    code, said = refusal(checkout, PORT=str(free_port()), **settings)
    assert code == 64
    assert re.search(rf"{missing} \([^)]*\) is missing", said)


@pytest.mark.parametrize("settings, part", [
    ({"AUTH0_DOMAIN": "https://t.example.com/", "AUTH0_AUDIENCE": "a"},
     "write AUTH0_DOMAIN=t.example.com\n"),
    ({"PORT": "http"}, "PORT is http,"),
    ({"PORT": "0"}, "PORT is 0,"),
    ({"PORT": "65536"}, "PORT is 65536,"),
    ({"CONF": "other"}, "CONF is other,"),
])
def test_a_wrong_setting_gets_one_sentence(checkout, settings, part):
    code, said = refusal(checkout, **{"PORT": str(free_port()), **settings})
    assert code == 64
    assert part in said


def test_a_tenant_that_refuses_the_connection_gets_one_sentence(checkout):
    domain = f"localhost:{free_port()}"
    code, said = refusal(checkout, AUTH0_DOMAIN=domain, AUTH0_AUDIENCE="a",
                         PORT=str(free_port()))
    assert code == 1
    assert said == f"The tenant {domain} cannot be used: the connection was refused.\n"


def test_a_tenant_whose_name_is_unknown_gets_told_where_the_name_is(checkout):
    code, said = refusal(checkout, AUTH0_DOMAIN="tenant.invalid", AUTH0_AUDIENCE="a",
                         PORT=str(free_port()))
    assert code == 1
    assert said == ("The tenant tenant.invalid cannot be used: the name does not resolve; "
                    "AUTH0_DOMAIN is the Domain on the Settings page of an application.\n")


@pytest.fixture
def tenant(checkout):
    """An https server with a key set and a CA of its own: (domain, CA file)."""
    trustme = pytest.importorskip("trustme")
    import ssl

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path == "/.well-known/jwks.json"
            body = (checkout / "jwks.json").read_bytes() if found else b"{}"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    subprocess.run(["build/auth0-jwt", "keygen", "--alg", "RS256", "--key", "key.pem",
                    "--jwks", "jwks.json"], cwd=checkout, check=True, capture_output=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(checkout / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("localhost", 0), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"localhost:{server.server_port}", str(checkout / "ca.pem")
    server.shutdown()
    server.server_close()


def mint(checkout, domain, *options):
    return subprocess.run(
        ["build/auth0-jwt", "mint", "--key", "key.pem", "--iss", f"https://{domain}/",
         "--aud", "https://api.example.com", "--sub", "auth0|u", "--expires-in", "60",
         *options], cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()


def test_it_protects_with_the_tenant_named_in_the_env_file(checkout, tenant):
    domain, ca_file = tenant
    (checkout / ".env").write_text(
        "# the tenant\r\n"
        f"export AUTH0_DOMAIN='{domain}'   # a comment\r\n"
        'AUTH0_AUDIENCE = "https://api.example.com"\n'
        f'AUTH0_CA_FILE="{ca_file}"\n'
        "CLIENT_ORIGIN_URL=http://page.example.com # not quoted\n"
        "PORT=1\nPATH=/nonexistent\nTOUCHED=$(touch touched)\n`touch touched`\n"
        "no assignment\n")
    with Server(checkout, free_port()) as server:
        assert "https://api.example.com" in server.output
        url = f"{server.url}/api/messages/admin"
        good = mint(checkout, domain, "--permission", "read:admin-messages")
        plain = mint(checkout, domain)
        assert status_of(f"curl -i -H 'Authorization: Bearer {good}' {url}", "/") == "200"
        assert status_of(f"curl -i -H 'Authorization: Bearer {plain}' {url}", "/") == "403"
        assert status_of(f"curl -i {url}", "/") == "401"
        page = "http://page.example.com"
        assert cors_origin(f"{server.url}/api/messages/public", page) == page
    assert not (checkout / "touched").exists()


def test_the_console_of_a_tenant_has_facts_and_no_tokens(checkout, tenant):
    domain, ca_file = tenant
    port = free_port()
    with Server(checkout, port):
        assert console_files(checkout)[1].exists()
    audience = 'https://api.example.com/"\\'
    with Server(checkout, port, AUTH0_DOMAIN=domain.upper(), AUTH0_AUDIENCE=audience,
                AUTH0_CA_FILE=ca_file):
        facts, tokens = console_files(checkout)
        assert not tokens.exists()
        told = json.loads(facts.read_text())
    assert (told["issuer"], told["audience"]) == (f"https://{domain}/", audience)
    assert not told["development"] and told["jwks"] is None


def test_the_real_environment_wins_over_the_env_file(checkout):
    (checkout / ".env").write_text("AUTH0_DOMAIN=t.example.com\nAUTH0_AUDIENCE=a\nPORT=1\n")
    with Server(checkout, free_port(), AUTH0_DOMAIN="", AUTH0_AUDIENCE="") as server:
        assert "There is no Auth0 tenant set" in server.output
        page = "http://localhost:4040"
        assert cors_origin(f"{server.url}/api/messages/public", page) == page


def test_a_tenant_with_an_untrusted_certificate_gets_one_sentence(checkout, tenant):
    domain, _ = tenant
    code, said = refusal(checkout, AUTH0_DOMAIN=domain, AUTH0_AUDIENCE="a",
                         PORT=str(free_port()))
    assert code == 1
    assert said == (f"The tenant {domain} cannot be used: "
                    "its certificate is not trusted; for an authority of your own, "
                    "set AUTH0_CA_FILE.\n")
