"""Two Flask APIs that check tokens by the calls that Auth0's samples make.

    python3 flask_samples.py hello-world|quickstart guarded|open PORT

hello-world uses PyJWT and asks for permissions, quickstart uses python-jose and asks for a
scope; `open` leaves the guards out, as after a move to httpd. The environment gives
AUTH0_DOMAIN and AUTH0_AUDIENCE.
"""

import json
import os
import sys
from functools import wraps
from urllib.request import urlopen

from flask import Flask, g, jsonify, request

ISSUER = f"https://{os.environ['AUTH0_DOMAIN']}/"
AUDIENCE = os.environ["AUTH0_AUDIENCE"]
KEYS = f"{ISSUER}.well-known/jwks.json"

app = Flask(__name__)


class Refused(Exception):
    def __init__(self, status, **body):
        super().__init__(str(status))
        self.status, self.body = status, body


@app.errorhandler(Refused)
def refuse(refused):
    return jsonify(refused.body), refused.status


def seen():
    """What the view knows of the user, for the test."""
    return jsonify(user=request.headers.get("X-User"),
                   permissions=request.headers.get("X-Permissions"),
                   authorization=request.headers.get("Authorization"))


# ---- the Hello World API ---------------------------------------------------------------


def token_of_hello_world():
    words = request.headers.get("Authorization", "").split()
    if not words:
        raise Refused(401, message="Requires authentication")
    if len(words) != 2:
        raise Refused(400, error="invalid_request", message="Requires authentication")
    if words[0].lower() != "bearer":
        raise Refused(401, message="Requires authentication")
    return words[1]


def claims_of_hello_world(token):
    import jwt

    try:
        try:
            key = jwt.PyJWKClient(KEYS).get_signing_key_from_jwt(token).key
        except Exception as problem:
            raise Refused(500, error="signing_key_unavailable") from problem
        return jwt.decode(token, key, algorithms="RS256", audience=AUDIENCE, issuer=ISSUER)
    except Exception as problem:  # as there, its own 500 among them
        raise Refused(401, error="invalid_token", message="Bad credentials") from problem


def permissions_guard(*required):
    def decorator(view):
        @wraps(view)
        def guard():
            g.access_token = claims_of_hello_world(token_of_hello_world())
            if not set(required) <= set(g.access_token.get("permissions") or ()):
                raise Refused(403, error="insufficient_permissions",
                              message="Permission denied")
            return view()
        return guard
    return decorator


# ---- the backend quickstart ------------------------------------------------------------


def token_of_quickstart():
    words = request.headers.get("Authorization", "").split()
    if not words:
        raise Refused(401, code="authorization_header_missing")
    if words[0].lower() != "bearer" or len(words) != 2:
        raise Refused(401, code="invalid_header")
    return words[1]


def claims_of_quickstart(token):
    from jose import jwt

    with urlopen(KEYS) as answer:
        keys = json.load(answer)["keys"]
    try:
        header = jwt.get_unverified_header(token)
    except jwt.JWTError as problem:
        raise Refused(401, code="invalid_header") from problem
    for key in keys:
        if key["kid"] == header["kid"]:
            break
    else:
        raise Refused(401, code="invalid_header")
    try:
        return jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    except jwt.ExpiredSignatureError as problem:
        raise Refused(401, code="token_expired") from problem
    except jwt.JWTClaimsError as problem:
        raise Refused(401, code="invalid_claims") from problem
    except Exception as problem:
        raise Refused(401, code="invalid_header") from problem


def requires_scope(scope=None):
    def decorator(view):
        @wraps(view)
        def guard():
            claims = claims_of_quickstart(token_of_quickstart())
            if scope and scope not in (claims.get("scope") or "").split():
                raise Refused(403, code="Unauthorized")
            return view()
        return guard
    return decorator


# ---- their routes ----------------------------------------------------------------------

SAMPLES = {
    "hello-world": ("/api/messages/public", "/api/messages/protected",
                    "/api/messages/admin", permissions_guard(),
                    permissions_guard("read:admin-messages")),
    "quickstart": ("/api/public", "/api/private", "/api/private-scoped",
                   requires_scope(), requires_scope("read:messages")),
}


def main():
    sample, mode, port = sys.argv[1:]
    *paths, any_token, enough = SAMPLES[sample]
    guards = (None, any_token, enough) if mode == "guarded" else (None,) * 3
    for path, guard in zip(paths, guards):
        app.add_url_rule(path, path, guard(seen) if guard else seen)
    app.run("127.0.0.1", int(port), threaded=True)


main()
