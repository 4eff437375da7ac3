#include "httpd/status_page.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "httpd/status_text.h"
#include "version.h"

/*
 * The page's own style. Its digest is in the policy, so that it applies although nothing
 * else may: see set_policy.
 */
#define STYLE                                                                              \
    ":root{color-scheme:light dark;--ink:#1c2128;--dim:#57606a;--paper:#fff;"              \
    "--card:#f5f6f8;--line:#d5d9de;--good:#116329;--bad:#a40e26;--link:#0a58ca}"           \
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--dim:#9aa4b0;--paper:#14181d;" \
    "--card:#1d2329;--line:#363e47;--good:#5fd17a;--bad:#ff8f8f;--link:#7ab7ff}}"          \
    "*{box-sizing:border-box}"                                                             \
    "body{margin:0 auto;padding:1rem;max-width:56rem;background:var(--paper);"             \
    "color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"          \
    "h1{font-size:1.5rem;margin:.5rem 0 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}"        \
    "h3{font-size:1rem;margin:0}p{margin:.25rem 0}.dim,caption{color:var(--dim)}"          \
    "a{color:var(--link)}.good{color:var(--good)}.bad{color:var(--bad)}"                   \
    ".state{font-weight:600}ul.state{margin:.5rem 0;padding-left:1.25rem}"                 \
    "table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}"         \
    "caption{text-align:left;padding-bottom:.25rem}"                                       \
    "th,td{text-align:left;vertical-align:top;padding:.375rem .5rem .375rem 0;"            \
    "border-top:1px solid var(--line);font-weight:400}"                                    \
    "thead th{color:var(--dim);border:0;font-size:.875rem}"                                \
    ".n{text-align:right;white-space:nowrap;padding:.375rem 0 .375rem .75rem}"             \
    ".issuer>table th{width:30%;overflow-wrap:normal}"                                     \
    "section.issuer{background:var(--card);border:1px solid var(--line);"                  \
    "border-radius:.5rem;padding:.75rem 1rem;margin:0 0 1rem}"                             \
    "code{font:.9em ui-monospace,monospace}"                                               \
    "details{margin-top:.5rem}summary{cursor:pointer}"                                     \
    "footer{margin:2rem 0 1rem;padding-top:.75rem;border-top:1px solid var(--line)}"       \
    "@media(max-width:30rem){.wide{display:none}}"

#define POLICY                                                                           \
    "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "   \
    "frame-ancestors 'none'"

static void set_policy(request_rec *r)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[(SHA256_DIGEST_LENGTH + 2) / 3 * 4 + 1];

    SHA256((const unsigned char *)STYLE, sizeof(STYLE) - 1, digest);
    apr_base64_encode_binary(text, digest, sizeof(digest));
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   apr_psprintf(r->pool, POLICY, text));
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
}

static const char *html(request_rec *r, const char *clean)
{
    return status_text_html(clean, r->pool);
}

static const char *number(request_rec *r, uint64_t value)
{
    return status_text_number(value, r->pool);
}

/* A moment in words, and for who wants to know exactly. */
static const char *moment(request_rec *r, const struct status_report *report,
                          apr_interval_time_t from_now)
{
    apr_interval_time_t distance = from_now < 0 ? -from_now : from_now;
    const char *exact = status_text_moment(report->now + from_now, r->pool);
    const char *words = status_text_duration(distance, r->pool);

    if (apr_time_sec(distance) == 0) {
        words = "now";
    }
    else if (from_now < 0) {
        words = apr_pstrcat(r->pool, words, " ago", NULL);
    }
    else {
        words = apr_pstrcat(r->pool, "in ", words, NULL);
    }
    return apr_pstrcat(r->pool, "<time datetime=\"", exact, "\" title=\"", exact, "\">",
                       words, "</time>", NULL);
}

static void row(request_rec *r, const char *head, const char *value)
{
    ap_rvputs(r, "<tr><th scope=\"row\">", head, "</th><td class=\"n\">", value,
              "</td></tr>\n", NULL);
}

/* For issuers, whose values are texts. */
static void field(request_rec *r, const char *head, const char *value)
{
    ap_rvputs(r, "<tr><th scope=\"row\">", head, "</th><td>", value, "</td></tr>\n",
              NULL);
}

/* ---- how it is on the whole ------------------------------------------------------------ */

static const char *health_words(request_rec *r, const struct status_issuer *issuer,
                                const struct status_report *report)
{
    switch (issuer->health) {
    case HEALTH_GOOD:
        break;
    case HEALTH_STARTING:
        return "The keys have not been fetched yet.";
    case HEALTH_FAILING:
        return apr_pstrcat(
            r->pool, "The keys cannot be refreshed. The ones we have serve for another ",
            status_text_duration(report->timing.stale - issuer->age, r->pool), ".", NULL);
    case HEALTH_DOWN:
        return "There are no usable keys: requests with tokens of this issuer get 503.";
    }
    return issuer->kind == ISSUER_SECRET_FILE ? "A shared secret is in use."
                                              : "The keys are good.";
}

static const char *class_of(enum status_health health)
{
    return health == HEALTH_GOOD       ? "state good"
           : health == HEALTH_STARTING ? "state"
                                       : "state bad";
}

/* What somebody should look after, each a line; or that there is nothing. */
static void write_summary(request_rec *r, const struct status_report *report)
{
    unsigned troubled = 0;
    bool starting = false;

    for (int i = 0; i < report->issuers->nelts; i++) {
        const struct status_issuer *issuer =
            &APR_ARRAY_IDX(report->issuers, i, struct status_issuer);

        if (issuer->health == HEALTH_FAILING || issuer->health == HEALTH_DOWN) {
            ap_rvputs(r, troubled == 0 ? "<ul class=\"state bad\">\n" : "", "<li><bdi>",
                      html(r, issuer->name), "</bdi>: ", health_words(r, issuer, report),
                      "</li>\n", NULL);
            troubled++;
        }
        starting |= issuer->health == HEALTH_STARTING;
    }
    if (troubled > 0) {
        ap_rputs("</ul>\n", r);
    }
    else if (starting) {
        ap_rputs("<p class=\"state\">Some keys have not been fetched yet.</p>\n", r);
    }
    else if (report->issuers->nelts > 0) {
        ap_rputs("<p class=\"state good\">All is well with the issuers.</p>\n", r);
    }
}

static void write_head(request_rec *r, const struct status_report *report)
{
    const char *host = r->server->server_hostname;
    const char *name = html(r, status_text_clean(host != NULL ? host : "httpd", r->pool));

    ap_rvputs(r,
              "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<title>Auth0 status of ",
              name,
              "</title>\n<style>" STYLE "</style>\n</head>\n<body>\n<header>\n"
              "<h1>Auth0 status</h1>\n<p class=\"dim\">",
              name, ", mod_auth0_jwt " AUTH0_JWT_VERSION ", started ",
              moment(r, report, report->since - report->now), NULL);
    if (report->generation > 0) {
        ap_rprintf(r, ", restarted %d %s since", report->generation,
                   report->generation == 1 ? "time" : "times");
    }
    ap_rputs("</p>\n", r);
    write_summary(r, report);
    ap_rputs("</header>\n<main>\n", r);
}

/* ---- requests -------------------------------------------------------------------------- */

static void write_requests(request_rec *r, const struct status_report *report)
{
    const uint64_t *totals = report->totals;
    uint64_t hits = totals[COUNTER_CACHE_HIT];
    uint64_t lookups = hits + totals[COUNTER_CACHE_MISS];

    ap_rputs("<h2>Requests</h2>\n<table>\n<caption>Client requests that were judged, by "
             "what they got</caption>\n<tbody>\n",
             r);
    row(r, "Accepted", number(r, totals[COUNTER_ACCEPTED]));
    row(r, "Refused", number(r, report->refused));
    if (report->reports) {
        row(r, "Let through by Auth0ReportOnly", number(r, report->reported));
    }
    row(r, "Token known already (cache hit rate)",
        status_text_share(hits, lookups, r->pool));
    row(r, "Waiting for keys now",
        apr_psprintf(r->pool, "%u of %u", report->waiting, report->waiting_limit));
    row(r, "Have waited, and got keys", number(r, totals[COUNTER_WAIT_SERVED]));
    row(r, "Have waited in vain", number(r, totals[COUNTER_WAIT_IN_VAIN]));
    row(r, "Did not wait, since too many did",
        number(r, totals[COUNTER_WAIT_TURNED_AWAY]));
    ap_rputs("</tbody>\n</table>\n", r);
}

struct reason_count {
    enum reason reason;
    uint64_t count;
};

/* Most first; what is as frequent, in the order of the table of reasons. */
static int compare_counts(const void *a, const void *b)
{
    const struct reason_count *x = a;
    const struct reason_count *y = b;

    if (x->count != y->count) {
        return x->count < y->count ? 1 : -1;
    }
    return (int)x->reason - (int)y->reason;
}

/* What is not said to clients, in our own words. */
static const char *meaning(enum reason reason)
{
    const char *sentence = reason_sentence(reason);

    switch (reason) {
    case REASON_NO_CREDENTIALS:
        return "No access token was sent";
    case REASON_CONFIGURATION:
        return "The configuration names no issuer or no audience: see the error log";
    case REASON_INTERNAL_ERROR:
        return "Out of memory, or OpenSSL failed";
    default:
        return sentence;
    }
}

static void write_reasons(request_rec *r, const char *title, const char *caption,
                          const uint64_t *counts, uint64_t sum)
{
    struct reason_count rows[REASON_COUNT];
    size_t used = 0;

    for (int reason = REASON_OK + 1; reason < REASON_COUNT; reason++) {
        if (counts[reason] > 0) {
            rows[used].reason = (enum reason)reason;
            rows[used++].count = counts[reason];
        }
    }
    ap_rvputs(r, "<h2>", title, "</h2>\n", NULL);
    if (used == 0) {
        ap_rputs("<p>None so far.</p>\n", r);
        return;
    }
    qsort(rows, used, sizeof(rows[0]), compare_counts);
    ap_rvputs(r, "<table>\n<caption>", caption,
              "</caption>\n<thead><tr><th scope=\"col\">Reason</th>"
              "<th scope=\"col\" class=\"wide\">What clients are told</th>"
              "<th scope=\"col\" class=\"n\">Requests</th>"
              "<th scope=\"col\" class=\"n\">Share</th></tr></thead>\n<tbody>\n",
              NULL);
    for (size_t i = 0; i < used; i++) {
        ap_rvputs(r, "<tr><th scope=\"row\"><code>", reason_name(rows[i].reason),
                  "</code></th><td class=\"wide\">", meaning(rows[i].reason),
                  "</td><td class=\"n\">", number(r, rows[i].count),
                  "</td><td class=\"n\">", status_text_share(rows[i].count, sum, r->pool),
                  "</td></tr>\n", NULL);
    }
    ap_rputs("</tbody>\n</table>\n", r);
}

/* ---- issuers --------------------------------------------------------------------------- */

static void write_keys(request_rec *r, const struct status_issuer *issuer)
{
    if (issuer->keys->nelts == 0) {
        return;
    }
    ap_rputs(
        "<details>\n<summary>The published keys</summary>\n<table>\n"
        "<thead><tr><th scope=\"col\">Key id</th><th scope=\"col\">Verifies</th></tr>"
        "</thead>\n<tbody>\n",
        r);
    for (int i = 0; i < issuer->keys->nelts; i++) {
        const struct status_key *key = &APR_ARRAY_IDX(issuer->keys, i, struct status_key);

        ap_rvputs(r, "<tr><th scope=\"row\"><code>",
                  key->kid != NULL ? html(r, key->kid) : "(none)", "</code></th><td>",
                  key->unused == NULL ? key->algorithms : "nothing: ",
                  key->unused == NULL ? "" : key->unused, "</td></tr>\n", NULL);
    }
    ap_rputs("</tbody>\n</table>\n</details>\n", r);
}

static const char *attempts_in_words(request_rec *r, const struct status_issuer *issuer)
{
    if (issuer->failed == 0) {
        return apr_psprintf(r->pool, "%u, none failed", issuer->fetches);
    }
    if (issuer->failures == 0) {
        return apr_psprintf(r->pool, "%u, of which %u failed", issuer->fetches,
                            issuer->failed);
    }
    return apr_psprintf(r->pool, "%u, of which %u failed; the last %u in a row",
                        issuer->fetches, issuer->failed, issuer->failures);
}

static void write_fetching(request_rec *r, const struct status_issuer *issuer,
                           const struct status_report *report)
{
    field(r, "Fetched", issuer->age < 0 ? "never" : moment(r, report, -issuer->age));
    if (issuer->error != NULL) {
        field(r, "Last error", html(r, issuer->error));
    }
    field(r, "Next refresh",
          issuer->fetching ? "under way" : moment(r, report, issuer->next));
    field(r, "Attempts", attempts_in_words(r, issuer));
    field(r, "Key documents", apr_psprintf(r->pool, "%u", issuer->generation));
}

static void write_issuer(request_rec *r, const struct status_issuer *issuer,
                         const struct status_report *report)
{
    ap_rvputs(r, "<section class=\"issuer\">\n<h3>", html(r, issuer->name),
              "</h3>\n<p class=\"", class_of(issuer->health), "\">",
              health_words(r, issuer, report), "</p>\n<table>\n<tbody>\n", NULL);
    if (issuer->kind != ISSUER_SECRET_FILE) {
        field(r, "Keys",
              apr_psprintf(r->pool,
                           issuer->unused > 0 ? "%u, and %u that cannot be used" : "%u",
                           issuer->usable, issuer->unused));
    }
    field(r, issuer->kind == ISSUER_SECRET_FILE ? "Secret from" : "Keys from",
          apr_pstrcat(r->pool, "<code>", html(r, issuer->source), "</code>", NULL));
    if (issuer->kind == ISSUER_KEYS_URL) {
        write_fetching(r, issuer, report);
    }
    ap_rputs("</tbody>\n</table>\n", r);
    write_keys(r, issuer);
    ap_rputs("</section>\n", r);
}

static void write_issuers(request_rec *r, const struct status_report *report)
{
    ap_rputs("<h2>Issuers</h2>\n", r);
    if (report->issuers->nelts == 0) {
        ap_rputs("<p>The configuration names none.</p>\n", r);
    }
    for (int i = 0; i < report->issuers->nelts; i++) {
        write_issuer(r, &APR_ARRAY_IDX(report->issuers, i, struct status_issuer), report);
    }
}

void status_page_write(request_rec *r, const struct status_report *report)
{
    ap_set_content_type(r, "text/html; charset=utf-8");
    set_policy(r);
    write_head(r, report);
    write_requests(r, report);
    write_reasons(r, "Refused, by reason", "Why requests were refused",
                  report->totals + COUNTER_REFUSED, report->refused);
    if (report->reports) {
        write_reasons(r, "Let through by Auth0ReportOnly, by reason",
                      "Why requests would have been refused",
                      report->totals + COUNTER_REPORTED, report->reported);
    }
    write_issuers(r, report);
    ap_rvputs(r, "</main>\n<footer class=\"dim\"><p>As of ",
              status_text_moment(report->now, r->pool),
              ". The same <a href=\"?json\">as JSON</a> and "
              "<a href=\"?metrics\">for Prometheus</a>.</p></footer>\n</body>\n</html>\n",
              NULL);
}
