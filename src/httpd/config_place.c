#include "httpd/config_place.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>

#include "httpd/config.h"
#include "httpd/config_json.h"
#include "httpd/config_order.h"
#include "httpd/config_place_parts.h"
#include "httpd/config_request.h"
#include "httpd/config_section.h"
#include "httpd/config_tree.h"

#define DEFINE "DUMP_AUTH0_PLACE="

/* ---- one server ---------------------------------------------------------------------------- */

/* The names that a virtual host answers to. */
static const char *names_of(const server_rec *s, apr_pool_t *pool)
{
    apr_array_header_t *names = config_json_begin(pool);
    const apr_array_header_t *const lists[] = {s->names, s->wild_names};

    if (s->server_hostname != NULL) {
        config_json_add(names, config_json_text(s->server_hostname, pool));
    }
    for (int i = 0; i < 2; i++) {
        for (int n = 0; lists[i] != NULL && n < lists[i]->nelts; n++) {
            config_json_add(
                names, config_json_text(APR_ARRAY_IDX(lists[i], n, const char *), pool));
        }
    }
    return config_json_array(names);
}

/* Where it listens: address:port, as written. */
static const char *addresses_of(const ap_directive_t *section, apr_pool_t *pool)
{
    static const char *const listen[] = {"Listen", NULL};
    apr_array_header_t *addresses = config_json_begin(pool);
    const char *args = section != NULL ? section->args : "";
    const apr_array_header_t *lines = config_order_lines(NULL, listen, pool);
    char *word;

    while (*(word = ap_getword_conf(pool, &args)) != '\0') {
        word[strcspn(word, ">")] = '\0';
        if (*word != '\0') {
            config_json_add(addresses, config_json_text(word, pool));
        }
    }
    for (int i = 0; section == NULL && i < lines->nelts; i++) {
        word =
            apr_pstrdup(pool, config_tree_first_word(config_view_line(lines, i), pool));
        config_json_add(addresses, config_json_text(word, pool));
    }
    return config_json_array(addresses);
}

static void add_target(apr_array_header_t *members, const struct config_request *request)
{
    static const char *const targets[] = {[CONFIG_REQUEST_UNKNOWN] = "\"unknown\"",
                                          [CONFIG_REQUEST_FILE] = "\"file\"",
                                          [CONFIG_REQUEST_PROXY] = "\"proxy\""};

    config_json_member(members, "uri", config_json_text(request->uri, request->pool));
    config_json_member(members, "target", targets[request->target]);
    config_json_member(members, "file", config_json_text(request->file, request->pool));
}

/* Sections that a real request may be in too, and what they have a word in. */
static const char *exceptions_of(const struct config_view *view)
{
    apr_array_header_t *list = config_json_begin(view->pool);

    for (int i = 0; i < view->exceptions->nelts; i++) {
        const struct config_view_exception *one =
            &APR_ARRAY_IDX(view->exceptions, i, struct config_view_exception);
        apr_array_header_t *members = config_json_begin(view->pool);

        config_json_member(
            members, "section",
            config_json_text(config_tree_describe(one->section, view->pool), view->pool));
        config_json_member(
            members, "from",
            config_json_text(config_view_place(one->section, view->pool), view->pool));
        config_json_member(members, "about", config_json_text(one->nouns, view->pool));
        config_json_add(list, config_json_object(members));
    }
    return config_json_array(list);
}

static const char *host_json(server_rec *s, const ap_directive_t *section,
                             const char *path, apr_pool_t *pool)
{
    apr_array_header_t *members = config_json_begin(pool);
    struct config_request request;
    struct config_order order;
    struct config_view view;
    const char *error = config_request_init(&request, path, section, pool);

    config_json_member(members, "main", section == NULL ? "true" : "false");
    config_json_member(members, "names", s != NULL ? names_of(s, pool) : "[]");
    config_json_member(members, "addresses", addresses_of(section, pool));
    config_json_member(
        members, "from",
        config_json_text(section != NULL ? config_view_place(section, pool) : NULL,
                         pool));
    if (error != NULL) {
        config_json_member(members, "error", config_json_text(error, pool));
        return config_json_object(members);
    }
    add_target(members, &request);
    config_order_make(&order, section, pool);
    config_view_init_request(&view, &order, &request, pool);
    config_place_add_requirements(members, &view);
    config_place_add_trust(members, &view);
    config_json_member(members, "perhaps", exceptions_of(&view));
    /* Behind "perhaps": that AllowOverride may differ is of no interest there. */
    config_place_add_htaccess(members, &view);
    return config_json_object(members);
}

/* ---- all servers ------------------------------------------------------------------------------ */

/* The record that httpd made of a <VirtualHost>. */
static server_rec *find_server(server_rec *s, const ap_directive_t *section)
{
    for (s = s->next; s != NULL; s = s->next) {
        if (s->defn_name != NULL && strcmp(s->defn_name, section->filename) == 0 &&
            s->defn_line_number == (unsigned)section->line_num) {
            return s;
        }
    }
    return NULL;
}

static const char *seconds(apr_interval_time_t time, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%.3f", (double)time / APR_USEC_PER_SEC);
}

static const char *read_all(server_rec *s, const char *path, apr_pool_t *pool)
{
    const struct server_config *server = config_server();
    apr_array_header_t *members = config_json_begin(pool);
    apr_array_header_t *hosts = config_json_begin(pool);

    config_json_add(hosts, host_json(s, NULL, path, pool));
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        if (config_tree_is(d, "<VirtualHost")) {
            config_json_add(hosts, host_json(find_server(s, d), d, path, pool));
        }
    }
    config_json_member(members, "auth0_place", config_json_text(path, pool));
    config_json_member(members, "ca_file", config_json_text(server->ca_file, pool));
    config_json_member(members, "proxy", config_json_text(server->proxy, pool));
    config_json_member(members, "connect_timeout",
                       seconds(server->connect_timeout, pool));
    config_json_member(members, "total_timeout", seconds(server->total_timeout, pool));
    config_json_member(members, "hosts", config_json_array(hosts));
    return apr_pstrcat(pool, config_json_object(members), "\n", NULL);
}

static const char *find_define(void)
{
    const apr_array_header_t *defines = ap_server_config_defines;

    for (int i = 0; i < defines->nelts; i++) {
        const char *define = APR_ARRAY_IDX(defines, i, const char *);

        if (strncmp(define, DEFINE, strlen(DEFINE)) == 0) {
            return define + strlen(DEFINE);
        }
    }
    return NULL;
}

void config_place_dump(apr_pool_t *pconf, server_rec *s)
{
    const char *path = find_define();
    apr_file_t *out;
    apr_pool_t *pool;

    if (path == NULL || apr_file_open_stdout(&out, pconf) != APR_SUCCESS) {
        return;
    }
    apr_pool_create(&pool, pconf);
    apr_file_puts(read_all(s, path, pool), out);
    apr_pool_destroy(pool);
}
