"""A real httpd, with its own ServerRoot, on loopback."""

import atexit
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time
from pathlib import Path

from . import canaries, http, paths
from .wait import free_port, wait_until

#: Loaded in every server; more by modules=.
USUAL = ("authn_core", "authz_core", "authz_user", "authz_host", "alias", "dir", "mime",
         "headers", "env", "setenvif")

#: Nothing of this may ever be in a server's log.
CRASHES = re.compile(r"exit signal|AddressSanitizer|LeakSanitizer|ThreadSanitizer"
                     r"|UndefinedBehaviorSanitizer|runtime error:|Assertion .* failed"
                     r"|core dump|double free|corrupted size")

WORKERS = {
    "event": "StartServers {n}\nServerLimit {max}\nThreadsPerChild {t}\nThreadLimit {t}\n"
             "MaxRequestWorkers {total}\nMinSpareThreads 1\nMaxSpareThreads {total}",
    # A process is a worker here: as many of them as the others have threads.
    "prefork": "StartServers {workers}\nMinSpareServers 1\nMaxSpareServers {total}\n"
               "ServerLimit {total}\nMaxRequestWorkers {total}",
}
WORKERS["worker"] = WORKERS["event"]

_running = []


def running():
    """The servers that are up now (for the report of a failing test)."""
    return list(_running)


def readable_folder(prefix="auth0-jwt-test-"):
    """A fresh folder that httpd's workers can read; it goes when the run ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    if not paths.KEEP:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def load_lines(names, mpm):
    lines = []
    for name in [f"mpm_{mpm}", *names]:
        if f"mod_{name}" in paths.COMPILED_IN:
            continue
        lines.append(f"LoadModule {name}_module {paths.LIBEXECDIR}/mod_{name}.so")
    return lines


class Httpd:
    """One server. Starts on `start()` or `with`; `config` is the tests' own text.

    The text may use ${ROOT} (the ServerRoot), ${DOCS} (the document root) and ${PORT}.
    Files is a dict of relative path to text or bytes (or a pair of that and a mode),
    laid under the ServerRoot. Prefix is a command that ends by executing its arguments.
    """

    def __init__(self, config="", *, mpm=None, one_process=False, modules=(), env=None,
                 files=None, auth0=True, processes=1, max_processes=None, threads=8,
                 before="", listen=True, log_level="info auth0_jwt:trace8", prefix=()):
        self.mpm = mpm or paths.MPM
        self.one_process = one_process or paths.VALGRIND
        self.modules = tuple(dict.fromkeys((*USUAL, *modules)))
        self.auth0 = auth0
        self.env = dict(env or {})
        self.prefix = list(prefix)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.root = readable_folder()
        self.docs = self.root / "htdocs"
        self.process = None
        self._killed = set()
        for name in ("run", "logs", "conf", "htdocs"):
            (self.root / name).mkdir(mode=0o755)
            (self.root / name).chmod(0o755)
        for name, content in (files or {}).items():
            self.write(name, *(content if isinstance(content, tuple) else (content,)))
        self._conf = self.root / "conf" / "httpd.conf"
        self._head = self._preamble(processes, max_processes or processes, threads,
                                    log_level, before, listen)
        self.configure(config)

    # ---- configuration -------------------------------------------------------

    def _preamble(self, processes, max_processes, threads, log_level, before, listen):
        lines = [f"ServerRoot {self.root}", "ServerName localhost",
                 f"Define ROOT {self.root}", f"Define DOCS {self.docs}",
                 f"Define PORT {self.port}",
                 "DefaultRuntimeDir run", "PidFile run/httpd.pid",
                 "Mutex file:run default"]
        lines += load_lines(self.modules, self.mpm)
        if "cgid" in self.modules:
            lines.append("ScriptSock cgi.sock")
        if self.auth0:
            lines.append(f"LoadModule auth0_jwt_module {paths.MODULE}")
            if paths.TOKEN_CACHE is not None:
                lines.append(f"Auth0TokenCache {paths.TOKEN_CACHE}")
        else:
            log_level = log_level.split()[0]
        total = max_processes * threads
        lines.append(WORKERS[self.mpm].format(n=processes, max=max_processes, t=threads,
                                              total=total, workers=processes * threads))
        if os.geteuid() == 0:
            lines += ["User www-data", "Group www-data"]
        lines += ["TypesConfig /etc/mime.types" if Path("/etc/mime.types").exists()
                  else "TypesConfig /dev/null",
                  "ErrorLog logs/error.log", f"LogLevel {log_level}",
                  r'LogFormat "%u %>s %r" test',
                  "CustomLog logs/access.log test",
                  "Timeout 20", "GracefulShutdownTimeout 3", "AcceptPathInfo On"]
        if listen:
            lines.append(f"Listen 127.0.0.1:{self.port}")
        lines += [f"DocumentRoot {self.docs}",
                  f"<Directory {self.root}>", "    Require all granted",
                  "    AllowOverride None", "</Directory>", before]
        return "\n".join(lines) + "\n"

    def configure(self, config):
        """Replace the tests' own part of the configuration."""
        self.config = textwrap.dedent(config)
        self._conf.write_text(self._head + f"Include {self.root}/conf/test.conf\n")
        (self.root / "conf" / "test.conf").write_text(self.config)

    def write(self, name, content, mode=0o644):
        """Lay a file under the ServerRoot; folders come along, readable for all."""
        target = self.root / name
        folder = self.root
        for part in Path(name).parent.parts:
            folder = folder / part
            if not folder.exists():
                folder.mkdir(mode=0o755)
                folder.chmod(0o755)
        if isinstance(content, str):
            content = textwrap.dedent(content).encode()
        fresh = target.with_name(target.name + ".new")
        fresh.write_bytes(content)
        fresh.chmod(mode)
        fresh.replace(target)
        return target

    def _environment(self):
        """Nothing of the tester's own: no proxies, no AUTH0_*, no locale surprises."""
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG": "C", "TMPDIR": str(self.root), **self.env}

    def configtest(self, *options):
        """What `httpd -t`, with more options, says: (exit status, all it printed)."""
        done = subprocess.run([str(paths.HTTPD), "-d", str(self.root), "-f",
                               str(self._conf), "-t", *options], env=self._environment(),
                              capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def assert_refuses(self, config, word, line=1):
        """`httpd -t` refuses this configuration, naming the line, in this word."""
        self.configure(config)
        status, output = self.configtest()
        assert status != 0 and word in output and f"line {line} of" in output, output

    # ---- life ----------------------------------------------------------------

    def _command(self):
        command = [str(paths.HTTPD), "-d", str(self.root), "-f", str(self._conf)]
        command.append("-X" if self.one_process else "-DFOREGROUND")
        if paths.VALGRIND:
            command = ["valgrind", "-q", "--leak-check=full",
                       "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
                       "--num-callers=40", "--child-silent-after-fork=yes",
                       f"--suppressions={paths.INTEGRATION / 'valgrind.supp'}",
                       "--xml=yes", f"--xml-file={self.root}/logs/valgrind.%p.xml",
                       *command]
        return [*self.prefix, *command]

    def spawn(self):
        """Start the process without waiting for anything."""
        self.process = subprocess.Popen(
            self._command(), env=self._environment(), cwd=str(self.root),
            stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=open(self.root / "logs" / "stdout.log", "ab"),
            stderr=open(self.root / "logs" / "stderr.log", "ab"))
        return self

    def start(self):
        self.spawn()
        _running.append(self)
        try:
            wait_until(self._ready, 20, "httpd's readiness", every=0.03)
        except BaseException:
            self.kill()
            raise
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"httpd ended with {self.process.returncode}:\n"
                                 + self.all_logs())
        try:
            http.raw_bytes(self.port, b"OPTIONS * HTTP/1.0\r\n\r\n", timeout=3)
        except OSError:
            return False
        return (self.root / "run" / "httpd.pid").exists()

    def graceful(self, wait=True):
        """Restart gracefully (SIGUSR1); wait for the log to say that it is done."""
        mark = self.mark()
        os.kill(self.process.pid, signal.SIGUSR1)
        if wait:
            wait_until(lambda: "resuming normal operations" in self.log(mark), 10,
                       "the graceful restart")
        return mark

    def restart(self):
        """A full restart (SIGHUP)."""
        self._settle()
        mark = self.mark()
        os.kill(self.process.pid, signal.SIGHUP)
        wait_until(lambda: "resuming normal operations" in self.log(mark), 10,
                   "the restart")

    def _settle(self):
        """Give the server's threads a moment to come to rest before a full stop.

        At SIGTERM and SIGHUP the event MPM resets the connections of its workers
        (close_worker_sockets), also one that its worker is just about to free, and
        crashes. That is httpd's own; it needs an answer sent that very moment.
        """
        rested = 0
        for _ in range(200):
            rested = rested + 1 if self._is_asleep() else 0
            if rested == 3:
                break
            time.sleep(0.002)

    def _is_asleep(self):
        for pid in [self.process.pid, *self.pids()]:
            for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
                try:
                    state = stat.read_text().rpartition(")")[2].split()[0]
                except OSError:
                    continue  # this thread has ended
                if state in "RD":
                    return False
        return True

    def kill(self):
        """End the process at once; nothing is checked."""
        if self in _running:
            _running.remove(self)
        if self.process is None:
            return
        children = self.pids() if self.process.poll() is None else []
        for pid in [self.process.pid, *children]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)

    def kill_child(self, pid):
        """Kill -9 one of the server's processes: the log may speak of that."""
        self._killed.add(pid)
        os.kill(pid, signal.SIGKILL)

    def end(self):
        """Stop; the ServerRoot stays as it is, for another start."""
        if self in _running:
            _running.remove(self)
        if self.process is not None and self.process.poll() is None:
            self._settle()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60 if paths.VALGRIND else 15)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("httpd did not stop:\n" + self.all_logs())

    def stop(self, clean=True):
        """Stop; then nothing in the log may speak of a crash, a leak or a token."""
        self.end()
        try:
            if clean:
                self.assert_clean()
        finally:
            if not paths.KEEP:
                shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    def pids(self):
        """The processes that the parent started."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [int(pid) for pid in found.read_text().split()]
        except OSError:
            return []

    # ---- logs ----------------------------------------------------------------

    def _read(self, name):
        try:
            return (self.root / "logs" / name).read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def mark(self):
        """Where the error log ends now: log(mark) is what came after."""
        return len(self._read("error.log"))

    def log(self, mark=0):
        return self._read("error.log")[mark:]

    error_log = log

    @property
    def access_log(self):
        return self._read("access.log")

    def all_logs(self):
        return self._read("stdout.log") + self._read("stderr.log") + self.log()

    def wait_for_log(self, text, mark=0, seconds=5):
        return wait_until(lambda: text in self.log(mark), seconds, f"{text!r} in the log")

    def wait_for_access(self, text):
        """The access log is written after the answer: wait for a line that is this."""
        return wait_until(lambda: text in self.access_log.splitlines(), 5,
                          f"{text!r} in the access log:\n{self.access_log}")

    def assert_clean(self):
        logs = self.all_logs()
        for pid in self._killed:
            logs = logs.replace(f"child pid {pid} exit signal Killed (9)", "")
        crash = CRASHES.search(logs)
        assert crash is None, f"the log speaks of a crash: {crash.group(0)}\n{logs[-4000:]}"
        leaked = canaries.found_in(logs)
        assert not leaked, f"the log holds parts of tokens: {leaked}"
        if paths.VALGRIND and self.process is not None:
            reports = [report.read_text("utf-8", "replace") for report in
                       (self.root / "logs").glob("valgrind.*.xml")]
            assert any("<state>FINISHED</state>" in report for report in reports), \
                "valgrind did not come to its end"
            errors = [error for report in reports for error in valgrind_errors(report)]
            assert not errors, "valgrind:\n" + "\n\n".join(errors)

    # ---- requests ------------------------------------------------------------

    def request(self, method, path, token=None, headers=(), body=None, version="1.1",
                port=None, timeout=http.TIMEOUT):
        headers = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        canaries.remember(path)
        for _, value in headers:
            canaries.remember(value)
        return http.request(port or self.port, method, path, headers, body, timeout,
                            version)

    def get(self, path, token=None, headers=(), **more):
        return self.request("GET", path, token, headers, **more)

    def head(self, path, token=None, headers=(), **more):
        return self.request("HEAD", path, token, headers, **more)

    def raw(self, data, method="GET", port=None):
        canaries.remember(data)
        return http.raw(port or self.port, data, method)


def valgrind_errors(xml):
    """The errors of a report that count: every one, but of leaks only ours."""
    found = []
    for error in re.findall(r"<error>(.*?)</error>", xml, re.S):
        kind = re.search(r"<kind>(.*?)</kind>", error).group(1)
        objects = re.findall(r"<obj>(.*?)</obj>", error)
        if kind.startswith("Leak_") and not any("mod_auth0_jwt" in o for o in objects):
            continue
        frames = re.findall(r"<fn>(.*?)</fn>", error)
        what = re.search(r"<(?:text|what)>(.*?)</(?:text|what)>", error, re.S)
        found.append(f"{kind}: {what.group(1) if what else ''}\n    "
                     + "\n    ".join(frames))
    return found
