/* vectors.c - see vectors.h. */
#include "support/vectors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/status.h"

static _Noreturn void vectors_fail(const char *format, ...) RIND_PRINTF(1, 2);

static _Noreturn void vectors_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("test vectors: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

json_t *rind_vectors_load(const char *file_name)
{
    const char *source = getenv("RIND_SOURCE_DIR");
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/tests/vectors/%s", source == NULL ? "." : source,
                          file_name);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        vectors_fail("RIND_SOURCE_DIR is too long");
    }
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    if (file == NULL) {
        vectors_fail("%s line %d: %s (RIND_SOURCE_DIR must be the source tree)", path, error.line,
                     error.text);
    }
    return file;
}

json_t *rind_vectors_get(const json_t *object, const char *key)
{
    json_t *member = json_object_get(object, key);
    if (member == NULL) {
        vectors_fail("no member \"%s\"", key);
    }
    return member;
}

const char *rind_vectors_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(rind_vectors_get(object, key));
    if (text == NULL) {
        vectors_fail("member \"%s\" is no string", key);
    }
    return text;
}

int64_t rind_vectors_integer(const json_t *object, const char *key)
{
    json_t *member = rind_vectors_get(object, key);
    if (!json_is_integer(member)) {
        vectors_fail("member \"%s\" is no integer", key);
    }
    return (int64_t)json_integer_value(member);
}

struct rind_slice rind_vectors_hex_of(const json_t *string, struct rind_arena *arena)
{
    const char *text = json_string_value(string);
    if (text == NULL) {
        vectors_fail("a value that should be hex is no string");
    }
    size_t size = strlen(text) / 2;
    uint8_t *bytes = rind_arena_alloc_aligned(arena, size, 1);
    if (bytes == NULL) {
        vectors_fail("arena too small for a vector of %zu bytes", size);
    }
    if (!rind_hex_decode(rind_slice_text(text), bytes, size)) {
        vectors_fail("not hex: %.64s", text);
    }
    return rind_slice_make(bytes, size);
}

struct rind_slice rind_vectors_hex(const json_t *object, const char *key, struct rind_arena *arena)
{
    return rind_vectors_hex_of(rind_vectors_get(object, key), arena);
}

void rind_vectors_hex_fixed(const json_t *object, const char *key, uint8_t *bytes, size_t size)
{
    if (!rind_hex_decode(rind_slice_text(rind_vectors_text(object, key)), bytes, size)) {
        vectors_fail("member \"%s\" is not %zu bytes of hex", key, size);
    }
}
