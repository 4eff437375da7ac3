"""The commands of the pages: what they name exists; a test runs each block, or it says why not."""

import re

import tree
from test_documentation import existing_tests, phony_targets

#: Blocks without a language of their own, or of the shell, by page and heading, with the test
#: that runs or compares them. What begins with "-" says why there is none.
BLOCKS = {
    "README.md": {
        "mod_auth0_jwt": "test_the_commands_of_the_first_screen_are_targets_of_make",
        "Try it": "test_run_prints_what_the_readme_shows",
        "Set up Auth0": "- asks a tenant",
        "The command line tool": "test_the_command_line_tool_does_what_the_readme_shows"},
    "CONTRIBUTING.md": {
        "Build and test": "test_every_target_that_a_page_names_exists",
        "Where things are": "test_every_path_of_a_table_of_folders_exists"},
    "docs/errors.md": {
        "The log": "test_the_log_says_what_the_page_shows_and_only_when_asked"},
    "docs/operations.md": {
        "Keys and their rotation": "test_a_new_document_is_a_line_in_the_log_as_the_page_shows",
        "Outages": "test_the_state_folder_of_the_page_holds_the_keys_over_a_stop",
        "Logs": "test_refusals_are_counted_by_the_command_of_the_page",
        "SELinux": "- needs SELinux, and the page says so"},
    "docs/migration.md": {
        "Log what would be refused":
            "test_what_would_be_refused_is_logged_while_the_old_module_protects"},
    "docs/directives.md": {
        "Auth0StateDir": "test_a_server_that_starts_in_an_outage_has_the_keys",
        "httpd -t -D DUMP_AUTH0": "test_the_example_of_the_page_prints_what_the_page_says"},
    "docs/command-line.md": dict.fromkeys(
        ["A key and a token to try with", "What does a token say?", "Would it be accepted?",
         "Why is it refused?", "At this place of this server?", "Which keys are there?",
         "What is wrong between here and Auth0?", "In scripts"],
        "test_every_example_of_the_page_prints_what_the_page_says"),
    "docs/monitoring.md": {},
    "docs/docker.md": {
        "In a minute": "test_development_prints_lines_that_do_what_they_say",
        "A site": "test_a_mounted_site_is_served_to_valid_tokens_alone",
        "A configuration of your own": "test_mounted_configuration_files_replace_the_sample",
        "Locked down": "test_with_a_tenant_it_serves_the_hello_world_api"},
    "docs/packages.md": {
        "Install": "test_installing_enables_the_module_and_changes_nothing_for_the_site",
        "Protect a folder": "test_an_htaccess_file_protects_the_document_root",
        "Upgrade":
            "test_an_upgrade_restarts_the_server_and_keeps_what_the_administrator_wrote",
        "Remove": "test_a_purge_leaves_nothing_of_the_package",
        "RPM": "- needs Fedora, and the page says that it was not tried",
        "Without a package": "test_everything_is_installed_below_destdir_and_prefix"},
    "docs/performance.md": {
        "How it was measured": "test_every_target_that_a_page_names_exists"},
    "docs/security.md": {},
    "SECURITY.md": {},
    "CHANGELOG.md": {},
}
#: support/guide.py runs every curl line there, and test_guide.py the rest.
GUIDE = "docs/guide.md"


def parts(page):
    """(heading, language, text) of each block; the language None for what is between them."""
    heading, language, lines = None, None, []
    for line in page.splitlines():
        if line.startswith("```"):
            yield heading, language, "\n".join(lines)
            language, lines = (line[3:].strip() if language is None else None), []
            continue
        if language is None and re.match(r"#+ +\S", line):
            yield heading, None, "\n".join(lines)
            heading, lines = line.lstrip("#").strip(), []
        lines.append(line)
    yield heading, language, "\n".join(lines)


def shell_blocks(page):
    """The headings of a page that have a block of commands or of what they print."""
    return {heading for heading, language, _ in parts(page)
            if language in ("", "sh", "console")}


def test_every_block_of_commands_is_run_by_a_test_or_says_why_not():
    assert {tree.name(path) for path in tree.pages()} == {*BLOCKS, GUIDE}
    for page, known in BLOCKS.items():
        assert shell_blocks(tree.read(page)) == set(known), page
    named = {test for known in BLOCKS.values() for test in known.values()
             if not test.startswith("- ")}
    assert named - existing_tests() == set()


def test_the_guard_sees_a_block_that_nobody_runs():
    page = "# A\n```apache\nX y\n```\n## B\ntext\n```sh\n# no heading\nrm x\n```\n"
    assert shell_blocks(page) == {"B"}
    assert shell_blocks(page + "### C\n```\nls\n```\n") == {"B", "C"}
    assert shell_blocks(page.replace("```sh", "```json")) == set()


def make_targets(text):
    """What stands behind `make -f Makefile.apxs`, less variables."""
    found = set()
    for words in re.findall(r"make -f Makefile\.apxs((?: +[A-Za-z0-9_./=-]+)*)", text):
        for word in words.split():
            if not re.fullmatch(r"[a-z][a-z0-9_./-]*", word):
                if "=" in word:
                    continue
                break
            found.add(word)
    return found


def code_of(page):
    """All code of a page, in blocks and within lines."""
    return "\n".join(text if language is not None else
                     "\n".join(" ".join(one.split()) for one in re.findall(r"`([^`]+)`", text))
                     for _, language, text in parts(page))


def unknown_targets(page, known):
    code = re.sub(r"#.*|&&.*", "", code_of(page))
    named = make_targets(code)
    return sorted(target for target in named - known if not target.startswith("build/"))


def test_every_target_that_a_page_names_exists():
    known = phony_targets(tree.read("Makefile.apxs"))
    problems = {tree.name(path): unknown_targets(tree.read(path), known)
                for path in tree.pages()}
    assert not {page: found for page, found in problems.items() if found}


def test_the_guard_sees_a_target_that_does_not_exist():
    page = "Type `make -f Makefile.apxs tset`.\n```\nmake -f Makefile.apxs run # and more\n```\n"
    assert unknown_targets(page, {"run", "test"}) == ["tset"]
    assert unknown_targets(page.replace("tset", "test X=1 run"), {"run", "test"}) == []


def test_every_file_of_the_tree_that_a_command_names_exists():
    missing = {}
    for path in tree.pages():
        words = re.findall(r"(?<![\w/.-])(?:tests|tools|src|docs)/[\w./-]*\w",
                           code_of(tree.read(path)))
        absent = sorted(word for word in set(words) if not (tree.TOP / word).exists())
        if absent:
            missing[tree.name(path)] = absent
    assert missing == {}


def test_every_path_of_a_table_of_folders_exists():
    (block,) = re.findall(r"^```\n(mod_auth0_jwt\.c .*?)^```$", tree.read("CONTRIBUTING.md"),
                          flags=re.M | re.S)
    names = re.findall(r"^(\S+)  ", block, flags=re.M)
    assert len(names) > 5
    assert [name for name in names if not (tree.TOP / name).exists()] == []
