"""The directive table, the pages and the sample configurations say the same."""

import re
import subprocess

import pytest
import tree

FIELDS = ["Syntax", "Default", "Context", "Override"]
DIRECTIVE = r"\bAuth0[A-Z][A-Za-z0-9]*\b"
# Names that look like a directive and are none (the AuthType is plain Auth0): of alerts,
# and of the module's lines in mod_status.
NOT_DIRECTIVES = (
    set(re.findall(r"- alert: (\w+)", tree.read("conf/prometheus-alerts.yml")))
    | set(re.findall(r'\{"(Auth0\w+)",', tree.read("src/httpd/status_block.c")))
    | {"Auth0Issuers"})


def directives():
    """The names in the tables of AP_INIT_... rows."""
    names = set()
    for path in (tree.TOP / "src/httpd").glob("*.c"):
        source = tree.without_comments(tree.read(path))
        names |= set(re.findall(r'\bAP_INIT_\w+\s*\(\s*"(Auth0\w+)"', source))
    assert names, "no AP_INIT_ row found in src/httpd"
    return names


def requirements():
    names = set()
    for path in (tree.TOP / "src/httpd").glob("*.c"):
        names |= set(re.findall(r'"(auth0-[a-z]+)"',
                                tree.without_comments(tree.read(path))))
    return names


def sections(page):
    """Heading -> text, for the second-level sections of a page."""
    parts = re.split(r"^## +(\S[^\n]*)\n", page, flags=re.M)
    return {heading.strip().strip("`"): text
            for heading, text in zip(parts[1::2], parts[2::2])}


def missing_parts(directive, text):
    """What the section of a directive lacks."""
    missing = [field for field in FIELDS
               if not re.search(rf"^\W*\*\*{field}:\*\* +\S", text, flags=re.M)]
    examples = re.findall(r"^```apache\n(.*?)^```", text, flags=re.M | re.S)
    if not any(re.search(rf"^\s*{directive}\s+\S", example, flags=re.M)
               for example in examples):
        missing.append("example")
    return missing


def test_every_directive_has_its_section_and_every_section_its_directive():
    documented = {heading for heading in sections(tree.read("docs/directives.md"))
                  if re.fullmatch(DIRECTIVE, heading)}
    assert documented == directives()


def test_every_section_gives_syntax_default_context_override_and_an_example():
    found = sections(tree.read("docs/directives.md"))
    problems = {name: missing_parts(name, found.get(name, "")) for name in directives()}
    assert not {name: missing for name, missing in problems.items() if missing}


def test_the_guard_sees_what_a_section_lacks():
    good = ("**Syntax:** `Auth0Leeway seconds`\n**Default:** `5`\n**Context:** server\n"
            "**Override:** AuthConfig\n\nText.\n\n```apache\nAuth0Leeway 10\n```\n")
    assert missing_parts("Auth0Leeway", good) == []
    assert missing_parts("Auth0Leeway", good.replace("**Default:** `5`\n", "")) == ["Default"]
    assert missing_parts("Auth0Leeway", good.replace("Auth0Leeway 10", "")) == ["example"]
    assert missing_parts("Auth0Leeway", "") == [*FIELDS, "example"]


def unknown_directives(text, known):
    return sorted(set(re.findall(DIRECTIVE, text)) - known - NOT_DIRECTIVES)


def test_no_page_or_sample_names_a_directive_that_does_not_exist():
    known = directives()
    files = [path for path in tree.text_files()
             if path.suffix in (".md", ".conf") or path.name in ("run.sh", ".env.example")]
    problems = {tree.name(path): unknown_directives(tree.read(path), known)
                for path in files}
    assert not {path: found for path, found in problems.items() if found}


def test_the_guard_sees_a_directive_that_does_not_exist():
    assert unknown_directives("    Auth0Domian x\n", {"Auth0Domain"}) == ["Auth0Domian"]
    assert unknown_directives("Auth0's Auth0Domain, Auth0.", {"Auth0Domain"}) == []


def test_the_samples_use_only_requirements_that_exist():
    used = set()
    for path in (tree.TOP / "conf").glob("*.conf"):
        used |= set(re.findall(r"^\s*Require\s+(auth0-\S+)", tree.read(path), flags=re.M))
    assert used, "no Require auth0-... found in conf/"
    assert used <= requirements()


def reasons():
    """The names in the table of reasons, without the one that is no failure."""
    names = set(re.findall(r'\{\s*"([a-z0-9_]+)"\s*,\s*OUTCOME_',
                           tree.without_comments(tree.read("src/token/reason.c"))))
    assert len(names) > 10, "the table of reasons was not understood"
    return names - {"ok"}


def reason_rows(page):
    """The names in the first column of the tables of a section Troubleshooting."""
    match = re.search(r"^(#+) *Troubleshooting[^\n]*\n(.*?)(?=^\1 |\Z)", page,
                      flags=re.M | re.S)
    return set(re.findall(r"^\| *`([a-z0-9_]+)` *\|", match.group(2), flags=re.M)) \
        if match else set()


def test_every_reason_is_explained_under_troubleshooting_and_no_other():
    explained = set()
    for path in tree.pages():
        explained |= reason_rows(tree.read(path))
    assert explained == reasons()


def test_the_guard_reads_only_the_rows_of_the_troubleshooting_section():
    page = ("## Errors\n| `E1` |\n| `not_this` | x |\n## Troubleshooting\n"
            "| name | what |\n|---|---|\n| `expired` | old |\n## Development\n| `nor_this` |\n")
    assert reason_rows(page) == {"expired"}
    assert reason_rows("# Nothing here\n") == set()


def phony_targets(makefile):
    joined = makefile.replace("\\\n", " ")
    return {target for line in re.findall(r"^\.PHONY:(.*)$", joined, flags=re.M)
            for target in line.split()}


def test_make_help_names_every_target():
    targets = phony_targets(tree.read("Makefile.apxs"))
    assert {"run", "test"} <= targets
    text = subprocess.run(["make", "-s", "-f", "Makefile.apxs", "help"], cwd=tree.TOP,
                          capture_output=True, check=True, text=True).stdout
    named = set(re.findall(r"^ +(\S+) +\S", text, flags=re.M))
    assert targets - named == set()


@pytest.mark.parametrize("variable", ["AUTH0_DOMAIN", "AUTH0_AUDIENCE", "CLIENT_ORIGIN_URL"])
def test_the_env_example_has_every_variable_of_the_samples(variable):
    assert re.search(rf"^{variable}=\S", tree.read(".env.example"), flags=re.M)
    for path in (tree.TOP / "conf").glob("*.conf"):
        assert f"${{{variable}}}" in tree.read(path), tree.name(path)


def named_tests(page):
    """What looks like a test's name: lower case, with two underscores at least."""
    return set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`", page))


def existing_tests():
    names = set()
    for path in tree.text_files():
        if tree.name(path).startswith("tests/"):
            names |= set(re.findall(r"^START_TEST\((\w+)\)|^def (test_\w+)\(",
                                    tree.read(path), flags=re.M))
    return {name for pair in names for name in pair if name}


def test_every_claim_of_the_security_page_names_tests_that_exist():
    named = named_tests(tree.read("docs/security.md"))
    assert len(named) > 20
    assert named - existing_tests() == set()


def test_the_guard_tells_a_tests_name_from_other_words():
    assert named_tests("`a_b_c`, `crit`, `x5u`, `rejects_what_is_not`, a_b_c_d") == \
        {"a_b_c", "rejects_what_is_not"}
