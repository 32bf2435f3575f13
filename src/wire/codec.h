/*
 * codec.h - one encoder and one decoder for every message of every boundary.
 *
 * The decoder trusts nothing: depth, counts, sizes and integers are bounded by the tables
 * (wire/schema.h), it never recurses, and it allocates only lists (and bytes that arrive as an
 * array of integers or, leniently, in pieces) from ctx->arena. Everything else that is variable
 * borrows from the input. The encoder emits exactly the bytes of docs/spec/02-hsm-core.md section
 * 2.1: shortest integers and lengths, definite lengths, fields in table order.
 *
 * Thread-safety: all functions are pure but for ctx, its arena and their outputs.
 */
#ifndef RIND_WIRE_CODEC_H
#define RIND_WIRE_CODEC_H

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"
#include "wire/schema.h"

/* Maps, arrays and enumerations that may be open at once (02 section 2.2). */
#define RIND_WIRE_STRICT_DEPTH_MAX 16u
/* The same for what a client skips over (01 section 2.2). */
#define RIND_WIRE_LENIENT_DEPTH_MAX 256u
/* Frames of the walk itself: the deepest table of this room needs 11. */
#define RIND_WIRE_FRAMES_MAX 16u
/* A key longer than this is an error even where unknown keys are skipped (01 section 2.2). */
#define RIND_WIRE_KEY_SIZE_MAX 4096u

/* The two decoders in production (01 section 2.2). */
enum rind_wire_profile {
    RIND_WIRE_STRICT = 1, /* inside a realm: balancer, agent, HSM, cluster manager */
    RIND_WIRE_LENIENT,    /* clients reading a realm's answers */
};

/*
 * Appends the encoding of `value`, a C value of `schema`, to `out`.
 *   RIND_E_LIMIT    `out` is too small, or a value exceeds the bound of its row
 *   RIND_E_INVALID  an integer outside its row's bounds, or text that is not UTF-8
 * On failure `out` keeps its former length. A `kind` that is no enumerator is our own bug and
 * asserted. Allocates nothing: ctx->arena may be NULL, and ctx too if nobody reads the sentence.
 */
rind_status rind_wire_encode(struct rind_ctx *ctx, const struct rind_schema *schema,
                             const void *value, struct rind_buffer *out) RIND_MUST_USE;

/* Bytes that rind_wire_encode would append; the same errors but for a full buffer. */
rind_status rind_wire_size(struct rind_ctx *ctx, const struct rind_schema *schema,
                           const void *value, size_t *size_bytes) RIND_MUST_USE;

/* Encodes into exactly as many bytes of ctx->arena. RIND_E_LIMIT too when the arena is full. */
rind_status rind_wire_encode_alloc(struct rind_ctx *ctx, const struct rind_schema *schema,
                                   const void *value, struct rind_slice *encoded) RIND_MUST_USE;

/*
 * Decodes the first CBOR item of `input` into `*value`, which has schema->size bytes. Bytes after
 * the item are ignored. `*value` borrows from `input` and ctx->arena. On failure it is wiped:
 *   RIND_E_DECODE  not well-formed in this profile, or not of this schema
 *   RIND_E_LIMIT   well-formed, but beyond a size or count bound of the schema, or the arena full
 * Sentences name field and position, never a value: it might be secret.
 */
rind_status rind_wire_decode(struct rind_ctx *ctx, enum rind_wire_profile profile,
                             const struct rind_schema *schema, struct rind_slice input,
                             void *value) RIND_MUST_USE;

/* rind_wire_decode with RIND_WIRE_STRICT. */
rind_status rind_wire_decode_strict(struct rind_ctx *ctx, const struct rind_schema *schema,
                                    struct rind_slice input, void *value) RIND_MUST_USE;

/* rind_wire_decode with RIND_WIRE_LENIENT. */
rind_status rind_wire_decode_lenient(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     struct rind_slice input, void *value) RIND_MUST_USE;

/* As rind_wire_decode_strict, but bytes after the item are RIND_E_DECODE: for our own files. */
rind_status rind_wire_decode_whole(struct rind_ctx *ctx, const struct rind_schema *schema,
                                   struct rind_slice input, void *value) RIND_MUST_USE;

#endif
