"""The arithmetic of the benchmark: processor time, memory, ratios, medians."""

import os
import statistics
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def parse_stat(text):
    """(parent, ticks of the process itself, ticks of its ended children) of a stat file."""
    # Everything up to the last parenthesis is the pid and a name that may hold anything.
    fields = text.rpartition(")")[2].split()
    user, system, children_user, children_system = map(int, fields[11:15])
    return int(fields[1]), user + system, children_user + children_system


def stats():
    """pid -> parse_stat() of every process there is."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = parse_stat(Path(f"/proc/{entry}/stat").read_text())
            except OSError:
                continue  # it has just ended
    return found


def family_of(root, found):
    """The process and all its descendants, among those found."""
    family = [root] if root in found else []
    for pid in family:
        family += [child for child, (parent, _, _) in found.items() if parent == pid]
    return family


def cpu_seconds(root, found=None):
    """What a process and its descendants used so far, those that have ended included.

    One that has ended and was waited for is in its parent's count of children.
    """
    found = stats() if found is None else found
    return sum(sum(found[pid][1:]) for pid in family_of(root, found)) / TICK


def pss_bytes(root):
    """The memory of a process and its descendants; what they share is shared out."""
    total = 0
    for pid in family_of(root, stats()):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def pin(root, cores):
    """Every thread of a process and of its descendants runs on these cores."""
    for pid in family_of(root, stats()):
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                os.sched_setaffinity(int(task.name), cores)
            except ProcessLookupError:
                continue


def microseconds_per_request(cpu, requests):
    return cpu * 1e6 / requests if requests else None


def median(values):
    """The median of those that are known; None if none is."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def by_round(samples):
    """(round, mode, server) -> sample, of the samples that count."""
    return {(one["round"], one["mode"], one["server"]): one for one in samples
            if not one.get("invalid")}


def against(samples, mode, server, base, value):
    """(of the server, of its base in the same round) for each round that has both."""
    index = by_round(samples)
    return [(one[value], index[number, kind, base][value])
            for (number, kind, name), one in sorted(index.items())
            if (kind, name) == (mode, server) and (number, kind, base) in index]


def ratio(samples, mode, server, base, value="per_second"):
    """The median over the rounds of server / base in the same round."""
    return median([mine / theirs for mine, theirs
                   in against(samples, mode, server, base, value)])


def added(samples, mode, server, base, value="cpu_us"):
    """The median over the rounds of server - base in the same round."""
    return median([mine - theirs for mine, theirs
                   in against(samples, mode, server, base, value)])


def of(samples, mode, server, value):
    """The median over the rounds of a value."""
    return median([one[value] for (_, kind, name), one in by_round(samples).items()
                   if (kind, name) == (mode, server)])
