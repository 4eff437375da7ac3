"""A WebSocket service (RFC 6455) that notes what reached it, and a client of it."""

import base64
import hashlib
import os
import socket
import struct
import threading

from . import http
from .http import TIMEOUT

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
TEXT, CLOSE = 0x81, 0x88


def read_head(stream):
    """The request line or status line, and the fields, names in lower case."""
    first = stream.readline().decode("latin-1").rstrip("\r\n")
    fields = {}
    while line := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return first, fields


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def frame(opcode, data, mask=None):
    """One short frame; a client's is masked."""
    assert len(data) < 126
    if mask is None:
        return struct.pack("!BB", opcode, len(data)) + data
    return struct.pack("!BB", opcode, 0x80 | len(data)) + mask + masked(data, mask)


def masked(data, mask):
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def read_frame(stream):
    head = stream.read(2)
    if len(head) < 2:
        return CLOSE, b""
    opcode, length = head
    mask = stream.read(4) if length & 0x80 else bytes(4)
    return opcode, masked(stream.read(length & 0x7f), mask)


class Service:
    """Echoes what it is told; a request without an upgrade gets a page."""

    def __init__(self):
        self.hits = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(TIMEOUT)
        with client, client.makefile("rwb", buffering=0) as stream:
            line, fields = read_head(stream)
            self.hits.append((line, fields))
            if fields.get("upgrade", "").lower() != "websocket":
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
                               b"Connection: close\r\n\r\npage")
                return
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
                           + accept_of(fields["sec-websocket-key"]).encode() + b"\r\n\r\n")
            try:
                while (opcode := (received := read_frame(stream))[0]) == TEXT:
                    client.sendall(frame(opcode, b"echo: " + received[1]))
            except OSError:
                pass  # the client has gone

    def stop(self):
        self._listener.close()


class Connection:
    """A client's handshake as a browser makes it; answer is None after a 101."""

    def __init__(self, port, path, headers=()):
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._stream = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {"Host": f"localhost:{port}", "Connection": "Upgrade",
                  "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": key, "Origin": "https://app.example.com",
                  **dict(headers)}
        self._socket.sendall((f"GET {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode())
        self.answer = None
        if self._stream.peek(12)[9:12] != b"101":
            self._socket.shutdown(socket.SHUT_WR)
            self.answer = http.parse(self._stream.read())
            return
        _, got = read_head(self._stream)
        assert got["sec-websocket-accept"] == accept_of(key)

    def say(self, text):
        """What the service echoes."""
        self._socket.sendall(frame(TEXT, text.encode(), os.urandom(4)))
        opcode, data = read_frame(self._stream)
        assert opcode == TEXT
        return data.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._stream.close()
        self._socket.close()
