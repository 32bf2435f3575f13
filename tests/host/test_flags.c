/* test_flags.c - command lines as tables: parse, refuse, help, version. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "host/host.h"
#include "support/test.h"

struct values {
    const char *name;
    bool keep_alive;
    bool verbose;
    uint64_t count;
    uint64_t size;
    uint64_t timeout_ns;
    double ratio;
    struct rind_address listen;
    struct rind_url url;
    const char *color;
    struct rind_flag_texts tags;
    const char *key;
    const char *program;
    bool is_key_given;
    bool is_name_given;
};

static const char *const colors[] = {"red", "green", NULL};

/* Parses the NULL-terminated arguments that follow the program's name. */
static rind_status parse(struct rind_ctx *ctx, struct values *values, const char *const *arguments,
                         enum rind_flags_outcome *outcome, FILE *help)
{
    const struct rind_flag rows[] = {
        {.name = "name",
         .letter = 'n',
         .environment = "RIND_TEST_NAME",
         .kind = RIND_FLAG_TEXT,
         .show_fallback = "agent{listen}",
         .help = "Name in logs.",
         .value = &values->name,
         .is_given = &values->is_name_given},
        {.name = "keep-alive",
         .fallback = "true",
         .kind = RIND_FLAG_BOOL,
         .help = "Send pings.",
         .value = &values->keep_alive},
        {.name = "verbose",
         .letter = 'v',
         .kind = RIND_FLAG_BOOL,
         .help = "Say more.",
         .value = &values->verbose},
        {.name = "count",
         .fallback = "7",
         .kind = RIND_FLAG_U64,
         .min = 2,
         .max = 9,
         .help = "How many.",
         .value = &values->count},
        {.name = "size",
         .fallback = "1KiB",
         .kind = RIND_FLAG_SIZE,
         .help = "How large.",
         .value = &values->size},
        {.name = "timeout",
         .value_name = "TIME",
         .fallback = "20s",
         .kind = RIND_FLAG_DURATION,
         .max = 60 * RIND_NS_PER_S,
         .help = "How long.",
         .value = &values->timeout_ns},
        {.name = "trace-rate",
         .fallback = "0.1",
         .kind = RIND_FLAG_RATIO,
         .help = "How often.",
         .value = &values->ratio},
        {.name = "color",
         .fallback = "red",
         .kind = RIND_FLAG_CHOICE,
         .choices = colors,
         .help = "Which color.",
         .value = &values->color},
        {.name = "tag", .kind = RIND_FLAG_TEXTS, .help = "A tag.", .value = &values->tags},
    };
    const struct rind_flag more[] = {
        {.name = "listen",
         .letter = 'l',
         .fallback = "127.0.0.1:8082",
         .kind = RIND_FLAG_ADDRESS,
         .help = "Where to listen.",
         .value = &values->listen},
        {.name = "bigtable-url", .kind = RIND_FLAG_URL, .help = "Emulator.", .value = &values->url},
        {.name = "key",
         .letter = 'k',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "The key.",
         .value = &values->key,
         .is_given = &values->is_key_given},
        {.value_name = "PROGRAM",
         .kind = RIND_FLAG_TEXT,
         .help = "What to run.",
         .value = &values->program},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, rows),
                                             RIND_FLAG_TABLE("Network", more)};
    const struct rind_command command = {.program = "rind-test",
                                         .about = "Tests flags",
                                         .example = "rind-test --key k",
                                         .tables = tables,
                                         .table_count = 2};
    char *argv[16] = {(char *)(uintptr_t) "rind-test"};
    int argc = 1;
    for (; arguments[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    }
    if (help != NULL) {
        rind_flags_help(&command, help);
        rind_flags_version(&command, help);
        rind_flags_man(&command, help);
    }
    rind_ctx_init(ctx, NULL);
    return rind_flags_parse(ctx, &command, argc, argv, outcome);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_values(const char *const *arguments, struct values *values)
{
    struct rind_ctx ctx;
    enum rind_flags_outcome outcome = RIND_FLAGS_HELP;
    *values = (struct values){.count = 0};
    rind_status status = parse(&ctx, values, arguments, &outcome, NULL);
    if (!rind_is_ok(status)) {
        fail_msg("%s", ctx.sentence);
    }
    assert_int_equal(outcome, RIND_FLAGS_RUN);
}

static void expect_sentence(const char *const *arguments, const char *sentence)
{
    struct rind_ctx ctx;
    struct values values = {.count = 0};
    enum rind_flags_outcome outcome;
    assert_true(rind_is(parse(&ctx, &values, arguments, &outcome, NULL), RIND_E_INVALID));
    assert_string_equal(ctx.sentence, sentence);
}

static void defaults_hold_until_something_is_given(void **state)
{
    (void)state;
    struct values values;
    expect_values(ARGUMENTS("--key", "k"), &values);
    assert_null(values.name);
    assert_false(values.is_name_given);
    assert_true(values.is_key_given);
    assert_true(values.keep_alive);
    assert_false(values.verbose);
    assert_int_equal(values.count, 7);
    assert_int_equal(values.size, 1024);
    assert_true(values.timeout_ns == 20 * RIND_NS_PER_S);
    assert_true(values.ratio > 0.09 && values.ratio < 0.11);
    assert_int_equal(rind_address_port(&values.listen), 8082);
    assert_string_equal(values.color, "red");
    assert_int_equal(values.tags.count, 0);
    assert_null(values.program);
}

static void all_forms_of_a_flag_are_understood(void **state)
{
    (void)state;
    struct values values;
    expect_values(ARGUMENTS("-kabc", "--count=9", "-n", "me", "--timeout", "1.5 s", "--tag", "a",
                            "--tag=b", "--color", "green", "-l=[::1]:99", "run"),
                  &values);
    assert_string_equal(values.key, "abc");
    assert_int_equal(values.count, 9);
    assert_string_equal(values.name, "me");
    assert_true(values.timeout_ns == 1500 * RIND_NS_PER_MS);
    assert_int_equal(values.tags.count, 2);
    assert_string_equal(values.tags.values[1], "b");
    assert_string_equal(values.color, "green");
    assert_int_equal(rind_address_port(&values.listen), 99);
    assert_string_equal(values.program, "run");
    expect_values(ARGUMENTS("--key", "-", "--", "--not-a-flag"), &values);
    assert_string_equal(values.key, "-");
    assert_string_equal(values.program, "--not-a-flag");
}

static void booleans_take_an_explicit_value(void **state)
{
    (void)state;
    struct values values;
    expect_values(ARGUMENTS("-k", "k", "--keep-alive=false", "-v"), &values);
    assert_false(values.keep_alive);
    assert_true(values.verbose);
    expect_values(ARGUMENTS("-k", "k", "--keep-alive", "false", "--verbose", "true"), &values);
    assert_false(values.keep_alive);
    assert_true(values.verbose);
    expect_values(ARGUMENTS("-k", "k", "--keep-alive", "run"), &values);
    assert_true(values.keep_alive);
    assert_string_equal(values.program, "run");
    expect_sentence(ARGUMENTS("--keep-alive=maybe"),
                    "invalid value 'maybe' for --keep-alive: it must be true or false");
}

static void the_environment_comes_between_default_and_flag(void **state)
{
    (void)state;
    struct values values;
    assert_int_equal(setenv("RIND_TEST_NAME", "from-env", 1), 0);
    expect_values(ARGUMENTS("-k", "k"), &values);
    assert_string_equal(values.name, "from-env");
    assert_true(values.is_name_given);
    expect_values(ARGUMENTS("-k", "k", "-n", "flag"), &values);
    assert_string_equal(values.name, "flag");
    assert_int_equal(setenv("RIND_TEST_NAME", "", 1), 0);
    expect_values(ARGUMENTS("-k", "k"), &values);
    assert_null(values.name);
    assert_int_equal(unsetenv("RIND_TEST_NAME"), 0);
}

static void mistakes_get_one_clear_sentence(void **state)
{
    (void)state;
    expect_sentence(ARGUMENTS("--unknown"),
                    "unexpected argument '--unknown'; 'rind-test --help' lists the flags");
    expect_sentence(ARGUMENTS("-x"),
                    "unexpected argument '-x'; 'rind-test --help' lists the flags");
    expect_sentence(ARGUMENTS("--count"), "a value is missing: write --count <COUNT>");
    expect_sentence(ARGUMENTS("--timeout", "--count"),
                    "a value is missing: write --timeout <TIME>");
    expect_sentence(ARGUMENTS("-v"), "required flag --key is missing: add --key <KEY>");
    expect_sentence(ARGUMENTS("-k", "k", "a", "b"),
                    "unexpected argument 'b'; 'rind-test --help' shows what is expected");
    expect_sentence(ARGUMENTS("--count", "1"),
                    "invalid value '1' for --count: it must be at least 2");
    expect_sentence(ARGUMENTS("--count", "10"),
                    "invalid value '10' for --count: it must be at most 9");
    expect_sentence(ARGUMENTS("--timeout", "61s"),
                    "invalid value '61s' for --timeout: it must be at most 1m");
    expect_sentence(ARGUMENTS("--timeout", "soon"),
                    "invalid value 'soon' for --timeout: error parsing number in duration");
    expect_sentence(ARGUMENTS("--trace-rate", "1.1"),
                    "invalid value '1.1' for --trace-rate: it must be a number from 0 to 1, such "
                    "as 0.1");
    expect_sentence(ARGUMENTS("--color", "blue"),
                    "invalid value 'blue' for --color: it must be one of: red, green");
    expect_sentence(ARGUMENTS("-l", "localhost:80"),
                    "invalid value 'localhost:80' for --listen: couldn't parse listen argument: "
                    "invalid socket address syntax; write it as IP:port, such as 127.0.0.1:8082 or "
                    "[::1]:8082");
}

static void help_and_version_win_over_mistakes(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    struct values values = {.count = 0};
    enum rind_flags_outcome outcome = RIND_FLAGS_RUN;
    assert_true(rind_is_ok(parse(&ctx, &values, ARGUMENTS("--unknown", "-h"), &outcome, NULL)));
    assert_int_equal(outcome, RIND_FLAGS_HELP);
    assert_true(rind_is_ok(parse(&ctx, &values, ARGUMENTS("--version"), &outcome, NULL)));
    assert_int_equal(outcome, RIND_FLAGS_VERSION);
}

static void help_lists_every_row_with_default_and_bounds(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    struct values values = {.count = 0};
    enum rind_flags_outcome outcome;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    (void)rind_is_ok(parse(&ctx, &values, ARGUMENTS("-h"), &outcome, out));
    assert_int_equal(fclose(out), 0);
    static const char *const expected[] = {
        "Usage: rind-test [OPTIONS] --key <KEY> [<PROGRAM>]",
        "  -n, --name <NAME>\n          Name in logs. [default: agent{listen}] [env: RIND_TEST",
        "      --keep-alive[=true|false]\n",
        "[default: 7] [min: 2] [max: 9]",
        "      --timeout <TIME>\n          How long. [default: 20s] [max: 1m]\n",
        "[one of: red, green]",
        "\nNetwork:\n",
        "The key. [required]",
        "Example:\n  rind-test --key k\n",
        "rind-test 0.1.0\n",
        "build host: ",
        "\\-\\-trace\\-rate",
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        if (strstr(text, expected[i]) == NULL) {
            fail_msg("'%s' is missing in:\n%s", expected[i], text);
        }
    }
    free(text);
}

static void build_information_is_printed_in_both_specified_forms(void **state)
{
    (void)state;
    const struct rind_build_info info = {.version = "0.1.2",
                                         .git_ancestor_tag = "0.1.2-49",
                                         .host = "dl3",
                                         .user = "teyla",
                                         .compiler = "gcc 12"};
    char text[1024];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, text, sizeof(text));
    rind_build_info_livez(&buffer, &info);
    assert_true(rind_slice_is_text(rind_buffer_slice(&buffer),
                                   "version: 0.1.2\ngit hash: (none)\ngit tag: (none)\n"
                                   "git ancestor tag: 0.1.2-49\ngit branch: (none)\n"
                                   "build host: dl3\nbuild user: teyla\ncompiler: gcc 12\n"));
    rind_buffer_init(&buffer, text, sizeof(text));
    rind_build_info_version(&buffer, &info);
    assert_true(rind_slice_is_text(rind_buffer_slice(&buffer),
                                   "0.1.2\ngit ancestor tag: 0.1.2-49\nbuild host: dl3\n"
                                   "build user: teyla\ncompiler: gcc 12"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_until_something_is_given),
        cmocka_unit_test(all_forms_of_a_flag_are_understood),
        cmocka_unit_test(booleans_take_an_explicit_value),
        cmocka_unit_test(the_environment_comes_between_default_and_flag),
        cmocka_unit_test(mistakes_get_one_clear_sentence),
        cmocka_unit_test(help_and_version_win_over_mistakes),
        cmocka_unit_test(help_lists_every_row_with_default_and_bounds),
        cmocka_unit_test(build_information_is_printed_in_both_specified_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
