#include <apr_env.h>
#include <apr_strings.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "doctor.h"
#include "show.h"
#include "token/json.h"
#include "trust.h"

#define CERTIFICATE_SOON apr_time_from_sec(14 * 86400)

static double in_seconds(apr_interval_time_t time)
{
    return (double)time / (double)APR_USEC_PER_SEC;
}

static const char *date_of(apr_time_t time, apr_pool_t *pool)
{
    return show_date(in_seconds(time), pool);
}

/* host of host, host:port and [address]:port */
static const char *host_of(const char *domain, apr_pool_t *pool)
{
    const char *colon = strrchr(domain, ':');

    return colon != NULL ? apr_pstrmemdup(pool, domain, (size_t)(colon - domain))
                         : domain;
}

/* The environment's exceptions, as libcurl reads them. */
static bool is_excepted(const struct doctor *doctor)
{
    static const char *const names[] = {"no_proxy", "NO_PROXY"};
    const char *host = host_of(doctor->domain, doctor->pool);
    char *value = NULL;
    char *rest;

    for (size_t i = 0; i < 2 && value == NULL; i++) {
        if (apr_env_get(&value, names[i], doctor->pool) != APR_SUCCESS) {
            value = NULL;
        }
    }
    if (value == NULL) {
        return false;
    }
    for (const char *word = apr_strtok(value, ", ", &rest); word != NULL;
         word = apr_strtok(NULL, ", ", &rest)) {
        size_t len;

        word += *word == '.';
        len = strlen(word);
        if (strcmp(word, "*") == 0 || strcasecmp(host, word) == 0 ||
            (strlen(host) > len && host[strlen(host) - len - 1] == '.' &&
             strcasecmp(host + strlen(host) - len, word) == 0)) {
            return true;
        }
    }
    return false;
}

/* The proxy that libcurl will take; NULL for none. */
static const char *proxy_of(const struct doctor *doctor)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    char *value;

    if (doctor->limits.proxy != NULL) {
        return *doctor->limits.proxy != '\0' ? doctor->limits.proxy : NULL;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (apr_env_get(&value, names[i], doctor->pool) == APR_SUCCESS &&
            *value != '\0' && !is_excepted(doctor)) {
            return value;
        }
    }
    return NULL;
}

/* ---- name resolution ---------------------------------------------------------------------------- */

static const char *addresses(const struct addrinfo *info, apr_pool_t *pool)
{
    const char *text = "";

    for (; info != NULL; info = info->ai_next) {
        char address[NI_MAXHOST];

        if (getnameinfo(info->ai_addr, info->ai_addrlen, address, sizeof(address), NULL,
                        0, NI_NUMERICHOST) == 0) {
            text = apr_pstrcat(pool, text, *text != '\0' ? ", " : "", address, NULL);
        }
    }
    return text;
}

static void look_at_name(struct doctor *doctor)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const char *host = host_of(doctor->domain, doctor->pool);
    const char *proxy = proxy_of(doctor);
    struct addrinfo *info = NULL;
    apr_time_t start = apr_time_now();
    int problem;

    if (proxy != NULL) {
        const char *at = strrchr(proxy, '@'); /* what is before it is a password */

        doctor_add(doctor, "dns", FINDING_SKIPPED,
                   apr_pstrcat(doctor->pool, "the proxy ",
                               show_text(at != NULL ? at + 1 : proxy, doctor->pool),
                               " resolves the name", NULL),
                   NULL);
        return;
    }
    problem = getaddrinfo(host, NULL, &hints, &info);
    if (problem == 0) {
        doctor_add(doctor, "dns", FINDING_OK,
                   apr_psprintf(doctor->pool, "%s is %s (%.3f s)", host,
                                addresses(info, doctor->pool),
                                in_seconds(apr_time_now() - start)),
                   NULL);
        freeaddrinfo(info);
        return;
    }
    doctor_add(
        doctor, "dns", FINDING_FAILED,
        apr_psprintf(doctor->pool, "%s: %s", host, gai_strerror(problem)),
        problem == EAI_NONAME
            ? "Is the domain written as on the Settings page of the application? "
              "Otherwise see this machine's name servers (/etc/resolv.conf)."
            : "See this machine's name servers (/etc/resolv.conf), or name a proxy "
              "(Auth0HTTPProxy).");
}

/* ---- connection and TLS ----------------------------------------------------------------------- */

static void look_at_connection(struct doctor *doctor, const struct fetched *fetched)
{
    if (fetched->connected > 0) {
        doctor_add(doctor, "connection", FINDING_OK,
                   apr_psprintf(doctor->pool, "to %s after %.3f s (limit %.1f s)",
                                fetched->address != NULL ? fetched->address : "?",
                                in_seconds(fetched->connected),
                                in_seconds(doctor->limits.connect_timeout)),
                   NULL);
        return;
    }
    if (fetched->named == 0 && proxy_of(doctor) == NULL) {
        doctor_add(doctor, "connection", FINDING_SKIPPED, "the name has no address",
                   NULL);
        doctor->failed = true; /* the resolver may have answered only once */
        return;
    }
    doctor_add(doctor, "connection", FINDING_FAILED, fetched->error,
               "See whether a firewall lets httpd out to port 443, or name a proxy "
               "(Auth0HTTPProxy); slow networks need a longer Auth0HTTPTimeout.");
}

static const char *certificate_words(const struct doctor *doctor,
                                     const struct fetched *fetched)
{
    const struct fetch_certificate *seen = &fetched->certificate;

    if (!seen->seen) {
        return "no certificate";
    }
    return apr_psprintf(
        doctor->pool, "certificate for %s, from %s, valid from %s until %s", seen->names,
        seen->issuer, date_of(seen->not_before, doctor->pool),
        date_of(seen->not_after, doctor->pool));
}

static const char *certificate_advice(const struct doctor *doctor,
                                      const struct fetch_certificate *seen)
{
    apr_time_t now = apr_time_now();

    if (!seen->seen) {
        return "Something else than a tenant may answer there: see the domain, the port "
               "and the proxy. At least TLS 1.2 is needed.";
    }
    if (now < seen->not_before || now > seen->not_after) {
        return apr_psprintf(
            doctor->pool,
            "Here it is %s: set this machine's clock; if it is right, the "
            "server's certificate has to be renewed.",
            date_of(now, doctor->pool));
    }
    if (seen->problem != NULL) {
        return "Its authority is not trusted here: install ca-certificates, or name the "
               "authority's file with Auth0CAFile; a proxy that opens TLS needs that too.";
    }
    return "It is for another host: see the domain; a custom domain has to be verified in "
           "the dashboard (Branding > Custom Domains).";
}

static void look_at_tls(struct doctor *doctor, const struct fetched *fetched)
{
    const struct fetch_certificate *seen = &fetched->certificate;
    const char *words = certificate_words(doctor, fetched);

    if (fetched->connected == 0) {
        doctor_add(doctor, "tls", FINDING_SKIPPED, "not reached", NULL);
    }
    else if (fetched->secured == 0) {
        doctor_add(doctor, "tls", FINDING_FAILED,
                   apr_psprintf(doctor->pool, "%s; %s%s%s", fetched->error, words,
                                seen->problem != NULL ? ": " : "",
                                seen->problem != NULL ? seen->problem : ""),
                   certificate_advice(doctor, seen));
    }
    else if (seen->not_after - apr_time_now() < CERTIFICATE_SOON) {
        doctor_add(
            doctor, "tls", FINDING_WARNING,
            apr_psprintf(doctor->pool, "%s; %s", fetched->tls, words),
            "The server's certificate ends soon: without a new one, no keys can be "
            "fetched then.");
    }
    else {
        doctor_add(doctor, "tls", FINDING_OK,
                   apr_psprintf(doctor->pool, "%s; %s", fetched->tls, words), NULL);
    }
}

/* ---- the answer --------------------------------------------------------------------------------- */

static void look_at_answer(struct doctor *doctor, const struct fetched *fetched)
{
    const char *proxy = proxy_of(doctor);

    if (fetched->secured == 0) {
        doctor_add(doctor, "http", FINDING_SKIPPED, "not reached", NULL);
        doctor_add(doctor, "time", FINDING_SKIPPED, "not reached", NULL);
        return;
    }
    doctor_add(
        doctor, "http", fetched->error == NULL ? FINDING_OK : FINDING_FAILED,
        fetched->error == NULL
            ? apr_psprintf(doctor->pool, "status %ld, %" APR_SIZE_T_FMT " bytes",
                           fetched->status, fetched->len)
            : fetched->error,
        fetched->error == NULL ? NULL
        : fetched->status == 404
            ? "There are no keys at .well-known/jwks.json: is this the domain of a "
              "tenant? Keys elsewhere are named by jwks= of Auth0Issuer."
        : proxy != NULL ? "See whether it is the proxy that answers so."
                        : "See whether it is the tenant that answers so, and its "
                          "status page (status.auth0.com).");
    doctor_add(doctor, "time",
               fetched->elapsed > doctor->limits.total_timeout / 2 ? FINDING_WARNING
                                                                   : FINDING_OK,
               apr_psprintf(doctor->pool, "%.3f s in all (limit %.1f s)",
                            in_seconds(fetched->elapsed),
                            in_seconds(doctor->limits.total_timeout)),
               fetched->elapsed > doctor->limits.total_timeout / 2
                   ? "That is near the limit: see the network, or set a longer "
                     "Auth0HTTPTimeout."
                   : NULL);
}

/* The answer's Date was written at some moment of the transfer, in whole seconds. */
static void look_at_clock(struct doctor *doctor, const struct fetched *fetched,
                          apr_time_t received)
{
    apr_interval_time_t ahead;
    const char *words;

    if (fetched->date == 0) {
        doctor_add(doctor, "clock", FINDING_SKIPPED,
                   "no answer with a Date to compare this machine's clock with", NULL);
        return;
    }
    ahead = received - fetched->date;
    /* Up to a second of it, and the time of the transfer, are no difference. */
    if (ahead > 0) {
        ahead -= ahead < fetched->elapsed + APR_USEC_PER_SEC
                     ? ahead
                     : fetched->elapsed + APR_USEC_PER_SEC;
    }
    words = apr_psprintf(
        doctor->pool, "this machine %s, the tenant %s: %s%s (leeway %d s)",
        date_of(received, doctor->pool), date_of(fetched->date, doctor->pool),
        ahead == 0 ? "no difference"
                   : show_duration(in_seconds(ahead < 0 ? -ahead : ahead), doctor->pool),
        ahead > 0   ? " ahead"
        : ahead < 0 ? " behind"
                    : "",
        doctor->leeway);
    if (ahead > apr_time_from_sec(doctor->leeway) ||
        ahead < -apr_time_from_sec(doctor->leeway)) {
        doctor_add(doctor, "clock", FINDING_FAILED, words,
                   ahead < 0
                       ? "Set this machine's clock (chrony or ntp): new tokens seem "
                         "to be issued in the future here."
                       : "Set this machine's clock (chrony or ntp): tokens expire "
                         "too early here.");
    }
    else {
        doctor_add(doctor, "clock", FINDING_OK, words, NULL);
    }
}

static void look_at_keys(struct doctor *doctor, const struct fetched *fetched)
{
    struct jwks *jwks;
    enum reason reason;
    const char *words;

    if (fetched->error != NULL) {
        doctor_add(doctor, "keys", FINDING_SKIPPED, "no key document", NULL);
        return;
    }
    reason = jwks_parse(&jwks, fetched->text, fetched->len, doctor->pool);
    if (reason == REASON_OK) {
        words = apr_psprintf(doctor->pool, "%" APR_SIZE_T_FMT " usable: %s", jwks->count,
                             trust_keys(jwks, doctor->pool));
        doctor_add(doctor, "keys", jwks->skipped_count > 0 ? FINDING_WARNING : FINDING_OK,
                   words,
                   jwks->skipped_count > 0
                       ? "Tokens that are signed with a skipped key are refused."
                       : NULL);
        doctor->keys = fetched->text;
        doctor->keys_len = fetched->len;
    }
    else {
        words = apr_psprintf(doctor->pool, "%s: %s%s%s", reason_name(reason),
                             jwks_problem(reason), jwks != NULL ? ": " : "",
                             jwks != NULL ? trust_keys(jwks, doctor->pool) : "");
        doctor_add(
            doctor, "keys", FINDING_FAILED, words,
            fetched->json_type
                ? "See the document with: auth0-jwt jwks"
                : "The answer is not even said to be JSON: a login page or a proxy "
                  "may stand in between.");
    }
    jwks_destroy(jwks);
}

/* ---- the issuer --------------------------------------------------------------------------------- */

static void compare_issuer(struct doctor *doctor, const json_value *document,
                           const char *expected)
{
    const char *issuer = json_string(json_member(document, "issuer"));
    const char *uri = json_string(json_member(document, "jwks_uri"));
    const char *usual =
        apr_pstrcat(doctor->pool, expected, ".well-known/jwks.json", NULL);

    if (issuer == NULL) {
        doctor_add(doctor, "issuer", FINDING_FAILED,
                   "openid-configuration names no issuer",
                   "Is this the domain of a tenant?");
        return;
    }
    doctor->issuer = issuer;
    if (strcmp(issuer, expected) != 0) {
        doctor_add(
            doctor, "issuer", FINDING_FAILED,
            apr_psprintf(doctor->pool,
                         "tokens will name %s, and Auth0Domain %s expects %s",
                         show_quoted(issuer, doctor->pool), doctor->domain,
                         show_quoted(expected, doctor->pool)),
            "Let Auth0Domain name the domain that the applications log in at (the tenant's "
            "own or the custom one), or name the issuer itself with Auth0Issuer.");
        return;
    }
    if (uri != NULL && strcmp(uri, usual) != 0) {
        doctor_add(doctor, "issuer", FINDING_WARNING,
                   apr_psprintf(doctor->pool, "%s, whose keys are said to be at %s",
                                show_quoted(issuer, doctor->pool),
                                show_text(uri, doctor->pool)),
                   "Name that document with jwks= of Auth0Issuer.");
        return;
    }
    doctor_add(doctor, "issuer", FINDING_OK,
               apr_pstrcat(doctor->pool, "tokens will name ",
                           show_quoted(issuer, doctor->pool), NULL),
               NULL);
}

static void look_at_issuer(struct doctor *doctor, const struct fetched *fetched,
                           bool reached, const char *expected)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    const json_value *document;

    if (!reached) {
        doctor_add(doctor, "issuer", FINDING_SKIPPED, "not reached", NULL);
        return;
    }
    if (fetched->error != NULL) {
        doctor_add(doctor, "issuer", FINDING_WARNING,
                   apr_pstrcat(doctor->pool, ".well-known/openid-configuration: ",
                               fetched->error, NULL),
                   "The module does not need it, but every tenant has it: is this the "
                   "domain of a tenant?");
        return;
    }
    if (json_parse(&document, fetched->text, fetched->len, &limits, doctor->pool) !=
            REASON_OK ||
        !json_is_object(document)) {
        doctor_add(doctor, "issuer", FINDING_WARNING,
                   ".well-known/openid-configuration is no JSON object",
                   "Every tenant has one: is this the domain of a tenant?");
        return;
    }
    compare_issuer(doctor, document, expected);
}

void doctor_look_at_tenant(struct doctor *doctor)
{
    const char *base = apr_pstrcat(doctor->pool, "https://", doctor->domain, "/", NULL);
    struct fetched keys = {0};
    struct fetched configuration = {0};
    apr_time_t received;
    bool reached;

    doctor->issuer = base;
    look_at_name(doctor);
    fetch(&keys, apr_pstrcat(doctor->pool, base, ".well-known/jwks.json", NULL),
          &doctor->limits, doctor->pool);
    received = apr_time_now();
    look_at_connection(doctor, &keys);
    look_at_tls(doctor, &keys);
    look_at_answer(doctor, &keys);
    /* Another document may be answered where this one is not. */
    reached = keys.secured > 0;
    if (reached) {
        fetch(&configuration,
              apr_pstrcat(doctor->pool, base, ".well-known/openid-configuration", NULL),
              &doctor->limits, doctor->pool);
    }
    if (keys.date == 0 && configuration.date != 0) {
        look_at_clock(doctor, &configuration, apr_time_now());
    }
    else {
        look_at_clock(doctor, &keys, received);
    }
    look_at_keys(doctor, &keys);
    look_at_issuer(doctor, &configuration, reached, base);
}
