"""auth0-jwt on the command line: keygen, mint, inspect, verify, and their exit statuses."""

import json
import os
import stat
import subprocess

import pytest
from jwcrypto import jwk, jwt

from support import tokens
from support.conf import location
from support.paths import TOOL
from support.reasons import table
from support.tokens import ALL, ALL_PUBLIC, HS, Key, tampered
from support.tool import ACCEPTED, REFUSED, UNAVAILABLE, USAGE, tool

ISS, AUD = "https://tenant.us.auth0.com/", "https://api.example.com"


def keygen(folder, alg):
    """A fresh key; returns the mint options and the verify options of it."""
    key, document = folder / f"{alg}.key", folder / f"{alg}.json"
    if alg in HS:
        done = tool("keygen", "--alg", alg, "--key", key)
        assert done.returncode == 0, done.stderr
        return ["--key", key, "--alg", alg], ["--secret", key, "--alg", alg]
    done = tool("keygen", "--alg", alg, "--key", key, "--jwks", document)
    assert done.returncode == 0, done.stderr
    return ["--key", key, "--alg", alg], ["--jwks", document, "--alg", alg]


def mint(options, *more, iss=ISS, aud=AUD, sub="auth0|1"):
    done = tool("mint", *options, "--iss", iss, "--aud", aud, "--sub", sub, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def verify(options, token, *more, iss=ISS, aud=AUD):
    return tool("verify", *options, "--issuer", iss, "--audience", aud, *more, token)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return tmp_path_factory.mktemp("tool")


@pytest.fixture(scope="module")
def rs256(bench):
    (bench / "shared").mkdir()
    return keygen(bench / "shared", "RS256")


def shared_key(options, alg):
    """The key file as jwcrypto reads it."""
    data = options[1].read_bytes()
    if alg in HS:
        return jwk.JWK(kty="oct", k=tokens.b64(data.removesuffix(b"\n")))
    return jwk.JWK.from_pem(data)


@pytest.mark.parametrize("alg", ALL)
def test_our_tokens_verify_under_jwcrypto(tmp_path, alg):
    mint_options, verify_options = keygen(tmp_path, alg)
    token = mint(mint_options, "--permission", "read:a")
    if alg in HS:
        key = shared_key(mint_options, alg)
    else:
        document = json.loads(verify_options[1].read_text())
        assert len(document["keys"]) == 1
        key = jwk.JWK(**document["keys"][0])
        assert json.loads(tokens.unb64(token.split(".")[0]))["kid"] == \
            document["keys"][0]["kid"]
    checked = jwt.JWT(jwt=token, key=key, algs=[alg],
                      check_claims={"iss": ISS, "aud": AUD, "sub": "auth0|1"})
    claims = json.loads(checked.claims)
    assert claims["permissions"] == ["read:a"]
    assert json.loads(checked.header)["alg"] == alg
    with pytest.raises(Exception):
        jwt.JWT(jwt=tampered(token), key=key, algs=[alg])


@pytest.mark.parametrize("alg", ALL)
def test_our_tokens_verify_under_our_own_verifier(tmp_path, alg):
    mint_options, verify_options = keygen(tmp_path, alg)
    token = mint(mint_options)
    done = verify(verify_options, token)
    assert done.returncode == ACCEPTED and "auth0|1" in done.stdout, done
    done = verify(verify_options, tampered(token))
    assert done.returncode == REFUSED and "signature_invalid" in done.stdout, done


@pytest.mark.parametrize("alg", ALL_PUBLIC)
def test_jwcryptos_tokens_verify_under_our_verifier(tmp_path, alg):
    key = Key(alg, "kid-1")
    (tmp_path / "jwks.json").write_text(tokens.jwks(key))
    token = jwt.JWT(header={"alg": alg, "kid": "kid-1"}, algs=[alg],
                    claims=tokens.claims_of(ISS, AUD))
    token.make_signed_token(key.jwk)
    done = verify(["--jwks", tmp_path / "jwks.json", "--alg", alg], token.serialize())
    assert done.returncode == ACCEPTED, done


def test_a_minted_token_is_accepted_by_httpd(httpd, tmp_path):
    mint_options, verify_options = keygen(tmp_path, "RS256")
    server = httpd(location("/valid", f"Auth0Issuer {ISS} jwks=file:${{ROOT}}/conf/j.json",
                            audience=AUD),
                   files={"htdocs/valid": "ok",
                          "conf/j.json": verify_options[1].read_text()})
    assert server.get("/valid", mint(mint_options)).status == 200
    assert server.get("/valid", tampered(mint(mint_options))).status == 401


REFUSALS = {
    "expired": (["--expires-in", "-60"], {}, "expired"),
    "exp taken out": (["--claim", "exp=null"], {}, "exp_malformed"),
    "another audience": ([], {"aud": "https://other.example.com"}, "audience_mismatch"),
    "another issuer": ([], {"iss": "https://other.example.com/"}, "issuer_*"),
    "the issuer without its slash": ([], {"iss": ISS[:-1]}, "issuer_*"),
    "not yet valid": (["--claim", "nbf=4102444800"], {}, "not_yet_valid"),
    "no user": (["--claim", "sub=null"], {}, "user_claim_invalid"),
    "an id token's type": (["--header", 'typ="id_token+jwt"'], {}, "type_mismatch"),
    "crit": (["--header", 'crit=["x"]'], {}, "header_unsupported"),
    "alg none": (["--header", 'alg="none"'], {}, "algorithm_unknown"),
    "another algorithm": (["--header", 'alg="RS512"'], {}, "algorithm_not_allowed"),
    "an unknown kid": (["--header", 'kid="x"'], {}, "key_unknown"),
    "bound": (["--claim", 'cnf={"jkt":"x"}'], {}, "token_bound"),
}


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.replace(" ", "-"))
def test_a_refused_token_is_exit_1_with_the_reasons_name(rs256, case):
    options, claims, reason = REFUSALS[case]
    mint_options, verify_options = rs256
    done = verify(verify_options, mint(mint_options, *options, **claims))
    assert done.returncode == REFUSED, done
    names = [name for name in table() if name.startswith(reason.rstrip("*"))] \
        if reason.endswith("*") else [reason]
    said = [name for name in names if f"refused: {name}: {table()[name].sentence}"
            in done.stdout]
    assert said, done


def test_permissions_and_scopes_can_be_asked_for(rs256):
    mint_options, verify_options = rs256
    token = mint(mint_options, "--permission", "read:a", "--permission", "read:b",
                 "--scope", "openid profile")
    for more in (["--permission", "read:a"], ["--permission", "read:a", "--permission",
                                              "read:b"], ["--scope", "profile openid"]):
        assert verify(verify_options, token, *more).returncode == ACCEPTED
    for more in (["--permission", "read:c"], ["--permission", "read:a", "--permission",
                                              "read:c"], ["--scope", "email"],
                 ["--permission", "openid"], ["--scope", "read:a"]):
        done = verify(verify_options, token, *more)
        assert done.returncode == REFUSED and "permission_missing" in done.stdout


def test_leeway_and_the_user_claim_can_be_set(rs256):
    mint_options, verify_options = rs256
    late = mint(mint_options, "--expires-in", "-60")
    assert verify(verify_options, late, "--leeway", "120").returncode == ACCEPTED
    assert verify(verify_options, late, "--leeway", "30").returncode == REFUSED
    mail = mint(mint_options, "--claim", 'email="a@example.com"')
    done = verify(verify_options, mail, "--user-claim", "email")
    assert done.returncode == ACCEPTED and "a@example.com" in done.stdout
    assert verify(verify_options, late, "--leeway", "301").returncode == USAGE


def test_a_token_may_come_on_standard_input(rs256):
    mint_options, verify_options = rs256
    token = mint(mint_options)
    for more in ([], ["-"]):
        done = tool("verify", *verify_options, "--issuer", ISS, "--audience", AUD, *more,
                    stdin=token + "\n")
        assert done.returncode == ACCEPTED, done


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["mint"], ["verify"], ["keygen"], ["verify", "--frobnicate"],
    ["keygen", "--key", "K", "--alg", "none"], ["keygen", "--key", "K", "--bits", "1024"],
    ["verify", "--issuer", ISS, "--audience", AUD, "a.b.c"],
    ["verify", "--jwks", "J", "--issuer", ISS, "a.b.c"],
    ["verify", "--jwks", "J", "--secret", "S", "--issuer", ISS, "--audience", AUD, "a"]],
    ids=lambda arguments: "-".join(arguments)[:50] or "nothing")
def test_wrong_usage_is_exit_2_and_says_so_on_standard_error(bench, arguments):
    done = subprocess.run([str(TOOL), *arguments], capture_output=True, text=True,
                          cwd=bench, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == USAGE, done
    assert done.stderr.strip() and not done.stdout
    assert not (bench / "K").exists()


@pytest.mark.parametrize("content", [None, "garbage", '{"keys":[]}', "{}"])
def test_keys_that_cannot_be_had_are_exit_3(rs256, tmp_path, content):
    document = tmp_path / "jwks.json"
    if content is not None:
        document.write_text(content)
    done = verify(["--jwks", document], mint(rs256[0]))
    assert done.returncode == UNAVAILABLE, done
    assert "jwks.json" in done.stderr


def test_a_private_key_in_a_jwks_is_exit_3(rs256, tmp_path):
    key = Key("RS256", "k")
    (tmp_path / "jwks.json").write_text(json.dumps(
        {"keys": [json.loads(key.jwk.export_private()) | {"kid": "k"}]}))
    done = verify(["--jwks", tmp_path / "jwks.json"], mint(rs256[0]))
    assert done.returncode == UNAVAILABLE and "private" in done.stderr.lower(), done


def test_a_private_key_is_for_its_owner_alone_and_is_never_overwritten(tmp_path):
    key = tmp_path / "key.pem"
    old = os.umask(0)
    try:
        assert tool("keygen", "--key", key, "--jwks", tmp_path / "j.json").returncode == 0
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    finally:
        os.umask(old)
    before = key.read_bytes()
    assert tool("keygen", "--key", key, "--jwks", tmp_path / "j.json").returncode != 0
    assert key.read_bytes() == before
    assert "PRIVATE" not in (tmp_path / "j.json").read_text()
    assert '"d"' not in (tmp_path / "j.json").read_text()


def test_two_keys_are_never_the_same(tmp_path):
    kids = set()
    for name in ("a", "b"):
        tool("keygen", "--alg", "ES256", "--key", tmp_path / name, "--jwks",
             tmp_path / f"{name}.json")
        kids.add(json.loads((tmp_path / f"{name}.json").read_text())["keys"][0]["kid"])
    assert len(kids) == 2


def test_the_kid_is_the_thumbprint_or_ones_own(tmp_path):
    tool("keygen", "--key", tmp_path / "a", "--jwks", tmp_path / "a.json")
    public = json.loads((tmp_path / "a.json").read_text())["keys"][0]
    assert public["kid"] == jwk.JWK(**public).thumbprint()
    tool("keygen", "--key", tmp_path / "b", "--jwks", tmp_path / "b.json", "--kid", "mine")
    assert json.loads((tmp_path / "b.json").read_text())["keys"][0]["kid"] == "mine"


def test_inspect_shows_what_a_token_says_and_that_nobody_verified_it(rs256):
    token = mint(rs256[0], "--permission", "read:a", sub="auth0|inspected")
    done = tool("inspect", token)
    assert done.returncode == 0
    for word in ("RS256", "auth0|inspected", AUD, ISS, "read:a", "NOT VERIFIED"):
        assert word in done.stdout, done.stdout
    assert token.split(".")[2] not in done.stdout


def test_inspect_shows_an_expired_token_and_one_of_an_unknown_key(rs256):
    expired = mint(rs256[0], "--expires-in", "-3600")
    done = tool("inspect", expired)
    assert done.returncode == 0 and "expired" in done.stdout.lower()
    assert tool("inspect", tampered(expired)).returncode == 0


@pytest.mark.parametrize("token", ["abc", "a.b", "a.b.c", "..", "e30.e30.e30"])
def test_inspect_of_something_malformed_is_exit_1_with_a_reason(token):
    done = tool("inspect", token)
    assert done.returncode == REFUSED, done
    assert any(name in done.stdout + done.stderr for name in table()), done


def test_inspect_lets_no_control_character_through_to_the_terminal(rs256):
    token = mint(rs256[0], "--claim", r'x="\u001b[31m\u0007"')
    done = tool("inspect", token)
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout
