"""The files that the container image is made of agree with each other and with their page."""

import re

import tree

PAGE = "docs/docker.md"


def settings():
    """The variables that a container reads."""
    source = tree.read("image/settings.sh")
    loop = re.search(r"^    for name in ((?:[A-Z0-9_ ]|\\\n)+); do$", source, flags=re.M)
    return set(loop.group(1).replace("\\\n", " ").split())


def rows(page):
    """The variables in the first column of a table."""
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", page, flags=re.M))


def used(page):
    """Variables that commands and examples of the page set."""
    return set(re.findall(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?=[=:,]| *=)", page)) | \
        set(re.findall(r"\{name: (\w+)", page))


def test_every_variable_of_the_image_is_documented_and_no_other():
    page = tree.read(PAGE)
    assert rows(page) == settings()
    assert used(page) - settings() == set()


def test_the_guard_reads_rows_and_examples():
    page = "| `A_B` | x |\ndocker -e A_C=1\n      A_D: x\n- {name: AE, value: x}\n"
    assert rows(page) == {"A_B"}
    assert used(page) == {"A_C", "A_D", "AE"}


def test_every_variable_of_the_env_example_means_something_to_the_image():
    names = set(re.findall(r"^#?([A-Z0-9_]+)=", tree.read(".env.example"), flags=re.M))
    assert names - settings() == set()


def test_the_build_gets_what_it_copies_and_nothing_else():
    """Above all no .env, which may hold a tenant's settings, and no run/ with its key."""
    ignored = tree.read(".dockerignore").splitlines()
    lines = [line for line in ignored if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line.removeprefix("!") for line in lines[1:] if line.startswith("!")}
    assert len(allowed) == len(lines) - 1
    copied = set()
    for arguments in re.findall(r"^COPY (?!--from)(.*)$", tree.read("Dockerfile"), flags=re.M):
        copied |= {name.split("/")[0] for name in arguments.split()[:-1]}
    assert copied == allowed


def test_the_page_lists_the_modules_that_are_loaded():
    source = tree.read("image/server.sh") + tree.read("tools/sample.sh")
    loaded = set()
    for words in re.findall(r"(?:\$error_log\"|load_modules mpm_event)((?:[a-z_ ]|\\\n)+)",
                            source):
        loaded |= set(words.replace("\\\n", " ").split())
    loaded -= {"unixd", "log_config", "watchdog"}
    said = re.search(r"loaded: this one, (.*?);", tree.read(PAGE), flags=re.S).group(1)
    assert set(re.findall(r"\w+", said)) - {"and"} == loaded
