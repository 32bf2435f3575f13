/*
 * dot.c - see dot.h.
 *
 * The format wants all edges first and then the nodes grouped by depth. Instead of collecting
 * them, the tree is walked once for the edges, which also tells the depths in order of appearance,
 * and once more for each depth: pictures are of small trees.
 */
#include "merkle/dot.h"

#include "merkle/bits.h"
#include "merkle/node.h"

/* Nodes on the way from the root to a leaf. */
#define DOT_STACK_DEPTH_MAX (RIND_BITS_LENGTH_MAX + 1u)
#define DOT_DEPTHS_MAX (RIND_BITS_LENGTH_MAX + 1u)
#define DOT_DEPTH_NONE UINT16_MAX

/* A node on the way down. */
struct dot_frame {
    struct rind_node_key key;
    const struct rind_node *node; /* NULL: missing */
    unsigned sides_done;          /* 0, 1 or 2 branches are drawn */
};

struct dot {
    rind_dot_find find;
    void *self;
    bool is_missing_allowed;
    struct rind_buffer *out;
    uint16_t depths[DOT_DEPTHS_MAX]; /* in order of appearance */
    unsigned depth_count;
    uint16_t drawn_depth; /* whose nodes are drawn; DOT_DEPTH_NONE: edges */
    struct dot_frame stack[DOT_STACK_DEPTH_MAX];
    unsigned stack_depth;
};

static void dot_text(struct dot *dot, const char *text)
{
    rind_buffer_append(dot->out, rind_slice_text(text));
}

static void dot_hash(struct dot *dot, const struct rind_data_hash *hash)
{
    rind_buffer_append_hex(dot->out, rind_data_hash_slice(hash));
}

/* Part of a leaf's label: small single bytes as letters, anything else as a list of numbers. */
static void dot_value(struct dot *dot, struct rind_slice value)
{
    if (value.length == 1 && value.data[0] <= 26) {
        rind_buffer_append_byte(dot->out, (uint8_t)('@' + value.data[0]));
        return;
    }
    dot_text(dot, "[");
    for (size_t i = 0; i < value.length; i++) {
        rind_buffer_print(dot->out, i == 0 ? "%u" : ", %u", value.data[i]);
    }
    dot_text(dot, "]");
}

static void dot_node(struct dot *dot, const struct dot_frame *frame)
{
    bool is_root = frame->key.prefix.length == 0;
    bool is_leaf = frame->node != NULL && frame->node->kind == RIND_NODE_LEAF;
    dot_text(dot, "h");
    dot_hash(dot, &frame->key.hash);
    dot_text(dot, " [");
    if (frame->node != NULL) {
        dot_text(dot, "fillcolor=");
        dot_text(dot, is_root ? "darkseagreen " : is_leaf ? "lightblue1 " : "azure3 ");
    }
    dot_text(dot, "label=\"");
    dot_text(dot, is_root && frame->node != NULL ? "root\\n" : "");
    dot_hash(dot, &frame->key.hash);
    if (is_leaf) {
        dot_text(dot, "\\nvalue: ");
        dot_value(dot, frame->node->leaf.value);
    }
    dot_text(dot, "\" ordering=out shape=box style=");
    dot_text(dot, frame->node != NULL ? "filled" : "dotted");
    dot_text(dot, " ];\n");
}

static void dot_edge(struct dot *dot, const struct rind_data_hash *from, enum rind_side side,
                     const struct rind_branch *branch)
{
    dot_text(dot, "h");
    dot_hash(dot, from);
    dot_text(dot, " -> h");
    dot_hash(dot, &branch->hash);
    dot_text(dot, " [arrowsize=0.7 label=\"");
    dot_text(dot, side == RIND_SIDE_LEFT ? "Left:" : "Right:");
    dot_text(dot, branch->prefix.length <= 8 ? " " : "\\n");
    for (unsigned i = 0; i < branch->prefix.length; i++) {
        dot_text(dot, rind_bits_get(&branch->prefix, i) == 1 ? "1" : "0");
        dot_text(dot, i % 8 == 7 ? "\\n" : "");
    }
    dot_text(dot, "\\l\" nojustify=true ];\n");
}

/* Remembers the depths that have nodes, in order of appearance. */
static void dot_note_depth(struct dot *dot, uint16_t depth)
{
    for (unsigned i = 0; i < dot->depth_count; i++) {
        if (dot->depths[i] == depth) {
            return;
        }
    }
    RIND_ASSERT(dot->depth_count < DOT_DEPTHS_MAX);
    dot->depths[dot->depth_count++] = depth;
}

/* Arrives at a node: finds it, draws it if it is its turn, and puts it on the stack. */
static rind_status dot_enter(struct rind_ctx *ctx, struct dot *dot, const struct rind_node_key *key)
{
    const struct rind_node *node = dot->find(dot->self, key);
    RIND_REQUIRE(ctx, node != NULL || dot->is_missing_allowed, RIND_E_NOT_FOUND,
                 "a node at bit %u is missing", key->prefix.length);
    bool is_leaf_place = key->prefix.length == RIND_BITS_LENGTH_MAX;
    RIND_REQUIRE(ctx,
                 node == NULL || (node->kind == RIND_NODE_LEAF
                                      ? is_leaf_place
                                      : !is_leaf_place && rind_node_is_valid_at(
                                                              &node->interior, key->prefix.length)),
                 RIND_E_CORRUPT, "a node at bit %u cannot be there", key->prefix.length);
    RIND_ASSERT(dot->stack_depth < DOT_STACK_DEPTH_MAX);
    struct dot_frame *frame = &dot->stack[dot->stack_depth++];
    *frame = (struct dot_frame){.key = *key, .node = node};
    if (dot->drawn_depth == DOT_DEPTH_NONE) {
        dot_note_depth(dot, key->prefix.length);
    } else if (dot->drawn_depth == key->prefix.length) {
        dot_node(dot, frame);
    }
    RIND_REQUIRE(ctx, !dot->out->is_overflown, RIND_E_LIMIT,
                 "picture needs more than %zu bytes; draw a smaller tree", dot->out->capacity);
    return RIND_OK;
}

/* Visits all nodes, each before its left and that before its right subtree. */
static rind_status dot_walk(struct rind_ctx *ctx, struct dot *dot,
                            const struct rind_data_hash *root_hash)
{
    struct rind_node_key root = {.hash = *root_hash};
    dot->stack_depth = 0;
    RIND_TRY(dot_enter(ctx, dot, &root));
    while (dot->stack_depth > 0) {
        struct dot_frame *frame = &dot->stack[dot->stack_depth - 1];
        bool has_branches = frame->node != NULL && frame->node->kind == RIND_NODE_INTERIOR;
        if (!has_branches || frame->sides_done == 2) {
            dot->stack_depth--;
            continue;
        }
        enum rind_side side = frame->sides_done == 0 ? RIND_SIDE_LEFT : RIND_SIDE_RIGHT;
        frame->sides_done++;
        const struct rind_branch *branch = rind_node_branch(&frame->node->interior, side);
        if (branch == NULL) {
            continue;
        }
        if (dot->drawn_depth == DOT_DEPTH_NONE) {
            dot_edge(dot, &frame->key.hash, side, branch);
        }
        struct rind_node_key child = {
            .prefix = rind_bits_concat(&frame->key.prefix, &branch->prefix), .hash = branch->hash};
        RIND_TRY(dot_enter(ctx, dot, &child));
    }
    return RIND_OK;
}

rind_status rind_dot_write(struct rind_ctx *ctx, const struct rind_data_hash *root_hash,
                           rind_dot_find find, void *self, bool is_missing_allowed,
                           struct rind_buffer *out)
{
    struct dot *dot = rind_ctx_alloc(ctx, sizeof(*dot));
    if (dot == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    dot->find = find;
    dot->self = self;
    dot->is_missing_allowed = is_missing_allowed;
    dot->out = out;
    dot->drawn_depth = DOT_DEPTH_NONE;
    dot_text(dot, "Digraph merkletree {\n\n");
    RIND_TRY(dot_walk(ctx, dot, root_hash));
    for (unsigned i = 0; i < dot->depth_count; i++) {
        dot->drawn_depth = dot->depths[i];
        rind_buffer_print(out, "\nSubgraph depth_%u {\nrank=same\n\n", dot->drawn_depth);
        RIND_TRY(dot_walk(ctx, dot, root_hash));
        dot_text(dot, "}\n\n");
    }
    dot_text(dot, "}\n");
    RIND_REQUIRE(ctx, !out->is_overflown, RIND_E_LIMIT,
                 "picture needs more than %zu bytes; draw a smaller tree", out->capacity);
    return RIND_OK;
}
