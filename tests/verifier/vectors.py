"""The published test vectors: where they are, what is in them.

They are never copied into the repository. AUTH0_JWT_VECTORS names their folder,
relative to the top of the tree.
"""

import json
import os

import pytest

import driver

# The same default as in Makefile.apxs: AUTH0_JWT_VECTORS or ../shared/vectors.
FOLDER = driver.TOP / os.environ.get("AUTH0_JWT_VECTORS", "../shared/vectors")
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth"}


def present():
    return FOLDER.is_dir()


def require():
    """Skip without the vectors, but never where nobody would notice."""
    if not present():
        missing = f"no folder {FOLDER} (AUTH0_JWT_VECTORS)"
        assert os.environ.get("CI") != "true", missing
        pytest.skip(missing)


def load(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def wycheproof(name):
    """All (group, test) pairs of a file; none when there is no file."""
    if not present():
        return []
    return [(group, test) for group in load(name)["testGroups"] for test in group["tests"]]


def name_of(test):
    return f"{test['tcId']}-{test['comment']}"


def public_part(jwk):
    return {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}
