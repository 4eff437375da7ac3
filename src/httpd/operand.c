#include "httpd/operand.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "httpd/config_values.h"
#include "httpd/module.h"

const char *operand_refuse_undefined(const cmd_parms *cmd, const char *provider,
                                     const char *word)
{
    return strstr(word, "${") == NULL
               ? NULL
               : apr_pstrcat(cmd->pool, "Require ", provider, ": \"", word,
                             "\" names a variable that is not defined", NULL);
}

bool operand_next(const char **word, const char **line, const cmd_parms *cmd)
{
    while (apr_isspace(**line)) {
        (*line)++;
    }
    if (**line == '\0') {
        return false;
    }
    *word = ap_getword_conf(cmd->temp_pool, line);
    return true;
}

const char *operand_read(struct operand *operand, const cmd_parms *cmd,
                         const char *provider, const char *text)
{
    unsigned flags = AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY;
    const char *error = operand_refuse_undefined(cmd, provider, text);

    if (error != NULL) {
        return error;
    }
    if (*text == '\0') {
        return apr_pstrcat(cmd->pool, "Require ", provider, ": \"\" is an empty word",
                           NULL);
    }
    operand->text = apr_pstrdup(cmd->pool, text);
    operand->expression = NULL;
    if (strstr(text, "%{") == NULL) {
        return NULL;
    }
    if (value_in_htaccess(cmd)) {
        flags |= AP_EXPR_FLAG_RESTRICTED;
    }
    operand->expression = ap_expr_parse_cmd(cmd, text, flags, &error, NULL);
    return error != NULL ? apr_pstrcat(cmd->pool, "Require ", provider, ": \"", text,
                                       "\" ", error, NULL)
                         : NULL;
}

const char *operand_text(const struct operand *operand, request_rec *r)
{
    const char *error = NULL;
    const char *text;

    if (operand->expression == NULL) {
        return operand->text;
    }
    text = ap_expr_str_exec(r, operand->expression, &error);
    if (error != NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "Require: cannot evaluate \"%s\": %s",
                      operand->text, error);
        return NULL;
    }
    /* An empty text is what undefined variables give: nobody means that. */
    return text != NULL && *text != '\0' ? text : NULL;
}
