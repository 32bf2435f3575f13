/*
 * decode.h - what the two halves of the decoder share: decode.c walks containers, decode_leaf.c
 * reads the values inside them. For this room only.
 */
#ifndef RIND_WIRE_DECODE_H
#define RIND_WIRE_DECODE_H

#include "wire/cbor.h"
#include "wire/codec.h"

/* An open container. Each is one level of nesting. */
struct rind_decoder_frame {
    const struct rind_schema *schema;
    uint8_t *value;     /* the C struct; of lists and maps, the items */
    uint64_t remaining; /* entries or items still to come, unless is_indefinite */
    size_t index;       /* of the next item; of a struct, the row that is likely next */
    uint32_t seen;      /* of a struct: bit per row that was there */
    bool is_indefinite;
};

struct rind_decoder {
    struct rind_ctx *ctx;
    struct rind_cbor_reader reader;
    struct rind_decoder_frame frames[RIND_WIRE_FRAMES_MAX];
    size_t depth;
    const char *field; /* innermost name met so far, for the sentence */
    enum rind_code code;
    bool has_sentence; /* ctx has the sentence already */
};

/* Notes the first fault; returns false for the caller to return. The latter is RIND_E_LIMIT. */
bool rind_decoder_fault(struct rind_decoder *decoder, const char *fault);
bool rind_decoder_limit(struct rind_decoder *decoder, const char *fault);

/* Zeroed memory of the arena, or NULL with the fault noted. */
void *rind_decoder_alloc(struct rind_decoder *decoder, uint64_t count, size_t size);

/* Reads the break of an indefinite item if it is next. */
bool rind_decoder_take_break(struct rind_decoder *decoder);

/* Reads a value whose kind is no container. */
bool rind_decoder_leaf(struct rind_decoder *decoder, const struct rind_schema *schema,
                       uint8_t *value);

#endif
