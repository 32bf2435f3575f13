/* buffer.c - see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/hex.h"

void rind_buffer_init(struct rind_buffer *buffer, void *data, size_t capacity)
{
    RIND_ASSERT(data != NULL || capacity == 0);
    *buffer = (struct rind_buffer){.data = data, .capacity = capacity};
}

/* Room for `size` more bytes, or NULL with is_overflown set. */
static uint8_t *buffer_take(struct rind_buffer *buffer, size_t size)
{
    RIND_ASSERT(buffer->length <= buffer->capacity);
    if (buffer->is_overflown || size > buffer->capacity - buffer->length) {
        buffer->is_overflown = true;
        return NULL;
    }
    uint8_t *room = buffer->data + buffer->length;
    buffer->length += size;
    return room;
}

void rind_buffer_append(struct rind_buffer *buffer, struct rind_slice bytes)
{
    uint8_t *room = buffer_take(buffer, bytes.length);
    if (room != NULL && bytes.length > 0) {
        memcpy(room, bytes.data, bytes.length);
    }
}

void rind_buffer_append_byte(struct rind_buffer *buffer, uint8_t byte)
{
    rind_buffer_append(buffer, rind_slice_make(&byte, 1));
}

void rind_buffer_print(struct rind_buffer *buffer, const char *format, ...)
{
    if (buffer->is_overflown) {
        return;
    }
    /* vsnprintf wants room for a NUL that we do not keep, so text may end one byte before the end.
     */
    size_t room = buffer->capacity - buffer->length;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf((char *)buffer->data + buffer->length, room, format, arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= room) {
        buffer->is_overflown = true;
        return;
    }
    buffer->length += (size_t)written;
}

void rind_buffer_append_hex(struct rind_buffer *buffer, struct rind_slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        char digits[RIND_HEX_SIZE(1)];
        rind_hex_encode(rind_slice_make(bytes.data + i, 1), digits);
        rind_buffer_append(buffer, rind_slice_make(digits, 2));
    }
}

struct rind_slice rind_buffer_slice(const struct rind_buffer *buffer)
{
    return rind_slice_make(buffer->data, buffer->length);
}
