"""F16: AuthType Auth0 covers each spelling of a path that AuthType Basic covers.

Two servers that differ in their AuthType alone are asked the same. Which spellings a section
covers is httpd's business; that ours are the very same is what is tested.
"""

import base64
import hashlib

import pytest

from support.conf import PROXY, trust
from support.refusal import assert_refusal

PASSWORD = base64.b64encode(hashlib.sha1(b"pass").digest()).decode()
BASIC = {"Authorization": "Basic " + base64.b64encode(b"user:pass").decode()}

AUTH = {"auth0": "AuthType Auth0\nAuth0Audience https://api.example.com\nRequire valid-user",
        "basic": "AuthType Basic\nAuthName basic\nAuthUserFile ${ROOT}/htpasswd\n"
                 "Require valid-user"}

#: Each way to name what is protected; the rest of the server is public.
CONFIG = """
AllowEncodedSlashes {slashes}
MergeSlashes {merge}
ProxyPass /proxied/ {backend}/
ProxyPassMatch ^/matched/(.*)$ {backend}/$1
Alias /alias ${{ROOT}}/htdocs/folder
RewriteEngine On
RewriteRule ^/rewritten/(.*)$ /folder/$1 [PT]
RewriteRule ^/proxied-too/(.*)$ {backend}/$1 [P]
<Location "/proxied/secret">
{auth}
</Location>
<Location "/proxied-too/secret">
{auth}
</Location>
<LocationMatch "^/matched/secret(/|$)">
{auth}
</LocationMatch>
<Directory "${{DOCS}}/folder/secret">
{auth}
</Directory>
<Files "secret.txt">
{auth}
</Files>
<Location "/place/secret">
{auth}
</Location>
"""

FILES = {f"htdocs/{name}": name for name in
         ("folder/secret/page.txt", "folder/open.txt", "folder/secret.txt",
          "place/secret/page.txt", "place/open.txt", "Folder/Secret/page.txt")}

PREFIXES = ("/proxied", "/proxied-too", "/matched", "/folder", "/alias", "/rewritten",
            "/place")

#: A path below each prefix, spelled in every way that has ever got round a check.
SPELLINGS = (
    "/secret", "/secret/", "/secret/page.txt", "/open.txt", "/secret.txt", "/",
    "/%73ecret", "/%53ecret", "/s%65cret/page.txt", "/%73%65%63%72%65%74/page.txt",
    "/%2573ecret/page.txt", "/%u0073ecret/page.txt", "/%c1%b3ecret/page.txt",
    "/SECRET/page.txt", "/Secret/page.txt", "/secret/PAGE.TXT", "/SECRET.TXT",
    "//secret/page.txt", "///secret//page.txt", "/secret//page.txt", "/secret/page.txt/",
    "/./secret/page.txt", "/secret/./page.txt", "/x/../secret/page.txt",
    "/secret/../secret/page.txt", "/secret/../open.txt", "/%2e/secret/page.txt",
    "/x/%2e%2e/secret/page.txt", "/x/.%2E/secret/page.txt", "/secret/..%2fopen.txt",
    "/x/..%2fsecret/page.txt", "/%2fsecret/page.txt", "/secret%2fpage.txt",
    "/secret%2Fpage.txt", "/secret%252fpage.txt", "/x%2f..%2fsecret/page.txt",
    "/secret%5cpage.txt", "/secret\\page.txt", "/..\\secret/page.txt", "/secret%00/page.txt",
    "/secret;a=b", "/secret;a=b/page.txt", "/;/secret/page.txt", "/secret/page.txt;x",
    "/secret/..;/open.txt", "/x/..;/secret/page.txt", "/secret.txt;x", "/secret.txt/more",
    "/secret.txt%20", "/secret%20/page.txt", "/secret./page.txt", "/secret%2e/page.txt",
    "/secret+/page.txt", "/secret/page.txt?x=/../open.txt", "/open.txt?/secret/page.txt",
    "/secret?x", "/secret%3fx", "/secret%23x", "/secret#x", "/secret%0a/page.txt",
    "/secret%0d%0a/page.txt", "/secre%74", "/secretx/page.txt", "/xsecret/page.txt",
    "/secre", "/%", "/%7", "/%zz/secret", "/secret/%E2%80%8Bpage.txt", "/s\u00e9cret",
    "/secret/%2e%2e/%2e%2e/place/secret/page.txt", "/..", "/../..", "/.%00./secret")

#: What a random spelling is made of.
PIECES = ("/", "//", "/./", "/../", "/x/../", "%2f", "%2F", "%2e", "%2e%2e", "..", "secret",
          "%73ecret", "SECRET", "secret.txt", "page.txt", "open.txt", ";", ";a=b", "%5c",
          "%20", "%252f", "folder", "place", "proxied", "?", "x")


@pytest.fixture(scope="module", params=[("Off", "On"), ("On", "On"), ("NoDecode", "On"),
                                        ("NoDecode", "Off"), ("On", "Off")],
                ids=lambda pair: f"AllowEncodedSlashes {pair[0]}, MergeSlashes {pair[1]}")
def pair(request, shared_httpd, issuer, shared_backend):
    slashes, merge = request.param
    return {kind: shared_httpd(
        trust(issuer) + CONFIG.format(slashes=slashes, merge=merge, auth=AUTH[kind],
                                      backend=shared_backend.url),
        modules=(*PROXY, "rewrite", "auth_basic", "authn_file"),
        files={**FILES, "htpasswd": f"user:{{SHA}}{PASSWORD}\n"}) for kind in AUTH}


class Compared:
    """What the two servers made of the same paths."""

    def __init__(self, pair, backend, issuer, paths):
        self.refused, self.differences = set(), {}
        token = issuer.mint()
        for path in paths:
            said = {}
            for kind, server in pair.items():
                backend.hits.clear()
                stranger = server.get(path)
                assert not (stranger.status == 401 and backend.hits), path
                friend = server.get(path, token) if kind == "auth0" \
                    else server.get(path, headers=BASIC)
                said[kind] = (stranger.status, friend.status,
                              friend.body if friend.status == 200 and not backend.hits
                              else [hit["path"] for hit in backend.hits][-1:])
                if kind == "auth0" and stranger.status == 401:
                    assert_refusal(stranger, "E1")
                    self.refused.add(path)
            if said["auth0"] != said["basic"]:
                self.differences[path] = said
        self.open = set(paths) - self.refused


@pytest.mark.parametrize("prefix", PREFIXES)
def test_f16_each_spelling_is_covered_as_basic_covers_it(pair, issuer, backend, prefix):
    compared = Compared(pair, backend, issuer, [prefix + rest for rest in SPELLINGS])
    assert compared.differences == {}
    # Neither of them refuses nothing or everything.
    assert prefix + "/secret/page.txt" in compared.refused
    assert prefix + "/s%65cret/page.txt" in compared.refused
    assert prefix + "/open.txt" in compared.open


def test_f16_random_spellings_are_covered_as_basic_covers_them(pair, issuer, backend, rng):
    paths = [rng.choice(PREFIXES) + "/" + "".join(rng.choices(PIECES, k=rng.randrange(1, 7)))
             for _ in range(150)]
    compared = Compared(pair, backend, issuer, paths)
    assert compared.differences == {}
    assert compared.refused and compared.open
