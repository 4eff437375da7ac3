"""Which files are opened while something runs: inotify, as the kernel tells it."""

import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


class Opened:
    """The files of one folder that any process opens inside the `with` block."""

    def __init__(self, folder):
        self._folder = os.fsencode(folder)

    def __enter__(self):
        self._fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0 or _libc.inotify_add_watch(self._fd, self._folder, _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        return self

    def __exit__(self, *_exception):
        os.close(self._fd)

    def names(self):
        """Their names since the last call; "" is the folder itself."""
        found = []
        while True:
            try:
                events = os.read(self._fd, 65536)
            except BlockingIOError:
                return found
            while events:
                length = _EVENT.unpack_from(events)[3]
                name = events[_EVENT.size:_EVENT.size + length]
                found.append(name.rstrip(b"\0").decode())
                events = events[_EVENT.size + length:]
