"""Pieces of configuration, and what an accepted request looks like behind them."""

import textwrap

from .backend import seen_header


def location(path, *lines, require="valid-user", audience="https://api.example.com"):
    """A protected place. require: one requirement or a list; None to write your own."""
    inner = ["AuthType Auth0"]
    if audience:
        inner.append(f"Auth0Audience {audience}")
    if isinstance(require, str):
        require = [require]
    inner += [f"Require {one}" for one in require or ()]
    inner += [textwrap.dedent(line).strip("\n") for line in lines]
    body = textwrap.indent("\n".join(inner), "    ")
    return f'<Location "{path}">\n{body}\n</Location>\n'


def trust(issuer):
    """The server-wide lines: whom to trust, and the test CA."""
    return f"Auth0CAFile {issuer.ca_file}\nAuth0Domain {issuer.domain}\n"


def refresh(fresh=600, stale=86400, cooldown=30):
    """The times of keys, in seconds: the defaults but for what is given."""
    return "Auth0JWKSRefresh " + " ".join(f"{seconds * 1000:.0f}ms" for seconds in
                                          (fresh, stale, cooldown)) + "\n"


#: modules= of a server that proxies
PROXY = ("proxy", "proxy_http")


def proxied(backend, *except_paths):
    """Everything goes to the back end, and with it what httpd knows of the user."""
    lines = [f"ProxyPass {path} !" for path in except_paths]
    lines += [f"ProxyPass / {backend.url}/",
              'RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"',
              'RequestHeader set X-Auth-Type "expr=%{AUTH_TYPE}"']
    return "\n".join(lines) + "\n"


def assert_accepted(response, backend=None, user="client-1@clients"):
    """200, no challenge; the back end was reached once and saw who it is."""
    assert response.status == 200, repr(response)
    assert response.all("WWW-Authenticate") == []
    if backend is not None:
        assert len(backend.hits) == 1, backend.hits
        seen = backend.hits[0]
        assert seen_header(seen, "X-Remote-User") == [user], seen
        assert seen_header(seen, "X-Auth-Type") == ["Bearer"], seen
    return response
