"""Clients that are many and fast: keep-alive, pipelined, bounded."""

import re
import selectors
import socket
import threading
import time
from collections import Counter

from .paths import SLOW
from .tokens import b64, compact, header_of

TIMEOUT = 20

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.I)
_CLOSES = re.compile(rb"\r\nconnection: close", re.I)


class Cut(Exception):
    """The server ended the connection before the answer."""


def request_of(token=None, path="/valid", close=False):
    """The bytes of a GET."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def with_random_kids(token, key, rng, number):
    """Tokens of one payload and signature, each with a kid that nobody has."""
    rest = token.partition(".")[2]
    return [b64(compact(header_of(key, kid=f"kid-{rng.getrandbits(96):024x}")))
            + "." + rest for _ in range(number)]


def with_random_signatures(token, rng, number):
    """Tokens of one header and payload, each with a signature by nobody."""
    head, _, signature = token.rpartition(".")
    size = len(signature) * 3 // 4
    return [f"{head}.{b64(rng.randbytes(size))}" for _ in range(number)]


class Client:
    """One connection, made when it is needed and again when the server has closed it.

    head holds the status line and header of the last answer.
    """

    def __init__(self, port):
        self.port = port
        self.head = b""
        self._sock = None
        self._data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        if self._sock is not None:
            self._sock.close()
        self._sock, self._data = None, b""

    def ask(self, request):
        """The status of the answer; Cut when there was none."""
        return self.ask_all([request])[0]

    def ask_all(self, requests):
        """Send them at once, return the statuses of the answers."""
        try:
            if self._sock is None:
                self._sock = socket.create_connection(("127.0.0.1", self.port),
                                                      TIMEOUT * SLOW)
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.sendall(b"".join(requests))
            return [self._read() for _ in requests]
        except (Cut, TimeoutError):
            self.close()
            raise
        except OSError as problem:
            self.close()
            raise Cut(repr(problem)) from problem

    def _more(self):
        if self._sock is None:
            raise Cut("closed between two answers")
        data = self._sock.recv(65536)
        if not data:
            raise Cut("closed")
        self._data += data

    def _read(self):
        while (end := self._data.find(b"\r\n\r\n")) < 0:
            self._more()
        head = self.head = self._data[:end]
        length = _LENGTH.search(head)
        whole = end + 4 + (int(length.group(1)) if length else 0)
        while len(self._data) < whole:
            self._more()
        self._data = self._data[whole:]
        if _CLOSES.search(head):
            self._sock.close()
            self._sock = None
        return int(head[9:12])


def again(ask, tries=10):
    """The outcome of ask(), which may be Cut a few times."""
    for left in range(tries, 0, -1):
        try:
            return ask()
        except Cut:
            if left == 1:
                raise


def ask_everything(port, requests, clients=8, batch=20):
    """Send all, in batches over so many connections; return a Counter of statuses.

    A server that is short of workers may close a connection between two requests (RFC
    9112 9.6): such a batch is sent once more and counted once.
    """
    statuses, failures = Counter(), []
    todo = iter([requests[i:i + batch] for i in range(0, len(requests), batch)])
    lock = threading.Lock()

    def run():
        with Client(port) as client:
            while True:
                with lock:
                    some = next(todo, None)
                if some is None or failures:
                    return
                try:
                    found = again(lambda: client.ask_all(some))
                except Exception as failure:
                    failures.append(failure)
                    return
                with lock:
                    statuses.update(found)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120 * SLOW)
    if failures:
        raise failures[0]
    return statuses


class Load:
    """Clients that ask the same questions over and over until the end of `with`.

    cases: {name: (request or function that makes one, right)}, and right is the status or
    a function of (status, head) that says whether they are. What httpd cuts short while
    it restarts is counted in `cut` and is no decision.
    """

    def __init__(self, port, cases, clients=4, pause=0.002):
        self.cases = cases
        self.answers = {name: Counter() for name in cases}
        self.seconds = {name: [] for name in cases}
        self.wrong = []
        self.cut = 0
        self._pause = pause
        self._end = threading.Event()
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(port,), daemon=True)
                         for _ in range(clients)]

    def _run(self, port):
        with Client(port) as client:
            while not self._end.is_set():
                for name, (source, right) in self.cases.items():
                    request = source() if callable(source) else source
                    start = time.monotonic()
                    try:
                        status = client.ask(request)
                    except Cut:
                        with self._lock:
                            self.cut += 1
                        continue
                    except TimeoutError:
                        status = "no answer"
                    now = time.monotonic()
                    with self._lock:
                        self.answers[name][status] += 1
                        self.seconds[name].append(now - start)
                        if not (right(status, client.head) if callable(right)
                                else status == right):
                            self.wrong.append((name, status,
                                               f"{start - self._start:.3f} s"))
                time.sleep(self._pause)

    def total(self):
        return sum(sum(counter.values()) for counter in self.answers.values())

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_exception):
        self._end.set()
        for thread in self._threads:
            thread.join(30 * SLOW)
        if kind is None:
            assert not any(thread.is_alive() for thread in self._threads)

    def slowest(self):
        return max(max(seconds, default=0) for seconds in self.seconds.values())

    def assert_right(self, at_least=50):
        """Nothing wrong was said, and each case came up so often."""
        assert not self.wrong, \
            f"{len(self.wrong)} wrong of {self.total()}: {self.wrong[:8]}"
        for name, counter in self.answers.items():
            assert sum(counter.values()) >= at_least, f"{name} hardly came up: {counter}"


class Flood:
    """Volleys: so many requests under way at once, each on a connection of its own.

    What is answered is made up for with the next volley. make() gives a request; it must
    ask for Connection: close.
    """

    def __init__(self, port, make, width, gap=0.05):
        self.statuses = Counter()
        self.under_way = []  # after each volley: how many were not answered by then
        self._port, self._make, self._width, self._gap = port, make, width, gap
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _fire(self, selector):
        fresh = [socket.create_connection(("127.0.0.1", self._port), TIMEOUT * SLOW)
                 for _ in range(self._width - len(selector.get_map()))]
        for sock in fresh:
            sock.sendall(self._make())
            selector.register(sock, selectors.EVENT_READ)

    def _collect(self, selector, until):
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for event, _ in selector.select(left):
                sock = event.fileobj
                try:
                    self.statuses[int(sock.recv(65536)[9:12] or 0)] += 1
                except OSError as problem:
                    self.statuses[repr(problem)] += 1
                selector.unregister(sock)
                sock.close()

    def _run(self):
        with selectors.DefaultSelector() as selector:
            while not self._end.is_set():
                until = time.monotonic() + self._gap
                self._fire(selector)
                self._collect(selector, until)
                self.under_way.append(len(selector.get_map()))
                self._end.wait(until - time.monotonic())
            self._collect(selector, time.monotonic() + TIMEOUT * SLOW)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._end.set()
        self._thread.join(2 * TIMEOUT * SLOW)


def percentile(seconds, share=0.99):
    """The value that this share of the measurements does not exceed."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
