/*
 * fuzz_operator_values.c - what operators type and peers put into discovery: rind_duration_parse,
 * rind_size_parse, rind_address_parse, rind_url_parse, rind_url_join, rind_flags_parse.
 *
 * What parses must print to a text that parses to the same value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "host/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_numbers(struct rind_slice input)
{
    struct rind_ctx ctx;
    uint64_t value = 0;
    uint64_t again = 0;
    rind_ctx_init(&ctx, NULL);
    if (rind_is_ok(rind_duration_parse(&ctx, input, &value))) {
        char text[RIND_DURATION_TEXT_SIZE];
        RIND_ASSERT(value <= RIND_DURATION_NS_MAX);
        rind_duration_format(value, text);
        RIND_ASSERT(rind_is_ok(rind_duration_parse(&ctx, rind_slice_text(text), &again)));
        RIND_ASSERT(value == again);
    }
    if (rind_is_ok(rind_size_parse(&ctx, input, &value))) {
        RIND_ASSERT(value <= INT64_MAX);
    }
}

static void fuzz_address(struct rind_slice input)
{
    struct rind_ctx ctx;
    struct rind_address address;
    rind_ctx_init(&ctx, NULL);
    if (rind_is_ok(rind_address_parse(&ctx, input, &address))) {
        char text[RIND_ADDRESS_TEXT_SIZE];
        char again[RIND_ADDRESS_TEXT_SIZE];
        struct rind_url url;
        rind_address_format(&address, text);
        RIND_ASSERT(rind_is_ok(rind_address_parse(&ctx, rind_slice_text(text), &address)));
        rind_address_format(&address, again);
        RIND_ASSERT(strcmp(text, again) == 0);
        rind_url_from_address(&address, &url);
    }
}

static void fuzz_url(struct rind_slice input)
{
    struct rind_ctx ctx;
    struct rind_url url;
    struct rind_url other;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_url_parse(&ctx, input, &url))) {
        return;
    }
    RIND_ASSERT(rind_url_path(&url)[0] == '/');
    RIND_ASSERT(rind_is_ok(rind_url_parse(&ctx, rind_slice_text(url.text), &other)));
    RIND_ASSERT(strcmp(url.text, other.text) == 0);
    if (rind_is_ok(rind_url_join(&ctx, &url, "transfer/in", &other))) {
        RIND_ASSERT(strcmp(url.host, other.host) == 0 && url.port == other.port);
        size_t length = strlen(other.text);
        RIND_ASSERT(length > 12 && strcmp(other.text + length - 12, "/transfer/in") == 0);
    }
}

/* The input's NUL-separated parts as the arguments of a program with a flag of every kind. */
static void fuzz_flags(const uint8_t *data, size_t size)
{
    static const char *const choices[] = {"a", "b", NULL};
    const char *text = NULL;
    const char *choice = NULL;
    const char *positional = NULL;
    bool flag = false;
    bool is_given = false;
    uint64_t number = 0;
    uint64_t duration_ns = 0;
    double ratio = 0;
    struct rind_address address;
    struct rind_url url;
    struct rind_flag_texts texts;
    const struct rind_flag rows[] = {
        {.name = "t", .letter = 't', .kind = RIND_FLAG_TEXT, .help = "h", .value = &text},
        {.name = "b", .letter = 'b', .kind = RIND_FLAG_BOOL, .help = "h", .value = &flag},
        {.name = "n",
         .kind = RIND_FLAG_U64,
         .min = 3,
         .max = 9,
         .fallback = "3",
         .help = "h",
         .value = &number,
         .is_given = &is_given},
        {.name = "d", .kind = RIND_FLAG_DURATION, .help = "h", .value = &duration_ns},
        {.name = "r", .kind = RIND_FLAG_RATIO, .help = "h", .value = &ratio},
        {.name = "l", .letter = 'l', .kind = RIND_FLAG_ADDRESS, .help = "h", .value = &address},
        {.name = "u", .kind = RIND_FLAG_URL, .help = "h", .value = &url},
        {.name = "c", .kind = RIND_FLAG_CHOICE, .choices = choices, .help = "h", .value = &choice},
        {.name = "m", .kind = RIND_FLAG_TEXTS, .help = "h", .value = &texts},
        {.value_name = "P", .kind = RIND_FLAG_TEXT, .help = "h", .value = &positional},
    };
    const struct rind_flag_table table = RIND_FLAG_TABLE(NULL, rows);
    const struct rind_command command = {
        .program = "p", .about = "a", .tables = &table, .table_count = 1};
    char *copy = malloc(size + 1);
    char *argv[34] = {copy};
    RIND_ASSERT(copy != NULL);
    memcpy(copy, data, size);
    copy[size] = '\0';
    int argc = 1;
    for (size_t at = 0; at <= size && argc < 33; at += strlen(copy + at) + 1) {
        argv[argc++] = copy + at;
    }
    struct rind_ctx ctx;
    enum rind_flags_outcome outcome;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_flags_parse(&ctx, &command, argc, argv, &outcome);
    RIND_ASSERT(rind_is_ok(status) || ctx.sentence[0] != '\0');
    RIND_ASSERT(!rind_is_ok(status) || outcome != RIND_FLAGS_RUN || (number >= 3 && number <= 9));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_numbers(rind_slice_make(data, size));
    fuzz_address(rind_slice_make(data, size));
    fuzz_url(rind_slice_make(data, size));
    fuzz_flags(data, size);
    return 0;
}
