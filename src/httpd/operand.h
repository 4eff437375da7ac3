/**
 * @file operand.h
 * A value in a Require line of ours: a text, or an expression of httpd that gives one.
 */
#ifndef AUTH0_HTTPD_OPERAND_H
#define AUTH0_HTTPD_OPERAND_H

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>
#include <stdbool.h>

struct operand {
    const char *text;                 /**< as it was written */
    const ap_expr_info_t *expression; /**< NULL for a text that stands as it is */
};

/** A word that still holds "${" names an undefined variable; NULL when it does not. */
const char *operand_refuse_undefined(const cmd_parms *cmd, const char *provider,
                                     const char *word);

/**
 * The next word of a Require line; an empty one is a word too (see operand_read).
 *
 * @return false at the line's end
 */
bool operand_next(const char **word, const char **line, const cmd_parms *cmd);

/**
 * Read a value when the configuration is read. In an .htaccess file an expression may
 * only be one that httpd allows there.
 *
 * @param provider  the requirement, for messages
 * @return NULL, or why the value is refused
 */
const char *operand_read(struct operand *operand, const cmd_parms *cmd,
                         const char *provider, const char *text);

/** The text for this request; NULL when an expression has none to give. */
const char *operand_text(const struct operand *operand, request_rec *r);

#endif
