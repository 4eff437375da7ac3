"""What /proc knows about a server's processes."""

import os
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


def _sockets_to(pid, port):
    inodes = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].rpartition(":")[2], 16) == port \
                and fields[3] in (ESTABLISHED, SYN_SENT):
            inodes.add(f"socket:[{fields[9]}]")
    return inodes


def connected_to(port, pids):
    """The processes among these that have a connection to this local port."""
    found = []
    for pid in pids:
        try:
            sockets = _sockets_to(pid, port)
            if sockets and any(os.readlink(link) in sockets
                               for link in Path(f"/proc/{pid}/fd").iterdir()):
                found.append(pid)
        except OSError:
            continue  # it has ended, or has just closed a descriptor
    return found


def resident_memory_of(pid):
    """How many bytes of this process are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
