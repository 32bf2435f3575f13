/* sdk_version.c - see sdk_version.h. */
#include "software/sdk_version.h"

#include <stdint.h>

static bool take(struct rind_slice *text, char c)
{
    if (text->length == 0 || text->data[0] != (uint8_t)c) {
        return false;
    }
    *text = rind_slice_make(text->data + 1, text->length - 1);
    return true;
}

static bool take_number(struct rind_slice *text, uint64_t *number)
{
    size_t count = 0;
    uint64_t value = 0;
    while (count < text->length && text->data[count] >= '0' && text->data[count] <= '9') {
        uint64_t digit = (uint64_t)(text->data[count] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
        count++;
    }
    *text = rind_slice_make(text->data + count, text->length - count);
    *number = value;
    return count > 0;
}

static bool is_identifier_character(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* Identifiers between dots, none empty. */
static bool take_identifiers(struct rind_slice *text)
{
    do {
        size_t count = 0;
        while (count < text->length && is_identifier_character(text->data[count])) {
            count++;
        }
        if (count == 0) {
            return false;
        }
        *text = rind_slice_make(text->data + count, text->length - count);
    } while (take(text, '.'));
    return true;
}

bool rind_software_sdk_is_accepted(struct rind_slice header_value)
{
    struct rind_slice text = header_value;
    uint64_t major;
    uint64_t minor = 0;
    uint64_t patch;
    (void)take(&text, 'v');
    if (!take_number(&text, &major) || (take(&text, '.') && !take_number(&text, &minor)) ||
        (take(&text, '.') && !take_number(&text, &patch)) ||
        (take(&text, '-') && !take_identifiers(&text)) ||
        (take(&text, '+') && !take_identifiers(&text)) || text.length > 0) {
        return false;
    }
    return major > 0 || minor >= RIND_SOFTWARE_SDK_MINOR_MIN;
}
