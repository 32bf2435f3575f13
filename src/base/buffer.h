/*
 * buffer.h - writing bytes and text into memory of fixed size.
 *
 * Overflow is sticky: once a write did not fit, `is_overflown` stays set, further writes do
 * nothing, and one check at the end suffices. Not thread-safe.
 */
#ifndef RIND_BASE_BUFFER_H
#define RIND_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

struct rind_buffer {
    uint8_t *data; /* borrowed */
    size_t capacity;
    size_t length;
    bool is_overflown;
};

/* An empty buffer over `capacity` bytes at `data`, which must outlive it. */
void rind_buffer_init(struct rind_buffer *buffer, void *data, size_t capacity);

/* Appends bytes, or sets is_overflown. */
void rind_buffer_append(struct rind_buffer *buffer, struct rind_slice bytes);

/* Appends one byte, or sets is_overflown. */
void rind_buffer_append_byte(struct rind_buffer *buffer, uint8_t byte);

/* Appends formatted text without a NUL, or sets is_overflown. */
void rind_buffer_print(struct rind_buffer *buffer, const char *format, ...) RIND_PRINTF(2, 3);

/* Appends lower-case hex, or sets is_overflown. */
void rind_buffer_append_hex(struct rind_buffer *buffer, struct rind_slice bytes);

/* What was written so far; borrowed from the buffer. */
struct rind_slice rind_buffer_slice(const struct rind_buffer *buffer);

#endif
