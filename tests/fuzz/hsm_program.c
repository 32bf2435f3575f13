/* hsm_program.c - see hsm_program.h. */
#include "fuzz/hsm_program.h"

#include <stdbool.h>
#include <string.h>

#define ITEMS_MAX 256u

struct item {
    size_t head; /* offsets */
    size_t contents;
    size_t length; /* of a string; else 0 */
    uint8_t major;
};

/* All items of a request, whatever their depth: the heads of arrays and maps are items too. */
static size_t program_items(const uint8_t *bytes, size_t size, struct item items[static ITEMS_MAX])
{
    size_t count = 0;
    for (size_t at = 0; at < size && count < ITEMS_MAX;) {
        uint8_t additional = bytes[at] & 0x1f;
        size_t width = additional >= 24 && additional <= 27 ? (size_t)1 << (additional - 24) : 0;
        if (width >= size - at) {
            break;
        }
        struct item *item = &items[count++];
        *item = (struct item){.head = at, .contents = at + 1 + width, .major = bytes[at] >> 5};
        if (item->major == 2 || item->major == 3) {
            size_t length = width == 0 ? additional : 0;
            for (size_t i = 0; i < width; i++) {
                length = length << 8 | bytes[at + 1 + i];
            }
            item->length = length < size - item->contents ? length : size - item->contents;
        }
        at = item->contents + item->length;
    }
    return count;
}

/* Another value in the same number of bytes. */
static void program_change_number(const struct hsm_program_edit *edit, const struct item *item,
                                  uint8_t *bytes)
{
    size_t width = item->contents - item->head - 1;
    if (width == 0) {
        bytes[item->head] = (uint8_t)((bytes[item->head] & 0xe0) | edit->value[0] % 24);
        return;
    }
    memset(bytes + item->head + 1, edit->value[0] < 0x40 ? 0xff : 0, width);
    bytes[item->contents - 1] = edit->value[1];
}

/* The contents of another string of the same length: an id, a MAC, a nonce in place of another. */
static void program_copy_string(const struct hsm_program_edit *edit, const struct item *items,
                                size_t count, const struct item *item, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        const struct item *other = &items[(edit->value[0] + i) % count];
        if (other != item && other->major == item->major && other->length == item->length) {
            memmove(bytes + item->contents, bytes + other->contents, item->length);
            return;
        }
    }
}

void hsm_program_apply(const struct hsm_program_edit *edit, uint8_t *bytes, size_t size)
{
    struct item items[ITEMS_MAX];
    size_t count = program_items(bytes, size, items);
    if (count == 0) {
        return;
    }
    const struct item *item = &items[edit->item % count];
    bool is_string = item->length > 0;
    switch (edit->how % 8) {
    case 1:
    case 2:
        if (is_string) {
            bytes[item->contents + edit->value[0] % item->length] ^= (uint8_t)(edit->value[1] | 1);
        } else {
            program_change_number(edit, item, bytes);
        }
        break;
    case 3:
    case 4:
        if (is_string) {
            program_copy_string(edit, items, count, item, bytes);
        }
        break;
    case 5:
        if (is_string) {
            memset(bytes + item->contents, edit->value[0] < 0x80 ? 0 : 0xff, item->length);
        }
        break;
    case 6: /* another kind of item, or another length */
        bytes[item->head] = edit->value[0];
        break;
    default:
        break;
    }
}
