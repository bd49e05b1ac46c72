/* The unit tests' whole framework: a test is a function, a file is a program.
 *
 *     TEST(quantity_orders_by_value) { CHECK(...); CHECK_STRING(got, "500m"); }
 *     TEST_MAIN
 *
 * Every TEST registers itself.  A failed CHECK prints file:line and what was expected, and ends
 * that test.  The program prints "N passed, N failed" last and exits 1 if any failed; an
 * argument runs only the tests whose name contains it.  Paths in tests are relative to the
 * checkout, where `make` runs them.
 */
#ifndef PROCTOR_TEST_H
#define PROCTOR_TEST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

static struct test *test_first;
static struct test **test_last = &test_first;
static jmp_buf test_failed;

#define TEST(title)                                                                                \
    static void test_##title(void);                                                                \
    static struct test entry_##title = {#title, test_##title, NULL};                               \
    __attribute__((constructor)) static void add_##title(void)                                     \
    {                                                                                              \
        *test_last = &entry_##title;                                                               \
        test_last = &entry_##title.next;                                                           \
    }                                                                                              \
    static void test_##title(void)

#define TEST_FAIL(...)                                                                             \
    do {                                                                                           \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                            \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        longjmp(test_failed, 1);                                                                   \
    } while (0)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TEST_FAIL("not so: %s", #condition);                                                   \
    } while (0)

#define CHECK_STRING(got, want)                                                                    \
    do {                                                                                           \
        const char *check_got = (got), *check_want = (want);                                       \
        if (check_got == NULL || strcmp(check_got, check_want) != 0)                               \
            TEST_FAIL("%s\n  is   \"%s\"\n  want \"%s\"", #got,                                    \
                      check_got == NULL ? "(null)" : check_got, check_want);                       \
    } while (0)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long check_got = (long long)(got), check_want = (long long)(want);                    \
        if (check_got != check_want)                                                               \
            TEST_FAIL("%s is %lld, want %lld", #got, check_got, check_want);                       \
    } while (0)

/* A whole file as a NUL-terminated string on the heap; ends the test if it cannot be read. */
__attribute__((unused)) static char *test_read_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        TEST_FAIL("cannot read %s", path);
    size_t length = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    for (size_t got; (got = fread(text + length, 1, capacity - length - 1, file)) > 0;) {
        length += got;
        if (length + 1 == capacity)
            text = realloc(text, capacity *= 2);
    }
    fclose(file);
    text[length] = '\0';
    if (ret_length != NULL)
        *ret_length = length;
    return text;
}

/* Runs one piece; false if a CHECK failed in it.  Pieces may nest. */
__attribute__((unused)) static bool test_passes(void (*run)(void *context), void *context)
{
    jmp_buf outer;
    memcpy(&outer, &test_failed, sizeof outer);
    const volatile bool passed = setjmp(test_failed) == 0;
    if (passed)
        run(context);
    memcpy(&test_failed, &outer, sizeof outer);
    return passed;
}

static void test_call(void *test)
{
    ((struct test *)test)->run();
}

static int test_run_all(int argc, char **argv)
{
    int passed = 0, failed = 0;
    for (struct test *test = test_first; test != NULL; test = test->next) {
        if (argc > 1 && strstr(test->name, argv[1]) == NULL)
            continue;
        if (test_passes(test_call, test)) {
            passed++;
        } else {
            fprintf(stderr, "FAILED %s\n", test->name);
            failed++;
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 ? 1 : 0;
}

#define TEST_MAIN                                                                                  \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return test_run_all(argc, argv);                                                           \
    }

#endif
