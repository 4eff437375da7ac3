"""A client of HTTP/2: over TLS, with prior knowledge, or by Upgrade: h2c."""

import re
import socket

import h2.config
import h2.connection
import h2.events

from .http import TIMEOUT, Response, parse
from .paths import SLOW


class Http2:
    """One connection: with a context over TLS, without one by prior knowledge."""

    def __init__(self, port, context=None):
        self._sock = socket.create_connection(("127.0.0.1", port), TIMEOUT * SLOW)
        self.scheme = "http"
        if context is not None:
            self.scheme = "https"
            context.set_alpn_protocols(["h2"])
            self._sock = context.wrap_socket(self._sock, server_hostname="localhost")
            assert self._sock.selected_alpn_protocol() == "h2"
        self._events = {}
        self._begun = False
        self._connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))

    def upgrade(self, method, path, headers=()):
        """Begin with a request of HTTP/1.1 that asks for the change of version.

        Its answer; version tells whether the server changed.
        """
        settings = self._connection.initiate_upgrade_connection().decode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost",
                 *(f"{name}: {value}" for name, value in headers),
                 "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                 f"HTTP2-Settings: {settings}", "", ""]
        self._sock.sendall("\r\n".join(lines).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            length = re.search(rb"content-length: (\d+)", head, re.I)
            while method != "HEAD" and length and len(rest) < int(length.group(1)):
                rest += self._receive()
            return parse(head + b"\r\n\r\n" + rest, method)
        self._begun = True
        self._flush()
        self._take(rest)
        return self.answer(1)

    def _receive(self):
        data = self._sock.recv(65536)
        assert data, "closed before the end of an answer"
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._sock.close()

    def _flush(self):
        self._sock.sendall(self._connection.data_to_send())

    def _take(self, data):
        for event in self._connection.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self._connection.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id)
            if getattr(event, "stream_id", None):
                self._events.setdefault(event.stream_id, []).append(event)
        self._flush()

    def send(self, method, path, headers=(), body=None):
        """Begin a stream; its number. A body must fit the first window (64 KiB)."""
        if not self._begun:
            self._begun = True
            self._connection.initiate_connection()
        stream = self._connection.get_next_available_stream_id()
        fields = [(":method", method), (":path", path), (":scheme", self.scheme),
                  (":authority", "localhost")]
        fields += [(name.lower(), value) for name, value in headers]
        if body is not None:
            fields.append(("content-length", str(len(body))))
        self._connection.send_headers(stream, fields, end_stream=body is None)
        if body is not None:
            size = self._connection.max_outbound_frame_size
            for start in range(0, len(body), size):
                self._connection.send_data(stream, body[start:start + size])
            self._connection.end_stream(stream)
        self._flush()
        return stream

    def answer(self, stream):
        """The whole answer of this stream."""
        while not any(isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset))
                      for event in self._events.get(stream, ())):
            self._take(self._receive())
        events = self._events.pop(stream)
        assert not any(isinstance(event, h2.events.StreamReset) for event in events), events
        fields = next(event.headers for event in events
                      if isinstance(event, h2.events.ResponseReceived))
        body = b"".join(event.data for event in events
                        if isinstance(event, h2.events.DataReceived))
        headers = [(name, value) for name, value in fields if not name.startswith(":")]
        return Response(int(dict(fields)[":status"]), "", headers, body, 20)

    def request(self, method, path, headers=(), body=None):
        return self.answer(self.send(method, path, headers, body))
