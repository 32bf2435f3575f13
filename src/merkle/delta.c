/* delta.c - see delta.h. */
#include "merkle/delta.h"

#include "base/checked.h"
#include "wire/delta.h"

/* One add or remove of one of the deltas. */
struct delta_step {
    const struct rind_node_key *key;
    const struct rind_node *node; /* NULL: a remove */
};

/* What the squash says of one key, after some steps. */
struct delta_fate {
    const struct rind_node *added; /* the latest content, NULL if removed last */
    bool is_older;                 /* its first step is a remove: the store had it before */
};

static size_t delta_lay_out(const struct rind_store_delta *deltas, size_t count,
                            struct delta_step *steps)
{
    size_t step_count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < deltas[i].add.count; j++) {
            const struct rind_node_addition *add = &deltas[i].add.items[j];
            steps[step_count++] = (struct delta_step){.key = &add->key, .node = &add->node};
        }
        for (size_t j = 0; j < deltas[i].remove.count; j++) {
            steps[step_count++] = (struct delta_step){.key = &deltas[i].remove.items[j]};
        }
    }
    return step_count;
}

/* Merges two neighbouring sorted runs; of equal keys those of the first run come first. */
static void delta_merge_runs(const struct delta_step *from, size_t start, size_t middle, size_t end,
                             struct delta_step *to)
{
    size_t a = start;
    size_t b = middle;
    for (size_t i = start; i < end; i++) {
        bool takes_a =
            b == end || (a < middle && rind_node_key_compare(from[a].key, from[b].key) <= 0);
        to[i] = takes_a ? from[a++] : from[b++];
    }
}

/* Stable merge sort by key, bottom up; the result is in one of the two arrays. */
static const struct delta_step *delta_sort(struct delta_step *steps, struct delta_step *scratch,
                                           size_t count)
{
    struct delta_step *from = steps;
    struct delta_step *to = scratch;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = middle + width < count ? middle + width : count;
            delta_merge_runs(from, start, middle, end, to);
        }
        struct delta_step *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

/* Follows the steps of one key from `*index` on, and moves *index behind them. */
static struct delta_fate delta_follow(const struct delta_step *steps, size_t count, size_t *index)
{
    const struct rind_node_key *key = steps[*index].key;
    struct delta_fate fate = {.is_older = steps[*index].node == NULL};
    while (*index < count && rind_node_key_compare(steps[*index].key, key) == 0) {
        fate.added = steps[*index].node;
        (*index)++;
    }
    return fate;
}

/* Enters each key's fate; with arrays missing, only counts. */
static void delta_settle(const struct delta_step *steps, size_t count,
                         struct rind_store_delta *squashed)
{
    squashed->add.count = 0;
    squashed->remove.count = 0;
    for (size_t i = 0; i < count;) {
        const struct rind_node_key *key = steps[i].key;
        struct delta_fate fate = delta_follow(steps, count, &i);
        if (fate.added != NULL) {
            if (squashed->add.items != NULL) {
                squashed->add.items[squashed->add.count] =
                    (struct rind_node_addition){.key = *key, .node = *fate.added};
            }
            squashed->add.count++;
        } else if (fate.is_older) {
            if (squashed->remove.items != NULL) {
                squashed->remove.items[squashed->remove.count] = *key;
            }
            squashed->remove.count++;
        }
    }
}

rind_status rind_delta_squash(struct rind_ctx *ctx, const struct rind_store_delta *deltas,
                              size_t count, struct rind_store_delta *squashed)
{
    size_t step_count = 0;
    for (size_t i = 0; i < count; i++) {
        step_count += deltas[i].add.count + deltas[i].remove.count;
    }
    struct delta_step *steps = rind_ctx_alloc_array(ctx, step_count, 2 * sizeof(*steps));
    if (steps == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    (void)delta_lay_out(deltas, count, steps);
    const struct delta_step *sorted = delta_sort(steps, steps + step_count, step_count);

    struct rind_store_delta made = {.add = {.items = NULL}};
    delta_settle(sorted, step_count, &made);
    struct rind_node_addition *adds = rind_ctx_alloc_array(ctx, made.add.count, sizeof(*adds));
    if (adds == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    struct rind_node_key *removes = rind_ctx_alloc_array(ctx, made.remove.count, sizeof(*removes));
    if (removes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    made.add.items = adds;
    made.remove.items = removes;
    delta_settle(sorted, step_count, &made);
    *squashed = made;
    return RIND_OK;
}
