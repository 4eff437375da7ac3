#include "issuer/state_dir.h"

#include <apr_strings.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"
#include "token/jwk.h"

#define FETCHED apr_time_from_sec(1700000000)
#define DOCUMENT "{\"keys\":[]}\n"

static const struct jwks_source source = {"https://a/", "https://a/jwks.json", "/ca.pem"};

static char folder[] = "/tmp/test_state_dir.XXXXXX";
static char why[STATE_DIR_WHY_SIZE];

static const char *path_of(const char *name)
{
    return apr_pstrcat(pool, folder, "/", name, NULL);
}

/* The names in the folder, sorted by nothing; returns how many. */
static size_t list(const char **names, size_t max)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && count < max) {
            names[count++] = apr_pstrdup(pool, entry->d_name);
        }
    }
    closedir(dir);
    return count;
}

/* Also called outside of tests, so nothing is asserted. */
static void clear_folder(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0) {
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    chmod(folder, 0700);
}

static bool save(const char *text)
{
    return state_dir_save(why, folder, &source, text, strlen(text), FETCHED);
}

static bool load(void)
{
    apr_time_t fetched = 0;
    char *text = NULL;
    size_t len = 0;
    bool loaded = state_dir_load(&text, &len, &fetched, why, folder, &source);

    ck_assert(loaded == (text != NULL));
    if (loaded) {
        ck_assert_int_eq(fetched, FETCHED);
        ck_assert_uint_eq(len, strlen(DOCUMENT));
        ck_assert_mem_eq(text, DOCUMENT, len);
    }
    free(text);
    return loaded;
}

/* The path of the one file, saved anew. */
static const char *saved_file(void)
{
    const char *name;

    clear_folder();
    ck_assert_msg(save(DOCUMENT), "%s", why);
    ck_assert_uint_eq(list(&name, 1), 1);
    return path_of(name);
}

static char *content_of(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *data = apr_palloc(pool, 4096);

    ck_assert_ptr_nonnull(file);
    *len = fread(data, 1, 4096, file);
    fclose(file);
    return data;
}

static void put_content(const char *path, const char *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, len, file), len);
    fclose(file);
}

static void assert_absent(const char *words)
{
    ck_assert_msg(!load(), "%s: read all the same", words);
    ck_assert_msg(strstr(why, words) != NULL && strstr(why, folder) != NULL,
                  "\"%s\" does not say \"%s\"", why, words);
}

START_TEST(reads_back_what_it_wrote)
{
    const char *path;
    const char *names[2];
    struct stat info;

    clear_folder();
    ck_assert(!load());
    ck_assert_str_eq(why, "");
    path = saved_file();
    ck_assert(load());
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0600);

    /* Once more, over the old one. */
    ck_assert(save(DOCUMENT));
    ck_assert_uint_eq(list(names, 2), 1);
    ck_assert(load());
}
END_TEST

START_TEST(keeps_sources_apart)
{
    static const struct jwks_source others[] = {
        {"https://b/", "https://a/jwks.json", "/ca.pem"},
        {"https://a/", "https://b/jwks.json", "/ca.pem"},
        {"https://a/", "https://a/jwks.json", ""},
    };
    const char *names[8];
    apr_time_t fetched;
    char *text;
    size_t len;

    saved_file();
    for (size_t i = 0; i < COUNT(others); i++) {
        ck_assert(!state_dir_load(&text, &len, &fetched, why, folder, &others[i]));
        ck_assert_str_eq(why, "");
        ck_assert(state_dir_save(why, folder, &others[i], "other", 5, FETCHED));
    }
    ck_assert_uint_eq(list(names, COUNT(names)), 1 + COUNT(others));
    ck_assert(load());
}
END_TEST

START_TEST(holds_the_largest_document_and_the_longest_names)
{
    struct jwks_source longest = {repeated("i", JWKS_STORE_ISSUER_MAX),
                                  repeated("u", JWKS_STORE_URL_MAX), repeated("t", 1000)};
    const char *largest = repeated("x", JWKS_DOCUMENT_MAX);
    apr_time_t fetched;
    char *text;
    size_t len;

    clear_folder();
    ck_assert_msg(
        state_dir_save(why, folder, &longest, largest, JWKS_DOCUMENT_MAX, FETCHED), "%s",
        why);
    ck_assert_msg(state_dir_load(&text, &len, &fetched, why, folder, &longest), "%s",
                  why);
    ck_assert_uint_eq(len, JWKS_DOCUMENT_MAX);
    ck_assert_mem_eq(text, largest, len);
    free(text);

    longest.trust = repeated("t", 5000);
    ck_assert(!state_dir_save(why, folder, &longest, "x", 1, FETCHED));
    ck_assert_ptr_nonnull(strstr(why, "so long a name"));
    ck_assert(!state_dir_load(&text, &len, &fetched, why, folder, &longest));
    ck_assert_ptr_null(text);
}
END_TEST

/* H11, in full: every truncation, and every byte another one. */
START_TEST(takes_a_file_that_was_cut_for_absent)
{
    const char *path = saved_file();
    size_t len;
    char *data = content_of(path, &len);

    for (size_t cut = 0; cut < len; cut++) {
        put_content(path, data, cut);
        assert_absent("cut or edited");
    }
    put_content(path, apr_pstrcat(pool, data, NULL), len);
    ck_assert(load());
    data[len] = 'x';
    put_content(path, data, len + 1);
    assert_absent("cut or edited");
}
END_TEST

START_TEST(takes_a_file_that_was_edited_for_absent)
{
    const char *path = saved_file();
    size_t len;
    char *data = content_of(path, &len);

    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            data[i] = (char)(data[i] ^ (1 << bit));
            put_content(path, data, len);
            assert_absent("cut or edited");
            data[i] = (char)(data[i] ^ (1 << bit));
        }
    }
    put_content(path, data, len);
    ck_assert(load());
}
END_TEST

START_TEST(takes_the_file_of_another_source_for_absent)
{
    static const struct jwks_source other = {"https://b/", "https://a/jwks.json",
                                             "/ca.pem"};
    const char *path = saved_file();
    const char *names[2];
    const char *theirs = NULL;

    ck_assert(state_dir_save(why, folder, &other, DOCUMENT, strlen(DOCUMENT), FETCHED));
    ck_assert_uint_eq(list(names, 2), 2);
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(path_of(names[i]), path) != 0) {
            theirs = path_of(names[i]);
        }
    }
    ck_assert_int_eq(rename(theirs, path), 0);
    assert_absent("cut or edited");
}
END_TEST

START_TEST(takes_what_others_could_have_put_there_for_absent)
{
    const char *path = saved_file();
    const char *aside = path_of("aside");

    for (mode_t bit = 0001; bit <= 0040; bit = (mode_t)(bit << 1)) {
        ck_assert_int_eq(chmod(path, 0600 | bit), 0);
        assert_absent("open to others");
    }
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert(load());

    ck_assert_int_eq(rename(path, aside), 0);
    ck_assert_int_eq(symlink(aside, path), 0);
    assert_absent("cannot be opened");
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_absent("not a regular file");
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    assert_absent("not a regular file");
    rmdir(path);
    ck_assert_int_eq(rename(aside, path), 0);
    ck_assert(load());

    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 1, (gid_t)-1), 0);
        assert_absent("another user");
        ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
        ck_assert_int_eq(chown(folder, 1, (gid_t)-1), 0);
        assert_absent("belongs to another user");
        ck_assert(!save(DOCUMENT));
        ck_assert_int_eq(chown(folder, 0, (gid_t)-1), 0);
        ck_assert(load());
    }
}
END_TEST

START_TEST(uses_no_folder_that_others_may_write_to)
{
    static const mode_t open_modes[] = {0770, 0702, 01777, 0720};

    saved_file();
    for (size_t i = 0; i < COUNT(open_modes); i++) {
        ck_assert_int_eq(chmod(folder, open_modes[i]), 0);
        assert_absent("writable for group or others");
        ck_assert(!save(DOCUMENT));
        ck_assert_ptr_nonnull(state_dir_problem(folder));
    }
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_ptr_null(state_dir_problem(folder));
    ck_assert(load());
    ck_assert_ptr_nonnull(strstr(state_dir_problem(path_of("missing")), "not exist"));
    ck_assert_ptr_nonnull(strstr(state_dir_problem("/dev/null"), "not a folder"));
}
END_TEST

START_TEST(says_why_it_cannot_write_and_leaves_the_old_file)
{
    const char *missing = path_of("missing");
    struct rlimit limit;
    rlim_t before;
    const char *names[4];
    bool saved;

    saved_file();
    ck_assert(!state_dir_save(why, missing, &source, "x", 1, FETCHED));
    ck_assert_ptr_nonnull(strstr(why, "No such file"));
    ck_assert_ptr_nonnull(strstr(why, missing));

    /* A limit for files stands for a full disk: the write stops half way. */
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &limit); /* Check writes files too: no assertion here */
    saved = save(DOCUMENT);
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!saved);
    ck_assert_ptr_nonnull(strstr(why, "File too large"));
    ck_assert_uint_eq(list(names, 4), 1);
    ck_assert(load());
}
END_TEST

START_TEST(replaces_what_an_earlier_process_left_half_written)
{
    const char *path = saved_file();
    const char *left =
        apr_psprintf(pool, "%.*s.new-%ld", (int)(strlen(path) - 5), path, (long)getpid());
    const char *names[4];

    put_content(left, "half", 4);
    ck_assert(save(DOCUMENT));
    ck_assert_uint_eq(list(names, 4), 1);
    ck_assert(load());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state_dir");
    TCase *tcase = support_tcase(suite, "state_dir");
    int status;

    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, reads_back_what_it_wrote);
    tcase_add_test(tcase, keeps_sources_apart);
    tcase_add_test(tcase, holds_the_largest_document_and_the_longest_names);
    tcase_add_test(tcase, takes_a_file_that_was_cut_for_absent);
    tcase_add_test(tcase, takes_a_file_that_was_edited_for_absent);
    tcase_add_test(tcase, takes_the_file_of_another_source_for_absent);
    tcase_add_test(tcase, takes_what_others_could_have_put_there_for_absent);
    tcase_add_test(tcase, uses_no_folder_that_others_may_write_to);
    tcase_add_test(tcase, says_why_it_cannot_write_and_leaves_the_old_file);
    tcase_add_test(tcase, replaces_what_an_earlier_process_left_half_written);
    status = support_run(suite);
    clear_folder();
    rmdir(folder);
    return status;
}
