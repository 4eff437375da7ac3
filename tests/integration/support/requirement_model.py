"""What httpd makes of requirements in nested sections: a model to compare it with.

The model knows what the manual of mod_authz_core says. Requirements are asked twice:
before authentication, where those about a user cannot say yet, and again with the user,
unless the first answer was final. RequireAll stops at the first refusal, RequireAny at the
first consent; what is negated can refuse, but never consent.
"""

GRANTED, DENIED, NO_USER, NEUTRAL = "granted", "denied", "no user", "neutral"

USER = "client-1@clients"
WORDS = [f"read:{letter}" for letter in "abcdef"]

#: For the server's own level: another name for a requirement of ours.
ALIAS = ('<AuthzProviderAlias auth0-permission may-read-a-and-b "read:a read:b">\n'
         "</AuthzProviderAlias>\n")


class Line:
    """A Require line. met tells whether these claims (None: no user) meet it.

    asks: "token" for what only a user can meet; "user" for an expression with REMOTE_USER,
    which may hold without one; "nothing" for what has no interest in users. words: what
    the challenge names when it is refused.
    """

    def __init__(self, text, met, asks="token", words=(), negated=False):
        self.text, self.met, self.asks = text, met, asks
        self.words, self.negated = words, negated

    def lines(self):
        return [f"Require {'not ' if self.negated else ''}{self.text}"]

    def judge(self, claims, missing):
        if claims is None and self.asks == "token":
            status = NO_USER
        elif self.met(claims):
            status = GRANTED
        else:
            status = NO_USER if self.asks == "user" else DENIED
            missing.extend(word for word in self.words if word not in missing)
        return _negate(status) if self.negated else status


class Group:
    """<RequireAll>, <RequireAny> or <RequireNone>."""

    def __init__(self, kind, *children):
        self.kind, self.children = kind, children

    def lines(self):
        return [f"<Require{self.kind}>",
                *(f"    {line}" for child in self.children for line in child.lines()),
                f"</Require{self.kind}>"]

    def judge(self, claims, missing):
        final, result = (DENIED if self.kind == "All" else GRANTED), NEUTRAL
        for child in self.children:
            status = child.judge(claims, missing)
            if status == final:
                result = status
                break
            # A user might still change the answer: that outweighs what cannot change.
            if result == NEUTRAL or status == NO_USER:
                result = result if status == NEUTRAL else status
        return _negate(result) if self.kind == "None" else result


def _negate(status):
    return {GRANTED: DENIED, NEUTRAL: NEUTRAL}.get(status, NEUTRAL)


def expected(top, claims, bad=False):
    """The outcome and the scope attribute's words, for a token of these claims or None.

    "open": let in by httpd, nobody was asked for a token; "closed": refused in the same
    way; OK, E1, E3 (for a bad token) and E4 as everywhere.
    """
    before = top.judge(None, [])
    if before == GRANTED:
        return "open", []
    if before != NO_USER:
        return "closed", []
    if claims is None:
        return "E1", []
    if bad:
        return "E3", []
    missing = []
    return ("OK", []) if top.judge(claims, missing) == GRANTED else ("E4", missing)


# ---- random requirements and claims ------------------------------------------------


def _words(provider, claim_words, words):
    return Line(f"{provider} {' '.join(words)}",
                lambda claims: set(words) <= set(claim_words(claims)), words=words)


def permissions(*words):
    return _words("auth0-permission", lambda claims: claims.get("permissions", []), words)


def scopes(*words):
    return _words("auth0-scope", lambda claims: claims.get("scope", "").split(), words)


def alias():
    line = permissions("read:a", "read:b")
    return Line("may-read-a-and-b", line.met, words=line.words)


def of_ours(rng):
    """A requirement that this module answers for."""
    words = rng.sample(WORDS, rng.choice((1, 1, 2, 3)))
    return rng.choice([
        lambda: permissions(*words), lambda: permissions(*words), lambda: scopes(*words),
        alias,
        lambda: Line("auth0-org org_1 acme", lambda claims: claims.get("org_id") == "org_1"
                     or claims.get("org_name") == "acme"),
        lambda: Line("auth0-client app-1 app-2", lambda claims:
                     claims.get("client_id", claims.get("azp")) in ("app-1", "app-2")),
        lambda: Line("auth0-claim email_verified",
                     lambda claims: claims.get("email_verified", False)),
        lambda: Line("auth0-claim role=admin",
                     lambda claims: "admin" in claims.get("role", [])),
        lambda: Line("auth0-claim email ~ @example\\.com$",
                     lambda claims: claims.get("email", "").endswith("@example.com")),
    ])()


def of_httpd(rng):
    """One of httpd's own. The client is 127.0.0.1 and asks with GET."""
    return rng.choice([
        Line("valid-user", lambda claims: True),
        Line(f"user {USER} somebody-else", lambda claims: claims["sub"] == USER),
        Line("user mallory", lambda claims: claims["sub"] == "mallory"),
        Line("ip 127.0.0.1", lambda claims: True, "nothing"),
        Line("ip 192.0.2.1", lambda claims: False, "nothing"),
        Line("method GET", lambda claims: True, "nothing"),
        Line("method POST", lambda claims: False, "nothing"),
        Line("all denied", lambda claims: False, "nothing"),
        Line("expr %{REQUEST_METHOD} == 'GET'", lambda claims: True, "nothing"),
        Line("expr %{REQUEST_METHOD} == 'PUT'", lambda claims: False, "nothing"),
        # Holds for nobody before authentication, and httpd does not know that it will.
        Line("expr %{reqenv:AUTH0_CLAIM_email} =~ /@example/", lambda claims:
             "@example" in (claims or {}).get("email", ""), "nothing"),
        Line(f"expr %{{REMOTE_USER}} == '{USER}'",
             lambda claims: claims is not None and claims["sub"] == USER, "user"),
        # Holds without a user: httpd lets everybody in where this is enough.
        Line("expr %{REMOTE_USER} != 'mallory'",
             lambda claims: claims is None or claims["sub"] != "mallory", "user"),
    ])


def _line(rng, ours):
    return of_ours(rng) if ours and rng.random() < 0.7 else of_httpd(rng)


def _negated(rng):
    """What httpd lets be negated: nothing of ours."""
    if rng.random() < 0.5:
        line = of_httpd(rng)
        return Line(line.text, line.met, line.asks, negated=True)
    return Group("None", *(random_node(rng, 1, ours=False)
                           for _ in range(rng.randint(1, 3))))


def random_node(rng, depth, ours=True):
    """A line, or a section at most so deep."""
    if depth == 0 or rng.random() < 0.35:
        return _line(rng, ours)
    children = [random_node(rng, depth - 1, ours) for _ in range(rng.randint(1, 4))]
    kind = rng.choice(("All", "Any"))
    if kind == "All":
        for _ in range(rng.choice((0, 0, 1, 2))):
            children.insert(rng.randint(0, len(children)), _negated(rng))
    return Group(kind, *children)


def random_top(rng, depth=3):
    """What stands in a section such as <Location>: alternatives, as always."""
    return Group("Any", *(random_node(rng, depth) for _ in range(rng.choice((1, 1, 2, 3)))))


def top_lines(top):
    return [line for child in top.children for line in child.lines()]


def random_claims(rng):
    claims = {"permissions": [word for word in WORDS if rng.random() < 0.6],
              "scope": " ".join(word for word in WORDS if rng.random() < 0.6),
              "sub": rng.choice((USER, USER, USER, "mallory")),
              "azp": rng.choice(("app-1", "app-3"))}
    several = {"org_id": ("org_1", "org_2"), "org_name": ("acme", "other"),
               "client_id": ("app-2", "app-4"), "email_verified": (True, False),
               "role": (["admin", "user"], ["user"]),
               "email": ("a@example.com", "a@example.org")}
    for name, values in several.items():
        if rng.random() < 0.7:
            claims[name] = rng.choice(values)
    return claims
