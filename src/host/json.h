/*
 * json.h - reading JSON with jansson so that every complaint names the field by its path.
 *
 * A rind_json_at is a place in a document: a borrowed value and the path to it ("tenants[2].name").
 * Errors are RIND_E_DECODE. No state.
 */
#ifndef RIND_HOST_JSON_H
#define RIND_HOST_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

#define RIND_JSON_PATH_SIZE_MAX 128u /* longer paths are cut at the front part */

struct rind_json_at {
    const json_t *value; /* borrowed; NULL if an optional field is absent or null */
    char path[RIND_JSON_PATH_SIZE_MAX];
};

/*
 * Parses one document; duplicate keys are refused. `what` names it in sentences ("secrets file").
 * The caller releases *root with json_decref.
 */
rind_status rind_json_parse(struct rind_ctx *ctx, struct rind_slice text, const char *what,
                            json_t **root) RIND_MUST_USE;

/* The place of a document's root. */
struct rind_json_at rind_json_root(const json_t *root, const char *what);

/* A member of an object that must be there and not null. RIND_E_DECODE otherwise. */
rind_status rind_json_member(struct rind_ctx *ctx, const struct rind_json_at *object,
                             const char *key, struct rind_json_at *member) RIND_MUST_USE;

/* As member, but value is NULL if absent or null; fails only if `object` is no object. */
rind_status rind_json_member_optional(struct rind_ctx *ctx, const struct rind_json_at *object,
                                      const char *key, struct rind_json_at *member) RIND_MUST_USE;

/* Element `index` of an array; count tells how many there are. */
rind_status rind_json_count(struct rind_ctx *ctx, const struct rind_json_at *array,
                            size_t *count) RIND_MUST_USE;
rind_status rind_json_element(struct rind_ctx *ctx, const struct rind_json_at *array, size_t index,
                              struct rind_json_at *element) RIND_MUST_USE;

/* The value as text (UTF-8, NUL-terminated, no NUL inside; borrowed), number, truth value. */
rind_status rind_json_text(struct rind_ctx *ctx, const struct rind_json_at *at,
                           const char **text) RIND_MUST_USE;
rind_status rind_json_u64(struct rind_ctx *ctx, const struct rind_json_at *at,
                          uint64_t *value) RIND_MUST_USE;
rind_status rind_json_i64(struct rind_ctx *ctx, const struct rind_json_at *at,
                          int64_t *value) RIND_MUST_USE;
rind_status rind_json_bool(struct rind_ctx *ctx, const struct rind_json_at *at,
                           bool *value) RIND_MUST_USE;
/* Exactly `size` bytes written as hex text. */
rind_status rind_json_hex(struct rind_ctx *ctx, const struct rind_json_at *at, uint8_t *bytes,
                          size_t size) RIND_MUST_USE;

/* member + text in one, the common case. */
rind_status rind_json_member_text(struct rind_ctx *ctx, const struct rind_json_at *object,
                                  const char *key, const char **text) RIND_MUST_USE;

/* Compact JSON of `root` in ctx's arena, keys in insertion order, NUL after the end. */
rind_status rind_json_write(struct rind_ctx *ctx, const json_t *root,
                            struct rind_slice *text) RIND_MUST_USE;

#endif
