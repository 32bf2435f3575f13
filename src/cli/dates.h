/*
 * dates.h - days and months in UTC, as `rind user-summary` takes and prints them.
 *
 * Spec: docs/spec/08-cluster.md section 14. Pure functions but for rind_cli_month's clock argument.
 */
#ifndef RIND_CLI_DATES_H
#define RIND_CLI_DATES_H

#include <stdint.h>

#include "base/base.h"

/* "2023-09-01 00:00:00 UTC" and a NUL. */
#define RIND_CLI_TIME_TEXT_SIZE 40u

/* A span of whole days: [start, end). */
struct rind_cli_period {
    uint64_t start_unix_ms;
    uint64_t end_unix_ms;
};

/* Midnight UTC of "yyyy-mm-dd"; RIND_E_INVALID with the specified sentence. Years from 1970. */
rind_status rind_cli_parse_date(struct rind_ctx *ctx, const char *text,
                                uint64_t *unix_ms) RIND_MUST_USE;

/* The month `months_back` before the one that `now_unix_ms` is in. */
struct rind_cli_period rind_cli_month(uint64_t now_unix_ms, unsigned months_back);

/* "2023-09-01 00:00:00 UTC" in the caller's buffer, which is returned. */
const char *rind_cli_time_text(uint64_t unix_ms, char text[static RIND_CLI_TIME_TEXT_SIZE]);

#endif
