/* log_line.c - see log_line.h. */
#include "host/log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/clock.h"

#define LOG_LINE_TAIL_SIZE 256u /* room kept for what follows the message */

/* Length of the well-formed UTF-8 sequence at `text`, or 0. */
static size_t log_utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
        size_t length;
    } forms[] = {{0xe0, 0xc0, 0x80, 2}, {0xf0, 0xe0, 0x800, 3}, {0xf8, 0xf0, 0x10000, 4}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((text[0] & forms[i].mask) != forms[i].lead) {
            continue;
        }
        uint32_t point = text[0] & (unsigned char)~forms[i].mask;
        for (size_t j = 1; j < forms[i].length; j++) {
            if ((text[j] & 0xc0) != 0x80) {
                return 0;
            }
            point = (point << 6) | (text[j] & 0x3f);
        }
        bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        return point < forms[i].least || point > 0x10ffff || is_surrogate ? 0 : forms[i].length;
    }
    return 0;
}

/*
 * Appends `text` so that neither JSON nor a terminal can be confused by it: foreign text reaches
 * the log. Stops when only `reserve` bytes are left.
 */
static void log_append_escaped(struct rind_buffer *buffer, const char *text, size_t reserve,
                               bool is_json)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c != '\0' && buffer->length + 6 + reserve < buffer->capacity) {
        size_t length = *c < 0x80 ? 1 : log_utf8_length(c);
        if (*c == '\n') {
            rind_buffer_append(buffer, rind_slice_text("\\n"));
        } else if (length == 0) {
            rind_buffer_append_byte(buffer, '?');
        } else if (*c < 0x20 || *c == 0x7f) {
            rind_buffer_print(buffer, "\\u%04x", *c);
        } else if (is_json && (*c == '"' || *c == '\\')) {
            rind_buffer_append_byte(buffer, '\\');
            rind_buffer_append_byte(buffer, *c);
        } else {
            rind_buffer_append(buffer, rind_slice_make(c, length));
        }
        c += length == 0 ? 1 : length;
    }
}

static void log_append_time(struct rind_buffer *buffer)
{
    uint64_t now_ns = rind_clock_unix_ns();
    time_t seconds = (time_t)(now_ns / RIND_NS_PER_S);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    rind_buffer_print(buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", utc.tm_year + 1900,
                      utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                      (unsigned)(now_ns % RIND_NS_PER_S / RIND_NS_PER_US));
}

static bool log_is_number(const char *text)
{
    size_t length = strlen(text);
    /* 15 digits survive a reader that keeps numbers as doubles; leading zeros are no JSON. */
    return length > 0 && length <= 15 && strspn(text, "0123456789") == length &&
           (length == 1 || text[0] != '0');
}

void rind_log_line_json(struct rind_buffer *buffer, const struct rind_log *log,
                        const struct rind_log_event *event)
{
    rind_buffer_print(buffer, "{\"timestamp\":\"");
    log_append_time(buffer);
    rind_buffer_print(buffer, "\",\"level\":\"%s\",\"fields\":{\"message\":\"",
                      rind_log_level_name(event->level));
    size_t fields_room = 7u * log->fields_size + LOG_LINE_TAIL_SIZE;
    log_append_escaped(buffer, event->message,
                       fields_room < buffer->capacity / 2 ? fields_room : buffer->capacity / 2,
                       true);
    rind_buffer_print(buffer, "\"");
    for (const char *key = log->fields; key < log->fields + log->fields_size;) {
        const char *value = key + strlen(key) + 1;
        rind_buffer_print(buffer, ",\"%s\":", key);
        const char *quote = log_is_number(value) ? "" : "\"";
        rind_buffer_print(buffer, "%s", quote);
        log_append_escaped(buffer, value, LOG_LINE_TAIL_SIZE, true);
        rind_buffer_print(buffer, "%s", quote);
        key = value + strlen(value) + 1;
    }
    rind_buffer_print(buffer, "},\"filename\":\"");
    log_append_escaped(buffer, event->file, 48, true);
    rind_buffer_print(buffer, "\",\"line_number\":%d}\n", event->line);
}

void rind_log_line_text(struct rind_buffer *buffer, const struct rind_log *log,
                        const struct rind_log_event *event)
{
    log_append_time(buffer);
    rind_buffer_print(buffer, " %-5s ", rind_log_level_name(event->level));
    log_append_escaped(buffer, event->message, 7u * log->fields_size, false);
    for (const char *key = log->fields; key < log->fields + log->fields_size;) {
        const char *value = key + strlen(key) + 1;
        rind_buffer_print(buffer, " %s=", key);
        log_append_escaped(buffer, value, LOG_LINE_TAIL_SIZE, false);
        key = value + strlen(value) + 1;
    }
    rind_buffer_print(buffer, " (");
    log_append_escaped(buffer, event->file, 32, false);
    rind_buffer_print(buffer, ":%d)\n", event->line);
}
