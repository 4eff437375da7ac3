"""What a request costs the module as things grow in number: keys, issuers, permissions,
tokens seen, folders with .htaccess files, processes.

    make -f Makefile.apxs bench-growth
    /usr/bin/python3 tests/bench/growth.py keys seen     some of the series

Each point has two servers, the module's and one that protects nothing and is like it in
all else; both get the same requests in turn. Times on a busy machine scatter, so where
one process tells the story, instructions are counted too.
"""

import base64
import itertools
import json
import os
import sys
import textwrap
import time

import common
import wrk
from accounting import added, of, pin
from apache import File, Ours, server
from bench import Requests, measure
from common import say
from instructions import request_bytes, run
from machine import description
from report import number, table
from world import World, ask

from support.issuer import Issuer
from support.tokens import jwks

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
#: A thousand permissions of two letters: more would make a token too long for a header.
SHORT_NAMES = [first + second for first, second in
               itertools.product(LETTERS, LETTERS)][:1000]
TOKENS = 100_000
QUIET = 4  # seconds without a fetch, after which none is expected
ANSWERING = r"ap_run_process_connection$"
COUNTED = (50, 250)  # requests in the two lives of a server that is counted


class Shape(Requests):
    """The tokens of a series: (number of them, permissions in each)."""

    def __init__(self, mint, number, permissions=None):
        tokens = mint.many(number, permissions=permissions)
        self.good, self.permissions = tokens[0], permissions
        self.files = {"cold": mint.file(tokens)}
        self.number = number
        self._sent = {}


class Plain(File):
    """The server that protects nothing."""

    def __init__(self, world, point):
        super().__init__(world)
        self.point = point
        self.path = point.path

    def make(self, **more):
        return self.point.serve("AuthName bench\n", self.config(), {}, auth0=False, **more)


class Point(Ours):
    """The module's server at one point of a series."""

    def __init__(self, world, shape, *, keys=1, issuers=1, fetched=True, needs=None,
                 depth=0, processes=2, seen=0):
        super().__init__(world)
        self.shape, self.needs = shape, needs or [common.PERMISSION]
        self.keys, self.issuers, self.fetched = keys, issuers, fetched
        self.depth, self.processes, self.seen = depth, processes, seen
        self.path = "/" + "folder/" * depth
        self.document = self._document()
        self.origin = None

    def _document(self):
        """The key that signs comes last; the others are of its size and nobody's."""
        others = [{**self.world.key.public(), "kid": f"other-{i}", "n": base64.
                   urlsafe_b64encode(b"\xc5" + os.urandom(254) + b"\x01").rstrip(b"=")
                   .decode()} for i in range(self.keys - 1)]
        return jwks(*others, self.world.key)

    def make(self, **more):
        lines = (f"AuthType Auth0\nAuth0Audience {common.AUDIENCE}\n"
                 f"Require auth0-permission {' '.join(self.needs)}\n")
        return self.serve(lines, self._trust(), {"conf/keys.json": self.document}, **more)

    def _trust(self):
        if self.origin is None:
            self.origin = Issuer(self.world.authority, keys=[self.world.key]).start()
            self.origin.document = self.document
        source = self.origin.jwks_url if self.fetched else "file:conf/keys.json"
        names = [f"https://tenant-{i}.example.com/" for i in range(self.issuers - 1)]
        lines = [f"Auth0Issuer {name} jwks={source}" for name in
                 (*names, self.world.issuer)]
        return "\n".join([f"Auth0CAFile {self.world.tenant.ca_file}", *lines]) + "\n"

    def serve(self, lines, before, files, processes=None, **more):
        """A server whose file is protected by lines: in its folder's .htaccess file, or
        in the server's own when the file is at the top."""
        config = before
        if self.depth == 0:
            config += '<Location "/">\n' + textwrap.indent(lines, "    ") + "</Location>\n"
        config += ('<Directory "${DOCS}">\n    AllowOverride '
                   + ("AuthConfig" if self.depth else "None") + "\n</Directory>\n")
        made = server(config, file=f"{self.path[1:]}index.html",
                      processes=processes or self.processes, files=files,
                      **{"auth0": True, **more})
        for level in range(1, self.depth + 1):
            text = f"AuthName level-{level}\n" if level < self.depth else lines
            made.write(f"htdocs/{'folder/' * level}.htaccess", text)
        return made

    def start(self, **more):
        self.server = self.make(**more)
        self.server.start()

    def settle(self):
        """The keys of many issuers take a while: wait for the last fetch."""
        fetches, since = -1, time.monotonic()
        while self.issuers > 1 and time.monotonic() < since + QUIET:
            if self.origin.fetches != fetches:
                fetches, since = self.origin.fetches, time.monotonic()
            time.sleep(0.1)


def series(size, world):
    """name -> (what is counted, can one process tell, value -> Point)."""
    say("Signing tokens ...")
    plain = Shape(world.mint, size.tokens)
    shapes = {many: Shape(world.mint, 16_000, SHORT_NAMES[:many])
              for many in (1, 10, 100, 1000)}

    def of_token(many):
        return Point(world, shapes[many], needs=[SHORT_NAMES[many - 1]])

    def of_requirement(many):
        return Point(world, shapes[1000], needs=SHORT_NAMES[:many])

    return {
        "keys": ("keys in the document", True, {
            many: Point(world, plain, keys=many) for many in (1, 8, 64)}),
        "issuers": ("issuers configured (100: keys from a file)", True, {
            many: Point(world, plain, issuers=many, fetched=many <= 60)
            for many in (1, 10, 60, 100)}),
        "requirement": ("permissions required, of a token that has 1000", True, {
            many: of_requirement(many) for many in (1, 10, 100, 1000)}),
        "permissions": ("permissions in the token, one required", True, {
            many: of_token(many) for many in (1, 10, 100, 1000)}),
        "seen": ("distinct tokens seen before", False, {
            many: Point(world, plain, seen=many)
            for many in (1, 100, 1000, 10_000, size.tokens)}),
        "htaccess": ("folders with an .htaccess file (0: in httpd.conf)", True, {
            many: Point(world, plain, depth=many) for many in (0, 1, 2, 4, 8)}),
        "processes": ("processes", False, {
            many: Point(world, plain, processes=many) for many in (1, 2, 4)}),
    }


def check(point):
    """It must let the right token in and keep the wrong one out."""
    for token, right in ((point.shape.good, 200), (None, 401),
                         (point.world.mint.forged([point.shape.good])[0], 401)):
        status = ask(point, token)[0]
        if status != right:
            raise AssertionError(f"answered {status} instead of {right}")


def timed(point, size):
    """CPU of warm and cold requests, beside the server that protects nothing."""
    plain, samples = Plain(point.world, point), []
    point.start()
    try:
        check(point)
        point.settle()
        plain.start()
        for one in (point, plain):
            pin(one.pid, {common.SERVER_CORE})
        sent = 0
        while sent < point.seen > 1:
            sent += wrk.run(point.port, 1, path=point.path, skip=sent,
                            tokens=point.shape.files["cold"])["requests"]
        for count in range(size.rounds):
            for mode in ("warm", "cold"):
                for one in (point, plain):
                    sample = measure(one, mode, point.shape, size.seconds)
                    samples.append({**sample, "round": count})
    finally:
        plain.stop()
        point.stop()
        point.origin = None
    return {mode: {"cpu_us": of(samples, mode, "ours", "cpu_us"),
                   "file_us": of(samples, mode, "file", "cpu_us"),
                   "added_us": added(samples, mode, "ours", "file"),
                   "p99": of(samples, mode, "ours", "p99")} for mode in ("warm", "cold")}


def counted(point, tokens):
    """Instructions of a warm and of a cold request: see instructions.count().

    Only those of threads that answer: fetching the keys of many issuers costs more than
    all requests, and never twice the same.
    """
    few, many = COUNTED
    totals = {}
    for name, batch in (("first", tokens[:1] * few), ("warm", tokens[:1] * many),
                        ("cold", tokens[:1] * few + tokens[1:many - few + 1])):
        life = Point.__new__(Point)
        life.__dict__.update(point.__dict__, origin=None)
        totals[name] = run(life, tokens[0], [request_bytes(life, one) for one in batch],
                           (200,)).inclusive(ANSWERING)
    return {mode: (totals[mode] - totals["first"]) / (many - few)
            for mode in ("warm", "cold")}


def render(found):
    parts = []
    for one in found["series"].values():
        rows = []
        for point in one["points"]:
            row = [number(point["value"], 0)]
            for mode in ("warm", "cold"):
                figures = point.get(mode) or {}
                row += [number(figures.get("added_us")), number(figures.get("cpu_us")),
                        number((point.get("instructions") or {}).get(mode), 0)]
            rows.append(row)
        parts.append(table([one["title"], "warm: CPU us added", "in all", "instructions",
                            "cold: CPU us added", "in all", "instructions"], rows))
    return "\n\n".join(parts)


def measure_series(name, title, tells, points, size):
    say(f"{title} ...")
    done = []
    for value, point in points.items():
        figures = {"value": value}
        try:
            figures.update(timed(point, size))
            if tells:
                tokens = point.world.mint.many(COUNTED[1],
                                               permissions=point.shape.permissions)
                figures["instructions"] = counted(point, tokens)
        except (AssertionError, OSError, wrk.Broken) as problem:
            say(f"  {name} {value}: not measured: {str(problem)[-400:]}")
            figures["problem"] = str(problem)[-400:]
        done.append(figures)
    return {"title": title, "points": done}


def main(names):
    start = time.monotonic()
    size = common.Size.chosen()
    size.rounds, size.tokens = (2 if size.name == "short" else 5), TOKENS
    world = World()
    try:
        found = series(size, world)
        if set(names) - set(found):
            sys.exit(f"the series are {', '.join(found)}")
        os.sched_setaffinity(0, {common.LOAD_CORE})
        result = {name: measure_series(name, *found[name], size)
                  for name in (names or found)}
    finally:
        world.close()
    target = common.OUTPUT / "growth.json"
    if names and target.exists():  # the other series stay as they were measured
        result = {**json.loads(target.read_text())["series"], **result}
    found = {"series": result, "machine": description(), "size": size.name,
             "took_seconds": round(time.monotonic() - start)}
    common.OUTPUT.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n")
    print(render(found))


if __name__ == "__main__":
    main(sys.argv[1:])
