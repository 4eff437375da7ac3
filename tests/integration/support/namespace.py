"""A server with its own idea of names: hosts, resolv.conf and nsswitch.conf of its own.

It runs in a mount namespace where these files lie over those of /etc, which needs root.
"""

import functools
import os
import random
import shutil
import subprocess

from .httpd import readable_folder

#: A loopback address on whose port 53 nobody else listens.
NAME_SERVER = ".".join(["127", *(str(random.SystemRandom().randrange(1, 255))
                                 for _ in range(3))])

FILES = {"hosts": "127.0.0.1 localhost\n",
         "resolv.conf": f"nameserver {NAME_SERVER}\noptions attempts:1 timeout:",
         "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n"}


class Namespace:
    """prefix: what to put before a command.

    patience: seconds for which the resolver waits for its name server.
    """

    def __init__(self, patience=2):
        self.folder = readable_folder("auth0-jwt-names-")
        self.names = {}
        for name, text in FILES.items():
            if name == "resolv.conf":
                text += f"{patience}\n"
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o644)
        mounts = " && ".join(f'mount --bind "{self.folder}/{name}" "/etc/{name}"'
                             for name in FILES)
        self.prefix = ["unshare", "-m", "--propagation", "private",
                       "sh", "-c", f'{mounts} && exec "$@"', "sh"]

    def point(self, names):
        """Give names their addresses, at once: the file stays the same inode."""
        self.names.update(names)
        text = FILES["hosts"] + "".join(f"{address} {name}\n"
                                        for name, address in self.names.items())
        with open(self.folder / "hosts", "r+", encoding="ascii") as file:
            file.write(text)
            file.truncate()


@functools.lru_cache(maxsize=None)
def why_not():
    """Why there can be no such namespace here; None when there can."""
    if os.geteuid() != 0:
        return "a mount namespace needs root"
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    tried = subprocess.run([*Namespace().prefix, "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"no mount namespace: {tried.stderr.strip()}"
