"""The faults of an issuer, one a row: how each comes about and what the log must say."""

import dataclasses
import gzip
import json

from .issuer import JWKS_PATH
from .origin import answer
from .tokens import Key, jwks

LINK_LOCAL = "169.254.169.254"


@dataclasses.dataclass(frozen=True)
class Fault:
    """A row.

    fault: what the origin does (origin_process.py); says: a regular expression for the
    words of the log behind the URL, None for no warning; also: one for a second line.
    """

    name: str
    fault: dict
    says: str
    also: str = None
    serves: bool = False       # no fault: the keys are used all the same
    retry_after: int = 0       # seconds for which there must be no other attempt
    via: str = "origin"        # or "hosts", "names", "proxy": what is at fault
    countable: bool = True     # attempts leave a trace that can be counted


def certificate(kind):
    return {"certificate": kind}


def status(line, *headers, **more):
    return answer(line, '{"error":"no"}', headers=headers, **more)


def bomb():
    """100 MB of zeros in 100 KB."""
    return gzip.compress(bytes(1_000_000), 9) * 100


def useless_keys():
    key = Key("ES256", "for-encryption").public(use="enc")
    return jwks(key, {"kty": "oct", "kid": "secret", "k": "A" * 43},
                    {"kty": "RSA", "kid": "broken", "n": "!!", "e": "AQAB"})


def rows():
    gz = ["Content-Encoding: gzip"]
    big = json.dumps({"keys": [], "x": "x" * 140_000})
    giant = [f"X-Giant: {'x' * 60_000}"]
    many = [f"X-Header-{number}: {'x' * 200}" for number in range(200)]
    chunked = {"length": None, "headers": ["Transfer-Encoding: chunked"]}
    later = r"timed out after [01]\.\d s"
    return [
        # no connection
        Fault("refused", {"closed": True}, r"Connection refused", countable=False),
        Fault("unreachable", {"address": "127.255.255.255"}, r"Network is unreachable",
              via="hosts", countable=False),
        Fault("SYN ignored", {"full": True}, later, countable=False),
        # no TLS
        Fault("TLS never answered", {"silent": True}, later),
        Fault("TLS stops midway", {"midway": True}, later),
        Fault("certificate expired", certificate("expired"), r"certificate has expired"),
        Fault("certificate not yet valid", certificate("not yet valid"),
              r"certificate is not yet valid"),
        Fault("certificate of another host", certificate("of another host"),
              r"no alternative certificate subject name matches"),
        Fault("certificate self-signed", certificate("self-signed"),
              r"self.signed certificate"),
        Fault("certificate of a stranger", certificate("of a stranger"),
              r"unable to get local issuer certificate"),
        Fault("chain incomplete", certificate("with an incomplete chain"),
              r"unable to get local issuer certificate"),
        Fault("TLS 1.0", {"tls": "TLSv1"}, r"protocol version|unsupported protocol"),
        Fault("chain complete", certificate("with its chain"), None, serves=True),
        Fault("TLS 1.2", {"tls": "TLSv1_2"}, None, serves=True),
        Fault("TLS 1.1", {"tls": "TLSv1_1"}, r"protocol version|unsupported protocol"),
        # no answer, or not a whole one
        Fault("silent after TLS", {"answer": {"head": "", "body": "", "then": "silence"}},
              later),
        Fault("closes without an answer", {"answer": {"head": "", "body": ""}},
              r"Empty reply from server"),
        Fault("one byte a second in headers", answer(pace_head=1), later),
        Fault("one byte a second in body", answer(pace_body=1), later),
        Fault("reset in mid-body", answer(length=100_000, then="reset"),
              r"Connection reset by peer"),
        Fault("truncated", answer(length=100_000), r"\d bytes (remaining to read|missing)"),
        Fault("chunked and cut", answer(body="1000\r\n{\"keys\":[", **chunked),
              r"outstanding read data remaining|transfer closed"),
        # another status
        Fault("redirect to itself", status("302 Found", f"Location: {JWKS_PATH}?again"),
              r"status 302.*redirects are not followed"),
        Fault("redirect to http",
              status("301 Moved", f"Location: http://localhost:{{plain}}{JWKS_PATH}"),
              r"status 301.*redirects are not followed"),
        Fault("redirect to link-local",
              status("307 Moved", f"Location: http://{LINK_LOCAL}/latest/meta-data/"),
              r"status 307.*redirects are not followed"),
        Fault("401", status("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'),
              r"status 401"),
        Fault("403", status("403 Forbidden"), r"status 403"),
        Fault("404", status("404 Not Found"), r"status 404"),
        Fault("429 with Retry-After", status("429 Too Many Requests", "Retry-After: 5"),
              r"status 429", retry_after=5),
        Fault("500", status("500 Internal Server Error"), r"status 500"),
        Fault("502", status("502 Bad Gateway", kind="text/html"), r"status 502"),
        Fault("503", status("503 Service Unavailable"), r"status 503"),
        Fault("503 with Retry-After", status("503 Service Unavailable", "Retry-After: 5"),
              r"status 503", retry_after=5),
        Fault("304", answer("304 Not Modified", "", length=None),
              r"status 304(?!.*redirect)"),
        Fault("204", answer("204 No Content", "", length=None, kind=None), r"status 204"),
        # another body
        Fault("HTML with 200", answer(body="<html><body>Sign in</body></html>",
                                      kind="text/html"), r"not JSON"),
        Fault("wrong Content-Type", answer(kind="text/plain"),
              r"Content-Type is not JSON", serves=True),
        Fault("over size, declared", answer(body=big), r"body is over"),
        Fault("over size, endless", answer(body="[" * 65_536, length=None, then="again"),
              r"body is over"),
        Fault("one giant header", answer(headers=giant), r"header is over"),
        Fault("two hundred headers", answer(headers=many), r"header is over"),
        Fault("gzip", answer(body=gzip.compress(b'{"keys":[]}'), headers=gz),
              r"not JSON|[Ee]ncod"),
        Fault("gzip bomb", answer(body=bomb(), headers=gz), r"not JSON|[Ee]ncod"),
        Fault("broken JSON", answer(body='{"keys":[{"kty":"RSA",'), r"not JSON"),
        Fault("an empty body", answer(body=""), r"not JSON|empty"),
        Fault("no JWK Set", answer(body='{"error":"try later"}'), r"no JWK Set"),
        Fault("empty set", answer(body='{"keys":[]}'), r"no usable key"),
        Fault("no usable key", answer(body=useless_keys()), r"no usable key",
              also=r'kid "broken"\) is not used: \S+'),
        Fault("weak keys only", answer(body=jwks(Key("RS256", "weak", bits=1024))),
              r"no usable key", also=r'kid "weak"\) is not used: .*(2048|bits|short|weak)'),
        # names and proxies
        Fault("name does not exist", {"name": "nxdomain"}, r"Could not resolve host",
              via="names"),
        Fault("name server fails", {"name": "servfail"}, r"Could not resolve host",
              via="names"),
        Fault("name server is silent", {"name": "silent"}, later, via="names"),
        Fault("name server is slow", {"name": "slow"}, later, via="names"),
        Fault("proxy refuses", {"closed": True}, r"Connection refused", via="proxy",
              countable=False),
    ]


FAULTS = rows()
