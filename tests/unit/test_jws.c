#include "token/jws.h"

#include <apr_strings.h>
#include <string.h>

#include "support.h"

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
    /* A2, should it get here. */
    {"{\"payload\":\"e30\",\"signature\":\"AA\"}", REASON_TOKEN_OPAQUE},
    /* A3: a JWE, of which no part is even decoded. */
    {"H.P.S.S.S", REASON_TOKEN_ENCRYPTED},
    {"=.=.=.=.=", REASON_TOKEN_ENCRYPTED},
    {"H..S.S.S", REASON_TOKEN_ENCRYPTED},
    {"....", REASON_TOKEN_ENCRYPTED},
    {"..", REASON_TOKEN_PART_EMPTY},
    {".P.S", REASON_TOKEN_PART_EMPTY},
    {"H.P.", REASON_TOKEN_PART_EMPTY},
    {"H..", REASON_TOKEN_PART_EMPTY},
    {".P.", REASON_TOKEN_PART_EMPTY},
    {"..S", REASON_TOKEN_PART_EMPTY},
    /* RFC 7515 2: a payload may be empty; test_jwt.c shows that claims may not. */
    {"H..S", REASON_OK},
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
    {"{'alg':'RS256','crit':[],'cr\\u0069t':[]}", REASON_JSON_DUPLICATE_NAME},
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
    {"{'alg':'RS256','cty':null}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','cty':1}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'RS256','cty':['json']}", REASON_HEADER_UNSUPPORTED},
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

/* A7: each letter small or capital, as it is or escaped. */
START_TEST(knows_no_none_in_any_case_or_escape)
{
    struct jws jws;

    for (unsigned form = 0; form < 256; form++) {
        const char *name = "";

        for (unsigned i = 0; i < 4; i++) {
            bool capital = (form >> i & 1) != 0;
            bool escaped = (form >> i & 16) != 0;

            name = apr_psprintf(pool, escaped ? "%s\\u%04x" : "%s%c", name,
                                (capital ? "NONE" : "none")[i]);
        }
        ASSERT_REASON(parse_header(&jws, apr_psprintf(pool, "{'alg':'%s'}", name)),
                      REASON_ALGORITHM_UNKNOWN, name);
    }
}
END_TEST

START_TEST(each_algorithm_has_its_kind_of_key_and_its_digest)
{
    static const char *const types[] = {"RSA", "EC", "OKP", "oct"};
    static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                        "PS512", "ES256", "ES384", "ES512", "EdDSA",
                                        "HS256", "HS384", "HS512"};

    ck_assert_uint_eq(COUNT(names), JWA_COUNT);
    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        const struct jwa *jwa = jwa_get(alg);
        EVP_MD *digest;

        ck_assert_str_eq(jwa->name, names[alg]);
        ck_assert_str_eq(jwa->kty, types[jwa->type]);
        ck_assert((jwa->coordinate != 0) == (jwa->crv != NULL));
        ck_assert((jwa->group != NULL) == (jwa->crv != NULL));
        if (jwa->digest == NULL) {
            ck_assert_int_eq(alg, JWA_EDDSA);
            ck_assert_uint_eq(jwa->digest_size, 0);
            continue;
        }
        /* RS256 to HS512: the name says how many bits. */
        ck_assert_str_eq(jwa->name + 2, jwa->digest + 3);
        digest = EVP_MD_fetch(NULL, jwa->digest, NULL);
        ck_assert_uint_eq(jwa->digest_size, (size_t)EVP_MD_get_size(digest));
        EVP_MD_free(digest);
        ck_assert(jwa->pss == (jwa->name[0] == 'P'));
    }
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

int main(void)
{
    Suite *suite = suite_create("jws");
    TCase *tcase = support_tcase(suite, "form");

    ADD_TABLE(tcase, takes_three_parts_of_base64url_and_nothing_else, forms);
    tcase_add_test(tcase, rejects_a_nul_in_any_part);
    tcase_add_test(tcase, rejects_unused_bits_that_are_not_zero_in_every_part);
    tcase_add_test(tcase, takes_the_token_apart);

    tcase = support_tcase(suite, "header");
    ADD_TABLE(tcase, judges_the_header, headers);
    tcase_add_test(tcase, rejects_a_header_with_a_nul);
    tcase_add_loop_test(tcase, knows_each_algorithm_by_its_name, 0, JWA_COUNT);
    tcase_add_test(tcase, knows_no_none_in_any_case_or_escape);
    tcase_add_test(tcase, each_algorithm_has_its_kind_of_key_and_its_digest);
    ADD_TABLE(tcase, reads_typ_as_a_media_type, types);
    tcase_add_test(tcase, typ_and_kid_may_be_absent);
    tcase_add_test(tcase, a_kid_may_have_256_bytes);

    tcase = support_tcase(suite, "limits");
    tcase_add_test(tcase, takes_a_token_of_8192_characters_and_no_more);
    tcase_add_test(tcase, a_token_too_long_is_just_that);
    tcase_add_test(tcase, takes_a_header_of_2048_bytes_and_no_more);
    tcase_add_test(tcase, takes_a_header_of_64_members_and_no_more);
    tcase_add_test(tcase, takes_a_header_of_8_levels_and_no_more);
    return support_run(suite);
}
