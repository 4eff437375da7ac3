#include "httpd/config_place_parts.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/config_json.h"
#include "httpd/config_request.h"
#include "httpd/config_require.h"
#include "httpd/config_section.h"
#include "httpd/config_tree.h"
#include "httpd/config_trust.h"
#include "httpd/config_values.h"
#include "httpd/config_words.h"

static const char *place_json(const ap_directive_t *line, apr_pool_t *pool)
{
    return config_json_text(line != NULL ? config_view_place(line, pool) : NULL, pool);
}

/* {"value": …, "from": …} */
static void add_value(apr_array_header_t *members, const char *name, const char *json,
                      const ap_directive_t *line)
{
    apr_array_header_t *value = config_json_begin(members->pool);

    config_json_member(value, "value", json);
    config_json_member(value, "from", place_json(line, members->pool));
    config_json_member(members, name, config_json_object(value));
}

/* All words of all lines. */
static const char *words_json(const apr_array_header_t *lines, apr_pool_t *pool)
{
    apr_array_header_t *words = config_json_begin(pool);

    for (int i = 0; i < lines->nelts; i++) {
        const char *args = config_view_line(lines, i)->args;
        const char *word;

        while (*(word = ap_getword_conf(pool, &args)) != '\0') {
            config_json_add(words, config_json_text(word, pool));
        }
    }
    return config_json_array(words);
}

/* ---- requirements --------------------------------------------------------------------------- */

/* name; name, "=", value; name, "~", regex: as parse_claim in authz_claims.c has it. */
static const char *claim_words(const char *args, apr_pool_t *pool)
{
    apr_array_header_t *words = config_json_begin(pool);
    const char *rest = args + strcspn(args, "= \t");
    const char *name = apr_pstrmemdup(pool, args, (apr_size_t)(rest - args));

    if (*args == '"' || *args == '\'') {
        rest = args;
        name = ap_getword_conf(pool, &rest);
    }
    while (apr_isspace(*rest)) {
        rest++;
    }
    config_json_add(words, config_json_text(name, pool));
    if (*rest != '\0') {
        config_json_add(words, *rest == '=' ? "\"=\"" : "\"~\"");
        rest++;
        config_json_add(words, config_json_text(ap_getword_conf(pool, &rest), pool));
    }
    return config_json_array(words);
}

static const char *args_words(const char *args, apr_pool_t *pool)
{
    apr_array_header_t *words = config_json_begin(pool);
    const char *word;

    while (*(word = ap_getword_conf(pool, &args)) != '\0') {
        config_json_add(words, config_json_text(word, pool));
    }
    return config_json_array(words);
}

static bool is_negated(const ap_directive_t *require, apr_pool_t *pool)
{
    return ap_cstr_casecmp(config_tree_first_word(require, pool), "not") == 0;
}

static void commas_to_spaces(char *list)
{
    while ((list = strchr(list, ',')) != NULL) {
        *list = ' ';
    }
}

/* The methods that a <Limit> around it is about. */
static void add_methods(apr_array_header_t *members, const ap_directive_t *item)
{
    apr_pool_t *pool = members->pool;
    char *methods;

    if (item->parent == NULL || !config_words_is_limit(item->parent)) {
        return;
    }
    methods = apr_pstrdup(pool, config_words_methods(item->parent, pool));
    commas_to_spaces(methods);
    config_json_member(members,
                       config_tree_is(item->parent, "<Limit") ? "methods" : "methods_not",
                       args_words(methods, pool));
}

static const char *group_json(const ap_directive_t *level, const char *kind,
                              const ap_directive_t *item, bool tokens, apr_pool_t *pool);

static const char *item_json(const ap_directive_t *item, bool tokens, apr_pool_t *pool)
{
    apr_array_header_t *members;
    const char *name;
    const char *args;

    if (!config_tree_is(item, "Require")) {
        return group_json(item->first_child,
                          config_tree_is(item, "<RequireAll")   ? "all"
                          : config_tree_is(item, "<RequireAny") ? "any"
                                                                : "none",
                          item, tokens, pool);
    }
    members = config_json_begin(pool);
    name = config_words_provider(&args, item, pool);
    while (apr_isspace(*args)) {
        args++;
    }
    config_json_member(members, "require", config_json_text(name, pool));
    config_json_member(members, "words",
                       strcmp(name, "auth0-claim") == 0 ? claim_words(args, pool)
                                                        : args_words(args, pool));
    config_json_member(members, "negated", is_negated(item, pool) ? "true" : "false");
    config_json_member(
        members, "says",
        config_json_text(config_words_requirement(item, tokens, pool), pool));
    config_json_member(members, "from", place_json(item, pool));
    add_methods(members, item);
    return config_json_object(members);
}

/* @a item: the group itself, NULL for all lines of a section. */
static const char *group_json(const ap_directive_t *level, const char *kind,
                              const ap_directive_t *item, bool tokens, apr_pool_t *pool)
{
    apr_array_header_t *items = apr_array_make(pool, 4, sizeof(const ap_directive_t *));
    apr_array_header_t *members = config_json_begin(pool);
    apr_array_header_t *of = config_json_begin(pool);

    config_words_gather(items, level);
    for (int i = 0; i < items->nelts; i++) {
        config_json_add(
            of, item_json(APR_ARRAY_IDX(items, i, const ap_directive_t *), tokens, pool));
    }
    config_json_member(members, "group", config_json_text(kind, pool));
    config_json_member(members, "of", config_json_array(of));
    if (item != NULL) {
        config_json_member(members, "from", place_json(item, pool));
        add_methods(members, item);
    }
    return config_json_object(members);
}

/* What AuthMerging makes of two. */
static const char *join(const char *merging, const char *outer, const char *inner,
                        apr_pool_t *pool)
{
    return apr_psprintf(pool, "{\"group\":\"%s\",\"of\":[%s,%s]}",
                        strcmp(merging, "And") == 0 ? "all" : "any", outer, inner);
}

static const char *part_json(const apr_array_header_t *parts, int i, bool tokens,
                             apr_pool_t *pool)
{
    const struct config_require_part *part =
        &APR_ARRAY_IDX(parts, i, struct config_require_part);
    const char *own = group_json(part->section->first_child, "any", NULL, tokens, pool);

    return i + 1 < parts->nelts
               ? join(part->merging, part_json(parts, i + 1, tokens, pool), own, pool)
               : own;
}

/* Stands for what a section requires of which nobody knows whether it applies. */
#define PERHAPS_MORE                                                                     \
    "{\"require\":\"\",\"words\":[],\"negated\":false,\"says\":\"what sections "         \
    "require that only a request can tell of\",\"from\":null}"

/* @a perhaps: are there such sections? */
static const char *walk_json(const apr_array_header_t *walks, int i, bool tokens,
                             bool perhaps, apr_pool_t *pool)
{
    const struct config_require_walk *walk =
        &APR_ARRAY_IDX(walks, i, struct config_require_walk);
    const char *own = part_json(walk->parts, 0, tokens, pool);

    if (i + 1 < walks->nelts) {
        return join(walk->merging, walk_json(walks, i + 1, tokens, perhaps, pool), own,
                    pool);
    }
    return walk->merging != NULL && perhaps ? join(walk->merging, PERHAPS_MORE, own, pool)
                                            : own;
}

void config_place_add_requirements(apr_array_header_t *members, struct config_view *view)
{
    static const char *const types[] = {"AuthType", NULL};
    static const char *const satisfy[] = {"Satisfy", NULL};
    const apr_array_header_t *walks = config_require_walks(view);
    struct config_order_found found;
    const ap_directive_t *line;
    const char *word;
    bool perhaps = view->exceptions->nelts > 0;
    bool ours;

    config_view_find(view, &found, types, view->order->sections->nelts, "the AuthType");
    line = config_view_last(found.lines);
    word = line != NULL ? config_tree_first_word(line, view->pool) : NULL;
    ours = config_is_our_auth_type(word);
    add_value(members, "auth_type", config_json_text(word, view->pool), line);
    config_json_member(members, "ours", ours ? "true" : "false");
    config_view_find(view, &found, satisfy, view->order->sections->nelts, "Satisfy");
    line = config_view_last(found.lines);
    word = line != NULL ? config_tree_first_word(line, view->pool) : "all";
    config_json_member(members, "satisfy_any",
                       ap_cstr_casecmp(word, "any") == 0 ? "true" : "false");
    config_json_member(members, "requires",
                       walks->nelts > 0 ? walk_json(walks, 0, ours, perhaps, view->pool)
                                        : "null");
}

/* ---- whose tokens, and how they are judged --------------------------------------------------- */

/* RS256,ES256 as a list; null for none. */
static const char *names_json(const char *names, apr_pool_t *pool)
{
    char *list;

    if (names == NULL) {
        return "null";
    }
    list = apr_pstrdup(pool, names);
    commas_to_spaces(list);
    return args_words(list, pool);
}

static void add_issuer(apr_array_header_t *issuers, const char *name,
                       enum issuer_kind kind, const char *source, const char *algorithms,
                       const ap_directive_t *line)
{
    static const char *const kinds[] = {[ISSUER_KEYS_URL] = "\"url\"",
                                        [ISSUER_KEYS_FILE] = "\"file\"",
                                        [ISSUER_SECRET_FILE] = "\"secret\""};
    apr_pool_t *pool = issuers->pool;
    apr_array_header_t *members = config_json_begin(pool);

    if (kind != ISSUER_KEYS_URL) {
        source = ap_server_root_relative(pool, source);
    }
    config_json_member(members, "name", config_json_text(name, pool));
    config_json_member(members, "kind", kinds[kind]);
    config_json_member(members, "source", config_json_text(source, pool));
    config_json_member(members, "algorithms", names_json(algorithms, pool));
    config_json_member(members, "from", place_json(line, pool));
    config_json_add(issuers, config_json_object(members));
}

static void add_domains(apr_array_header_t *issuers, const ap_directive_t *line)
{
    apr_pool_t *pool = issuers->pool;
    const char *args = line->args;
    char *domain;

    while (*(domain = ap_getword_conf(pool, &args)) != '\0') {
        const struct issuer *issuer;

        ap_str_tolower(domain);
        issuer = value_domain_issuer(domain, pool);
        add_issuer(issuers, issuer->name, issuer->kind, issuer->source, NULL, line);
    }
}

static const char *issuers_json(struct config_view *view)
{
    static const char *const names[] = {"Auth0Domain", "Auth0Issuer", NULL};
    apr_array_header_t *issuers = config_json_begin(view->pool);
    struct config_order_found found;

    config_view_find(view, &found, names, view->order->sections->nelts, "the issuers");
    for (int i = 0; i < found.lines->nelts; i++) {
        const ap_directive_t *line = config_view_line(found.lines, i);
        struct config_trust_issuer issuer;

        if (config_tree_is(line, "Auth0Domain")) {
            add_domains(issuers, line);
            continue;
        }
        config_trust_read_issuer(&issuer, line, view->pool);
        add_issuer(issuers, issuer.name, issuer.kind, issuer.source, issuer.algorithms,
                   line);
    }
    return config_json_array(issuers);
}

/* The words of all lines, or what holds without any. */
static void add_list(apr_array_header_t *members, struct config_view *view,
                     const char *member, const char *name, const char *noun,
                     const char *without)
{
    const char *const names[] = {name, NULL};
    struct config_order_found found;

    config_view_find(view, &found, names, view->order->sections->nelts, noun);
    add_value(members, member,
              found.lines->nelts > 0 ? words_json(found.lines, view->pool) : without,
              config_view_last(found.lines));
}

/* The word of the last line, or NULL; says which line that is. */
static const char *find_word(const ap_directive_t **line, struct config_view *view,
                             const char *name, const char *noun)
{
    const char *const names[] = {name, NULL};
    struct config_order_found found;

    config_view_find(view, &found, names, view->order->sections->nelts, noun);
    *line = config_view_last(found.lines);
    return *line != NULL ? config_tree_first_word(*line, view->pool) : NULL;
}

static const char *default_algorithms(const struct dir_config *defaults, apr_pool_t *pool)
{
    apr_array_header_t *names = config_json_begin(pool);

    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        if ((config_algorithms(defaults) & JWA_BIT(alg)) != 0) {
            config_json_add(names, config_json_text(jwa_get(alg)->name, pool));
        }
    }
    return config_json_array(names);
}

/* Those that have one word each. */
static void add_words(apr_array_header_t *members, struct config_view *view,
                      const struct dir_config *defaults)
{
    apr_pool_t *pool = view->pool;
    const ap_directive_t *line;
    apr_interval_time_t leeway = apr_time_from_sec(config_leeway(defaults));
    const char *word = find_word(&line, view, "Auth0Leeway", "the leeway");

    if (word != NULL) {
        (void)ap_timeout_parameter_parse(word, &leeway, "s");
    }
    add_value(members, "leeway",
              apr_psprintf(pool, "%" APR_TIME_T_FMT, apr_time_sec(leeway)), line);
    word = find_word(&line, view, "Auth0TokenProfile", "the token profile");
    add_value(members, "profile", config_json_text(word != NULL ? word : "auto", pool),
              line);
    word = find_word(&line, view, "Auth0UserClaim", "the user claim");
    add_value(members, "user_claim",
              config_json_text(word != NULL ? word : config_user_claim(defaults), pool),
              line);
    word = find_word(&line, view, "Auth0ReportOnly", "Auth0ReportOnly");
    add_value(members, "report_only",
              word != NULL && ap_cstr_casecmp(word, "on") == 0 ? "true" : "false", line);
}

void config_place_add_trust(apr_array_header_t *members, struct config_view *view)
{
    const struct dir_config *defaults = config_create_dir(view->pool, NULL);

    config_json_member(members, "issuers", issuers_json(view));
    add_list(members, view, "algorithms", "Auth0Algorithms", "the algorithms",
             default_algorithms(defaults, view->pool));
    add_list(members, view, "audiences", "Auth0Audience", "the audience", "[]");
    add_list(members, view, "sources", "Auth0TokenSource", "Auth0TokenSource",
             "[\"header\"]");
    add_words(members, view, defaults);
}

/* ---- .htaccess -------------------------------------------------------------------------------- */

/* Is a file in a folder whose section lets it say something? */
static bool is_allowed(const char *path, const apr_array_header_t *lines,
                       apr_pool_t *pool)
{
    for (int i = 0; i < lines->nelts; i++) {
        const ap_directive_t *section =
            config_tree_section_of(config_view_line(lines, i));
        const char *folder =
            section != NULL ? config_tree_plain_path(section, pool) : NULL;

        if (folder == NULL || config_tree_is_path_below(path, folder)) {
            return true;
        }
    }
    return false;
}

/* Those files of this name that are in the folders down to the request's file. */
static void add_files(apr_array_header_t *files, const char *file, const char *name,
                      const apr_array_header_t *lines)
{
    apr_pool_t *pool = files->pool;

    for (const char *slash = file; slash != NULL; slash = strchr(slash + 1, '/')) {
        const char *path =
            apr_pstrcat(pool, apr_pstrmemdup(pool, file, (apr_size_t)(slash - file)), "/",
                        name, NULL);
        apr_finfo_t info;

        if (apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS &&
            info.filetype == APR_REG && is_allowed(path, lines, pool)) {
            config_json_add(files, config_json_text(path, pool));
        }
    }
}

static const char *htaccess_files(const struct config_view *view,
                                  const apr_array_header_t *lines)
{
    static const char *const names[] = {"AccessFileName", NULL};
    const char *file = view->request->file;
    apr_array_header_t *files = config_json_begin(view->pool);
    const ap_directive_t *line =
        config_view_last(config_order_lines(view->order->host, names, view->pool));
    const char *args = ".htaccess";
    const char *word;

    line = line != NULL ? line
                        : config_view_last(config_order_lines(NULL, names, view->pool));
    args = line != NULL ? line->args : args;
    while (file != NULL && *(word = ap_getword_conf(view->pool, &args)) != '\0') {
        /* Of a folder its own file counts too. */
        add_files(files, apr_pstrcat(view->pool, file, "/", NULL), word, lines);
    }
    return config_json_array(files);
}

void config_place_add_htaccess(apr_array_header_t *members, struct config_view *view)
{
    apr_array_header_t *lines = config_section_overrides(view);
    apr_array_header_t *allowed = config_json_begin(view->pool);
    apr_array_header_t *htaccess = config_json_begin(view->pool);

    for (int i = 0; i < lines->nelts; i++) {
        config_json_add(allowed, place_json(config_view_line(lines, i), view->pool));
    }
    config_json_member(htaccess, "allowed", config_json_array(allowed));
    config_json_member(htaccess, "files", htaccess_files(view, lines));
    config_json_member(members, "htaccess", config_json_object(htaccess));
}
