"""What the README shows of `run` is what it prints, and what the API answers."""

import re
import subprocess

import tree
from test_run_command import Server, checkout, free_port  # noqa: F401 (a fixture)


def shown(first_words):
    """The block of the README that begins so."""
    (block,) = [text for text in re.findall(r"^```\w*\n(.*?)^```$", tree.read("README.md"),
                                            flags=re.M | re.S)
                if text.startswith(first_words)]
    return block


def matches(block, text):
    """Does the text have these lines, in this order? "…" stands for anything."""
    pattern = re.escape(block.strip("\n")).replace("…", ".*")
    return re.search(rf"^{pattern}$", text, flags=re.M | re.S) is not None


def test_run_prints_what_the_readme_shows(checkout):  # noqa: F811
    port = free_port()
    with Server(checkout, port) as server:
        printed = server.output.replace(f":{port}", ":6060")
        block = shown("Open http://localhost:6060")
        assert matches(block, printed), printed
        assert not matches(block.replace("403", "401"), printed)
        (line,) = [line for status, line in server.lines() if status == "403"]
        answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True,
                                check=True).stdout.replace("\r", "")
    head, _, body = answer.partition("\n\n")
    wanted, _, wanted_body = shown("HTTP/1.1 403").partition("\n\n")
    assert [one for one in wanted.splitlines() if one not in head.splitlines()] == []
    assert body.strip() == wanted_body.strip()


def test_the_commands_of_the_first_screen_are_targets_of_make():
    block = shown("make -f Makefile.apxs run")
    targets = re.findall(r"^make -f Makefile\.apxs (\w+) +# ", block, flags=re.M)
    assert targets == ["run", "test"]
    for target in targets:
        subprocess.run(["make", "-n", "-f", "Makefile.apxs", target], cwd=tree.TOP, check=True,
                       capture_output=True)


def test_the_first_screen_says_what_it_is_and_how_it_is_tried():
    screen = "\n".join(tree.read("README.md").splitlines()[:40])
    for words in ("Apache httpd 2.4 module", "Auth0Domain", "AuthType Auth0",
                  "make -f Makefile.apxs run", "make -f Makefile.apxs test"):
        assert words in screen


def test_the_command_line_tool_does_what_the_readme_shows(tmp_path):
    block = shown("$ build/auth0-jwt keygen")
    (tmp_path / "build").symlink_to(tree.TOP / "build")
    lines = block.replace("\\\n", " ").splitlines()
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    promised = [line for line in lines if not line.startswith("$ ")]
    assert len(commands) == 3 and promised
    done = [subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
            for command in commands]
    assert [one.returncode for one in done] == [0, 0, 1], done
    assert done[-1].stdout.splitlines() == promised
