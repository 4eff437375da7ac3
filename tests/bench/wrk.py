"""Load, by wrk: one thread, 32 connections that stay open."""

import os
import re
import subprocess

import common

CONNECTIONS = 32
_NUMBER = re.compile(r"(\w+)=(\d+)")


class Broken(Exception):
    """wrk did not say what it did."""


def parse(output):
    """The numbers of load.lua's line, and requests a second."""
    lines = [line for line in output.splitlines() if line.startswith("WRK ")]
    if len(lines) != 1:
        raise Broken(output[-2000:])
    found = {name: int(value) for name, value in _NUMBER.findall(lines[0])}
    found["per_second"] = found["requests"] * 1e6 / found["microseconds"]
    return found


def run(port, seconds, *, header=None, tokens=None, skip=0, path="/", cores=None):
    """Send one header over and over, or the tokens of a file one after the other."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s",
               "-s", str(common.BENCH / "load.lua")]
    if header:
        command += ["-H", header]
    command.append(f"http://127.0.0.1:{port}{path}")
    if tokens:
        command += ["--", str(tokens), str(skip), path]
    cores = cores or {common.LOAD_CORE}
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=seconds + 60,
                              preexec_fn=lambda: os.sched_setaffinity(0, cores))
    except subprocess.TimeoutExpired as problem:
        raise Broken(str(problem)) from problem
    if done.returncode != 0:
        raise Broken(done.stdout + done.stderr)
    return parse(done.stdout)
