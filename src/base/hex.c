/* hex.c - see hex.h. */
#include "base/hex.h"

/* The digit for 0..15 without a secret-indexed table: adds the gap from '9' to 'a' above 9. */
static char hex_digit(unsigned value)
{
    unsigned above_nine = ((9u - value) >> 8) & 1u;
    return (char)('0' + value + above_nine * ('a' - '9' - 1));
}

/* All ones if low <= c <= high, else 0. Either difference borrows into bit 31 when out of range. */
static unsigned hex_in_range(unsigned c, unsigned low, unsigned high)
{
    return (((c - low) | (high - c)) >> 31) - 1u;
}

/* The value of a digit; sets *bad to non-zero if it is none. */
static unsigned hex_value(uint8_t character, unsigned *bad)
{
    unsigned c = character;
    unsigned digit = hex_in_range(c, '0', '9');
    unsigned lower = hex_in_range(c, 'a', 'f');
    unsigned upper = hex_in_range(c, 'A', 'F');
    *bad |= ~(digit | lower | upper);
    return (digit & (c - '0')) | (lower & (c - 'a' + 10u)) | (upper & (c - 'A' + 10u));
}

void rind_hex_encode(struct rind_slice bytes, char *text)
{
    for (size_t i = 0; i < bytes.length; i++) {
        text[2 * i] = hex_digit(bytes.data[i] >> 4);
        text[2 * i + 1] = hex_digit(bytes.data[i] & 15u);
    }
    text[2 * bytes.length] = '\0';
}

bool rind_hex_decode(struct rind_slice text, uint8_t *bytes, size_t size)
{
    unsigned bad = 0;
    if (text.length / 2 != size || text.length % 2 != 0) {
        memset(bytes, 0, size);
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned high = hex_value(text.data[2 * i], &bad);
        unsigned low = hex_value(text.data[2 * i + 1], &bad);
        bytes[i] = (uint8_t)((high << 4) | low);
    }
    if (bad != 0) {
        memset(bytes, 0, size);
        return false;
    }
    return true;
}
