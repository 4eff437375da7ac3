#include "httpd/config_page.h"

#include <string.h>

#define WIDTH 100
#define LABEL_WIDTH 15
#define STEP 2

void config_page_init(struct config_page *page, apr_pool_t *pool)
{
    page->pool = pool;
    page->lines = apr_array_make(pool, 32, sizeof(const char *));
}

static const char *spaces(int count, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%*s", count, "");
}

/* How much of a text fits: up to its last space within the room, else its first. */
static size_t break_at(const char *text, size_t room)
{
    size_t len = strlen(text);
    size_t last = 0;

    if (len <= room) {
        return len;
    }
    for (size_t i = 1; i < len && (i <= room || last == 0); i++) {
        if (text[i] == ' ') {
            last = i;
        }
    }
    return last > 0 ? last : len;
}

/* The first line begins with what is given, and so wide are the spaces of the others. */
static void add_broken(struct config_page *page, const char *begin, int deeper,
                       const char *text)
{
    while (*text != '\0') {
        size_t used = strlen(begin);
        size_t len = break_at(text, used < WIDTH ? WIDTH - used : 1);

        APR_ARRAY_PUSH(page->lines, const char *) =
            apr_pstrcat(page->pool, begin, apr_pstrmemdup(page->pool, text, len), NULL);
        text += len + strspn(text + len, " ");
        begin = spaces((int)used + deeper, page->pool);
        deeper = 0;
    }
}

void config_page_add(struct config_page *page, int indent, const char *text)
{
    if (*text == '\0') {
        APR_ARRAY_PUSH(page->lines, const char *) = "";
        return;
    }
    add_broken(page, spaces(indent, page->pool), 2 * STEP, text);
}

void config_page_field(struct config_page *page, int indent, const char *label, int depth,
                       const char *value, const char *note)
{
    size_t column = (size_t)indent + LABEL_WIDTH + (size_t)depth * STEP;
    const char *begin =
        apr_psprintf(page->pool, "%*s%-*s%s", indent, "", (int)column - indent, label,
                     strlen(label) >= LABEL_WIDTH ? "  " : "");

    if (note != NULL && column + strlen(value) + 2 + strlen(note) <= WIDTH) {
        value = apr_pstrcat(page->pool, value, "  ", note, NULL);
        note = NULL;
    }
    add_broken(page, begin, STEP, value);
    if (note != NULL) {
        add_broken(page, spaces((int)column + STEP, page->pool), STEP, note);
    }
}

void config_page_append(struct config_page *page, const struct config_page *more)
{
    apr_array_cat(page->lines, more->lines);
}

const char *config_page_text(const struct config_page *page)
{
    const char *text = apr_array_pstrcat(page->pool, page->lines, '\n');

    return *text != '\0' ? apr_pstrcat(page->pool, text, "\n", NULL) : text;
}
