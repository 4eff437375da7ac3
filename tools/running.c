#include "running.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ask_httpd.h"
#include "show.h"

/* ---- reading the dump ------------------------------------------------------------------------ */

static const char *text_of(const json_value *object, const char *name)
{
    return json_string(json_member(object, name));
}

static bool flag_of(const json_value *object, const char *name)
{
    bool flag = false;

    json_bool(&flag, json_member(object, name));
    return flag;
}

static double number_of(const json_value *value, double fallback)
{
    double number;

    return json_time(&number, value) ? number : fallback;
}

/* {"value": …, "from": …}: the value. */
static const json_value *value_of(const json_value *host, const char *name,
                                  const char **from)
{
    const json_value *member = json_member(host, name);

    *from = text_of(member, "from");
    return json_member(member, "value");
}

static unsigned algorithms_of(const json_value *names)
{
    unsigned algorithms = 0;

    for (const json_value *v = json_first(names); v != NULL; v = json_next(v)) {
        enum jwa_alg alg;

        if (jwa_find(&alg, json_string(v))) {
            algorithms |= JWA_BIT(alg);
        }
    }
    return algorithms;
}

static void read_issuers(struct policy *policy, const json_value *issuers,
                         apr_pool_t *pool)
{
    for (const json_value *v = json_first(issuers); v != NULL; v = json_next(v)) {
        struct trust *trust = apr_pcalloc(pool, sizeof(*trust));
        const char *kind = text_of(v, "kind");

        trust->issuer = text_of(v, "name");
        trust->source = text_of(v, "source");
        trust->from = text_of(v, "from");
        trust->algorithms = algorithms_of(json_member(v, "algorithms"));
        trust->kind =
            kind != NULL && strcmp(kind, "secret") == 0 ? TRUST_SECRET : TRUST_KEYS;
        if (trust->issuer != NULL && trust->source != NULL) {
            APR_ARRAY_PUSH(policy->trusts, struct trust *) = trust;
        }
    }
}

static void read_audiences(struct policy *policy, const json_value *host,
                           apr_pool_t *pool)
{
    apr_array_header_t *audiences = apr_array_make(pool, 2, sizeof(const char *));

    for (const json_value *v =
             json_first(value_of(host, "audiences", &policy->from.audiences));
         v != NULL; v = json_next(v)) {
        APR_ARRAY_PUSH(audiences, const char *) = json_string(v);
    }
    policy->asked.audiences = (const char *const *)audiences->elts;
    policy->asked.audience_count = (size_t)audiences->nelts;
}

static void read_host(struct policy *policy, const json_value *host, apr_pool_t *pool)
{
    const char *profile;

    read_issuers(policy, json_member(host, "issuers"), pool);
    read_audiences(policy, host, pool);
    policy->asked.algorithms =
        algorithms_of(value_of(host, "algorithms", &policy->from.algorithms));
    policy->asked.leeway =
        (int)number_of(value_of(host, "leeway", &policy->from.leeway), 0);
    profile = json_string(value_of(host, "profile", &policy->from.profile));
    policy->asked.profile = profile != NULL && strcasecmp(profile, "rfc9068") == 0
                                ? JWT_PROFILE_RFC9068
                                : JWT_PROFILE_AUTO;
    policy->asked.user_claim =
        json_string(value_of(host, "user_claim", &policy->from.user_claim));
    policy->require = require_read(json_member(host, "requires"), pool);
}

/* What the command line says goes before what the configuration does. */
static void read_limits(struct fetch_limits *limits, const json_value *dump)
{
    limits->ca_file =
        limits->ca_file != NULL ? limits->ca_file : text_of(dump, "ca_file");
    limits->proxy = limits->proxy != NULL ? limits->proxy : text_of(dump, "proxy");
    limits->connect_timeout =
        (apr_interval_time_t)(number_of(json_member(dump, "connect_timeout"), 2) *
                              APR_USEC_PER_SEC);
    limits->total_timeout =
        (apr_interval_time_t)(number_of(json_member(dump, "total_timeout"), 5) *
                              APR_USEC_PER_SEC);
}

/* ---- which server ------------------------------------------------------------------------------ */

static const char *server_words(const json_value *host, apr_pool_t *pool)
{
    const char *name = json_string(json_first(json_member(host, "names")));
    const char *address = json_string(json_first(json_member(host, "addresses")));
    const char *from = text_of(host, "from");

    return apr_psprintf(pool, "%s %s (%s%s%s)",
                        flag_of(host, "main") ? "the main server" : "the virtual host",
                        name != NULL ? show_text(name, pool) : "without a name",
                        address != NULL ? show_text(address, pool) : "no address",
                        from != NULL ? ", " : "",
                        from != NULL ? show_text(from, pool) : "");
}

/* 443 of *:443 and [::1]:443; NULL for an address alone. */
static const char *port_of(const char *address)
{
    const char *colon = strrchr(address, ':');

    if (strspn(address, "0123456789") == strlen(address)) {
        return address; /* Listen 80 */
    }
    return colon != NULL && strchr(colon, ']') == NULL ? colon + 1 : NULL;
}

static bool listens_on(const json_value *host, const char *port)
{
    for (const json_value *v = json_first(json_member(host, "addresses")); v != NULL;
         v = json_next(v)) {
        const char *address = json_string(v);
        const char *own = address != NULL ? port_of(address) : NULL;

        if (own == NULL || strcmp(own, "*") == 0 || strcmp(own, port) == 0) {
            return true;
        }
    }
    return false;
}

/* --server NAME[:PORT], or :PORT. */
static bool is_named(const json_value *host, const char *server, apr_pool_t *pool)
{
    const char *colon = strrchr(server, ':');
    const char *name = server;

    if (colon != NULL && strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        if (!listens_on(host, colon + 1)) {
            return false;
        }
        name = apr_pstrmemdup(pool, server, (size_t)(colon - server));
        if (*name == '\0') {
            return true;
        }
    }
    for (const json_value *v = json_first(json_member(host, "names")); v != NULL;
         v = json_next(v)) {
        const char *pattern = json_string(v);

        if (pattern != NULL &&
            apr_fnmatch(pattern, name, APR_FNM_CASE_BLIND) == APR_SUCCESS) {
            return true;
        }
    }
    return false;
}

/* Does it ask for a token of ours? */
static bool asks(const json_value *host, const char *method, apr_pool_t *pool)
{
    const struct require_user nobody = {.claims = NULL, .name = NULL, .method = method};
    struct requirement *require = require_read(json_member(host, "requires"), pool);
    enum met met = require != NULL ? require_judge(require, &nobody, pool) : MET_NEUTRAL;

    return flag_of(host, "ours") && met != MET_YES && met != MET_NEUTRAL && met != MET_NO;
}

/* Names them on standard error, below a complaint. */
static enum status complain_of_servers(const struct arguments *arguments,
                                       const char *what, const apr_array_header_t *hosts,
                                       apr_pool_t *pool)
{
    complain(arguments, STATUS_USAGE, "%s", what);
    for (int i = 0; i < hosts->nelts; i++) {
        fprintf(stderr, "  %s\n",
                server_words(APR_ARRAY_IDX(hosts, i, const json_value *), pool));
    }
    return STATUS_USAGE;
}

/* Is there a virtual host at every port where the main server listens, as on Debian? */
static bool is_covered(const json_value *main_server, const json_value *hosts)
{
    bool covered = true;

    for (const json_value *v = json_first(json_member(main_server, "addresses"));
         v != NULL; v = json_next(v)) {
        const char *address = json_string(v);
        const char *port = address != NULL ? port_of(address) : NULL;
        bool found = false;

        for (const json_value *h = json_first(hosts); h != NULL; h = json_next(h)) {
            found = found || (!flag_of(h, "main") && port != NULL && listens_on(h, port));
        }
        covered = covered && found;
    }
    return covered;
}

/* Those that answer requests. */
static apr_array_header_t *find_servers(const json_value *dump, apr_pool_t *pool)
{
    const json_value *hosts = json_member(dump, "hosts");
    apr_array_header_t *servers = apr_array_make(pool, 4, sizeof(const json_value *));

    for (const json_value *v = json_first(hosts); v != NULL; v = json_next(v)) {
        if (!flag_of(v, "main") || json_size(hosts) == 1 || !is_covered(v, hosts)) {
            APR_ARRAY_PUSH(servers, const json_value *) = v;
        }
    }
    return servers;
}

/*
 * The one that is named; without a name, the only one that asks, or else the first
 * virtual host, which answers where no other one is meant.
 */
static enum status choose(const json_value **host, const json_value *dump,
                          const struct policy *policy, const struct arguments *arguments,
                          apr_pool_t *pool)
{
    const char *server = option_value(arguments, "server");
    apr_array_header_t *all = find_servers(dump, pool);
    apr_array_header_t *candidates = apr_array_make(pool, 4, sizeof(const json_value *));

    for (int i = 0; i < all->nelts; i++) {
        const json_value *v = APR_ARRAY_IDX(all, i, const json_value *);

        if (server != NULL ? is_named(v, server, pool) : asks(v, policy->method, pool)) {
            APR_ARRAY_PUSH(candidates, const json_value *) = v;
        }
    }
    if (server != NULL && candidates->nelts == 0) {
        return complain_of_servers(arguments, "no server has that name; there are", all,
                                   pool);
    }
    /* Of two of one name, a virtual host answers before the main server. */
    if (server != NULL && candidates->nelts == 2 &&
        flag_of(APR_ARRAY_IDX(candidates, 0, const json_value *), "main")) {
        *host = APR_ARRAY_IDX(candidates, 1, const json_value *);
        return STATUS_DONE;
    }
    if (candidates->nelts > 1) {
        return complain_of_servers(
            arguments, "several servers have this path, and --server NAME[:PORT] chooses",
            candidates, pool);
    }
    candidates = candidates->nelts > 0 ? candidates : all;
    *host = APR_ARRAY_IDX(candidates, 0, const json_value *);
    return STATUS_DONE;
}

/* ---- what else there is to say ----------------------------------------------------------------- */

static void note(struct policy_place *place, const char *text)
{
    APR_ARRAY_PUSH(place->notes, const char *) = text;
}

static const char *join(const json_value *texts, apr_pool_t *pool)
{
    const char *text = "";

    for (const json_value *v = json_first(texts); v != NULL; v = json_next(v)) {
        text = apr_pstrcat(pool, text, *text != '\0' ? ", " : "",
                           json_string(v) != NULL ? show_text(json_string(v), pool) : "",
                           NULL);
    }
    return text;
}

static void note_htaccess(struct policy_place *place, const json_value *htaccess,
                          apr_pool_t *pool)
{
    const json_value *files = json_member(htaccess, "files");

    if (json_size(json_member(htaccess, "allowed")) == 0) {
        return;
    }
    note(place,
         json_size(files) > 0
             ? apr_psprintf(
                   pool, "Not read, and they may change all of this: %s (allowed by %s)",
                   join(files, pool), join(json_member(htaccess, "allowed"), pool))
             : apr_psprintf(pool,
                            "Files .htaccess may change this, but there is none now "
                            "(allowed by %s)",
                            join(json_member(htaccess, "allowed"), pool)));
}

static void add_notes(struct policy_place *place, const json_value *host,
                      apr_pool_t *pool)
{
    const char *from;
    const json_value *sources = value_of(host, "sources", &from);
    bool report = false;

    json_bool(&report, value_of(host, "report_only", &from));
    if (report) {
        note(place,
             apr_psprintf(pool,
                          "Auth0ReportOnly is On (%s): httpd logs this verdict, and "
                          "lets the request pass",
                          from != NULL ? show_text(from, pool) : "-"));
    }
    value_of(host, "sources", &from);
    if (strcmp(join(sources, pool), "header") != 0) {
        note(place,
             apr_psprintf(pool, "Tokens are read here from: %s (%s)", join(sources, pool),
                          from != NULL ? show_text(from, pool) : "-"));
    }
    if (flag_of(host, "satisfy_any")) {
        note(place,
             "Satisfy Any is in force: whom Allow and Deny let in is not asked for "
             "a token");
    }
    for (const json_value *v = json_first(json_member(host, "perhaps")); v != NULL;
         v = json_next(v)) {
        const char *section = text_of(v, "section");
        const char *about = text_of(v, "about");

        from = text_of(v, "from");
        if (about == NULL || strstr(about, "the requirements") != NULL ||
            strstr(about, "the AuthType") != NULL) {
            place->perhaps = true;
        }
        note(place,
             apr_psprintf(pool,
                          "Only a request can tell whether %s (%s) applies; then it "
                          "decides %s",
                          section != NULL ? show_text(section, pool) : "",
                          from != NULL ? show_text(from, pool) : "",
                          about != NULL ? show_text(about, pool) : ""));
    }
    note_htaccess(place, json_member(host, "htaccess"), pool);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Does the place ask for one of our tokens, and is it able to judge it? */
static enum status check_place(struct policy *policy, struct policy_place *place,
                               const json_value *host, const struct arguments *arguments,
                               apr_pool_t *pool)
{
    const struct require_user nobody = {
        .claims = NULL, .name = NULL, .method = policy->method};
    const char *from;
    const char *type = json_string(value_of(host, "auth_type", &from));
    enum met met = policy->require != NULL ? require_judge(policy->require, &nobody, pool)
                                           : MET_NEUTRAL;

    place->open = met == MET_YES || met == MET_NEUTRAL;
    place->closed = met == MET_NO;
    if (place->open || place->closed) {
        return STATUS_DONE;
    }
    if (met == MET_OPEN) {
        note(place, "A request that meets what httpd decides may be let in without a "
                    "token");
    }
    if (!flag_of(host, "ours")) {
        return complain(
            arguments, STATUS_UNAVAILABLE,
            "at %s, %s has AuthType %s%s%s%s, not Auth0: this module judges no "
            "token there",
            show_text(place->path, pool), place->server,
            type != NULL ? show_text(type, pool) : "none", from != NULL ? " (" : "",
            from != NULL ? show_text(from, pool) : "", from != NULL ? ")" : "");
    }
    if (policy->trusts->nelts == 0 || policy->asked.audience_count == 0) {
        return complain(arguments, STATUS_UNAVAILABLE,
                        "configuration: at %s, AuthType Auth0 applies, but no %s does: "
                        "httpd answers 500",
                        show_text(place->path, pool),
                        policy->trusts->nelts == 0 ? "Auth0Domain" : "Auth0Audience");
    }
    return STATUS_DONE;
}

enum status running_read(struct policy *policy, struct policy_place *place,
                         const struct arguments *arguments, apr_pool_t *pool)
{
    const json_value *dump;
    const json_value *host = NULL;
    const char *config = option_value(arguments, "config");
    const char *why;
    enum status status;

    place->path = option_value(arguments, "path");
    why = ask_httpd(&dump, option_value(arguments, "httpd"), config, place->path, pool);
    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    status = choose(&host, dump, policy, arguments, pool);
    if (status != STATUS_DONE) {
        return status;
    }
    if (text_of(host, "error") != NULL) {
        return complain(arguments, STATUS_USAGE, "--path: %s",
                        show_text(text_of(host, "error"), pool));
    }
    place->server = server_words(host, pool);
    read_limits(&policy->limits, dump);
    read_host(policy, host, pool);
    status = check_place(policy, place, host, arguments, pool);
    if (status == STATUS_DONE) {
        add_notes(place, host, pool);
    }
    return status;
}
