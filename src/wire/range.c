/* range.c - see range.h. */
#include "wire/range.h"

#include "base/hex.h"

/* A trailing run shorter than this is printed in full. */
#define RANGE_RUN_MIN 4u

struct rind_owned_range rind_owned_range_full(void)
{
    struct rind_owned_range full;
    memset(full.start.bytes, 0x00, sizeof(full.start.bytes));
    memset(full.end.bytes, 0xff, sizeof(full.end.bytes));
    return full;
}

bool rind_record_id_next(const struct rind_record_id *id, struct rind_record_id *next)
{
    struct rind_record_id sum = *id;
    for (size_t i = sizeof(sum.bytes); i-- > 0;) {
        sum.bytes[i]++;
        if (sum.bytes[i] != 0) {
            *next = sum;
            return true;
        }
    }
    return false;
}

bool rind_record_id_prev(const struct rind_record_id *id, struct rind_record_id *prev)
{
    struct rind_record_id difference = *id;
    for (size_t i = sizeof(difference.bytes); i-- > 0;) {
        difference.bytes[i]--;
        if (difference.bytes[i] != 0xff) {
            *prev = difference;
            return true;
        }
    }
    return false;
}

bool rind_owned_range_is_valid(const struct rind_owned_range *range)
{
    return rind_record_id_compare(&range->start, &range->end) <= 0;
}

bool rind_owned_range_equal(const struct rind_owned_range *a, const struct rind_owned_range *b)
{
    return rind_record_id_equal(&a->start, &b->start) && rind_record_id_equal(&a->end, &b->end);
}

bool rind_owned_range_contains(const struct rind_owned_range *range,
                               const struct rind_record_id *id)
{
    return rind_record_id_compare(&range->start, id) <= 0 &&
           rind_record_id_compare(id, &range->end) <= 0;
}

static bool range_both_valid(const struct rind_owned_range *a, const struct rind_owned_range *b)
{
    return rind_owned_range_is_valid(a) && rind_owned_range_is_valid(b);
}

bool rind_owned_range_overlaps(const struct rind_owned_range *a, const struct rind_owned_range *b)
{
    return range_both_valid(a, b) && rind_record_id_compare(&a->start, &b->end) <= 0 &&
           rind_record_id_compare(&b->start, &a->end) <= 0;
}

bool rind_owned_range_contains_range(const struct rind_owned_range *outer,
                                     const struct rind_owned_range *inner)
{
    return range_both_valid(outer, inner) && rind_owned_range_contains(outer, &inner->start) &&
           rind_owned_range_contains(outer, &inner->end);
}

static bool range_is_followed_by(const struct rind_owned_range *left,
                                 const struct rind_owned_range *right)
{
    struct rind_record_id next;
    return rind_record_id_next(&left->end, &next) && rind_record_id_equal(&next, &right->start);
}

bool rind_owned_range_join(const struct rind_owned_range *a, const struct rind_owned_range *b,
                           struct rind_owned_range *joined)
{
    if (!range_both_valid(a, b)) {
        return false;
    }
    if (range_is_followed_by(a, b)) {
        *joined = (struct rind_owned_range){a->start, b->end};
        return true;
    }
    if (range_is_followed_by(b, a)) {
        *joined = (struct rind_owned_range){b->start, a->end};
        return true;
    }
    return false;
}

bool rind_owned_range_split_at(const struct rind_owned_range *owned,
                               const struct rind_owned_range *part, struct rind_record_id *split)
{
    if (!range_both_valid(owned, part)) {
        return false;
    }
    if (rind_record_id_equal(&owned->start, &part->start) &&
        rind_record_id_compare(&part->end, &owned->end) < 0) {
        return rind_record_id_next(&part->end, split);
    }
    if (rind_record_id_equal(&owned->end, &part->end) &&
        rind_record_id_compare(&part->start, &owned->start) > 0) {
        *split = part->start;
        return true;
    }
    return false;
}

void rind_record_id_print_long(struct rind_buffer *out, const struct rind_record_id *id)
{
    rind_buffer_append(out, rind_slice_text("0x"));
    rind_buffer_append_hex(out, rind_record_id_slice(id));
}

void rind_record_id_print(struct rind_buffer *out, const struct rind_record_id *id)
{
    const size_t size = sizeof(id->bytes);
    uint8_t last = id->bytes[size - 1];
    size_t run = 0;
    if (last == 0x00 || last == 0xff) {
        while (run < size && id->bytes[size - 1 - run] == last) {
            run++;
        }
    }
    if (run < RANGE_RUN_MIN) {
        rind_record_id_print_long(out, id);
        return;
    }
    rind_buffer_append(out, rind_slice_text("0x"));
    rind_buffer_append_hex(out, rind_slice_make(id->bytes, size - run + 1));
    rind_buffer_append(out, rind_slice_text("..."));
}

void rind_owned_range_print(struct rind_buffer *out, const struct rind_owned_range *range)
{
    rind_buffer_append_byte(out, '[');
    rind_record_id_print(out, &range->start);
    rind_buffer_append_byte(out, '-');
    rind_record_id_print(out, &range->end);
    rind_buffer_append_byte(out, ']');
}

void rind_owned_range_print_long(struct rind_buffer *out, const struct rind_owned_range *range)
{
    rind_buffer_append_byte(out, '[');
    rind_record_id_print_long(out, &range->start);
    rind_buffer_append_byte(out, '-');
    rind_record_id_print_long(out, &range->end);
    rind_buffer_append_byte(out, ']');
}

void rind_group_member_role_print(struct rind_buffer *out,
                                  const struct rind_group_member_role *role)
{
    const char *name = "unknown role";
    switch (role->kind) {
    case RIND_ROLE_LEADER:
        name = "Leader";
        break;
    case RIND_ROLE_STEPPING_DOWN:
        name = "Stepping Down";
        break;
    case RIND_ROLE_WITNESS:
        name = "Witness";
        break;
    }
    rind_buffer_append(out, rind_slice_text(name));
}

void rind_role_status_print(struct rind_buffer *out, const struct rind_role_status *status)
{
    rind_group_member_role_print(out, &status->role);
    rind_buffer_print(out, " (@%llu)", (unsigned long long)status->at);
}

bool rind_realm_id_parse(struct rind_slice text, struct rind_realm_id *id)
{
    uint8_t digits[2 * sizeof(id->bytes)];
    size_t count = 0;
    memset(id, 0, sizeof(*id));
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '-') {
            continue;
        }
        if (count == sizeof(digits)) {
            return false;
        }
        digits[count++] = text.data[i];
    }
    return rind_hex_decode(rind_slice_make(digits, count), id->bytes, sizeof(id->bytes));
}
