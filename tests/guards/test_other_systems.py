"""tools/in-root.sh, which runs the tests in another Debian, says what is wrong with a call."""

import os
import shutil
import subprocess

import pytest
import tree

SCRIPT = "tools/in-root.sh"


def call(*arguments, before=()):
    done = subprocess.run([*before, SCRIPT, *arguments], cwd=tree.TOP, text=True,
                          capture_output=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [[], ["trixie"], ["--again", "trixie"]])
def test_a_call_without_a_command_is_told_the_usage(arguments):
    code, said = call(*arguments)
    assert code == 64
    assert said == f"usage: {SCRIPT} [--again] SUITE COMMAND...\n"


@pytest.mark.parametrize("suite", ["", "../main", "debian 13", "/"])
def test_what_is_no_release_cannot_name_the_folder_that_is_removed(suite):
    code, said = call(suite, "true")
    assert code == 64
    assert said == f"{suite} is not the name of a Debian release, such as trixie.\n"


def test_who_may_not_become_root_is_told_the_line_to_type():
    nobody = []
    if os.geteuid() == 0:
        nobody = [shutil.which("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    elif subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        pytest.skip("sudo asks for no password here")
    code, said = call("trixie", "make", "-f", "Makefile.apxs", "test", before=nobody)
    assert code == 1
    assert said.endswith(
        f"Please type:\nsudo -E {SCRIPT} trixie make -f Makefile.apxs test\n")
