#include "fetch.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "files.h"
#include "issuer/https_get.h"
#include "show.h"
#include "token/jwk.h"

/* Of one transfer. */
struct sight {
    struct fetched *fetched;
    CURL *easy;
    apr_time_t start;
    apr_pool_t *pool;
};

static int sight_index(void)
{
    static int index = -1;

    if (index < 0) {
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    return index;
}

static const char *name_text(const X509_NAME *name, apr_pool_t *pool)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text = "";
    char *bytes;
    long len;

    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        len = BIO_get_mem_data(bio, &bytes);
        text = show_text(apr_pstrmemdup(pool, bytes, (size_t)len), pool);
    }
    BIO_free(bio);
    return text;
}

/* The hosts that it is for. */
static const char *host_names(const X509 *certificate, apr_pool_t *pool)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    apr_array_header_t *hosts = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS) {
            APR_ARRAY_PUSH(hosts, const char *) =
                apr_pstrmemdup(pool, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                               (size_t)ASN1_STRING_length(name->d.dNSName));
        }
    }
    GENERAL_NAMES_free(names);
    return show_words((const char *const *)hosts->elts, (size_t)hosts->nelts, pool);
}

static apr_time_t certificate_time(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) == 1 ? apr_time_from_sec(timegm(&tm)) : 0;
}

/* OpenSSL asks about each certificate of the chain; its answer stays as it is. */
static int see_certificate(int good, X509_STORE_CTX *store)
{
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct sight *sight = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), sight_index());
    struct fetch_certificate *seen = &sight->fetched->certificate;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);

    if (leaf != NULL && !seen->seen) {
        seen->seen = true;
        seen->subject = name_text(X509_get_subject_name(leaf), sight->pool);
        seen->issuer = name_text(X509_get_issuer_name(leaf), sight->pool);
        seen->names = host_names(leaf, sight->pool);
        seen->not_before = certificate_time(X509_get0_notBefore(leaf));
        seen->not_after = certificate_time(X509_get0_notAfter(leaf));
    }
    if (good != 1 && seen->problem == NULL) {
        seen->problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
    return good;
}

static void see_handshake(const SSL *ssl, int where, int value)
{
    const struct sight *sight = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), sight_index());

    (void)value;
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
        sight->fetched->tls = SSL_get_version(ssl);
    }
}

/* TLS begins, so TCP stands. libcurl has set what is verified; this only looks on. */
static CURLcode watch_tls(CURL *easy, void *context, void *data)
{
    struct sight *sight = data;
    SSL_CTX *ctx = context;

    (void)easy;
    sight->fetched->connected = apr_time_now() - sight->start;
    if (SSL_CTX_set_ex_data(ctx, sight_index(), sight) == 1) {
        SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx), see_certificate);
        SSL_CTX_set_info_callback(ctx, see_handshake);
    }
    return CURLE_OK;
}

static void watch(void *easy, void *context)
{
    struct sight *sight = context;

    sight->easy = easy;
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, watch_tls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, sight);
}

static apr_interval_time_t moment(CURL *easy, CURLINFO info)
{
    curl_off_t time = 0;

    return curl_easy_getinfo(easy, info, &time) == CURLE_OK ? (apr_interval_time_t)time
                                                            : 0;
}

/* When the answer was written, by the server's clock. */
static apr_time_t date_of(CURL *easy)
{
    struct curl_header *header = NULL;
    time_t time;

    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return 0;
    }
    time = curl_getdate(header->value, NULL);
    return time > 0 ? apr_time_from_sec(time) : 0;
}

static void keep_answer(void *context, int tag, const struct https_answer *answer)
{
    struct sight *sight = context;
    struct fetched *fetched = sight->fetched;
    CURL *easy = sight->easy;
    char *address = NULL;

    (void)tag;
    fetched->elapsed = moment(easy, CURLINFO_TOTAL_TIME_T);
    fetched->named = moment(easy, CURLINFO_NAMELOOKUP_TIME_T);
    fetched->secured = moment(easy, CURLINFO_APPCONNECT_TIME_T);
    fetched->date = date_of(easy);
    fetched->json_type = answer->json_type;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &fetched->status);
    if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK &&
        address != NULL && *address != '\0') {
        fetched->address = apr_pstrdup(sight->pool, address);
    }
    fetched->error = NULL;
    if (answer->error != NULL) {
        fetched->error = show_text(answer->error, sight->pool);
        return;
    }
    fetched->text = apr_pmemdup(sight->pool, answer->body, answer->len);
    fetched->len = answer->len;
}

void fetch(struct fetched *fetched, const char *url, const struct fetch_limits *limits,
           apr_pool_t *pool)
{
    struct sight sight = {fetched, NULL, apr_time_now(), pool};
    const struct https_limits https = {
        .connect_timeout = limits->connect_timeout,
        .total_timeout = limits->total_timeout,
        .body_max = JWKS_DOCUMENT_MAX,
        .ca_file = limits->ca_file,
        .proxy = limits->proxy,
        .watch = watch,
        .watch_context = &sight,
    };
    struct https_client *client;

    memset(fetched, 0, sizeof(*fetched));
    fetched->error = "out of memory";
    client =
        curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? https_client_create(&https) : NULL;
    if (client == NULL) {
        return;
    }
    if (https_get_start(client, url, 0)) {
        while (https_get_pending(client) > 0) {
            https_get_run(client, apr_time_from_sec(1), -1, keep_answer, &sight);
        }
    }
    https_client_destroy(client);
}

const char *fetch_key_document(const char **text, size_t *len, const char *source,
                               const struct fetch_limits *limits, struct fetched *fetched,
                               apr_pool_t *pool)
{
    struct fetched own;

    if (strncmp(source, "http://", 7) == 0) {
        return "keys are never fetched over plain http, where anyone could replace them";
    }
    if (strncmp(source, "https://", 8) != 0) {
        return file_read(text, len, source, JWKS_DOCUMENT_MAX, pool);
    }
    fetched = fetched != NULL ? fetched : &own;
    fetch(fetched, source, limits, pool);
    *text = fetched->text;
    *len = fetched->len;
    return fetched->error == NULL
               ? NULL
               : apr_psprintf(pool, "%s: %s", show_text(source, pool), fetched->error);
}
