/*
 * diag.h - any CBOR in diagnostic notation (RFC 8949 section 8), for people.
 *
 * Reads foreign bytes: depth and output are bounded, malformed input ends the text with a mark.
 * Shows every byte, secrets included: for tests, tools and vectors, not for logs of live messages.
 */
#ifndef RIND_WIRE_DIAG_H
#define RIND_WIRE_DIAG_H

#include "base/buffer.h"
#include "base/slice.h"

/* Deeper input is shown as `...` and ends the text. */
#define RIND_DIAG_DEPTH_MAX 32u

/*
 * Appends the first item of `input`: {"key": h'00ff', ...}. Returns the bytes it took, 0 if the
 * item is malformed or too deep (the text then ends in `<malformed>`). A full `out` is left
 * overflown.
 */
size_t rind_diag_print(struct rind_buffer *out, struct rind_slice input);

#endif
