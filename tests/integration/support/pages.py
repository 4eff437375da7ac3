"""The pages of this tree and the configurations in them."""

import re

import pytest

from .paths import TOP

DIRECTIVES = "docs/directives.md"
MONITORING = "docs/monitoring.md"
README = "README.md"

LOAD = r"^LoadModule +(\w+)_module +modules/mod_(\w+)\.so$"


def read(page):
    return (TOP / page).read_text("utf-8")


def blocks(text, language="apache"):
    """The blocks of a language: (line of the page where it begins, text)."""
    return [(text.count("\n", 0, match.start()) + 2, match.group(2))
            for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, flags=re.M | re.S)
            if match.group(1) == language]


def sections(text):
    """(heading, text up to the next heading of any level), but for the page's title."""
    hidden = re.sub(r"^```.*?^```", lambda block: re.sub(r"(?m)^#", "-", block.group(0)),
                    text, flags=re.M | re.S)
    places = [(match.group(1), match.end(), match.start())
              for match in re.finditer(r"^##+ +(.+)\n", hidden, flags=re.M)]
    ends = [start for _, _, start in places[1:]] + [len(text)]
    return [(heading, text[begin:end])
            for (heading, begin, _), end in zip(places, ends)]


def is_htaccess(block):
    return re.match(r"#.*\.htaccess\n", block) is not None


def without_load_lines(block):
    """The modules are loaded already; what is left keeps its line numbers."""
    return re.sub(LOAD, "", block, flags=re.M)


def with_issuer(issuer, block):
    """The example with the tests' issuer in place of the tenant."""
    assert "tenant.us.auth0.com" in block
    return block.replace("tenant.us.auth0.com", issuer.domain)


def trusting(issuer, block):
    """The same, and the test CA with it."""
    return f"Auth0CAFile {issuer.ca_file}\n" + with_issuer(issuer, block)


# ---- the examples that stand for themselves --------------------------------------------

#: The examples that some test loads: (page, name).
EXERCISED = set()


def examples_of(text):
    """Every configuration by its heading, and with a number from the second on."""
    found = {}
    # The title counts as a heading here: the README's first example stands right below.
    for heading, section in sections("#" + text):
        for number, (_, block) in enumerate(blocks(section), 1):
            name = heading if number == 1 else f"{heading} {number}"
            assert name not in found, f"two sections are called {heading!r}"
            found[name] = block
    return found


def example(name, page=DIRECTIVES, argument="block"):
    """A test with this mark gets the configuration of that name as `block`."""
    found = examples_of(read(page))
    assert name in found, f"{page} has no example under {name!r}"
    EXERCISED.add((page, name))
    return pytest.mark.parametrize(argument, [found[name]], ids=[name.replace(" ", "-")])


def changed(block, changes):
    """The block with what is the reader's own (paths, hosts) replaced by the test's."""
    for old, new in changes.items():
        assert old in block, f"{old!r} is not in the example"
        block = block.replace(old, str(new))
    return block
