"""B8: crypto calls that fail inside a real httpd; tests/unit/test_faults.c has all of them.

A library that is loaded before OpenSSL lets one function fail when a file says so.
"""

import subprocess

import pytest

from support import tokens
from support.conf import PROXY, assert_accepted, location, proxied
from support.httpd import readable_folder
from support.refusal import assert_refusal
from support.tokens import Key

ISSUER = "https://tenant.example.com/"
AUDIENCE = "https://api.example.com"
KEYS = {alg: Key(alg, f"kid-{alg}") for alg in ("RS256", "PS256", "ES256", "EdDSA", "HS256")}

LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file holds the name of a function and what it is to answer, or nothing. */
static int fails(const char *name, long *answer)
{
    FILE *file = fopen(getenv("FAULT"), "r");
    char failing[64] = "";
    int read = file != NULL ? fscanf(file, "%63s %ld", failing, answer) : 0;

    if (file != NULL) {
        fclose(file);
    }
    return read == 2 && strcmp(failing, name) == 0;
}

#define FAULTY(type, name, parameters, arguments)             \
    type name parameters                                      \
    {                                                         \
        type(*real) parameters = dlsym(RTLD_NEXT, #name);     \
        long answer;                                          \
        return fails(#name, &answer) ? (type)answer : real arguments; \
    }

FAULTY(BIGNUM *, BN_bin2bn, (const unsigned char *s, int len, BIGNUM *n), (s, len, n))
FAULTY(ECDSA_SIG *, ECDSA_SIG_new, (void), ())
FAULTY(int, ECDSA_SIG_set0, (ECDSA_SIG *sig, BIGNUM *r, BIGNUM *s), (sig, r, s))
FAULTY(int, i2d_ECDSA_SIG, (const ECDSA_SIG *sig, unsigned char **out), (sig, out))
FAULTY(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())
FAULTY(int, EVP_MD_CTX_copy_ex, (EVP_MD_CTX *to, const EVP_MD_CTX *from), (to, from))
FAULTY(int, EVP_DigestVerify, (EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_len,
       const unsigned char *text, size_t len), (ctx, sig, sig_len, text, len))
FAULTY(int, EVP_PKEY_get_size, (const EVP_PKEY *key), (key))
FAULTY(EVP_MAC_CTX *, EVP_MAC_CTX_dup, (const EVP_MAC_CTX *ctx), (ctx))
FAULTY(int, EVP_MAC_update, (EVP_MAC_CTX *ctx, const unsigned char *text, size_t len),
       (ctx, text, len))
FAULTY(int, EVP_MAC_final, (EVP_MAC_CTX *ctx, unsigned char *out, size_t *len, size_t size),
       (ctx, out, len, size))
"""

#: What fails, what it answers then, and the algorithms that call it.
PUBLIC = ("RS256", "PS256", "ES256", "EdDSA")
FAULTS = [
    ("EVP_MD_CTX_new", 0, PUBLIC), ("EVP_MD_CTX_copy_ex", 0, PUBLIC),
    ("EVP_DigestVerify", 0, PUBLIC), ("EVP_DigestVerify", -1, PUBLIC),
    ("EVP_DigestVerify", -2, PUBLIC), ("EVP_PKEY_get_size", 0, ("RS256", "PS256")),
    ("EVP_PKEY_get_size", -1, ("RS256", "PS256")), ("BN_bin2bn", 0, ("ES256",)),
    ("ECDSA_SIG_new", 0, ("ES256",)), ("ECDSA_SIG_set0", 0, ("ES256",)),
    ("i2d_ECDSA_SIG", 0, ("ES256",)), ("i2d_ECDSA_SIG", -1, ("ES256",)),
    ("EVP_MAC_CTX_dup", 0, ("HS256",)), ("EVP_MAC_update", 0, ("HS256",)),
    ("EVP_MAC_final", 0, ("HS256",))]


@pytest.fixture(scope="module")
def server(shared_httpd, shared_backend, program):
    folder = readable_folder()
    library, fault = folder / "faults.so", folder / "fault"
    subprocess.run([program("cc"), "-shared", "-fPIC", "-o", library, "-x", "c", "-"],
                   input=LIBRARY, text=True, check=True)
    fault.write_text("")
    public = [KEYS[alg] for alg in PUBLIC]
    started = shared_httpd(
        "Auth0TokenCache 0\n" + proxied(shared_backend)
        + location("/public", f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json "
                   f"algorithms={','.join(PUBLIC)}")
        + location("/secret", f"Auth0Issuer {ISSUER} secret=file:${{ROOT}}/conf/secret"),
        modules=PROXY, env={"LD_PRELOAD": str(library), "FAULT": str(fault)},
        files={"conf/jwks.json": tokens.jwks(*public),
               "conf/secret": (KEYS["HS256"].secret, 0o600)})
    started.fault = fault
    return started


@pytest.mark.parametrize("name, answer, algorithms", FAULTS,
                         ids=[f"{name} {answer}" for name, answer, _ in FAULTS])
def test_b8_nothing_is_accepted_when_a_crypto_call_fails(server, backend, name, answer,
                                                         algorithms):
    for alg in algorithms:
        key, path = KEYS[alg], "/secret" if alg == "HS256" else "/public"
        token = tokens.token_of(tokens.header_of(key), tokens.claims_of(ISSUER, AUDIENCE),
                                key)
        mark = server.mark()
        server.fault.write_text(f"{name} {answer}")
        refused = server.get(path, token)
        server.fault.write_text("")
        # A verification that says no, and not why, is taken at its word.
        outcome, reason = ("E3", "signature_invalid") if name == "EVP_DigestVerify" else \
            ("E6", "internal_error")
        assert_refusal(refused, outcome, reason=reason, backend=backend)
        assert f"({reason})" in server.log(mark), server.log(mark)
        assert_accepted(server.get(path, token), backend)
        backend.hits.clear()
