/* json.c - see json.h. */
#include "host/json.h"

#include <stdio.h>
#include <string.h>

#include "base/base.h"

#define JSON_SIZE_BYTES_MAX (64u * 1024u * 1024u)

rind_status rind_json_parse(struct rind_ctx *ctx, struct rind_slice text, const char *what,
                            json_t **root)
{
    RIND_REQUIRE(ctx, text.length <= JSON_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "%s has %zu bytes, the limit is %u", what, text.length, JSON_SIZE_BYTES_MAX);
    json_error_t error;
    const char *data = text.length > 0 ? (const char *)text.data : "";
    json_t *parsed =
        json_loadb(data, text.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    /* jansson's own text quotes the input, which may be secret: only the place is told. */
    RIND_REQUIRE(ctx, parsed != NULL, RIND_E_DECODE, "%s is not valid JSON at line %d, column %d",
                 what, error.line, error.column);
    *root = parsed;
    return RIND_OK;
}

struct rind_json_at rind_json_root(const json_t *root, const char *what)
{
    struct rind_json_at at = {.value = root};
    (void)snprintf(at.path, sizeof(at.path), "%s", what);
    return at;
}

static void json_extend(struct rind_json_at *at, const struct rind_json_at *parent, const char *key,
                        size_t index)
{
    char path[2 * RIND_JSON_PATH_SIZE_MAX];
    int length = key != NULL ? snprintf(path, sizeof(path), "%s.%.100s", parent->path, key)
                             : snprintf(path, sizeof(path), "%s[%zu]", parent->path, index);
    RIND_ASSERT(length > 0 && (size_t)length < sizeof(path));
    size_t cut = (size_t)length < sizeof(at->path) ? 0 : (size_t)length + 1 - sizeof(at->path);
    memcpy(at->path, path + cut, (size_t)length + 1 - cut);
}

static rind_status json_expect(struct rind_ctx *ctx, const struct rind_json_at *at, bool is_right,
                               const char *expected)
{
    RIND_REQUIRE(ctx, is_right, RIND_E_DECODE, "field %s must be %s", at->path, expected);
    return RIND_OK;
}

rind_status rind_json_member_optional(struct rind_ctx *ctx, const struct rind_json_at *object,
                                      const char *key, struct rind_json_at *member)
{
    RIND_TRY(json_expect(ctx, object, json_is_object(object->value), "an object"));
    struct rind_json_at made;
    json_extend(&made, object, key, 0);
    made.value = json_object_get(object->value, key);
    made.value = json_is_null(made.value) ? NULL : made.value;
    *member = made;
    return RIND_OK;
}

rind_status rind_json_member(struct rind_ctx *ctx, const struct rind_json_at *object,
                             const char *key, struct rind_json_at *member)
{
    struct rind_json_at made;
    RIND_TRY(rind_json_member_optional(ctx, object, key, &made));
    RIND_REQUIRE(ctx, made.value != NULL, RIND_E_DECODE, "field %s is missing", made.path);
    *member = made;
    return RIND_OK;
}

rind_status rind_json_count(struct rind_ctx *ctx, const struct rind_json_at *array, size_t *count)
{
    RIND_TRY(json_expect(ctx, array, json_is_array(array->value), "an array"));
    *count = json_array_size(array->value);
    return RIND_OK;
}

rind_status rind_json_element(struct rind_ctx *ctx, const struct rind_json_at *array, size_t index,
                              struct rind_json_at *element)
{
    size_t count = 0;
    RIND_TRY(rind_json_count(ctx, array, &count));
    RIND_REQUIRE(ctx, index < count, RIND_E_DECODE, "field %s has only %zu elements", array->path,
                 count);
    struct rind_json_at made;
    json_extend(&made, array, NULL, index);
    made.value = json_array_get(array->value, index);
    *element = made;
    return RIND_OK;
}

rind_status rind_json_text(struct rind_ctx *ctx, const struct rind_json_at *at, const char **text)
{
    /* jansson refuses NUL inside strings unless asked otherwise, so C text is whole. */
    RIND_TRY(json_expect(ctx, at, json_is_string(at->value), "a text"));
    *text = json_string_value(at->value);
    return RIND_OK;
}

rind_status rind_json_i64(struct rind_ctx *ctx, const struct rind_json_at *at, int64_t *value)
{
    RIND_TRY(json_expect(ctx, at, json_is_integer(at->value), "a whole number"));
    *value = (int64_t)json_integer_value(at->value);
    return RIND_OK;
}

rind_status rind_json_u64(struct rind_ctx *ctx, const struct rind_json_at *at, uint64_t *value)
{
    int64_t number = 0;
    RIND_TRY(rind_json_i64(ctx, at, &number));
    RIND_TRY(json_expect(ctx, at, number >= 0, "a whole number from 0 up"));
    *value = (uint64_t)number;
    return RIND_OK;
}

rind_status rind_json_bool(struct rind_ctx *ctx, const struct rind_json_at *at, bool *value)
{
    RIND_TRY(json_expect(ctx, at, json_is_boolean(at->value), "true or false"));
    *value = json_is_true(at->value);
    return RIND_OK;
}

rind_status rind_json_hex(struct rind_ctx *ctx, const struct rind_json_at *at, uint8_t *bytes,
                          size_t size)
{
    const char *text = NULL;
    RIND_TRY(rind_json_text(ctx, at, &text));
    RIND_REQUIRE(ctx, rind_hex_decode(rind_slice_text(text), bytes, size), RIND_E_DECODE,
                 "field %s must be %zu hex digits", at->path, 2 * size);
    return RIND_OK;
}

rind_status rind_json_member_text(struct rind_ctx *ctx, const struct rind_json_at *object,
                                  const char *key, const char **text)
{
    struct rind_json_at member;
    RIND_TRY(rind_json_member(ctx, object, key, &member));
    return rind_json_text(ctx, &member, text);
}

rind_status rind_json_write(struct rind_ctx *ctx, const json_t *root, struct rind_slice *text)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t size = json_dumpb(root, NULL, 0, flags);
    RIND_REQUIRE(ctx, size > 0, RIND_E_INTERNAL, "a JSON document could not be written");
    char *data = rind_ctx_alloc(ctx, size + 1);
    if (data == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    size_t written = json_dumpb(root, data, size, flags);
    RIND_ASSERT(written == size);
    *text = rind_slice_make(data, size);
    return RIND_OK;
}
