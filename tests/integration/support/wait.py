"""Bounded waiting: no test sleeps longer than it must, none waits for ever."""

import random
import socket
import time

from .paths import SLOW


def wait_until(true, seconds=5.0, what="the condition", every=0.02):
    """Return the first truthy value of true(); fail after so many seconds."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not come true within {seconds * SLOW} s")
        time.sleep(every)


_ports = random.SystemRandom()
_given = set()


def free_port():
    """A loopback port nobody listens on, below the range of outgoing connections."""
    for _ in range(1000):
        port = _ports.randrange(12000, 32000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise AssertionError("no free port")
