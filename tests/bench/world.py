"""What the contenders share: a certificate authority, a tenant, its key and tokens."""

import common
from apache import GOOD, Basic, File, OAuth2ByUrl, OAuth2FixedKey, OpenIDC, Ours
from bearer import Mint, bench_key
from programs import Express, ExpressOpen, Flask

from support.http import request
from support.httpd import readable_folder
from support.issuer import Authority, Issuer
from support.tokens import Key

#: In the order in which the table names them.
CONTENDERS = (File, Ours, Basic, OAuth2ByUrl, OAuth2FixedKey, OpenIDC, ExpressOpen,
              Express, Flask)


class World:
    """One issuer. Each contender that fetches keys has an origin of its own, which
    publishes the same keys, so that everyone's fetches can be told apart."""

    def __init__(self):
        self.authority = Authority()
        self.key = bench_key()
        self.folder = readable_folder("auth0-jwt-bench-")
        self.tenant = Issuer(self.authority, keys=[self.key], audience=common.AUDIENCE)
        self.tenant.start()
        self.issuer = self.tenant.iss
        self.mint = Mint(self.key, self.issuer, self.folder)

    def open_origin(self):
        return Issuer(self.authority, keys=[self.key], audience=common.AUDIENCE).start()

    def close(self):
        self.tenant.stop()


def chosen(names, classes=CONTENDERS):
    """The contenders of these names, and those that they are measured against."""
    known = {one.name: one for one in classes}
    unknown = set(names or ()) - set(known)
    if unknown:
        raise SystemExit(f"BENCH_SERVERS: there is no {', '.join(sorted(unknown))};"
                         f" known are {', '.join(known)}")
    picked = {"file", *(names or known)}
    picked |= {known[name].base for name in picked}
    return [one for one in classes if one.name in picked]


def bad_tokens(mint):
    """What no guard may let through, by what is the matter with it."""
    good = mint.one()
    return {
        "no token": None,
        "forged signature": mint.forged([good])[0],
        "unknown kid": mint.with_unknown_kids([good])[0],
        "another key under the same kid": mint.one(key=Key("RS256", mint.key.kid)),
        "expired": mint.one(iat=1_000_000_000, exp=1_000_003_600),
        "another issuer": mint.one(iss=mint.issuer.replace("localhost", "elsewhere")),
        "another audience": mint.one(aud="https://other.example.com"),
        "without the permission": mint.one(permissions=["read:messages"]),
    }


def ask(contender, token):
    """(status, body) of one request; without a header if the token is None."""
    headers = []
    if token is not None:
        headers = [tuple(contender.header(token).split(": ", 1))]
    answer = request(contender.port, "GET", contender.path, headers)
    return answer.status, answer.body


def problems_of(contender, good, bad):
    """What is wrong with how a contender answers; who has problems is not measured."""
    GOOD.add(good)
    found = []
    status, body = ask(contender, good)
    if status != 200 or body != common.BODY:
        found.append(f"a good token got {status} {body[:80]!r}")
    if contender.refusals == (200,):
        return found  # unprotected, and meant to be
    for what, token in bad.items():
        if token is not None and contender.name == "basic" and what != "forged signature":
            continue  # a password is right or wrong
        status, body = ask(contender, token)
        if status not in contender.refusals or common.BODY in body:
            found.append(f"{what} got {status}")
    return found
