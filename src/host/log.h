/*
 * log.h - structured logs: one line per event, text on a terminal, JSON for a collector.
 *
 * Spec 05 section 6. A logger is a small value: a sink (where lines go) and the fields that every
 * line of it carries (realm, group, hsm, request ...). Derive loggers with rind_log_with_*; pass
 * them down. A NULL logger or sink swallows everything. Never log secrets, tokens, PINs, keys,
 * ciphertexts or user ids. Thread-safe: everything here.
 *
 * error = someone must act, warn = we coped, info = state changed. WARN and ERROR are limited to
 * one per second and statement; the next one says how many were dropped. A collector that does not
 * read delays a line by at most RIND_LOG_STALL_MS_MAX, then lines are dropped and counted:
 * observing must never stop the service (spec 05 section 14.7).
 */
#ifndef RIND_HOST_LOG_H
#define RIND_HOST_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

#define RIND_LOG_LINE_SIZE_MAX 4096u /* longer messages are cut; also what a pipe takes at once */
#define RIND_LOG_FIELDS_SIZE_MAX                                                                   \
    320u /* keys and values of one logger; fields beyond are left out */
#define RIND_LOG_STALL_MS_MAX 100u

enum rind_log_level {
    RIND_LOG_LEVEL_ERROR = 1,
    RIND_LOG_LEVEL_WARN = 2,
    RIND_LOG_LEVEL_INFO = 3,
    RIND_LOG_LEVEL_DEBUG = 4,
    RIND_LOG_LEVEL_TRACE = 5,
};

struct rind_log_sink; /* opaque: descriptor, level, flood control */

enum rind_log_format {
    RIND_LOG_FORMAT_AUTO, /* text if the descriptor is a terminal, else JSON */
    RIND_LOG_FORMAT_TEXT,
    RIND_LOG_FORMAT_JSON,
};

struct rind_log {
    struct rind_log_sink *sink; /* borrowed; outlives all loggers */
    uint16_t fields_size;
    char fields[RIND_LOG_FIELDS_SIZE_MAX]; /* key NUL value NUL ... */
};

/* A sink writing to `fd` (borrowed; daemons use STDOUT_FILENO, commands STDERR_FILENO). */
rind_status rind_log_open(struct rind_ctx *ctx, int fd, enum rind_log_format format,
                          enum rind_log_level level, struct rind_log_sink **sink) RIND_MUST_USE;

/* Reports what is still suppressed and frees. No logger may be used any more. NULL is allowed. */
void rind_log_close(struct rind_log_sink *sink);

/* The level LOGLEVEL asks for, or `otherwise` if unset; RIND_E_INVALID if it cannot be read. */
rind_status rind_log_level_from_environment(struct rind_ctx *ctx, enum rind_log_level otherwise,
                                            enum rind_log_level *level) RIND_MUST_USE;

/* `text`: a level's name in any case, or 1 (ERROR) to 5 (TRACE). */
rind_status rind_log_level_parse(struct rind_ctx *ctx, const char *text,
                                 enum rind_log_level *level) RIND_MUST_USE;
const char *rind_log_level_name(enum rind_log_level level);

/* A logger without fields. */
struct rind_log rind_log_make(struct rind_log_sink *sink);

/* A copy of `log` (NULL allowed) with one more field. Texts are copied. */
struct rind_log rind_log_with_text(const struct rind_log *log, const char *key, const char *value);
struct rind_log rind_log_with_slice(const struct rind_log *log, const char *key,
                                    struct rind_slice text);
struct rind_log rind_log_with_hex(const struct rind_log *log, const char *key,
                                  struct rind_slice bytes);
struct rind_log rind_log_with_u64(const struct rind_log *log, const char *key, uint64_t value);

bool rind_log_is_enabled(const struct rind_log *log, enum rind_log_level level);

/* Writes one line. Use the macros below, which add the place. */
void rind_log_write(const struct rind_log *log, enum rind_log_level level, const char *file,
                    int line, const char *format, ...) RIND_PRINTF(5, 6);

#define RIND_LOG(log, level, ...)                                                                  \
    (rind_log_is_enabled((log), (level))                                                           \
         ? rind_log_write((log), (level), __FILE__, __LINE__, __VA_ARGS__)                         \
         : (void)0)
#define RIND_LOG_ERROR(log, ...) RIND_LOG((log), RIND_LOG_LEVEL_ERROR, __VA_ARGS__)
#define RIND_LOG_WARN(log, ...) RIND_LOG((log), RIND_LOG_LEVEL_WARN, __VA_ARGS__)
#define RIND_LOG_INFO(log, ...) RIND_LOG((log), RIND_LOG_LEVEL_INFO, __VA_ARGS__)
#define RIND_LOG_DEBUG(log, ...) RIND_LOG((log), RIND_LOG_LEVEL_DEBUG, __VA_ARGS__)
#define RIND_LOG_TRACE(log, ...) RIND_LOG((log), RIND_LOG_LEVEL_TRACE, __VA_ARGS__)

#endif
