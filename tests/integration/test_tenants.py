"""Several tenants in one server: each token is judged by its own issuer's keys alone."""

import itertools

import pytest

from support import tokens
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.issuer import Issuer
from support.load import Client, request_of
from support.refusal import assert_refusal
from support.tokens import Key, tampered
from support.wait import free_port, wait_until

AUDIENCE = "https://api.example.com"
#: The keys of all tenants of this file have one name: only the issuer tells them apart.
KID = "key-1"


@pytest.fixture(scope="module")
def other(authority):
    """A second tenant: another name, another key, under the same kid."""
    with Issuer(authority, kids=(KID,)) as made:
        yield made


def of_both(issuer, other):
    """Tokens by who they say they are from and who has signed them: only two are true."""
    both = (issuer, other)
    return {(name, signer): signer.mint(iss=name.iss)
            for name, signer in itertools.product(both, both)}


def assert_kept_apart(server, path, issuer, other):
    for (name, signer), token in of_both(issuer, other).items():
        answer = server.get(path, token)
        if name is signer:
            assert answer.status == 200, repr(answer)
        else:
            assert_refusal(answer, "E3", reason="signature_invalid")


# ---- several in one place ----------------------------------------------------------


def test_both_names_of_one_tenant_are_accepted(httpd, authority, backend, ready_key):
    """Its canonical domain and its custom domain publish the same keys."""
    with Issuer(authority, keys=[ready_key]) as canonical, \
            Issuer(authority, keys=[ready_key]) as custom:
        server = httpd(f"Auth0CAFile {authority.file}\n" + proxied(backend)
                       + location("/one", f"Auth0Domain {canonical.domain}")
                       + location("/two",
                                  f"Auth0Domain {canonical.domain} {custom.domain}"),
                       modules=PROXY)
        for name in (canonical, custom):
            assert_accepted(server.get("/two", name.mint()), backend)
            backend.hits.clear()
            assert_refusal(server.get("/two", tampered(name.mint())), "E3",
                           reason="signature_invalid", backend=backend)
        # What has not been named is not trusted for having the right key.
        assert_refusal(server.get("/one", custom.mint()), "E3", reason="issuer_unknown",
                       backend=backend)
        assert_accepted(server.get("/one", canonical.mint()), backend)
        assert (canonical.fetches, custom.fetches) == (1, 1)


@pytest.fixture(scope="module")
def several(shared_httpd, issuer, other):
    def domains(path, *lines):
        return location(path, *(line.format(a=issuer, b=other) for line in lines))

    return shared_httpd(
        f"Auth0CAFile {issuer.ca_file}\n"
        + domains("/one-line", "Auth0Domain {a.domain} {b.domain}")
        + domains("/two-lines", "Auth0Domain {b.domain}", "Auth0Domain {a.domain}")
        + domains("/issuers", "Auth0Issuer {a.iss}", "Auth0Issuer {b.iss}")
        + domains("/mixed", "Auth0Domain {a.domain}",
                  "Auth0Issuer {b.iss} jwks={b.jwks_url}")
        + domains("/first", "Auth0Domain {a.domain}")
        + domains("/first/second", "Auth0Domain {b.domain}")
        + domains("/first/second/third"),
        files={f"htdocs/{path}/page": "page" for path in
               ("one-line", "two-lines", "issuers", "mixed", "first", "first/second",
                "first/second/third")})


@pytest.mark.parametrize("path", ["one-line", "two-lines", "issuers", "mixed"])
def test_of_two_issuers_neither_signs_for_the_other(several, issuer, other, path):
    assert_kept_apart(several, f"/{path}/page", issuer, other)


def test_a_kid_that_only_the_other_issuer_has_is_unknown(several, authority, httpd,
                                                         issuer):
    with Issuer(authority, kids=("key-2",)) as third:
        server = httpd(trust(issuer) + f"Auth0Domain {third.domain}\n"
                       + location("/x"), files={"htdocs/x": "page"})
        assert server.get("/x", third.mint()).status == 200
        assert server.get("/x", issuer.mint()).status == 200
        for name, signer in ((issuer, third), (third, issuer)):
            assert_refusal(server.get("/x", signer.mint(iss=name.iss)), "E3",
                           reason="key_unknown")


def test_an_inner_place_replaces_the_issuers_of_the_outer_one(several, issuer, other):
    for path, right, wrong in (("/first/page", issuer, other),
                               ("/first/second/page", other, issuer),
                               ("/first/second/third/page", other, issuer)):
        assert several.get(path, right.mint()).status == 200
        assert_refusal(several.get(path, wrong.mint()), "E3", reason="issuer_unknown")


# ---- several kinds of keys ---------------------------------------------------------


class Source:
    """An issuer of the list: what its line says, and how its tokens are signed."""

    def __init__(self, iss, line, key, *algorithms):
        self.iss, self.line, self.key = iss, f"Auth0Issuer {iss} {line}", key
        self.algorithms = algorithms or (key.alg,)


@pytest.fixture(scope="module")
def kinds(issuer, other):
    """Fetched from its own place and from another, from files, and with secrets."""
    return {
        "own": Source(issuer.iss, "", issuer.key),
        "url": Source("https://url.example.com/", f"jwks={other.jwks_url}", other.key),
        "file": Source("https://file.example.com/", "jwks=file:conf/file.json",
                       Key("RS256", KID)),
        "curve": Source("https://curve.example.com/",
                        "jwks=file:conf/curve.json algorithms=ES256", Key("ES256", KID)),
        "secret": Source("https://secret.example.com/", "secret=file:conf/secret.secret",
                         Key("HS256", KID)),
        "secret2": Source("https://secret2.example.com/",
                          "secret=file:conf/secret2.secret algorithms=HS256",
                          Key("HS256", KID)),
    }


@pytest.fixture(scope="module")
def mixed(shared_httpd, issuer, shared_backend, kinds):
    files = {}
    for name, kind in kinds.items():
        files[f"conf/{name}.json"] = "{}" if kind.key.secret else tokens.jwks(kind.key)
        files[f"conf/{name}.secret"] = (kind.key.secret or b"", 0o600)
    return shared_httpd(f"Auth0CAFile {issuer.ca_file}\n" + proxied(shared_backend)
                        + location("/all", *(kind.line for kind in kinds.values())),
                        modules=PROXY, files=files)


@pytest.mark.parametrize("name", ["own", "url", "file", "curve", "secret", "secret2"])
def test_with_keys_of_every_kind_in_one_list_each_issuer_has_its_own_alone(
        mixed, issuer, kinds, backend, name):
    named = kinds[name]
    for signer in kinds.values():
        token = issuer.mint(iss=named.iss, key=signer.key)
        mark = mixed.mark()
        answer = mixed.get("/all", token)
        if signer is named:
            assert_accepted(answer, backend)
            backend.hits.clear()
            continue
        # A secret is never tried on public keys, nor a curve where RSA alone is allowed.
        reason = "signature_invalid" if signer.key.alg in named.algorithms \
            else "algorithm_not_allowed"
        assert_refusal(answer, "E3", reason=reason, backend=backend, server=mixed,
                       mark=mark)


def test_an_hmac_keyed_with_another_issuers_public_key_is_refused(mixed, issuer, kinds,
                                                                  backend):
    forged = Key("HS256", KID, secret=issuer.key.pem())
    for name, reason in (("own", "algorithm_not_allowed"), ("secret", "signature_invalid")):
        token = issuer.mint(iss=kinds[name].iss, key=forged)
        assert_refusal(mixed.get("/all", token), "E3", reason=reason, backend=backend)


def test_algorithms_of_an_issuer_hold_for_it_alone(httpd, authority, backend):
    """One key, published by three issuers without naming an algorithm."""
    key = Key("RS256", KID)
    names = {"general": "", "own": "algorithms=RS512", "both": "algorithms=RS256,PS384"}
    allowed = {"general": {"PS256"}, "own": {"RS512"}, "both": {"RS256", "PS384"}}
    with Issuer(authority, keys=[key]) as made:
        server = httpd(
            proxied(backend) + location("/x", "Auth0Algorithms PS256", *(
                f"Auth0Issuer https://{name}.example.com/ jwks=file:conf/k.json {more}"
                for name, more in names.items())), modules=PROXY,
            files={"conf/k.json": tokens.jwks(key.public(alg=tokens.ABSENT))})
        for name, alg in itertools.product(names, ("RS256", "RS512", "PS256", "PS384")):
            token = made.mint(iss=f"https://{name}.example.com/", alg=alg)
            answer = server.get("/x", token)
            if alg in allowed[name]:
                assert_accepted(answer, backend)
                backend.hits.clear()
            else:
                assert_refusal(answer, "E3", reason="algorithm_not_allowed",
                               backend=backend)


def test_one_kid_may_name_a_key_for_each_algorithm(httpd, authority, backend):
    keys = [Key("RS256", KID), Key("ES256", KID), Key("EdDSA", KID)]
    with Issuer(authority, keys=keys) as made:
        server = httpd(trust(made) + proxied(backend)
                       + location("/all", "Auth0Algorithms RS256 ES256 EdDSA")
                       + location("/rsa"), modules=PROXY)
        for key in keys:
            assert_accepted(server.get("/all", made.mint(key=key)), backend)
            backend.hits.clear()
            assert_refusal(server.get("/all", tampered(made.mint(key=key))), "E3",
                           reason="signature_invalid", backend=backend)
        assert_accepted(server.get("/rsa", made.mint(key=keys[0])), backend)
        backend.hits.clear()
        for key in keys[1:]:
            assert_refusal(server.get("/rsa", made.mint(key=key)), "E3",
                           reason="algorithm_not_allowed", backend=backend)


# ---- virtual hosts -----------------------------------------------------------------


class Hosts:
    """A server with two virtual hosts, told apart by name or by port."""

    def __init__(self, start, how, main, first, second, **more):
        self.how, self.second_port = how, free_port()
        one, two = ("*:${PORT}",) * 2 if how == "by name" \
            else ("*:${PORT}", f"*:{self.second_port}")
        self.server = start(
            f"Listen 127.0.0.1:{self.second_port}\n{main}"
            f"<VirtualHost {one}>\nServerName one.example.com\n{first}</VirtualHost>\n"
            f"<VirtualHost {two}>\nServerName two.example.com\n{second}</VirtualHost>\n",
            **more)

    def get(self, number, path, token=None):
        """Ask the first or the second host."""
        if self.how == "by name":
            headers = {"Host": ("one", "two")[number - 1] + ".example.com"}
            return self.server.get(path, token, headers)
        return self.server.get(path, token,
                               port=self.second_port if number == 2 else None)


BY = pytest.mark.parametrize("how", ["by name", "by port"])


@BY
def test_f15_two_hosts_with_an_issuer_each_and_one_path_do_not_mix(httpd, issuer, other,
                                                                   how):
    hosts = Hosts(httpd, how, f"Auth0CAFile {issuer.ca_file}\n" + location("/api"),
                  f"Auth0Domain {issuer.domain}\n", f"Auth0Domain {other.domain}\n",
                  files={"htdocs/api": "page"})
    for _ in range(2):
        for number, right, wrong in ((1, issuer, other), (2, other, issuer)):
            assert_refusal(hosts.get(number, "/api"), "E1")
            assert hosts.get(number, "/api", right.mint()).status == 200
            assert_refusal(hosts.get(number, "/api", wrong.mint()), "E3",
                           reason="issuer_unknown")
            # One who signs for the host's issuer with the other host's key.
            assert_refusal(hosts.get(number, "/api", wrong.mint(iss=right.iss)), "E3",
                           reason="signature_invalid")


def test_f15_hosts_do_not_mix_on_one_connection_either(httpd, issuer, other):
    """The same token, again and again, to each host in turn: what one says is not kept."""
    hosts = Hosts(httpd, "by name", f"Auth0CAFile {issuer.ca_file}\n" + location("/api"),
                  f"Auth0Domain {issuer.domain}\n", f"Auth0Domain {other.domain}\n",
                  files={"htdocs/api": "page"})

    def to(host, token):
        return request_of(token, "/api").replace(b"localhost", host + b".example.com")

    asked = []
    for token, right in ((issuer.mint(), b"one"), (other.mint(), b"two")):
        for host in (b"one", b"two") * 5:
            asked.append((to(host, token), 200 if host == right else 401))
            asked.append((to(host, None), 401))
    with Client(hosts.server.port) as client:
        assert client.ask_all([request for request, _ in asked]) == \
            [status for _, status in asked]


@BY
def test_f15_audiences_of_hosts_do_not_mix(httpd, issuer, how):
    first, second = "https://one.example.com", "https://two.example.com"
    hosts = Hosts(httpd, how, trust(issuer) + location("/api", audience=None),
                  f"Auth0Audience {first}\n", f"Auth0Audience {second}\n",
                  files={"htdocs/api": "page"})
    for number, right, wrong in ((1, first, second), (2, second, first)):
        assert hosts.get(number, "/api", issuer.mint(aud=right)).status == 200
        assert hosts.get(number, "/api", issuer.mint(aud=[right, wrong])).status == 200
        assert_refusal(hosts.get(number, "/api", issuer.mint(aud=wrong)), "E3",
                       reason="audience_mismatch")


@BY
@pytest.mark.parametrize("source", ["jwks=file:conf/second.json", "jwks=URL"])
def test_f15_two_hosts_may_name_one_issuer_with_different_keys(httpd, issuer, other, how,
                                                               source):
    """The second host has the issuer's name and kid with another's key."""
    hosts = Hosts(httpd, how, f"Auth0CAFile {issuer.ca_file}\n" + location("/api"),
                  f"Auth0Issuer {issuer.iss}\n",
                  f"Auth0Issuer {issuer.iss} {source.replace('URL', other.jwks_url)}\n",
                  files={"htdocs/api": "page", "conf/second.json": tokens.jwks(other.key)})
    for _ in range(2):
        for number, right, wrong in ((1, issuer.key, other.key),
                                     (2, other.key, issuer.key)):
            assert hosts.get(number, "/api", issuer.mint(key=right)).status == 200
            assert_refusal(hosts.get(number, "/api", issuer.mint(key=wrong)), "E3",
                           reason="signature_invalid")


@BY
def test_f15_one_issuer_by_a_secret_here_and_by_public_keys_there(httpd, issuer, how):
    secret = Key("HS256", KID)
    hosts = Hosts(httpd, how, f"Auth0CAFile {issuer.ca_file}\n" + location("/api"),
                  f"Auth0Issuer {issuer.iss}\n",
                  f"Auth0Issuer {issuer.iss} secret=file:conf/secret\n",
                  files={"htdocs/api": "page", "conf/secret": (secret.secret, 0o600)})
    for number, right, wrong in ((1, issuer.key, secret), (2, secret, issuer.key)):
        assert hosts.get(number, "/api", issuer.mint(key=right)).status == 200
        assert_refusal(hosts.get(number, "/api", issuer.mint(key=wrong)), "E3",
                       reason="algorithm_not_allowed")


@BY
def test_f15_a_host_without_an_issuer_has_the_servers(httpd, issuer, other, how):
    hosts = Hosts(httpd, how, trust(issuer) + location("/api"), "",
                  f"Auth0Domain {other.domain}\n", files={"htdocs/api": "page"})
    for number, right, wrong in ((1, issuer, other), (2, other, issuer)):
        assert hosts.get(number, "/api", right.mint()).status == 200
        assert_refusal(hosts.get(number, "/api", wrong.mint()), "E3",
                       reason="issuer_unknown")


def test_f15_requirements_and_realms_of_hosts_do_not_mix(httpd, issuer):
    def host(permission, realm):
        return location("/api", f"AuthName {realm}",
                        require=f"auth0-permission {permission}")

    hosts = Hosts(httpd, "by name", trust(issuer), host("read:a", "one"),
                  host("read:b", "two"), files={"htdocs/api": "page"})
    for number, realm, right, wrong in ((1, "one", "read:a", "read:b"),
                                        (2, "two", "read:b", "read:a")):
        assert_refusal(hosts.get(number, "/api"), "E1", realm=realm)
        assert hosts.get(number, "/api", issuer.mint(permissions=[right])).status == 200
        assert_refusal(hosts.get(number, "/api", issuer.mint(permissions=[wrong])), "E4",
                       realm=realm, scope=right)


# ---- one is down; many -------------------------------------------------------------


def test_of_two_issuers_in_one_list_the_one_that_is_down_harms_nobody_but_itself(
        httpd, issuer, authority, ready_key):
    late = Issuer(authority, keys=[ready_key])
    server = httpd(f"Auth0CAFile {issuer.ca_file}\n"
                   + location("/x", f"Auth0Domain {late.domain} {issuer.domain}"),
                   files={"htdocs/x": "page"})
    for _ in range(3):
        assert server.get("/x", issuer.mint()).status == 200
        assert_refusal(server.get("/x", late.mint()), "E5")
        # The key of the one does not serve for the other's want of one.
        assert_refusal(server.get("/x", issuer.mint(iss=late.iss)), "E5")
        assert_refusal(server.get("/x", late.mint(iss=issuer.iss)), "E3",
                       reason="signature_invalid")
    with late:
        wait_until(lambda: server.get("/x", late.mint()).status == 200, 20,
                   "the other one's recovery", every=0.2)
        assert server.get("/x", issuer.mint()).status == 200
        assert_refusal(server.get("/x", issuer.mint(iss=late.iss)), "E3",
                       reason="signature_invalid")


ROOM = 64


def many(number, jwks_url):
    return "".join(f"Auth0Issuer https://t{i}.example.com/ jwks={jwks_url}\n"
                   for i in range(number))


def test_h12_64_issuers_are_fetched_and_trusted_each_for_itself(httpd, ready_issuer,
                                                                authority, other):
    """In one list, and each in a place of its own: the same 64 sets of keys."""
    places = "".join(location(f"/t{i}", f"Auth0Issuer https://t{i}.example.com/ "
                              f"jwks={ready_issuer.jwks_url}") for i in range(ROOM))
    server = httpd(f"Auth0CAFile {authority.file}\n" + many(ROOM, ready_issuer.jwks_url)
                   + location("/all") + places,
                   files={f"htdocs/{name}": "page" for name in
                          ("all", *(f"t{i}" for i in range(ROOM)))})
    minted = [ready_issuer.mint(iss=f"https://t{i}.example.com/") for i in range(ROOM)]
    for i, token in enumerate(minted):
        for path in ("/all", f"/t{i}"):
            assert server.get(path, token).status == 200, i
        assert_refusal(server.get(f"/t{(i + 1) % ROOM}", token), "E3",
                       reason="issuer_unknown")
    assert_refusal(server.get("/all", other.mint(iss="https://t7.example.com/")), "E3",
                   reason="signature_invalid")
    assert ready_issuer.fetches == ROOM


@pytest.mark.parametrize("more, room", [
    ("", True), ("Auth0Issuer https://t64.example.com/ jwks=URL\n", False),
    ("Auth0Issuer https://t3.example.com/ jwks=URL2\n", False),
    ("Auth0Issuer https://t3.example.com/ jwks=URL\n", True),
    ("Auth0Issuer https://t64.example.com/ jwks=file:conf/k.json\n", True)],
    ids=["64", "65", "one of them from another place", "one of them again",
         "another from a file"])
def test_c0_there_is_room_for_64_sets_of_keys_to_fetch(bench, more, room):
    url = "https://keys.example.com/jwks.json"
    bench.write("conf/k.json", tokens.jwks(Key("RS256", KID)))
    bench.configure(many(ROOM, url) + '<Location "/x">\n'
                    + more.replace("URL2", url + "2").replace("URL", url)
                    + "</Location>\n")
    status, output = bench.configtest()
    assert (status == 0) == room, output
    if not room:
        assert "65 different" in output and "room for 64" in output, output


def test_issuers_that_files_name_beyond_the_room_are_e5_and_the_servers_own_stay(
        httpd, ready_issuer, authority):
    """.htaccess files may name a new domain at any time; there is no start to refuse."""
    server = httpd(
        f"Auth0CAFile {authority.file}\nAuth0TrustedDomains *\n"
        + many(ROOM - 1, ready_issuer.jwks_url)
        + location("/server") + '<Directory "${DOCS}">\nAllowOverride AuthConfig\n'
        "</Directory>\n", files={"htdocs/server": "page"})

    def site(name, domain):
        server.write(f"htdocs/{name}/page", "page")
        server.write(f"htdocs/{name}/.htaccess", "AuthType Auth0\nRequire valid-user\n"
                     f"Auth0Audience {AUDIENCE}\nAuth0Domain {domain}\n")
        return f"/{name}/page"

    last = site("last", ready_issuer.domain)
    assert server.get(last, ready_issuer.mint()).status == 200
    with Issuer(authority, keys=ready_issuer.keys) as late:
        beyond = site("beyond", late.domain)
        for _ in range(3):
            assert_refusal(server.get(beyond, late.mint()), "E5")
            assert_refusal(server.get(beyond), "E1")
            assert_refusal(server.get(beyond, ready_issuer.mint()), "E3",
                           reason="issuer_unknown")
        assert late.connections == 0
    assert server.get(last, ready_issuer.mint()).status == 200
    for i in (0, ROOM - 2):
        token = ready_issuer.mint(iss=f"https://t{i}.example.com/")
        assert server.get("/server", token).status == 200
