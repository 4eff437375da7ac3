/*
 * The fuzzers without libFuzzer: runs each file that is named, or lies in a folder
 * that is named, through LLVMFuzzerTestOneInput once.
 */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

/* Of the sanitizers, where the program is built with them. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static unsigned count;
static char current[PATH_MAX];

/* Which file it was, when a sanitizer or an assertion ends the program. */
static void say_where(void)
{
    fprintf(stderr, "The input was %s\n", current);
}

static void on_abort(int number)
{
    (void)number;
    say_where();
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    struct stat info;

    if (file == NULL || fstat(fileno(file), &info) != 0) {
        perror(path);
        return 1;
    }
    bytes = malloc((size_t)info.st_size);
    if (fread(bytes, 1, (size_t)info.st_size, file) != (size_t)info.st_size) {
        perror(path);
        free(bytes);
        fclose(file);
        return 1;
    }
    fclose(file);
    snprintf(current, sizeof(current), "%s", path);
    LLVMFuzzerTestOneInput(bytes, (size_t)info.st_size);
    free(bytes);
    count++;
    return 0;
}

static int replay_folder(const char *path)
{
    struct dirent **entry = NULL;
    int entries = scandir(path, &entry, NULL, alphasort);
    int failed = entries < 0;

    for (int i = 0; i < entries; i++) {
        char name[PATH_MAX];

        snprintf(name, sizeof(name), "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.') {
            failed |= replay_file(name);
        }
        free(entry[i]);
    }
    free(entry);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;

    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(say_where);
    }
    for (int i = 1; i < argc; i++) {
        struct stat info;

        failed |= stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)
                      ? replay_folder(argv[i])
                      : replay_file(argv[i]);
    }
    printf("%s: %u inputs\n", argv[0], count);
    return failed != 0 || count == 0;
}
