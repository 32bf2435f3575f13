/*
 * flags.h - command lines as tables: the parser, --help and --version come from one list of rows.
 *
 * A row says name, letter, environment variable, default, kind, bounds, help and where the value
 * goes. Syntax: --name VALUE, --name=VALUE, -x VALUE, -xVALUE; booleans: --name, --name=true|false,
 * --name true|false; "--" ends the flags. No state; strings point into argv, the environment or the
 * table.
 */
#ifndef RIND_HOST_FLAGS_H
#define RIND_HOST_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

#define RIND_FLAGS_REPEATED_MAX 256u /* values of one repeatable flag or positional argument */
#define RIND_EXIT_USAGE 2

enum rind_flag_kind {
    RIND_FLAG_TEXT,     /* const char * */
    RIND_FLAG_BOOL,     /* bool */
    RIND_FLAG_U64,      /* uint64_t, min and max apply */
    RIND_FLAG_SIZE,     /* uint64_t bytes ("64MiB"), min and max apply */
    RIND_FLAG_DURATION, /* uint64_t nanoseconds ("20s"), min and max apply */
    RIND_FLAG_RATIO,    /* double from 0 to 1 */
    RIND_FLAG_ADDRESS,  /* struct rind_address */
    RIND_FLAG_URL,      /* struct rind_url */
    RIND_FLAG_CHOICE,   /* const char *, one of `choices` */
    RIND_FLAG_TEXTS,    /* struct rind_flag_texts: may be repeated */
};

struct rind_flag_texts {
    const char *values[RIND_FLAGS_REPEATED_MAX];
    size_t count;
};

struct rind_flag {
    const char *name;        /* without "--"; NULL for a positional argument */
    char letter;             /* without "-"; 0 for none */
    const char *value_name;  /* "URL"; NULL: the name in upper case */
    const char *environment; /* variable that gives the default; NULL for none */
    const char *fallback;    /* default, as one would type it; NULL: value stays as it is */
    enum rind_flag_kind kind;
    bool is_required;
    uint64_t min;
    uint64_t max;               /* 0: no upper bound */
    const char *const *choices; /* NULL-terminated */
    const char *help;           /* one or more sentences */
    const char *show_fallback;  /* for --help, if the default is computed: "agent{listen}" */
    void *value;                /* of the kind's type */
    bool *is_given;             /* NULL, or set to whether flag or environment gave the value */
};

/* Rows that several programs share (store, tracing, ...) go into tables of their own. */
struct rind_flag_table {
    const char *heading; /* in --help; NULL for the first */
    const struct rind_flag *flags;
    size_t count;
};
#define RIND_FLAG_TABLE(heading_text, rows)                                                        \
    {                                                                                              \
        (heading_text), (rows), sizeof(rows) / sizeof((rows)[0])                                   \
    }

struct rind_command {
    const char *program; /* "rind-agent" or "rind new-realm" */
    const char *about;   /* one line */
    const char *example; /* shown in --help; NULL for none */
    const struct rind_flag_table *tables;
    size_t table_count;
};

enum rind_flags_outcome {
    RIND_FLAGS_RUN,     /* all values are set */
    RIND_FLAGS_HELP,    /* -h or --help was given: print rind_flags_help, exit 0 */
    RIND_FLAGS_VERSION, /* -V or --version: print rind_flags_version, exit 0 */
};

/*
 * Parses argv[1..]. On failure (RIND_E_INVALID) the sentence names flag, fault and remedy. An empty
 * environment variable counts as unset.
 */
rind_status rind_flags_parse(struct rind_ctx *ctx, const struct rind_command *command, int argc,
                             char *const *argv, enum rind_flags_outcome *outcome) RIND_MUST_USE;

/*
 * The whole convention in one call, for main(): true if the program shall run; otherwise help,
 * version (both to stdout) or the sentence (to stderr) was printed and *exit_status is set to 0 or
 * RIND_EXIT_USAGE. Given --help-man alone, it prints rind_flags_man: for tools/update-man and its
 * test, hence not in --help.
 */
bool rind_flags_or_exit(const struct rind_command *command, int argc, char *const *argv,
                        int *exit_status);

void rind_flags_help(const struct rind_command *command, FILE *out);
void rind_flags_version(const struct rind_command *command, FILE *out);

/* The OPTIONS section of a man page (roff), from the same rows. */
void rind_flags_man(const struct rind_command *command, FILE *out);

#endif
