/*
 * node_form.h - tree nodes in the form that our encoder gives them, read and written in one piece.
 *
 * Most of the bytes between an agent and its HSM are branches and node keys: walking their tables
 * took a tenth of the core's time. So for these three structs (marked in their tables) the encoder
 * writes the bytes that the walk would write, and the decoder, before it walks, looks whether the
 * next bytes are exactly such: if anything differs it reads nothing, and the walk decides. Nothing
 * is accepted here that the walk refuses, and with the same value: test_node_form and the fuzz
 * targets compare the two. For this room only.
 */
#ifndef RIND_WIRE_NODE_FORM_H
#define RIND_WIRE_NODE_FORM_H

#include "wire/cbor.h"
#include "wire/schema.h"

/*
 * Takes a struct of this form at the reader's position. False, with nothing read or written, if the
 * bytes are not in our own form. *field: the name met last, as the walk would leave it.
 */
bool rind_node_form_take(struct rind_cbor_reader *reader, enum rind_node_form form, uint8_t *value,
                         const char **field);

/* Bytes of the encoding of `value`, and writing that many to `to`. */
size_t rind_node_form_size(enum rind_node_form form, const uint8_t *value);
void rind_node_form_put(enum rind_node_form form, const uint8_t *value, uint8_t *to);

#endif
