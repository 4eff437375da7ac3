"""The contenders that are httpd: its own file, Basic, other modules, and ours.

All run with the same MPM settings and modules, each adds what it needs.
"""

import base64
import hashlib
import json
import textwrap

import common

from support import paths
from support.conf import location, trust
from support.httpd import Httpd

PROCESSES, THREADS = 2, 64
PASSWORD = "user:correct horse battery staple"

KEEP_ALIVE = "KeepAlive On\nMaxKeepAliveRequests 0\n"


class Quiet(Httpd):
    """An httpd without an access log."""

    def _preamble(self, *arguments):
        text = super()._preamble(*arguments)
        line = "CustomLog logs/access.log test\n"
        if line not in text:
            raise AssertionError("the access log is not where it was")
        return text.replace(line, "")


def server(config="", *, file="index.html", processes=PROCESSES, threads=THREADS, **more):
    """A server of the file, as all of the benchmark's are."""
    made = Quiet(KEEP_ALIVE + config, mpm="event", processes=processes, threads=threads,
                 log_level="warn", **more)
    made.write(f"htdocs/{file}", common.BODY.decode())
    return made


class Apache:
    """One httpd. A subclass says what protects its file."""

    name = title = None
    package = None       # that brings the module
    module = None
    base = "file"        # what its cost is added to
    more_modules = ()
    is_ours = False
    modes = ("warm", "cold", "reject", "unknown kid")
    refusals = (401, 403)

    def __init__(self, world):
        self.world = world
        self.origin = None
        self.server = None

    def missing(self):
        """What has to be installed first; None if nothing."""
        if self.module and not (paths.LIBEXECDIR / f"mod_{self.module}.so").exists():
            return self.package
        return None

    def config(self):
        return ""

    def files(self):
        return {}

    def make(self, **more):
        """The server, not yet started."""
        modules = [*self.more_modules, *([self.module] if self.module else [])]
        return server(self.config(), modules=modules, files=self.files(),
                      auth0=self.is_ours, **more)

    def start(self, **more):
        self.server = self.make(**more)
        self.server.start()

    def settle(self):
        """Wait until nothing goes on in the background that requests did not ask for."""

    def stop(self):
        if self.server is not None:
            # What others write into their logs is theirs to judge.
            self.server.stop(clean=self.is_ours)
        if self.origin not in (None, self.world.tenant):
            self.origin.stop()

    @property
    def pid(self):
        return self.server.process.pid

    @property
    def port(self):
        return self.server.port

    path = "/"

    @staticmethod
    def header(token):
        return f"Authorization: Bearer {token}"


class File(Apache):
    name, title = "file", "unprotected file"
    modes = (*Apache.modes,)
    refusals = (200,)


class Basic(Apache):
    """With the cheapest hash that httpd knows for a password."""

    name, title = "basic", "httpd Basic, {SHA} password"
    more_modules = ("auth_basic", "authn_file")
    modes = ("warm", "reject")

    def config(self):
        return textwrap.dedent("""\
            <Location "/">
                AuthType Basic
                AuthName bench
                AuthBasicProvider file
                AuthUserFile conf/passwords
                Require valid-user
            </Location>
            """)

    def files(self):
        user, _, password = PASSWORD.partition(":")
        digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        return {"conf/passwords": f"{user}:{{SHA}}{digest}\n"}

    @staticmethod
    def header(token):
        """A good token stands for the right password, a bad one for a wrong one."""
        credentials = PASSWORD if token in GOOD else PASSWORD + " not"
        return "Authorization: Basic " + base64.b64encode(credentials.encode()).decode()


#: The token that stands for a right password where there are no tokens.
GOOD = set()


class OAuth2(Apache):
    """mod_oauth2. It cannot be told what iss and aud to expect: Require compares them."""

    package, module = "libapache2-mod-oauth2", "oauth2"
    checks = "verify.iss=skip&verify.exp=required&verify.iat=skip"

    def keys(self):
        raise NotImplementedError

    def config(self):
        issuer = self.world.issuer
        return textwrap.dedent(f"""\
            <Location "/">
                AuthType oauth2
                OAuth2TokenVerify {self.keys()}
                <RequireAll>
                    Require oauth2_claim iss:{issuer}
                    Require oauth2_claim aud:{common.AUDIENCE}
                    Require oauth2_claim permissions:{common.PERMISSION}
                </RequireAll>
            </Location>
            """)


class OAuth2ByUrl(OAuth2):
    name, title = "oauth2-url", "mod_oauth2, keys by URL"

    def keys(self):
        self.origin = self.world.open_origin()
        # This version cannot be told of another trust store than the system's.
        return f"jwks_uri {self.origin.jwks_url} jwks_uri.ssl_verify=false&{self.checks}"


class OAuth2FixedKey(OAuth2):
    name, title = "oauth2-key", "mod_oauth2, one fixed key"

    def keys(self):
        key = json.dumps(self.world.key.public()).replace('"', r'\"')
        return f'jwk "{key}" {self.checks}'


class OpenIDC(Apache):
    name, title = "openidc", "mod_auth_openidc, keys by URL"
    package, module = "libapache2-mod-auth-openidc", "auth_openidc"

    def config(self):
        self.origin = self.world.open_origin()
        return textwrap.dedent(f"""\
            OIDCOAuthVerifyJwksUri {self.origin.jwks_url}
            OIDCOAuthRemoteUserClaim sub
            OIDCCABundlePath {self.origin.ca_file}
            OIDCCryptoPassphrase not-used-for-access-tokens
            <Location "/">
                AuthType oauth20
                <RequireAll>
                    Require claim iss:{self.world.issuer}
                    Require claim aud:{common.AUDIENCE}
                    Require claim permissions:{common.PERMISSION}
                </RequireAll>
            </Location>
            """)


class Ours(Apache):
    name, title = "ours", "mod_auth0_jwt"
    is_ours = True

    def missing(self):
        return None if paths.MODULE.exists() else "the module: make -f Makefile.apxs"

    def config(self):
        return trust(self.world.tenant) + location(
            "/", require=f"auth0-permission {common.PERMISSION}", audience=common.AUDIENCE)

    def start(self, **more):
        super().start(**more)
        self.origin = self.world.tenant
