/* proto_memory.c - see proto_memory.h. */
#include "cloud/proto_memory.h"

static void *proto_alloc(void *arena, size_t size)
{
    return rind_arena_alloc(arena, size);
}

static void proto_free(void *arena, void *memory)
{
    (void)arena; /* it all goes with the arena */
    (void)memory;
}

rind_status rind_proto_decode(struct rind_ctx *ctx, const ProtobufCMessageDescriptor *type,
                              struct rind_slice bytes, ProtobufCMessage **message)
{
    struct rind_arena *arena = ctx->arena;
    RIND_ASSERT(arena != NULL);
    ProtobufCAllocator allocator = {proto_alloc, proto_free, arena};
    bool was_exhausted = arena->is_exhausted;
    size_t mark = rind_arena_mark(arena);
    arena->is_exhausted = false;
    /* An empty message is a legal one, with no bytes at all; protobuf-c wants a pointer anyway. */
    static const uint8_t nothing[1] = {0};
    const uint8_t *data = bytes.length == 0 ? nothing : bytes.data;
    ProtobufCMessage *decoded = protobuf_c_message_unpack(type, &allocator, bytes.length, data);
    bool is_full = arena->is_exhausted;
    arena->is_exhausted = is_full || was_exhausted;
    if (decoded == NULL) {
        rind_arena_release(arena, mark);
    }
    RIND_REQUIRE(ctx, !is_full, RIND_E_LIMIT,
                 "a %s of %zu bytes needs more memory than the %zu bytes of this request",
                 type->short_name, bytes.length, arena->size);
    RIND_REQUIRE(ctx, decoded != NULL, RIND_E_DECODE, "%zu bytes are no %s", bytes.length,
                 type->short_name);
    *message = decoded;
    return RIND_OK;
}

rind_status rind_proto_encode(struct rind_ctx *ctx, const ProtobufCMessage *message,
                              struct rind_slice *bytes)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = rind_ctx_alloc(ctx, size);
    if (packed == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    RIND_ASSERT(protobuf_c_message_pack(message, packed) == size);
    *bytes = rind_slice_make(packed, size);
    return RIND_OK;
}

ProtobufCBinaryData rind_proto_bytes(struct rind_slice slice)
{
    /* What is sent is only read. */
    union {
        const uint8_t *borrowed;
        uint8_t *given;
    } pointer = {.borrowed = slice.data};
    ProtobufCBinaryData data = {slice.length, pointer.given};
    return data;
}

struct rind_slice rind_proto_slice(ProtobufCBinaryData data)
{
    return rind_slice_make(data.data, data.len);
}

char *rind_proto_text(const char *text)
{
    union {
        const char *borrowed;
        char *given;
    } pointer = {.borrowed = text};
    return pointer.given;
}
