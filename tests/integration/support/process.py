"""What /proc knows about a server's processes."""

import os
import re
from collections import Counter
from pathlib import Path

#: Linux include/net/tcp_states.h
ESTABLISHED, SYN_SENT = "01", "02"


def is_alive(pid):
    """Is there such a process, not counting one that has ended and waits to be reaped?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def threads_of(pid):
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def handles_of(pid):
    """Where the open descriptors lead, and how often; sockets without their number."""
    found = Counter()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except OSError:
            continue
        found[target.partition(":[")[0]] += 1
    return found


def shared_memory_of(pid):
    """The sizes of the anonymous shared mappings."""
    sizes = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights, *_, name = line.split(None, 5)
        if rights[3] == "s" and name.startswith("/dev/zero"):
            start, _, end = span.partition("-")
            sizes.append(int(end, 16) - int(start, 16))
    return sorted(sizes)


def _sockets_to(port):
    """As descriptors name them. The table is long on a machine that was under load."""
    lines = re.findall(rf"^ *\d+: \S+ [0-9A-F]+:{port:04X} (?:{ESTABLISHED}|{SYN_SENT}) .*$",
                       Path("/proc/net/tcp").read_text(), flags=re.M)
    return {f"socket:[{line.split()[9]}]" for line in lines}


def connected_to(port, pids):
    """The processes among these that have a connection to this local port."""
    found = []
    sockets = _sockets_to(port)
    for pid in pids if sockets else ():
        try:
            if any(os.readlink(link) in sockets
                               for link in Path(f"/proc/{pid}/fd").iterdir()):
                found.append(pid)
        except OSError:
            continue  # it has ended, or has just closed a descriptor
    return found


def resident_memory_of(pid):
    """How many bytes of this process are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def find_faketime():
    """The library that gives a process another clock; None where it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return str(found[0]) if found else None
