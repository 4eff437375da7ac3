"""Auth0HTTPProxy and the environment's proxies: the way out to the issuer."""

import base64
import socket
import threading

import pytest

from support.conf import location, trust
from support.issuer import Issuer
from support.refusal import assert_refusal
from support.wait import free_port

PAGE = {"htdocs/valid": "ok"}


class Proxy:
    """A CONNECT proxy (RFC 9110 9.3.6) that notes what it is asked for."""

    def __init__(self, answer=b"200 go ahead"):
        self.answer = answer
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            client.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(4096)
                if not more:
                    return
                head += more
            self.asked.append(head.decode())
            client.sendall(b"HTTP/1.1 " + self.answer + b"\r\n\r\n")
            if not self.answer.startswith(b"200"):
                return
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port)), 5) as origin:
                back = threading.Thread(target=self._copy, args=(origin, client),
                                        daemon=True)
                back.start()
                self._copy(client, origin)
                back.join(10)

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


@pytest.fixture
def proxy():
    made = Proxy()
    yield made
    made.close()


def nowhere():
    return f"http://127.0.0.1:{free_port()}"


def serve(httpd, issuer, *lines, **more):
    return httpd(trust(issuer) + "".join(f"{line}\n" for line in lines)
                 + location("/valid"), files=PAGE, **more)


def assert_through(proxy, issuer, server):
    assert server.get("/valid", issuer.mint()).status == 200
    assert [head.splitlines()[0] for head in proxy.asked] == \
        [f"CONNECT {issuer.domain} HTTP/1.1"]
    assert issuer.fetches == 1


def test_keys_come_through_the_proxy_that_the_directive_names(httpd, own_issuer, proxy):
    server = serve(httpd, own_issuer, f"Auth0HTTPProxy {proxy.url}")
    assert_through(proxy, own_issuer, server)
    assert "Authorization" not in proxy.asked[0]


def test_keys_come_through_the_proxy_of_the_environment(httpd, own_issuer, proxy):
    server = serve(httpd, own_issuer, env={"https_proxy": proxy.url})
    assert_through(proxy, own_issuer, server)


def test_the_environment_may_make_exceptions(httpd, own_issuer, proxy):
    server = serve(httpd, own_issuer, env={"https_proxy": proxy.url,
                                           "no_proxy": "localhost"})
    assert server.get("/valid", own_issuer.mint()).status == 200
    assert proxy.asked == []


def test_the_directive_wins_over_the_environment(httpd, own_issuer, proxy):
    server = serve(httpd, own_issuer, f"Auth0HTTPProxy {proxy.url}",
                   env={"https_proxy": nowhere(), "no_proxy": "localhost"})
    assert_through(proxy, own_issuer, server)


def test_none_means_a_direct_connection(httpd, own_issuer):
    server = serve(httpd, own_issuer, "Auth0HTTPProxy none",
                   env={"https_proxy": nowhere()})
    assert server.get("/valid", own_issuer.mint()).status == 200


def test_a_proxy_with_a_password_gets_it(httpd, own_issuer, proxy):
    server = serve(httpd, own_issuer,
                   f"Auth0HTTPProxy http://user:s3cret@127.0.0.1:{proxy.port}")
    assert_through(proxy, own_issuer, server)
    expected = base64.b64encode(b"user:s3cret").decode()
    assert f"Proxy-Authorization: Basic {expected}" in proxy.asked[0]
    assert "s3cret" not in server.all_logs()


@pytest.mark.parametrize("by_directive", [True, False], ids=["directive", "environment"])
def test_a_proxy_that_is_down_is_e5_and_the_log_says_so(httpd, own_issuer, by_directive):
    dead = nowhere()
    if by_directive:
        server = serve(httpd, own_issuer, f"Auth0HTTPProxy {dead}")
    else:
        server = serve(httpd, own_issuer, env={"https_proxy": dead})
    assert_refusal(server.get("/valid", own_issuer.mint()), "E5",
                   reason="keys_unavailable")
    server.wait_for_log("Connection refused")
    assert dead.rpartition(":")[2] in server.log(), "the log names the proxy's port"
    assert own_issuer.fetches == 0


@pytest.mark.parametrize("answer", [b"407 Proxy Authentication Required", b"403 no",
                                    b"502 Bad Gateway"])
def test_a_proxy_that_refuses_is_e5_and_the_log_says_so(httpd, own_issuer, answer):
    refusing = Proxy(answer)
    server = serve(httpd, own_issuer, f"Auth0HTTPProxy {refusing.url}")
    assert_refusal(server.get("/valid", own_issuer.mint()), "E5",
                   reason="keys_unavailable")
    server.wait_for_log(answer[:3].decode())
    assert own_issuer.fetches == 0
    refusing.close()


def test_a_proxy_cannot_put_itself_in_the_issuers_place(httpd, own_issuer, authority):
    """It passes bytes on; the certificate must be the issuer's all the same."""
    with Issuer(authority, names=("proxy.example.com",)) as imposter:
        class Misleading(Proxy):
            def _serve(self, client):
                with client, socket.create_connection(("127.0.0.1", imposter.port)) as to:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 200 go ahead\r\n\r\n")
                    threading.Thread(target=self._copy, args=(to, client),
                                     daemon=True).start()
                    self._copy(client, to)

        proxy = Misleading()
        server = serve(httpd, own_issuer, f"Auth0HTTPProxy {proxy.url}")
        assert_refusal(server.get("/valid", own_issuer.mint()), "E5",
                       reason="keys_unavailable")
        server.wait_for_log("no alternative certificate subject name")
        assert imposter.fetches == 0
        proxy.close()


def test_a_bad_value_does_not_show_its_password(httpd, own_issuer):
    with pytest.raises(AssertionError) as problem:
        serve(httpd, own_issuer, "Auth0HTTPProxy http://user:s3cret@proxy/")
    assert "http://host:port" in str(problem.value)
    assert "s3cret" not in str(problem.value)
