"""A Debian of its own in a folder: packages are installed and httpd runs there."""

import shutil
import subprocess
import tempfile
from pathlib import Path

#: Namespaces for mounts and processes, not for the network: issuers of the tests are on
#: the host's loopback. Init lives as long as its standard input, so that everything in
#: the root ends with the tests, however they end; its shell collects lost processes.
ENTER = """
set -e
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount --rbind /sys "$0/sys"
mount --rbind /dev "$0/dev"
mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm"
exec chroot "$0" sh -c 'exec 3<&0; echo ready; cat <&3 >/dev/null & wait $!'
"""

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}

#: What a package manager writes by itself, whatever is installed.
OF_APT_AND_DPKG = ("/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/log/apt",
                   "/var/log/dpkg.log", "/var/log/alternatives.log", "/tmp", "/root",
                   "/run", "/etc/ld.so.cache", "/var/log/apache2")


class Root:
    """A root filesystem. `with` starts its processes, and ends them.

    port: where its httpd listens, on loopback.
    """

    def __init__(self, folder, port=None):
        self.folder, self.port = Path(folder), port
        self._init = None

    @classmethod
    def unpacked(cls, tar):
        folder = Path(tempfile.mkdtemp(prefix="auth0-jwt-root-"))
        folder.chmod(0o755)
        subprocess.run(["tar", "-xp", "--numeric-owner", "-f", tar, "-C", folder],
                       check=True)
        for name in ("hosts", "resolv.conf"):
            shutil.copyfile(f"/etc/{name}", folder / "etc" / name)
        return cls(folder)

    def copy(self):
        """Another one with the same files; this one must not be in use."""
        assert self._init is None
        folder = tempfile.mkdtemp(prefix="auth0-jwt-root-")
        subprocess.run(["cp", "-a", "--reflink=auto", f"{self.folder}/.", folder],
                       check=True)
        return Root(folder, self.port)

    def remove(self):
        subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=True)

    def __enter__(self):
        self._init = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER,
             self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=ENVIRONMENT)
        assert self._init.stdout.readline() == "ready\n", "the root does not start"
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children")
        self._pid = children.read_text().strip()
        return self

    def __exit__(self, *_exception):
        self._init.stdin.close()
        self._init.wait(20)
        self._init.stdout.close()
        self._init = None

    # ---- what happens in it --------------------------------------------------

    def run(self, *command, timeout=300):
        """Run a command in the root: a completed process with stdout and stderr in one."""
        return subprocess.run(
            ["nsenter", f"--target={self._pid}", "--mount", "--pid", "--root", "--wd",
             *command], env=ENVIRONMENT, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)

    def do(self, *command, **more):
        """The same for what must succeed: what it said."""
        done = self.run(*command, **more)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def path(self, name):
        return self.folder / name.lstrip("/")

    def write(self, name, text):
        self.path(name).write_text(text)
        self.path(name).chmod(0o644)

    def append(self, name, text):
        with open(self.path(name), "a", encoding="utf-8") as file:
            file.write(text)

    def listing(self):
        """Every path but what apt, dpkg and running programs keep for themselves."""
        pruned = [part for name in OF_APT_AND_DPKG for part in ("-path", name, "-o")][:-1]
        found = self.do("find", "/", "-xdev", "(", *pruned, ")", "-prune", "-o",
                        "-printf", "%p %y %m %u:%g\n")
        return set(found.splitlines())
