"""The recipes of docs/guide.md: their configurations and what their curl lines promise."""

import os
import re
import subprocess

import pytest

from . import pages

PAGE = "docs/guide.md"
AUDIENCE = "https://hello-world.example.com"

#: The headings whose configuration some test loads.
EXERCISED = set()

#: A real curl that asks this server whatever the host is called, and tells the status.
CURL = """set -eu
curl() {
    command curl -s -o /dev/null -w '%{http_code}\\n' --noproxy '*' --max-time 10 \\
        --connect-to "::127.0.0.1:$PORT" "$@"
}
"""


def curl_lines(text):
    """(command, status it promises or None) of the curl lines of a section."""
    commands = [line for _, block in pages.blocks(text, "")
                for line in block.replace("\\\n", " ").splitlines()
                if line.startswith("curl ")]
    split = [re.fullmatch(r"(.*?)(?: +# (\d{3}))?", line) for line in commands]
    return [match.groups() for match in split]


class Recipe:
    def __init__(self, heading, text):
        self.heading = heading
        self.configurations = [block for _, block in pages.blocks(text)]
        self.curls = curl_lines(text)

    def ask(self, port, fields):
        """What curl gets for each line. fields: what "$NAME" stands for."""
        # The servers of the tests speak no TLS; an Origin stays what it is.
        script = CURL + "\n".join(re.sub(r"(?<!Origin: )https://", "http://", command)
                                  for command, _ in self.curls)
        environment = {"PATH": os.environ["PATH"], "PORT": str(port), **fields}
        done = subprocess.run(["bash", "-c", script], env=environment, text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def assert_keeps_its_word(self, server, fields):
        got = self.ask(server.port, fields)
        promised = [status for _, status in self.curls]
        assert got == promised, "\n".join(
            f"{status} {'' if status == word else 'not '}{line}"
            for status, word, line in zip(got, promised,
                                          [line for line, _ in self.curls]))


def recipes():
    return [Recipe(heading, text) for heading, text in pages.sections(pages.read(PAGE))]


def recipe(heading):
    """A test with this mark gets the recipe of that heading as `example`."""
    found = [one for one in recipes() if one.heading == heading]
    assert len(found) == 1, f"{len(found)} sections of {PAGE} are called {heading!r}"
    EXERCISED.add(heading)
    return pytest.mark.parametrize("example", found, ids=[heading.replace(" ", "-")])


def htaccess_server(issuer):
    return (f"Auth0CAFile {issuer.ca_file}\nAuth0TrustedDomains {issuer.domain}\n"
            '<Directory "${DOCS}">\n    AllowOverride AuthConfig\n</Directory>\n')


@pytest.fixture
def serve(httpd, issuer, example):
    """Starts a server with the recipe's configuration, and asks all its curl lines.

    changes: what to replace in it, besides the tenant, each of which must be there.
    before: what stands before it. tokens: good= for $GOOD, and so on; good= is $TOKEN, too.
    """
    served = []

    def start(changes=(), files=None, before="", modules=(), **tokens):
        (block,) = example.configurations
        for old, new in dict(changes).items():
            assert old in block, f"{old!r} is not in the recipe"
            block = block.replace(old, new)
        files = dict(files or {})
        if pages.is_htaccess(block):
            config = htaccess_server(issuer)
            files["htdocs/.htaccess"] = pages.with_issuer(issuer, block)
        else:
            config = pages.trusting(issuer, block)
        # Quiet but for what a recipe itself asks for.
        server = httpd(before + config, files=files, modules=modules, log_level="warn")
        fields = {name.upper(): f"Authorization: Bearer {token}"
                  for name, token in tokens.items()}
        fields["TOKEN"] = tokens.get("good", "")
        example.assert_keeps_its_word(server, fields)
        served.append(server)
        return server

    yield start
    assert served, "the test did not load the recipe"
