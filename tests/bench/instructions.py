"""Count the instructions of a request: callgrind on httpd -X, start-up excluded.

    make -f Makefile.apxs bench-instructions

Instructions, unlike times, are the same on a busy machine. valgrind knows no SHA
instructions, so it counts tens of thousands for a hash that takes a microsecond here:
each figure is given with and without the cost of SHA256 functions.
"""

import json
import os
import sys

import common
from apache import GOOD, Basic, File, OAuth2FixedKey, Ours
from callgrind import Profile
from common import say
from machine import description
from report import number, table
from world import World, ask, chosen

from support.httpd import readable_folder
from support.load import Client
from support.wait import wait_until

WARM_UP, REQUESTS = 200, 500
SHA256 = r"SHA256|sha256|EVP_sha256"
KINDS = (File, Basic, OAuth2FixedKey, Ours)
CASES = {"file": ("warm",), "basic": ("warm",), "oauth2-key": ("warm",),
         "ours": ("warm", "cold", "reject")}
TOP = 15


class Tokens:
    """Those of each mode."""

    def __init__(self, mint):
        self.distinct = mint.many(WARM_UP + REQUESTS)
        self.forged = mint.forged(self.distinct)
        GOOD.add(self.distinct[0])

    def of(self, mode, number):
        return {"warm": self.distinct[:1] * number, "cold": self.distinct[:number],
                "reject": self.forged[:number]}[mode]


def run(contender, good, requests, expected):
    """The profile of a whole life of httpd -X that answers these requests."""
    out = readable_folder("auth0-jwt-callgrind-") / "out"
    out.touch()
    out.chmod(0o666)  # the server writes it at its end, as the user that it has become
    contender.start(one_process=True, processes=1, threads=4, prefix=[
        "valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={out}"])
    try:
        wait_until(lambda: ask(contender, good)[0] == 200, 20, "a first answer",
                   every=1)  # ours has its keys then
        contender.settle()
        with Client(contender.port) as client:
            for request in requests:
                status = client.ask(request)
                if status not in expected:
                    raise AssertionError(f"{contender.name} answered {status}")
    finally:
        contender.server.end()  # it writes its profile
        text = out.read_text()
        contender.stop()
    return Profile(text)


def request_bytes(contender, token):
    return (f"GET {contender.path} HTTP/1.1\r\nHost: localhost\r\n"
            f"{contender.header(token)}\r\n\r\n").encode()


def count(kind, world, tokens):
    """mode -> figures of one contender.

    Two lives of the server, one with so many more requests than the other: what the
    second one costs more is what those requests cost. That leaves out the start, the
    end, and the first use of everything, and needs no hand on the running server,
    which valgrind stops for good when it has changed its user.
    """
    figures = {}
    for mode in CASES[kind.name]:
        expected = (401,) if mode == "reject" else (200,)
        profiles = []
        for size in (WARM_UP, WARM_UP + REQUESTS):
            contender = kind(world)
            batch = [request_bytes(contender, token) for token in tokens.of(mode, size)]
            profiles.append(run(contender, tokens.distinct[0], batch, expected))
        less, more = profiles
        total = more.total - less.total
        sha = more.inclusive(SHA256) - less.inclusive(SHA256)
        own = more.own - less.own
        figures[mode] = {
            "instructions": total / REQUESTS,
            "sha256": sha / REQUESTS,
            "without_sha256": (total - sha) / REQUESTS,
            "top": [line(*one) for one in top(own)],
            "top_of_the_module": [line(*one) for one in top(own, "mod_auth0_jwt")]}
    return figures


def top(own, binary=""):
    """The functions of this object that cost most by themselves."""
    return [(function, cost) for function, cost in own.most_common()
            if binary in (function[1] or "")][:TOP]


def line(function, cost):
    return {"instructions": cost / REQUESTS, "function": function[0],
            "object": os.path.basename(function[1] or "?")}


def added_to_file(counts):
    """name and mode -> what a request costs more than the unprotected file's."""
    base = counts["file"]["warm"]
    return {f"{name} {mode}": {kind: figures[kind] - base[kind]
                               for kind in ("instructions", "without_sha256")}
            for name, modes in counts.items() if name != "file"
            for mode, figures in modes.items()}


def render(found):
    rows = [[f"{name}, {mode}", number(figures["instructions"], 0),
             number(figures["without_sha256"], 0),
             *(number(found["added"][f"{name} {mode}"][kind], 0) if name != "file" else "0"
               for kind in ("instructions", "without_sha256"))]
            for name, modes in found["counts"].items() for mode, figures in modes.items()]
    parts = [table(["instructions a request", "all", "without SHA-256", "added to the file",
                    "added, without SHA-256"], rows)]
    for mode, figures in found["counts"].get("ours", {}).items():
        parts.append(table([f"ours, {mode}: costliest functions", "instructions", "of"],
                           [[f"`{one['function']}`", number(one["instructions"], 0),
                             one["object"]] for one in figures["top"]]))
        parts.append(table([f"ours, {mode}: costliest in the module", "instructions"],
                           [[f"`{one['function']}`", number(one["instructions"], 0)]
                            for one in figures["top_of_the_module"]]))
    return "\n\n".join(parts)


def main():
    world = World()
    names = {one.name for one in chosen(common.wanted_servers())}
    counts = {}
    try:
        tokens = Tokens(world.mint)
        for kind in KINDS:
            what = kind(world).missing()
            if kind.name not in names or what:
                continue
            say(f"Counting {kind.title} ...")
            try:
                counts[kind.name] = count(kind, world, tokens)
            except (AssertionError, OSError) as problem:
                say(f"  not counted: {problem}")
    finally:
        world.close()
    if "file" not in counts:
        sys.exit("the unprotected file could not be counted")
    found = {"counts": counts, "added": added_to_file(counts), "requests": REQUESTS,
             "machine": description()}
    common.OUTPUT.mkdir(parents=True, exist_ok=True)
    (common.OUTPUT / "instructions.json").write_text(json.dumps(found, indent=1) + "\n")
    print(render(found))


if __name__ == "__main__":
    main()
