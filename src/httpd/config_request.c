#include "httpd/config_request.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <http_core.h>

#include "httpd/config_order.h"
#include "httpd/config_tree.h"

/* ---- where a path leads ------------------------------------------------------------------ */

static const char *read_path(struct config_request *request, const char *path)
{
    char *uri = apr_pstrmemdup(request->pool, path, strcspn(path, "?#"));

    if (*uri != '/') {
        return "a path begins with a slash";
    }
    if (ap_unescape_url(uri) != OK) {
        return "the path has a percent sign that encodes nothing, or a slash or NUL";
    }
    ap_getparents(uri);
    ap_no2slash(uri);
    request->uri = uri;
    return NULL;
}

static apr_array_header_t *lines_of(const ap_directive_t *level, const char *name,
                                    apr_pool_t *pool)
{
    const char *const names[] = {name, NULL};

    return config_order_lines(level, names, pool);
}

static const ap_directive_t *line_at(const apr_array_header_t *lines, int i)
{
    return APR_ARRAY_IDX(lines, i, const ap_directive_t *);
}

/* Does a line's pattern match the path? Sets what it makes of it. */
static bool match_line(const char **to, const struct config_request *request,
                       const ap_directive_t *line)
{
    apr_pool_t *pool = request->pool;
    ap_regmatch_t groups[AP_MAX_REG_MATCH];
    const char *args = line->args;
    ap_regex_t *regex = ap_pregcomp(pool, ap_getword_conf(pool, &args), AP_REG_EXTENDED);

    if (regex == NULL ||
        ap_regexec(regex, request->uri, AP_MAX_REG_MATCH, groups, 0) != 0) {
        return false;
    }
    *to = ap_pregsub(pool, ap_getword_conf(pool, &args), request->uri, AP_MAX_REG_MATCH,
                     groups);
    return *to != NULL;
}

/* Is there anything in this level that may send the path anywhere? */
static bool leads_anywhere(const struct config_request *request,
                           const ap_directive_t *level)
{
    static const char *const names[] = {"RewriteRule", "VirtualDocumentRoot",
                                        "VirtualDocumentRootIP", "VirtualScriptAlias",
                                        NULL};
    apr_array_header_t *lines = lines_of(level, "ProxyPassMatch", request->pool);
    const char *to;

    for (int i = 0; i < lines->nelts; i++) {
        if (match_line(&to, request, line_at(lines, i))) {
            return true;
        }
    }
    return config_order_lines(level, names, request->pool)->nelts > 0;
}

/* ProxyPass /path URL: the first line that holds the path; ! keeps it here. */
static const char *proxied_to(const struct config_request *request,
                              const ap_directive_t *level)
{
    apr_array_header_t *lines = lines_of(level, "ProxyPass", request->pool);

    for (int i = 0; i < lines->nelts; i++) {
        const char *args = line_at(lines, i)->args;
        const char *base = ap_getword_conf(request->pool, &args);

        if (strncmp(request->uri, base, strlen(base)) == 0) {
            return ap_getword_conf(request->pool, &args);
        }
    }
    return NULL;
}

/* Alias /path folder: what the path becomes, or NULL. */
static const char *aliased_to(const struct config_request *request,
                              const ap_directive_t *line)
{
    const char *args = line->args;
    const char *base = ap_getword_conf(request->pool, &args);
    const char *to = ap_getword_conf(request->pool, &args);
    size_t len = strlen(base);

    /* Alias /a/ /folder/ leaves /a alone. */
    if (!config_tree_is_path_below(request->uri, base) ||
        (base[len - 1] == '/' && strncmp(request->uri, base, len) != 0)) {
        return NULL;
    }
    return apr_pstrcat(request->pool, to, request->uri + len, NULL);
}

/* Of all lines the first that fits. */
static bool find_alias(struct config_request *request, const ap_directive_t *level)
{
    static const char *const names[] = {"Alias", "ScriptAlias", "AliasMatch",
                                        "ScriptAliasMatch", NULL};
    apr_array_header_t *lines = config_order_lines(level, names, request->pool);

    for (int i = 0; i < lines->nelts; i++) {
        const ap_directive_t *line = line_at(lines, i);
        const char *to = NULL;

        if (config_tree_is(line, "AliasMatch") ||
            config_tree_is(line, "ScriptAliasMatch")) {
            (void)match_line(&to, request, line);
        }
        else {
            to = aliased_to(request, line);
        }
        if (to != NULL) {
            request->file = ap_server_root_relative(request->pool, to);
            return true;
        }
    }
    return false;
}

static bool find_document(struct config_request *request, const ap_directive_t *level)
{
    apr_array_header_t *lines = lines_of(level, "DocumentRoot", request->pool);
    const char *root;

    if (lines->nelts == 0) {
        return false;
    }
    root = config_tree_first_word(line_at(lines, lines->nelts - 1), request->pool);
    root = ap_server_root_relative(request->pool, root);
    request->file = apr_pstrcat(request->pool, root, request->uri, NULL);
    return true;
}

/* A <Location> that the path is in may lead elsewhere too. */
static bool find_in_sections(struct config_request *request, const ap_directive_t *level)
{
    bool found = false;

    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        static const char *const others[] = {"Alias", "ScriptAlias", NULL};

        if ((!config_tree_is(d, "<Location") && !config_tree_is(d, "<LocationMatch")) ||
            config_request_in(request, d) == CONFIG_REQUEST_OUTSIDE) {
            continue;
        }
        if (lines_of(d, "ProxyPass", request->pool)->nelts > 0) {
            request->target = CONFIG_REQUEST_PROXY;
            found = true;
        }
        else if (config_order_lines(d, others, request->pool)->nelts > 0) {
            found = true; /* to a target that stays unknown */
        }
    }
    return found;
}

/*
 * httpd takes the first part of the path that is no folder for the file: of /page.php/more
 * that is page.php, of /folder/nothing/more it is nothing.
 */
static void look_at_file(struct config_request *request)
{
    char *path = apr_pstrdup(request->pool, request->file);
    const char *missing = NULL;
    apr_finfo_t info;
    char *slash;

    ap_no2slash(path);
    request->file = apr_pstrdup(request->pool, path);
    while (apr_stat(&info, path, APR_FINFO_TYPE, request->pool) != APR_SUCCESS) {
        slash = strrchr(path, '/');
        if (slash == NULL || slash == path) {
            return;
        }
        missing = apr_pstrdup(request->pool, slash + 1);
        *slash = '\0';
    }
    if (info.filetype == APR_REG) {
        request->file = path;
        request->name = strrchr(path, '/') + 1;
    }
    else if (missing != NULL && *missing != '\0') {
        request->file = apr_pstrcat(request->pool, path, "/", missing, NULL);
        request->name = missing;
    }
}

static void find_target(struct config_request *request, const ap_directive_t *host)
{
    const char *to;

    if (find_in_sections(request, ap_conftree) ||
        (host != NULL && find_in_sections(request, host->first_child))) {
        return;
    }
    to = host != NULL ? proxied_to(request, host) : NULL;
    to = to != NULL ? to : proxied_to(request, NULL);
    if (to != NULL && strcmp(to, "!") != 0) {
        request->target = CONFIG_REQUEST_PROXY;
        return;
    }
    if (leads_anywhere(request, host) || strncmp(request->uri, "/~", 2) == 0) {
        return;
    }
    if ((host != NULL && find_alias(request, host)) || find_alias(request, NULL) ||
        (host != NULL && find_document(request, host)) || find_document(request, NULL)) {
        request->target = CONFIG_REQUEST_FILE;
        look_at_file(request);
    }
}

const char *config_request_init(struct config_request *request, const char *path,
                                const ap_directive_t *host, apr_pool_t *pool)
{
    const char *error;

    memset(request, 0, sizeof(*request));
    request->pool = pool;
    error = read_path(request, path);
    if (error == NULL) {
        find_target(request, host);
    }
    return error;
}

/* ---- which sections it is in --------------------------------------------------------------- */

static enum config_request_place yes(bool inside)
{
    return inside ? CONFIG_REQUEST_INSIDE : CONFIG_REQUEST_OUTSIDE;
}

/* <Location ~ "..."> is a <LocationMatch "...">: then the pattern is the second word. */
static const char *pattern_of(bool *regex, const ap_directive_t *section,
                              apr_pool_t *pool)
{
    const char *args = section->args;
    char *word = ap_getword_conf(pool, &args);
    size_t len;

    *regex = strcmp(word, "~") == 0;
    if (*regex) {
        word = ap_getword_conf(pool, &args);
    }
    len = strlen(word);
    if (len > 0 && word[len - 1] == '>') {
        word[len - 1] = '\0';
    }
    return word;
}

static enum config_request_place matches(const char *regex, const char *text,
                                         apr_pool_t *pool)
{
    ap_regex_t *compiled = ap_pregcomp(pool, regex, AP_REG_EXTENDED);

    return compiled == NULL ? CONFIG_REQUEST_PERHAPS
                            : yes(ap_regexec(compiled, text, 0, NULL, 0) == 0);
}

/* As ap_location_walk compares. */
static enum config_request_place in_location(const struct config_request *request,
                                             const char *path)
{
    size_t len = strlen(path);

    if (apr_fnmatch_test(path)) {
        return yes(apr_fnmatch(path, request->uri, APR_FNM_PATHNAME) == APR_SUCCESS);
    }
    return yes(strncmp(request->uri, path, len) == 0 &&
               (len == 0 || path[len - 1] == '/' || request->uri[len] == '/' ||
                request->uri[len] == '\0'));
}

static enum config_request_place in_folder(const struct config_request *request,
                                           const char *path)
{
    if (request->target == CONFIG_REQUEST_PROXY) {
        return CONFIG_REQUEST_OUTSIDE;
    }
    if (request->target == CONFIG_REQUEST_UNKNOWN || apr_fnmatch_test(path)) {
        /* Every path of this machine is in the folder of all. */
        return strcmp(path, "/") == 0 ? CONFIG_REQUEST_INSIDE : CONFIG_REQUEST_PERHAPS;
    }
    return yes(config_tree_is_path_below(request->file, path));
}

static enum config_request_place in_named(const char *name, const char *pattern,
                                          bool regex, apr_pool_t *pool)
{
    return regex ? matches(pattern, name, pool)
                 : yes(apr_fnmatch(pattern, name, 0) == APR_SUCCESS);
}

/* Of a folder, a file of one of these names may be what is served. */
static bool may_be_index(const char *pattern, bool regex, const ap_directive_t *level,
                         apr_pool_t *pool)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        const char *args = d->args;
        const char *word;

        while (config_tree_is(d, "DirectoryIndex") &&
               *(word = ap_getword_conf(pool, &args)) != '\0') {
            if (in_named(word, pattern, regex, pool) != CONFIG_REQUEST_OUTSIDE) {
                return true;
            }
        }
        if (may_be_index(pattern, regex, d->first_child, pool)) {
            return true;
        }
    }
    return false;
}

static enum config_request_place in_files(const struct config_request *request,
                                          const char *pattern, bool regex)
{
    if (request->target == CONFIG_REQUEST_UNKNOWN) {
        return CONFIG_REQUEST_PERHAPS;
    }
    if (request->target == CONFIG_REQUEST_PROXY) {
        return in_named(strrchr(request->uri, '/') + 1, pattern, regex, request->pool);
    }
    if (request->name != NULL) {
        return in_named(request->name, pattern, regex, request->pool);
    }
    return in_named("index.html", pattern, regex, request->pool) !=
                       CONFIG_REQUEST_OUTSIDE ||
                   may_be_index(pattern, regex, ap_conftree, request->pool)
               ? CONFIG_REQUEST_PERHAPS
               : CONFIG_REQUEST_OUTSIDE;
}

static enum config_request_place in_one(const struct config_request *request,
                                        const ap_directive_t *section)
{
    bool regex;
    const char *pattern = pattern_of(&regex, section, request->pool);

    if (config_tree_is(section, "<LocationMatch") ||
        (regex && config_tree_is(section, "<Location"))) {
        return matches(pattern, request->uri, request->pool);
    }
    if (config_tree_is(section, "<Location")) {
        return in_location(request, pattern);
    }
    if (config_tree_is(section, "<Directory") && !regex) {
        return in_folder(request, pattern);
    }
    if (config_tree_is(section, "<Files") || config_tree_is(section, "<FilesMatch")) {
        return in_files(request, pattern,
                        regex || config_tree_is(section, "<FilesMatch"));
    }
    if ((config_tree_is(section, "<Proxy") || config_tree_is(section, "<ProxyMatch")) &&
        request->target == CONFIG_REQUEST_FILE) {
        return CONFIG_REQUEST_OUTSIDE;
    }
    return CONFIG_REQUEST_PERHAPS;
}

enum config_request_place config_request_in(const struct config_request *request,
                                            const ap_directive_t *section)
{
    enum config_request_place place = CONFIG_REQUEST_INSIDE;

    for (; section != NULL; section = config_tree_section_of(section)) {
        enum config_request_place one = in_one(request, section);

        place = one < place ? one : place;
    }
    return place;
}
