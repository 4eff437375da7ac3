#include "httpd/status_text.h"

#include <apr_strings.h>
#include <httpd.h>
#include <string.h>

#include "token/json.h"
#include "token/json_scan.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define NARROW_SPACE "\xe2\x80\xaf"
#define EN_DASH "\xe2\x80\x93"

const char *status_text_clean(const char *text, apr_pool_t *pool)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + strlen(text);
    char *clean = apr_palloc(pool, (size_t)(end - p) * strlen(REPLACEMENT) + 1);
    char *out = clean;

    while (p < end) {
        unsigned len = utf8_sequence(p, end);
        /* C1 controls are U+0080 to U+009F. */
        bool control = *p < 0x20 || *p == 0x7f || (len == 2 && *p == 0xc2 && p[1] < 0xa0);

        if (len == 0 || control) {
            memcpy(out, REPLACEMENT, strlen(REPLACEMENT));
            out += strlen(REPLACEMENT);
            p += len > 0 ? len : 1;
            continue;
        }
        memcpy(out, p, len);
        out += len;
        p += len;
    }
    *out = '\0';
    return clean;
}

/* Each of the characters replaced by the text of the same place. */
static const char *escape(const char *text, const char *special,
                          const char *const replacement[], apr_pool_t *pool)
{
    const char *escaped = "";

    for (;;) {
        size_t plain = strcspn(text, special);

        escaped = apr_pstrcat(pool, escaped, apr_pstrmemdup(pool, text, plain), NULL);
        text += plain;
        if (*text == '\0') {
            return escaped;
        }
        escaped = apr_pstrcat(pool, escaped,
                              replacement[strchr(special, *text) - special], NULL);
        text++;
    }
}

const char *status_text_html(const char *clean, apr_pool_t *pool)
{
    static const char *const replacement[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

    return escape(clean, "&<>\"'", replacement, pool);
}

const char *status_text_json(const char *clean, apr_pool_t *pool)
{
    return clean != NULL ? json_quote(clean, pool) : "null";
}

const char *status_text_label(const char *clean, apr_pool_t *pool)
{
    static const char *const replacement[] = {"\\\\", "\\\""};

    return escape(clean, "\\\"", replacement, pool);
}

const char *status_text_number(uint64_t number, apr_pool_t *pool)
{
    const char *digits = apr_psprintf(pool, "%" APR_UINT64_T_FMT, number);
    size_t len = strlen(digits);
    size_t head = (len - 1) % 3 + 1;
    const char *text = apr_pstrmemdup(pool, digits, head);

    for (size_t i = head; i < len; i += 3) {
        text = apr_pstrcat(pool, text, NARROW_SPACE, apr_pstrmemdup(pool, digits + i, 3),
                           NULL);
    }
    return text;
}

const char *status_text_duration(apr_interval_time_t time, apr_pool_t *pool)
{
    static const struct {
        apr_time_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    apr_time_t seconds = apr_time_sec(time + APR_USEC_PER_SEC / 2);
    size_t i = 0;

    while (units[i].seconds > 1 && seconds < 2 * units[i].seconds) {
        i++;
    }
    return apr_psprintf(pool, "%" APR_TIME_T_FMT " %s",
                        (seconds + units[i].seconds / 2) / units[i].seconds,
                        units[i].name);
}

const char *status_text_moment(apr_time_t time, apr_pool_t *pool)
{
    return ap_ht_time(pool, time, "%Y-%m-%dT%H:%M:%SZ", 1);
}

const char *status_text_share(uint64_t part, uint64_t whole, apr_pool_t *pool)
{
    if (whole == 0) {
        return EN_DASH;
    }
    return apr_psprintf(pool, "%.1f %%", 100.0 * (double)part / (double)whole);
}
