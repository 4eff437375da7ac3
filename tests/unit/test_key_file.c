#include "issuer/key_file.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static char folder[] = "/tmp/test_key_file.XXXXXX";

static const char *path_of(const char *name)
{
    return apr_pstrcat(pool, folder, "/", name, NULL);
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    const char *path = path_of(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static void assert_refused(const char *path, size_t max, bool private, const char *why)
{
    const char *data;
    size_t len;
    const char *error = key_file_read(&data, &len, path, max, private, pool);

    ck_assert_msg(error != NULL, "%s was read", path);
    ck_assert_ptr_null(data);
    ck_assert_msg(strstr(error, path) != NULL && strstr(error, why) != NULL,
                  "\"%s\" does not say \"%s\"", error, why);
}

START_TEST(reads_a_file_of_exactly_the_size_allowed)
{
    const char *path = write_file("ten", "0123456789", 0644);
    const char *data;
    size_t len;

    ck_assert_ptr_null(key_file_read(&data, &len, path, 10, false, pool));
    ck_assert_uint_eq(len, 10);
    ck_assert_mem_eq(data, "0123456789", 10);
    assert_refused(path, 9, false, "larger than 9");
}
END_TEST

START_TEST(refuses_a_secret_that_every_user_may_read_or_write)
{
    const char *data;
    size_t len;

    assert_refused(write_file("s", "secret", 0644), 10, true, "chmod");
    assert_refused(write_file("s", "secret", 0602), 10, true, "chmod");
    ck_assert_ptr_null(
        key_file_read(&data, &len, write_file("s", "secret", 0640), 10, true, pool));
    ck_assert_uint_eq(len, 6);
}
END_TEST

START_TEST(refuses_what_is_missing_or_empty_or_a_folder)
{
    assert_refused(path_of("missing"), 10, false, "No such file");
    assert_refused(write_file("empty", "", 0600), 10, false, "is empty");
    assert_refused(folder, 10, false, "not a regular file");
}
END_TEST

/* Opening these must neither block nor read without end. */
START_TEST(refuses_fifos_and_devices_at_once)
{
    const char *fifo = path_of("fifo");

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    assert_refused(fifo, 10, false, "not a regular file");
    assert_refused("/dev/zero", 10, false, "not a regular file");
    unlink(fifo);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key_file");
    TCase *tcase = support_tcase(suite, "key_file");
    int status;

    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    tcase_add_test(tcase, reads_a_file_of_exactly_the_size_allowed);
    tcase_add_test(tcase, refuses_a_secret_that_every_user_may_read_or_write);
    tcase_add_test(tcase, refuses_what_is_missing_or_empty_or_a_folder);
    tcase_add_test(tcase, refuses_fifos_and_devices_at_once);
    status = support_run(suite);
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"/ten", "/s", "/empty"};
        char path[64];

        snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return status;
}
