#include "httpd/log_items.h"

#include <apr_strings.h>
#include <mod_log_config.h>

#include "httpd/config_tree.h"
#include "httpd/judgement.h"
#include "httpd/module.h"

#define TAG "^AJ"
#define KNOWN "decision, reason, issuer and cache"

/* NULL, which is logged as "-", where a request was not judged. */
typedef const char *item_value(struct judgement judgement, apr_pool_t *pool);

static const char *decision(struct judgement judgement, apr_pool_t *pool)
{
    (void)pool;
    switch (judgement.kind) {
    case JUDGEMENT_NONE:
        break;
    case JUDGEMENT_ACCEPTED:
        return "accepted";
    case JUDGEMENT_REPORTED:
        return "reported";
    case JUDGEMENT_REFUSED:
        return "refused";
    }
    return NULL;
}

static const char *reason(struct judgement judgement, apr_pool_t *pool)
{
    return judgement.kind == JUDGEMENT_REFUSED || judgement.kind == JUDGEMENT_REPORTED
               ? reason_name(judgement.reason)
               : decision(judgement, pool);
}

static const char *issuer(struct judgement judgement, apr_pool_t *pool)
{
    return judgement.kind != JUDGEMENT_NONE && judgement.issuer != NULL
               ? ap_escape_logitem(pool, judgement.issuer)
               : NULL;
}

static const char *cache(struct judgement judgement, apr_pool_t *pool)
{
    (void)pool;
    return judgement.kind == JUDGEMENT_NONE || judgement.cache == CACHE_UNUSED ? NULL
           : judgement.cache == CACHE_HIT                                      ? "hit"
                                                                               : "miss";
}

static const struct item {
    const char *name;
    item_value *value;
} items[] = {
    {"decision", decision},
    {"reason", reason},
    {"issuer", issuer},
    {"cache", cache},
};

static const struct item *find_item(const char *name)
{
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        if (strcmp(items[i].name, name) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

/* An ap_log_handler_fn_t. */
static const char *log_item(request_rec *r, char *name)
{
    const struct item *item = find_item(name);

    return item != NULL ? item->value(judgement_of(r), r->pool) : NULL;
}

int log_items_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);
    static char tag[] = TAG; /* httpd's declaration is not const */

    (void)plog;
    (void)ptemp;
    if (add != NULL) {
        add(pconf, tag, log_item, 0);
    }
    return OK;
}

/* mod_log_config calls an item whatever stands in its braces. */
void log_items_check(const ap_directive_t *d, server_rec *s, apr_pool_t *pool)
{
    const char *end = d->args;

    if (!config_tree_is(d, "LogFormat") && !config_tree_is(d, "CustomLog") &&
        !config_tree_is(d, "GlobalLog") && !config_tree_is(d, "TransferLog")) {
        return;
    }
    while ((end = ap_strstr_c(end, TAG)) != NULL) {
        const char *begin = end;
        const char *name = "";

        if (end > d->args && end[-1] == '}') {
            while (begin > d->args && *begin != '{') {
                begin--;
            }
            name = apr_pstrmemdup(pool, begin + 1, (apr_size_t)(end - begin - 2));
        }
        if (find_item(name) == NULL) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                         "line %d of %s: %%{%s}" TAG " is always empty: there are " KNOWN
                         ", as in %%{reason}" TAG,
                         d->line_num, d->filename, name);
        }
        end += strlen(TAG);
    }
}
