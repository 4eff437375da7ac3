"""The contenders that are programs of their own: Express and Flask."""

import json
import os
import shutil
import subprocess

import common
from apache import Apache

from support.http import request
from support.wait import free_port, wait_until

CLEAN = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"}


class Program(Apache):
    """A process that listens on a port of ours."""

    _process = None
    _port = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        raise NotImplementedError

    def start(self, **_more):
        self._port = free_port()
        self.origin = self.world.open_origin()
        log = self.world.folder / f"{self.name}.log"
        self._process = subprocess.Popen(
            self.command(), env={**CLEAN, **self.environment()}, cwd=common.BENCH,
            stdin=subprocess.PIPE, stdout=open(log, "wb"), stderr=subprocess.STDOUT,
            start_new_session=True)
        wait_until(self._ready, 20, f"the start of {self.title} (see {log})", every=0.1)

    def _ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"{self.title} ended with {self._process.returncode}")
        try:
            return request(self.port, "GET", self.path).status < 500
        except OSError:
            return False

    def stop(self):
        if self._process is not None:
            self._process.stdin.close()
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None
        if self.origin is not None:
            self.origin.stop()
            self.origin = None

    @property
    def pid(self):
        return self._process.pid

    @property
    def port(self):
        return self._port


class Express(Program):
    name, title = "express", "Auth0's middleware for Express"
    base = "express-open"

    def missing(self):
        if shutil.which("node") is None:
            return "nodejs"
        if not (common.BENCH / "express" / "node_modules").exists():
            return "npm ci --prefix tests/bench/express"
        return None

    def command(self):
        return ["node", "express/server.mjs"]

    def environment(self):
        settings = {"port": self.port, "jwksUri": self.origin.jwks_url,
                    "issuer": self.world.issuer, "audience": common.AUDIENCE,
                    "permission": common.PERMISSION, "body": common.BODY.decode()}
        return {"SETTINGS": json.dumps(settings), "NODE_ENV": "production",
                "NODE_EXTRA_CA_CERTS": self.origin.ca_file}


class ExpressOpen(Express):
    """The same program, asked for its open route."""

    name, title = "express-open", "Express, its open route"
    base = "file"
    path = "/open"
    refusals = (200,)


class Flask(Program):
    name, title = "flask", "Auth0's Flask sample, gunicorn"
    refusals = (401, 403, 500)  # 500 is what the sample says to an unknown kid

    def missing(self):
        if shutil.which("gunicorn", path="/usr/bin:/usr/local/bin") is None:
            return "gunicorn"
        probe = subprocess.run(["/usr/bin/python3", "-c", "import flask, jwt"],
                               capture_output=True)
        return None if probe.returncode == 0 else "python3-flask python3-jwt"

    def command(self):
        return ["/usr/bin/python3", "-m", "gunicorn", "--workers", "2", "--bind",
                f"127.0.0.1:{self.port}", "--log-level", "error", "flask_app:app"]

    def environment(self):
        return {"JWKS_URL": self.origin.jwks_url, "ISSUER": self.world.issuer,
                "AUDIENCE": common.AUDIENCE, "PERMISSION": common.PERMISSION,
                "BODY": common.BODY.decode(), "SSL_CERT_FILE": self.origin.ca_file,
                "PYTHONDONTWRITEBYTECODE": "1"}
