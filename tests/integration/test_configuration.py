"""C0: httpd refuses to start with a configuration that would be unsafe.

Each row runs `httpd -t`. The offending line is marked with "!" in front: httpd must name
the file and that line, and the message must hold the quoted words. Rows without a mark
have no line of ours to blame: there the message must name the section.
"""

import json
import os
import re
import ssl

import pytest

from support import tokens
from support.httpd import Httpd
from support.tokens import Key

KEY = Key("RS256", "key-1")
PRIVATE = json.loads(KEY.jwk.export_private()) | {"kid": "key-1", "alg": "RS256"}
TRUST = "Auth0Domain tenant.us.auth0.com\nAuth0Audience https://api.example.com\n"
#: The same for servers that start: nothing outside this machine is asked.
TRUST_HERE = "Auth0Domain localhost:1\nAuth0Audience https://api.example.com\n"
PLACE = '<Location "/x">\n    AuthType Auth0\n    Require valid-user\n</Location>\n'

FILES = {
    "conf/jwks.json": tokens.jwks(KEY),
    "conf/garbage.json": "this is not JSON",
    "conf/html.json": "<html><body>Sign in</body></html>",
    "conf/empty.json": "",
    "conf/no-keys.json": "{}",
    "conf/no-key.json": '{"keys":[]}',
    "conf/private.json": json.dumps({"keys": [PRIVATE]}),
    "conf/weak.json": json.dumps({"keys": [
        Key("RS256", "weak", bits=1024).public()]}),
    "conf/oct.json": json.dumps({"keys": [
        {"kty": "oct", "k": "A" * 86, "kid": "s", "alg": "HS256"}]}),
    "conf/twice.json": '{"keys":[],"keys":' + json.dumps([KEY.public()]) + "}",
    "conf/31.secret": ("s" * 31, 0o600),
    "conf/31n.secret": ("s" * 31 + "\n", 0o600),
    "conf/32.secret": ("s" * 32, 0o600),
    "conf/32n.secret": ("s" * 32 + "\n", 0o600),
    "conf/32rn.secret": ("s" * 32 + "\r\n", 0o600),
    "conf/47.secret": ("s" * 47, 0o600),
    "conf/63.secret": ("s" * 63, 0o600),
    "conf/64.secret": ("s" * 64, 0o600),
    "conf/empty.secret": ("", 0o600),
    "conf/open.secret": ("s" * 64, 0o644),
    "conf/writable.secret": ("s" * 64, 0o602),
    "conf/group.secret": ("s" * 64, 0o640),
    "conf/public.pem": (KEY.jwk.export_to_pem(), 0o600),
    "conf/certificate.pem": (ssl.DER_cert_to_PEM_cert(KEY.certificate()), 0o600),
    "conf/not-a-ca.pem": "this is not a certificate",
}


def place(*lines):
    body = "\n".join("    " + line if not line.startswith("!") else "!    " + line[1:]
                     for line in ("AuthType Auth0", *lines))
    return f'<Location "/x">\n{body}\n</Location>\n'


def issuer(rest, url="https://tenant.example.com/"):
    return f"!Auth0Issuer {url} {rest}\nAuth0Audience a\n" + PLACE


MISSING = "No such file"
NO_FILE = "not a regular file"
BAD_JWKS = {
    "garbage": "this is not JSON", "html": "this is not JSON", "empty": "is empty",
    "no-keys": "no JWK Set", "no-key": "no usable key", "weak": "no usable key",
    "oct": "no usable key", "private": "holds a private key", "twice": "duplicate name"}

REFUSED = {
    # F3: nothing to decide by
    "no audience": ("Auth0Domain a.auth0.com\n" + PLACE, ["/x", "audience"]),
    "no issuer": ("Auth0Audience a\n" + PLACE, ["/x", "issuer|Auth0Domain"]),
    "neither": (PLACE, ["/x", "issuer|Auth0Domain|audience"]),
    "no audience in a virtual host": (
        "<VirtualHost *:81>\nAuth0Domain a.auth0.com\n" + PLACE + "</VirtualHost>\n",
        ["/x", "audience"]),
    "no audience in a directory": (
        'Auth0Domain a.auth0.com\n<Directory "${DOCS}">\nAuthType Auth0\n'
        "Require valid-user\nAllowOverride None\n</Directory>\n", ["htdocs", "audience"]),
    "audience in another virtual host only": (
        "Auth0Domain a.auth0.com\n<VirtualHost *:81>\nAuth0Audience a\n</VirtualHost>\n"
        "<VirtualHost *:82>\n" + PLACE + "</VirtualHost>\n", ["/x", "audience"]),
    "no audience in files": (
        'Auth0Domain a.auth0.com\n<Directory "${DOCS}">\n<Files "secret.html">\n'
        "AuthType Auth0\nRequire valid-user\n</Files>\n</Directory>\n",
        ["secret.html|htdocs", "audience"]),
    # Undefined variables
    "undefined in the domain": ("!Auth0Domain ${NOT_DEFINED}\nAuth0Audience a\n" + PLACE,
                                ["NOT_DEFINED"]),
    "undefined in the audience": ("Auth0Domain a.auth0.com\n!Auth0Audience ${NOT_DEFINED}\n"
                                  + PLACE, ["NOT_DEFINED"]),
    "undefined inside an audience": (
        "Auth0Domain a.auth0.com\n!Auth0Audience https://${NOT_DEFINED}/api\n" + PLACE,
        ["NOT_DEFINED"]),
    "undefined in an issuer": (issuer("", "https://${NOT_DEFINED}/"), ["NOT_DEFINED"]),
    "undefined in a key file": (issuer("jwks=file:${NOT_DEFINED}/jwks.json"),
                                ["NOT_DEFINED"]),
    "undefined in a permission": (
        TRUST + place("!Require auth0-permission ${NOT_DEFINED}"), ["NOT_DEFINED"]),
    "undefined in a scope": (TRUST + place("!Require auth0-scope ${NOT_DEFINED}"),
                             ["NOT_DEFINED"]),
    "undefined in the user claim": (TRUST + "!Auth0UserClaim ${NOT_DEFINED}\n" + PLACE,
                                    ["NOT_DEFINED"]),
    "undefined in the algorithms": (TRUST + "!Auth0Algorithms ${NOT_DEFINED}\n" + PLACE,
                                    ["NOT_DEFINED"]),
    "an origin with a port too large": (TRUST + "!Auth0CORSOrigin https://a:99999\n"
                                        + PLACE, ["https://a:99999"]),
    "an origin with text behind an address": (TRUST + "!Auth0CORSOrigin http://[::1]*\n"
                                              + PLACE, ["::1"]),
    "a jwks url with port 0": (issuer("jwks=https://a:0/k"), ["https://a:0/k"]),
    "undefined in an origin": (TRUST + "!Auth0CORSOrigin ${NOT_DEFINED}\n" + PLACE,
                               ["NOT_DEFINED"]),
    "undefined in the ca": (TRUST + "!Auth0CAFile ${NOT_DEFINED}\n" + PLACE,
                            ["NOT_DEFINED"]),
    # F1: requirements that would open a hole
    "a negated permission": (TRUST + place("Require valid-user",
                                           "!Require not auth0-permission read:a"),
                             ["not"]),
    "a negated scope": (TRUST + place("Require valid-user",
                                      "!Require not auth0-scope read:a"), ["not"]),
    "a permission alone in requirenone": (
        TRUST + place("<RequireAll>", "Require valid-user", "<RequireNone>",
                      "Require auth0-permission read:a", "</RequireNone>",
                      "</RequireAll>"), ["RequireNone|auth0-permission"]),
    "a scope alone in requirenone": (
        TRUST + place("<RequireAll>", "Require valid-user", "<RequireNone>",
                      "Require auth0-scope read:a", "</RequireNone>", "</RequireAll>"),
        ["RequireNone|auth0-scope"]),
    "a negated alias of a permission": (
        TRUST + '<AuthzProviderAlias auth0-permission reader "read:a">\n'
        "</AuthzProviderAlias>\n"
        + place("<RequireAll>", "Require valid-user", "!Require not reader",
                "</RequireAll>"), ["reader"]),
    "an alias of a permission in requirenone": (
        TRUST + '<AuthzProviderAlias auth0-permission reader "read:a">\n'
        "</AuthzProviderAlias>\n"
        + place("<RequireAll>", "Require valid-user", "<RequireNone>",
                "!Require reader", "</RequireNone>", "</RequireAll>"), ["reader"]),
    "no permission named": (TRUST + place("!Require auth0-permission"),
                            ["auth0-permission"]),
    "no scope named": (TRUST + place("!Require auth0-scope"), ["auth0-scope"]),
    "an empty permission": (TRUST + place('!Require auth0-permission ""'),
                            ["auth0-permission"]),
    "a misspelt requirement": (TRUST + place("!Require auth0-permissions read:a"),
                               ["auth0-permissions"]),
    # Domains
    **{f"domain {domain}": (f'!Auth0Domain "{domain}"\nAuth0Audience a\n' + PLACE, [domain])
       for domain in ("https://tenant.us.auth0.com", "https://tenant.us.auth0.com/",
                      "http://tenant.us.auth0.com", "tenant.us.auth0.com/",
                      "tenant.us.auth0.com/path", "tenant.us.auth0.com?x",
                      "tenant.us.auth0.com#x", "user@tenant.us.auth0.com", "tenant auth0",
                      "*.auth0.com", "tenant.us.auth0.com:", "tenant.us.auth0.com:x",
                      "tenant.us.auth0.com:99999", "tenant.us.auth0.com:443:443")},
    "domain empty": ('!Auth0Domain ""\nAuth0Audience a\n' + PLACE, ["Auth0Domain"]),
    "domain missing": ("!Auth0Domain\nAuth0Audience a\n" + PLACE, ["Auth0Domain"]),
    "one bad domain of two": ("!Auth0Domain a.auth0.com https://b.auth0.com\n"
                              "Auth0Audience a\n" + PLACE, ["https://b.auth0.com"]),
    # Audiences
    "audience empty": ('Auth0Domain a.auth0.com\n!Auth0Audience ""\n' + PLACE,
                       ["Auth0Audience"]),
    "audience missing": ("Auth0Domain a.auth0.com\n!Auth0Audience\n" + PLACE,
                         ["Auth0Audience"]),
    # Issuers
    "issuer by http": (issuer("", "http://tenant.example.com/"),
                       ["http://tenant.example.com/"]),
    "issuer not a url": (issuer("", "tenant.example.com"), ["tenant.example.com"]),
    "issuer by ftp": (issuer("", "ftp://tenant.example.com/"), ["ftp://"]),
    "jwks by http": (issuer("jwks=http://tenant.example.com/jwks.json"),
                     ["http://tenant.example.com/jwks.json"]),
    "jwks by ftp": (issuer("jwks=ftp://tenant.example.com/jwks.json"), ["ftp://"]),
    "jwks a bare path": (issuer("jwks=${ROOT}/conf/jwks.json"), ["jwks.json"]),
    "jwks empty": (issuer("jwks="), ["jwks"]),
    "jwks a file by url": (issuer("jwks=file:///${ROOT}/conf/none.json"), ["none.json"]),
    "an unknown issuer option": (issuer("keys=file:${ROOT}/conf/jwks.json"), ["keys"]),
    "a word that is no option": (issuer("RS256"), ["RS256"]),
    "options in another case": (issuer("JWKS=file:${ROOT}/conf/none.json"), ["JWKS|none"]),
    "jwks and secret": (issuer("jwks=file:${ROOT}/conf/jwks.json "
                               "secret=file:${ROOT}/conf/64.secret"), ["secret"]),
    "jwks twice": (issuer("jwks=file:${ROOT}/conf/jwks.json "
                          "jwks=file:${ROOT}/conf/garbage.json"), ["jwks"]),
    # Key files (C10)
    "jwks file missing": (issuer("jwks=file:${ROOT}/conf/missing.json"),
                          ["missing.json", MISSING]),
    **{f"jwks file {name}": (issuer(f"jwks=file:${{ROOT}}/conf/{name}.json"),
                            [f"{name}.json", why]) for name, why in BAD_JWKS.items()},
    "jwks file a folder": (issuer("jwks=file:${ROOT}/conf"), ["conf", NO_FILE]),
    "jwks file a fifo": (issuer("jwks=file:${ROOT}/conf/fifo"), ["fifo", NO_FILE]),
    "jwks file endless": (issuer("jwks=file:/dev/zero"), ["/dev/zero", NO_FILE]),
    # Secrets (B10, C10)
    "secret missing": (issuer("secret=file:${ROOT}/conf/missing.secret"),
                       ["missing.secret", MISSING]),
    **{f"secret too short: {name}, {algorithms}": (
        issuer(f"secret=file:${{ROOT}}/conf/{name}.secret algorithms={algorithms}"),
        [f"{name}.secret", "shorter than the hash"])
       for name, algorithms in (("31", "HS256"), ("31n", "HS256"), ("47", "HS384"),
                                ("63", "HS512"), ("32", "HS256,HS512"),
                                ("47", "HS384,HS256"))},
    "secret too short by default": (issuer("secret=file:${ROOT}/conf/31.secret"),
                                    ["31.secret", "shorter than the hash"]),
    "secret empty": (issuer("secret=file:${ROOT}/conf/empty.secret"),
                     ["empty.secret", "empty"]),
    "secret for every eye": (issuer("secret=file:${ROOT}/conf/open.secret"),
                             ["open.secret", "every user may read or write it"]),
    "secret for every hand": (issuer("secret=file:${ROOT}/conf/writable.secret"),
                              ["writable.secret", "every user may read or write it"]),
    "secret a folder": (issuer("secret=file:${ROOT}/conf"), ["conf", NO_FILE]),
    "secret a fifo": (issuer("secret=file:${ROOT}/conf/fifo"), ["fifo", NO_FILE]),
    "secret endless": (issuer("secret=file:/dev/zero"), ["/dev/zero", NO_FILE]),
    # B1 as a configuration
    **{f"secret a {name}": (issuer(f"secret=file:${{ROOT}}/conf/{name}.pem"),
                            [f"{name}.pem", "no secret"])
       for name in ("public", "certificate")},
    **{f"{alg} for issuers without a secret": (TRUST + f"!Auth0Algorithms RS256 {alg}\n"
                                               + PLACE, [alg, "secret="])
       for alg in tokens.HS},
    "secret written in the open": (issuer("secret=" + "s" * 40), ["secret"]),
    # Algorithms
    "hs without a secret": (issuer("jwks=file:${ROOT}/conf/jwks.json algorithms=HS256"),
                            ["HS256"]),
    "hs beside rs without a secret": (
        issuer("jwks=file:${ROOT}/conf/jwks.json algorithms=RS256,HS256"), ["HS256"]),
    "rs with a secret": (issuer("secret=file:${ROOT}/conf/64.secret algorithms=RS256"),
                         ["RS256"]),
    "no algorithm of an issuer": (issuer("jwks=file:${ROOT}/conf/jwks.json algorithms="),
                                  ["algorithms"]),
    **{f"algorithm {name}": (TRUST + f'!Auth0Algorithms "{name}"\n' + PLACE, [name])
       for name in ("none", "None", "NONE", "rs256", "RS1", "RS257", "RSA256", "ES256K",
                    "EdDSA448", "RS256,RS512", "*", "RSA-OAEP")},
    "algorithm empty": (TRUST + '!Auth0Algorithms ""\n' + PLACE, ["Auth0Algorithms"]),
    "algorithms missing": (TRUST + "!Auth0Algorithms\n" + PLACE, ["Auth0Algorithms"]),
    "a bad algorithm beside a good one": (TRUST + "!Auth0Algorithms RS256 none\n" + PLACE,
                                          ["none"]),
    "algorithm none of an issuer": (
        issuer("jwks=file:${ROOT}/conf/jwks.json algorithms=RS256,none"), ["none"]),
    # Leeway, user claim, style, origins, messages
    **{f"leeway {value}": (TRUST + f"!Auth0Leeway {value}\n" + PLACE, [value])
       for value in ("301", "-1", "soon", "99999999999999999999", "1e3", "5x")},
    "an unknown token profile": (TRUST + "!Auth0TokenProfile oidc\n" + PLACE, ["oidc"]),
    "user claim empty": (TRUST + '!Auth0UserClaim ""\n' + PLACE, ["Auth0UserClaim"]),
    "an unknown error style": (TRUST + "!Auth0ErrorBody loud\n" + PLACE, ["loud"]),
    **{f"origin {origin}": (TRUST + f"!Auth0CORSOrigin {origin}\n" + PLACE, [origin])
       for origin in ("http://localhost:4040/", "http://localhost:4040/path",
                      "localhost:4040", "http://", "http://a?b", "http://user@a",
                      "javascript:alert")},
    # Contexts
    "ca in a virtual host": ("<VirtualHost *:81>\n!Auth0CAFile /etc/passwd\n</VirtualHost>",
                             ["Auth0CAFile"]),
    **{f"{name} in a location": (f'<Location "/x">\n!{name} {value}\n</Location>\n', [name])
       for name, value in (("Auth0CAFile", "/etc/passwd"), ("Auth0JWKSRefresh", "10s"),
                           ("Auth0HTTPTimeout", "1s 2s"), ("Auth0HTTPProxy", "none"),
                           ("Auth0StateDir", "conf"),
                           ("Auth0TrustedDomains", "*.example.com"))},
    **{f"{name} in a virtual host": (f"<VirtualHost *:81>\n!{name} {value}\n"
                                     "</VirtualHost>\n", [name])
       for name, value in (("Auth0JWKSRefresh", "10s"), ("Auth0HTTPTimeout", "1s 2s"),
                           ("Auth0HTTPProxy", "none"), ("Auth0StateDir", "conf"),
                           ("Auth0TrustedDomains", "*.example.com"))},
    # Server settings
    "ca missing": ("!Auth0CAFile ${ROOT}/conf/missing.pem\n", ["missing.pem", MISSING]),
    "ca not one": ("!Auth0CAFile ${ROOT}/conf/not-a-ca.pem\n", ["not-a-ca.pem"]),
    "ca a folder": ("!Auth0CAFile ${ROOT}/conf\n", ["conf"]),
    "ca a fifo": ("!Auth0CAFile ${ROOT}/conf/fifo\n", ["fifo"]),
    "refresh not a time": ("!Auth0JWKSRefresh often\n", ["often"]),
    "refresh negative": ("!Auth0JWKSRefresh -5s\n", ["-5s"]),
    "stale not a time": ("!Auth0JWKSRefresh 10s long\n", ["long"]),
    "too many times": ("!Auth0JWKSRefresh 10s 1h 30s 5s\n", ["Auth0JWKSRefresh"]),
    "timeout not a time": ("!Auth0HTTPTimeout fast 5s\n", ["fast"]),
    "timeout zero": ("!Auth0HTTPTimeout 0 5s\n", ["0"]),
    "timeout without its total": ("!Auth0HTTPTimeout 2s\n", ["Auth0HTTPTimeout"]),
    **{f"proxy {proxy}": (f"!Auth0HTTPProxy {proxy}\n", [proxy, "http://host:port"])
       for proxy in ("proxy.example.com:3128", "http://proxy.example.com",
                     "http://proxy.example.com:0", "http://:3128", "off", "https://",
                     "socks5://proxy.example.com:1080", "http://proxy.example.com:3128/x",
                     "http://proxy.example.com:3128?x", "http://[::1]x:3128")},
    "proxy undefined": ("!Auth0HTTPProxy ${PROXY}\n", ["${PROXY}"]),
    "state dir missing": ("!Auth0StateDir ${ROOT}/missing\n", ["missing", "does not exist"]),
    "state dir a file": ("!Auth0StateDir ${ROOT}/conf/jwks.json\n", ["not a folder"]),
    "state dir open to all": ("!Auth0StateDir /tmp\n", ["/tmp", "chmod 0700"]),
}

ACCEPTED = {
    "the two lines of trust": TRUST + PLACE,
    "all inside the section": place("Require valid-user", "Auth0Domain a.auth0.com",
                                    "Auth0Audience a"),
    "several of each": "Auth0Domain a.auth0.com b.auth0.com\nAuth0Domain c.example.com\n"
                       "Auth0Audience a b\nAuth0Audience c\n" + PLACE,
    "a domain with a port": "Auth0Domain localhost:8443\nAuth0Audience a\n" + PLACE,
    "the audience from the server, the place in a virtual host":
        TRUST + "<VirtualHost *:81>\n" + PLACE + "</VirtualHost>\n",
    "a place that only another one makes complete":
        TRUST + '<Location "/">\nAuthType Auth0\nRequire valid-user\n</Location>\n'
        '<Location "/y">\nRequire all granted\n</Location>\n',
    "a place of the main server that each virtual host makes complete":
        PLACE + "<VirtualHost *:81>\n" + TRUST + "</VirtualHost>\n",
    "a place that a folder makes complete":
        PLACE + '<Directory "${DOCS}">\n' + TRUST + "</Directory>\n",
    "an alias of a permission":
        TRUST + '<AuthzProviderAlias auth0-permission reader "read:a">\n'
        "</AuthzProviderAlias>\n" + place("Require reader"),
    "an origin that is an address": TRUST + PLACE + "Auth0CORSOrigin http://[::1]:4040\n",
    "a long fresh time alone": TRUST + PLACE + "Auth0JWKSRefresh 48h\n",
    "issuer by its own keys": "Auth0Issuer https://tenant.example.com/\nAuth0Audience a\n"
                              + PLACE,
    "issuer without a slash": "Auth0Issuer https://tenant.example.com "
                              "jwks=https://x.example.com/keys\nAuth0Audience a\n" + PLACE,
    "jwks file": "Auth0Issuer https://tenant.example.com/ "
                 "jwks=file:${ROOT}/conf/jwks.json\nAuth0Audience a\n" + PLACE,
    "jwks file for an issuer by http": "Auth0Issuer http://localhost:6060/ "
                 "jwks=file:${ROOT}/conf/jwks.json\nAuth0Audience a\n" + PLACE,
    "a jwks file relative to the server root": "Auth0Issuer https://tenant.example.com/ "
                 "jwks=file:conf/jwks.json\nAuth0Audience a\n" + PLACE,
    **{f"secret {name}": "Auth0Issuer https://t.example.com/ "
       f"secret=file:${{ROOT}}/conf/{name}.secret\nAuth0Audience a\n" + PLACE
       for name in ("32", "32n", "32rn", "64", "group")},
    "secret for hs512": "Auth0Issuer https://t.example.com/ "
       "secret=file:${ROOT}/conf/64.secret algorithms=HS256,HS384,HS512\n"
       "Auth0Audience a\n" + PLACE,
    "every public algorithm": TRUST + "Auth0Algorithms " + " ".join(tokens.ALL_PUBLIC)
                              + "\n" + PLACE,
    **{f"token profile {profile}": TRUST + f"Auth0TokenProfile {profile}\n" + PLACE
       for profile in ("auto", "rfc9068", "RFC9068")},
    "leeway 0": TRUST + "Auth0Leeway 0\n" + PLACE,
    "leeway 300": TRUST + "Auth0Leeway 300\n" + PLACE,
    "error styles": TRUST + PLACE + "".join(
        f'<Location "/{style}">\nAuth0ErrorBody {style}\n</Location>\n'
        for style in ("auth", "all", "off")),
    "origins": TRUST + "Auth0CORSOrigin http://localhost:4040 https://a.example.com\n"
               + PLACE,
    "refresh times": "Auth0JWKSRefresh 10min 24h 30s\n",
    "refresh times in plain seconds": "Auth0JWKSRefresh 600 86400 30\n",
    "refresh times without lower bound": "Auth0JWKSRefresh 1s 1s 1s\n",
    "one refresh time": "Auth0JWKSRefresh 5min\n",
    "timeouts": "Auth0HTTPTimeout 2s 5s\n",
    "timeouts in milliseconds": "Auth0HTTPTimeout 200ms 500ms\n",
    **{f"proxy {proxy}": f"Auth0HTTPProxy {proxy}\n"
       for proxy in ("http://proxy.example.com:3128", "https://proxy.example.com:3128/",
                     "http://user:pass@proxy.example.com:3128", "http://[::1]:3128",
                     "none", "None")},
    "a state directory": "Auth0StateDir ${ROOT}/conf\n",
    "a state directory relative to the server root": "Auth0StateDir conf\n",
    "trusted domains": "Auth0TrustedDomains *.auth0.com login.example.com\n",
    "a permission beside valid-user in requireall":
        TRUST + place("<RequireAll>", "Require valid-user",
                      "Require auth0-permission read:a write:a", "</RequireAll>"),
    "alternatives": TRUST + place("<RequireAny>", "Require auth0-permission read:a",
                                  "Require auth0-scope read:a", "</RequireAny>"),
    "a negated user beside a permission":
        TRUST + place("<RequireAll>", "Require auth0-permission read:a",
                      "Require not user mallory", "</RequireAll>"),
    "a message": '<Location "/m">\nSetHandler auth0-message\nAuth0Message "hello"\n'
                 "Require all granted\n</Location>\n",
    "nothing of ours": "",
}


@pytest.fixture(scope="module")
def bench():
    """One ServerRoot for all rows; `httpd -t` starts nothing."""
    server = Httpd(files=FILES)
    os.mkfifo(server.root / "conf" / "fifo", 0o600)
    yield server
    server.stop()


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.replace(" ", "-"))
def test_c0_an_unsafe_configuration_is_refused(bench, row):
    text, words = REFUSED[row]
    lines = text.splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.startswith("!")]
    bench.configure("\n".join(line.removeprefix("!") for line in lines) + "\n")
    status, output = bench.configtest()
    assert status != 0, f"httpd would start with:\n{bench.config}\n{output}"
    assert "Syntax OK" not in output
    for number in marked:
        assert re.search(rf"line {number} of \S*test\.conf", output), output
    said = output.split("test.conf", 1)[-1] if marked else output
    for word in words:
        found = re.search(word if "|" in word else re.escape(word), said, re.I)
        assert found, f"{word!r} is not in:\n{output}"


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.replace(" ", "-"))
def test_a_safe_configuration_is_accepted(bench, row):
    bench.configure(ACCEPTED[row])
    status, output = bench.configtest()
    assert status == 0 and "Syntax OK" in output, output


def test_the_server_itself_refuses_too_and_not_only_the_check(several_processes):
    server = Httpd("Auth0Domain https://tenant.us.auth0.com\n" + PLACE, files=FILES)
    server.spawn()
    assert server.process.wait(20) != 0
    assert "https://tenant.us.auth0.com" in server.all_logs()
    server.stop(clean=False)


def test_a_defined_variable_is_used(bench):
    bench.configure("Define TENANT a.auth0.com\nAuth0Domain ${TENANT}\n"
                    "Auth0Audience ${FROM_ENVIRONMENT}\n" + PLACE)
    bench.env = {"FROM_ENVIRONMENT": "https://api.example.com"}
    try:
        assert bench.configtest()[0] == 0
    finally:
        bench.env = {}
    assert bench.configtest()[0] != 0


def test_a_graceful_restart_into_a_bad_configuration_leaves_the_server_up(httpd):
    """httpd checks first: what `-t` refuses must not take a running server down."""
    server = httpd(TRUST_HERE + PLACE, files={**FILES, "htdocs/page": "page"})
    assert server.get("/page").status == 200
    server.configure("Auth0Leeway 301\n")
    assert server.configtest()[0] != 0
    assert server.get("/page").status == 200


def test_f4_authtype_without_require_warns_and_protects_nothing(httpd):
    server = httpd(TRUST_HERE + '<Location "/bare">\n    AuthType Auth0\n</Location>\n',
                   files={"htdocs/bare": "open"}, log_level="warn")
    assert server.get("/bare").text == "open"
    warnings = [line for line in server.all_logs().splitlines() if "/bare" in line]
    assert any(":warn]" in line and "Require" in line for line in warnings), \
        server.all_logs()


def test_f4_a_misspelt_authtype_is_httpds_own_500(httpd):
    server = httpd(TRUST_HERE + '<Location "/x">\nAuthType Auth1\nRequire valid-user\n'
                   "</Location>\n", files={"htdocs/x": "never"})
    assert server.get("/x").status == 500


def test_f2_a_requirement_inside_limit_works_and_warns_of_the_other_methods(httpd):
    server = httpd(TRUST_HERE + '<Location "/x">\nAuthType Auth0\n<Limit GET>\n'
                   "Require valid-user\n</Limit>\n</Location>\n",
                   files={"htdocs/x": "page"}, log_level="warn")
    assert server.get("/x").status == 401
    assert server.request("POST", "/x").status != 401
    assert "Limit" in server.all_logs(), server.all_logs()


@pytest.mark.parametrize("text, words", [
    ('<Location "/x">\n    Require auth0-permission read:a\n</Location>\n',
     ["no AuthType", "AuthType Auth0"]),
    ('<Location "/x">\n    AuthType Basic\n    Require auth0-scope read:a\n</Location>\n',
     ["auth0-scope", "AuthType Basic"]),
], ids=["without an AuthType", "with another AuthType"])
def test_a_requirement_that_cannot_be_met_is_warned_of(bench, text, words):
    bench.configure(TRUST + text)
    status, output = bench.configtest()
    assert status == 0
    warning = next(line for line in output.splitlines() if ":warn]" in line)
    assert all(word in warning for word in words), warning
    bench.configure(TRUST + text.replace("Require", "AuthType Auth0\n    Require", 1)
                    if "AuthType" not in text else
                    TRUST + text.replace("Basic", "Auth0"))
    assert ":warn]" not in bench.configtest()[1]


def test_the_check_names_the_place_where_trust_is_missing(bench):
    bench.configure('Auth0Domain tenant.us.auth0.com\n<Location "/x">\n'
                    "    AuthType Auth0\n    Require valid-user\n</Location>\n")
    status, output = bench.configtest()
    assert status != 0
    assert re.search(r'line 3 of \S+test\.conf: .*<Location "/x">.*Auth0Audience', output)
