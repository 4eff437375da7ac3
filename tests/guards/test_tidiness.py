"""Files are short, clean and formatted; tests say what they prove."""

import re
import shutil
import subprocess

import pytest
import tree

MAX_LINES = 600
CODE = {".c", ".h", ".py", ".sh", ".mjs", ".js", ".html", ".css"}
MAX_TEST_LINES = 1000  # with tables of cases
# Written here in two halves, or this file would break its own rules.
OUTSIDE = "/wo" "rk/"
BESIDE = "shar" "ed/"
VECTORS = "AUTH0_JWT_" "VECTORS"
#: Debian 12's clang-format and Debian 13's, which agree about every line of this tree.
FORMATTERS = ("14", "19")


def too_long(text, limit=MAX_LINES):
    return text.count("\n") > limit


def untidy_lines(text):
    """Trailing white space, tabs and carriage returns where they do not belong."""
    return [number for number, line in enumerate(text.split("\n"), 1)
            if line != line.rstrip()]


def test_no_file_of_code_is_too_long_to_read():
    files = [path for path in tree.text_files() if path.suffix in CODE]
    assert not [tree.name(path) for path in files
                if too_long(tree.read(path), MAX_TEST_LINES if tree.name(path).startswith(
                    "tests/") else MAX_LINES)]


def test_no_line_ends_in_white_space():
    problems = {tree.name(path): untidy_lines(tree.read(path))
                for path in tree.text_files()}
    assert not {path: lines for path, lines in problems.items() if lines}


def test_every_file_ends_with_a_line_end():
    assert not [tree.name(path) for path in tree.text_files()
                if tree.read(path) and not tree.read(path).endswith("\n")]


def test_the_guard_sees_long_files_and_white_space():
    assert too_long("line\n" * (MAX_LINES + 1)) and not too_long("line\n" * MAX_LINES)
    assert untidy_lines("good\nbad \ngood\nbad\r\n\tgood\n") == [2, 4]


def clang_format(*arguments, text=None):
    return subprocess.run(["clang-format", *arguments], cwd=tree.TOP, input=text,
                          capture_output=True, text=True)


@pytest.mark.skipif(not shutil.which("clang-format"), reason="clang-format is not installed")
def test_the_c_code_is_formatted():
    version = re.search(r"version (\d+)", clang_format("--version").stdout).group(1)
    if version not in FORMATTERS:
        pytest.skip(f"clang-format {version} may lay code out in another way")
    result = clang_format("--dry-run", "--Werror", *map(tree.name, tree.c_files()))
    crooked = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", result.stderr, re.M)))
    assert crooked == [], "run: make -f Makefile.apxs format"
    assert result.returncode == 0, result.stderr
    other = clang_format("--dry-run", "--Werror", "--assume-filename=a.c",
                           text="int f(void) { return 1;}\n")
    assert other.returncode != 0, "clang-format accepts anything"


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_shell_scripts_are_free_of_known_mistakes():
    scripts = [path for path in tree.text_files()
               if tree.read(path).startswith(("#!/bin/sh", "#!/bin/bash"))]
    sourced = [path for path in tree.text_files()
               if path.suffix == ".sh" and path not in scripts]
    assert scripts
    # Those that others source come along, so that it follows them.
    result = subprocess.run(["shellcheck", *scripts, *sourced], cwd=tree.TOP,
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert not [tree.name(path) for path in scripts
                if not re.search(r"^set -eu", tree.read(path), flags=re.M)]


def outside_references(text):
    """Lines that need something outside of the repository."""
    lines = text.split("\n")
    return [number for number, line in enumerate(lines, 1)
            if OUTSIDE in line or re.search(rf"\b{BESIDE}", line)
            and VECTORS not in line and VECTORS not in lines[number - 2]]


def test_only_the_test_vectors_are_looked_for_outside_of_the_repository():
    problems = {tree.name(path): outside_references(tree.read(path))
                for path in tree.text_files()}
    assert not {path: lines for path, lines in problems.items() if lines}


def test_the_guard_sees_a_reference_to_something_outside():
    assert outside_references(f"see {OUTSIDE}notes") == [1]
    assert outside_references(f"open(../{BESIDE}vectors)") == [1]
    assert not outside_references(f"{VECTORS} ?= ../{BESIDE}vectors")
    assert not outside_references("shared memory")


def test_no_private_key_is_committed():
    """Keys are made when the tests run; a quoted marker is no key."""
    marker = r"^-----BEGIN [A-Z ]*PRIVATE KEY-----$\n^[A-Za-z0-9+/=]{32}"
    assert not [tree.name(path) for path in tree.text_files()
                if re.search(marker, tree.read(path), flags=re.M)]


def vague_names(path, text):
    """Tests whose name is not a sentence: three words or more."""
    if path.endswith(".py"):
        found = re.findall(r"^\s*(?:async )?def test_(\w+)\(", text, flags=re.M)
    elif path.endswith(".mjs"):
        found = [re.sub(r"\W+", "_", name) for name in
                 re.findall(r"^\s*test\([`'\"](.*)[`'\"], ", text, flags=re.M)]
    else:
        found = re.findall(r"^START_TEST\((?:test_)?(\w+)\)", text, flags=re.M)
    return [name for name in found if len(name.split("_")) < 3]


def test_every_test_says_in_its_name_what_it_proves():
    files = [path for path in tree.text_files()
             if path.name.startswith("test_") or path.name.endswith(".test.mjs")]
    assert files
    problems = {tree.name(path): vague_names(path.name, tree.read(path)) for path in files}
    assert not {path: names for path, names in problems.items() if names}


def test_the_guard_sees_a_vague_name():
    assert vague_names("test_a.py", "def test_jws():\n    def test_it_works_well():\n") == ["jws"]
    assert vague_names("test_a.c", "START_TEST(test_verify)\n") == ["verify"]
    assert not vague_names("test_a.c", "START_TEST(rejects_rs512_when_pinned)\n")
    assert vague_names("a.test.mjs", "test('login', async () => {\n") == ["login"]
    assert not vague_names("a.test.mjs", "  test(`a user of ${x} logs in`, () => {\n")
