/*
 * check.h - is all there that a realm's newest log entries stand for? And what a table holds.
 *
 * A check walks each group's tree from the root hash of its newest log entry, reads every node and
 * recomputes its hash, so whatever it does not complain about is bit for bit what the HSMs made.
 * The log entries themselves are authenticated by the HSMs alone. Nothing is written. For realms
 * that stand still: a tree that is written meanwhile ends the check with RIND_E_STALE.
 * Spec: docs/spec/03-merkle.md section 4 (hashes), 04-store.md sections 6 and 7 (rows).
 */
#ifndef RIND_STORE_CHECK_H
#define RIND_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/clock.h"
#include "merkle/row_key.h"
#include "store/engine.h"

struct rind_store;

/* Told now and then how far long work is. `self` is handed on; NULL report: nobody is told. */
struct rind_store_progress {
    void (*report)(void *self, const char *what, uint64_t done);
    void *self;
};

/* ---- tables ---- */

struct rind_table_summary {
    uint64_t rows;
    uint64_t cells;
    uint64_t size_bytes; /* keys, and per cell family, qualifier, 8, value */
    uint8_t digest[32];  /* of all keys and cells: equal for equal tables, whatever the engine */
};

/* Reads a whole table. */
rind_status rind_store_table_summary(struct rind_ctx *ctx, struct rind_engine *engine,
                                     const struct rind_table *table,
                                     const struct rind_store_progress *progress,
                                     struct rind_deadline deadline,
                                     struct rind_table_summary *summary) RIND_MUST_USE;

/* ---- trees ---- */

#define RIND_STORE_CHECK_PROBLEMS_MAX 20u /* that are described; all are counted */
#define RIND_STORE_CHECK_GROUPS_MAX 4096u

enum rind_store_check_fault {
    RIND_STORE_CHECK_MISSING, /* no row where a node must be */
    RIND_STORE_CHECK_WRONG,   /* the row is no node, or one of another hash or place */
};

struct rind_store_check_problem {
    enum rind_store_check_fault fault;
    struct rind_group_id group;
    struct rind_row_key row_key;
};

struct rind_store_check_group {
    struct rind_group_id group;
    uint64_t index;     /* of its newest entry */
    bool has_partition; /* it owns records */
    uint64_t nodes;     /* of its tree, leaves included */
    uint64_t leaves;
};

/* The key of a row that is not understood, printable and cut, for a sentence that names it. */
#define RIND_STORE_KEY_TEXT_SIZE 49u

struct rind_store_check_result {
    struct rind_store_check_group *groups; /* memory of ctx->arena */
    size_t group_count;
    uint64_t nodes;             /* reached and right, of all groups */
    uint64_t nodes_in_transfer; /* of trees that are being given away, counted apart */
    uint64_t rows;              /* of the tree table */
    uint64_t rows_malformed;    /* whose key is no node's */
    char malformed_key[RIND_STORE_KEY_TEXT_SIZE]; /* of one of these; else empty */
    uint64_t garbage; /* rows that no tree reaches: sweeping and deletes remove them */
    uint64_t missing;
    uint64_t wrong;
    struct rind_store_check_problem problems[RIND_STORE_CHECK_PROBLEMS_MAX];
    size_t problem_count;
};

/*
 * Checks a realm. RIND_OK also if there are problems: see the counts. RIND_E_STALE if the realm was
 * written meanwhile; RIND_E_CORRUPT if a log has no readable newest entry.
 */
rind_status rind_store_check(struct rind_ctx *ctx, struct rind_store *store,
                             const struct rind_realm_id *realm,
                             const struct rind_store_progress *progress,
                             struct rind_deadline deadline,
                             struct rind_store_check_result *result) RIND_MUST_USE;

#endif
