#include <apr_file_info.h>
#include <apr_strings.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "fetch.h"
#include "object.h"
#include "policy.h"
#include "show.h"
#include "token/jwk.h"
#include "token/jwk_key.h"
#include "trust.h"

#define WELL_KNOWN ".well-known/jwks.json"

static const struct option_row options[] = {
    {"ca-file", "FILE", 0, "trust anchors, instead of the system's"},
    {"proxy", "URL", 0, "proxy, or none (default: the environment's)"},
    {"json", NULL, 0, "print JSON"},
    {NULL, NULL, 0, NULL},
};

/* One key of the document, as the module sees it. */
struct row {
    const char *kid; /* safe to print; NULL: none */
    const char *kind;
    const char *use;
    const char *alg;
    const char *usable; /* algorithms, with commas between them; NULL: not usable */
    const char *why;    /* it is not */
};

/* A document and what became of it. */
struct report {
    const char *source;
    bool is_url;
    struct fetched fetched;
    struct fetch_limits limits;
    size_t len;
    enum reason reason;
    apr_array_header_t *rows; /* of struct row */
    unsigned usable;
};

static bool exists(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

/* A URL without a path, or with a slash at its end, is an issuer. */
static const char *find_source(const char *operand, apr_pool_t *pool)
{
    const char *path;

    if (strncmp(operand, "https://", 8) == 0) {
        path = strchr(operand + 8, '/');
        if (path != NULL && path[strlen(path) - 1] != '/') {
            return operand;
        }
        return apr_pstrcat(pool, operand, path == NULL ? "/" : "", WELL_KNOWN, NULL);
    }
    if (strchr(operand, '/') != NULL || exists(operand, pool) ||
        policy_domain(operand, pool) == NULL) {
        return operand;
    }
    return apr_pstrcat(pool, "https://", policy_domain(operand, pool), "/" WELL_KNOWN,
                       NULL);
}

/* ---- the keys ---------------------------------------------------------------------------------- */

static const char *member_text(const json_value *json, const char *name, apr_pool_t *pool)
{
    const json_value *member = json_member(json, name);
    const char *text = json_string(member);

    return member == NULL ? NULL
           : text != NULL ? show_text(text, pool)
                          : show_value(member, pool);
}

/* RSA 2048, EC P-256; as far as it can be told. */
static const char *kind_of(const json_value *json, const struct jwk *key,
                           apr_pool_t *pool)
{
    const char *kty = member_text(json, "kty", pool);
    const char *crv = member_text(json, "crv", pool);
    const char *modulus = json_string(json_member(json, "n"));

    if (kty == NULL) {
        return "no kty";
    }
    if (crv != NULL) {
        return apr_psprintf(pool, "%s %s", kty, crv);
    }
    if (key->pkey != NULL) {
        return apr_psprintf(pool, "%s %d", kty, EVP_PKEY_get_bits(key->pkey));
    }
    /* What cannot be used has no key to ask: six bits each character. */
    return modulus != NULL ? apr_psprintf(pool, "%s about %" APR_SIZE_T_FMT, kty,
                                          strlen(modulus) * 6 / 8 * 8)
                           : kty;
}

static enum reason add_row(struct report *report, const json_value *json,
                           apr_pool_t *pool)
{
    struct jwk key = {0};
    const char *why = jwk_read(&key, json, pool);
    struct row *row = apr_array_push(report->rows);

    memset(row, 0, sizeof(*row));
    if (why == jwk_no_memory) {
        return REASON_INTERNAL_ERROR;
    }
    row->kid = member_text(json, "kid", pool);
    row->use = member_text(json, "use", pool);
    row->alg = member_text(json, "alg", pool);
    row->kind = kind_of(json, &key, pool);
    row->why = why;
    if (why == NULL) {
        row->usable = trust_algorithm_names(key.algorithms, ", ", pool);
        report->usable++;
        jwk_clear(&key);
    }
    return REASON_OK;
}

/* The document as a whole is judged by jwks_parse; its keys one by one are for show. */
static enum reason read_keys(struct report *report, const char *text, size_t len,
                             apr_pool_t *pool)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    const json_value *document;
    struct jwks *jwks;
    enum reason reason = jwks_parse(&jwks, text, len, pool);

    jwks_destroy(jwks);
    if (reason != REASON_OK && reason != REASON_JWKS_NO_USABLE_KEY &&
        reason != REASON_JWKS_PRIVATE_KEY) {
        return reason;
    }
    if (json_parse(&document, text, len, &limits, pool) != REASON_OK) {
        return reason;
    }
    for (const json_value *key = json_first(json_member(document, "keys")); key != NULL;
         key = json_next(key)) {
        if (add_row(report, key, pool) != REASON_OK) {
            return REASON_INTERNAL_ERROR;
        }
    }
    return reason;
}

/* ---- for people --------------------------------------------------------------------------------- */

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static double in_seconds(apr_interval_time_t time)
{
    return (double)time / (double)APR_USEC_PER_SEC;
}

static void print_rows(const struct report *report, apr_pool_t *pool)
{
    int width = 5;

    for (int i = 0; i < report->rows->nelts; i++) {
        const struct row *row = &APR_ARRAY_IDX(report->rows, i, const struct row);
        int len = (int)strlen(or_dash(row->kid));

        width = len > width ? len : width;
    }
    width = width > 48 ? 48 : width;
    printf("\n%-*s  %-12s %-4s %-6s %s\n", width, "kid", "key", "use", "alg",
           "usable for");
    for (int i = 0; i < report->rows->nelts; i++) {
        const struct row *row = &APR_ARRAY_IDX(report->rows, i, const struct row);

        printf("%-*s  %-12s %-4s %-6s %s\n", width, or_dash(row->kid), row->kind,
               or_dash(row->use), or_dash(row->alg),
               row->usable != NULL ? row->usable
                                   : apr_pstrcat(pool, "SKIPPED: ", row->why, NULL));
    }
}

static void print_report(const struct report *report, apr_pool_t *pool)
{
    printf("%s\n", show_text(report->source, pool));
    printf("%d key%s, %u usable; %" APR_SIZE_T_FMT " bytes (limits: %d keys, %d bytes)\n",
           report->rows->nelts, report->rows->nelts == 1 ? "" : "s", report->usable,
           report->len, JWKS_KEYS_MAX, JWKS_DOCUMENT_MAX);
    if (report->is_url) {
        printf("answered in %.3f s (limits: %.1f s to connect, %.1f s in all)\n",
               in_seconds(report->fetched.elapsed),
               in_seconds(report->limits.connect_timeout),
               in_seconds(report->limits.total_timeout));
    }
    if (report->is_url && !report->fetched.json_type) {
        puts("its Content-Type is not JSON, which the module forgives");
    }
    if (report->rows->nelts > 0) {
        print_rows(report, pool);
    }
}

/* ---- for programs -------------------------------------------------------------------------------- */

static const char *rows_json(const struct report *report, apr_pool_t *pool)
{
    list *rows = list_create(pool);

    for (int i = 0; i < report->rows->nelts; i++) {
        const struct row *row = &APR_ARRAY_IDX(report->rows, i, const struct row);
        object *o = object_create(pool);
        list *algorithms = list_create(pool);
        char *rest;
        char *name = row->usable != NULL
                         ? apr_strtok(apr_pstrdup(pool, row->usable), ", ", &rest)
                         : NULL;

        for (; name != NULL; name = apr_strtok(NULL, ", ", &rest)) {
            list_add_string(algorithms, name);
        }
        object_set_string(o, "kid", row->kid);
        object_set_string(o, "key", row->kind);
        object_set_string(o, "use", row->use);
        object_set_string(o, "alg", row->alg);
        object_set_bool(o, "usable", row->usable != NULL);
        object_set(o, "algorithms", list_text(algorithms));
        object_set_string(o, "skipped", row->why);
        list_add(rows, object_text(o, pool));
    }
    return list_text(rows);
}

static void print_json(const struct report *report, const char *problem, apr_pool_t *pool)
{
    object *o = object_create(pool);

    object_set_string(o, "source", report->source);
    object_set_bool(o, "usable", problem == NULL);
    object_set_string(o, "reason", reason_name(report->reason));
    object_set_string(o, "problem", problem);
    object_set_number(o, "bytes", (double)report->len);
    if (report->is_url) {
        object_set_number(o, "seconds", in_seconds(report->fetched.elapsed));
        object_set_number(o, "status", (double)report->fetched.status);
        object_set_bool(o, "json_type", report->fetched.json_type);
    }
    object_set(o, "keys", rows_json(report, pool));
    puts(object_text(o, pool));
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    struct report report = {.rows = apr_array_make(pool, 8, sizeof(struct row))};
    const char *text;
    const char *why;

    if (arguments->operand == NULL) {
        return complain(arguments, STATUS_USAGE,
                        "a domain, an issuer, a URL or a file is "
                        "required");
    }
    report.source = find_source(arguments->operand, pool);
    report.is_url = strncmp(report.source, "https://", 8) == 0;
    policy_read_limits(&report.limits, arguments);
    why = fetch_key_document(&text, &report.len, report.source, &report.limits,
                             &report.fetched, pool);
    report.reason = why != NULL ? REASON_KEYS_UNAVAILABLE
                                : read_keys(&report, text, report.len, pool);
    if (why == NULL && report.reason != REASON_OK) {
        why = apr_psprintf(pool, "%s: %s: %s", show_text(report.source, pool),
                           reason_name(report.reason), jwks_problem(report.reason));
    }
    if (option_given(arguments, "json")) {
        print_json(&report, why, pool);
    }
    else if (why == NULL || report.rows->nelts > 0) {
        print_report(&report, pool);
    }
    if (why == NULL) {
        return STATUS_DONE;
    }
    return option_given(arguments, "json")
               ? STATUS_UNAVAILABLE
               : complain(arguments, STATUS_UNAVAILABLE, "%s", why);
}

const struct command command_jwks = {
    .name = "jwks",
    .operand = "DOMAIN|ISSUER|URL|FILE",
    .summary = "Fetch a key document and list its keys as the module sees them.",
    .options = options,
    .details =
        "DOMAIN is a tenant's, such as tenant.us.auth0.com, ISSUER an https URL with a\n"
        "slash at its end; their keys are at .well-known/jwks.json. Any other https URL is\n"
        "the document itself, everything else a file. Keys that the module skips are\n"
        "listed with the reason why. Exit status 3 when there is no usable key.\n",
    .run = run,
};
