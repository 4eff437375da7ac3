"""On what the figures were measured, and with which versions."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import common

from support import paths

PACKAGES = ("apache2-bin", "libapache2-mod-oauth2", "liboauth2-0",
            "libapache2-mod-auth-openidc", "libssl3", "python3-flask", "python3-jwt",
            "gunicorn", "wrk", "valgrind")


def _says(*command):
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, cwd=common.TOP)
    return done.stdout.strip() or None


def _processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _npm_version(name):
    manifest = common.BENCH / "express" / "node_modules" / name / "package.json"
    if not manifest.exists():
        return None
    return re.search(r'"version": "(.*?)"', manifest.read_text()).group(1)


def description():
    versions = {name: _says("dpkg-query", "-W", "-f", "${Version}", name)
                for name in PACKAGES}
    versions["node"] = _says("node", "--version")
    for name in ("express", "express-oauth2-jwt-bearer"):
        versions[name] = _npm_version(name)
    versions["httpd"] = (_says(str(paths.HTTPD), "-v") or "").partition("\n")[0]
    versions["commit"] = _says("git", "-c", "safe.directory=*", "describe", "--always",
                               "--dirty")
    return {"processor": _processor(), "cores": os.cpu_count(),
            "server_core": common.SERVER_CORE, "load_core": common.LOAD_CORE,
            "kernel": platform.release(), "load_average": os.getloadavg(),
            "versions": {name: value for name, value in versions.items() if value}}
