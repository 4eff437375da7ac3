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


def section(page, heading):
    """A section of a page with all below it; None when it has none of that name."""
    match = re.search(rf"^(#+) *{heading}[^\n]*\n(.*?)(?=^\1 |\Z)", page, flags=re.M | re.S)
    return match and match.group(2)


def reason_rows(page):
    """The rows of the tables of a section Reasons: name -> the other columns."""
    rows = re.findall(r"^\| *`([a-z0-9_]+)` *\|(.*)\|$", section(page, "Reasons") or "",
                      flags=re.M)
    assert len(dict(rows)) == len(rows), "a reason stands there twice"
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


def test_every_reason_is_explained_in_the_manual_and_no_other():
    assert set(reason_rows(tree.read("docs/errors.md"))) == reasons()


def test_every_reason_comes_with_what_it_means_and_what_to_do():
    poor = {name: cells for name, cells in reason_rows(tree.read("docs/errors.md")).items()
            if len(cells) != 2 or not all(cell.endswith((".", "?")) for cell in cells)}
    assert poor == {}


def test_the_guard_reads_only_the_rows_of_the_section_on_reasons():
    page = ("## Errors\n| `E1` |\n| `not_this` | x |\n## Reasons\n### Some\n"
            "| name | what | do |\n|---|---|---|\n| `expired` | Old. | Get a new one. |\n"
            "## Development\n| `nor_this` | x |\n")
    assert reason_rows(page) == {"expired": ["Old.", "Get a new one."]}
    assert reason_rows("# Nothing here\n") == {}


def sentences():
    """The table of reasons: sentence -> names of the reasons that have it."""
    source = tree.read("src/token/reason.c")
    words = dict(re.findall(r'^#define (\w+) "([^"]*)"', source, flags=re.M))
    found = {}
    for name, text in re.findall(r'\{"([a-z0-9_]+)",\s*OUTCOME_\w+,\s*("[^"]*"|\w+)\}', source):
        sentence = text.strip('"') if text.startswith('"') else words[text]
        found.setdefault(sentence, set()).add(name)
    found.pop("")
    return found


def described(page):
    """The same from the section The descriptions."""
    rows = re.findall(r"^\| ([A-Z][^|`]*) \| (`.*`) \|$", section(page, "The descriptions") or "",
                      flags=re.M)
    return {sentence: set(re.findall(r"`(\w+)`", names)) for sentence, names in rows}


def test_the_manual_has_every_description_with_its_reasons():
    page = tree.read("docs/errors.md")
    assert described(page) == sentences()
    changed = page.replace("| The access token has expired |", "| The token has expired |")
    assert described(changed) != sentences()


def readme_rows():
    """What the tables of the README's section Directives link to: name -> anchor."""
    return dict(re.findall(r"^\| \[`?((?:Auth0|Require|SetHandler)[^`\]]*)`?\]"
                           r"\(docs/directives\.md#([^)]*)\) \|",
                           section(tree.read("README.md"), "Directives"), flags=re.M))


def test_the_readme_has_a_row_for_every_directive_and_requirement():
    rows = readme_rows()
    assert {name for name in rows if name.startswith("Auth0")} == directives()
    required = {name.split()[1] for name in rows if name.startswith("Require ")}
    headings = {heading.split()[1] for heading in sections(tree.read("docs/directives.md"))
                if heading.startswith("Require ")}
    assert required == headings
    for name, anchor in rows.items():
        words = name.split()[:2] if name.startswith("Require") else [name]
        assert anchor == "-".join(words).lower(), name


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
