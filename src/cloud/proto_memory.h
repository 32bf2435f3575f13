/*
 * proto_memory.h - memory for decoding protocol buffers, with a bound.
 *
 * A few bytes on the wire can become a hundred in memory (an empty sub-message is two bytes, its
 * struct dozens), so the size of a message does not bound what decoding takes. Not thread-safe.
 */
#ifndef RIND_CLOUD_PROTO_MEMORY_H
#define RIND_CLOUD_PROTO_MEMORY_H

#include <protobuf-c/protobuf-c.h>

#include "base/base.h"

/*
 * Decodes `bytes` into memory of ctx->arena; the message is never freed, it goes with the arena.
 * RIND_E_DECODE if the bytes are no such message, RIND_E_LIMIT if the arena is too small.
 * Lists and texts inside are borrowed from nowhere: all is in the arena.
 */
rind_status rind_proto_decode(struct rind_ctx *ctx, const ProtobufCMessageDescriptor *type,
                              struct rind_slice bytes, ProtobufCMessage **message) RIND_MUST_USE;

/* The encoded message, in ctx->arena. */
rind_status rind_proto_encode(struct rind_ctx *ctx, const ProtobufCMessage *message,
                              struct rind_slice *bytes) RIND_MUST_USE;

/* A `bytes` field. The message borrows the slice; protobuf-c's structs know no const. */
ProtobufCBinaryData rind_proto_bytes(struct rind_slice slice);
struct rind_slice rind_proto_slice(ProtobufCBinaryData data);

/* A `string` field of a message to be sent; protobuf-c's structs know no const. */
char *rind_proto_text(const char *text);

#endif
