"""One place that knows what a refusal looks like: DESIGN.md section 2, to the byte."""

import json
import re

from . import reasons

STATUS = {"E1": 401, "E2": 400, "E3": 401, "E4": 403, "E5": 503, "E6": 500}
ERROR = {"E2": "invalid_request", "E3": "invalid_token", "E4": "insufficient_scope",
         "E5": "signing_key_unavailable"}
MESSAGE = {"E1": "Requires authentication", "E2": "Requires authentication",
           "E3": "Bad credentials", "E4": "Permission denied",
           "E5": "Unable to verify credentials", "E6": "Internal Server Error"}
E2_SENTENCE = "Authorization header value must follow this format: Bearer access-token"


def quoted(text):
    """A quoted-string of RFC 9110."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def challenge(outcome, sentence=None, realm="api", scope=None):
    """The exact WWW-Authenticate of an outcome; None where there is none."""
    if outcome in ("E5", "E6"):
        return None
    parts = [f"realm={quoted(realm)}"]
    if outcome != "E1":
        parts += [f"error={quoted(ERROR[outcome])}",
                  f"error_description={quoted(sentence)}"]
    if scope:
        parts.append(f"scope={quoted(scope)}")
    return "Bearer " + ", ".join(parts)


def body_of(outcome, sentence=None):
    """The exact JSON body of an outcome."""
    members = {}
    if outcome in ERROR:
        members = {"error": ERROR[outcome], "error_description": sentence}
    members["message"] = MESSAGE[outcome]
    return json.dumps(members, separators=(",", ":")).encode()


def _described(response):
    """The error_description the answer gives, in its challenge or its body."""
    for value in response.all("WWW-Authenticate"):
        found = re.search(r'error_description="([^"]*)"', value)
        if found:
            return found.group(1)
    try:
        return response.json().get("error_description")
    except ValueError:
        return None


def assert_refusal(response, outcome, *, realm="api", scope=None, reason=None,
                   server=None, mark=None, method="GET", body="json", backend=None):
    """Assert every promise that THREATS.md makes of an outcome E1 to E6.

    reason: the reason's name, or several that would do; with server and mark it must
    stand in the log at info since mark. body: "json"; None when the test looks at the body
    itself (Auth0ErrorBody off, an ErrorDocument). backend: must not have been reached
    (give it fresh, or with its hits cleared).
    """
    assert response.status == STATUS[outcome], f"not {outcome}:\n{response!r}"

    sentence = _described(response)
    if method == "HEAD" and outcome == "E5":
        sentence = next(iter(reasons.sentences("E5")))
    if outcome in ERROR:
        assert sentence in reasons.sentences(outcome), \
            f"{sentence!r} is not in the closed list of {outcome}:\n{response!r}"
    if outcome == "E2":
        assert sentence == E2_SENTENCE
    names = (reason,) if isinstance(reason, str) else tuple(reason or ())
    for name in names:
        assert reasons.table()[name].outcome == outcome, f"the test is wrong about {name}"
    if names and outcome in ERROR:
        assert sentence in {reasons.table()[name].sentence for name in names}, \
            f"{sentence!r} is not the sentence of {' or '.join(names)}"

    expected = challenge(outcome, sentence, realm, scope)
    assert response.all("WWW-Authenticate") == ([expected] if expected else [])

    assert "no-store" in (response.header("Cache-Control") or ""), repr(response)
    if outcome == "E5":
        retry = response.header("Retry-After")
        assert retry is not None and retry.isdigit() and int(retry) >= 1, repr(response)
    else:
        assert response.all("Retry-After") == []

    if body == "json":
        exact = body_of(outcome, sentence)
        assert response.header("Content-Type") == "application/json; charset=utf-8"
        assert response.header("Content-Length") == str(len(exact)), repr(response)
        assert response.body == (b"" if method == "HEAD" else exact)
        assert response.all("Content-Encoding") == []
    elif method == "HEAD":
        assert response.body == b""

    if backend is not None:
        assert backend.hits == [], "the back end was reached"
    if server is not None and names:
        log = server.log(mark or 0)
        ours = [line for line in log.splitlines() if "[auth0_jwt:info]" in line]
        assert any(f"({name})" in line for line in ours for name in names), \
            f"no line of ours names {' or '.join(names)}:\n{log[-3000:]}"
    return response
