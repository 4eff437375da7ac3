"""auth0-jwt, the command line tool, as a person or a script runs it."""

import json
import subprocess

from .paths import TOOL

ACCEPTED, REFUSED, USAGE, UNAVAILABLE, UNDECIDED = 0, 1, 2, 3, 4


def tool(*arguments, stdin=None, env=None, timeout=60):
    """Run it; standard input is empty unless given."""
    return subprocess.run([str(TOOL), *map(str, arguments)], capture_output=True,
                          text=True, input=stdin if stdin is not None else "",
                          env=env, timeout=timeout)


def as_json(*arguments, **more):
    """The same with --json: what it prints, read, and its exit status as "exit"."""
    done = tool(*arguments, "--json", **more)
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done
    return {**json.loads(lines[0]), "exit": done.returncode}


def checks_of(said):
    """The checks of explain --json by name; of requirements the first."""
    found = {}
    for check in said["checks"]:
        found.setdefault(check["check"], check)
    return found
