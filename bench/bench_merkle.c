/*
 * bench_merkle.c - what the tree costs the core per request, by number of records.
 *
 * Method: a tree over N random record ids with values of 790 bytes (a padded record) is computed
 * once. Then, for each of a fixed number of random existing records, its proof is verified as a
 * stranger's; verified against an overlay of 511 roots to which up to 250 changes were made since
 * the proof was read; verified again as read freshly; a new value is inserted; the change enters
 * the overlay; and a fresh proof of the same record is verified, as the next of a client's three
 * requests would bring it. Times are medians of rounds, so that a busy machine disturbs little.
 * "Hashing alone" is the hash function over as many bytes as a stranger's proof has, measured in
 * the same rounds: what the others cost is best read as a ratio to it.
 *
 * usage: bench_merkle [RECORDS...]   (default: 1000 1000000)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/blake2s.h"
#include "merkle/merkle.h"
#include "wire/range.h"

#define BENCH_VALUE_SIZE 790u
#define BENCH_CAPACITY 511u
#define BENCH_ROUNDS 41u
#define BENCH_OPERATIONS 250u /* per round */
#define BENCH_ARENA_SIZE ((size_t)1 << 20)

/* A fork of the static tree: the bit that parts its halves, and its children. */
struct bench_fork {
    uint32_t left; /* of forks if below count, else count + index of a record */
    uint32_t right;
    uint16_t bit;
    struct rind_data_hash hash;
};

struct bench_tree {
    size_t count;
    struct rind_record_id *ids; /* sorted */
    struct rind_data_hash *leaves;
    struct bench_fork *forks; /* count - 1 */
    uint32_t root;
    struct rind_owned_range range;
    struct rind_data_hash root_hash;
};

static uint8_t bench_value[BENCH_VALUE_SIZE];

static void *bench_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        (void)fprintf(stderr, "bench_merkle: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static void bench_require(rind_status status, const struct rind_ctx *ctx)
{
    if (!rind_is_ok(status)) {
        (void)fprintf(stderr, "bench_merkle: %s\n", ctx->sentence);
        exit(EXIT_FAILURE);
    }
}

static uint64_t bench_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t bench_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

/* --- The static tree --- */

static int bench_compare_ids(const void *a, const void *b)
{
    return rind_record_id_compare(a, b);
}

static unsigned bench_fork_bit(const struct bench_tree *tree, uint32_t child)
{
    return child < tree->count ? tree->forks[child].bit : RIND_BITS_LENGTH_MAX;
}

static const struct rind_data_hash *bench_hash(const struct bench_tree *tree, uint32_t child)
{
    return child < tree->count ? &tree->forks[child].hash : &tree->leaves[child - tree->count];
}

/* The branch from bit `from` to a child, on the way to the record `index` below it. */
static struct rind_branch bench_branch(const struct bench_tree *tree, uint32_t child, size_t index,
                                       unsigned from)
{
    struct rind_bit_vector path = rind_bits_of_record_id(&tree->ids[index]);
    return (struct rind_branch){.prefix = rind_bits_slice(&path, from, bench_fork_bit(tree, child)),
                                .hash = *bench_hash(tree, child)};
}

/* Some record below a child: the leftmost. */
static size_t bench_any(const struct bench_tree *tree, uint32_t child)
{
    while (child < tree->count) {
        child = tree->forks[child].left;
    }
    return child - tree->count;
}

static struct rind_interior_node bench_node(const struct bench_tree *tree, uint32_t fork)
{
    const struct bench_fork *f = &tree->forks[fork];
    return (struct rind_interior_node){
        .has_left = true,
        .left = bench_branch(tree, f->left, bench_any(tree, f->left), f->bit),
        .has_right = true,
        .right = bench_branch(tree, f->right, bench_any(tree, f->right), f->bit)};
}

static void bench_finish_fork(struct bench_tree *tree, uint32_t fork)
{
    struct rind_interior_node node = bench_node(tree, fork);
    if (tree->forks[fork].bit == 0) {
        rind_hash_root(&tree->range, &node, &tree->forks[fork].hash);
    } else {
        rind_hash_interior(&node, &tree->forks[fork].hash);
    }
}

/* Builds the radix tree over the sorted ids, keeping the right spine on a stack. */
static void bench_build_forks(struct bench_tree *tree)
{
    uint32_t spine[RIND_BITS_LENGTH_MAX + 1];
    unsigned depth = 0;
    uint32_t fork_count = 0;
    for (size_t i = 1; i < tree->count; i++) {
        struct rind_bit_vector a = rind_bits_of_record_id(&tree->ids[i - 1]);
        struct rind_bit_vector b = rind_bits_of_record_id(&tree->ids[i]);
        unsigned bit = rind_bits_common_length(&a, &b);
        uint32_t below = (uint32_t)(tree->count + i - 1);
        while (depth > 0 && tree->forks[spine[depth - 1]].bit > bit) {
            below = spine[--depth];
            bench_finish_fork(tree, below);
        }
        tree->forks[fork_count] = (struct bench_fork){
            .left = below, .right = (uint32_t)(tree->count + i), .bit = (uint16_t)bit};
        if (depth > 0) {
            tree->forks[spine[depth - 1]].right = fork_count;
        }
        spine[depth++] = fork_count++;
    }
    while (depth > 0) {
        tree->root = spine[--depth];
        bench_finish_fork(tree, tree->root);
    }
}

static void bench_tree_init(struct bench_tree *tree, size_t count)
{
    uint64_t seed = count;
    *tree = (struct bench_tree){.count = count, .range = rind_owned_range_full()};
    tree->ids = bench_alloc(count, sizeof(*tree->ids));
    tree->leaves = bench_alloc(count, sizeof(*tree->leaves));
    tree->forks = bench_alloc(count, sizeof(*tree->forks));
    for (size_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < sizeof(tree->ids[i].bytes); j += 8) {
            rind_put_be64(tree->ids[i].bytes + j, bench_random(&seed));
        }
    }
    qsort(tree->ids, count, sizeof(*tree->ids), bench_compare_ids);
    for (size_t i = 0; i < count; i++) {
        rind_hash_leaf(&tree->ids[i], rind_slice_make(bench_value, BENCH_VALUE_SIZE),
                       &tree->leaves[i]);
    }
    bench_build_forks(tree);
    if (tree->forks[tree->root].bit != 0) {
        (void)fprintf(stderr, "bench_merkle: too few records\n");
        exit(EXIT_FAILURE);
    }
    tree->root_hash = tree->forks[tree->root].hash;
}

static void bench_tree_fini(struct bench_tree *tree)
{
    free(tree->ids);
    free(tree->leaves);
    free(tree->forks);
}

/* The proof of record `index`; the path has room for RIND_TREE_PATH_COUNT_MAX nodes. */
static void bench_read(const struct bench_tree *tree, size_t index, struct rind_interior_node *path,
                       struct rind_read_proof *proof)
{
    struct rind_bit_vector key = rind_bits_of_record_id(&tree->ids[index]);
    *proof = (struct rind_read_proof){.key = tree->ids[index],
                                      .range = tree->range,
                                      .has_leaf = true,
                                      .root_hash = tree->root_hash};
    proof->leaf.value = rind_slice_make(bench_value, BENCH_VALUE_SIZE);
    proof->path.items = path;
    for (uint32_t at = tree->root; at < tree->count;) {
        path[proof->path.count++] = bench_node(tree, at);
        bool goes_right = rind_bits_get(&key, tree->forks[at].bit) == 1;
        at = goes_right ? tree->forks[at].right : tree->forks[at].left;
    }
}

/* --- Measuring --- */

enum bench_column {
    BENCH_FLOOR,
    BENCH_COLD,
    BENCH_STALE,
    BENCH_FRESH,
    BENCH_INSERT,
    BENCH_ADD,
    BENCH_AGAIN,
    BENCH_COUNT
};
static const char *const bench_names[BENCH_COUNT] = {
    [BENCH_FLOOR] = "hashing alone",     [BENCH_COLD] = "verify foreign",
    [BENCH_STALE] = "verify and rebase", [BENCH_FRESH] = "verify fresh",
    [BENCH_INSERT] = "insert",           [BENCH_ADD] = "enter",
    [BENCH_AGAIN] = "verify same record"};

struct bench {
    struct bench_tree tree;
    struct rind_overlay *overlay;
    void *overlay_memory;
    struct rind_arena arena;
    void *arena_memory;
    struct rind_ctx ctx;
    struct rind_read_proof proofs[BENCH_OPERATIONS];
    struct rind_interior_node *paths;
    uint64_t times_ns[BENCH_COUNT][BENCH_ROUNDS];
    size_t path_nodes;
    uint64_t seed;
};

static void bench_hash_floor(const struct rind_read_proof *proof)
{
    uint8_t preimage[44 + BENCH_VALUE_SIZE] = {0};
    uint8_t digest[RIND_BLAKE2S_SIZE];
    for (size_t i = 0; i < proof->path.count; i++) {
        size_t size = i == 0 ? 140 : 80; /* a short prefix on both sides */
        preimage[0] = (uint8_t)i;
        rind_blake2s(rind_slice_make(preimage, size), digest);
    }
    rind_blake2s(RIND_SLICE_OF(preimage), digest);
}

/* The proof that an agent with all changes would read: `path` has room for it. */
static struct rind_read_proof bench_fresh(const struct rind_verified_proof *verified,
                                          struct rind_interior_node *path)
{
    struct rind_read_proof proof = {.key = verified->key,
                                    .range = verified->range,
                                    .has_leaf = verified->has_leaf,
                                    .root_hash = verified->root_hash};
    proof.leaf.value = verified->value;
    proof.path.items = path;
    for (unsigned i = 0; i < verified->step_count; i++) {
        path[proof.path.count++] = *verified->steps[i].node;
    }
    return proof;
}

/* The proof of the same record once `change` has given it `value`. */
static struct rind_read_proof bench_after(const struct rind_read_proof *before,
                                          const struct rind_tree_change *change,
                                          struct rind_slice value, struct rind_interior_node *path)
{
    struct rind_read_proof proof = *before;
    proof.root_hash = change->root_hash;
    proof.leaf.value = value;
    proof.path.items = path;
    for (size_t i = 0; i < proof.path.count; i++) {
        path[i] = change->delta.add.items[i].node.interior;
    }
    return proof;
}

/* One request, timed in steps; its change stays in the overlay. */
static void bench_operation(struct bench *bench, const struct rind_read_proof *proof,
                            struct rind_slice value, uint64_t times[BENCH_COUNT])
{
    static struct rind_interior_node path[RIND_TREE_PATH_COUNT_MAX];
    struct rind_ctx *ctx = &bench->ctx;
    struct rind_verified_proof verified;
    struct rind_tree_change change;
    uint64_t at[BENCH_COUNT + 1];
    rind_arena_reset(&bench->arena);

    at[BENCH_FLOOR] = bench_now_ns();
    bench_hash_floor(proof);
    at[BENCH_COLD] = bench_now_ns();
    bench_require(rind_tree_verify_foreign(ctx, proof, &verified), ctx);
    at[BENCH_STALE] = bench_now_ns();
    bench_require(rind_tree_verify(ctx, bench->overlay, proof, &verified), ctx);
    uint64_t after_stale = bench_now_ns();
    struct rind_read_proof fresh = bench_fresh(&verified, path);
    at[BENCH_FRESH] = bench_now_ns();
    bench_require(rind_tree_verify(ctx, bench->overlay, &fresh, &verified), ctx);
    at[BENCH_INSERT] = bench_now_ns();
    bench_require(rind_tree_insert(ctx, bench->overlay, &verified, value, &change), ctx);
    at[BENCH_ADD] = bench_now_ns();
    rind_overlay_add(bench->overlay, &change);
    uint64_t after_add = bench_now_ns();
    struct rind_read_proof again = bench_after(&fresh, &change, value, path);
    at[BENCH_AGAIN] = bench_now_ns();
    bench_require(rind_tree_verify(ctx, bench->overlay, &again, &verified), ctx);
    at[BENCH_COUNT] = bench_now_ns();

    for (unsigned column = 0; column < BENCH_COUNT; column++) {
        times[column] += at[column + 1] - at[column];
    }
    times[BENCH_STALE] -= at[BENCH_FRESH] - after_stale;
    times[BENCH_ADD] -= at[BENCH_AGAIN] - after_add;
}

/*
 * One round over freshly chosen records. Proofs are of the base root and each change stays in the
 * overlay, so that all but the first are rebased.
 */
static void bench_round(struct bench *bench, unsigned round)
{
    uint64_t times[BENCH_COUNT] = {0};
    uint8_t value[BENCH_VALUE_SIZE] = {(uint8_t)round, 1};
    for (unsigned i = 0; i < BENCH_OPERATIONS; i++) {
        size_t index = bench_random(&bench->seed) % bench->tree.count;
        bench_read(&bench->tree, index, bench->paths + (size_t)i * RIND_TREE_PATH_COUNT_MAX,
                   &bench->proofs[i]);
        bench->path_nodes += bench->proofs[i].path.count;
    }
    rind_overlay_open(bench->overlay, &bench->tree.root_hash);
    for (unsigned i = 0; i < BENCH_OPERATIONS; i++) {
        value[2] = (uint8_t)i;
        bench_operation(bench, &bench->proofs[i], RIND_SLICE_OF(value), times);
    }
    for (unsigned column = 0; column < BENCH_COUNT; column++) {
        bench->times_ns[column][round] = times[column] / BENCH_OPERATIONS;
    }
}

static int bench_compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void bench_records(size_t count)
{
    struct bench *bench = bench_alloc(1, sizeof(*bench));
    struct rind_overlay_seed seed = {.bytes = {1}};
    size_t overlay_size = rind_overlay_size_bytes(BENCH_CAPACITY);
    bench_tree_init(&bench->tree, count);
    bench->paths =
        bench_alloc((size_t)BENCH_OPERATIONS * RIND_TREE_PATH_COUNT_MAX, sizeof(*bench->paths));
    bench->arena_memory = bench_alloc(1, BENCH_ARENA_SIZE);
    bench->overlay_memory = bench_alloc(1, overlay_size);
    rind_arena_init(&bench->arena, bench->arena_memory, BENCH_ARENA_SIZE);
    rind_ctx_init(&bench->ctx, &bench->arena);
    bench_require(rind_overlay_init(&bench->ctx, bench->overlay_memory, overlay_size,
                                    BENCH_CAPACITY, &seed, &bench->overlay),
                  &bench->ctx);
    for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
        bench_round(bench, round);
    }
    printf("%10zu records, %4.1f path nodes, arena %zu bytes:", count,
           (double)bench->path_nodes / BENCH_ROUNDS / BENCH_OPERATIONS, bench->arena.used_max);
    for (unsigned column = 0; column < BENCH_COUNT; column++) {
        qsort(bench->times_ns[column], BENCH_ROUNDS, sizeof(uint64_t), bench_compare_times);
        printf("  %s %.2f us", bench_names[column],
               (double)bench->times_ns[column][BENCH_ROUNDS / 2] / 1000.0);
    }
    printf("\n");
    bench_tree_fini(&bench->tree);
    free(bench->paths);
    free(bench->arena_memory);
    free(bench->overlay_memory);
    free(bench);
}

int main(int argc, char **argv)
{
    memset(bench_value, 0x5a, sizeof(bench_value));
    if (argc == 1) {
        bench_records(1000);
        bench_records(1000000);
    }
    for (int i = 1; i < argc; i++) {
        bench_records((size_t)strtoull(argv[i], NULL, 10));
    }
    return EXIT_SUCCESS;
}
