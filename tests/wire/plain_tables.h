/*
 * plain_tables.h - every table without its fast path (wire/node_form.h), to compare the two.
 *
 * Purpose: whatever bytes come, those that are read in one piece must be taken or refused exactly
 * as the walk along the table would, with the same value and the same sentence.
 */
#ifndef RIND_TESTS_WIRE_PLAIN_TABLES_H
#define RIND_TESTS_WIRE_PLAIN_TABLES_H

#include "wire/wire.h"

/*
 * True if `input` decodes as `schema` to the same as by its plain table (or is refused by both with
 * one sentence) and encodes to the same bytes by both. The plain table is a copy of the table and
 * all it leads to in which no struct has a node form. `ctx` and `plain_ctx` have arenas of their
 * own, equally full; both are left as they were found.
 */
bool plain_table_agrees(struct rind_ctx *ctx, struct rind_ctx *plain_ctx,
                        enum rind_wire_profile profile, const struct rind_schema *schema,
                        struct rind_slice input);

#endif
