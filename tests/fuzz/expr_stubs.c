#define PCRE2_CODE_UNIT_WIDTH 8

#include "expr_stubs.h"

#include <apr_strings.h>
#include <httpd.h>
#include <ap_expr.h>
#include <pcre2.h>
#include <string.h>

#include "fuzz.h"

/* Steps and nesting that one match may take. */
#define MATCH_LIMIT 20000
#define DEPTH_LIMIT 2000

const char *stub_variable = "";
bool stub_in_htaccess;

/* ---- expressions ------------------------------------------------------------------- */

bool stub_expr_is_valid(const char *text)
{
    if (stub_in_htaccess && strstr(text, "%{file:") != NULL) {
        return false;
    }
    while ((text = strstr(text, "%{")) != NULL) {
        text = strchr(text, '}');
        if (text == NULL) {
            return false;
        }
    }
    return true;
}

const char *stub_expr_value(const char *text)
{
    char *value = fuzz_room(strlen(text) * (strlen(stub_variable) + 1) + 1);
    char *out = value;

    if (strstr(text, "%{none}") != NULL || strstr(text, "%{fail}") != NULL) {
        return NULL;
    }
    while (*text != '\0') {
        if (strncmp(text, "%{", 2) != 0) {
            *out++ = *text++;
            continue;
        }
        out = memcpy(out, stub_variable, strlen(stub_variable));
        out += strlen(stub_variable);
        text = strchr(text, '}') + 1;
    }
    *out = '\0';
    return value;
}

ap_expr_info_t *ap_expr_parse_cmd_mi(const cmd_parms *cmd, const char *text,
                                     unsigned int flags, const char **error,
                                     ap_expr_lookup_fn_t *lookup, int module_index)
{
    ap_expr_info_t *info = apr_pcalloc(cmd->pool, sizeof(*info));

    (void)lookup;
    (void)module_index;
    HOLDS((flags & AP_EXPR_FLAG_STRING_RESULT) != 0);
    HOLDS(((flags & AP_EXPR_FLAG_RESTRICTED) != 0) == stub_in_htaccess);
    *error = stub_expr_is_valid(text) ? NULL : "is no expression";
    info->filename = apr_pstrdup(cmd->pool, text);
    return *error == NULL ? info : NULL;
}

const char *ap_expr_str_exec(request_rec *r, const ap_expr_info_t *info,
                             const char **error)
{
    (void)r;
    *error = strstr(info->filename, "%{fail}") != NULL ? "cannot be evaluated" : NULL;
    return stub_expr_value(info->filename);
}

/* ---- regular expressions ----------------------------------------------------------- */

/* httpd's options: AP_REG_DEFAULT. */
static pcre2_code *compile(const char *pattern)
{
    PCRE2_SIZE offset;
    int error;

    return pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                         PCRE2_DUPNAMES | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &error,
                         &offset, NULL);
}

static bool matches(const pcre2_code *code, const char *text, pcre2_match_context *limits)
{
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    int result = pcre2_match(code, (PCRE2_SPTR)text, strlen(text), 0, 0, data, limits);

    pcre2_match_data_free(data);
    return result >= 0;
}

bool stub_regex_is_valid(const char *pattern)
{
    pcre2_code *code = compile(pattern);
    bool valid = code != NULL;

    pcre2_code_free(code);
    return valid;
}

bool stub_regex_matches(const char *pattern, const char *text)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_code *code = compile(pattern);
    bool found;

    pcre2_set_match_limit(limits, MATCH_LIMIT);
    pcre2_set_depth_limit(limits, DEPTH_LIMIT);
    found = matches(code, text, limits);
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
    return found;
}

static apr_status_t free_code(void *code)
{
    pcre2_code_free(code);
    return APR_SUCCESS;
}

ap_regex_t *ap_pregcomp(apr_pool_t *pool, const char *pattern, int flags)
{
    ap_regex_t *regex = apr_pcalloc(pool, sizeof(*regex));
    uint32_t limit;

    HOLDS(flags == 0);
    regex->re_pcre = compile(pattern);
    if (regex->re_pcre == NULL) {
        return NULL;
    }
    apr_pool_cleanup_register(pool, regex->re_pcre, free_code, apr_pool_cleanup_null);
    HOLDS(pcre2_pattern_info(regex->re_pcre, PCRE2_INFO_MATCHLIMIT, &limit) == 0 &&
          limit <= MATCH_LIMIT);
    HOLDS(pcre2_pattern_info(regex->re_pcre, PCRE2_INFO_DEPTHLIMIT, &limit) == 0 &&
          limit <= DEPTH_LIMIT);
    return regex;
}

int ap_regexec(const ap_regex_t *regex, const char *text, apr_size_t groups,
               ap_regmatch_t *group, int flags)
{
    (void)group;
    HOLDS(groups == 0 && flags == 0);
    return matches(regex->re_pcre, text, NULL) ? 0 : AP_REG_NOMATCH;
}
