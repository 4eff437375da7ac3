"""Every example of the pages is a configuration that httpd accepts, as it stands.

An example whose first line is a comment that ends in ".htaccess" is put into such a file
and requested; all others are put into the server's own configuration.
"""

import re

import pytest

from support import paths, tokens
from support.httpd import Httpd
from support.pages import LOAD, blocks, is_htaccess, trusting, without_load_lines
from support.paths import LIBEXECDIR, TOP
from support.tokens import Key

#: All but those with configurations of other modules, which test_examples_migration.py loads.
PAGES = sorted(str(page.relative_to(TOP)) for page in (TOP / "docs").glob("*.md")
               if page.name != "migration.md") + ["README.md"]
# What examples need beyond the usual modules of the tests' servers.
MODULES = ("proxy", "proxy_http", "proxy_fcgi", "auth_basic", "authn_file")

# What the image has in its environment, for the examples of docs/docker.md.
SETTINGS = {"${AUTH0_DOMAIN}": "tenant.us.auth0.com",
            "${AUTH0_AUDIENCE}": "https://hello-world.example.com"}


def here(block):
    """The one folder that has to exist is under the ServerRoot here."""
    for setting, value in SETTINGS.items():
        block = block.replace(setting, value)
    return block.replace("/var/lib/auth0-jwt", "auth0-state")


EXAMPLES = {f"{page}:{line}": here(block)
            for page in PAGES
            for line, block in blocks((TOP / page).read_text("utf-8"))}


SERVER_EXAMPLES = [name for name, block in EXAMPLES.items() if not is_htaccess(block)]
HTACCESS_EXAMPLES = [name for name, block in EXAMPLES.items() if is_htaccess(block)]


@pytest.fixture(scope="module")
def files(authority):
    """What the examples' paths name, under the ServerRoot."""
    return {"conf/auth0/jwks.json": tokens.jwks(Key("RS256", "key-1")),
            "conf/auth0/secret": ("s" * 32, 0o600),
            "conf/auth0/ca.pem": authority.file.read_text(),
            "auth0-state/empty": ""}


@pytest.fixture(scope="module")
def bench(files):
    """One ServerRoot for all examples; `httpd -t` starts nothing."""
    server = Httpd(files=files, modules=MODULES)
    yield server
    server.stop()


def verdict(bench, block):
    """None, or what httpd and the module have to say against an example."""
    bench.configure(without_load_lines(block))
    status, output = bench.configtest()
    rest, warned = re.subn(r"^.*: Auth0ReportOnly is On in .*\n", "", output, flags=re.M)
    # This one warns always, and the others never.
    if warned != block.count("Auth0ReportOnly On"):
        return output
    return None if status == 0 and rest.strip() == "Syntax OK" else output


def test_the_pages_have_examples_of_both_kinds():
    assert len(SERVER_EXAMPLES) > 15 and HTACCESS_EXAMPLES


@pytest.mark.parametrize("name", SERVER_EXAMPLES)
def test_an_example_is_accepted_without_a_warning(bench, name):
    assert verdict(bench, EXAMPLES[name]) is None, verdict(bench, EXAMPLES[name])


@pytest.mark.parametrize("old, new", [
    ("Auth0Domain ", "Auth0Domian "),
    ("tenant.us.auth0.com", "https://tenant.us.auth0.com/"),
    ("Auth0Audience https://hello-world.example.com\n", ""),
    ("valid-user", "valid-usr"),
    ("</Location>", "</Locatoin>")])
def test_an_example_with_an_error_is_noticed(bench, old, new):
    name = next(name for name in SERVER_EXAMPLES if name.startswith("README.md"))
    assert old in EXAMPLES[name]
    assert verdict(bench, EXAMPLES[name]) is None
    assert verdict(bench, EXAMPLES[name].replace(old, new)) is not None


@pytest.mark.parametrize("name", SERVER_EXAMPLES)
def test_an_example_loads_only_modules_that_exist(name):
    for line in re.findall(r"^ *LoadModule.*$", EXAMPLES[name], flags=re.M):
        match = re.match(LOAD, line)
        assert match, line
        module, file = match.groups()
        assert module == file
        assert module == "auth0_jwt" and paths.MODULE.exists() \
            or (LIBEXECDIR / f"mod_{file}.so").exists(), line


@pytest.fixture(scope="module")
def site(shared_httpd):
    """A server that hears .htaccess files and trusts what is trusted by default."""
    return shared_httpd('<Directory "${DOCS}">\n    AllowOverride AuthConfig\n'
                        "</Directory>\n", files={"htdocs/page.html": "the page"})


def htaccess_answer(site, block):
    site.write("htdocs/.htaccess", block)
    return site.get("/page.html")


@pytest.mark.parametrize("name", HTACCESS_EXAMPLES)
def test_an_htaccess_example_protects_its_folder(site, name):
    answer = htaccess_answer(site, EXAMPLES[name])
    assert answer.status == 401, repr(answer) + site.all_logs()
    assert answer.header("WWW-Authenticate").startswith("Bearer realm=")
    assert b"the page" not in answer.body


def test_an_htaccess_example_with_an_error_is_noticed(site):
    block = EXAMPLES[HTACCESS_EXAMPLES[0]]
    assert htaccess_answer(site, block.replace("Auth0Domain ", "Auth0Domian ")).status == 500
    assert htaccess_answer(site, block).status == 401


def example_with(words):
    found = [block for name, block in EXAMPLES.items()
             if name.startswith("README.md") and words in block]
    assert len(found) == 1, f"{words!r} is in {len(found)} examples of README.md"
    return without_load_lines(found[0])


def test_the_readmes_example_protects_what_it_says(httpd, issuer):
    server = httpd(trusting(issuer, example_with('<Location "/api/admin">')),
                   files={f"htdocs/api/{name}": "page"
                          for name in ("private", "admin", "public")})
    audience = "https://hello-world.example.com"
    user = issuer.mint(aud=audience)
    admin = issuer.mint(aud=audience, permissions=["read:admin-messages"])
    assert [server.get("/api/public", token).status for token in (None, user, admin)] \
        == [200, 200, 200]
    assert [server.get("/api/private", token).status for token in (None, user, admin)] \
        == [401, 200, 200]
    assert [server.get("/api/admin", token).status for token in (None, user, admin)] \
        == [401, 403, 200]
