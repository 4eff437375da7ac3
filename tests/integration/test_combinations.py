"""F5: requirements in every combination, against a model of what httpd makes of them."""

from collections import Counter

import pytest

from support import requirement_model as model
from support.conf import PROXY, location, proxied, trust
from support.outcome import TELLING, assert_outcome
from support.paths import VALGRIND
from support.refusal import assert_refusal
from support.requirement_model import Group
from support.tokens import tampered

TREES = 30 if VALGRIND else 300


# ---- random trees, in one configuration --------------------------------------------


class Place:
    """A Location with its requirements, what they come to, and its configuration."""

    def __init__(self, path, top, text):
        self.path, self.top, self.text = path, top, text


def merged_places(rng, number):
    """Locations in Locations with each AuthMerging."""
    for i in range(number):
        outer, inner = model.random_top(rng, 2), model.random_top(rng, 2)
        path, mode = f"/merge{i}", rng.choice(("And", "And", "Or", "Or", "Off", None))
        merging = [] if mode is None else [f"AuthMerging {mode}"]
        text = (location(path, *model.top_lines(outer), require=None)
                + location(path + "/in", *model.top_lines(inner), *merging, require=None))
        kind = {"And": "All", "Or": "Any"}.get(mode)
        yield Place(path + "/in", Group(kind, outer, inner) if kind else inner, text)
        yield Place(path, outer, "")


def random_places(rng):
    for i in range(TREES):
        top = model.random_top(rng)
        path = f"/tree{i}"
        yield Place(path, top, location(path, *model.top_lines(top), require=None))
    yield from merged_places(rng, TREES // 4)


def test_f5_every_tree_of_requirements_decides_as_the_model_says(httpd, issuer, backend,
                                                                 rng):
    places = list(random_places(rng))
    server = httpd(trust(issuer) + proxied(backend) + TELLING + model.ALIAS
                   + "".join(place.text for place in places), modules=PROXY,
                   log_level="info")
    kinds = [model.random_claims(rng) for _ in range(24)]
    minted = [(claims, issuer.mint(**claims)) for claims in kinds]
    bad = [issuer.mint(exp_in=-3600), tampered(minted[0][1])]
    seen, several_words = Counter(), 0
    for place in places:
        asked = [(None, None), ({}, rng.choice(bad)), *rng.sample(minted, 4)]
        for claims, token in asked:
            outcome, scope = model.expected(place.top, claims, bad=token in bad)
            answer = server.get(place.path, token)
            try:
                assert_outcome(answer, backend, outcome, scope, (claims or {}).get("sub"))
            except AssertionError as problem:
                tree = "\n".join(place.top.lines())
                raise AssertionError(f"{place.path} with {claims}: the model says "
                                     f"{outcome} {scope}\n{tree}\n{problem}") from None
            seen[outcome] += 1
            several_words += len(scope) > 1
    # No seed may make this test idle.
    assert all(seen[outcome] >= TREES // 10 for outcome in
               ("open", "closed", "OK", "E1", "E3", "E4")), seen
    assert several_words >= TREES // 10


# ---- each requirement, in each shape -----------------------------------------------

#: A requirement, claims that meet it, claims that do not, the challenge's scope.
EACH = {
    "valid-user": ({}, None, None),
    "auth0-permission read:a read:b": ({"permissions": ["read:b", "read:a"]},
                                       {"permissions": ["read:a"]}, "read:a read:b"),
    "auth0-scope read:a": ({"scope": "openid read:a"}, {"scope": "openid"}, "read:a"),
    "auth0-org acme": ({"org_name": "acme"}, {"org_name": "other"}, None),
    "auth0-client app-1": ({"azp": "app-1"}, {"azp": "app-2"}, None),
    "auth0-claim level=3": ({"level": 3}, {"level": 4}, None),
    f"user {model.USER}": ({}, {"sub": "mallory"}, None),
    f"expr %{{REMOTE_USER}} == '{model.USER}'": ({}, {"sub": "mallory"}, None),
}

#: Sections in which the decision is LINE's alone.
SHAPES = {
    "alone": "Require LINE",
    "in-all": "<RequireAll>\nRequire LINE\nRequire ip 127.0.0.1\n</RequireAll>",
    "in-any": "<RequireAny>\nRequire ip 192.0.2.1\nRequire LINE\n</RequireAny>",
    "any-in-all-in-any": "<RequireAny>\nRequire all denied\n<RequireAll>\n"
                         "Require all granted\n<RequireAny>\nRequire LINE\n"
                         "Require method POST\n</RequireAny>\n</RequireAll>\n</RequireAny>",
    "beside-none": "<RequireAll>\nRequire LINE\n<RequireNone>\nRequire ip 192.0.2.1\n"
                   "Require user mallory-2\n</RequireNone>\n</RequireAll>",
    "beside-not": "<RequireAll>\nRequire not ip 192.0.2.1\nRequire LINE\n"
                  "Require not expr %{REQUEST_METHOD} == 'PUT'\n</RequireAll>",
}


@pytest.fixture(scope="module")
def shapes(shared_httpd, issuer, shared_backend):
    conf = "".join(location(f"/{shape}/{i}", text.replace("LINE", line), require=None)
                   for shape, text in SHAPES.items() for i, line in enumerate(EACH))
    return shared_httpd(trust(issuer) + proxied(shared_backend) + TELLING + conf,
                        modules=PROXY)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("line", EACH, ids=lambda line: line.split()[0])
def test_f5_a_requirement_decides_wherever_it_stands(shapes, issuer, backend, line, shape):
    met, unmet, scope = EACH[line]
    path = f"/{shape}/{list(EACH).index(line)}"
    assert_outcome(shapes.get(path), backend, "E1")
    assert_outcome(shapes.get(path, issuer.mint(**met)), backend, "OK", user=model.USER)
    assert_outcome(shapes.get(path, tampered(issuer.mint(**met))), backend, "E3")
    if unmet is not None:
        mark = shapes.mark()
        answer = shapes.get(path, issuer.mint(**unmet))
        assert_refusal(answer, "E4", scope=scope, backend=backend, server=shapes, mark=mark,
                       reason="permission_missing" if scope else "requirement_not_met")


# ---- AuthMerging -------------------------------------------------------------------

A, B = "auth0-permission read:a", "auth0-scope read:b"
HAS_A = {"permissions": ["read:a"]}
HAS_B = {"scope": "read:b"}

#: What asks for the inner B get, by AuthMerging, with the outer A: for a token with
#: neither, with A, with B, with both.
MERGED = {
    None: (["read:b"], ["read:b"], "OK", "OK"),
    "Off": (["read:b"], ["read:b"], "OK", "OK"),
    "And": (["read:a"], ["read:b"], ["read:a"], "OK"),
    "Or": (["read:a", "read:b"], "OK", "OK", "OK"),
}


def merging(mode):
    return [f"AuthMerging {mode}"] if mode else []


def inner(mode):
    return "\n".join([f"Require {B}", *merging(mode)]) + "\n"


def protected_folder(issuer, *more):
    return "\n".join(["AuthType Auth0", f"Auth0Domain {issuer.domain}",
                      f"Auth0Audience {issuer.audience}", *more]) + "\n"


def assert_merged(server, issuer, path, mode):
    assert_refusal(server.get(path), "E1")
    for claims, right in zip(({}, HAS_A, HAS_B, {**HAS_A, **HAS_B}), MERGED[mode]):
        answer = server.get(path, issuer.mint(**claims))
        if right == "OK":
            assert answer.status == 200 and answer.text == "page", repr(answer)
        else:
            assert_refusal(answer, "E4", scope=" ".join(right))


@pytest.mark.parametrize("mode", MERGED, ids=str)
def test_f5_authmerging_combines_what_a_section_and_the_one_around_it_require(
        httpd, issuer, mode):
    """In Directories, in a file below, in a file below a file; Locations are above."""
    server = httpd(
        trust(issuer) + f"Auth0TrustedDomains {issuer.domain}\n"
        + f'<Directory "${{DOCS}}/folder">\n{protected_folder(issuer)}Require {A}\n'
          "AllowOverride AuthConfig\n</Directory>\n"
        + f'<Directory "${{DOCS}}/folder/in">\n{inner(mode)}</Directory>\n'
        + '<Directory "${DOCS}/files">\nAllowOverride AuthConfig\n</Directory>\n',
        files={"htdocs/folder/in/page": "page", "htdocs/folder/file/page": "page",
               "htdocs/folder/file/.htaccess": inner(mode),
               "htdocs/files/.htaccess": protected_folder(issuer, f"Require {A}"),
               "htdocs/files/in/deep/page": "page",
               "htdocs/files/in/.htaccess": inner(mode)})
    for path in ("/folder/in/page", "/folder/file/page", "/files/in/deep/page"):
        assert_merged(server, issuer, path, mode)


def test_f5_authmerging_in_a_location_goes_on_to_the_folder_behind_it(httpd, issuer):
    """httpd merges Locations with each other first, and what comes out with the folder.

    So a Location that says Or is open where the folder is, whatever stands around it.
    """
    server = httpd(trust(issuer) + "".join(
        location(f"/{mode}", require=A) + location(f"/{mode}/in", inner(mode), require=None)
        for mode in ("And", "Or")),
        files={"htdocs/And/in/page": "page", "htdocs/Or/in/page": "page"})
    assert_merged(server, issuer, "/And/in/page", "And")
    assert server.get("/Or/in/page").text == "page"


def test_f5_merging_an_open_place_asks_nobody_with_or_and_everybody_with_and(
        httpd, issuer, backend):
    conf = '<Location "/MODE">\nRequire all granted\n</Location>\n' \
        + location("/MODE/in", "AuthMerging MODE", require=A)
    server = httpd(trust(issuer) + proxied(backend) + TELLING
                   + conf.replace("MODE", "Or") + conf.replace("MODE", "And"),
                   modules=PROXY)
    for token in (None, issuer.mint(), issuer.mint(**HAS_A)):
        assert_outcome(server.get("/Or/in", token), backend, "open")
    assert_outcome(server.get("/And/in"), backend, "E1")
    assert_outcome(server.get("/And/in", issuer.mint()), backend, "E4", ["read:a"])
    assert_outcome(server.get("/And/in", issuer.mint(**HAS_A)), backend, "OK",
                   user=model.USER)


# ---- Satisfy, and the Allow and Deny of old -----------------------------------------

ALLOWED = "Order deny,allow\nDeny from all\nAllow from 127.0.0.1\n"
DENIED = "Order allow,deny\nAllow from all\nDeny from 127.0.0.1\n"

#: What a request gets: without a token, with one that lacks the permission, with it.
SATISFY = {
    "Satisfy All\n" + ALLOWED: ("E1", "E4", "OK"),
    "Satisfy All\n" + DENIED: ("closed", "closed", "closed"),
    "Satisfy Any\n" + ALLOWED: ("open", "open", "open"),
    "Satisfy Any\n" + DENIED: ("E1", "E4", "OK"),
    # Without a rule about hosts, every host is allowed: Satisfy Any opens the place.
    "Satisfy Any\n": ("open", "open", "open"),
    "Satisfy All\n": ("E1", "E4", "OK"),
    ALLOWED: ("E1", "E4", "OK"),
    DENIED: ("closed", "closed", "closed"),
}


@pytest.fixture(scope="module")
def satisfying(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + proxied(shared_backend) + TELLING
        + "".join(location(f"/{i}", text, require=A) for i, text in enumerate(SATISFY)),
        modules=(*PROXY, "access_compat"))


@pytest.mark.parametrize("text", SATISFY, ids=lambda text: " ".join(text.split())[:40])
def test_f5_satisfy_means_what_httpd_says_and_tells_no_claim_of_who_was_not_asked(
        satisfying, issuer, backend, text):
    path = f"/{list(SATISFY).index(text)}"
    without, lacking, having = SATISFY[text]
    assert_outcome(satisfying.get(path), backend, without)
    assert_outcome(satisfying.get(path, issuer.mint()), backend, lacking, ["read:a"])
    assert_outcome(satisfying.get(path, issuer.mint(**HAS_A)), backend, having,
                   user=model.USER)
    bad = {"open": "open", "closed": "closed"}.get(without, "E3")
    assert_outcome(satisfying.get(path, tampered(issuer.mint(**HAS_A))), backend, bad)


def test_f5_who_was_not_asked_is_nobody_in_the_access_log(satisfying, issuer, backend):
    path = f"/{list(SATISFY).index('Satisfy Any' + chr(10) + ALLOWED)}"
    assert satisfying.get(path + "/logged", issuer.mint(**HAS_A)).status == 200
    satisfying.wait_for_access(f"- 200 GET {path}/logged HTTP/1.1")
