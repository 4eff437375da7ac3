"""Origins with every fault of the book, switched on and off while they run.

    with Origins(authority) as origins:
        tenant = origins.tenant()                # honest
        tenant.misbehave({"silent": True})       # see origin_process.py for the faults
        tenant.behave()

They live in one process of their own, so that no fault takes time away from the tests.
"""

import base64
import json
import subprocess
import sys
import threading
from pathlib import Path

from . import certificates
from .httpd import readable_folder
from .issuer import Tenant
from .wait import free_port

#: The zones of names that are not localhost; those of the second need a proxy.
ZONE = "issuer.test"
PROXIED_ZONE = "proxied.test"


def answer(status="200 OK", body=None, *, headers=(), kind="application/json",
           length="{length}", **more):
    """The fault of answering so. body: None for the good document.

    length: what Content-Length says, None for none; more: see Answer.
    """
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    fault = {"head": base64.b64encode(head.encode()).decode(), **more}
    if body is not None:
        body = body if isinstance(body, bytes) else body.encode()
        fault["body"] = base64.b64encode(body).decode()
    return {"answer": fault}


class Origins:
    """The process, and the way to tell it what to do."""

    def __init__(self, authority):
        self.authority = authority
        folder = readable_folder("auth0-jwt-origins-")
        folder.chmod(0o700)
        chains = certificates.every_kind(authority,
                                         ["localhost", f"*.{ZONE}", f"*.{PROXIED_ZONE}"])
        for name, chain in chains.items():
            (folder / f"{name}.pem").write_bytes(chain.pem())
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("origin_process.py")),
             str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, do, **more):
        with self._lock:
            self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the process of the origins has ended")
        said = json.loads(line)
        if "problem" in said:
            raise OSError(f"{do}: {said['problem']}")
        return said["is"]

    def tenant(self, **more):
        return Origin(self, **more)

    def misbehave(self, faults):
        """All at once: a dict of Origin or Door to fault; {} is to behave."""
        self.tell("misbehave", faults={one.port: fault for one, fault in faults.items()})

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._process.stdout.close()


class _Watched:
    """What has a port in that process."""

    origins = None
    port = None

    def misbehave(self, fault):
        self.origins.misbehave({self: fault})

    def behave(self):
        self.misbehave({})

    @property
    def requests(self):
        """(when, path) of each request; when is time.monotonic()."""
        return [tuple(one) for one in self.origins.tell("seen", port=self.port)[1]]

    @property
    def connection_times(self):
        """When each connection arrived, failed handshakes included."""
        return self.origins.tell("seen", port=self.port)[0]

    @property
    def connections(self):
        return len(self.connection_times)

    def stop(self):
        self.origins.tell("close", port=self.port)


class Door(_Watched):
    """A port that is no issuer: kind "plain" speaks HTTP, "proxy" knows CONNECT."""

    def __init__(self, origins, kind):
        self.origins, self.port = origins, free_port()
        origins.tell("open", port=self.port, kind=kind)


class Origin(_Watched, Tenant):
    """A tenant that can misbehave in every way."""

    def __init__(self, origins, *, ip="127.0.0.1", **more):
        super().__init__(origins.authority, **more)
        self.origins = origins
        origins.tell("open", port=self.port, ip=ip)
        self.publish()

    def publish(self, headers=""):
        """Serve the keys as they are now; rotate() does so by itself."""
        self.origins.tell("publish", port=self.port, document=self.body(),
                          headers=headers)

    def rotate(self, kid=None, keep_old=True):
        fresh = super().rotate(kid, keep_old)
        self.publish()
        return fresh

    def move(self, ip):
        """Listen on another address, and there alone."""
        self.origins.tell("move", port=self.port, ip=ip)
