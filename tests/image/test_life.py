"""The life of a container: health, logs, signals, stopping under load, published ports."""

import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from containers import CA, IMAGE, STRICT, Container, podman, run

from support import http
from support.load import request_of
from support.refusal import assert_refusal
from support.wait import free_port, wait_until

PROTECTED = "/api/messages/protected"
#: What docker waits for before it kills; Kubernetes waits longer.
GRACE = 10


# ---- health ----------------------------------------------------------------------------


def test_it_is_healthy_once_it_has_the_keys_and_stays_so_while_the_tenant_is_down(serve,
                                                                                  tenant):
    one = serve()
    wait_until(lambda: one.health()[0] == 0, 10, "health")
    tenant.stop()
    assert one.health() == (0, "The server answers and can judge tokens.")
    assert one.state()["Health"]["Status"] == "healthy"


def test_without_keys_it_is_unhealthy_until_it_has_them(serve, tenant):
    tenant.stop()
    one = serve()
    # As often as it may fail while it starts, and then some.
    for _ in range(5):
        status, said = one.health()
        assert status == 1 and "no keys" in said
    tenant.start()
    wait_until(lambda: one.health()[0] == 0, 20, "health", every=0.5)
    assert one.get(PROTECTED, tenant.mint()).status == 200


def test_a_server_that_hangs_is_unhealthy(serve):
    one = serve()
    wait_until(lambda: one.health()[0] == 0, 10, "health")
    one.execute("sh", "-c", "kill -STOP $(cat /dev/shm/auth0-jwt.*/httpd.pid) "
                            "$(cat /proc/[0-9]*/task/[0-9]*/children)")
    status, said = one.health()
    assert status == 1 and "does not work" in said or "does not answer" in said
    one.execute("sh", "-c", "for p in /proc/[0-9]*; do kill -CONT ${p#/proc/}; done")


@pytest.mark.parametrize("mode", ["a site", "a back end", "a configuration"])
def test_every_mode_has_the_health_check(serve, folder, backend, mode):
    settings = {
        "a site": {"mounts": [(folder({"index.html": "x"}), "/srv/site")]},
        "a back end": {"env": {"PROXY_TO": backend.url}},
        "a configuration": {"mounts": [(folder({"a.conf": 'Redirect 404 "/"\n'}),
                                        "/etc/auth0-jwt/conf.d")]}}[mode]
    one = serve(**settings)
    wait_until(lambda: one.health()[0] == 0, 10, "health")
    assert backend.hits == []


def test_quotes_around_the_port_are_forgiven_by_the_health_check_too(serve):
    one = serve({"HEALTH_PORT": f'"{free_port()}"'})
    wait_until(lambda: one.health()[0] == 0, 10, "health")


def test_health_checks_leave_no_trace_in_the_logs_and_reach_loopback_alone(serve):
    one = serve()
    for _ in range(3):
        one.health()
    out, err = one.logs()
    assert "token rejected" not in err and '"GET / ' not in out
    listening = one.execute("sh", "-c", "cat /proc/net/tcp").stdout
    port = one.execute("sh", "-c", "echo $HEALTH_PORT").stdout.strip()
    addresses = re.findall(rf"([0-9A-F]+):{int(port):04X} 00000000:0000 0A", listening)
    assert addresses == ["0100007F"]


# ---- logs ------------------------------------------------------------------------------


def test_requests_are_logged_on_stdout_and_reasons_on_stderr_without_tokens(serve, tenant):
    one = serve()
    token = tenant.mint(sub="auth0|anna")
    assert one.get(f"{PROTECTED}?access_token={token}", token).status == 200
    assert_refusal(one.get(PROTECTED, tenant.mint(exp_in=-60)), "E3", reason="expired")
    out, err = one.wait_for("(expired)")
    assert re.search(rf'^127\.0\.0\.1 auth0\|anna \[.*\] "GET {PROTECTED} HTTP/1\.1" 200 \d+$',
                     out, re.M), out
    assert f'"GET {PROTECTED} HTTP/1.1" 401' in out
    assert "[auth0_jwt:info]" in err and "auth0_jwt" not in out


def test_logs_go_where_nobody_can_open_them_by_name(tenant):
    """As a service manager may arrange it: a socket."""
    port, health_port = free_port(), free_port()
    script = ("use Socket; socketpair(A, B, AF_UNIX, SOCK_STREAM, 0);"
              "if (fork) { close A; while (<B>) { print STDOUT \"got: $_\"; $| = 1 } }"
              "else { open STDOUT, '>&A'; open STDERR, '>&A'; close B; close A;"
              "exec '/usr/local/share/auth0-jwt/entrypoint.sh' }")
    with Container({"AUTH0_DEV": "1", "PORT": port, "HEALTH_PORT": health_port},
                   options=STRICT, port=port, command=("perl", "-e", script)) as one:
        assert one.get("/api/messages/public").status == 200
        assert one.get(PROTECTED, "a.b.c").status == 401
        out, _ = one.wait_for("token rejected")
        assert 'got: 127.0.0.1 - [' in out and "got: [" in out


# ---- stopping --------------------------------------------------------------------------


class SlowBackend:
    """Sends half of an answer, and the other half a while later."""

    def __init__(self, seconds):
        backend = self
        self.under_way = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "8")
                self.end_headers()
                self.wfile.write(b"half")
                backend.under_way += 1
                time.sleep(seconds)
                self.wfile.write(b"full")

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()


def start_requests(one, token, number, answers):
    """So many requests at once, each in a thread that notes what it got."""
    def ask():
        try:
            answer = one.get("/", token)
            answers.append((answer.status, answer.body))
        except Exception as problem:  # an answer that was cut off, for instance
            answers.append(problem)

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("how", ["podman stop", "SIGTERM", "SIGQUIT"])
def test_requests_under_way_are_answered_in_full_when_it_stops(serve, tenant, how):
    with SlowBackend(seconds=3) as backend:
        one = serve({"PROXY_TO": backend.url})
        answers = []
        threads = start_requests(one, tenant.mint(), 20, answers)
        wait_until(lambda: backend.under_way == 20, 10, "20 requests under way")
        if how == "podman stop":
            seconds, status = one.stop(f"--time={GRACE}")
            assert seconds < GRACE and status == 0
        else:
            one.signal(how)
            assert one.end() == 0
        for thread in threads:
            thread.join(20)
        assert answers == [(200, b"halffull")] * 20
        with pytest.raises(OSError):
            one.get("/", tenant.mint())


def ask_until_refused(port, request, answers):
    """One request after the other, each on a connection of its own."""
    while True:
        try:
            sock = socket.create_connection(("127.0.0.1", port), 10)
        except OSError:
            return
        data = b""
        with sock:
            try:
                sock.sendall(request)
                while chunk := sock.recv(65536):
                    data += chunk
            except OSError:
                pass
        answers.append(data)


def test_no_answer_is_cut_off_when_it_stops_under_load(serve, tenant):
    """A connection that nobody has accepted when the port closes is no request yet."""
    one = serve()
    answers = []
    request = request_of(tenant.mint(), PROTECTED, close=True)
    threads = [threading.Thread(target=ask_until_refused,
                                args=(one.port, request, answers)) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answers) > 200, 20, "load")
    seconds, status = one.stop(f"--time={GRACE}")
    for thread in threads:
        thread.join(20)
    assert seconds < GRACE and status == 0
    whole = [data for data in answers if data]
    assert len(whole) > 200
    assert {http.parse(data).status for data in whole} == {200}
    assert {http.parse(data).body for data in whole} == {
        b'{"message":"The API successfully validated your access token."}'}
    # At most one a client, in the queue of the port.
    assert len(answers) - len(whole) <= 8


def test_it_can_be_stopped_while_it_starts():
    for pause in (0, 0.1, 0.2, 0.4, 0.8):
        one = Container({"AUTH0_DEV": "1"})
        try:
            one.start()
            time.sleep(pause)
            seconds, status = one.stop(f"--time={GRACE}")
            assert seconds < GRACE / 2 and status == 0, (pause, one.logs())
        finally:
            one.remove()


def test_what_takes_too_long_does_not_keep_it_from_stopping(serve, tenant):
    with SlowBackend(seconds=30) as backend:
        one = serve({"PROXY_TO": backend.url})
        threads = start_requests(one, tenant.mint(), 1, [])
        wait_until(lambda: backend.under_way == 1, 10, "a request under way")
        seconds, status = one.stop(f"--time={GRACE}")
        assert seconds < GRACE and status == 0
    for thread in threads:
        thread.join(40)


def test_ctrl_c_stops_it_at_once(serve):
    one = serve()
    begin = time.monotonic()
    one.signal("SIGINT")
    assert one.end() == 0
    assert time.monotonic() - begin < 5


def test_a_resized_terminal_does_not_stop_it(serve, tenant):
    """podman run sends its own SIGWINCH on, and httpd takes that for a stop."""
    one = serve()
    one.signal("SIGWINCH")
    time.sleep(1)
    assert one.get(PROTECTED, tenant.mint()).status == 200


def test_it_runs_in_a_terminal_and_ctrl_c_there_stops_it():
    port = free_port()
    primary, secondary = pty.openpty()
    name = f"test-tty-{port}"
    process = subprocess.Popen(
        ["podman", "run", "--rm", "-it", f"--name={name}", "--network=host", *STRICT,
         "--env=AUTH0_DEV=1", f"--env=PORT={port}", f"--env=HEALTH_PORT={free_port()}",
         IMAGE], stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True)
    try:
        def answers():
            try:
                return http.request(port, "GET", "/api/messages/public").status == 200
            except OSError:
                return False
        wait_until(answers, 20, "an answer")
        # A window that changes its size tells podman, and that the container's terminal.
        fcntl.ioctl(primary, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
        process.send_signal(signal.SIGWINCH)
        wait_until(lambda: "50 100" in podman("exec", name, "sh", "-c",
                                              "stty size </proc/1/fd/0").stdout, 5, "the size")
        time.sleep(0.5)
        assert answers()
        os.write(primary, b"\x03")
        assert process.wait(10) == 0
    finally:
        podman("rm", "--force", "--time=0", name, check=False)
        process.wait(10)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1"])
def test_a_reload_reads_the_mounted_configuration_again(serve, folder, name):
    text = '<Location "/x">\nSetHandler auth0-message\nAuth0Message "{}"\n</Location>\n'
    conf = folder({"a.conf": text.format("one")})
    one = serve(mounts=[(conf, "/etc/auth0-jwt/conf.d")])
    assert b"one" in one.get("/x").body
    (conf / "a.conf").write_text(text.format("two"))
    one.signal(name)
    wait_until(lambda: b"two" in one.get("/x").body, 10, "the new text", every=0.2)


def test_it_ends_with_a_failure_when_httpd_is_killed(serve):
    """So that whoever watches the container starts it again."""
    one = serve()
    one.execute("sh", "-c", "kill -KILL $(cat /dev/shm/auth0-jwt.*/httpd.pid)")
    assert one.end() == 1
    assert "httpd stopped with status 137." in one.logs()[1]


# ---- networks --------------------------------------------------------------------------


def test_a_published_port_leads_to_it():
    """-p, on a network of podman's."""
    port = free_port()
    with Container({"AUTH0_DEV": "1"}, network="bridge", port=port,
                   options=(*STRICT, f"--publish=127.0.0.1:{port}:6060")) as one:
        assert http.request(port, "GET", "/api/messages/public").status == 200
        assert_refusal(one.get(PROTECTED), "E1")
        assert one.health()[0] == 0


def test_another_program_on_its_port_ends_the_start(tenant):
    with socket.socket() as busy:
        busy.bind(("", 0))
        busy.listen()
        port = busy.getsockname()[1]
        status, _, err = run(env={"AUTH0_DEV": "1", "PORT": port,
                                  "HEALTH_PORT": free_port()})
    assert status == 1
    assert f":{port}" in err and "in use" in err


def test_it_needs_one_folder_that_can_be_written_to(tenant):
    """Without /dev/shm it takes /tmp; without both it says what to add."""
    settings = {"env": {"AUTH0_DEV": "1", "PORT": free_port(), "HEALTH_PORT": free_port()}}
    options = (*STRICT, "--ipc=none")
    status, _, err = run(options=options, **settings)
    assert status == 1 and err == \
        "Neither /dev/shm nor /tmp can be written to: add --tmpfs /tmp.\n"
    with Container(settings["env"], port=settings["env"]["PORT"],
                   options=(*options, "--tmpfs=/tmp")) as one:
        assert one.get("/api/messages/public").status == 200


def test_the_ca_file_is_read_as_any_user(serve, tenant):
    one = serve(env={"AUTH0_CA_FILE": CA}, options=(*STRICT[:-1], "--user=65534:65534"))
    assert one.get(PROTECTED, tenant.mint()).status == 200
