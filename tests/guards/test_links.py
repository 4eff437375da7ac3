"""Every link of every page leads somewhere, and every page can be found from the README.

Nothing is fetched: of an outside address only its form and its host are judged.
"""

import posixpath
import re
import urllib.parse

import pytest
import tree

#: Hosts that a page may name. What stands for somebody's own is under EXAMPLES.
HOSTS = {
    "httpd.apache.org", "www.apache.org", "manage.auth0.com", "auth0.com", "github.com",
    "keepachangelog.com", "semver.org", "www.rfc-editor.org", "prometheus.io",
    "www.debian.org",
}
#: RFC 2606 and 6761; this machine; and the tenants that the pages speak of.
EXAMPLES = re.compile(r"(.+\.)?(example\.(com|org|net)|example|invalid|test)"
                      r"|localhost|127\.0\.0\.1|\[::1\]|tenant\.(us|eu)\.auth0\.com"
                      r"|[a-z]+(?=:\d)")  # a container's name, always with a port

FENCE = re.compile(r"^( *)(```+|~~~+)[^\n]*\n.*?^\1\2[`~]*[ \t]*$", re.M | re.S)
CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
INLINE = re.compile(r"(!?)\[((?:[^\[\]]|\\.|\[[^\]]*\])*)\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\))?)>?"
                    r"(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^ {0,3}\[([^\]]+)\]:\s*(\S+)", re.M)
REFERENCE = re.compile(r"\[[^\[\]]+\]\[([^\[\]]*)\]")
URL = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>`|\\)\]}…]*", re.I)
HTML = re.compile(r"<(?:a|img)\b[^>]*>", re.I)
#: Words that stand for a part of an address, in a line of syntax.
PLACEHOLDER = re.compile(r"https?://(?:domain(?:/.*)?|host(?::port)?|\{.*)?")
IMAGES = (".svg", ".png", ".jpg", ".gif")


def blank(match):
    """Nothing but line ends, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def prose(text):
    """A page without what stands in code."""
    return CODE.sub(blank, FENCE.sub(blank, text))


def anchors(text):
    """The names that GitHub gives to headings: a second one of a name gets -1."""
    found, seen = set(), {}
    for line in re.findall(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", FENCE.sub(blank, text), re.M):
        line = INLINE.sub(lambda link: link.group(2), line).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", line.strip().lower()).replace(" ", "-")
        number = seen.get(name, 0)
        seen[name] = number + 1
        found.add(f"{name}-{number}" if number else name)
    return found


def links(text):
    """(line, is an image, words, target) of each link."""
    plain = prose(text)
    for match in INLINE.finditer(plain):
        # The words of a link may be code, which prose() has blanked.
        words = text[match.start(2):match.end(2)]
        yield plain.count("\n", 0, match.start()) + 1, bool(match.group(1)), words, \
            match.group(3)
    for match in DEFINITION.finditer(plain):
        yield plain.count("\n", 0, match.start()) + 1, False, match.group(1), match.group(2)


def split(page, target):
    """The file that a relative link means, from the top of the tree, and its anchor."""
    path, _, anchor = target.partition("#")
    if not path:
        return page, anchor
    joined = posixpath.join(posixpath.dirname(page), urllib.parse.unquote(path))
    return posixpath.normpath(joined), anchor


def problem_of_link(page, target, pages, files):
    if re.match(r"[a-z][a-z0-9+.-]*:", target, re.I):
        return None if target.startswith(("https://", "http://")) else "not a web address"
    if not target or target.startswith("/"):
        return "not a relative link"
    path, anchor = split(page, target)
    if path not in files and not any(name.startswith(path + "/") for name in files):
        return f"no {path}"
    if anchor and path not in pages:
        return "an anchor in what is no page"
    if anchor and anchor not in anchors(pages[path]):
        return f"no heading #{anchor} in {path}"
    return None


def problem_of_url(url):
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "malformed"
    if not re.fullmatch(r"[a-z0-9.-]+|::1", host) or ".." in host or parts.username:
        return "malformed"
    if host in HOSTS:
        return None if parts.scheme == "https" else "not https"
    netloc = parts.netloc.rpartition("@")[2]
    is_example = EXAMPLES.fullmatch(host) or EXAMPLES.fullmatch(netloc) \
        or re.fullmatch(r"[a-z]+:\d+", netloc) or netloc.startswith("[::1]")
    return None if is_example else f"the host {host} is not on the list"


def problems_of_page(page, pages, files):
    """What is wrong in a page: "file:line: what"."""
    text, found = pages[page], []

    def note(line, what):
        found.append(f"{page}:{line}: {what}")

    for line, is_image, words, target in links(text):
        problem = problem_of_link(page, target, pages, files)
        if problem:
            note(line, f"{target}: {problem}")
        if not words.strip():
            note(line, f"{target}: {'an image' if is_image else 'a link'} without words")
    plain = prose(text)
    names = {name.lower() for name, _ in DEFINITION.findall(plain)}
    for match in REFERENCE.finditer(plain):
        words = match.group(1) or match.group(0)[1:-3]
        if words.lower() not in names:
            note(plain.count("\n", 0, match.start()) + 1, f"{match.group(0)}: no such name")
    for match in HTML.finditer(plain):
        note(plain.count("\n", 0, match.start()) + 1, "HTML for a link or an image")
    for match in URL.finditer(text):
        url = match.group(0).rstrip(".,;:")
        if "$" not in url and not PLACEHOLDER.fullmatch(url) and problem_of_url(url):
            note(text.count("\n", 0, match.start()) + 1, f"{url}: {problem_of_url(url)}")
    return found


def targets(page, pages):
    """The files that a page leads to, or shows."""
    return {split(page, target)[0] for _, _, _, target in links(pages[page])
            if not re.match(r"[a-z][a-z0-9+.-]*:", target, re.I)}


def reachable(pages, start="README.md"):
    """Every file that is linked or shown on the way from the README."""
    found, open_ends = {start}, [start]
    while open_ends:
        for name in targets(open_ends.pop(), pages):
            if name not in found:
                found.add(name)
                if name in pages:
                    open_ends.append(name)
    return found


def problems(pages, files):
    found = [problem for page in sorted(pages)
             for problem in problems_of_page(page, pages, files)]
    known = reachable(pages)
    found += [f"{page}: cannot be reached from README.md" for page in sorted(pages)
              if page not in known]
    return found + [f"{name}: no page shows it" for name in sorted(files)
                    if name.startswith("docs/") and name.endswith(IMAGES)
                    and name not in known]


@pytest.fixture(scope="module")
def pages():
    return {tree.name(path): tree.read(path) for path in tree.pages()}


@pytest.fixture(scope="module")
def files():
    """What is in the repository: a file that somebody has beside it does not count."""
    listed = tree.listed_by_git()
    paths = listed if listed is not None else tree.TOP.rglob("*")
    return {tree.name(path) for path in paths if path.is_file()}


def test_every_link_leads_somewhere_and_every_page_can_be_found(pages, files):
    assert len(pages) > 8 and sum(len(list(links(text))) for text in pages.values()) > 100
    assert problems(pages, files) == []


def uneven_rows(text):
    """The lines of tables that have more or fewer cells than the table's head. A | in code
    ends a cell too, unless it is written \\|."""
    found, width = [], None
    for number, line in enumerate(FENCE.sub(blank, text).splitlines(), 1):
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        if cells != width or not line.rstrip().endswith("|"):
            found.append(number)
    return found


def test_every_row_of_a_table_has_the_cells_of_its_head(pages):
    problems = {page: uneven_rows(text) for page, text in pages.items()}
    assert not {page: lines for page, lines in problems.items() if lines}


def test_the_guard_sees_a_row_with_a_cell_too_many():
    table = "| a | b |\n|---|---|\n| `x` | y |\n\n| c |\n|---|\n"
    assert uneven_rows(table) == []
    assert uneven_rows(table.replace("`x`", "`x|z`")) == [3]
    assert uneven_rows(table.replace("`x`", "`x\\|z`")) == []


# ---- the guard itself ------------------------------------------------------------------

SOUND = {
    "README.md": "# Top\n[a](docs/a.md#one-two), [code `x`](src/x.c), [down](#top), [folder](src)"
                 "\n"
                 "[one][1], <https://www.example.com/>, `[not](a-link)`\n\n[1]: docs/b.md\n"
                 "```\n[nor](this)\n```\n",
    "docs/a.md": "## One, two!\n## One, two!\n![A picture](p.svg)\n[up](../README.md)\n",
    "docs/b.md": "[second](a.md#one-two-1)\n",
}
FILES = {*SOUND, "src/x.c", "docs/p.svg"}


def test_the_guard_finds_nothing_in_sound_pages():
    assert problems(SOUND, FILES) == []


@pytest.mark.parametrize("page, old, new, complaint", [
    ("README.md", "docs/a.md#one-two", "docs/A.md#one-two", "README.md:2: docs/A.md#one-two: no"),
    ("README.md", "#one-two", "#one--two", "no heading #one--two in docs/a.md"),
    ("README.md", "(#top)", "(#bottom)", "no heading #bottom in README.md"),
    ("README.md", "src/x.c", "src/y.c", "no src/y.c"),
    ("README.md", "src/x.c", "src/x.c#L10", "an anchor in what is no page"),
    ("README.md", "(src)", "(/src)", "not a relative link"),
    ("README.md", "(src)", "()", "not a relative link"),
    ("README.md", "(src)", "(../src)", "no ../src"),
    ("README.md", "[1]: docs/b.md", "", "docs/b.md: cannot be reached"),
    ("README.md", "[one][1]", "[one][2]", "no such name"),
    ("README.md", "[1]: docs/b.md", "[1]: docs/c.md", "README.md:5: docs/c.md: no docs/c.md"),
    ("README.md", "www.example.com", "www.elsewhere.com", "elsewhere.com is not on the list"),
    ("README.md", "www.example.com", "domain.com", "domain.com is not on the list"),
    ("README.md", "www.example.com", "www..example.com", "malformed"),
    ("README.md", "https://www.example.com/", "https://user@www.example.com/", "malformed"),
    ("README.md", "https://www.example.com/", "http://github.com/", "not https"),
    ("README.md", "[down]", "[ ]", "a link without words"),
    ("docs/a.md", "A picture", "", "an image without words"),
    ("docs/a.md", "![A picture](p.svg)", "", "docs/p.svg: no page shows it"),
    ("docs/a.md", "![A picture](p.svg)", '<img src="p.svg">', "HTML for a link"),
    ("docs/a.md", "![A picture](p.svg)", "![A picture](q.svg)", "no docs/q.svg"),
    ("docs/a.md", "## One, two!\n## One, two!", "## One, two!", "no heading #one-two-1"),
    ("docs/a.md", "../README.md", "mailto:a@example.com", "not a web address"),
    ("docs/a.md", "## One, two!\n## ", "```\n## One, two!\n```\n## ", "no heading #one-two-1"),
])
def test_the_guard_sees_what_is_broken_in_a_copy(page, old, new, complaint):
    assert SOUND[page].count(old) >= 1
    broken = {**SOUND, page: SOUND[page].replace(old, new)}
    assert [one for one in problems(broken, FILES) if complaint in one], \
        problems(broken, FILES)


@pytest.mark.parametrize("heading, name", [
    ("## Auth0Domain", "auth0domain"),
    ("## httpd -t -D DUMP_AUTH0", "httpd--t--d-dump_auth0"),
    ("### mod_oauth2: what each answers", "mod_oauth2-what-each-answers"),
    ("## Traps of httpd's own", "traps-of-httpds-own"),
    ("## `Require` lines", "require-lines"),
    ("## [1.0.0] - 2026-11-22", "100---2026-11-22"),
    ("## See [the guide](guide.md) ##", "see-the-guide"),
])
def test_anchors_are_named_as_github_names_them(heading, name):
    assert anchors(f"{heading}\ntext\n") == {name}
