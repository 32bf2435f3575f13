/* node_form.c - see node_form.h. */
#include "wire/node_form.h"

#include "base/assert.h"
#include "wire/types.h"

/* {"prefix": {"len": ..., "bits": bytes(32)}, "hash": bytes(32)}, in pieces. */
static const uint8_t form_before_length[13] = {0xa2, 0x66, 'p',  'r', 'e', 'f', 'i',
                                               'x',  0xa2, 0x63, 'l', 'e', 'n'};
static const uint8_t form_before_bits[7] = {0x64, 'b', 'i', 't', 's', 0x58, 0x20};
static const uint8_t form_before_hash[7] = {0x64, 'h', 'a', 's', 'h', 0x58, 0x20};
/* {"left": branch or null, "right": branch or null} */
static const uint8_t form_before_left[6] = {0xa2, 0x64, 'l', 'e', 'f', 't'};
static const uint8_t form_before_right[6] = {0x65, 'r', 'i', 'g', 'h', 't'};

#define FORM_VALUE_SIZE 32u
#define FORM_NULL 0xf6u
/* A length is an integer of one byte, or of one or two behind one of these heads. */
#define FORM_ONE_BYTE 0x18u
#define FORM_TWO_BYTES 0x19u
/* All but the length. */
#define FORM_BRANCH_REST_SIZE                                                                      \
    (sizeof(form_before_length) + sizeof(form_before_bits) + sizeof(form_before_hash) +            \
     2 * FORM_VALUE_SIZE)

_Static_assert(sizeof(struct rind_branch) == sizeof(struct rind_node_key) &&
                   offsetof(struct rind_branch, prefix) == offsetof(struct rind_node_key, prefix) &&
                   offsetof(struct rind_branch, hash) == offsetof(struct rind_node_key, hash),
               "a node key is laid out as a branch");
_Static_assert(sizeof(((struct rind_bit_vector *)0)->bits) == FORM_VALUE_SIZE &&
                   sizeof(struct rind_data_hash) == FORM_VALUE_SIZE,
               "both values have 32 bytes");

/* --- Reading --- */

/* The bytes still to be looked at. */
struct form_cursor {
    const uint8_t *next;
    const uint8_t *end;
};

static inline bool form_take_piece(struct form_cursor *cursor, const uint8_t *piece, size_t size)
{
    if ((size_t)(cursor->end - cursor->next) < size || memcmp(cursor->next, piece, size) != 0) {
        return false;
    }
    cursor->next += size;
    return true;
}

/* Integers of up to two bytes: any that fits a length and need not be told to saturate. */
static inline bool form_take_length(struct form_cursor *cursor, uint16_t *length)
{
    size_t left = (size_t)(cursor->end - cursor->next);
    const uint8_t *next = cursor->next;
    if (left >= 1 && next[0] < FORM_ONE_BYTE) {
        *length = next[0];
        cursor->next += 1;
        return true;
    }
    if (left >= 2 && next[0] == FORM_ONE_BYTE) {
        *length = next[1];
        cursor->next += 2;
        return true;
    }
    if (left >= 3 && next[0] == FORM_TWO_BYTES) {
        *length = (uint16_t)((unsigned)next[1] << 8 | next[2]);
        cursor->next += 3;
        return true;
    }
    return false;
}

static inline bool form_take_value(struct form_cursor *cursor, uint8_t *bytes)
{
    if ((size_t)(cursor->end - cursor->next) < FORM_VALUE_SIZE) {
        return false;
    }
    memcpy(bytes, cursor->next, FORM_VALUE_SIZE);
    cursor->next += FORM_VALUE_SIZE;
    return true;
}

static bool form_take_branch(struct form_cursor *cursor, struct rind_branch *branch)
{
    return form_take_piece(cursor, form_before_length, sizeof(form_before_length)) &&
           form_take_length(cursor, &branch->prefix.length) &&
           form_take_piece(cursor, form_before_bits, sizeof(form_before_bits)) &&
           form_take_value(cursor, branch->prefix.bits) &&
           form_take_piece(cursor, form_before_hash, sizeof(form_before_hash)) &&
           form_take_value(cursor, branch->hash.bytes);
}

static bool form_take_branch_or_null(struct form_cursor *cursor, bool *has_branch,
                                     struct rind_branch *branch)
{
    if (cursor->next < cursor->end && *cursor->next == FORM_NULL) {
        cursor->next++;
        *has_branch = false;
        return true;
    }
    *has_branch = true;
    return form_take_branch(cursor, branch);
}

static bool form_take_interior(struct form_cursor *cursor, struct rind_interior_node *node)
{
    return form_take_piece(cursor, form_before_left, sizeof(form_before_left)) &&
           form_take_branch_or_null(cursor, &node->has_left, &node->left) &&
           form_take_piece(cursor, form_before_right, sizeof(form_before_right)) &&
           form_take_branch_or_null(cursor, &node->has_right, &node->right);
}

bool rind_node_form_take(struct rind_cbor_reader *reader, enum rind_node_form form, uint8_t *value,
                         const char **field)
{
    const uint8_t *start = reader->input.data + reader->position;
    struct form_cursor cursor = {start, start + rind_cbor_left(reader)};
    struct rind_branch branch;
    struct rind_interior_node node = {.has_left = false};
    switch (form) {
    case RIND_NODE_FORM_BRANCH:
        if (!form_take_branch(&cursor, &branch)) {
            return false;
        }
        memcpy(value, &branch, sizeof(branch));
        *field = "len"; /* what follows it is read without being named */
        break;
    case RIND_NODE_FORM_INTERIOR:
        if (!form_take_interior(&cursor, &node)) {
            return false;
        }
        memcpy(value, &node, sizeof(node));
        *field = node.has_right ? "len" : "right";
        break;
    case RIND_NODE_FORM_NONE:
        RIND_UNREACHABLE("the caller has seen a form");
    }
    reader->position += (size_t)(cursor.next - start);
    return true;
}

/* --- Writing --- */

static inline size_t form_length_size(uint16_t length)
{
    return length < FORM_ONE_BYTE ? 1 : length <= UINT8_MAX ? 2 : 3;
}

static inline size_t form_branch_size(const struct rind_branch *branch)
{
    return FORM_BRANCH_REST_SIZE + form_length_size(branch->prefix.length);
}

static inline uint8_t *form_put(uint8_t *to, const uint8_t *piece, size_t size)
{
    memcpy(to, piece, size);
    return to + size;
}

static inline uint8_t *form_put_length(uint8_t *to, uint16_t length)
{
    if (length < FORM_ONE_BYTE) {
        *to++ = (uint8_t)length;
    } else if (length <= UINT8_MAX) {
        *to++ = FORM_ONE_BYTE;
        *to++ = (uint8_t)length;
    } else {
        *to++ = FORM_TWO_BYTES;
        *to++ = (uint8_t)(length >> 8);
        *to++ = (uint8_t)(length & 0xffu);
    }
    return to;
}

static uint8_t *form_put_branch(uint8_t *to, const struct rind_branch *branch)
{
    to = form_put(to, form_before_length, sizeof(form_before_length));
    to = form_put_length(to, branch->prefix.length);
    to = form_put(to, form_before_bits, sizeof(form_before_bits));
    to = form_put(to, branch->prefix.bits, FORM_VALUE_SIZE);
    to = form_put(to, form_before_hash, sizeof(form_before_hash));
    return form_put(to, branch->hash.bytes, FORM_VALUE_SIZE);
}

static uint8_t *form_put_branch_or_null(uint8_t *to, bool has_branch,
                                        const struct rind_branch *branch)
{
    if (has_branch) {
        return form_put_branch(to, branch);
    }
    *to = FORM_NULL;
    return to + 1;
}

size_t rind_node_form_size(enum rind_node_form form, const uint8_t *value)
{
    if (form == RIND_NODE_FORM_BRANCH) {
        return form_branch_size((const struct rind_branch *)(const void *)value);
    }
    RIND_ASSERT(form == RIND_NODE_FORM_INTERIOR);
    const struct rind_interior_node *node = (const struct rind_interior_node *)(const void *)value;
    return sizeof(form_before_left) + sizeof(form_before_right) +
           (node->has_left ? form_branch_size(&node->left) : 1) +
           (node->has_right ? form_branch_size(&node->right) : 1);
}

void rind_node_form_put(enum rind_node_form form, const uint8_t *value, uint8_t *to)
{
    if (form == RIND_NODE_FORM_BRANCH) {
        (void)form_put_branch(to, (const struct rind_branch *)(const void *)value);
        return;
    }
    RIND_ASSERT(form == RIND_NODE_FORM_INTERIOR);
    const struct rind_interior_node *node = (const struct rind_interior_node *)(const void *)value;
    to = form_put(to, form_before_left, sizeof(form_before_left));
    to = form_put_branch_or_null(to, node->has_left, &node->left);
    to = form_put(to, form_before_right, sizeof(form_before_right));
    (void)form_put_branch_or_null(to, node->has_right, &node->right);
}
