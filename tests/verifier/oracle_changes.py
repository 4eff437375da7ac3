"""The changes of oracle_cases.py: to a header, to claims, to a token, to a key set."""

import json

from driver import b64url_decode, b64url_encode

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ODD_VALUES = ["null", "true", "false", "0", "-1", "1.5", "1e400", "9007199254740993", "[]",
              "{}", '""', '"a"', '["a"]', "[1]", "[[]]", '{"a":1}', r'"\u0000"', r'"\ud800"',
              '"\\u0061"', '"é"', "1" * 64, '"' + "a" * 300 + '"']


def text_of(members):
    return "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"


def quoted(members):
    return [(json.dumps(name), value) for name, value in members]


def as_text(rng, changes, members):
    """Write the members down, now and then in a way that only just is JSON, or is not."""
    how = rng.randrange(24)
    if how == 0:
        changes.append("white space in the JSON")
        return text_of([(f"\n\t{name} ", f" {value}\r\n") for name, value in members])
    if how == 1:
        changes.append("an escaped name")
        name, value = members[0]
        members = [(f'"\\u{ord(name[1]):04x}{name[2:]}', value)] + members[1:]
        return text_of(members)
    if how == 2:
        changes.append("a member twice")
        name, value = rng.choice(members)
        members = members + [(name, rng.choice([value, rng.choice(ODD_VALUES)]))]
        return text_of(members if rng.random() < 0.5 else members[::-1])
    if how == 3:
        changes.append("text that is not an object of JSON")
        text = text_of(members)
        return rng.choice([f"[{text}]", f"{text}x", f"{text}\0", f"\ufeff{text}", text[:-1],
                           f"{text}{text}", f" {text} ", f"\x0b{text}", "null", '""',
                           text.replace(":", ":0", 1), text.replace("}", ",}")])
    if how == 4:
        changes.append("another order")
        members = rng.sample(members, len(members))
    return text_of(members)


def in_bytes(rng, changes, text):
    data = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.03:
        changes.append("a byte of the JSON")
        at = rng.randrange(len(data))
        return data[:at] + bytes([rng.choice([data[at] ^ 1 << rng.randrange(8), 0, 0xff,
                                              0xc0, 0x1f])]) + data[at + 1:]
    return data


def put(members, name, value):
    return [member for member in members if member[0] != name] + [(name, value)]


def without(members, name):
    return [member for member in members if member[0] != name]


def change_header(rng, changes, members, alg, kids):
    choices = {
        "alg": ["null", "5", '""', '"none"', '"None"', f'"{alg.lower()}"', f'" {alg}"',
                f'["{alg}"]', f'"{alg}\\u0000"', '"RS512"', '"HS256"', '"ES256"', '"EdDSA"',
                '"ES256K"', '"Ed25519"', f'"\\u{ord(alg[0]):04x}{alg[1:]}"'],
        "kid": ["null", "5", '""', '"unknown"', '"' + "k" * 257 + '"', '"a\\tb"', '"../a"',
                '"a\\u0000"', '"a\\u0085b"'] + [json.dumps(kid) for kid in kids],
        "typ": ['"jwt"', '"application/at+jwt"', '"AT+JWT"', '"application/jwt"', '"dpop+jwt"',
                '"logout+jwt"', '"JWT "', "5", "null", '""'],
        "cty": ['"JWT"', '"application/jwt"', '"json"', "null"],
        "crit": ['["b64"]', '["exp"]', "[]", "null", '["alg"]', '"b64"', '["b64","b64"]'],
        "b64": ["true", "false", "null", '"true"'],
        "zip": ['"DEF"', "null"],
        "jku": ['"https://attacker.example/jwks.json"'],
        "jwk": ['{"kty":"oct","k":"AAAA"}'],
        "x5c": ['["MIIB"]'],
        "x5t": ['"AAAA"'],
        "ALG": ['"none"'],
        "Kid": ['"unknown"'],
        "nonce": ODD_VALUES,
        "deep": ["[" * depth + "]" * depth for depth in (6, 7, 8, 15, 16, 40)],
        "long": ['"' + "a" * length + '"' for length in (1900, 2048, 3000, 6000)],
    }
    name = rng.choice(list(choices))
    if name in ("alg", "kid", "typ") and rng.random() < 0.2:
        changes.append(f"header without {name}")
        members = without(members, name)
    elif rng.random() < 0.05:
        changes.append("many header members")
        members = members + [(f"m{i}", "1") for i in range(rng.choice([61, 62, 63, 64, 70]))]
    else:
        changes.append(f"header {name}")
        members = put(members, name, rng.choice(choices[name]))
        if name == "crit" and rng.random() < 0.6:
            members = put(members, "b64", rng.choice(["true", "false"]))
    return in_bytes(rng, changes, as_text(rng, changes, quoted(members) or [('"a"', "1")]))


def change_claims(rng, changes, members, now, leeway, issuer, audiences):
    times = [str(now + seconds) for seconds in (
        -3600, -leeway - 1, -leeway, -leeway + 1, -1, 0, 1, leeway, leeway + 1, 3600)] + [
        f"{now + 3600}.5", f"{now - leeway}.5", f"{now + leeway}.5", f'"{now + 3600}"',
        "1.7e10", "9007199254740992", "9007199254740993", "1e16", "1e300", "1e400", "-1", "-0",
        "0", "2147483648", "4294967296", "true", "null", "[]", "{}"]
    choices = {
        "exp": times, "nbf": times, "iat": times,
        "iss": [json.dumps(each) for each in (
            issuer.rstrip("/"), issuer.upper(), issuer + "x", "", None, [issuer],
            issuer + "\0")],
        "aud": [json.dumps(each) for each in (
            audiences[0], audiences[1], audiences, [audiences[0], 5], [audiences[0], None],
            [], [5], "", None, {audiences[0]: 1}, [[audiences[0]]], audiences[0] + "/",
            audiences[0].upper(), ["x"] * 20 + [audiences[0]])],
        "sub": [json.dumps(each) for each in (
            "", None, 5, ["a"], "a\tb", "a\x7f", "a\x85", "é" * 127, "é" * 128, "a" * 255,
            "a" * 256, "a\0")],
        "cnf": ["{}", "null", '{"jkt":"a"}'],
        "scope": ODD_VALUES,
        "permissions": ODD_VALUES,
        "jti": ['"a"'],
        "EXP": ["1"],
        "__proto__": ["1", "{}"],
        "other": ODD_VALUES + ["123456789012345678901234567890", "1e-400", "-0.0", "1E5"],
        "deep": ["[" * depth + "]" * depth for depth in (14, 15, 16, 40)],
        "wide": ["[" + ",".join("1" * 3000) + "]"],
        "long": ['"' + "a" * length + '"' for length in (3000, 5500, 6500, 9000)],
    }
    name = rng.choice(list(choices))
    if name in ("exp", "iss", "aud", "sub", "iat") and rng.random() < 0.15:
        changes.append(f"claims without {name}")
        members = without(members, name)
    elif rng.random() < 0.04:
        changes.append("many claims")
        members = members + [(f"m{i}", "1") for i in range(rng.choice([247, 248, 249, 250,
                                                                       300]))]
    else:
        changes.append(f"claim {name}")
        members = put(members, name, rng.choice(choices[name]))
    return in_bytes(rng, changes, as_text(rng, changes, quoted(members)))


def encoded(token, signature):
    return b".".join(token.split(b".")[:2]) + b"." + b64url_encode(signature).encode()


def change_signature(rng, signature):
    at = rng.randrange(len(signature))
    half = len(signature) // 2
    return rng.choice([
        signature[:at] + bytes([signature[at] ^ 1 << rng.randrange(8)]) + signature[at + 1:],
        signature[:-1], signature[1:], signature + b"\0", b"\0" + signature, b"",
        bytes(len(signature)), signature[half:] + signature[:half],
        bytes(half) + signature[half:], signature[:half] + bytes(half),
        b"\0" + signature[:half] + b"\0" + signature[half:], signature * 2,
        signature[::-1], b"\xff" * len(signature)])


def change_token(rng, changes, token, signature):
    at = rng.randrange(len(token))
    part = rng.randrange(3)
    parts = token.split(b".")
    how = rng.randrange(9)
    if how <= 1:
        changes.append("the signature's bytes")
        return encoded(token, change_signature(rng, signature))
    if how == 2:
        changes.append("a bit of a character")
        return token[:at] + bytes([token[at] ^ 1 << rng.randrange(8)]) + token[at + 1:]
    if how == 3:
        changes.append("a character put in")
        more = rng.choice([b"=", b" ", b"\n", b"\t", b"\0", b"+", b"/", b".", b"A", b"?", b"\xff"])
        at = rng.choice([0, at, len(token), len(token) - len(parts[-1])])
        return token[:at] + more + token[at:]
    if how == 4:
        changes.append("padding")
        parts[part] += b"=" * rng.choice([1, 2, -len(parts[part]) % 4])
    elif how == 5:
        changes.append("unused bits")
        last = chr(parts[part][-1])
        if last in ALPHABET:
            index = ALPHABET.index(last) ^ rng.choice([1, 2, 3])
            parts[part] = parts[part][:-1] + ALPHABET[index].encode()
    elif how == 6:
        changes.append("parts")
        parts = rng.choice([parts[:2], parts[::-1], parts + [b""], parts + [b"e30"], parts[:2] + [
            b""], [b""] + parts[1:], [parts[0], b"", parts[2]], [parts[0]] * 3, parts * 2,
            parts + parts[:2]])
    elif how == 7:
        changes.append("the other alphabet")
        parts[part] = parts[part].replace(b"-", b"+").replace(b"_", b"/")
    else:
        changes.append("white space around")
        return rng.choice([b" %s", b"%s ", b"%s\n", b"\r\n%s", b"%s\0"]) % token
    return b".".join(parts)


def change_number(rng, text):
    """Another way to write base64url, or another number."""
    data = b64url_decode(text)
    at = rng.randrange(len(data))
    index = ALPHABET.index(text[-1])
    return rng.choice([
        text + "=", text + "==", text + "=" * (-len(text) % 4), " " + text, text + "\n",
        text[:5] + "\t" + text[5:], text[:-1] + ALPHABET[index ^ 1], text[:-1],
        text.replace("-", "+").replace("_", "/"), "",
        b64url_encode(b"\0" + data), b64url_encode(bytes(1100) + data),
        b64url_encode(data + b"\0"), b64url_encode(data[1:]),
        b64url_encode(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]),
        b64url_encode(bytes(len(data))), None, 5])


def change_key(rng, changes, jwk):
    numbers = [name for name in ("n", "e", "x", "y") if name in jwk]
    choices = {
        "alg": ["RS256", "RS512", "PS256", "ES256", "EdDSA", "HS256", "RSA-OAEP", "", None, 5],
        "use": ["sig", "enc", "", "SIG", None, 5, ["sig"]],
        "key_ops": [["verify"], ["sign"], [], ["encrypt"], ["verify", "verify"], "verify",
                    ["sign", "verify"], ["verify", "encrypt"], ["verify", 5], None, [None]],
        "kid": ["unknown", "", None, 5, "a\tb", "k" * 257, jwk["kid"] + "\0", jwk["kid"].upper()],
        "kty": ["RSA", "EC", "OKP", "oct", "rsa", None, 5],
        "crv": ["P-256", "P-384", "P-521", "Ed25519", "Ed448", "X25519", "secp256k1", None],
        "d": ["AAAA"], "p": ["AAAA"], "k": ["AAAA"], "ext": [True, "true"],
        "x5c": [["MIIB"], "a", None], "x5t": ["AAAA"], "more": [1, [[1]], {"a": "é"}],
    }
    name = rng.choice(list(choices) + numbers * 2)
    if name in jwk and rng.random() < 0.2:
        changes.append(f"key without {name}")
        return {other: value for other, value in jwk.items() if other != name}
    changes.append(f"key's {name}")
    value = change_number(rng, jwk[name]) if name in numbers else rng.choice(choices[name])
    return {**jwk, name: value}


def change_set(rng, changes, keys, kid, stranger):
    """A changed key set as bytes; mostly it is the token's key that changes."""
    keys = [dict(key) for key in keys]
    at = next((i for i, key in enumerate(keys) if key["kid"] == kid), 0)
    how = rng.randrange(12)
    if how <= 5:
        if rng.random() < 0.15:
            at = rng.randrange(len(keys))
        keys[at] = change_key(rng, changes, keys[at])
    elif how == 6:
        changes.append("a second key of the kid")
        same = {name: value for name, value in keys[at].items() if name != "use"}
        keys.insert(rng.randrange(len(keys) + 1), rng.choice([
            same, {**stranger, "kid": kid}, {**keys[at - 1], "kid": kid},
            {**stranger, "kid": kid, "use": "enc"}, {"kty": "oct", "k": "AAAA", "kid": kid},
            {"kty": "RSA", "kid": kid}]))
    elif how == 7:
        changes.append("keys without kid")
        keys = [{name: value for name, value in key.items() if name != "kid"} for key in keys]
        keys = rng.choice([keys, [keys[at]], keys + [stranger]])
    elif how == 8:
        changes.append("another element of the set")
        keys.insert(rng.randrange(len(keys) + 1), rng.choice([
            5, None, "a", [], {}, {"kty": "oct", "k": "AAAA"}, {"kty": "new", "x": "AAAA"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"}]))
    elif how == 9:
        changes.append("many keys")
        keys = [{"kty": "new", "kid": str(i)} for i in range(rng.choice([58, 59, 60, 70]))] + keys
    document = {"keys": keys}
    if how == 10:
        changes.append("the set itself")
        document = rng.choice([{}, {"keys": None}, {"keys": {}}, {"keys": []}, keys, {"Keys": keys},
                               {"keys": keys, "more": [1]}, {"keys": keys[at:at + 1]}, None])
    text = json.dumps(document)
    if how == 11:
        changes.append("the set's text")
        text = rng.choice([
            text + " ", text + "x", "\ufeff" + text, text + "\0", text[:-1], "\n\t" + text,
            text.replace('"kid"', '"kid":"twice","kid"', 1), text.replace('"keys"', '"k\\u0065ys"'),
            text.replace('"kid"', '"more":1e400,"kid"', 1),
            text.replace('"kid"', '"more":"\\u0000","kid"', 1),
            text.replace('"kid"', '"more":"\\ud800","kid"', 1),
            text.replace('"kid"', '"more":' + "[" * 20 + "]" * 20 + ',"kid"', 1),
            text[:-1] + ',"long":"' + "a" * 140000 + '"}',
            text[:-1] + ',"more":[' + "1," * 5000 + "1]}"])
    return text.encode("utf-8", "surrogatepass")
