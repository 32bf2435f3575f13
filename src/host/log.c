/*
 * log.c - loggers, levels and flood control; see log.h. How a line looks is in log_line.c.
 */
#include "host/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hex.h"
#include "host/clock.h"
#include "host/log_line.h"
#include "host/thread.h"

#define LOG_FLOOD_SLOTS 1024u /* warn and error statements in the tree: a few hundred */
#define LOG_FLOOD_PROBES 8u   /* neighbours tried; if all are taken the line is simply written */
#define LOG_FLOOD_WINDOW_NS (1000u * RIND_NS_PER_MS)

struct log_flood {
    const char *file; /* a literal's address: NULL is a free slot */
    int line;
    uint64_t window_end_ns;
    uint64_t suppressed;
};

struct rind_log_sink {
    int fd;
    bool is_json;
    enum rind_log_level level;
    /*
     * Guards what follows and keeps lines whole. Innermost, and the one lock held over a write:
     * order of lines is this lock's very duty; the stall is bounded by RIND_LOG_STALL_MS_MAX.
     */
    struct rind_mutex mutex;
    bool is_stalled;
    uint64_t dropped;
    struct log_flood floods[LOG_FLOOD_SLOTS];
    char line[RIND_LOG_LINE_SIZE_MAX];
};

static const char *const log_level_names[] = {NULL, "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

const char *rind_log_level_name(enum rind_log_level level)
{
    RIND_ASSERT(level >= RIND_LOG_LEVEL_ERROR && level <= RIND_LOG_LEVEL_TRACE);
    return log_level_names[level];
}

rind_status rind_log_level_parse(struct rind_ctx *ctx, const char *text, enum rind_log_level *level)
{
    for (int i = RIND_LOG_LEVEL_ERROR; i <= RIND_LOG_LEVEL_TRACE; i++) {
        bool is_digit = text[0] == '0' + i && text[1] == '\0';
        if (is_digit || strcasecmp(text, log_level_names[i]) == 0) {
            *level = (enum rind_log_level)i;
            return RIND_OK;
        }
    }
    return rind_fail(ctx, RIND_E_INVALID,
                     "log level '%.32s' is none; use ERROR, WARN, INFO, DEBUG or TRACE (or 1 to 5)",
                     text);
}

rind_status rind_log_level_from_environment(struct rind_ctx *ctx, enum rind_log_level otherwise,
                                            enum rind_log_level *level)
{
    const char *text = getenv("LOGLEVEL");
    if (text == NULL) {
        *level = otherwise;
        return RIND_OK;
    }
    rind_status status = rind_log_level_parse(ctx, text, level);
    return rind_is_ok(status) ? status
                              : rind_fail_while(ctx, status, "environment variable LOGLEVEL");
}

rind_status rind_log_open(struct rind_ctx *ctx, int fd, enum rind_log_format format,
                          enum rind_log_level level, struct rind_log_sink **sink)
{
    RIND_ASSERT(level >= RIND_LOG_LEVEL_ERROR && level <= RIND_LOG_LEVEL_TRACE);
    struct rind_log_sink *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for the log");
    rind_mutex_init(&made->mutex);
    made->fd = fd;
    made->level = level;
    made->is_json =
        format == RIND_LOG_FORMAT_JSON || (format == RIND_LOG_FORMAT_AUTO && isatty(fd) == 0);
    *sink = made;
    return RIND_OK;
}

/* Writes one whole line, or counts it as dropped if nobody reads. Caller holds the lock. */
static void log_emit(struct rind_log_sink *sink, size_t length)
{
    struct pollfd poll_fd = {.fd = sink->fd, .events = POLLOUT};
    int wait_ms = sink->is_stalled ? 0 : (int)RIND_LOG_STALL_MS_MAX;
    int ready = poll(&poll_fd, 1, wait_ms);
    sink->is_stalled = ready <= 0;
    if (ready <= 0) {
        sink->dropped++;
        return;
    }
    size_t done = 0;
    while (done < length) {
        ssize_t written = write(sink->fd, sink->line + done, length - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            sink->dropped++;
            return;
        }
        done += (size_t)written;
    }
}

/* The statement's slot, or NULL if its neighbourhood is full. Caller holds the lock. */
static struct log_flood *log_flood_find(struct rind_log_sink *sink, const char *file, int line)
{
    size_t hash = ((uintptr_t)file >> 3) * 31u + (size_t)line * 131u;
    for (size_t i = 0; i < LOG_FLOOD_PROBES; i++) {
        struct log_flood *slot = &sink->floods[(hash + i) % LOG_FLOOD_SLOTS];
        if (slot->file == NULL) {
            slot->file = file;
            slot->line = line;
        }
        if (slot->file == file && slot->line == line) {
            return slot;
        }
    }
    return NULL;
}

/* Formats and emits one line. Caller holds the lock. */
static void log_put(const struct rind_log *log, const struct rind_log_event *event)
{
    struct rind_log_sink *sink = log->sink;
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, sink->line, sizeof(sink->line));
    if (sink->is_json) {
        rind_log_line_json(&buffer, log, event);
    } else {
        rind_log_line_text(&buffer, log, event);
    }
    log_emit(sink, buffer.length);
}

/* A line of the log about itself, with one count. Caller holds the lock. */
static void log_put_count(struct rind_log_sink *sink, const struct rind_log_event *about,
                          const char *message, const char *key, uint64_t count)
{
    struct rind_log self = rind_log_make(sink);
    self = rind_log_with_u64(&self, key, count);
    struct rind_log_event event = {RIND_LOG_LEVEL_WARN, about->file, about->line, message};
    log_put(&self, &event);
}

/* True if the event must not be written now. Caller holds the lock. */
static bool log_flood_suppress(struct rind_log_sink *sink, const struct rind_log_event *event)
{
    if (event->level > RIND_LOG_LEVEL_WARN) {
        return false;
    }
    struct log_flood *slot = log_flood_find(sink, event->file, event->line);
    if (slot == NULL) {
        return false;
    }
    uint64_t now_ns = rind_clock_monotonic_ns();
    if (now_ns < slot->window_end_ns) {
        slot->suppressed++;
        return true;
    }
    slot->window_end_ns = now_ns + LOG_FLOOD_WINDOW_NS;
    if (slot->suppressed > 0) {
        char message[192];
        (void)snprintf(message, sizeof(message), "suppressed duplicate log entries from %.120s:%d",
                       event->file, event->line);
        log_put_count(sink, event, message, "suppressed", slot->suppressed);
        slot->suppressed = 0;
    }
    return false;
}

void rind_log_write(const struct rind_log *log, enum rind_log_level level, const char *file,
                    int line, const char *format, ...)
{
    if (!rind_log_is_enabled(log, level)) {
        return;
    }
    char message[RIND_LOG_LINE_SIZE_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);

    struct rind_log_event event = {level, file, line, message};
    struct rind_log_sink *sink = log->sink;
    rind_mutex_lock(&sink->mutex);
    if (!log_flood_suppress(sink, &event)) {
        log_put(log, &event);
        if (sink->dropped > 0 && !sink->is_stalled) {
            uint64_t dropped = sink->dropped;
            sink->dropped = 0;
            log_put_count(sink, &event, "dropped log lines that nobody read", "dropped", dropped);
        }
    }
    rind_mutex_unlock(&sink->mutex);
}

void rind_log_close(struct rind_log_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    rind_mutex_lock(&sink->mutex);
    for (size_t i = 0; i < LOG_FLOOD_SLOTS; i++) {
        struct log_flood *slot = &sink->floods[i];
        if (slot->suppressed > 0) {
            struct rind_log_event about = {RIND_LOG_LEVEL_WARN, slot->file, slot->line, ""};
            log_put_count(sink, &about, "suppressed duplicate log entries", "suppressed",
                          slot->suppressed);
        }
    }
    rind_mutex_unlock(&sink->mutex);
    rind_mutex_fini(&sink->mutex);
    free(sink);
}

bool rind_log_is_enabled(const struct rind_log *log, enum rind_log_level level)
{
    return log != NULL && log->sink != NULL && level <= log->sink->level;
}

struct rind_log rind_log_make(struct rind_log_sink *sink)
{
    return (struct rind_log){.sink = sink};
}

struct rind_log rind_log_with_slice(const struct rind_log *log, const char *key,
                                    struct rind_slice text)
{
    struct rind_log made = log != NULL ? *log : rind_log_make(NULL);
    size_t key_size = strlen(key) + 1;
    if (key_size + text.length + 1 > sizeof(made.fields) - made.fields_size) {
        return made;
    }
    char *end = made.fields + made.fields_size;
    memcpy(end, key, key_size);
    for (size_t i = 0; i < text.length; i++) {
        /* NUL separates fields, so none may be inside. */
        end[key_size + i] = text.data[i] == 0 ? ' ' : (char)text.data[i];
    }
    end[key_size + text.length] = '\0';
    made.fields_size = (uint16_t)(made.fields_size + key_size + text.length + 1);
    return made;
}

struct rind_log rind_log_with_text(const struct rind_log *log, const char *key, const char *value)
{
    return rind_log_with_slice(log, key, rind_slice_text(value));
}

struct rind_log rind_log_with_hex(const struct rind_log *log, const char *key,
                                  struct rind_slice bytes)
{
    char text[RIND_HEX_SIZE(64)];
    if (bytes.length > 64) {
        bytes.length = 64;
    }
    rind_hex_encode(bytes, text);
    return rind_log_with_text(log, key, text);
}

struct rind_log rind_log_with_u64(const struct rind_log *log, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return rind_log_with_text(log, key, text);
}
