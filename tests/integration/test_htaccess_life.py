"""F7: .htaccess files that change while they are used, and what using them costs."""

import itertools
import threading
import time

import pytest

from support.load import Client, Load, ask_everything, request_of
from support.paths import LOAD_ALL
from support.process import resident_memory_of
from support.refusal import assert_refusal
from support.tokens import tampered

AUDIENCE = "https://api.example.com"

LEAVE = """
<Directory "${DOCS}">
    AllowOverride AuthConfig FileInfo
</Directory>
"""


def protected(issuer, *more, audience=AUDIENCE):
    return "\n".join(["AuthType Auth0", f"Auth0Domain {issuer.domain}",
                      f"Auth0Audience {audience}", *more]) + "\n"


def start(httpd, issuer, config="", **more):
    return httpd(f"Auth0CAFile {issuer.ca_file}\nAuth0TrustedDomains {issuer.domain}\n"
                 + LEAVE + config, **more)


# ---- one after the other ------------------------------------------------------------


class Site:
    """A folder whose .htaccess goes from state to state, and what each means.

    A state is a content (None: no file) with a mode, and what gets who brings no token and
    who brings the token: a status, or the name of an outcome.
    """

    def __init__(self, server, issuer):
        self.server, self.issuer = server, issuer
        self.token = issuer.mint(permissions=["read:a"])
        whole = protected(issuer, "Require valid-user")
        self.states = {
            "absent": (None, 0, 200, 200),
            "empty": ("", 0o644, 200, 200),
            "any valid token": (whole, 0o644, "E1", 200),
            "a permission that it has": (
                protected(issuer, "Require auth0-permission read:a"), 0o644, "E1", 200),
            "a permission that it lacks": (
                protected(issuer, "Require auth0-permission read:b"), 0o644, "E1", "E4"),
            "another audience": (
                protected(issuer, "Require valid-user",
                          audience="https://other.example.com"), 0o644, "E1", "E3"),
            "without an audience": (
                whole.replace(f"Auth0Audience {AUDIENCE}\n", ""), 0o644, "E6", "E6"),
            "nobody": ("Require all denied\n", 0o644, 403, 403),
            "unreadable": (whole, 0o000, 403, 403),
            "broken": (whole + "Auth0Audiense x\n", 0o644, 500, 500),
            "with a bad value": (whole + "Auth0Leeway 301\n", 0o644, 500, 500),
            "cut short": (whole + "<RequireAll>\nRequire auth0-perm", 0o644, 500, 500),
        }
        server.write("htdocs/site/page", "the page")
        self.now = "absent"

    def go(self, name):
        content, mode = self.states[name][:2]
        if content is None:
            (self.server.docs / "site" / ".htaccess").unlink(missing_ok=True)
        else:
            self.server.write("htdocs/site/.htaccess", content, mode)
        self.now = name

    def check(self):
        """On connections of their own: the exact answers."""
        for token, right in zip((None, self.token), self.states[self.now][2:]):
            answer = self.server.get("/site/page", token)
            if right == 200:
                assert (answer.status, answer.text) == (200, "the page"), self.now
            elif isinstance(right, int):
                assert answer.status == right and b"the page" not in answer.body, self.now
                assert answer.all("WWW-Authenticate") == []
            else:
                assert_refusal(answer, right, scope="read:b" if right == "E4" else None)

    def statuses(self):
        outcomes = {"E1": 401, "E3": 401, "E4": 403, "E6": 500}
        return [outcomes.get(right, right) for right in self.states[self.now][2:]]


@pytest.fixture
def site(httpd, issuer):
    return Site(start(httpd, issuer), issuer)


def test_f7_from_each_state_to_each_the_next_request_follows_the_file(site, rng):
    """Added, edited, removed, made unreadable, broken and mended, in every order."""
    order = list(itertools.permutations(site.states, 2))
    rng.shuffle(order)
    for before, after in order:
        for name in (before, after):
            site.go(name)
            site.check()


def test_f7_a_connection_that_is_open_follows_the_file_too(site, rng):
    requests = [request_of(None, "/site/page"), request_of(site.token, "/site/page")]
    with Client(site.server.port) as client:
        for name in rng.choices(list(site.states), k=60):
            site.go(name)
            assert [client.ask(request) for request in requests] == site.statuses(), name


def test_f7_the_log_says_what_is_wrong_with_a_file(site):
    for name, word in (("broken", "Auth0Audiense"), ("with a bad value", "301"),
                       ("unreadable", "Permission denied"), ("cut short", "RequireAll"),
                       ("without an audience", "Auth0Audience")):
        site.go(name)
        mark = site.server.mark()
        site.check()
        assert word in site.server.log(mark), site.server.log(mark)
        if name != "without an audience":
            assert "site/.htaccess" in site.server.log(mark), site.server.log(mark)


# ---- while others ask ---------------------------------------------------------------


class Versions:
    """Contents that say in every answer which of them it comes from.

    Odd ones want a permission that the token lacks; with even ones any token will do.
    """

    def __init__(self, server, issuer):
        self._server, self._issuer = server, issuer
        self._asked = threading.local()
        self.written = self.begun = -1
        self.seen = set()
        self.write_next()

    def write_next(self):
        number = self.begun + 1
        require = "auth0-permission read:b" if number % 2 else "valid-user"
        content = protected(self._issuer, f"Require {require}",
                            f'Header always set X-Version "{number}"')
        self.begun = number
        self._server.write("htdocs/site/.htaccess", content)
        self.written = number

    def source(self, request):
        """For Load: the request, and a note of what was in force when it was sent."""
        def make():
            self._asked.since = self.written
            return request
        return make

    def right(self, even, odd):
        """For Load: one status under even versions and one under odd ones."""
        def check(status, head):
            until = self.begun
            found = [int(line.partition(b":")[2]) for line in head.split(b"\r\n")
                     if line.lower().startswith(b"x-version:")]
            self.seen.update(found)
            return len(found) == 1 and self._asked.since <= found[0] <= until \
                and status == (odd if found[0] % 2 else even)
        return check


def test_f7_under_load_every_answer_is_that_of_the_old_or_of_the_new_file(httpd, issuer):
    """Files are replaced by rename: there is no moment at which the place is open."""
    server = start(httpd, issuer, "MaxKeepAliveRequests 0\n", log_level="warn",
                   files={"htdocs/site/page": "the page"})
    versions = Versions(server, issuer)
    good = issuer.mint()
    assert server.get("/site/page", good).status == 200  # the keys are there
    tokens = {"none": None, "good": good, "bad": tampered(good)}
    right = {"none": versions.right(401, 401), "good": versions.right(200, 403),
             "bad": versions.right(401, 401)}
    with Load(server.port, {
            name: (versions.source(request_of(token, "/site/page")), right[name])
            for name, token in tokens.items()}, clients=4) as load:
        end = time.monotonic() + (20 if LOAD_ALL else 2)
        while time.monotonic() < end:
            versions.write_next()
            time.sleep(0.002)
    load.assert_right()
    assert len(versions.seen) > 50, "hardly any version was seen"
    assert load.answers["good"][200] > 20 and load.answers["good"][403] > 20


# ---- files in folders in folders ----------------------------------------------------


def test_each_file_on_the_way_down_may_bring_its_part(httpd, issuer):
    """One says who is trusted, one for what API, one that it is needed and by whom."""
    parts = {"a": f"Auth0Domain {issuer.domain}\n", "a/b": f"Auth0Audience {AUDIENCE}\n",
             "a/b/c": "AuthType Auth0\nRequire auth0-permission read:a\n",
             "a/b/c/d": "Auth0UserClaim email\nAuth0ErrorBody all\n"}
    server = start(httpd, issuer, files={
        **{f"htdocs/{folder}/page": "page" for folder in parts},
        **{f"htdocs/{folder}/.htaccess": text for folder, text in parts.items()}})
    token = issuer.mint(permissions=["read:a"], email="a@example.com")
    for folder in ("a", "a/b"):
        assert server.get(f"/{folder}/page").text == "page"
    for folder in ("a/b/c", "a/b/c/d"):
        assert_refusal(server.get(f"/{folder}/page"), "E1")
        assert server.get(f"/{folder}/page", token).text == "page"
        answer = server.get(f"/{folder}/page", issuer.mint(email="a@example.com"))
        assert_refusal(answer, "E4", scope="read:a")
    server.wait_for_access("client-1@clients 200 GET /a/b/c/page HTTP/1.1")
    server.wait_for_access("a@example.com 200 GET /a/b/c/d/page HTTP/1.1")

    for folder in ("a", "a/b"):
        (server.docs / folder / ".htaccess").unlink()
        for deeper in ("a/b/c", "a/b/c/d"):
            assert_refusal(server.get(f"/{deeper}/page", token), "E6")
        server.write(f"htdocs/{folder}/.htaccess", parts[folder])
        assert server.get("/a/b/c/d/page", token).text == "page"
    (server.docs / "a/b/c/.htaccess").unlink()
    assert server.get("/a/b/c/d/page").text == "page"


def test_a_broken_or_unreadable_file_closes_what_is_below_it_and_nothing_else(httpd,
                                                                              issuer):
    whole = protected(issuer, "Require valid-user")
    server = start(httpd, issuer, files={
        "htdocs/a/.htaccess": whole, **{f"htdocs/{folder}/page": "page" for folder in
                                        ("a", "a/b", "a/b/c", "a/other")}})
    token = issuer.mint()
    for content, mode, status in ((whole + "Require nonsense\n", 0o644, 500),
                                  (whole, 0o000, 403)):
        server.write("htdocs/a/b/.htaccess", content, mode)
        for folder in ("a/b", "a/b/c"):
            answer = server.get(f"/{folder}/page", token)
            assert answer.status == status and b"page" not in answer.body
        for folder in ("a", "a/other"):
            assert server.get(f"/{folder}/page", token).text == "page"
            assert_refusal(server.get(f"/{folder}/page"), "E1")
        (server.docs / "a/b/.htaccess").unlink()
        assert server.get("/a/b/c/page", token).text == "page"


def test_a_file_protects_some_of_its_folder_with_sections_of_its_own(httpd, issuer):
    text = f"""\
        Auth0Domain {issuer.domain}
        Auth0Audience {AUDIENCE}
        <Files "*.secret">
            AuthType Auth0
            Require auth0-permission read:a
        </Files>
        <If "%{{QUERY_STRING}} == 'all'">
            AuthType Auth0
            Require valid-user
        </If>
        """
    server = start(httpd, issuer, files={
        "htdocs/a/.htaccess": text, "htdocs/a/b/x.secret": "page",
        "htdocs/a/x.page": "page", "htdocs/a/x.secret": "page"})
    reads, other = issuer.mint(permissions=["read:a"]), issuer.mint()
    for path in ("/a/x.secret", "/a/b/x.secret"):
        assert_refusal(server.get(path), "E1")
        assert_refusal(server.get(path, other), "E4", scope="read:a")
        assert server.get(path, reads).text == "page"
    assert server.get("/a/x.page").text == "page"
    assert_refusal(server.get("/a/x.page?all"), "E1")
    assert server.get("/a/x.page?all", other).text == "page"


# ---- memory -------------------------------------------------------------------------

NUMBER = 100_000 if LOAD_ALL else 20_000
WARM_UP = 3_000
#: What the allocator may still add; 13 bytes lost a request would be as much.
SLACK = 256 * 1024

#: A file that makes httpd and this module build all that they can build.
RICH = """\
AuthName "some place"
Auth0Leeway 10
Auth0TokenProfile auto
Auth0UserClaim sub
Auth0PassClaims sub email=AUTH0_EMAIL
Auth0ErrorBody all
<RequireAll>
    Require auth0-permission read:a
    Require auth0-claim email ~ ^[a-z]+@example\\.com$
    <RequireAny>
        Require auth0-org "%{HTTP_HOST}.org"
        Require auth0-client client-1
    </RequireAny>
    Require not user mallory
</RequireAll>
"""


def mixture(issuer):
    """Requests and what each gets: two thirds are let in."""
    whole = {"permissions": ["read:a"], "email": "a@example.com"}
    good = issuer.mint(**whole)
    return [(good, 200), (None, 401), (good, 200), (tampered(good), 401), (good, 200),
            (issuer.mint(**{**whole, "permissions": []}), 403), (good, 200),
            (issuer.mint(**whole, exp=1), 401), (good, 200), (good, 200),
            (issuer.mint(**{**whole, "email": "a@example.org"}), 403), (good, 200)]


def test_requests_through_an_htaccess_file_do_not_use_up_memory(httpd, issuer,
                                                                several_processes):
    """One child; what each request makes of the file goes when the request does."""
    server = start(httpd, issuer, "MaxKeepAliveRequests 0\n", mpm="event", processes=1,
                   threads=16, log_level="warn",
                   files={"htdocs/site/page": "the page",
                          "htdocs/site/.htaccess": protected(issuer, RICH)})
    asked = mixture(issuer)
    requests = [request_of(token, "/site/page") for token, _ in asked]

    def ask(number):
        rounds = number // len(asked)
        expected = {}
        for _, status in asked:
            expected[status] = expected.get(status, 0) + rounds
        assert ask_everything(server.port, requests * rounds, clients=4) == expected

    assert server.get("/site/page", asked[0][0]).status == 200
    ask(WARM_UP)
    child, = server.pids()
    before = resident_memory_of(child)
    ask(NUMBER)
    grown = resident_memory_of(child) - before
    assert server.pids() == [child], "the child was replaced"
    assert grown <= SLACK, f"{NUMBER} requests cost {grown} bytes"
