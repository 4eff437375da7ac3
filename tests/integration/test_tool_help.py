"""auth0-jwt explains itself: help, man page, completion and its page say the same."""

import os
import re
import shlex
import subprocess

import pytest

from support.conf import location
from support.httpd import Httpd
from support.paths import HTTPD, TOOL, TOP
from support.tool import UNAVAILABLE, USAGE, tool

COMPLETION = TOP / "tools/completion"
MAN = (TOP / "docs/auth0-jwt.1").read_text("utf-8")
PAGE = (TOP / "docs/command-line.md").read_text("utf-8")


def commands():
    """The commands that take options or an argument: all but help."""
    found = re.findall(r"^  ([a-z]+) +[A-Z]", tool("help").stdout, flags=re.M)
    assert {"inspect", "verify", "explain", "jwks", "doctor", "keygen", "mint"} <= set(found)
    return [name for name in found if name != "help"]


def options_of(command):
    """Option -> its value's name, "" for a switch."""
    return dict(re.findall(r"^  --([a-z-]+)(?: (\"A B\"|\S+))?  ",
                           tool("help", command).stdout, flags=re.M))


def unescaped(text):
    """Of roff: plain text."""
    text = re.sub(r"\\f[A-Z]", "", text)
    return text.replace(r"\-", "-").replace('" ', " ").replace('"', "")


def man_sections():
    parts = re.split(r"^\.SS (\S+)\n", MAN.split("\n.SH COMMANDS\n")[1].split("\n.SH ")[0],
                     flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


@pytest.mark.parametrize("command", commands())
def test_the_man_page_has_every_option_of_every_command_and_no_other(command):
    text = man_sections()[command]
    described = set(re.findall(r"^\.TP\n\.BI? \\-\\-((?:[a-z]|\\-)+)", text, flags=re.M))
    wanted = set(options_of(command))
    if command == "explain":
        assert ".B verify\nare understood" in text
        wanted -= set(options_of("verify"))
    assert {name.replace(r"\-", "-") for name in described} == wanted
    assert f".B auth0\\-jwt {command}" in MAN.split(".SH DESCRIPTION")[0]


def test_the_man_page_has_the_version_free_header_and_every_exit_status():
    listed = re.findall(r"^\.TP\n\.B (\d)$", MAN, flags=re.M)
    assert listed == ["0", "1", "2", "3", "4"]
    for status in listed:
        assert re.search(rf"\b{status} \w", tool("help").stdout.split("Exit status:")[1])


@pytest.mark.parametrize("command", [
    ["groff", "-man", "-ww", "-z", "-Tutf8"], ["mandoc", "-T", "lint", "-W", "style"]],
    ids=lambda command: command[0])
def test_the_man_page_is_clean(program, command, tmp_path):
    program(command[0])
    done = subprocess.run([*command, str(TOP / "docs/auth0-jwt.1")], capture_output=True,
                          text=True)
    assert done.returncode == 0 and not done.stdout + done.stderr, done
    (tmp_path / "bad.1").write_text(MAN.replace(".SH NAME", ".SHH NAME"))
    done = subprocess.run([*command, str(tmp_path / "bad.1")], capture_output=True,
                          text=True)
    assert done.stdout + done.stderr


@pytest.mark.parametrize("shell, name", [
    ("bash", "auth0-jwt.bash"), ("zsh", "_auth0-jwt"), ("fish", "auth0-jwt.fish")])
def test_the_completions_are_what_the_tool_prints_and_a_shell_can_read(program, shell, name):
    file = COMPLETION / name
    assert tool("completion", shell).stdout == file.read_text("utf-8"), \
        f"run: build/auth0-jwt completion {shell} >tools/completion/{name}"
    done = subprocess.run([program(shell), "-n", str(file)], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done


def test_completion_of_no_shell_is_exit_2():
    assert tool("completion", "csh").returncode == USAGE
    assert tool("completion").returncode == USAGE


def completed(line, folder):
    """What bash offers for the last word of a line."""
    script = (f"source {shlex.quote(str(COMPLETION / 'auth0-jwt.bash'))}\n"
              f"COMP_WORDS=({line}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
              "_auth0_jwt\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0 and not done.stderr, done
    return set(done.stdout.split())


def test_bash_completes_commands_options_values_and_files(tmp_path):
    (tmp_path / "key.pem").write_text("")
    assert completed("auth0-jwt ''", tmp_path) == {*commands(), "help", "--version",
                                                   "--help"}
    assert completed("auth0-jwt ver", tmp_path) == {"verify"}
    for command in commands():
        assert completed(f"auth0-jwt {command} --", tmp_path) == \
            {f"--{name}" for name in options_of(command)} | {"--help"}
    assert completed("auth0-jwt mint --alg ES", tmp_path) == {"ES256", "ES384", "ES512"}
    assert completed("auth0-jwt help ver", tmp_path) == {"verify"}
    for command in commands():
        for option, value in options_of(command).items():
            if "FILE" in value:
                assert completed(f"auth0-jwt {command} --{option} ''", tmp_path) == \
                    {"key.pem"}, option


def test_fish_completes_commands_and_options(program, tmp_path):
    fish = program("fish")

    def offered(line):
        done = subprocess.run(
            [fish, "--no-config", "-c", f"source {COMPLETION}/auth0-jwt.fish; "
             f"complete -C {shlex.quote(line)}"], capture_output=True, text=True,
            cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
        return {entry.split("\t")[0] for entry in done.stdout.splitlines()}

    assert set(commands()) | {"help"} == offered("auth0-jwt ")
    for command in commands():
        assert offered(f"auth0-jwt {command} --") >= {
            f"--{name}" for name in options_of(command)}


# ---- help and usage --------------------------------------------------------------------


@pytest.mark.parametrize("command", commands())
def test_help_is_the_same_in_every_way_and_fits_a_terminal(command):
    pages = {tool("help", command).stdout, tool(command, "--help").stdout,
             tool(command, "-h").stdout}
    page, = pages
    assert page.startswith(f"usage: auth0-jwt {command}")
    assert max(map(len, page.splitlines())) <= 90, page
    for name, value in options_of(command).items():
        assert f"--{name}" in page.split("\n\n")[0]


def test_the_version_is_that_of_the_source():
    version = re.search(r'AUTH0_JWT_VERSION "([^"]+)"', (TOP / "src/version.h").read_text())
    assert tool("--version").stdout == f"auth0-jwt {version.group(1)}\n"


@pytest.mark.parametrize("arguments, meant", [
    (["verfy"], "verify"), (["inspekt"], "inspect"), (["jkws"], "jwks"),
    (["explian"], "explain"), (["verify", "--audiense", "x"], "--audience"),
    (["verify", "--perm", "x"], "--permission"), (["jwks", "--jsno"], "--json"),
    (["doctor", "--tokn-file", "x"], "--token-file")])
def test_a_misspelt_word_gets_a_suggestion(arguments, meant):
    done = tool(*arguments)
    assert done.returncode == USAGE and f"did you mean {meant}?" in done.stderr, done


@pytest.mark.parametrize("arguments", [["frobnicate"], ["verify", "--xyzzy", "x"], ["x" * 99]])
def test_what_is_near_nothing_gets_no_suggestion(arguments):
    done = tool(*arguments)
    assert done.returncode == USAGE and "did you mean" not in done.stderr


def test_a_switch_takes_no_value():
    done = tool("inspect", "--json=yes", "a.b.c")
    assert done.returncode == USAGE and "takes no value" in done.stderr
    assert tool("inspect", "--json", "--json", "a.b.c").stdout.startswith("{")


# ---- the page --------------------------------------------------------------------------


def examples():
    """(command, what it prints) of each console block, in order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, flags=re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, output = re.fullmatch(r"((?:[^\n]*\\\n)*[^\n]*\n)(.*)", part,
                                           flags=re.S).groups()
            found.append((command, output))
    return found


def matches(output, printed):
    """An ellipsis stands for anything; alone on a line, for any lines."""
    pattern = "".join("(?:.*\n)*" if line == "…\n" else
                      re.escape(line).replace("…", ".*") for line in
                      output.splitlines(keepends=True))
    return re.fullmatch(pattern, printed) is not None


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Runs lines of the page in one folder, with a configuration in its place."""
    folder = tmp_path_factory.mktemp("page")
    server = Httpd(location(
        "/api", "", audience="https://hello-world.example.com")
        + location("/api/admin", require="auth0-permission read:admin-messages",
                   audience=None)
        + f"Auth0Issuer https://tenant.us.auth0.com/ jwks=file:{folder}/jwks.json\n"
        + "Auth0Audience https://hello-world.example.com\n")

    def run(command):
        line = command.replace("/etc/apache2/apache2.conf", str(server.root / "conf/httpd.conf"))
        line = line.replace("auth0-jwt ", f"{TOOL} ").replace(" --path",
                                                              f" --httpd {HTTPD} --path")
        return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True,
                              text=True, env={"PATH": "/usr/bin:/bin"}, timeout=60)

    yield run
    server.stop()


def test_every_example_of_the_page_prints_what_the_page_says(shell):
    assert len(examples()) >= 10
    for command, output in examples():
        done = shell(command)
        assert not done.stderr and done.returncode in (0, 1), (command, done)
        assert matches(output, done.stdout), f"{command}\n{done.stdout}"


def test_the_test_of_the_page_can_tell_a_difference():
    assert matches("a …\n…\nb\n", "a 1\nx\ny\nb\n") and matches("a\n…\nb\n", "a\nb\n")
    assert not matches("a …\nb\n", "a 1\nx\nb\n") and not matches("a\n", "a\nb\n")


def test_every_command_that_prints_for_people_knows_json():
    for command in set(commands()) - {"mint", "completion"}:
        assert options_of(command).get("json") == "", command


def test_output_that_cannot_be_written_is_exit_3():
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(TOOL), "help"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == UNAVAILABLE
