"""What every part of the benchmark starts from: places, cores, and the size of a run.

BENCH          short (default, within three minutes) or full
BENCH_SERVERS  names of contenders, separated by commas; all by default
"""

import os
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
TOP = BENCH.parents[1]
OUTPUT = TOP / "build" / "bench"

# The servers, issuers and keys are those of the integration tests.
sys.path.insert(0, str(TOP / "tests" / "integration"))

#: The file that every server protects.
BODY = b"A file of thirty-seven bytes, served\n"
PERMISSION = "read:admin-messages"
AUDIENCE = "https://hello-world.example.com"

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[1] if len(CORES) > 1 else CORES[0]
BOTH_CORES = sorted({SERVER_CORE, LOAD_CORE})


class Size:
    """How long a run takes."""

    def __init__(self, name, rounds, seconds, tokens):
        self.name = name
        self.rounds = rounds    # of the comparison
        self.seconds = seconds  # of load in each measurement
        self.tokens = tokens    # distinct ones

    @classmethod
    def chosen(cls):
        name = os.environ.get("BENCH") or "short"
        sizes = {"short": cls("short", 3, 1, 60_000), "full": cls("full", 9, 4, 60_000)}
        if name not in sizes:
            sys.exit(f"BENCH={name} is neither short nor full")
        return sizes[name]


def wanted_servers():
    """The names that BENCH_SERVERS picks; None for all."""
    names = os.environ.get("BENCH_SERVERS")
    return None if not names else [name.strip() for name in names.split(",") if name.strip()]


def say(text):
    """Progress goes where it does not mix with the table."""
    print(text, file=sys.stderr, flush=True)
