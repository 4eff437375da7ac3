"""WebSocket (RFC 6455) as far as an echo needs it: a server and a client."""

import base64
import hashlib
import os
import socket
import struct
import threading

from .http import TIMEOUT, parse
from .paths import SLOW

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8


def accept_value(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def _head(file):
    """A start line and the fields after it."""
    line = file.readline().decode("latin-1").strip()
    fields = []
    while (field := file.readline().decode("latin-1").strip()):
        name, _, value = field.partition(":")
        fields.append([name, value.strip()])
    return line, fields


def _frame(kind, payload, mask):
    head = bytes([0x80 | kind])
    size = len(payload)
    flag = 0x80 if mask else 0
    if size < 126:
        head += bytes([flag | size])
    else:
        head += bytes([flag | 126]) + struct.pack("!H", size)
    return head + mask + _masked(payload, mask)


def _masked(payload, mask):
    if not mask:
        return payload
    return bytes(byte ^ mask[number % 4] for number, byte in enumerate(payload))


def _read_frame(file):
    """Its kind and payload; None at the end of the connection."""
    head = file.read(2)
    if len(head) < 2:
        return None
    size = head[1] & 0x7f
    if size == 126:
        (size,) = struct.unpack("!H", file.read(2))
    mask = file.read(4) if head[1] & 0x80 else b""
    return head[0] & 0x0f, _masked(file.read(size), mask)


class WebSocketServer:
    """Greets each client, then says all it hears back, turned round.

    hits holds the request of each handshake that arrived, as a Backend's does.
    """

    def __init__(self):
        self.hits = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as file:
            client.settimeout(TIMEOUT * SLOW)
            try:
                self._talk(client, file)
            except OSError:
                pass

    def _talk(self, client, file):
        line, fields = _head(file)
        if not line:
            return
        method, path, _ = line.split(" ", 2)
        self.hits.append({"method": method, "path": path, "headers": fields, "body": ""})
        asked = {name.lower(): value for name, value in fields}
        if asked.get("upgrade", "").lower() != "websocket":
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                           b"Connection: close\r\n\r\nplain")
            return
        client.sendall("\r\n".join((
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Accept: " + accept_value(asked["sec-websocket-key"]), "", "")
        ).encode() + _frame(TEXT, b"welcome", b""))
        while (frame := _read_frame(file)) is not None:
            kind, payload = frame
            if kind == CLOSE:
                client.sendall(_frame(CLOSE, payload, b""))
                return
            client.sendall(_frame(TEXT, payload[::-1], b""))

    def stop(self):
        self._listener.close()


class WebSocket:
    """A client's connection. answer: what came instead of 101, or None."""

    def __init__(self, port, path, headers=()):
        key = base64.b64encode(os.urandom(16)).decode()
        self._sock = socket.create_connection(("127.0.0.1", port), TIMEOUT * SLOW)
        self._file = self._sock.makefile("rb")
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
                 "Sec-WebSocket-Version: 13",
                 *(f"{name}: {value}" for name, value in headers), "", ""]
        self._sock.sendall("\r\n".join(lines).encode())
        line, fields = _head(self._file)
        given = {name.lower(): value for name, value in fields}
        self.answer = None
        if line.split(" ")[1:2] == ["101"]:
            assert given["sec-websocket-accept"] == accept_value(key)
            return
        body = self._file.read(int(given.get("content-length") or 0))
        head = [line, *(f"{name}: {value}" for name, value in fields), "", ""]
        self.answer = parse("\r\n".join(head).encode("latin-1") + body)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._file.close()
        self._sock.close()

    def hear(self):
        kind, payload = _read_frame(self._file)
        assert kind == TEXT, kind
        return payload

    def say(self, payload):
        self._sock.sendall(_frame(TEXT, payload, os.urandom(4)))

    def bye(self):
        """Close as RFC 6455 says; the server's answer to that."""
        self._sock.sendall(_frame(CLOSE, b"\x03\xe8", os.urandom(4)))
        return _read_frame(self._file)
