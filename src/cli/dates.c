/* dates.c - see dates.h. */
#include "cli/dates.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DATE_LENGTH 10u

/* Digits only; false otherwise. */
static bool dates_number(const char *digits, size_t count, int *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)digits[i])) {
            return false;
        }
        *value = *value * 10 + (digits[i] - '0');
    }
    return true;
}

/* Midnight UTC; false if the calendar has no such day. */
static bool dates_midnight(int year, int month, int day, uint64_t *unix_ms)
{
    struct tm wanted = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    struct tm kept = wanted;
    time_t seconds = timegm(&kept);
    bool is_day = year >= 1970 && seconds >= 0 && kept.tm_year == wanted.tm_year &&
                  kept.tm_mon == wanted.tm_mon && kept.tm_mday == wanted.tm_mday;
    *unix_ms = is_day ? (uint64_t)seconds * 1000 : 0;
    return is_day;
}

rind_status rind_cli_parse_date(struct rind_ctx *ctx, const char *text, uint64_t *unix_ms)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    int year;
    int month;
    int day;
    RIND_REQUIRE(ctx, length == DATE_LENGTH, RIND_E_INVALID,
                 "Invalid date format: expecting yyyy-mm-dd");
    RIND_REQUIRE(ctx, dates_number(text, 4, &year), RIND_E_INVALID,
                 "couldn't parse year: '%.4s' is no number", text);
    RIND_REQUIRE(ctx, dates_number(text + 5, 2, &month), RIND_E_INVALID,
                 "couldn't parse month: '%.2s' is no number", text + 5);
    RIND_REQUIRE(ctx, dates_number(text + 8, 2, &day), RIND_E_INVALID,
                 "couldn't parse day: '%.2s' is no number", text + 8);
    RIND_REQUIRE(ctx, dates_midnight(year, month, day, unix_ms), RIND_E_INVALID,
                 "'%.10s' is not a valid date", text);
    return RIND_OK;
}

struct rind_cli_period rind_cli_month(uint64_t now_unix_ms, unsigned months_back)
{
    time_t seconds = (time_t)(now_unix_ms / 1000);
    struct tm now = {0};
    (void)gmtime_r(&seconds, &now);
    /* timegm takes months outside 0..11 and moves them to the year they belong to. */
    struct tm start = {
        .tm_year = now.tm_year, .tm_mon = now.tm_mon - (int)months_back, .tm_mday = 1};
    struct tm end = {.tm_year = start.tm_year, .tm_mon = start.tm_mon + 1, .tm_mday = 1};
    return (struct rind_cli_period){(uint64_t)timegm(&start) * 1000, (uint64_t)timegm(&end) * 1000};
}

const char *rind_cli_time_text(uint64_t unix_ms, char text[static RIND_CLI_TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc = {0};
    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(text, RIND_CLI_TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0) {
        (void)snprintf(text, RIND_CLI_TIME_TEXT_SIZE, "?");
    }
    return text;
}
