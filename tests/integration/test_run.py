"""`make -f Makefile.apxs run`: what a person sees who types it.

These tests use the checkout's own run/ folder, as a person does: its development key
stays. A .env in the checkout is shadowed by variables that the tests set.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import threading

import pytest

from support import http
from support.issuer import Issuer
from support.paths import TOP
from support.refusal import assert_refusal
from support.wait import free_port, wait_until

AUDIENCE = "https://hello-world.example.com"


@pytest.fixture(autouse=True)
def no_valgrind():
    if os.environ.get("AUTH0_JWT_VALGRIND") == "1":
        pytest.skip("run starts its own httpd, which is not under valgrind")


class Run:
    """One `make run`: its output as it comes, its port, its end."""

    def __init__(self, port=None, conf=None, **env):
        self.port = port or free_port()
        arguments = ["make", "-f", "Makefile.apxs", "run", f"PORT={self.port}"]
        if conf:
            arguments.append(f"CONF={conf}")
        # Empty but set: neither the tester's environment nor a .env counts.
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"),
                       "LANG": "C", "AUTH0_DOMAIN": "", "AUTH0_AUDIENCE": "",
                       "AUTH0_CA_FILE": "", "CLIENT_ORIGIN_URL": "", **env}
        self.output = ""
        self.process = subprocess.Popen(
            arguments, cwd=TOP, env=environment, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.output += line

    def wait_for(self, text, seconds=60):
        def there():
            if text in self.output:
                return True
            assert self.process.poll() is None, f"run ended early:\n{self.output}"
            return False
        try:
            wait_until(there, seconds, f"{text!r} in the output")
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.output}") from None

    def end(self, seconds=60):
        """Its exit status, when it ends by itself."""
        status = self.process.wait(seconds)
        self._reader.join(10)
        return status

    def interrupt(self):
        """Ctrl-C: SIGINT to the whole group, as a terminal sends it."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end(20)

    def get(self, path, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return http.request(self.port, "GET", path, headers)


@pytest.fixture
def run():
    started = []

    def start(*arguments, **more):
        started.append(Run(*arguments, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.interrupt()
        one.process.stdout.close()


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def shown(output):
    """What is printed, ready to paste: pairs of the status it promises and a curl line."""
    lines = [line.rstrip() for line in output.splitlines()]
    return [(int(promise.group(1)), lines[number + 1].strip())
            for number, line in enumerate(lines[:-1])
            if (promise := re.match(r"\s+(\d{3})  ", line))
            and lines[number + 1].strip().startswith("curl ")]


def paste(line):
    """Run a printed line in a shell, as a person does; the status it gets."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd="/",
                          timeout=30, env={"PATH": os.environ["PATH"], "HOME": "/"})
    found = re.search(r"^HTTP/[\d.]+ (\d{3})", done.stdout, re.M)
    assert found, f"{line}\n{done.stdout}\n{done.stderr}"
    return int(found.group(1))


@pytest.mark.parametrize("conf, routes", [
    ("hello-world", ("/api/messages/public", "/api/messages/protected",
                     "/api/messages/admin")),
    ("quickstart", ("/api/public", "/api/private", "/api/private-scoped"))])
def test_development_mode_prints_lines_that_do_what_they_say(run, conf, routes):
    one = run(conf=conf)
    one.wait_for("To use a real tenant")
    lines = shown(one.output)
    seen = {}
    for promised, line in lines:
        assert paste(line) == promised, f"{promised} was promised for: {line}"
        route = next(route for route in reversed(routes)
                     if shlex.split(line)[-1].endswith(route))
        seen.setdefault(route, []).append(promised)
    assert sorted(seen[routes[0]]) == [200, 200, 200]
    assert sorted(seen[routes[1]]) == [200, 200, 401]
    assert sorted(seen[routes[2]]) == [200, 401, 403]
    assert "AUTH0_DOMAIN" in one.output and "AUTH0_AUDIENCE" in one.output


def test_ctrl_c_stops_it_and_frees_the_port(run):
    one = run()
    one.wait_for("Ctrl-C stops it")
    one.wait_for("To use a real tenant")
    one.interrupt()
    assert is_free(one.port)
    for word in ("Traceback", "Segmentation", "exit signal"):
        assert word not in one.output


def test_a_second_run_works_and_keeps_the_development_key(run):
    first = run()
    first.wait_for("To use a real tenant")
    key = (TOP / "run" / "dev" / "key.pem").read_bytes()
    assert (TOP / "run" / "dev" / "key.pem").stat().st_mode & 0o077 == 0
    first.interrupt()
    second = run(first.port)
    second.wait_for("To use a real tenant")
    assert (TOP / "run" / "dev" / "key.pem").read_bytes() == key
    assert [paste(line) for promised, line in shown(second.output)
            if promised == 403] == [403]


def one_sentence(output):
    """What run said, without what make adds."""
    lines = [line for line in output.splitlines()
             if line.strip() and not line.startswith("make")]
    assert len(lines) == 1, output
    return lines[0]


def test_a_busy_port_gets_one_clear_sentence(run):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        one = run(port)
        assert one.end() != 0
        said = one_sentence(one.output)
        assert str(port) in said and "use" in said


@pytest.mark.parametrize("missing, env", [
    ("AUTH0_AUDIENCE", {"AUTH0_DOMAIN": "tenant.us.auth0.com"}),
    ("AUTH0_DOMAIN", {"AUTH0_AUDIENCE": AUDIENCE})])
def test_one_of_the_two_variables_alone_gets_one_clear_sentence(run, missing, env):
    one = run(**env)
    assert one.end() != 0
    assert f"{missing} " in one_sentence(one.output)
    assert is_free(one.port)


@pytest.mark.parametrize("domain", ["https://tenant.us.auth0.com",
                                    "https://tenant.us.auth0.com/"])
def test_a_url_for_a_domain_gets_one_clear_sentence(run, domain):
    one = run(AUTH0_DOMAIN=domain, AUTH0_AUDIENCE=AUDIENCE)
    assert one.end() != 0
    assert "AUTH0_DOMAIN=tenant.us.auth0.com" in one_sentence(one.output)


def test_an_unreachable_tenant_gets_one_clear_sentence(run):
    port = free_port()
    one = run(AUTH0_DOMAIN=f"localhost:{port}", AUTH0_AUDIENCE=AUDIENCE)
    assert one.end() != 0
    said = one_sentence(one.output)
    assert f"localhost:{port}" in said and "refused" in said


def test_a_tenant_without_trust_gets_one_clear_sentence(run, own_issuer):
    one = run(AUTH0_DOMAIN=own_issuer.domain, AUTH0_AUDIENCE=AUDIENCE)
    assert one.end() != 0
    said = one_sentence(one.output)
    assert own_issuer.domain in said and "certificate" in said


def test_a_bad_port_or_conf_gets_one_clear_sentence(run):
    one = run(port="http")
    assert one.end() != 0
    assert "PORT is http" in one_sentence(one.output)
    one = run(conf="goodbye-world")
    assert one.end() != 0
    assert "goodbye-world" in one_sentence(one.output)


def test_with_a_tenant_it_protects_the_api_with_that_tenant(run, authority):
    with Issuer(authority, audience=AUDIENCE) as tenant:
        one = run(AUTH0_DOMAIN=tenant.domain, AUTH0_AUDIENCE=AUDIENCE,
                  AUTH0_CA_FILE=tenant.ca_file)
        one.wait_for("Ctrl-C stops it")
        one.wait_for("/api/messages/admin")
        assert one.get("/api/messages/public").status == 200
        assert_refusal(one.get("/api/messages/protected"), "E1")
        assert one.get("/api/messages/protected", tenant.mint()).status == 200
        assert_refusal(one.get("/api/messages/admin", tenant.mint()), "E4",
                       scope="read:admin-messages")
        assert one.get("/api/messages/admin", tenant.mint(
            permissions=["read:admin-messages"])).status == 200
        assert_refusal(one.get("/api/messages/protected",
                               tenant.mint(aud="https://other.example.com")), "E3",
                       reason="audience_mismatch")
        # The development key of this checkout is not trusted beside a tenant.
        assert "dev/" not in one.output
        assert f"https://{tenant.domain}/oauth/token" in one.output
