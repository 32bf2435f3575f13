/*
 * flags.h - the flags by which every program that uses a store says which Bigtable: --bigtable-...
 *
 * Spec 04 section 2.1. --store itself is each program's own row, as its default and help differ.
 */
#ifndef RIND_STORE_FLAGS_H
#define RIND_STORE_FLAGS_H

#include "cloud/cloud.h"
#include "host/host.h"

struct rind_bigtable_options; /* store.h */

#define RIND_BIGTABLE_FLAG_ROWS (3u + RIND_GOOGLE_FLAG_ROWS)

struct rind_bigtable_flags {
    const char *project;
    const char *instance;
    struct rind_url url;
    bool has_url;
    struct rind_google_flags google;
    struct rind_flag rows[RIND_BIGTABLE_FLAG_ROWS];
};

/*
 * Fills the rows, and returns the table of them for rind_command. `flags` must not move until the
 * command line is parsed.
 */
struct rind_flag_table rind_bigtable_flags_table(struct rind_bigtable_flags *flags);

/*
 * What was given, as the store wants it; borrows `flags`. Where --bigtable-url was not given, the
 * emulator that BIGTABLE_EMULATOR_HOST names ("host:port", as Google's own tools read it) is used.
 * RIND_E_INVALID if that is no address.
 */
rind_status rind_bigtable_flags_options(struct rind_ctx *ctx, struct rind_bigtable_flags *flags,
                                        const struct rind_log *log,
                                        struct rind_bigtable_options *options) RIND_MUST_USE;

#endif
