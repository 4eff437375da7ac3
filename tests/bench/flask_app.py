"""A Flask API that checks tokens as Auth0's sample for Flask does, for the benchmark.

As there, PyJWT verifies signature, algorithm, audience, issuer and expiry, and each
request makes a PyJWKClient, which fetches the keys. Settings come from the environment:
JWKS_URL, ISSUER, AUDIENCE, PERMISSION, BODY.
"""

import os
from functools import wraps

import jwt
from flask import Flask, Response, g, jsonify, request

app = Flask(__name__)
JWKS_URL, ISSUER, AUDIENCE, PERMISSION, BODY = (
    os.environ[name] for name in ("JWKS_URL", "ISSUER", "AUDIENCE", "PERMISSION", "BODY"))


class Refused(Exception):
    def __init__(self, status, **body):
        super().__init__(body["message"])
        self.status, self.body = status, body


@app.errorhandler(Refused)
def refuse(refused):
    return jsonify(refused.body), refused.status


def bearer_token():
    words = request.headers.get("Authorization", "").split()
    if not words:
        raise Refused(401, message="Requires authentication")
    if len(words) != 2:
        raise Refused(400, error="invalid_request", message="Requires authentication")
    if words[0].lower() != "bearer":
        raise Refused(401, message="Requires authentication")
    return words[1]


def claims_of(token):
    try:
        key = jwt.PyJWKClient(JWKS_URL).get_signing_key_from_jwt(token).key
    except Exception as problem:  # the sample tells no reasons apart either
        raise Refused(500, error="signing_key_unavailable", error_description=str(problem),
                      message="Unable to verify credentials") from problem
    try:
        return jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE,
                          issuer=ISSUER)
    except jwt.PyJWTError as problem:
        raise Refused(401, error="invalid_token", error_description=str(problem),
                      message="Bad credentials.") from problem


def guarded(permission):
    def decorator(view):
        @wraps(view)
        def guard(*arguments, **named):
            g.access_token = claims_of(bearer_token())
            if permission not in g.access_token.get("permissions", []):
                raise Refused(403, error="insufficient_permissions",
                              message="Permission denied")
            return view(*arguments, **named)
        return guard
    return decorator


@app.get("/")
@guarded(PERMISSION)
def message():
    return Response(BODY, mimetype="text/plain")
