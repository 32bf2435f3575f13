/* flags.c - the command-line parser; see flags.h. Help and man page are in flags_help.c. */
#include "host/flags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "host/address.h"
#include "host/build_info.h"
#include "host/duration.h"
#include "host/flags_row.h"

#define FLAGS_REQUIRED_MAX 16u /* required rows of one command */

/* Where a parse stands; rows are found by walking the tables. */
struct flags_parse {
    struct rind_ctx *ctx;
    const struct rind_command *command;
    int argc;
    char *const *argv;
    int next;               /* index of the next argument */
    size_t positional_next; /* index of the next positional row to fill */
    bool only_positional;   /* "--" was seen */
    const struct rind_flag *required_given[FLAGS_REQUIRED_MAX];
    size_t required_given_count;
};

const struct rind_flag *rind_flags_row(const struct rind_command *command, size_t index)
{
    for (size_t i = 0; i < command->table_count; i++) {
        if (index < command->tables[i].count) {
            return &command->tables[i].flags[index];
        }
        index -= command->tables[i].count;
    }
    return NULL;
}

static const struct rind_flag *flags_find(const struct rind_command *command,
                                          struct rind_slice name)
{
    const struct rind_flag *row;
    for (size_t i = 0; (row = rind_flags_row(command, i)) != NULL; i++) {
        if (row->name != NULL && rind_slice_is_text(name, row->name)) {
            return row;
        }
    }
    return NULL;
}

static const struct rind_flag *flags_find_letter(const struct rind_command *command, char letter)
{
    const struct rind_flag *row;
    for (size_t i = 0; (row = rind_flags_row(command, i)) != NULL; i++) {
        if (row->name != NULL && row->letter == letter) {
            return row;
        }
    }
    return NULL;
}

static const struct rind_flag *flags_find_positional(const struct rind_command *command,
                                                     size_t index)
{
    const struct rind_flag *row;
    for (size_t i = 0; (row = rind_flags_row(command, i)) != NULL; i++) {
        if (row->name == NULL && (index == 0 || row->kind == RIND_FLAG_TEXTS)) {
            return row;
        }
        index -= row->name == NULL ? 1 : 0;
    }
    return NULL;
}

static rind_status flags_set_number(struct rind_ctx *ctx, const struct rind_flag *row,
                                    struct rind_slice text)
{
    uint64_t value = 0;
    if (row->kind == RIND_FLAG_DURATION) {
        RIND_TRY(rind_duration_parse(ctx, text, &value));
    } else if (row->kind == RIND_FLAG_SIZE) {
        RIND_TRY(rind_size_parse(ctx, text, &value));
    } else {
        RIND_TRY(rind_u64_parse(ctx, text, &value));
    }
    char least[RIND_DURATION_TEXT_SIZE];
    char most[RIND_DURATION_TEXT_SIZE];
    rind_flags_bound(row, row->min, least);
    rind_flags_bound(row, row->max, most);
    RIND_REQUIRE(ctx, value >= row->min, RIND_E_INVALID, "it must be at least %s", least);
    RIND_REQUIRE(ctx, row->max == 0 || value <= row->max, RIND_E_INVALID, "it must be at most %s",
                 most);
    *(uint64_t *)row->value = value;
    return RIND_OK;
}

static rind_status flags_set_bool(struct rind_ctx *ctx, const struct rind_flag *row,
                                  struct rind_slice text)
{
    bool is_true = rind_slice_is_text(text, "true");
    RIND_REQUIRE(ctx, is_true || rind_slice_is_text(text, "false"), RIND_E_INVALID,
                 "it must be true or false");
    *(bool *)row->value = is_true;
    return RIND_OK;
}

static rind_status flags_set_ratio(struct rind_ctx *ctx, const struct rind_flag *row,
                                   const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    bool is_plain = text[0] != '\0' && strspn(text, "0123456789.") == strlen(text);
    RIND_REQUIRE(ctx, is_plain && end != NULL && *end == '\0' && value >= 0.0 && value <= 1.0,
                 RIND_E_INVALID, "it must be a number from 0 to 1, such as 0.1");
    *(double *)row->value = value;
    return RIND_OK;
}

static rind_status flags_set_choice(struct rind_ctx *ctx, const struct rind_flag *row,
                                    const char *text)
{
    char known[256];
    size_t used = 0;
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            *(const char **)row->value = row->choices[i];
            return RIND_OK;
        }
        int length = snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ",
                              row->choices[i]);
        RIND_ASSERT(length > 0);
        used += (size_t)length < sizeof(known) - used ? (size_t)length : 0;
    }
    return rind_fail(ctx, RIND_E_INVALID, "it must be one of: %s", known);
}

static rind_status flags_set_texts(struct rind_ctx *ctx, const struct rind_flag *row,
                                   const char *text)
{
    struct rind_flag_texts *texts = row->value;
    RIND_REQUIRE(ctx, texts->count < RIND_FLAGS_REPEATED_MAX, RIND_E_LIMIT,
                 "it may be given at most %u times", RIND_FLAGS_REPEATED_MAX);
    texts->values[texts->count++] = text;
    return RIND_OK;
}

static rind_status flags_set(struct rind_ctx *ctx, const struct rind_flag *row, const char *text)
{
    struct rind_slice slice = rind_slice_text(text);
    switch (row->kind) {
    case RIND_FLAG_TEXT:
        *(const char **)row->value = text;
        return RIND_OK;
    case RIND_FLAG_BOOL:
        return flags_set_bool(ctx, row, slice);
    case RIND_FLAG_U64:
    case RIND_FLAG_SIZE:
    case RIND_FLAG_DURATION:
        return flags_set_number(ctx, row, slice);
    case RIND_FLAG_RATIO:
        return flags_set_ratio(ctx, row, text);
    case RIND_FLAG_ADDRESS: {
        rind_status status = rind_address_parse(ctx, slice, row->value);
        return rind_is_ok(status) ? status
                                  : rind_fail_while(ctx, status, "couldn't parse %s argument",
                                                    row->name != NULL ? row->name : "address");
    }
    case RIND_FLAG_URL:
        return rind_url_parse(ctx, slice, row->value);
    case RIND_FLAG_CHOICE:
        return flags_set_choice(ctx, row, text);
    case RIND_FLAG_TEXTS:
        return flags_set_texts(ctx, row, text);
    }
    RIND_UNREACHABLE("every kind is listed");
}

static void flags_label(const struct rind_flag *row, char label[static RIND_FLAGS_LABEL_SIZE])
{
    char value_name[RIND_FLAGS_LABEL_SIZE];
    rind_flags_value_name(row, value_name);
    if (row->name == NULL) {
        (void)snprintf(label, RIND_FLAGS_LABEL_SIZE, "<%.60s>", value_name);
    } else {
        (void)snprintf(label, RIND_FLAGS_LABEL_SIZE, "--%.60s", row->name);
    }
}

static bool flags_has(const struct flags_parse *parse, const struct rind_flag *row)
{
    for (size_t i = 0; i < parse->required_given_count; i++) {
        if (parse->required_given[i] == row) {
            return true;
        }
    }
    return false;
}

/* Sets the value; a failure says which flag, what was typed, and what is wrong with it. */
static rind_status flags_take(struct flags_parse *parse, const struct rind_flag *row,
                              const char *text, const char *origin)
{
    rind_status status = flags_set(parse->ctx, row, text);
    if (!rind_is_ok(status)) {
        char label[RIND_FLAGS_LABEL_SIZE];
        flags_label(row, label);
        return rind_fail_while(parse->ctx, status, "invalid value '%.80s' for %s%s", text, label,
                               origin);
    }
    if (row->is_given != NULL) {
        *row->is_given = true;
    }
    if (row->is_required && !flags_has(parse, row)) {
        RIND_ASSERT(parse->required_given_count < FLAGS_REQUIRED_MAX); /* the table is ours */
        parse->required_given[parse->required_given_count++] = row;
    }
    return RIND_OK;
}

/* The value of `row`: what follows "=", or the next argument. */
static rind_status flags_take_argument(struct flags_parse *parse, const struct rind_flag *row,
                                       const char *attached)
{
    if (attached != NULL) {
        return flags_take(parse, row, attached, "");
    }
    const char *following = parse->next < parse->argc ? parse->argv[parse->next] : NULL;
    if (row->kind == RIND_FLAG_BOOL) {
        bool is_value = following != NULL &&
                        (strcmp(following, "true") == 0 || strcmp(following, "false") == 0);
        parse->next += is_value ? 1 : 0;
        return flags_take(parse, row, is_value ? following : "true", "");
    }
    if (following == NULL || (following[0] == '-' && following[1] == '-')) {
        char value_name[RIND_FLAGS_LABEL_SIZE];
        char label[RIND_FLAGS_LABEL_SIZE];
        rind_flags_value_name(row, value_name);
        flags_label(row, label);
        return rind_fail(parse->ctx, RIND_E_INVALID, "a value is missing: write %s <%s>", label,
                         value_name);
    }
    parse->next++;
    return flags_take(parse, row, following, "");
}

static rind_status flags_take_long(struct flags_parse *parse, const char *argument)
{
    const char *equals = strchr(argument, '=');
    size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    const struct rind_flag *row =
        flags_find(parse->command, rind_slice_make(argument + 2, length - 2));
    RIND_REQUIRE(parse->ctx, row != NULL, RIND_E_INVALID,
                 "unexpected argument '%.80s'; '%s --help' lists the flags", argument,
                 parse->command->program);
    return flags_take_argument(parse, row, equals != NULL ? equals + 1 : NULL);
}

static rind_status flags_take_short(struct flags_parse *parse, const char *argument)
{
    const struct rind_flag *row = flags_find_letter(parse->command, argument[1]);
    RIND_REQUIRE(parse->ctx, row != NULL, RIND_E_INVALID,
                 "unexpected argument '%.80s'; '%s --help' lists the flags", argument,
                 parse->command->program);
    const char *attached = argument[2] == '\0' ? NULL : argument + 2;
    if (attached != NULL && attached[0] == '=') {
        attached++;
    }
    return flags_take_argument(parse, row, attached);
}

static rind_status flags_take_positional(struct flags_parse *parse, const char *argument)
{
    const struct rind_flag *row = flags_find_positional(parse->command, parse->positional_next);
    RIND_REQUIRE(parse->ctx, row != NULL, RIND_E_INVALID,
                 "unexpected argument '%.80s'; '%s --help' shows what is expected", argument,
                 parse->command->program);
    parse->positional_next++;
    return flags_take(parse, row, argument, "");
}

static bool flags_is(const char *argument, const char *letter, const char *name)
{
    return strcmp(argument, letter) == 0 || strcmp(argument, name) == 0;
}

/* Defaults, then the environment; remembers in is_given what is set. */
static rind_status flags_set_defaults(struct flags_parse *parse)
{
    const struct rind_flag *row;
    for (size_t i = 0; (row = rind_flags_row(parse->command, i)) != NULL; i++) {
        RIND_ASSERT(row->value != NULL && row->help != NULL);
        if (row->kind == RIND_FLAG_TEXTS) {
            ((struct rind_flag_texts *)row->value)->count = 0;
        }
        if (row->fallback != NULL) {
            rind_status status = flags_set(parse->ctx, row, row->fallback);
            RIND_ASSERT(rind_is_ok(status)); /* the table's own default must parse */
        }
        if (row->is_given != NULL) {
            *row->is_given = false;
        }
        const char *text = row->environment != NULL ? getenv(row->environment) : NULL;
        if (text != NULL && text[0] != '\0') {
            char origin[RIND_FLAGS_LABEL_SIZE];
            (void)snprintf(origin, sizeof(origin), " (from environment variable %.40s)",
                           row->environment);
            RIND_TRY(flags_take(parse, row, text, origin));
        }
    }
    return RIND_OK;
}

static rind_status flags_check_required(struct flags_parse *parse)
{
    const struct rind_flag *row;
    for (size_t i = 0; (row = rind_flags_row(parse->command, i)) != NULL; i++) {
        if (row->is_required && !flags_has(parse, row)) {
            char label[RIND_FLAGS_LABEL_SIZE];
            char value_name[RIND_FLAGS_LABEL_SIZE];
            flags_label(row, label);
            rind_flags_value_name(row, value_name);
            return row->name == NULL
                       ? rind_fail(parse->ctx, RIND_E_INVALID,
                                   "argument %s is missing; '%s --help' shows what is expected",
                                   label, parse->command->program)
                       : rind_fail(parse->ctx, RIND_E_INVALID,
                                   "required flag %s is missing: add %s <%s>", label, label,
                                   value_name);
        }
    }
    return RIND_OK;
}

rind_status rind_flags_parse(struct rind_ctx *ctx, const struct rind_command *command, int argc,
                             char *const *argv, enum rind_flags_outcome *outcome)
{
    struct flags_parse parse = {
        .ctx = ctx, .command = command, .argc = argc, .argv = argv, .next = 1};
    /* Help and version win over every mistake, so that a stuck operator gets an answer. */
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (flags_is(argv[i], "-h", "--help") || flags_is(argv[i], "-V", "--version")) {
            bool is_help = flags_is(argv[i], "-h", "--help");
            *outcome = is_help ? RIND_FLAGS_HELP : RIND_FLAGS_VERSION;
            return RIND_OK;
        }
    }
    RIND_TRY(flags_set_defaults(&parse));
    while (parse.next < argc) {
        const char *argument = argv[parse.next++];
        if (parse.only_positional || argument[0] != '-' || argument[1] == '\0') {
            RIND_TRY(flags_take_positional(&parse, argument));
        } else if (strcmp(argument, "--") == 0) {
            parse.only_positional = true;
        } else if (argument[1] == '-') {
            RIND_TRY(flags_take_long(&parse, argument));
        } else {
            RIND_TRY(flags_take_short(&parse, argument));
        }
    }
    RIND_TRY(flags_check_required(&parse));
    *outcome = RIND_FLAGS_RUN;
    return RIND_OK;
}

bool rind_flags_or_exit(const struct rind_command *command, int argc, char *const *argv,
                        int *exit_status)
{
    *exit_status = 0;
    if (argc == 2 && strcmp(argv[1], "--help-man") == 0) {
        rind_flags_man(command, stdout);
        return false;
    }
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    enum rind_flags_outcome outcome = RIND_FLAGS_RUN;
    rind_status status = rind_flags_parse(&ctx, command, argc, argv, &outcome);
    if (!rind_is_ok(status)) {
        (void)fprintf(stderr, "error: %s\n", ctx.sentence);
        *exit_status = RIND_EXIT_USAGE;
        return false;
    }
    if (outcome == RIND_FLAGS_HELP) {
        rind_flags_help(command, stdout);
    } else if (outcome == RIND_FLAGS_VERSION) {
        rind_flags_version(command, stdout);
    }
    return outcome == RIND_FLAGS_RUN;
}
