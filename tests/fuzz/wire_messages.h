/*
 * wire_messages.h - the properties that every message of a boundary must have for any bytes.
 *
 * Purpose: find bytes that crash a decoder, make it read past its input, or decode to a value that
 * does not survive encoding, or that are read otherwise in one piece than by walking along a table
 * (../wire/plain_tables.h). Each input is tried as every message of the boundary, by both
 * decoders, so that corpora are plain CBOR.
 */
#ifndef RIND_TESTS_FUZZ_WIRE_MESSAGES_H
#define RIND_TESTS_FUZZ_WIRE_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

/* Aborts if a property does not hold. */
void fuzz_wire_messages(const struct rind_schema *const *schemas, size_t count,
                        struct rind_slice input);

/* Called by libFuzzer, or by replay.c with each file of a corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
