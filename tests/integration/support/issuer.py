"""A TLS origin that publishes keys as a tenant does, and misbehaves on cue."""

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

from . import tokens
from .httpd import readable_folder
from .wait import free_port, wait_until

JWKS_PATH = "/.well-known/jwks.json"


class Authority:
    """A certificate authority and the file that names it to httpd."""

    def __init__(self):
        self.ca = trustme.CA()
        self.folder = readable_folder("auth0-jwt-ca-")
        self.file = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))
        self.file.chmod(0o644)

    def server_context(self, *names):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
        return context

    def client_context(self):
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    context = None
    connections = 0

    def get_request(self):
        sock, address = super().get_request()
        self.connections += 1
        sock.settimeout(10)
        return sock, address

    def finish_request(self, request, client_address):
        """TLS in the connection's own thread: a client that stalls stalls alone."""
        if self.context is not None:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return
        try:
            super().finish_request(request, client_address)
        except OSError:
            pass

    def handle_error(self, request, client_address):
        pass


class _Server6(_Server):
    address_family = socket.AF_INET6


class Tenant:
    """One tenant: `domain` for Auth0Domain, `iss` for tokens, its keys and tokens.

    A subclass serves the document and notes in `requests` who came: (when, path).
    """

    def __init__(self, authority, *, kids=("key-1",), alg="RS256", audience=None,
                 keys=None, host="localhost"):
        self.authority = authority
        self.ca_file = str(authority.file)
        self.port = free_port()
        self.host = host
        self.domain = f"{host}:{self.port}"
        self.iss = f"https://{self.domain}/"
        self.jwks_url = self.iss.rstrip("/") + JWKS_PATH
        self.audience = audience or "https://api.example.com"
        self.keys = list(keys or [tokens.Key(alg, kid) for kid in kids])
        self.document = None

    # ---- what it saw ---------------------------------------------------------

    @property
    def fetches(self):
        """How many requests arrived (of any path)."""
        return len(self.requests)

    @property
    def fetch_times(self):
        return [moment for moment, _ in self.requests]

    def wait_for_fetches(self, number, seconds=6):
        return wait_until(lambda: self.fetches >= number, seconds,
                          f"fetch number {number} (so far {self.fetches})")

    # ---- keys and tokens -----------------------------------------------------

    def body(self):
        """The key document."""
        if self.document is not None:
            return self.document
        return tokens.jwks(*self.keys)

    @property
    def key(self):
        """The key that signs now."""
        return self.keys[0]

    def rotate(self, kid=None, keep_old=True):
        """Sign with a fresh key; return it."""
        alg = self.key.alg
        fresh = tokens.Key(alg, kid or f"key-{time.monotonic_ns()}")
        self.keys = [fresh, *(self.keys if keep_old else [])]
        return fresh

    def claims(self, **overrides):
        overrides.setdefault("aud", self.audience)
        return tokens.claims_of(overrides.pop("iss", self.iss), overrides.pop("aud"),
                                **overrides)

    def mint(self, *, key=None, alg=None, kid=None, header=None, payload=None, **claims):
        """A token. claims: overrides (ABSENT removes), permissions=, scope=, exp_in=.

        header: a dict of overrides, or str/bytes to sign as they stand; payload: str,
        bytes or dict to sign as it stands.
        """
        key = key or self.key
        alg = alg or key.alg
        if not isinstance(header, (str, bytes)):
            overrides = {"alg": alg, **(header or {})}
            if kid is not None:
                overrides["kid"] = kid
            header = tokens.header_of(key, **overrides)
        if payload is None:
            payload = self.claims(**claims)
        return tokens.token_of(header, payload, key, alg)


class Issuer(Tenant):
    """A tenant in a thread of the tests' own process, with the commonest faults."""

    def __init__(self, authority, *, names=("localhost", "127.0.0.1"),
                 address="127.0.0.1", **more):
        super().__init__(authority, **more)
        self.requests = []
        self.address = address
        self.delay = 0  # seconds from a request to its answer
        self.context = authority.server_context(*names)
        self._fault = None
        self._release = threading.Event()
        self._server = None
        self._ended_connections = 0

    # ---- life ----------------------------------------------------------------

    def start(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                issuer._answer(self)

            def log_message(self, *_arguments):
                pass

        self._release.clear()
        kind = _Server6 if ":" in self.address else _Server
        self._server = kind((self.address, self.port), Handler)
        self._server.context = self.context
        threading.Thread(target=self._server.serve_forever, args=(0.05,),
                         daemon=True).start()
        return self

    def stop(self):
        """Stop listening: the next connection is refused."""
        if self._server is None:
            return
        self._release.set()
        self._ended_connections += self._server.connections
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    # ---- what it answers -----------------------------------------------------

    def fail_with(self, status=None, body=None, headers=None, hang=False, close=False):
        """Answer so from now on, until heal().

        hang: accept the request and say nothing; close: end the connection.
        """
        self._release.clear()
        self._fault = {"status": status or 200, "body": body, "headers": headers or {},
                       "hang": hang, "close": close}

    def heal(self):
        self._fault = None
        self._release.set()

    def _answer(self, handler):
        self.requests.append((time.monotonic(), handler.path))
        fault = self._fault
        if fault and fault["hang"]:
            self._release.wait(30)
            handler.close_connection = True
            return
        if fault and fault["close"]:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        time.sleep(self.delay)
        status, headers, body = 200, {}, self.body()
        if handler.path != JWKS_PATH:
            status, body = 404, '{"error":"not here"}'
        if fault:
            status, headers = fault["status"], fault["headers"]
            body = fault["body"] if fault["body"] is not None else body
        body = body if isinstance(body, bytes) else body.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", headers.get("Content-Type",
                                                        "application/json"))
        for name, value in headers.items():
            if name != "Content-Type":
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    @property
    def connections(self):
        """How many connections arrived, failed handshakes included."""
        return self._ended_connections + (self._server.connections if self._server else 0)
