#include "httpd/config_trust.h"

#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/config_tree.h"
#include "httpd/config_values.h"

#define DEFAULT "(the default)"
#define UNDECIDED "depends on the request"

/* All words of all lines: a, b, c. */
static const char *join(const apr_array_header_t *lines, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < lines->nelts; i++) {
        const char *args = config_view_line(lines, i)->args;
        const char *word;

        while (*(word = ap_getword_conf(pool, &args)) != '\0') {
            text = *text == '\0' ? word : apr_pstrcat(pool, text, ", ", word, NULL);
        }
    }
    return text;
}

static const char *usual_keys(const char *issuer, apr_pool_t *pool)
{
    const char *host = strstr(issuer, "://");
    char *domain = apr_pstrdup(pool, host != NULL ? host + 3 : issuer);
    size_t len = strlen(domain);

    if (len > 0 && domain[len - 1] == '/') {
        domain[len - 1] = '\0';
    }
    return value_domain_issuer(domain, pool)->source;
}

void config_trust_read_issuer(struct config_trust_issuer *issuer,
                              const ap_directive_t *line, apr_pool_t *pool)
{
    const char *args = line->args;
    const char *word;

    issuer->name = ap_getword_conf(pool, &args);
    issuer->kind = ISSUER_KEYS_URL;
    issuer->source = NULL;
    issuer->algorithms = NULL;
    while (*(word = ap_getword_conf(pool, &args)) != '\0') {
        if (strncmp(word, "secret=file:", 12) == 0) {
            issuer->kind = ISSUER_SECRET_FILE;
            issuer->source = word + 12;
        }
        else if (strncmp(word, "jwks=file:", 10) == 0) {
            issuer->kind = ISSUER_KEYS_FILE;
            issuer->source = word + 10;
        }
        else if (strncmp(word, "jwks=", 5) == 0) {
            issuer->source = word + 5;
        }
        else {
            issuer->algorithms = strchr(word, '=') + 1;
        }
    }
    if (issuer->source == NULL) {
        issuer->source = usual_keys(issuer->name, pool);
    }
    if (issuer->kind == ISSUER_SECRET_FILE && issuer->algorithms == NULL) {
        issuer->algorithms = jwa_get(JWA_HS256)->name;
    }
}

/* Name, keys and algorithms of Auth0Issuer; true when its algorithms are its own. */
static bool add_issuer(const struct config_view *view, const char *label,
                       const ap_directive_t *line, const char *note)
{
    static const char *const words[] = {
        [ISSUER_KEYS_URL] = "keys from ",
        [ISSUER_KEYS_FILE] = "keys in the file ",
        [ISSUER_SECRET_FILE] = "secret in the file ",
    };
    struct config_trust_issuer issuer;

    config_trust_read_issuer(&issuer, line, view->pool);
    config_view_add(view, label, issuer.name, note);
    config_page_field(view->page, view->indent, "", 1,
                      apr_pstrcat(view->pool, words[issuer.kind], issuer.source, NULL),
                      NULL);
    if (issuer.algorithms != NULL) {
        config_page_field(view->page, view->indent, "", 1,
                          apr_pstrcat(view->pool, "algorithms ", issuer.algorithms, NULL),
                          NULL);
    }
    return issuer.algorithms != NULL;
}

static void add_domains(const struct config_view *view, const char *label,
                        const ap_directive_t *line, const char *note)
{
    const char *args = line->args;
    char *domain;

    while (*(domain = ap_getword_conf(view->pool, &args)) != '\0') {
        const struct issuer *issuer;

        ap_str_tolower(domain);
        issuer = value_domain_issuer(domain, view->pool);
        config_view_add(view, label, issuer->name, note);
        config_page_field(view->page, view->indent, "", 1,
                          apr_pstrcat(view->pool, "keys from ", issuer->source, NULL),
                          NULL);
        label = "";
    }
}

/* Returns whether one of them goes by Auth0Algorithms. */
static bool add_issuers(struct config_view *view)
{
    static const char *const names[] = {"Auth0Domain", "Auth0Issuer", NULL};
    struct config_order_found found;
    const char *label = "Issuer";
    bool general = false;

    config_view_find(view, &found, names, view->order->sections->nelts, "the issuers");
    for (int i = 0; i < found.lines->nelts; i++) {
        const ap_directive_t *line = config_view_line(found.lines, i);

        if (config_tree_is(line, "Auth0Domain")) {
            add_domains(view, label, line, config_view_origin(view, line));
            general = true;
        }
        else {
            general =
                !add_issuer(view, label, line, config_view_origin(view, line)) || general;
        }
        label = "";
    }
    if (found.lines->nelts == 0) {
        config_view_add(view, label, UNDECIDED, NULL);
    }
    return general || found.lines->nelts == 0;
}

/* The words of all lines, or what holds without any. */
static void add_list(struct config_view *view, const char *label,
                     const char *const *names, const char *noun, const char *without,
                     const char *note)
{
    struct config_order_found found;

    config_view_find(view, &found, names, view->order->sections->nelts, noun);
    if (found.lines->nelts > 0) {
        config_view_add(view, label, join(found.lines, view->pool),
                        config_view_origin(view, config_view_line(found.lines, 0)));
    }
    else {
        config_view_add(view, label, without, note);
    }
}

/* The word of the last line. */
static void add_value(struct config_view *view, const char *label, const char *name,
                      const char *noun, const char *unit, const char *without)
{
    const char *const names[] = {name, NULL};
    struct config_order_found found;
    const ap_directive_t *line;
    const char *word;

    config_view_find(view, &found, names, view->order->sections->nelts, noun);
    line = config_view_last(found.lines);
    word = line != NULL ? config_tree_first_word(line, view->pool) : without;
    if (strspn(word, "0123456789") == strlen(word)) {
        word = apr_pstrcat(view->pool, word, unit, NULL);
    }
    config_view_add(view, label, word,
                    line != NULL ? config_view_origin(view, line) : DEFAULT);
}

static const char *default_algorithms(const struct dir_config *defaults, apr_pool_t *pool)
{
    const char *text = "";

    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        if ((config_algorithms(defaults) & JWA_BIT(alg)) != 0) {
            text = apr_pstrcat(pool, text, *text != '\0' ? ", " : "", jwa_get(alg)->name,
                               NULL);
        }
    }
    return text;
}

/* Those with a line of their own, and those about answers and the back end. */
static const char *const not_listed[] = {"Auth0Domain",       "Auth0Issuer",
                                         "Auth0Audience",     "Auth0Algorithms",
                                         "Auth0Leeway",       "Auth0UserClaim",
                                         "Auth0TokenProfile", "Auth0PassClaims",
                                         "Auth0PassHeaders",  "Auth0PassToken",
                                         "Auth0ErrorBody",    "Auth0CORSOrigin",
                                         "Auth0Message",      NULL};

static bool is_listed(const command_rec *directive)
{
    for (int i = 0; not_listed[i] != NULL; i++) {
        if (strcmp(directive->name, not_listed[i]) == 0) {
            return false;
        }
    }
    return (directive->req_override & (OR_AUTHCFG | ACCESS_CONF)) != 0;
}

/* Whatever else may stand in a section and is set: by its own name. */
static void add_others(struct config_view *view)
{
    for (const command_rec *c = config_directives; c->name != NULL; c++) {
        const char *const names[] = {c->name, NULL};
        struct config_order_found found;

        if (!is_listed(c)) {
            continue;
        }
        config_view_find(view, &found, names, view->order->sections->nelts, c->name);
        if (found.lines->nelts > 0) {
            config_view_add(view, c->name, join(found.lines, view->pool),
                            config_view_origin(view, config_view_line(found.lines, 0)));
        }
    }
}

void config_trust_add(struct config_view *view)
{
    static const char *const audiences[] = {"Auth0Audience", NULL};
    static const char *const algorithms[] = {"Auth0Algorithms", NULL};
    const struct dir_config *defaults = config_create_dir(view->pool, NULL);

    if (add_issuers(view)) {
        add_list(view, "Algorithms", algorithms, "the algorithms",
                 default_algorithms(defaults, view->pool), DEFAULT);
    }
    add_list(view, "Audience", audiences, "the audience", UNDECIDED, NULL);
    add_value(view, "Token profile", "Auth0TokenProfile", "the token profile", "",
              config_token_profile(defaults) == JWT_PROFILE_AUTO ? "auto" : "rfc9068");
    add_value(view, "Leeway", "Auth0Leeway", "the leeway", " seconds",
              apr_itoa(view->pool, config_leeway(defaults)));
    add_value(view, "User claim", "Auth0UserClaim", "the user claim", "",
              config_user_claim(defaults));
    add_others(view);
}
