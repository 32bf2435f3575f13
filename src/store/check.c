/*
 * check.c - see check.h: walking trees and verifying every node.
 *
 * A walk takes the newest nodes off a stack, many at once, reads their rows in one call and puts
 * their children on the stack. So it reads neighbours together, costs memory for a few paths only,
 * and its speed is that of hashing and of the engine, not of round trips.
 */
#include "store/check.h"

#include <stdlib.h>

#include "merkle/merkle.h"
#include "store/scan.h"
#include "store/state.h"
#include "wire/wire.h"

#define CHECK_BATCH 512u
/* Nodes that wait. Where there is no room for a batch's children, nodes are taken one by one, which
 * adds one per level of a tree at most. */
#define CHECK_STACK_MAX 131072u
#define CHECK_STACK_RESERVE 512u
_Static_assert(CHECK_STACK_RESERVE > 257u, "one path of single steps, and its last two children");
#define CHECK_ARENA_SIZE_BYTES (64u << 20)
#define CHECK_REPORT_NODES 65536u

struct check_node {
    struct rind_bit_vector prefix;
    struct rind_data_hash hash;
    struct rind_row_key row_key;
};

/* A tree being walked. */
struct check_walk {
    struct rind_store *store;
    const struct rind_realm_id *realm;
    const struct rind_group_id *group;
    struct rind_partition partition;
    const struct rind_store_progress *progress;
    struct rind_deadline deadline;
    struct rind_store_check_result *result;
    struct rind_arena *arena;
    struct check_node *stack;
    size_t stack_count;
    struct check_node *batch; /* CHECK_BATCH of them */
    uint64_t nodes;
    uint64_t leaves;
};

static void check_note(struct check_walk *walk, const struct check_node *node,
                       enum rind_store_check_fault fault)
{
    struct rind_store_check_result *result = walk->result;
    result->missing += fault == RIND_STORE_CHECK_MISSING ? 1 : 0;
    result->wrong += fault == RIND_STORE_CHECK_WRONG ? 1 : 0;
    if (result->problem_count < RIND_STORE_CHECK_PROBLEMS_MAX) {
        result->problems[result->problem_count++] =
            (struct rind_store_check_problem){fault, *walk->group, node->row_key};
    }
}

static void check_push(struct check_walk *walk, const struct rind_bit_vector *prefix,
                       const struct rind_data_hash *hash)
{
    RIND_ASSERT(walk->stack_count < CHECK_STACK_MAX);
    struct check_node *node = &walk->stack[walk->stack_count++];
    node->prefix = *prefix;
    node->hash = *hash;
    rind_row_key_encode(prefix, hash, &node->row_key);
}

/* ---- one node ---- */

/* A branch that can hang on this side of a node with this prefix. */
static bool check_branch(const struct rind_bit_vector *prefix, const struct rind_branch *branch,
                         unsigned side)
{
    return rind_bits_is_valid(&branch->prefix) && branch->prefix.length > 0 &&
           prefix->length + branch->prefix.length <= 256u &&
           rind_bits_get(&branch->prefix, 0) == side;
}

/* Whether an interior node is right where it is; before anything is computed from it. */
static bool check_interior(const struct check_walk *walk, const struct check_node *node,
                           const struct rind_interior_node *interior)
{
    bool is_root = node->prefix.length == 0;
    struct rind_data_hash hash;
    if ((interior->has_left && !check_branch(&node->prefix, &interior->left, 0)) ||
        (interior->has_right && !check_branch(&node->prefix, &interior->right, 1)) ||
        (!is_root && !(interior->has_left && interior->has_right))) {
        return false;
    }
    if (is_root) {
        rind_hash_root(&walk->partition.range, interior, &hash);
    } else {
        rind_hash_interior(interior, &hash);
    }
    return rind_data_hash_equal(&hash, &node->hash);
}

static bool check_leaf(const struct check_node *node, const struct rind_leaf_node *leaf)
{
    struct rind_record_id record;
    struct rind_data_hash hash;
    if (node->prefix.length != 256u) {
        return false;
    }
    memcpy(record.bytes, node->prefix.bits, sizeof(record.bytes));
    rind_hash_leaf(&record, leaf->value, &hash);
    return rind_data_hash_equal(&hash, &node->hash);
}

static void check_push_branch(struct check_walk *walk, const struct rind_bit_vector *prefix,
                              const struct rind_branch *branch)
{
    struct rind_bit_vector place = rind_bits_concat(prefix, &branch->prefix);
    check_push(walk, &place, &branch->hash);
}

/* Every stored instance of a node must be the node. */
static bool check_cell(struct rind_ctx *ctx, const struct check_walk *walk,
                       const struct check_node *node, struct rind_slice value,
                       struct rind_node *decoded)
{
    if (!rind_is_ok(rind_wire_decode_whole(ctx, &rind_node_schema, value, decoded))) {
        return false;
    }
    return decoded->kind == RIND_NODE_LEAF ? check_leaf(node, &decoded->leaf)
                                           : check_interior(walk, node, &decoded->interior);
}

static void check_row(struct rind_ctx *ctx, struct check_walk *walk, const struct check_node *node,
                      const struct rind_row *row)
{
    struct rind_node decoded;
    for (size_t i = 0; i < row->cell_count; i++) {
        if (!check_cell(ctx, walk, node, row->cells[i].value, &decoded)) {
            check_note(walk, node, RIND_STORE_CHECK_WRONG);
            return;
        }
    }
    walk->nodes++;
    if (decoded.kind == RIND_NODE_LEAF) {
        walk->leaves++;
        return;
    }
    if (decoded.interior.has_right) {
        check_push_branch(walk, &node->prefix, &decoded.interior.right);
    }
    if (decoded.interior.has_left) {
        check_push_branch(walk, &node->prefix, &decoded.interior.left);
    }
}

/* ---- many ---- */

static int check_node_compare(const void *a, const void *b)
{
    const struct check_node *x = a;
    const struct check_node *y = b;
    return rind_key_compare(rind_row_key_slice(&x->row_key), rind_row_key_slice(&y->row_key));
}

/* Reads the rows of batch[first..count) and judges them; `*next` is the first that is left. */
static rind_status check_read(struct rind_ctx *page, struct check_walk *walk, size_t first,
                              size_t count, size_t *next)
{
    struct rind_key_range *ranges = rind_ctx_alloc_array(page, count - first, sizeof(*ranges));
    struct rind_rows rows;
    if (ranges == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = first; i < count; i++) {
        struct rind_slice key = rind_row_key_slice(&walk->batch[i].row_key);
        ranges[i - first] = (struct rind_key_range){.start = key, .end = key, .includes_end = true};
    }
    const struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, walk->realm),
                                   .ranges = ranges,
                                   .range_count = count - first,
                                   .size_bytes_max = 4u << 20};
    RIND_TRY(rind_store_read(page, walk->store, "store_client.check", NULL, &read, walk->deadline,
                             &rows));
    size_t at = first;
    for (size_t i = 0; i < rows.count; i++) {
        struct rind_slice key = rows.rows[i].key;
        RIND_ASSERT(at < count); /* an engine returns nothing that was not asked for */
        while (!rind_slice_equal(rind_row_key_slice(&walk->batch[at].row_key), key)) {
            check_note(walk, &walk->batch[at++], RIND_STORE_CHECK_MISSING);
            RIND_ASSERT(at < count);
        }
        check_row(page, walk, &walk->batch[at++], &rows.rows[i]);
    }
    while (!rows.has_more && at < count) {
        check_note(walk, &walk->batch[at++], RIND_STORE_CHECK_MISSING);
    }
    /* A page may end before the first row: then what lies up to its end is missing. */
    while (at < count && rows.has_more &&
           rind_key_compare(rind_row_key_slice(&walk->batch[at].row_key), rows.scanned_to) <= 0) {
        check_note(walk, &walk->batch[at++], RIND_STORE_CHECK_MISSING);
    }
    *next = at;
    return RIND_OK;
}

static rind_status check_step(struct rind_ctx *ctx, struct check_walk *walk)
{
    size_t count = walk->stack_count < CHECK_BATCH ? walk->stack_count : CHECK_BATCH;
    if (walk->stack_count + CHECK_BATCH + CHECK_STACK_RESERVE > CHECK_STACK_MAX) {
        count = 1;
    }
    walk->stack_count -= count;
    memcpy(walk->batch, walk->stack + walk->stack_count, count * sizeof(*walk->batch));
    qsort(walk->batch, count, sizeof(*walk->batch), check_node_compare);
    for (size_t next = 0; next < count;) {
        struct rind_ctx page;
        rind_ctx_init(&page, walk->arena);
        rind_status status = check_read(&page, walk, next, count, &next);
        if (!rind_is_ok(status)) {
            return rind_fail(ctx, (enum rind_code)status.code, "%s", page.sentence);
        }
        rind_arena_reset(walk->arena);
    }
    return RIND_OK;
}

static rind_status check_walk_all(struct rind_ctx *ctx, struct check_walk *walk)
{
    uint64_t reported = 0;
    const struct rind_bit_vector root = {0};
    check_push(walk, &root, &walk->partition.root_hash);
    while (walk->stack_count > 0) {
        RIND_TRY(check_step(ctx, walk));
        if (walk->progress != NULL && walk->progress->report != NULL &&
            walk->nodes - reported >= CHECK_REPORT_NODES) {
            reported = walk->nodes;
            walk->progress->report(walk->progress->self, "nodes checked",
                                   walk->result->nodes + walk->nodes);
        }
    }
    return RIND_OK;
}

/* Walks one tree; its counts are in the walk. */
static rind_status check_tree(struct rind_ctx *ctx, struct check_walk *walk)
{
    walk->stack = malloc(CHECK_STACK_MAX * sizeof(*walk->stack));
    walk->batch = malloc(CHECK_BATCH * sizeof(*walk->batch));
    rind_status status = walk->stack == NULL || walk->batch == NULL
                             ? rind_fail(ctx, RIND_E_LIMIT, "no memory for checking a tree")
                             : rind_arena_map(ctx, CHECK_ARENA_SIZE_BYTES, &walk->arena);
    if (rind_is_ok(status)) {
        status = check_walk_all(ctx, walk);
        rind_arena_unmap(walk->arena);
    }
    free(walk->stack);
    free(walk->batch);
    return status;
}

/* ---- groups ---- */

static rind_status check_read_entry(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    const struct rind_group_id *group,
                                    struct rind_deadline deadline, struct rind_log_entry *entry)
{
    struct rind_store_entry last;
    RIND_TRY(rind_store_read_last(ctx, store, realm, group, deadline, &last, NULL));
    RIND_REQUIRE(ctx,
                 rind_is_ok(rind_wire_decode_whole(ctx, &rind_log_entry_schema, last.cbor, entry)),
                 RIND_E_CORRUPT, "the newest log entry of a group is none");
    return RIND_OK;
}

static rind_status check_group(struct rind_ctx *ctx, struct check_walk *walk,
                               struct rind_store_check_group *group)
{
    struct rind_log_entry entry;
    RIND_TRY(
        check_read_entry(ctx, walk->store, walk->realm, &group->group, walk->deadline, &entry));
    group->index = entry.index;
    group->has_partition = entry.has_partition;
    walk->group = &group->group;
    walk->nodes = 0;
    walk->leaves = 0;
    if (entry.has_partition) {
        walk->partition = entry.partition;
        RIND_TRY(check_tree(ctx, walk));
        group->nodes = walk->nodes;
        group->leaves = walk->leaves;
        walk->result->nodes += walk->nodes;
    }
    if (entry.has_transferring && entry.transferring.kind == RIND_TRANSFERRING_OUT) {
        walk->nodes = 0;
        walk->partition = entry.transferring.out.partition;
        RIND_TRY(check_tree(ctx, walk));
        walk->result->nodes_in_transfer += walk->nodes;
    }
    return RIND_OK;
}

/* A problem in a tree that has changed meanwhile is none. */
static rind_status check_still(struct rind_ctx *ctx, const struct check_walk *walk,
                               const struct rind_store_check_group *group)
{
    struct rind_log_entry entry;
    RIND_TRY(
        check_read_entry(ctx, walk->store, walk->realm, &group->group, walk->deadline, &entry));
    RIND_REQUIRE(ctx, entry.index == group->index, RIND_E_STALE,
                 "the realm was written while it was checked; stop its agents and check again");
    return RIND_OK;
}

static rind_status check_count_rows(struct rind_ctx *ctx, const struct check_walk *walk)
{
    struct rind_merkle_stats stats;
    RIND_TRY(rind_store_merkle_stats(ctx, walk->store, walk->realm, walk->deadline, &stats));
    struct rind_store_check_result *result = walk->result;
    result->rows = stats.rows;
    result->rows_malformed = stats.rows_malformed;
    uint64_t accounted = result->nodes + result->wrong + result->rows_malformed;
    /* Trees under transfer may share nodes with their new owner's: then nothing is left over. */
    result->garbage = stats.rows > accounted ? stats.rows - accounted : 0;
    return RIND_OK;
}

rind_status rind_store_check(struct rind_ctx *ctx, struct rind_store *store,
                             const struct rind_realm_id *realm,
                             const struct rind_store_progress *progress,
                             struct rind_deadline deadline, struct rind_store_check_result *result)
{
    struct rind_log_stats logs;
    struct check_walk walk = {.store = store,
                              .realm = realm,
                              .progress = progress,
                              .deadline = deadline,
                              .result = result};
    memset(result, 0, sizeof(*result));
    RIND_TRY(rind_store_log_stats(ctx, store, realm, deadline, &logs));
    RIND_REQUIRE(ctx, logs.count <= RIND_STORE_CHECK_GROUPS_MAX, RIND_E_LIMIT,
                 "the realm has %zu groups, more than %u", logs.count, RIND_STORE_CHECK_GROUPS_MAX);
    result->groups = rind_ctx_alloc_array(ctx, logs.count, sizeof(*result->groups));
    if (result->groups == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    result->group_count = logs.count;
    for (size_t i = 0; i < logs.count; i++) {
        result->groups[i].group = logs.groups[i].group;
        RIND_TRY(check_group(ctx, &walk, &result->groups[i]));
    }
    RIND_TRY(check_count_rows(ctx, &walk));
    for (size_t i = 0; i < logs.count; i++) {
        RIND_TRY(check_still(ctx, &walk, &result->groups[i]));
    }
    return RIND_OK;
}
