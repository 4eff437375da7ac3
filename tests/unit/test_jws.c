#include "token/jws.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#include "support.h"
#include "token/secret.h"

/* {"alg":"RS256"}, {} and a byte of 0. */
#define HEADER "eyJhbGciOiJSUzI1NiJ9"
#define PAYLOAD "e30"
#define SIGNATURE "AA"

static enum reason parse_bytes(struct jws *jws, const char *token, size_t len)
{
    return jws_parse(jws, exact(token, len), len, pool);
}

static enum reason parse(struct jws *jws, const char *token)
{
    return parse_bytes(jws, token, strlen(token));
}

/* Parse a token of this header, with ' for ". */
static enum reason parse_header(struct jws *jws, const char *header)
{
    return parse(jws, apr_pstrcat(pool, signing_input(json_of(header), "{}"), ".",
                                  SIGNATURE, NULL));
}

/* ---- form --------------------------------------------------------------------- */

/* H, P and S stand for the parts. */
static const struct {
    const char *form;
    enum reason reason;
} forms[] = {
    {"H.P.S", REASON_OK},
    /* A1: a token that Auth0 gives out without an audience has no dots. */
    {"", REASON_TOKEN_OPAQUE},
    {"H", REASON_TOKEN_OPAQUE},
    {"x", REASON_TOKEN_OPAQUE},
    {"H.P", REASON_TOKEN_OPAQUE},
    {".", REASON_TOKEN_OPAQUE},
    {"H.P.S.", REASON_TOKEN_OPAQUE},
    {".H.P.S", REASON_TOKEN_OPAQUE},
    {"H.P.S.S", REASON_TOKEN_OPAQUE},
    {"...", REASON_TOKEN_OPAQUE},
    {"H.P.S.S.S.S", REASON_TOKEN_OPAQUE},
    {".....", REASON_TOKEN_OPAQUE},
    {"H.P.S.S.S.S.S", REASON_TOKEN_OPAQUE},
    /* A3: a JWE. */
    {"H.P.S.S.S", REASON_TOKEN_ENCRYPTED},
    {"H..S.S.S", REASON_TOKEN_ENCRYPTED},
    {"....", REASON_TOKEN_ENCRYPTED},
    {"..", REASON_TOKEN_PART_EMPTY},
    {".P.S", REASON_TOKEN_PART_EMPTY},
    {"H..S", REASON_TOKEN_PART_EMPTY},
    {"H.P.", REASON_TOKEN_PART_EMPTY},
    {"H..", REASON_TOKEN_PART_EMPTY},
    {".P.", REASON_TOKEN_PART_EMPTY},
    {"..S", REASON_TOKEN_PART_EMPTY},
    /* A4: padding to a whole group, so that its length alone gives nothing away. */
    {"H====.P.S", REASON_BASE64URL_INVALID},
    {"H.P=.S", REASON_BASE64URL_INVALID},
    {"H.P.S==", REASON_BASE64URL_INVALID},
    {"H.P.S=", REASON_BASE64URL_INVALID},
    {"H.=.S", REASON_BASE64URL_INVALID},
    {"H.P.====", REASON_BASE64URL_INVALID},
    {"HA.P.S", REASON_BASE64URL_INVALID},
    {"H.PAA.S", REASON_BASE64URL_INVALID},
    {"H.P.SAAA", REASON_BASE64URL_INVALID},
    {"H.A.S", REASON_BASE64URL_INVALID},
    {"H.P.A", REASON_BASE64URL_INVALID},
    {"AA+AH.P.S", REASON_BASE64URL_INVALID},
    {"AA/AH.P.S", REASON_BASE64URL_INVALID},
    {"H.A+.S", REASON_BASE64URL_INVALID},
    {"H.A/.S", REASON_BASE64URL_INVALID},
    {"H.P.AA+A", REASON_BASE64URL_INVALID},
    {"H.P.AA/A", REASON_BASE64URL_INVALID},
    /* A5, should it get here. */
    {"H .P.S", REASON_BASE64URL_INVALID},
    {" H.P.S", REASON_BASE64URL_INVALID},
    {"H.P.S ", REASON_BASE64URL_INVALID},
    {"H.P\n.S", REASON_BASE64URL_INVALID},
    {"H.P.S\r\n", REASON_BASE64URL_INVALID},
    {"Bearer H.P.S", REASON_BASE64URL_INVALID},
    {"H.P.S\xc3\xa9", REASON_BASE64URL_INVALID},
    {"H.P.S%", REASON_BASE64URL_INVALID},
};

START_TEST(takes_three_parts_of_base64url_and_nothing_else)
{
    const char *token = "";
    struct jws jws;

    for (const char *p = forms[_i].form; *p != '\0'; p++) {
        const char *part = *p == 'H'   ? HEADER
                           : *p == 'P' ? PAYLOAD
                           : *p == 'S' ? SIGNATURE
                                       : apr_pstrndup(pool, p, 1);

        token = apr_pstrcat(pool, token, part, NULL);
    }
    ASSERT_REASON(parse(&jws, token), forms[_i].reason, forms[_i].form);
}
END_TEST

START_TEST(rejects_a_nul_in_any_part)
{
    static const char *const tokens[] = {
        HEADER "?" PAYLOAD "." SIGNATURE, HEADER ".?30." SIGNATURE,
        HEADER "." PAYLOAD ".?A", HEADER "." PAYLOAD "." SIGNATURE "?"};

    for (size_t i = 0; i < COUNT(tokens); i++) {
        char *token = apr_pstrdup(pool, tokens[i]);
        size_t len = strlen(token);
        struct jws jws;

        *strchr(token, '?') = '\0';
        ASSERT_REASON(parse_bytes(&jws, token, len),
                      i == 0 ? REASON_TOKEN_OPAQUE : REASON_BASE64URL_INVALID, tokens[i]);
    }
}
END_TEST

/* Other last characters would decode to the same bytes in a lenient reader. */
START_TEST(rejects_unused_bits_that_are_not_zero_in_every_part)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char *const tails[] = {"{}", "{}  ", "{\"alg\":\"RS256\"} ",
                                        "{\"alg\":\"RS256\"}  "};

    for (size_t i = 0; i < COUNT(tails); i++) {
        char *part = apr_pstrdup(pool, b64(tails[i], strlen(tails[i])));
        size_t last = strlen(part) - 1;
        size_t unused = last % 4 == 1 ? 16 : 4;
        char right = part[last];

        ck_assert_uint_ne(strlen(part) % 4, 0);
        for (size_t value = 0; value < 64; value++) {
            const char *const tokens[] = {
                apr_pstrcat(pool, part, "." PAYLOAD "." SIGNATURE, NULL),
                apr_pstrcat(pool, HEADER ".", part, "." SIGNATURE, NULL),
                apr_pstrcat(pool, HEADER "." PAYLOAD ".", part, NULL),
            };
            struct jws jws;

            for (size_t j = 0; part[last] != right && j < COUNT(tokens); j++) {
                ck_assert_msg(
                    (parse(&jws, tokens[j]) == REASON_BASE64URL_INVALID) ==
                        ((size_t)(strchr(alphabet, part[last]) - alphabet) % unused != 0),
                    "%s", tokens[j]);
            }
            part[last] = alphabet[value];
        }
    }
}
END_TEST

START_TEST(takes_the_token_apart)
{
    const char *header = json_of("{'kid':'mine','typ':'at+jwt','alg':'ES384'}");
    const char *input = signing_input(header, "any bytes at all");
    const char *token = with_signature(input, (const unsigned char *)"\0\1\2", 3);
    struct jws jws;

    ASSERT_REASON(jws_parse(&jws, token, strlen(token), pool), REASON_OK, token);
    ck_assert_int_eq(jws.alg, JWA_ES384);
    ck_assert_int_eq(jws.typ, JWS_TYP_AT_JWT);
    ck_assert_str_eq(jws.kid, "mine");
    ck_assert_ptr_eq(jws.input, token);
    ck_assert_uint_eq(jws.input_len, strlen(input));
    ck_assert_uint_eq(jws.payload_len, strlen("any bytes at all"));
    ck_assert_str_eq(jws.payload, "any bytes at all");
    ck_assert_uint_eq(jws.signature_len, 3);
    ck_assert_mem_eq(jws.signature, "\0\1\2", 3);
}
END_TEST

/* ---- header ------------------------------------------------------------------- */

/* With ' for ". The token's other parts are sound. */
static const struct {
    const char *header;
    enum reason reason;
} headers[] = {
    {"{'alg':'RS256'}", REASON_OK},

    /* A6 */
    {"{}", REASON_ALGORITHM_UNKNOWN},
    {"[]", REASON_HEADER_MALFORMED},
    {"['alg','RS256']", REASON_HEADER_MALFORMED},
    {"[{'alg':'RS256'}]", REASON_HEADER_MALFORMED},
    {"'RS256'", REASON_HEADER_MALFORMED},
    {"null", REASON_HEADER_MALFORMED},
    {"true", REASON_HEADER_MALFORMED},
    {"1", REASON_HEADER_MALFORMED},
    {" ", REASON_JSON_SYNTAX},
    {"RS256", REASON_JSON_SYNTAX},
    {"{'alg':'RS256'", REASON_JSON_SYNTAX},
    {"{'alg':'RS256'}}", REASON_JSON_SYNTAX},
    {"{'alg':'RS256'}x", REASON_JSON_SYNTAX},
    {"{'alg':'RS256'}{}", REASON_JSON_SYNTAX},
    {"{'alg':'RS256',}", REASON_JSON_SYNTAX},
    {"\xef\xbb\xbf{'alg':'RS256'}", REASON_JSON_SYNTAX},
    {"{'alg':'RS256','a':'\xff'}", REASON_JSON_ENCODING},
    {"{'alg':'RS256','a':'\xc0\x80'}", REASON_JSON_ENCODING},
    {"{'alg':'RS256','\xed\xa0\x80':1}", REASON_JSON_ENCODING},
    {"{'alg':'RS256','a':'\n'}", REASON_JSON_ENCODING},

    /* A7: no way to say none, and names byte for byte. */
    {"{'typ':'JWT','kid':'a'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':null}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':256}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':true}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':['RS256']}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':{'RS256':1}}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':''}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'none'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'None'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'NONE'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'nOnE'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'\\u006eone'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'\\u004eONE'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':' RS256'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'RS256 '}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'rs256'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'Rs256'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'RS256\\u0000'}", REASON_JSON_ENCODING},
    {"{'alg':'RS256\\n'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'RS25'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'RS2566'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'RS1'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'HS1'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'ES256K'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'ES521'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'EDDSA'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'Ed25519'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'dir','enc':'A256GCM'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'RSA-OAEP-256'}", REASON_ALGORITHM_UNKNOWN},
    {"{'alg':'RS\xef\xbc\x92"
     "56'}",
     REASON_ALGORITHM_UNKNOWN}, /* a wide 2 */
    {"{'ALG':'RS256'}", REASON_ALGORITHM_UNKNOWN},
    {"{'Alg':'RS256'}", REASON_ALGORITHM_UNKNOWN},
    {"{'a\\u006cg':'\\u0052S256'}", REASON_OK},

    /* A8: which of the two would another reader see? */
    {"{'alg':'RS256','alg':'RS256'}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'none','alg':'RS256'}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'RS256','\\u0061lg':'none'}", REASON_JSON_DUPLICATE_NAME},
    {"{'\\u0061lg':'none','alg':'RS256'}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'RS256','kid':'a','kid':'b'}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'RS256','kid':'a','k\\u0069d':'b'}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'RS256','crit':[],'crit':[]}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'RS256','a':{'b':1,'b':2}}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'RS256','ALG':'none','Alg':1,'Kid':2,'KID':''}", REASON_OK},

    /* A9 */
    {"{'alg':'RS256','crit':['exp'],'exp':1}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':['alg']}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':['unknown'],'unknown':1}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':[]}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':null}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':''}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':'exp'}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':{}}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':false}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','cr\\u0069t':['exp']}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':['b64'],'b64':false}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','crit':['b64'],'b64':true}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','b64':false}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','Crit':['exp'],'CRIT':1,'B64':false}", REASON_OK},

    /* A11, A18 */
    {"{'alg':'RS256','jku':'https://evil.example/','x5u':'https://evil.example/'}",
     REASON_OK},
    {"{'alg':'RS256','jwk':{'kty':'oct','k':'AAAA'},'x5c':['MIIB'],'x5t':'a'}",
     REASON_OK},
    {"{'alg':'RS256','unknown':{'a':[1,2.5,null,true]},'':0}", REASON_OK},

    /* A14 */
    {"{'alg':'RS256','cty':'JWT'}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','cty':'jwt'}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','cty':'application/JWT'}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','cty':'json'}", REASON_OK},
    {"{'alg':'RS256','cty':''}", REASON_OK},
    {"{'alg':'RS256','CTY':'JWT'}", REASON_OK},
    {"{'alg':'RS256','zip':'DEF'}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','zip':null}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','Zip':'DEF'}", REASON_OK},

    /* A16: what is well formed is the key set's to refuse. */
    {"{'alg':'RS256','kid':'a'}", REASON_OK},
    {"{'alg':'RS256','kid':'../../../etc/passwd'}", REASON_OK},
    {"{'alg':'RS256','kid':'%s%n%x'}", REASON_OK},
    {"{'alg':'RS256','kid':'x\\u0027 OR 1=1--'}", REASON_OK},
    {"{'alg':'RS256','kid':' '}", REASON_OK},
    {"{'alg':'RS256','kid':''}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':0}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':null}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':true}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':['a']}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':{'a':1}}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'a\\r\\nX-Evil: 1'}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'\\u0001'}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'a\\u001f'}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'a\\u007f'}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'a\\t'}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'\\u0080'}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'a\\u009f'}", REASON_KID_MALFORMED},
    {"{'alg':'RS256','kid':'\\u00a0\\u00e9\\u4080'}", REASON_OK},
    {"{'alg':'RS256','kid':'a\\u0000b'}", REASON_JSON_ENCODING},
    {"{'alg':'RS256','Kid':''}", REASON_OK},
};

START_TEST(judges_the_header)
{
    struct jws jws;

    ASSERT_REASON(parse_header(&jws, headers[_i].header), headers[_i].reason,
                  headers[_i].header);
}
END_TEST

START_TEST(rejects_a_header_with_a_nul)
{
    static const char after[] = "{\"alg\":\"RS256\"}\0";
    static const char within[] = "{\"alg\":\"RS256\0\"}";
    struct jws jws;
    const char *rest = "." PAYLOAD "." SIGNATURE;

    ASSERT_REASON(parse(&jws, apr_pstrcat(pool, b64(after, sizeof(after)), rest, NULL)),
                  REASON_JSON_SYNTAX, "NUL behind");
    ASSERT_REASON(
        parse(&jws, apr_pstrcat(pool, b64(within, sizeof(within) - 1), rest, NULL)),
        REASON_JSON_ENCODING, "NUL within");
}
END_TEST

START_TEST(knows_each_algorithm_by_its_name)
{
    struct jws jws;

    ASSERT_REASON(parse_header(&jws, apr_psprintf(pool, "{'alg':'%s'}",
                                                  jwa_get((enum jwa_alg)_i)->name)),
                  REASON_OK, jwa_get((enum jwa_alg)_i)->name);
    ck_assert_int_eq(jws.alg, _i);
}
END_TEST

/* A12, A13: the value as JSON. */
static const struct {
    const char *value;
    enum jws_typ typ;
} types[] = {
    {"'JWT'", JWS_TYP_JWT},
    {"'jwt'", JWS_TYP_JWT},
    {"'Jwt'", JWS_TYP_JWT},
    {"'application/jwt'", JWS_TYP_JWT},
    {"'at+jwt'", JWS_TYP_AT_JWT},
    {"'AT+JWT'", JWS_TYP_AT_JWT},
    {"'At+Jwt'", JWS_TYP_AT_JWT},
    {"'application/at+jwt'", JWS_TYP_AT_JWT},
    {"'Application/AT+JWT'", JWS_TYP_AT_JWT},
    {"'\\u0061t+jwt'", JWS_TYP_AT_JWT},
    {"'logout+jwt'", JWS_TYP_OTHER},
    {"'dpop+jwt'", JWS_TYP_OTHER},
    {"'secevent+jwt'", JWS_TYP_OTHER},
    {"'id_token+jwt'", JWS_TYP_OTHER},
    {"'JOSE'", JWS_TYP_OTHER},
    {"'JWS'", JWS_TYP_OTHER},
    {"''", JWS_TYP_OTHER},
    {"' JWT'", JWS_TYP_OTHER},
    {"'JWT '", JWS_TYP_OTHER},
    {"'JWTX'", JWS_TYP_OTHER},
    {"'at+jwt '", JWS_TYP_OTHER},
    {"'at jwt'", JWS_TYP_OTHER},
    {"'xat+jwt'", JWS_TYP_OTHER},
    {"'at+jwt;charset=utf-8'", JWS_TYP_OTHER},
    {"'application/'", JWS_TYP_OTHER},
    {"'application/at+jwt/'", JWS_TYP_OTHER},
    {"'application/application/at+jwt'", JWS_TYP_OTHER},
    {"'text/at+jwt'", JWS_TYP_OTHER},
    {"1", JWS_TYP_OTHER},
    {"null", JWS_TYP_OTHER},
    {"true", JWS_TYP_OTHER},
    {"['JWT']", JWS_TYP_OTHER},
    {"{}", JWS_TYP_OTHER},
};

START_TEST(reads_typ_as_a_media_type)
{
    const char *header = apr_psprintf(pool, "{'alg':'RS256','typ':%s}", types[_i].value);
    struct jws jws;

    ASSERT_REASON(parse_header(&jws, header), REASON_OK, header);
    ck_assert_int_eq(jws.typ, types[_i].typ);
}
END_TEST

START_TEST(typ_and_kid_may_be_absent)
{
    struct jws jws;

    ASSERT_REASON(parse_header(&jws, "{'alg':'RS256','Typ':'x','Kid':'a'}"), REASON_OK,
                  "");
    ck_assert_int_eq(jws.typ, JWS_TYP_ABSENT);
    ck_assert_ptr_null(jws.kid);
}
END_TEST

START_TEST(a_kid_may_have_256_bytes)
{
    const char *letters = repeated("\xc3\xa9", 128);
    const char *escapes = repeated("\\u00e9", 128);
    struct jws jws;

    ASSERT_REASON(
        parse_header(&jws, apr_psprintf(pool, "{'alg':'RS256','kid':'%s'}", escapes)),
        REASON_OK, "256 bytes");
    ck_assert_str_eq(jws.kid, letters);
    ASSERT_REASON(
        parse_header(&jws, apr_psprintf(pool, "{'alg':'RS256','kid':'x%s'}", letters)),
        REASON_KID_MALFORMED, "257 bytes");
}
END_TEST

/* ---- limits ------------------------------------------------------------------- */

START_TEST(takes_a_token_of_8192_characters_and_no_more)
{
    size_t parts = strlen(HEADER) + 2 + 2;
    const char *space = repeated("ICAg", (8192 - parts) / 4);
    const char *token = apr_pstrcat(pool, HEADER ".", space, ".AA", NULL);
    struct jws jws;

    ck_assert_uint_eq(strlen(token), 8192);
    ASSERT_REASON(parse(&jws, token), REASON_OK, "8192");
    ASSERT_REASON(parse(&jws, apr_pstrcat(pool, token, "A", NULL)), REASON_TOKEN_TOO_LONG,
                  "8193");
}
END_TEST

/* A17: the size is judged before anything is decoded, or even split. */
START_TEST(a_token_too_long_is_just_that)
{
    static const char *const fillings[] = {"A", ".", "=", "\xff", "a.b."};
    struct jws jws;

    for (size_t i = 0; i < COUNT(fillings); i++) {
        ASSERT_REASON(parse(&jws, repeated(fillings[i], 8193)), REASON_TOKEN_TOO_LONG,
                      fillings[i]);
    }
    ASSERT_REASON(parse(&jws, repeated(HEADER "." PAYLOAD "." SIGNATURE, 100000)),
                  REASON_TOKEN_TOO_LONG, "2.7 MB");
}
END_TEST

START_TEST(takes_a_header_of_2048_bytes_and_no_more)
{
    const char *header = "{'alg':'RS256'}";
    const char *full =
        apr_pstrcat(pool, header, repeated(" ", 2048 - strlen(header)), NULL);
    struct jws jws;

    ASSERT_REASON(parse_header(&jws, full), REASON_OK, "2048");
    ASSERT_REASON(parse_header(&jws, apr_pstrcat(pool, full, " ", NULL)),
                  REASON_HEADER_TOO_LONG, "2049");
    ASSERT_REASON(parse_header(&jws, repeated("x", 2049)), REASON_HEADER_TOO_LONG,
                  "2049 bytes that are no JSON");
}
END_TEST

START_TEST(takes_a_header_of_64_members_and_no_more)
{
    const char *header = "{'alg':'RS256'";
    struct jws jws;

    for (int i = 0; i < 63; i++) {
        header = apr_psprintf(pool, "%s,'m%d':0", header, i);
    }
    ASSERT_REASON(parse_header(&jws, apr_pstrcat(pool, header, "}", NULL)), REASON_OK,
                  "64");
    ASSERT_REASON(parse_header(&jws, apr_pstrcat(pool, header, ",'m':0}", NULL)),
                  REASON_JSON_TOO_LARGE, "65");
}
END_TEST

START_TEST(takes_a_header_of_8_levels_and_no_more)
{
    struct jws jws;

    for (size_t arrays = 7; arrays <= 8; arrays++) {
        const char *header = apr_psprintf(pool, "{'alg':'RS256','a':%s%s}",
                                          repeated("[", arrays), repeated("]", arrays));

        ASSERT_REASON(parse_header(&jws, header),
                      arrays == 7 ? REASON_OK : REASON_JSON_TOO_LARGE, header);
    }
    ASSERT_REASON(parse_header(&jws, repeated("[", 2048)), REASON_JSON_TOO_LARGE, "2048");
}
END_TEST

/* ---- signatures --------------------------------------------------------------- */

#define CLAIMS "{\"sub\":\"a\"}"

static const struct jwk *find(const struct jwks *jwks, const char *kid, enum jwa_alg alg)
{
    const struct jwk *key;

    ASSERT_REASON(jwks_find(&key, jwks, kid, alg), REASON_OK, kid);
    return key;
}

/* Our key for an algorithm, as published. */
static const struct jwk *our_key(enum jwa_alg alg)
{
    return find(our_jwks(), kid_of(alg), alg);
}

static apr_status_t secret_cleanup(void *secret)
{
    secret_destroy(secret);
    return APR_SUCCESS;
}

static const struct secret *our_secret(void)
{
    struct secret *secret =
        secret_create(secret_of(OURS), SECRET_LENGTH, JWA_SECRET_ALGORITHMS);

    ck_assert_ptr_nonnull(secret);
    apr_pool_cleanup_register(pool, secret, secret_cleanup, apr_pool_cleanup_null);
    return secret;
}

/* The thread's queue of errors is shared with mod_ssl: it must stay empty. */
static enum reason verify(const char *token, const struct jwk *key)
{
    struct jws jws;
    enum reason reason;

    ASSERT_REASON(parse(&jws, token), REASON_OK, token);
    ERR_clear_error();
    reason = jws_verify(&jws, key);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return reason;
}

static enum reason verify_secret(const char *token, const struct secret *secret)
{
    struct jws jws;
    enum reason reason;

    ASSERT_REASON(parse(&jws, token), REASON_OK, token);
    ERR_clear_error();
    reason = jws_verify_secret(&jws, secret);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return reason;
}

/* Our key, or our secret where that is what the algorithm takes. */
struct verifier {
    const struct jwk *key;
    const struct secret *secret;
};

static struct verifier our_verifier(enum jwa_alg alg)
{
    struct verifier verifier = {0};

    if (alg >= JWA_HS256) {
        verifier.secret = our_secret();
    }
    else {
        verifier.key = our_key(alg);
    }
    return verifier;
}

static enum reason verify_by(struct verifier verifier, const char *token)
{
    return verifier.key != NULL ? verify(token, verifier.key)
                                : verify_secret(token, verifier.secret);
}

START_TEST(accepts_our_signature_and_rejects_a_strangers)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    struct verifier verifier = our_verifier(alg);
    const char *header = header_of(alg);

    ASSERT_REASON(verify_by(verifier, token_of(alg, OURS, header, CLAIMS)), REASON_OK,
                  header);
    ASSERT_REASON(verify_by(verifier, token_of(alg, THEIRS, header, CLAIMS)),
                  REASON_SIGNATURE_INVALID, header);
}
END_TEST

START_TEST(rejects_our_signature_of_something_else)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    struct verifier verifier = our_verifier(alg);
    const char *header = header_of(alg);
    const char *token = token_of(alg, OURS, header, CLAIMS);
    const char *dot = strrchr(token, '.');
    const char *other_claims =
        apr_pstrcat(pool, signing_input(header, "{\"sub\":\"b\"}"), dot, NULL);
    const char *other_header = apr_pstrcat(
        pool, signing_input(apr_pstrcat(pool, header, " ", NULL), CLAIMS), dot, NULL);

    ASSERT_REASON(verify_by(verifier, other_claims), REASON_SIGNATURE_INVALID, "claims");
    ASSERT_REASON(verify_by(verifier, other_header), REASON_SIGNATURE_INVALID, "header");
}
END_TEST

START_TEST(rejects_a_signature_with_any_bit_flipped)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    const char *input = signing_input(header_of(alg), CLAIMS);
    const char *token = token_of(alg, OURS, header_of(alg), CLAIMS);
    struct verifier verifier = our_verifier(alg);
    unsigned char signature[SIGNATURE_MAX];
    struct jws jws;

    ASSERT_REASON(parse(&jws, token), REASON_OK, token);
    memcpy(signature, jws.signature, jws.signature_len);
    for (size_t bit = 0; bit < jws.signature_len * 8; bit++) {
        signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
        token = with_signature(input, signature, jws.signature_len);
        ASSERT_REASON(verify_by(verifier, token), REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "bit %u", (unsigned)bit));
        signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}
END_TEST

START_TEST(rejects_a_signature_of_any_other_length)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    struct verifier verifier = our_verifier(alg);
    const char *input = signing_input(header_of(alg), CLAIMS);
    unsigned char behind[SIGNATURE_MAX + 2] = {0};
    unsigned char before[SIGNATURE_MAX + 2] = {0};
    struct jws jws;
    size_t len;

    ASSERT_REASON(parse(&jws, token_of(alg, OURS, header_of(alg), CLAIMS)), REASON_OK,
                  "");
    len = jws.signature_len;
    memcpy(behind, jws.signature, len);
    memcpy(before + 2, jws.signature, len);
    for (size_t n = 1; n <= len + 2; n++) {
        ASSERT_REASON(verify_by(verifier, with_signature(input, behind, n)),
                      n == len ? REASON_OK : REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "the first %u bytes", (unsigned)n));
        ASSERT_REASON(verify_by(verifier, with_signature(input, before + 2 + len - n, n)),
                      n == len ? REASON_OK : REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "the last %u bytes", (unsigned)n));
    }
    ASSERT_REASON(
        verify_by(verifier, with_signature(input, (const unsigned char *)"\0", 1)),
        REASON_SIGNATURE_INVALID, "a zero");
}
END_TEST

/* Sign as one algorithm, say another: never, whatever key the token is held to. */
START_TEST(rejects_every_other_algorithms_signature)
{
    enum jwa_alg says = (enum jwa_alg)_i;
    const char *input = signing_input(header_of(says), CLAIMS);
    const struct jwks *jwks = our_jwks();
    const struct secret *secret = our_secret();

    for (enum jwa_alg signs = 0; signs < JWA_COUNT; signs++) {
        unsigned char signature[SIGNATURE_MAX];
        size_t len =
            signs < JWA_HS256
                ? sign(signature, signs, key_of(signs, OURS), input)
                : sign_hmac(signature, signs, secret_of(OURS), SECRET_LENGTH, input);
        const char *token = with_signature(input, signature, len);

        for (size_t i = 0; i < jwks->count; i++) {
            bool right = says == signs && says < JWA_HS256 &&
                         strcmp(jwks->keys[i].kid, kid_of(says)) == 0;

            ASSERT_REASON(verify(token, &jwks->keys[i]),
                          right ? REASON_OK : REASON_SIGNATURE_INVALID,
                          apr_psprintf(pool, "%s signed as %s, key %s",
                                       jwa_get(says)->name, jwa_get(signs)->name,
                                       jwks->keys[i].kid));
        }
        ASSERT_REASON(verify_secret(token, secret),
                      says == signs && says >= JWA_HS256 ? REASON_OK
                                                         : REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "%s signed as %s, a secret", jwa_get(says)->name,
                                   jwa_get(signs)->name));
    }
}
END_TEST

/* B2: the signature is genuine, but the key was published for another algorithm. */
START_TEST(rejects_an_algorithm_that_the_key_was_not_made_for)
{
    const struct jwks *jwks = jwks_of(
        jwks_text(jwk_of(key_of(JWA_RS256, OURS), ",'alg':'RS256','kid':'rsa'"), NULL));

    for (enum jwa_alg alg = JWA_RS256; alg <= JWA_PS512; alg++) {
        ASSERT_REASON(verify(token_of(alg, OURS, header_of(alg), CLAIMS), &jwks->keys[0]),
                      alg == JWA_RS256 ? REASON_OK : REASON_SIGNATURE_INVALID,
                      jwa_get(alg)->name);
    }
}
END_TEST

enum public_form { PEM, DER, DER_END, JWK, JWKS, NOTHING, PUBLIC_FORMS };

/* A public key as it can be found; DER_END is the point, or the modulus' end. */
static const char *public_text(EVP_PKEY *key, enum public_form form, size_t *len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text;
    char *memory;

    if (form == PEM) {
        ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, key), 1);
    }
    else if (form == DER || form == DER_END) {
        ck_assert_int_eq(i2d_PUBKEY_bio(bio, key), 1);
    }
    else if (form == JWK || form == JWKS) {
        const char *jwk = jwk_of(key, ",'kid':'a'");

        ck_assert_int_gt(BIO_puts(bio, form == JWK ? jwk : jwks_text(jwk, NULL)), 0);
    }
    *len = (size_t)BIO_get_mem_data(bio, &memory);
    text = *len > 0 ? apr_pmemdup(pool, memory, *len) : "";
    BIO_free(bio);
    if (form == DER_END) {
        text += *len - 32;
        *len = 32;
    }
    return text;
}

/* B1: the oldest trick, an HMAC whose key is what everybody knows. */
START_TEST(rejects_an_hmac_keyed_with_a_public_key)
{
    enum jwa_alg hmac = (enum jwa_alg)_i;

    for (enum jwa_alg alg = JWA_RS256; alg < JWA_HS256; alg++) {
        const struct jwk *key = our_key(alg);
        const char *header = apr_psprintf(pool, "{\"alg\":\"%s\",\"kid\":\"%s\"}",
                                          jwa_get(hmac)->name, kid_of(alg));
        const char *input = signing_input(header, CLAIMS);
        const struct jwk *found;

        for (enum public_form form = PEM; form < PUBLIC_FORMS; form++) {
            unsigned char code[SIGNATURE_MAX];
            size_t len;
            const char *text = public_text(key_of(alg, OURS), form, &len);
            const char *token =
                with_signature(input, code, sign_hmac(code, hmac, text, len, input));

            ASSERT_REASON(verify(token, key), REASON_SIGNATURE_INVALID, header);
            ASSERT_REASON(verify_secret(token, our_secret()), REASON_SIGNATURE_INVALID,
                          header);
        }
        ASSERT_REASON(jwks_find(&found, our_jwks(), kid_of(alg), hmac),
                      REASON_KEY_NOT_ELIGIBLE, header);
    }
}
END_TEST

/* A10: a token that brings its own key is judged by ours. */
START_TEST(rejects_a_signature_of_the_key_that_the_token_brings)
{
    EVP_PKEY *theirs = key_of(JWA_RS256, THEIRS);
    const char *members[] = {
        apr_psprintf(pool, "'jwk':%s", jwk_of(theirs, ",'kid':'rsa'")),
        "'jku':'https://evil.example/jwks.json'",
        "'x5u':'https://evil.example/cert.pem'",
        "'x5c':['MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A']",
    };

    for (size_t i = 0; i < COUNT(members); i++) {
        const char *header =
            json_of(apr_psprintf(pool, "{'alg':'RS256','kid':'rsa',%s}", members[i]));
        const struct jwk *key = our_key(JWA_RS256);

        ASSERT_REASON(verify(token_of(JWA_RS256, THEIRS, header, CLAIMS), key),
                      REASON_SIGNATURE_INVALID, header);
        ASSERT_REASON(verify(token_of(JWA_RS256, OURS, header, CLAIMS), key), REASON_OK,
                      header);
    }
}
END_TEST

/* ---- RSA ---------------------------------------------------------------------- */

/* RSASSA-PSS with parameters of one's choice. */
static const struct {
    enum jwa_alg alg;
    const char *digest;
    const char *mask;
    int salt;
    enum reason reason;
} pss[] = {
    {JWA_PS256, "SHA256", "SHA256", 32, REASON_OK},
    {JWA_PS384, "SHA384", "SHA384", 48, REASON_OK},
    {JWA_PS512, "SHA512", "SHA512", 64, REASON_OK},
    {JWA_PS256, "SHA256", "SHA256", 0, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 20, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 31, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 33, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 64, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", RSA_PSS_SALTLEN_MAX, REASON_SIGNATURE_INVALID},
    {JWA_PS384, "SHA384", "SHA384", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS512, "SHA512", "SHA512", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA1", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA512", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS512, "SHA512", "SHA256", 64, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA1", "SHA1", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA384", "SHA384", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA512", "SHA512", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA3-256", "SHA3-256", 32, REASON_SIGNATURE_INVALID},
};

START_TEST(rejects_pss_with_another_salt_length_digest_or_mask)
{
    const char *input = signing_input(header_of(pss[_i].alg), CLAIMS);
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;

    ck_assert(EVP_DigestSignInit_ex(ctx, &pctx, pss[_i].digest, NULL, NULL,
                                    key_of(JWA_PS256, OURS), NULL) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, pss[_i].mask, NULL) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, pss[_i].salt) == 1 &&
              EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input,
                             strlen(input)) == 1);
    EVP_MD_CTX_free(ctx);
    ASSERT_REASON(verify(with_signature(input, signature, len), our_key(pss[_i].alg)),
                  pss[_i].reason, "PSS");
}
END_TEST

/* The private operation on a block of one's choice. */
static const char *token_of_block(const char *input, const unsigned char block[256])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key_of(JWA_RS256, OURS), NULL);
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);

    ck_assert(EVP_PKEY_sign_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_sign(ctx, signature, &len, block, 256) == 1);
    EVP_PKEY_CTX_free(ctx);
    return with_signature(input, signature, len);
}

#define SHA256_INFO                                                                      \
    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

/*
 * RFC 8017 9.2: 00 01 FF ... FF 00, the digest's DER prefix, the digest. Whoever
 * reads this instead of comparing it has accepted forgeries (Bleichenbacher 2006).
 */
static const struct {
    const char *story;
    unsigned char first;
    unsigned char type;
    unsigned char filler;
    unsigned char separator;
    const char *info;
    size_t info_len;
    size_t behind; /* bytes after the digest */
    enum reason reason;
} blocks[] = {
    {"as it should be", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_OK},
    {"a first byte of 1", 1, 1, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"block type 0", 0, 0, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"block type 2", 0, 2, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"padding of FE", 0, 1, 0xfe, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"padding of 00", 0, 1, 0x00, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"no separator", 0, 1, 0xff, 0xff, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"a byte behind", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 1, REASON_SIGNATURE_INVALID},
    {"short padding, bytes behind", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 194,
     REASON_SIGNATURE_INVALID},
    {"no padding, bytes behind", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 202,
     REASON_SIGNATURE_INVALID},
    {"no prefix", 0, 1, 0xff, 0, BYTES(""), 0, REASON_SIGNATURE_INVALID},
    {"no NULL in the prefix", 0, 1, 0xff, 0,
     BYTES("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"), 0,
     REASON_SIGNATURE_INVALID},
    {"a length in BER's long form", 0, 1, 0xff, 0,
     BYTES("\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04"
           "\x20"),
     0, REASON_SIGNATURE_INVALID},
    {"bytes hidden in the parameters", 0, 1, 0xff, 0,
     BYTES("\x30\x33\x30\x0f\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x02\x00\x00"
           "\x04\x20"),
     0, REASON_SIGNATURE_INVALID},
    {"SHA-384 in the prefix", 0, 1, 0xff, 0,
     BYTES(
         "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x20"),
     0, REASON_SIGNATURE_INVALID},
};

START_TEST(rejects_pkcs_1_padding_that_differs_in_anything)
{
    const char *input = signing_input(header_of(JWA_RS256), CLAIMS);
    size_t info_len = blocks[_i].info_len;
    size_t filler_len = 256 - 3 - info_len - SHA256_DIGEST_LENGTH - blocks[_i].behind;
    unsigned char block[256] = {0};
    unsigned char *p = block;

    *p++ = blocks[_i].first;
    *p++ = blocks[_i].type;
    memset(p, blocks[_i].filler, filler_len);
    p += filler_len;
    *p++ = blocks[_i].separator;
    memcpy(p, blocks[_i].info, info_len);
    SHA256((const unsigned char *)input, strlen(input), p + info_len);
    ASSERT_REASON(verify(token_of_block(input, block), our_key(JWA_RS256)),
                  blocks[_i].reason, blocks[_i].story);
}
END_TEST

static size_t number_bytes(unsigned char *out, const BIGNUM *number, int len)
{
    ck_assert_int_eq(BN_bn2binpad(number, out, len), len);
    return (size_t)len;
}

START_TEST(rejects_an_rsa_signature_at_or_beyond_the_modulus)
{
    const struct jwk *key = our_key(JWA_RS256);
    BIGNUM *n = key_number(key_of(JWA_RS256, OURS), OSSL_PKEY_PARAM_RSA_N);
    BIGNUM *s = BN_new();
    unsigned char signature[SIGNATURE_MAX];
    const char *input = "";
    const char *numbers[] = {"0", "1", "-1", "n"};

    /* One that leaves room for itself plus the modulus: s + n is s, modulo n. */
    for (int i = 0; i == 0 || BN_num_bits(s) > 2048; i++) {
        input = signing_input(header_of(JWA_RS256),
                              apr_psprintf(pool, "{\"jti\":\"%d\"}", i));
        ck_assert_uint_eq(sign(signature, JWA_RS256, key_of(JWA_RS256, OURS), input),
                          256);
        ck_assert(BN_bin2bn(signature, 256, s) && BN_add(s, s, n));
    }
    ASSERT_REASON(verify(with_signature(input, signature, 256), key), REASON_OK, "s");
    number_bytes(signature, s, 256);
    ASSERT_REASON(verify(with_signature(input, signature, 256), key),
                  REASON_SIGNATURE_INVALID, "s + n");
    for (size_t i = 0; i < COUNT(numbers); i++) {
        ck_assert(i < 2 ? BN_set_word(s, i) : BN_copy(s, n) != NULL);
        ck_assert(i != 2 || BN_sub_word(s, 1));
        number_bytes(signature, s, 256);
        ASSERT_REASON(verify(with_signature(input, signature, 256), key),
                      REASON_SIGNATURE_INVALID, numbers[i]);
    }
    BN_free(s);
    BN_free(n);
}
END_TEST

/* RFC 8017 8.2.2: as long as the modulus, even when the number is not. */
START_TEST(rejects_an_rsa_signature_without_its_leading_zero)
{
    enum jwa_alg alg = _i == 0 ? JWA_RS256 : JWA_PS256;
    const struct jwk *key = our_key(alg);
    unsigned char signature[SIGNATURE_MAX] = {1};
    const char *input = "";

    for (int i = 0; signature[0] != 0; i++) {
        input = signing_input(header_of(alg), apr_psprintf(pool, "{\"jti\":\"%d\"}", i));
        ck_assert_uint_eq(sign(signature, alg, key_of(alg, OURS), input), 256);
    }
    ASSERT_REASON(verify(with_signature(input, signature, 256), key), REASON_OK, "whole");
    ASSERT_REASON(verify(with_signature(input, signature + 1, 255), key),
                  REASON_SIGNATURE_INVALID, "stripped");
}
END_TEST

/* Five primes make a modulus of 8192 bits in bearable time. */
static const struct {
    int bits;
    int primes;
    const char *e;
} unusual[] = {
    {2048, 2, "3"}, {2048, 2, "4294967295"}, {3072, 2, "65537"}, {8192, 5, "65537"}};

START_TEST(verifies_with_every_size_of_key_that_it_takes)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    BIGNUM *e = NULL;
    const struct jwks *jwks;

    ck_assert(BN_dec2bn(&e, unusual[_i].e));
    ck_assert(EVP_PKEY_keygen_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, unusual[_i].bits) == 1 &&
              EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, unusual[_i].primes) == 1 &&
              EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1 &&
              EVP_PKEY_generate(ctx, &pkey) == 1);
    jwks = jwks_of(jwks_text(jwk_of(pkey, ",'kid':'rsa'"), NULL));
    for (enum jwa_alg alg = JWA_RS256; alg <= JWA_PS512; alg++) {
        const char *input = signing_input(header_of(alg), CLAIMS);
        unsigned char signature[SIGNATURE_MAX];
        size_t len = sign(signature, alg, pkey, input);

        ASSERT_REASON(verify(with_signature(input, signature, len), &jwks->keys[0]),
                      REASON_OK, jwa_get(alg)->name);
        signature[len / 2] ^= 1;
        ASSERT_REASON(verify(with_signature(input, signature, len), &jwks->keys[0]),
                      REASON_SIGNATURE_INVALID, jwa_get(alg)->name);
    }
    BN_free(e);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
}
END_TEST

/* ---- ECDSA -------------------------------------------------------------------- */

/* What r and s become; r and s are a good signature's, n is the curve's order. */
static const struct {
    const char *r;
    const char *s;
    enum reason reason;
} pairs[] = {
    {"r", "s", REASON_OK},
    {"0", "0", REASON_SIGNATURE_INVALID}, /* CVE-2022-21449 */
    {"0", "s", REASON_SIGNATURE_INVALID},
    {"r", "0", REASON_SIGNATURE_INVALID},
    {"0", "1", REASON_SIGNATURE_INVALID},
    {"1", "0", REASON_SIGNATURE_INVALID},
    {"1", "1", REASON_SIGNATURE_INVALID},
    {"n", "n", REASON_SIGNATURE_INVALID},
    {"n", "s", REASON_SIGNATURE_INVALID},
    {"r", "n", REASON_SIGNATURE_INVALID},
    {"n", "0", REASON_SIGNATURE_INVALID},
    {"0", "n", REASON_SIGNATURE_INVALID},
    {"n", "1", REASON_SIGNATURE_INVALID},
    {"n-1", "n-1", REASON_SIGNATURE_INVALID},
    {"n+1", "n+1", REASON_SIGNATURE_INVALID},
    {"n+1", "s", REASON_SIGNATURE_INVALID},
    {"r", "n+1", REASON_SIGNATURE_INVALID},
    {"max", "max", REASON_SIGNATURE_INVALID},
    {"r", "max", REASON_SIGNATURE_INVALID},
    {"max", "s", REASON_SIGNATURE_INVALID},
    {"s", "r", REASON_SIGNATURE_INVALID},
    {"r", "r", REASON_SIGNATURE_INVALID},
    {"n-r", "s", REASON_SIGNATURE_INVALID},
    /* The same modulo n: they fit into P-521's 66 bytes alone, else they are cut. */
    {"n+r", "s", REASON_SIGNATURE_INVALID},
    {"r", "n+s", REASON_SIGNATURE_INVALID},
    {"n+r", "n+s", REASON_SIGNATURE_INVALID},
};

/* The number that such a name stands for, in @a len bytes. */
static void write_number(unsigned char *out, int len, const char *name, const BIGNUM *r,
                         const BIGNUM *s, const BIGNUM *n)
{
    BIGNUM *number = BN_new();
    char last = name[strlen(name) - 1];

    if (last == '0' || last == '1') {
        ck_assert(BN_set_word(number, last == '1'));
    }
    else if (last == 'r' || last == 's' || last == 'n') {
        ck_assert(BN_copy(number, last == 'r' ? r : last == 's' ? s : n) != NULL);
    }
    if (strncmp(name, "n+", 2) == 0) {
        ck_assert(BN_add(number, number, n));
    }
    else if (strncmp(name, "n-", 2) == 0) {
        ck_assert(BN_sub(number, n, number));
    }
    ck_assert(BN_mask_bits(number, 8 * len) || BN_num_bits(number) <= 8 * len);
    number_bytes(out, number, len);
    if (strcmp(name, "max") == 0) {
        memset(out, 0xff, (size_t)len);
    }
    BN_free(number);
}

START_TEST(rejects_ecdsa_with_r_or_s_out_of_range)
{
    for (enum jwa_alg alg = JWA_ES256; alg <= JWA_ES512; alg++) {
        int len = (int)jwa_get(alg)->coordinate;
        EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_sn2nid(jwa_get(alg)->group));
        const char *input = signing_input(header_of(alg), CLAIMS);
        unsigned char signature[SIGNATURE_MAX];
        BIGNUM *r;
        BIGNUM *s;

        sign(signature, alg, key_of(alg, OURS), input);
        r = BN_bin2bn(signature, len, NULL);
        s = BN_bin2bn(signature + len, len, NULL);
        write_number(signature, len, pairs[_i].r, r, s, EC_GROUP_get0_order(group));
        write_number(signature + len, len, pairs[_i].s, r, s, EC_GROUP_get0_order(group));
        ASSERT_REASON(
            verify(with_signature(input, signature, 2 * (size_t)len), our_key(alg)),
            pairs[_i].reason,
            apr_psprintf(pool, "%s: %s, %s", jwa_get(alg)->name, pairs[_i].r,
                         pairs[_i].s));
        BN_free(r);
        BN_free(s);
        EC_GROUP_free(group);
    }
}
END_TEST

static const enum jwa_alg ec_algorithms[] = {JWA_ES256, JWA_ES384, JWA_ES512};

/* RFC 7518 3.4: r || s, no other form. */
START_TEST(rejects_ecdsa_in_der)
{
    enum jwa_alg alg = ec_algorithms[_i];
    size_t length = 2 * jwa_get(alg)->coordinate;
    const char *input = signing_input(header_of(alg), CLAIMS);
    unsigned char der[SIGNATURE_MAX] = {0};
    size_t len = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    ck_assert(
        EVP_DigestSignInit_ex(ctx, NULL, jwa_get(alg)->digest, NULL, NULL,
                              key_of(alg, OURS), NULL) == 1 &&
        EVP_DigestSign(ctx, der, &len, (const unsigned char *)input, strlen(input)) == 1);
    EVP_MD_CTX_free(ctx);
    ck_assert_uint_gt(len, length - 8);
    ASSERT_REASON(verify(with_signature(input, der, len), our_key(alg)),
                  REASON_SIGNATURE_INVALID, "DER");
    ASSERT_REASON(verify(with_signature(input, der, length), our_key(alg)),
                  REASON_SIGNATURE_INVALID, "DER cut to the length of r || s");
}
END_TEST

START_TEST(rejects_ecdsa_with_wider_numbers)
{
    enum jwa_alg alg = ec_algorithms[_i];
    size_t length = jwa_get(alg)->coordinate;
    const char *input = signing_input(header_of(alg), CLAIMS);
    unsigned char signature[SIGNATURE_MAX];
    unsigned char wide[SIGNATURE_MAX] = {0};

    sign(signature, alg, key_of(alg, OURS), input);
    for (size_t more = 0; more <= 16; more++) {
        memset(wide, 0, sizeof(wide));
        memcpy(wide + more, signature, length);
        memcpy(wide + length + 2 * more, signature + length, length);
        ASSERT_REASON(
            verify(with_signature(input, wide, 2 * (length + more)), our_key(alg)),
            more == 0 ? REASON_OK : REASON_SIGNATURE_INVALID,
            apr_psprintf(pool, "%u bytes wider", (unsigned)more));
    }
    memcpy(wide, signature, 2 * length);
    memcpy(wide + 2 * length, signature, 2 * length);
    ASSERT_REASON(verify(with_signature(input, wide, 4 * length), our_key(alg)),
                  REASON_SIGNATURE_INVALID, "twice");
}
END_TEST

/* ---- Ed25519 ------------------------------------------------------------------ */

/* The order of the base point: 2^252 + 27742317777372353535851937790883648493. */
static BIGNUM *edwards_order(void)
{
    BIGNUM *order = BN_new();
    BIGNUM *rest = NULL;

    ck_assert(BN_dec2bn(&rest, "27742317777372353535851937790883648493"));
    ck_assert(BN_set_bit(order, 252) && BN_add(order, order, rest));
    BN_free(rest);
    return order;
}

/* RFC 8032 5.1.7: S is below the order; S + L would sign the same. */
START_TEST(rejects_ed25519_with_s_at_or_beyond_the_order)
{
    const char *input = signing_input(header_of(JWA_EDDSA), CLAIMS);
    const struct jwk *key = our_key(JWA_EDDSA);
    BIGNUM *order = edwards_order();
    BIGNUM *s = BN_new();
    unsigned char signature[SIGNATURE_MAX];
    int added;

    sign(signature, JWA_EDDSA, key_of(JWA_EDDSA, OURS), input);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key), REASON_OK, "S");
    ck_assert(BN_lebin2bn(signature + 32, 32, s) && BN_cmp(s, order) < 0);
    for (added = 0; BN_add(s, s, order) && BN_num_bits(s) <= 256; added++) {
        ck_assert_int_eq(BN_bn2lebinpad(s, signature + 32, 32), 32);
        ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                      REASON_SIGNATURE_INVALID, "S + a multiple of the order");
    }
    ck_assert_int_ge(added, 14);
    ck_assert_int_eq(BN_bn2lebinpad(order, signature + 32, 32), 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "the order");
    memset(signature + 32, 0xff, 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "all ones");
    memset(signature + 32, 0, 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "0");
    memset(signature, 0, 64);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "nothing but zeros");
    BN_free(order);
    BN_free(s);
}
END_TEST

/*
 * The owner of the key can sign with the neutral element for R: S = k a. OpenSSL
 * says that this holds; it is refused because no honest signer ever makes one.
 */
START_TEST(rejects_ed25519_with_a_low_order_r_even_if_it_holds)
{
    const char *input = signing_input(header_of(JWA_EDDSA), CLAIMS);
    EVP_PKEY *pkey = key_of(JWA_EDDSA, OURS);
    unsigned char *message = apr_palloc(pool, 64 + strlen(input));
    unsigned char signature[64] = {1};
    unsigned char hash[SHA512_DIGEST_LENGTH];
    unsigned char seed[32];
    size_t len = 32;
    BN_CTX *bn_ctx = BN_CTX_new();
    EVP_MD_CTX *md_ctx = EVP_MD_CTX_new();
    BIGNUM *order = edwards_order();
    BIGNUM *scalar;
    BIGNUM *k;

    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(pkey, seed, &len), 1);
    SHA512(seed, 32, hash);
    hash[0] &= 0xf8;
    hash[31] &= 0x7f;
    hash[31] |= 0x40;
    scalar = BN_lebin2bn(hash, 32, NULL);

    memcpy(message, signature, 32);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, message + 32, &len), 1);
    memcpy(message + 64, input, strlen(input));
    SHA512(message, 64 + strlen(input), hash);
    k = BN_lebin2bn(hash, 64, NULL);
    ck_assert(BN_mod_mul(k, k, scalar, order, bn_ctx));
    ck_assert_int_eq(BN_bn2lebinpad(k, signature + 32, 32), 32);
    BN_free(k);
    BN_free(scalar);
    BN_free(order);
    BN_CTX_free(bn_ctx);

    ck_assert(EVP_DigestVerifyInit(md_ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(md_ctx, signature, 64, (const unsigned char *)input,
                               strlen(input)) == 1);
    EVP_MD_CTX_free(md_ctx);
    ASSERT_REASON(verify(with_signature(input, signature, 64), our_key(JWA_EDDSA)),
                  REASON_SIGNATURE_INVALID, "R = 0");
}
END_TEST

START_TEST(rejects_ed25519_with_every_low_order_r)
{
    const char *input = signing_input(header_of(JWA_EDDSA), CLAIMS);
    unsigned char points[LOW_ORDER_COUNT][32];
    unsigned char signature[SIGNATURE_MAX];

    ed25519_low_order(points);
    sign(signature, JWA_EDDSA, key_of(JWA_EDDSA, OURS), input);
    memcpy(signature, points[_i], 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), our_key(JWA_EDDSA)),
                  REASON_SIGNATURE_INVALID, "R");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jws");
    TCase *tcase = support_tcase(suite, "form");

    keys_make();
    ADD_TABLE(tcase, takes_three_parts_of_base64url_and_nothing_else, forms);
    tcase_add_test(tcase, rejects_a_nul_in_any_part);
    tcase_add_test(tcase, rejects_unused_bits_that_are_not_zero_in_every_part);
    tcase_add_test(tcase, takes_the_token_apart);

    tcase = support_tcase(suite, "header");
    ADD_TABLE(tcase, judges_the_header, headers);
    tcase_add_test(tcase, rejects_a_header_with_a_nul);
    tcase_add_loop_test(tcase, knows_each_algorithm_by_its_name, 0, JWA_COUNT);
    ADD_TABLE(tcase, reads_typ_as_a_media_type, types);
    tcase_add_test(tcase, typ_and_kid_may_be_absent);
    tcase_add_test(tcase, a_kid_may_have_256_bytes);

    tcase = support_tcase(suite, "limits");
    tcase_add_test(tcase, takes_a_token_of_8192_characters_and_no_more);
    tcase_add_test(tcase, a_token_too_long_is_just_that);
    tcase_add_test(tcase, takes_a_header_of_2048_bytes_and_no_more);
    tcase_add_test(tcase, takes_a_header_of_64_members_and_no_more);
    tcase_add_test(tcase, takes_a_header_of_8_levels_and_no_more);

    tcase = support_tcase(suite, "signatures");
    tcase_add_loop_test(tcase, accepts_our_signature_and_rejects_a_strangers, 0,
                        JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_our_signature_of_something_else, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_a_signature_with_any_bit_flipped, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_a_signature_of_any_other_length, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_every_other_algorithms_signature, 0, JWA_COUNT);
    tcase_add_test(tcase, rejects_an_algorithm_that_the_key_was_not_made_for);
    tcase_add_loop_test(tcase, rejects_an_hmac_keyed_with_a_public_key, JWA_HS256,
                        JWA_COUNT);
    tcase_add_test(tcase, rejects_a_signature_of_the_key_that_the_token_brings);

    tcase = support_tcase(suite, "RSA");
    ADD_TABLE(tcase, rejects_pss_with_another_salt_length_digest_or_mask, pss);
    ADD_TABLE(tcase, rejects_pkcs_1_padding_that_differs_in_anything, blocks);
    tcase_add_test(tcase, rejects_an_rsa_signature_at_or_beyond_the_modulus);
    tcase_add_loop_test(tcase, rejects_an_rsa_signature_without_its_leading_zero, 0, 2);
    ADD_TABLE(tcase, verifies_with_every_size_of_key_that_it_takes, unusual);

    tcase = support_tcase(suite, "ECDSA");
    ADD_TABLE(tcase, rejects_ecdsa_with_r_or_s_out_of_range, pairs);
    ADD_TABLE(tcase, rejects_ecdsa_in_der, ec_algorithms);
    ADD_TABLE(tcase, rejects_ecdsa_with_wider_numbers, ec_algorithms);

    tcase = support_tcase(suite, "Ed25519");
    tcase_add_test(tcase, rejects_ed25519_with_s_at_or_beyond_the_order);
    tcase_add_test(tcase, rejects_ed25519_with_a_low_order_r_even_if_it_holds);
    tcase_add_loop_test(tcase, rejects_ed25519_with_every_low_order_r, 0,
                        LOW_ORDER_COUNT);
    return support_run(suite);
}
