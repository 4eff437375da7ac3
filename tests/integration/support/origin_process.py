"""The process behind origin.py: listening sockets, faults, and a record of it all.

It runs beside the tests, so that a fault that keeps it busy does not slow the clients
whose latency is measured. Commands come as lines of JSON on stdin, each is answered by
one line on stdout; it ends with its stdin.

A fault is a dict of one of these, in the order in which a connection meets them:
    closed      nobody listens (from port_is_closed on)
    full        the backlog is full and nobody accepts: SYNs are ignored
    silent      the connection is accepted, nothing more
    midway      the handshake stops after half of the server's first flight
    certificate another one than "good"; tls: "TLSv1" for that version and no other
    answer      what is sent in place of the good answer: see Answer
"""

import base64
import json
import select
import socket
import ssl
import struct
import sys
import threading
import time

PATH = "/.well-known/jwks.json"
PATIENCE = 30  # seconds that a silent connection is held open
MOMENT = 0.1


class Door:
    """One listening port and what happens behind it."""

    def __init__(self, house, ip, port, kind):
        self.house = house
        self.address = (ip, port)
        self.kind = kind  # "tls", "plain" or "proxy"
        self.document = b""
        self.headers = ""
        self.fault = {}
        self.connections = []
        self.requests = []
        self.fillers = []
        self.generation = 0
        self.listener = None
        self.listen()

    # ---- the listening socket ------------------------------------------------

    def listen(self, backlog=128):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.address)
        listener.listen(backlog)
        self.listener = listener

    def close(self):
        if self.listener is not None:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
            except OSError:
                pass
            self.listener.close()
            self.listener = None
        for filler in self.fillers:
            filler.close()
        self.fillers = []

    def accept_in_a_thread(self):
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.connections.append(time.monotonic())
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def fill(self):
        """Leave no room in the backlog: the next SYN is ignored."""
        self.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.address)
            self.fillers.append(filler)

    def misbehave(self, fault):
        """From now on; {} is to behave. What is under way in silence ends."""
        was_shut = self.fault.get("closed") or self.fault.get("full")
        self.fault = fault
        self.generation += 1
        if fault.get("closed"):
            self.close()
        elif fault.get("full"):
            self.close()
            self.fill()
        elif was_shut or self.listener is None:
            self.close()
            self.listen()
            self.accept_in_a_thread()

    # ---- one connection ------------------------------------------------------

    def serve(self, sock):
        sock.settimeout(10)
        fault = self.fault
        if fault.get("one_in_three") and len(self.connections) % 3:
            fault = {}
        try:
            if fault.get("silent"):
                self.hold(sock)
            elif self.kind == "proxy":
                self.tunnel(sock, fault)
            elif self.kind == "plain":
                self.answer(sock, fault)
            elif fault.get("midway"):
                self.stop_midway(sock)
            else:
                context = self.house.context(fault)
                sock = context.wrap_socket(sock, server_side=True)
                self.answer(sock, fault)
        except (OSError, ValueError):
            pass
        finally:
            sock.close()

    def hold(self, sock):
        """Say nothing until the other side has gone, or all is well again."""
        generation, until = self.generation, time.monotonic() + PATIENCE
        gone = select.poll()
        gone.register(sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        while self.generation == generation and time.monotonic() < until:
            if gone.poll(MOMENT * 1000):
                return

    def stop_midway(self, sock):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.house.context({}).wrap_bio(incoming, outgoing, server_side=True)
        while not outgoing.pending:
            incoming.write(sock.recv(16384))
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
        flight = outgoing.read()
        sock.sendall(flight[:len(flight) // 2])
        self.hold(sock)

    def read_head(self, sock):
        head = b""
        while b"\r\n\r\n" not in head and len(head) < 65536:
            more = sock.recv(16384)
            if not more:
                raise OSError("the client has gone")
            head += more
        return head.decode("latin-1")

    def answer(self, sock, fault):
        head = self.read_head(sock)
        path = head.split(" ")[1]
        self.requests.append((time.monotonic(), path))
        if path != PATH:
            sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            self.end(sock)
            return
        answer = fault.get("answer")
        if answer is None:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n%sConnection: close\r\n\r\n"
                         % (len(self.document), self.headers.encode()) + self.document)
            self.end(sock)
            return
        Answer(**answer).send(self, sock)

    def end(self, sock):
        if isinstance(sock, ssl.SSLSocket):
            sock.settimeout(1)
            sock.unwrap()  # close_notify, so that a short answer is no broken one

    def tunnel(self, sock, fault):
        """A proxy: CONNECT to any name leads to loopback."""
        target = self.read_head(sock).split(" ")[1]
        self.requests.append((time.monotonic(), target))
        if "answer" in fault:
            sock.sendall(base64.b64decode(fault["answer"]["head"]))
            return
        beyond = socket.create_connection(("127.0.0.1", int(target.rpartition(":")[2])), 5)
        with beyond:
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            other = {sock: beyond, beyond: sock}
            while True:
                for one in select.select(other, [], [], 10)[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    other[one].sendall(data)


class Answer:
    """head and body in Base64; None for the good ones.

    pace: seconds between bytes, of the head or of the body; then: "close", "reset",
    "silence", or "again" for the body without end.
    """

    def __init__(self, head, body=None, pace_head=0, pace_body=0, then="close"):
        self.head = base64.b64decode(head)
        self.body = None if body is None else base64.b64decode(body)
        self.pace_head, self.pace_body, self.then = pace_head, pace_body, then

    def send(self, door, sock):
        body = door.document if self.body is None else self.body
        head = self.head.replace(b"{length}", b"%d" % len(body))
        head = head.replace(b"{plain}", b"%d" % door.house.plain)
        self.paced(sock, head, self.pace_head)
        self.paced(sock, body, self.pace_body)
        if self.then == "again":
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                sock.sendall(body)
        elif self.then == "silence":
            door.hold(sock)
        elif self.then == "reset":
            time.sleep(MOMENT)  # for what was sent to arrive
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            door.end(sock)

    @staticmethod
    def paced(sock, data, pace):
        if not pace:
            sock.sendall(data)
            return
        for byte in data:
            sock.sendall(bytes([byte]))
            time.sleep(pace)


class Names:
    """A name server: A records of names that were set; all else does not exist."""

    def __init__(self, ip):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 53))
        self.ways = {}  # name: "ok", "nxdomain", "servfail", "silent" or "slow"
        self.queries = {}
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            query, client = self.sock.recvfrom(4096)
            threading.Thread(target=self.answer, args=(query, client), daemon=True).start()

    def answer(self, query, client):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        question, kind = query[12:at + 5], query[at + 1:at + 3]
        name = ".".join(labels).lower()
        way = self.ways.get(name, "nxdomain")
        if kind == b"\0\x01":
            self.queries.setdefault(name, []).append(time.monotonic())
        if way == "silent":
            return
        if way == "slow":
            time.sleep(1.5)
        status = {"nxdomain": 3, "servfail": 2}.get(way, 0)
        record = b""
        if status == 0 and kind == b"\0\x01":
            record = b"\xc0\x0c\0\x01\0\x01" + struct.pack("!IH", 0, 4) + bytes([127, 0, 0, 1])
        self.sock.sendto(query[:2] + struct.pack("!HHHHH", 0x8580 | status, 1,
                                                 1 if record else 0, 0, 0)
                         + question + record, client)


class House:
    """All doors, by number, and the commands."""

    def __init__(self, folder):
        self.folder = folder
        self.doors = {}
        self.contexts = {}
        self.names = None
        self.plain = 0

    def context(self, fault):
        certificate, version = fault.get("certificate", "good"), fault.get("tls")
        made = self.contexts.get((certificate, version))
        if made is None:
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            made.load_cert_chain(f"{self.folder}/{certificate}.pem")
            if version:
                made.set_ciphers("ALL:@SECLEVEL=0")
                made.minimum_version = made.maximum_version = ssl.TLSVersion[version]
            self.contexts[certificate, version] = made
        return made

    def open(self, port, ip="127.0.0.1", kind="tls"):
        door = self.doors[port] = Door(self, ip, port, kind)
        door.accept_in_a_thread()
        if kind == "plain":
            self.plain = port

    def move(self, port, ip):
        door = self.doors[port]
        door.close()
        door.address = (ip, port)
        door.misbehave({})

    def close(self, port):
        self.doors[port].close()

    def publish(self, port, document, headers=""):
        self.doors[port].document = document.encode()
        self.doors[port].headers = headers

    def misbehave(self, faults):
        for port, fault in faults.items():
            self.doors[int(port)].misbehave(fault)

    def seen(self, port):
        return self.doors[port].connections, self.doors[port].requests

    def resolve(self, ways, server):
        if self.names is None:
            self.names = Names(server)
        self.names.ways.update(ways)

    def queries(self, name):
        return self.names.queries.get(name, [])

    def run(self):
        for line in sys.stdin:
            command = json.loads(line)
            try:
                answer = {"is": getattr(self, command.pop("do"))(**command)}
            except OSError as problem:
                answer = {"problem": str(problem)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.setswitchinterval(0.0005)  # many handshakes at once, none of them late
    House(sys.argv[1]).run()
