"""src/token by way of driver.c: batches of commands in, as many answers out."""

import base64
import json
import os
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PROGRAM = TOP / os.environ.get("AUTH0_JWT_DRIVER", "build/obj/driver")

# What a configuration refuses to start with; the rest are names of token/reason.c.
SECRET_REFUSED = "secret_refused"
ALGORITHM_UNHEARD_OF = "algorithm_unheard_of"


def carried(data):
    """Bytes, text or a JSON value, as the driver wants bytes to come."""
    if not isinstance(data, (bytes, str)):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    return base64.b64encode(data).decode()


def json_lines(output):
    """One value a line; str.splitlines would also split at a U+2028 in a string."""
    return [json.loads(line) for line in output.decode().split("\n") if line]


def ask(commands):
    """The answers to all commands, in their order; a crash fails the test."""
    lines = "".join(json.dumps(command) + "\n" for command in commands)
    done = subprocess.run([PROGRAM], input=lines.encode(), capture_output=True, check=False)
    assert done.returncode == 0, \
        f"the driver ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
    answers = json_lines(done.stdout)
    assert len(answers) == len(commands)
    return answers


def ask_one(command):
    return ask([command])[0]


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64url_encode(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def payload(answer):
    """The payload of a token whose signature held, as bytes."""
    return base64.b64decode(answer["payload"], validate=True)


def jws_by_set(token, keys, **more):
    """Verify a signature by a fetched set (its text, or anything to be JSON)."""
    return {"op": "jws", "token": carried(token), "jwks": carried(keys), **more}


def jws_by_secret(token, secret, algorithms, **more):
    """Verify a signature by a secret's bytes, made for these algorithms."""
    return {"op": "jws", "token": carried(token), "secret": carried(secret),
            "algorithms": list(algorithms), **more}


def read_set(keys):
    return {"op": "jwks", "jwks": carried(keys)}


def read_json(text, **limits):
    return {"op": "json", "text": carried(text), **limits}


def node(script, lines=()):
    """Lines from a script of this folder that gets JSON lines and writes JSON lines."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(["node", HERE / script], input=text.encode(), capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return json_lines(done.stdout)
