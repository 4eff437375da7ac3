"""The pages of this tree and the configurations in them."""

import re

from .paths import TOP

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
