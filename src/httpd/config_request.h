/**
 * @file config_request.h
 * One request's way through the sections, as far as the configuration can tell: its
 * path, the file that it leads to, and which sections it is in.
 *
 * For the hooks that run while the configuration is read; nothing is served. What only a
 * real request could decide (a rewrite, an <If>, an index file) is left open.
 */
#ifndef AUTH0_HTTPD_CONFIG_REQUEST_H
#define AUTH0_HTTPD_CONFIG_REQUEST_H

#include <httpd.h>
#include <http_config.h>

/** What stands behind a path. */
enum config_request_target {
    CONFIG_REQUEST_UNKNOWN, /**< a rewrite or another pattern may lead it anywhere */
    CONFIG_REQUEST_FILE,    /**< a file or folder, which need not exist */
    CONFIG_REQUEST_PROXY    /**< another server: no folder of this one */
};

struct config_request {
    const char *uri; /**< decoded, as sections are compared with it */
    enum config_request_target target;
    const char *file; /**< absolute; NULL unless CONFIG_REQUEST_FILE */
    const char *name; /**< the file's last part; NULL of a folder */
    apr_pool_t *pool;
};

/** Is it in a section? */
enum config_request_place {
    CONFIG_REQUEST_OUTSIDE,
    CONFIG_REQUEST_PERHAPS,
    CONFIG_REQUEST_INSIDE
};

/**
 * Find where a path leads.
 *
 * @param path  as in a URL: encoded, a query behind it is ignored
 * @param host  the virtual host, NULL for the main server
 * @return NULL, or why this is no path
 */
const char *config_request_init(struct config_request *request, const char *path,
                                const ap_directive_t *host, apr_pool_t *pool);

/** Whether it is in a section and in all that stand around that. */
enum config_request_place config_request_in(const struct config_request *request,
                                            const ap_directive_t *section);

#endif
