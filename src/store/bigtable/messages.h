/*
 * messages.h - requests of the data service made from the store's; for this folder only.
 *
 * Everything lies in ctx->arena and borrows keys and values of what it is made from.
 */
#ifndef RIND_STORE_BIGTABLE_MESSAGES_H
#define RIND_STORE_BIGTABLE_MESSAGES_H

#include "store/bigtable/bigtable.h"

/* What is left to read, as a RowSet; NULL in `*rows` if it is the whole table. */
rind_status rind_bigtable_row_set(struct rind_ctx *ctx, const struct rind_key_range *ranges,
                                  size_t count, Google__Bigtable__V2__RowSet **rows) RIND_MUST_USE;

/* The filter that selects the read's cells; NULL in `*filter` if it is all of them. */
rind_status rind_bigtable_read_filter(struct rind_ctx *ctx, const struct rind_read *read,
                                      Google__Bigtable__V2__RowFilter **filter) RIND_MUST_USE;

/* The predicate of a test; NULL in `*filter` for "has any cell", which has none (section 8.3). */
rind_status rind_bigtable_condition_filter(struct rind_ctx *ctx,
                                           const struct rind_condition *condition,
                                           Google__Bigtable__V2__RowFilter **filter) RIND_MUST_USE;

/* A list of mutations as protobuf-c wants it: pointers. */
rind_status rind_bigtable_mutations(struct rind_ctx *ctx, const struct rind_mutation *mutations,
                                    size_t count,
                                    Google__Bigtable__V2__Mutation ***list) RIND_MUST_USE;

#endif
