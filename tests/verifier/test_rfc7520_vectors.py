"""The examples of RFC 7520 (and of RFC 8037 for Ed25519)."""

import json

import pytest

import driver
import vectors

SIGNATURES = {
    "4_1.rsa_v15_signature": "RS256",
    "4_2.rsa-pss_signature": "PS384",
    "4_3.ecdsa_signature": "ES512",
    "4_4.hmac-sha2_integrity_protection": "HS256",
    "jws": "EdDSA",
}
PUBLIC_KEYS = {
    "3_1.ec_public_key": (["ES512"], ["4_3.ecdsa_signature"]),
    "3_3.rsa_public_key": (["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
                           ["4_1.rsa_v15_signature", "4_2.rsa-pss_signature"]),
}


def load(name):
    vectors.require()
    return vectors.load(f"rfc7520/{name}.json")


def command(example, token):
    key = example["input"]["key"]
    if key["kty"] == "oct":
        return driver.jws_by_secret(token, driver.b64url_decode(key["k"]), [key["alg"]])
    return driver.jws_by_set(token, {"keys": [vectors.public_part(key)]})


@pytest.mark.parametrize("name, alg", SIGNATURES.items(), ids=SIGNATURES)
def test_an_example_of_the_rfc_verifies_and_gives_its_payload(name, alg):
    example = load(name)
    answer = driver.ask_one(command(example, example["output"]["compact"]))
    assert (answer["reason"], answer.get("alg")) == ("ok", alg)
    assert driver.payload(answer) == example["input"]["payload"].encode()


@pytest.mark.parametrize("name", SIGNATURES)
def test_an_example_with_one_bit_changed_is_refused(name):
    example = load(name)
    header, payload, signature = example["output"]["compact"].split(".")
    bits = bytearray(driver.b64url_decode(signature))
    bits[len(bits) // 2] ^= 1
    other = driver.b64url_encode(driver.b64url_decode(payload) + b"!")
    for token in (f"{header}.{payload}.{driver.b64url_encode(bits)}",
                  f"{header}.{other}.{signature}"):
        assert driver.ask_one(command(example, token))["reason"] == "signature_invalid"


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_json_serialization_of_an_example_is_refused(name):
    example = load(name)
    for form in ("json", "json_flat"):
        token = json.dumps(example["output"][form])
        assert driver.ask_one(command(example, token))["reason"] != "ok"


@pytest.mark.parametrize("name", PUBLIC_KEYS)
def test_a_public_key_of_the_rfc_is_usable_and_verifies_its_examples(name):
    algorithms, examples = PUBLIC_KEYS[name]
    key = load(name)
    answer = driver.ask_one(driver.read_set({"keys": [key]}))
    assert answer == {"reason": "ok", "skipped": [],
                      "keys": [{"kid": key["kid"], "algorithms": algorithms}]}
    for example in examples:
        token = load(example)["output"]["compact"]
        assert driver.ask_one(driver.jws_by_set(token, {"keys": [key]}))["reason"] == "ok"


def test_detached_content_is_not_what_was_signed_until_it_is_attached():
    """
    RFC 7515 appendix F: the payload travels elsewhere. An access token has no
    elsewhere, so what was signed over it does not hold for the empty payload.
    """
    example = load("4_5.signature_with_detached_content")
    detached = example["output"]["compact"]
    assert driver.ask_one(command(example, detached))["reason"] == "signature_invalid"
    payload = driver.b64url_encode(example["input"]["payload"].encode())
    attached = detached.replace("..", f".{payload}.")
    assert driver.ask_one(command(example, attached))["reason"] == "ok"
