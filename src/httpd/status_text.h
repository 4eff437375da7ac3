/**
 * @file status_text.h
 * Text for the status page and its other forms: what comes from issuers and from the
 * configuration made harmless, and numbers and times in words.
 */
#ifndef AUTH0_HTTPD_STATUS_TEXT_H
#define AUTH0_HTTPD_STATUS_TEXT_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdint.h>

/**
 * The text as UTF-8 without control characters: each byte that is none of it becomes
 * U+FFFD. To be done once, before the text is escaped for any form.
 */
const char *status_text_clean(const char *text, apr_pool_t *pool);

/** For the content and the quoted attributes of HTML: & < > " and ' escaped. */
const char *status_text_html(const char *clean, apr_pool_t *pool);

/** As a JSON string with its quotes; null for NULL. */
const char *status_text_json(const char *clean, apr_pool_t *pool);

/** For the quoted value of a Prometheus label: \ and " escaped. */
const char *status_text_label(const char *clean, apr_pool_t *pool);

/** 1234567 with narrow spaces (U+202F) between thousands. */
const char *status_text_number(uint64_t number, apr_pool_t *pool);

/**
 * "0 s", "45 s", "3 min", "2 h", "4 d": in the largest unit of which there
 * are two at least, rounded.
 */
const char *status_text_duration(apr_interval_time_t time, apr_pool_t *pool);

/** The moment as 2026-11-22T14:13:20Z. */
const char *status_text_moment(apr_time_t time, apr_pool_t *pool);

/** Part of whole in percent with one digit, such as "97.2 %"; "–" of nothing. */
const char *status_text_share(uint64_t part, uint64_t whole, apr_pool_t *pool);

#endif
