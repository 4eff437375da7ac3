"""A client that hides nothing: every header line as it came, no redirects, no proxy."""

import http.client
import io
import json as jsonlib
import socket

from .paths import SLOW

TIMEOUT = 15


class Response:
    """One answer. headers is the list of (name, value) as they came."""

    def __init__(self, status, reason, headers, body, version=11):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.version = version

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        """The value of a header that came exactly once; None when it did not come."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return jsonlib.loads(self.body.decode("utf-8"))

    def __repr__(self):
        lines = [f"{self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\n".join(lines) + "\n\n" + self.body[:2000].decode("utf-8", "replace")


def _read(sock, method):
    answer = http.client.HTTPResponse(sock, method=method)
    answer.begin()
    body = answer.read()
    return Response(answer.status, answer.reason, answer.msg.items(), body, answer.version)


class _Replay:
    """Bytes already received, in the shape http.client reads from."""

    def __init__(self, data):
        self._data = data

    def makefile(self, _mode):
        return io.BytesIO(self._data)


def raw(port, data, method="GET", timeout=TIMEOUT):
    """Send these bytes, read one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout * SLOW) as sock:
        sock.sendall(data)
        return _read(sock, method)


def raw_bytes(port, data, timeout=TIMEOUT):
    """Send these bytes, return all bytes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout * SLOW) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        chunks = []
        while chunk := sock.recv(65536):
            chunks.append(chunk)
    return b"".join(chunks)


def parse(data, method="GET"):
    """Read an answer out of bytes."""
    return _read(_Replay(data), method)


def request(port, method, path, headers=(), body=None, timeout=TIMEOUT, version="1.1"):
    """Send one request. headers is a dict or a list of pairs (repeats allowed)."""
    if isinstance(headers, dict):
        headers = list(headers.items())
    names = {name.lower() for name, _ in headers}
    lines = [f"{method} {path} HTTP/{version}".encode("latin-1")]
    if "host" not in names and version != "1.0":
        lines.append(f"Host: localhost:{port}".encode())
    for name, value in headers:
        value = value if isinstance(value, bytes) else str(value).encode("latin-1")
        lines.append(name.encode("latin-1") + b": " + value)
    if body is not None and "content-length" not in names:
        lines.append(b"Content-Length: %d" % len(body))
    if "connection" not in names:
        lines.append(b"Connection: close")
    return raw(port, b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""), method, timeout)
