/* sdk_version.c - see sdk_version.h. Grammar: semver.org 2.0.0. */
#include "balancer/sdk_version.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier_character(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* Takes a number without leading zeros from the front of the text. */
static bool take_number(struct rind_slice *text, uint64_t *number)
{
    size_t count = 0;
    uint64_t value = 0;
    while (count < text->length && is_digit(text->data[count])) {
        uint64_t digit = (uint64_t)(text->data[count] - '0');
        if (value > (UINT64_MAX - digit) / 10 || (count == 1 && text->data[0] == '0')) {
            return false;
        }
        value = value * 10 + digit;
        count++;
    }
    *text = rind_slice_make(text->data + count, text->length - count);
    *number = value;
    return count > 0;
}

static bool take_character(struct rind_slice *text, char c)
{
    if (text->length == 0 || text->data[0] != (uint8_t)c) {
        return false;
    }
    *text = rind_slice_make(text->data + 1, text->length - 1);
    return true;
}

/* Takes dot-separated identifiers; numeric ones may have leading zeros only if allowed. */
static bool take_identifiers(struct rind_slice *text, bool allow_leading_zeros)
{
    do {
        size_t count = 0;
        bool is_numeric = true;
        while (count < text->length && is_identifier_character(text->data[count])) {
            is_numeric = is_numeric && is_digit(text->data[count]);
            count++;
        }
        if (count == 0 ||
            (is_numeric && !allow_leading_zeros && count > 1 && text->data[0] == '0')) {
            return false;
        }
        *text = rind_slice_make(text->data + count, text->length - count);
    } while (take_character(text, '.'));
    return true;
}

bool rind_sdk_version_parse(struct rind_slice text, struct rind_sdk_version *version)
{
    struct rind_sdk_version parsed = {0};
    bool is_core = take_number(&text, &parsed.major) && take_character(&text, '.') &&
                   take_number(&text, &parsed.minor) && take_character(&text, '.') &&
                   take_number(&text, &parsed.patch);
    if (!is_core || (take_character(&text, '-') && !take_identifiers(&text, false)) ||
        (take_character(&text, '+') && !take_identifiers(&text, true)) || text.length > 0) {
        return false;
    }
    *version = parsed;
    return true;
}

bool rind_sdk_version_is_accepted(struct rind_slice header_value)
{
    struct rind_sdk_version version;
    return rind_sdk_version_parse(header_value, &version) &&
           (version.major > RIND_SDK_VERSION_MAJOR_MIN ||
            (version.major == RIND_SDK_VERSION_MAJOR_MIN &&
             version.minor >= RIND_SDK_VERSION_MINOR_MIN));
}
