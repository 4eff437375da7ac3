"""Other modules of httpd beside ours: found where they are installed, or built."""

import functools
import shlex
import subprocess

import pytest

from . import paths
from .httpd import readable_folder


def need_module(name):
    """Skip without this module of httpd; on CI its absence is a failure."""
    if not (paths.LIBEXECDIR / f"mod_{name}.so").exists():
        if paths.CI:
            pytest.fail(f"mod_{name} is missing, and this is CI")
        pytest.skip(f"mod_{name} is not installed")


@functools.cache
def legacy_module(*hooks):
    """The lines that load tests/integration/legacy/mod_legacy.c with these hooks."""
    target = readable_folder("auth0-jwt-legacy-") / "mod_legacy.so"
    said = {name: shlex.split(paths.apxs(name)) for name in
            ("CC", "CFLAGS", "EXTRA_CPPFLAGS")}
    command = [*said["CC"], *said["CFLAGS"], *said["EXTRA_CPPFLAGS"], "-Wall", "-Wextra",
               "-Werror", "-shared", "-fPIC", f"-I{paths.apxs('INCLUDEDIR')}",
               f"-I{paths.apxs('APR_INCLUDEDIR')}", f"-I{paths.apxs('APU_INCLUDEDIR')}",
               *(f"-DWITH_{hook}" for hook in hooks), "-o", str(target),
               str(paths.INTEGRATION / "legacy" / "mod_legacy.c")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return f"LoadModule legacy_module {target}\n"
