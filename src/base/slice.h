/*
 * slice.h - borrowed bytes: a pointer and a length that travel together.
 *
 * A slice never owns what it points at; whoever made the bytes says how long they live. A slice of
 * length 0 may have any pointer, NULL included.
 */
#ifndef RIND_BASE_SLICE_H
#define RIND_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes somebody else owns, read-only. */
struct rind_slice {
    const uint8_t *data;
    size_t length;
};

/* A slice of `length` bytes at `data`, which must outlive it. */
static inline struct rind_slice rind_slice_make(const void *data, size_t length)
{
    struct rind_slice slice = {(const uint8_t *)data, length};
    return slice;
}

/* The bytes of a NUL-terminated text, without its NUL. */
static inline struct rind_slice rind_slice_text(const char *text)
{
    return rind_slice_make(text, strlen(text));
}

/* A slice over a fixed array or an id struct: RIND_SLICE_OF(id.bytes). */
#define RIND_SLICE_OF(array) rind_slice_make((array), sizeof(array))

/* True if both hold the same bytes. Not constant-time: for public values only (see ct.h). */
static inline bool rind_slice_equal(struct rind_slice a, struct rind_slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* True if the slice holds exactly the characters of `text`. Public values only. */
static inline bool rind_slice_is_text(struct rind_slice slice, const char *text)
{
    return rind_slice_equal(slice, rind_slice_text(text));
}

#endif
