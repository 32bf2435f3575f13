/* duration.c - see duration.h. */
#include "host/duration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define DURATION_NUMBER_SIZE_MAX 64u /* more digits than a double can tell apart */

#define DURATION_BAD_NUMBER "error parsing number in duration"
#define DURATION_BAD_UNIT                                                                          \
    "error parsing unit in duration (valid units are: ns, \xc2\xb5s/us, ms, s, m/min, h/hr, "      \
    "d/day)"

struct duration_unit {
    const char *name;
    uint64_t ns;
};

static const struct duration_unit duration_units[] = {
    {"ns", 1ull},
    {"us", 1000ull},
    {"\xc2\xb5s", 1000ull}, /* micro sign */
    {"\xce\xbcs", 1000ull}, /* Greek mu, which looks the same */
    {"ms", 1000000ull},
    {"s", 1000000000ull},
    {"m", 60000000000ull},
    {"min", 60000000000ull},
    {"h", 3600000000000ull},
    {"hr", 3600000000000ull},
    {"d", 86400000000000ull},
    {"day", 86400000000000ull},
    {"days", 86400000000000ull},
};
#define DURATION_UNIT_COUNT (sizeof(duration_units) / sizeof(duration_units[0]))

static bool duration_is_number_character(uint8_t c)
{
    return c == '.' || (c >= '0' && c <= '9');
}

/* Digits with at most one '.', independent of the locale that strtod would follow. */
static bool duration_parse_number(struct rind_slice text, long double *number)
{
    size_t dots = 0;
    size_t digits = 0;
    long double value = 0;
    long double scale = 1;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '.') {
            dots++;
            continue;
        }
        digits++;
        value = value * 10 + (text.data[i] - '0');
        scale = dots > 0 ? scale * 10 : scale;
    }
    *number = value / scale;
    return digits > 0 && dots <= 1 && text.length <= DURATION_NUMBER_SIZE_MAX;
}

rind_status rind_duration_parse(struct rind_ctx *ctx, struct rind_slice text, uint64_t *duration_ns)
{
    size_t number_length = 0;
    while (number_length < text.length && duration_is_number_character(text.data[number_length])) {
        number_length++;
    }
    long double number;
    RIND_REQUIRE(ctx, duration_parse_number(rind_slice_make(text.data, number_length), &number),
                 RIND_E_INVALID, DURATION_BAD_NUMBER);
    struct rind_slice unit =
        rind_slice_make(text.data + number_length, text.length - number_length);
    if (unit.length > 0 && unit.data[0] == ' ') {
        unit = rind_slice_make(unit.data + 1, unit.length - 1);
    }
    for (size_t i = 0; i < DURATION_UNIT_COUNT; i++) {
        if (!rind_slice_is_text(unit, duration_units[i].name)) {
            continue;
        }
        long double ns = roundl(number * (long double)duration_units[i].ns);
        RIND_REQUIRE(ctx, ns <= (long double)RIND_DURATION_NS_MAX, RIND_E_INVALID,
                     "duration is longer than 100 years; use a shorter one");
        *duration_ns = (uint64_t)ns;
        return RIND_OK;
    }
    return rind_fail(ctx, RIND_E_INVALID, "%s", DURATION_BAD_UNIT);
}

void rind_duration_format(uint64_t duration_ns, char text[static RIND_DURATION_TEXT_SIZE])
{
    static const struct duration_unit shown[] = {
        {"d", 86400000000000ull}, {"h", 3600000000000ull}, {"m", 60000000000ull},
        {"s", 1000000000ull},     {"ms", 1000000ull},      {"us", 1000ull},
    };
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]) && duration_ns > 0; i++) {
        if (duration_ns % shown[i].ns == 0) {
            (void)snprintf(text, RIND_DURATION_TEXT_SIZE, "%llu%s",
                           (unsigned long long)(duration_ns / shown[i].ns), shown[i].name);
            return;
        }
    }
    (void)snprintf(text, RIND_DURATION_TEXT_SIZE, "%llu%s", (unsigned long long)duration_ns,
                   duration_ns == 0 ? "s" : "ns");
}

rind_status rind_u64_parse(struct rind_ctx *ctx, struct rind_slice text, uint64_t *value)
{
    RIND_REQUIRE(ctx, text.length > 0, RIND_E_INVALID, "a number is missing");
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; i++) {
        RIND_REQUIRE(ctx, text.data[i] >= '0' && text.data[i] <= '9', RIND_E_INVALID,
                     "'%.*s' is not a whole number", text.length > 40 ? 40 : (int)text.length,
                     (const char *)text.data);
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        RIND_REQUIRE(ctx, sum <= (UINT64_MAX - digit) / 10, RIND_E_INVALID,
                     "the number is larger than 2^64 - 1");
        sum = sum * 10 + digit;
    }
    *value = sum;
    return RIND_OK;
}

rind_status rind_size_parse(struct rind_ctx *ctx, struct rind_slice text, uint64_t *size_bytes)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0},     {"B", 0},  {"K", 10},   {"KiB", 10}, {"M", 20},
                 {"MiB", 20}, {"G", 30}, {"GiB", 30}, {"T", 40},   {"TiB", 40}};
    size_t digits = 0;
    while (digits < text.length && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    struct rind_slice unit = rind_slice_make(text.data + digits, text.length - digits);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (rind_slice_is_text(unit, units[i].name)) {
            uint64_t number;
            RIND_TRY(rind_u64_parse(ctx, rind_slice_make(text.data, digits), &number));
            RIND_REQUIRE(ctx, number <= (uint64_t)INT64_MAX >> units[i].shift, RIND_E_INVALID,
                         "the size is larger than 2^63 - 1 bytes");
            *size_bytes = number << units[i].shift;
            return RIND_OK;
        }
    }
    return rind_fail(ctx, RIND_E_INVALID,
                     "sizes are digits and one of the units B, KiB, MiB, GiB, TiB");
}
