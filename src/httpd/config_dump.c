#include "httpd/config_dump.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <stdbool.h>

#include "httpd/config_order.h"
#include "httpd/config_page.h"
#include "httpd/config_section.h"
#include "httpd/config_tree.h"
#include "httpd/config_view.h"

#define DEFINE "DUMP_AUTH0"
#define INDENT 4

/* One of the servers that httpd makes of the configuration. */
struct host {
    struct config_order order;
    bool asks; /* for a token, somewhere */
    struct config_page page;
};

/* ---- sections ------------------------------------------------------------------------------- */

static bool add_level(struct config_page *page, int indent,
                      const struct config_order *order, const ap_directive_t *level);

/* A section at the left, with an empty line before it. */
static void add_block(struct config_page *page, const struct config_page *block)
{
    if (page->lines->nelts > 0 && block->lines->nelts > 0) {
        config_page_add(page, 0, "");
    }
    config_page_append(page, block);
}

/* A section and those inside of it, if there is anything to say; returns who asks. */
static bool add_section(struct config_page *page, int indent,
                        const struct config_order *order, const ap_directive_t *section)
{
    struct config_page inside;
    bool asks = false;

    config_page_init(&inside, page->pool);
    if (config_section_concerns_us(order, section, page->pool)) {
        asks = config_section_add(&inside, indent + INDENT, order, section);
    }
    else if (config_section_allows_htaccess(section, page->pool)) {
        config_page_add(&inside, indent + INDENT,
                        "Files .htaccess may protect places here.");
    }
    asks = add_level(&inside, indent + INDENT, order, section->first_child) || asks;
    if (inside.lines->nelts > 0) {
        config_page_add(page, indent, config_view_describe(section, page->pool));
        config_page_append(page, &inside);
    }
    return asks;
}

static bool add_level(struct config_page *page, int indent,
                      const struct config_order *order, const ap_directive_t *level)
{
    bool asks = false;

    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        struct config_page block;

        if (config_order_is_section(d)) {
            config_page_init(&block, page->pool);
            asks = add_section(&block, indent, order, d) || asks;
            add_block(page, &block);
        }
    }
    return asks;
}

/* ---- servers ---------------------------------------------------------------------------------- */

/* The main server's sections serve a virtual host too, with its values for what is unset. */
static void add_of_main_server(struct host *host, const struct config_order *main_order)
{
    apr_pool_t *pool = host->page.pool;

    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        struct config_page here;
        struct config_page there;

        if (!config_order_is_section(d)) {
            continue;
        }
        config_page_init(&here, pool);
        config_page_init(&there, pool);
        host->asks = add_section(&here, INDENT, &host->order, d) || host->asks;
        (void)add_section(&there, INDENT, main_order, d);
        if (here.lines->nelts == 0) {
            continue;
        }
        if (strcmp(config_page_text(&here), config_page_text(&there)) == 0) {
            config_page_init(&here, pool);
            config_page_add(&here, INDENT, config_view_describe(d, pool));
            config_page_add(&here, 2 * INDENT, "as in the main server");
        }
        add_block(&host->page, &here);
    }
}

static void read_host(struct host *host, const ap_directive_t *section,
                      const struct config_order *main_order, apr_pool_t *pool)
{
    const ap_directive_t *level = section != NULL ? section->first_child : ap_conftree;

    config_page_init(&host->page, pool);
    host->asks = false;
    config_order_make(&host->order, section, pool);
    if (section != NULL) {
        add_of_main_server(host, main_order);
    }
    host->asks = add_level(&host->page, INDENT, &host->order, level) || host->asks;
}

/* The record that httpd made of a <VirtualHost>. */
static const server_rec *find_server(const server_rec *s, const ap_directive_t *section)
{
    for (; s != NULL; s = s->next) {
        if (s->defn_name != NULL && strcmp(s->defn_name, section->filename) == 0 &&
            s->defn_line_number == (unsigned)section->line_num) {
            return s;
        }
    }
    return NULL;
}

static const char *name_of(const server_rec *s)
{
    return s != NULL && s->server_hostname != NULL ? s->server_hostname
                                                   : "without a name";
}

/* The main server has no place of its own, but those where it listens. */
static void add_main_title(struct config_page *page, const server_rec *s)
{
    static const char *const names[] = {"Listen", NULL};
    const apr_array_header_t *listens = config_order_lines(NULL, names, page->pool);

    config_page_add(page, 0, apr_pstrcat(page->pool, "Main server ", name_of(s), NULL));
    for (int i = 0; i < listens->nelts; i++) {
        const ap_directive_t *line = config_view_line(listens, i);

        config_page_add(page, 0,
                        apr_psprintf(page->pool, "  Listen %s  (%s)", line->args,
                                     config_view_place(line, page->pool)));
    }
}

static void add_title(struct config_page *page, const server_rec *s,
                      const ap_directive_t *section)
{
    if (section == NULL) {
        add_main_title(page, s);
        return;
    }
    config_page_add(page, 0,
                    apr_psprintf(page->pool, "Virtual host %s, %s",
                                 name_of(find_server(s, section)),
                                 config_view_describe(section, page->pool)));
}

static void add_host(struct config_page *page, const server_rec *s,
                     const struct host *host)
{
    config_page_add(page, 0, "");
    add_title(page, s, host->order.host);
    if (!host->asks) {
        config_page_add(page, INDENT, "nothing here asks for a token");
        if (host->page.lines->nelts > 0) {
            config_page_add(page, 0, "");
        }
    }
    config_page_append(page, &host->page);
}

static const char *read_all(const server_rec *s, apr_pool_t *pool)
{
    struct config_page page;
    struct config_page hosts;
    struct host main_server;
    bool asks;
    bool says;

    config_page_init(&page, pool);
    config_page_init(&hosts, pool);
    read_host(&main_server, NULL, NULL, pool);
    asks = main_server.asks;
    says = main_server.page.lines->nelts > 0;
    add_host(&hosts, s, &main_server);
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        struct host host;

        if (config_tree_is(d, "<VirtualHost")) {
            read_host(&host, d, &main_server.order, pool);
            asks = asks || host.asks;
            says = says || host.page.lines->nelts > 0;
            add_host(&hosts, s, &host);
        }
    }
    config_page_add(
        &page, 0,
        asks ? "What asks for an Auth0 access token:"
             : "Nothing in this configuration asks for an Auth0 access token.");
    if (says) {
        config_page_append(&page, &hosts);
    }
    return config_page_text(&page);
}

void config_dump(apr_pool_t *pconf, server_rec *s)
{
    apr_file_t *out;
    apr_pool_t *pool;

    if (!ap_exists_config_define(DEFINE) ||
        apr_file_open_stdout(&out, pconf) != APR_SUCCESS) {
        return;
    }
    apr_pool_create(&pool, pconf);
    apr_file_puts(read_all(s, pool), out);
    apr_pool_destroy(pool);
}
