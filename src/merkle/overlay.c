/*
 * overlay.c - see overlay.h.
 *
 * One block of memory: the struct, a ring of changes, a hash table, and a ring of bytes that holds
 * the nodes in the order they were added. Changes expire in that order too, so the byte ring needs
 * no free list and wastes nothing. A hash added twice is in the ring twice and in the table once,
 * as the newer one: expiry removes a table entry only if it still points at the expiring node, so
 * the node lives as long as the newest change that added it.
 */
#include "merkle/overlay.h"

#include "crypto/mix.h"
#include "merkle/bits.h"
#include "merkle/overlay_nodes.h"
#include "merkle/ring.h"
#include "merkle/tree.h"

/*
 * Node bytes budgeted for each change: a path of 40 interior nodes with a registered record's leaf
 * of 790 bytes takes 5.7 KB; trees of 10^9 records have paths of about 31.
 */
#define OVERLAY_CHANGE_SIZE_BYTES 6144u
/* Even the largest change fits: 257 interior nodes of at most 176 bytes and one leaf. */
#define OVERLAY_RING_SIZE_BYTES_MIN (128u * 1024u)
/* One table entry is provided for this many bytes of nodes; interior nodes take 110 and more. */
#define OVERLAY_BYTES_PER_ENTRY 64u
#define OVERLAY_PREFIX_ABSENT 0u
#define OVERLAY_INTERIOR_SIZE_MAX (2u * (2u + RIND_BITS_SIZE_BYTES + sizeof(struct rind_data_hash)))

_Static_assert(OVERLAY_RING_SIZE_BYTES_MIN >
                   RIND_TREE_VALUE_SIZE_BYTES_MAX + (RIND_TREE_PATH_COUNT_MAX + 2) * 176u,
               "the largest change fits");
_Static_assert(OVERLAY_RING_SIZE_BYTES_MIN / OVERLAY_BYTES_PER_ENTRY > RIND_TREE_PATH_COUNT_MAX + 2,
               "the largest change has entries");
_Static_assert((uint64_t)RIND_OVERLAY_CAPACITY_MAX *OVERLAY_CHANGE_SIZE_BYTES < UINT32_MAX,
               "positions fit 32 bits");

/* What precedes a node's content in the byte ring. */
struct overlay_record {
    struct rind_data_hash hash;
    uint32_t content_size;
    uint32_t kind; /* enum rind_overlay_kind */
};

/*
 * What expiring a node needs to know, in the order that nodes were added: apart from the nodes,
 * which have left the caches near the processor by then.
 */
struct overlay_expiry {
    uint32_t mixed; /* keyed hash of the node's hash */
    uint32_t size;  /* of its record and content */
};

/* Open addressing, linear probing, no tombstones. */
struct overlay_entry {
    uint32_t position_plus_1; /* of the record; 0: free */
    uint32_t mixed;           /* keyed hash of the node's hash; its low bits are the home slot */
};

struct rind_overlay {
    struct rind_data_hash latest_root;
    struct rind_data_hash opening_root;
    bool is_open;
    bool is_opening_root_known;
    uint32_t change_count_max; /* capacity - 1 */
    uint32_t change_first;     /* index of the oldest in `change_node_counts` */
    uint32_t change_count;
    uint32_t entry_count_max; /* nodes that the table takes */
    uint32_t entry_mask;      /* table size - 1 */
    uint32_t node_count;
    struct rind_ring ring; /* of records and their contents */
    struct rind_mix mix;
    uint32_t *change_node_counts;    /* nodes added by each change */
    struct overlay_expiry *expiries; /* of the nodes in the ring; entry_count_max places */
    uint32_t expiry_first;           /* the oldest node's */
    struct overlay_entry *entries;
};

/* Where the parts of an overlay lie in its memory. */
struct overlay_layout {
    uint32_t ring_size;
    uint32_t entry_count_max;
    uint32_t entry_slots;
    size_t entries_offset;
    size_t changes_offset;
    size_t expiries_offset;
    size_t ring_offset;
    size_t size_bytes;
};

static size_t overlay_align(size_t size)
{
    return (size + 15u) & ~(size_t)15u;
}

static struct overlay_layout overlay_layout_of(uint32_t capacity)
{
    RIND_ASSERT(capacity >= RIND_OVERLAY_CAPACITY_MIN && capacity <= RIND_OVERLAY_CAPACITY_MAX);
    struct overlay_layout layout = {.ring_size = capacity * OVERLAY_CHANGE_SIZE_BYTES};
    if (layout.ring_size < OVERLAY_RING_SIZE_BYTES_MIN) {
        layout.ring_size = OVERLAY_RING_SIZE_BYTES_MIN;
    }
    layout.entry_count_max = layout.ring_size / OVERLAY_BYTES_PER_ENTRY;
    layout.entry_slots = 1;
    while (layout.entry_slots - layout.entry_slots / 4 < layout.entry_count_max) {
        layout.entry_slots *= 2; /* at most three quarters full */
    }
    layout.entries_offset = overlay_align(sizeof(struct rind_overlay));
    layout.changes_offset =
        overlay_align(layout.entries_offset + layout.entry_slots * sizeof(struct overlay_entry));
    layout.expiries_offset =
        overlay_align(layout.changes_offset + (size_t)(capacity - 1) * sizeof(uint32_t));
    layout.ring_offset = overlay_align(layout.expiries_offset +
                                       layout.entry_count_max * sizeof(struct overlay_expiry));
    layout.size_bytes = overlay_align(layout.ring_offset + layout.ring_size);
    return layout;
}

size_t rind_overlay_size_bytes(uint32_t capacity)
{
    return overlay_layout_of(capacity).size_bytes;
}

rind_status rind_overlay_init(struct rind_ctx *ctx, void *memory, size_t size_bytes,
                              uint32_t capacity, const struct rind_overlay_seed *seed,
                              struct rind_overlay **overlay)
{
    RIND_REQUIRE(ctx,
                 capacity >= RIND_OVERLAY_CAPACITY_MIN && capacity <= RIND_OVERLAY_CAPACITY_MAX,
                 RIND_E_INVALID, "overlay capacity is %u; it can be %u to %u", (unsigned)capacity,
                 RIND_OVERLAY_CAPACITY_MIN, RIND_OVERLAY_CAPACITY_MAX);
    struct overlay_layout layout = overlay_layout_of(capacity);
    RIND_REQUIRE(ctx, size_bytes >= layout.size_bytes, RIND_E_INVALID,
                 "overlay of capacity %u needs %zu bytes and was given %zu", (unsigned)capacity,
                 layout.size_bytes, size_bytes);
    RIND_ASSERT(memory != NULL && (uintptr_t)memory % 16 == 0);

    struct rind_overlay *made = memory;
    uint8_t *base = memory;
    *made = (struct rind_overlay){
        .change_count_max = capacity - 1,
        .entry_count_max = layout.entry_count_max,
        .entry_mask = layout.entry_slots - 1,
        .ring = {.memory = base + layout.ring_offset, .size = layout.ring_size},
        .change_node_counts = (uint32_t *)(void *)(base + layout.changes_offset),
        .expiries = (struct overlay_expiry *)(void *)(base + layout.expiries_offset),
        .entries = (struct overlay_entry *)(void *)(base + layout.entries_offset),
    };
    rind_mix_init(&made->mix, seed->bytes);
    *overlay = made;
    return RIND_OK;
}

void rind_overlay_open(struct rind_overlay *overlay, const struct rind_data_hash *root_hash)
{
    struct rind_data_hash root = *root_hash; /* may be inside the overlay */
    memset(overlay->entries, 0, ((size_t)overlay->entry_mask + 1) * sizeof(*overlay->entries));
    overlay->latest_root = root;
    overlay->opening_root = root;
    overlay->is_open = true;
    overlay->is_opening_root_known = true;
    overlay->change_first = 0;
    overlay->change_count = 0;
    overlay->node_count = 0;
    overlay->expiry_first = 0;
    overlay->ring.first = 0;
    overlay->ring.used = 0;
}

/* --- The table --- */

static uint32_t overlay_mix(const struct rind_overlay *overlay, const struct rind_data_hash *hash)
{
    return rind_mix(&overlay->mix, hash->bytes, sizeof(hash->bytes));
}

/* What belongs to the node that is `offset` younger than the oldest; offset <= node_count. */
static struct overlay_expiry *overlay_expiry_at(const struct rind_overlay *overlay, uint32_t offset)
{
    uint32_t to_end = overlay->entry_count_max - overlay->expiry_first;
    return &overlay->expiries[offset < to_end ? overlay->expiry_first + offset : offset - to_end];
}

/* Tells the memory to bring what a look at `mixed` will need. */
static void overlay_expect(const struct rind_overlay *overlay, uint32_t mixed)
{
    __builtin_prefetch(&overlay->entries[mixed & overlay->entry_mask]);
}

void rind_overlay_expect(const struct rind_overlay *overlay, const struct rind_data_hash *hash)
{
    overlay_expect(overlay, overlay_mix(overlay, hash));
}

/* The slot that holds `hash`, or the free one where it belongs. */
static struct overlay_entry *overlay_slot(const struct rind_overlay *overlay,
                                          const struct rind_data_hash *hash, uint32_t mixed)
{
    for (uint32_t slot = mixed & overlay->entry_mask;; slot = (slot + 1) & overlay->entry_mask) {
        struct overlay_entry *entry = &overlay->entries[slot];
        if (entry->position_plus_1 == 0) {
            return entry; /* there always is one: the table is never full */
        }
        if (entry->mixed == mixed) {
            uint32_t position = entry->position_plus_1 - 1; /* a record starts with its hash */
            if (rind_ring_equal(&overlay->ring, position, hash, sizeof(*hash))) {
                return entry;
            }
        }
    }
}

/* Frees a slot and moves up those behind it that probed past it. */
static void overlay_slot_free(struct rind_overlay *overlay, struct overlay_entry *entry)
{
    uint32_t mask = overlay->entry_mask;
    uint32_t hole = (uint32_t)(entry - overlay->entries);
    for (uint32_t slot = (hole + 1) & mask; overlay->entries[slot].position_plus_1 != 0;
         slot = (slot + 1) & mask) {
        uint32_t home = overlay->entries[slot].mixed & mask;
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            overlay->entries[hole] = overlay->entries[slot];
            hole = slot;
        }
    }
    overlay->entries[hole] = (struct overlay_entry){0};
}

/* Removes the entry of the record at `position`, unless the same hash was added again since. */
static void overlay_forget(struct rind_overlay *overlay, uint32_t position, uint32_t mixed)
{
    for (uint32_t slot = mixed & overlay->entry_mask;; slot = (slot + 1) & overlay->entry_mask) {
        struct overlay_entry *entry = &overlay->entries[slot];
        if (entry->position_plus_1 == position + 1) {
            overlay_slot_free(overlay, entry);
            return;
        }
        if (entry->position_plus_1 == 0) {
            return;
        }
    }
}

/* The node whose record is at `position`. */
static struct rind_overlay_node overlay_node_at(const struct rind_overlay *overlay,
                                                uint32_t position)
{
    struct overlay_record record;
    position = rind_ring_read(&overlay->ring, position, &record, sizeof(record));
    return (struct rind_overlay_node){.kind = (enum rind_overlay_kind)record.kind,
                                      .position = position,
                                      .content_size = record.content_size};
}

bool rind_overlay_find(const struct rind_overlay *overlay, const struct rind_data_hash *hash,
                       struct rind_overlay_node *node)
{
    const struct overlay_entry *entry = overlay_slot(overlay, hash, overlay_mix(overlay, hash));
    if (entry->position_plus_1 == 0) {
        return false;
    }
    *node = overlay_node_at(overlay, entry->position_plus_1 - 1);
    return true;
}

bool rind_overlay_find_below(const struct rind_overlay *overlay,
                             const struct rind_overlay_node *parent,
                             const struct rind_data_hash *hash, struct rind_overlay_node *node)
{
    if (parent != NULL) {
        uint32_t behind = rind_ring_after(&overlay->ring, parent->position, parent->content_size);
        /* In a full ring its end is its oldest record: any that is there is as good. */
        bool is_record = behind != rind_ring_end(&overlay->ring);
        if (is_record && rind_ring_equal(&overlay->ring, behind, hash, sizeof(*hash))) {
            *node = overlay_node_at(overlay, behind);
            return true;
        }
    }
    return rind_overlay_find(overlay, hash, node);
}

/* --- Interior nodes as bytes: for each branch its prefix length, prefix bytes and hash --- */

struct overlay_content {
    uint8_t bytes[OVERLAY_INTERIOR_SIZE_MAX];
    uint32_t size;
};

static void overlay_pack_branch(struct overlay_content *content, bool has_branch,
                                const struct rind_branch *branch)
{
    uint16_t length = has_branch ? branch->prefix.length : OVERLAY_PREFIX_ABSENT;
    uint8_t *to = content->bytes + content->size;
    memcpy(to, &length, sizeof(length));
    to += sizeof(length);
    if (has_branch) {
        RIND_ASSERT(length <= RIND_BITS_LENGTH_MAX);
        /* All 32 bytes, as copies of a fixed size cost least: the hash overwrites the rest. */
        memcpy(to, branch->prefix.bits, RIND_BITS_SIZE_BYTES);
        to += (length + 7u) / 8u;
        memcpy(to, &branch->hash, sizeof(branch->hash));
        to += sizeof(branch->hash);
    }
    content->size = (uint32_t)(to - content->bytes);
}

static void overlay_pack(struct overlay_content *content, const struct rind_interior_node *interior)
{
    content->size = 0;
    overlay_pack_branch(content, interior->has_left, &interior->left);
    overlay_pack_branch(content, interior->has_right, &interior->right);
}

/* Reads a branch at *bytes, and moves it behind. What is read is what was packed. */
static void overlay_unpack_branch(const uint8_t **bytes, bool *has_branch,
                                  struct rind_branch *branch)
{
    uint16_t length;
    memcpy(&length, *bytes, sizeof(length));
    *bytes += sizeof(length);
    *has_branch = length != OVERLAY_PREFIX_ABSENT;
    if (*has_branch) {
        uint32_t byte_count = (length + 7u) / 8u;
        branch->prefix.length = length;
        memcpy(branch->prefix.bits, *bytes, byte_count);
        memcpy(&branch->hash, *bytes + byte_count, sizeof(branch->hash));
        *bytes += byte_count + sizeof(branch->hash);
    }
}

void rind_overlay_read_interior(const struct rind_overlay *overlay,
                                const struct rind_overlay_node *node,
                                struct rind_interior_node *interior)
{
    RIND_ASSERT(node->kind != RIND_OVERLAY_LEAF);
    RIND_ASSERT(node->content_size <= OVERLAY_INTERIOR_SIZE_MAX);
    uint8_t content[OVERLAY_INTERIOR_SIZE_MAX];
    const uint8_t *bytes = content;
    (void)rind_ring_read(&overlay->ring, node->position, content, node->content_size);
    *interior = (struct rind_interior_node){.has_left = false};
    overlay_unpack_branch(&bytes, &interior->has_left, &interior->left);
    overlay_unpack_branch(&bytes, &interior->has_right, &interior->right);
}

bool rind_overlay_is_interior(const struct rind_overlay *overlay,
                              const struct rind_overlay_node *node,
                              const struct rind_interior_node *interior)
{
    if (node->kind != RIND_OVERLAY_INTERIOR) {
        return false;
    }
    struct overlay_content content;
    overlay_pack(&content, interior);
    return content.size == node->content_size &&
           rind_ring_equal(&overlay->ring, node->position, content.bytes, content.size);
}

void rind_overlay_read_value(const struct rind_overlay *overlay,
                             const struct rind_overlay_node *node, uint8_t *value)
{
    RIND_ASSERT(node->kind == RIND_OVERLAY_LEAF);
    (void)rind_ring_read(&overlay->ring, node->position, value, node->content_size);
}

bool rind_overlay_is_value(const struct rind_overlay *overlay, const struct rind_overlay_node *node,
                           struct rind_slice value)
{
    return node->kind == RIND_OVERLAY_LEAF && node->content_size == value.length &&
           rind_ring_equal(&overlay->ring, node->position, value.data, node->content_size);
}

/* --- The window --- */

static uint32_t overlay_branch_size(bool has_branch, const struct rind_branch *branch)
{
    uint32_t rest = (branch->prefix.length + 7u) / 8u + (uint32_t)sizeof(branch->hash);
    return (uint32_t)sizeof(branch->prefix.length) + (has_branch ? rest : 0);
}

static uint32_t overlay_content_size(const struct rind_node *node)
{
    if (node->kind == RIND_NODE_LEAF) {
        return (uint32_t)node->leaf.value.length;
    }
    const struct rind_interior_node *interior = &node->interior;
    return overlay_branch_size(interior->has_left, &interior->left) +
           overlay_branch_size(interior->has_right, &interior->right);
}

/* Bytes of the ring that the change takes. */
static size_t overlay_change_size(const struct rind_tree_change *change)
{
    size_t size = 0;
    for (size_t i = 0; i < change->delta.add.count; i++) {
        size +=
            sizeof(struct overlay_record) + overlay_content_size(&change->delta.add.items[i].node);
    }
    return size;
}

static void overlay_append_node(struct rind_overlay *overlay,
                                const struct rind_node_addition *added)
{
    uint32_t position = rind_ring_end(&overlay->ring);
    bool is_leaf = added->node.kind == RIND_NODE_LEAF;
    bool is_root = added->key.prefix.length == 0;
    struct overlay_record record = {
        .hash = added->key.hash,
        .kind = is_leaf   ? RIND_OVERLAY_LEAF
                : is_root ? RIND_OVERLAY_ROOT
                          : RIND_OVERLAY_INTERIOR,
    };
    uint32_t mixed = overlay_mix(overlay, &added->key.hash);
    struct overlay_content packed;
    struct rind_slice content;
    if (is_leaf) {
        content = added->node.leaf.value;
    } else {
        overlay_pack(&packed, &added->node.interior);
        content = rind_slice_make(packed.bytes, packed.size);
    }
    record.content_size = (uint32_t)content.length;
    rind_ring_append(&overlay->ring, &record, sizeof(record));
    rind_ring_append(&overlay->ring, content.data, record.content_size);

    struct overlay_entry *entry = overlay_slot(overlay, &record.hash, mixed);
    *entry = (struct overlay_entry){.position_plus_1 = position + 1, .mixed = mixed};
    RIND_ASSERT(overlay->node_count < overlay->entry_count_max);
    *overlay_expiry_at(overlay, overlay->node_count) = (struct overlay_expiry){
        .mixed = mixed, .size = (uint32_t)sizeof(record) + record.content_size};
    overlay->node_count++;
}

void rind_overlay_expect_change(const struct rind_overlay *overlay)
{
    if (overlay->change_count < overlay->change_count_max) {
        return; /* most likely nothing expires */
    }
    uint32_t node_count = overlay->change_node_counts[overlay->change_first];
    for (uint32_t i = 0; i < node_count; i++) {
        overlay_expect(overlay, overlay_expiry_at(overlay, i)->mixed);
    }
}

/* Forgets the oldest change: its nodes, the root it produced, and with the first one the opening
 * root, whose nodes may now be incomplete. */
static void overlay_expire_oldest(struct rind_overlay *overlay)
{
    RIND_ASSERT(overlay->change_count > 0);
    uint32_t node_count = overlay->change_node_counts[overlay->change_first];
    for (uint32_t i = 0; i < node_count; i++) {
        const struct overlay_expiry *expiry = overlay_expiry_at(overlay, i);
        overlay_forget(overlay, overlay->ring.first, expiry->mixed);
        rind_ring_drop(&overlay->ring, expiry->size);
    }
    overlay->expiry_first = (overlay->expiry_first + node_count) % overlay->entry_count_max;
    overlay->node_count -= node_count;
    overlay->change_first = (overlay->change_first + 1) % overlay->change_count_max;
    overlay->change_count--;
    overlay->is_opening_root_known = false;
}

void rind_overlay_add(struct rind_overlay *overlay, const struct rind_tree_change *change)
{
    RIND_ASSERT(overlay->is_open);
    RIND_ASSERT(rind_data_hash_equal(&change->old_root_hash, &overlay->latest_root));
    if (change->delta.add.count == 0) {
        RIND_ASSERT(rind_data_hash_equal(&change->root_hash, &overlay->latest_root));
        return;
    }
    /* Any change that rind_tree_insert makes fits: see the static assertions above. */
    RIND_ASSERT(change->delta.add.count <= overlay->entry_count_max);
    RIND_ASSERT(overlay_change_size(change) <= overlay->ring.size);
    uint32_t node_count = (uint32_t)change->delta.add.count;
    uint32_t size = (uint32_t)overlay_change_size(change);
    while (overlay->change_count == overlay->change_count_max ||
           size > rind_ring_free(&overlay->ring) ||
           node_count > overlay->entry_count_max - overlay->node_count) {
        overlay_expire_oldest(overlay);
    }
    for (size_t i = 0; i < change->delta.add.count; i++) {
        overlay_append_node(overlay, &change->delta.add.items[i]);
    }
    uint32_t index = (overlay->change_first + overlay->change_count) % overlay->change_count_max;
    overlay->change_node_counts[index] = node_count;
    overlay->change_count++;
    overlay->latest_root = change->root_hash;
}

const struct rind_data_hash *rind_overlay_latest_root(const struct rind_overlay *overlay)
{
    RIND_ASSERT(overlay->is_open);
    return &overlay->latest_root;
}

bool rind_overlay_knows_root(const struct rind_overlay *overlay,
                             const struct rind_data_hash *root_hash)
{
    RIND_ASSERT(overlay->is_open);
    if (overlay->is_opening_root_known && rind_data_hash_equal(root_hash, &overlay->opening_root)) {
        return true;
    }
    struct rind_overlay_node node;
    return rind_overlay_find(overlay, root_hash, &node) && node.kind == RIND_OVERLAY_ROOT;
}

uint32_t rind_overlay_change_count(const struct rind_overlay *overlay)
{
    return overlay->change_count;
}

uint32_t rind_overlay_node_count(const struct rind_overlay *overlay)
{
    return overlay->node_count;
}
