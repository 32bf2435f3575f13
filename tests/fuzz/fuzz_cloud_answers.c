/*
 * fuzz_cloud_answers.c - what Secret Manager and Pub/Sub answer, decoded as the programs do:
 * rind_proto_decode into bounded memory, and resource names (rind_secret_manager_secret_of,
 * rind_secret_manager_version_of). The first byte chooses the message.
 */
#include "base/assert.h"
#include "cloud/cloud.h"
#include "proto/pubsub.pb-c.h"
#include "proto/secret_manager.pb-c.h"

#define NAME_SIZE 1024u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_name(struct rind_slice input)
{
    char name[NAME_SIZE];
    struct rind_slice part;
    uint64_t version;
    size_t length = input.length < NAME_SIZE - 1 ? input.length : NAME_SIZE - 1;
    if (length > 0) {
        memcpy(name, input.data, length);
    }
    name[length] = '\0';
    if (rind_secret_manager_version_of(name, &version)) {
        (void)rind_secret_manager_secret_of(name, &part);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const types[] = {
        &google__cloud__secretmanager__v1__list_secrets_response__descriptor,
        &google__cloud__secretmanager__v1__list_secret_versions_response__descriptor,
        &google__cloud__secretmanager__v1__access_secret_version_response__descriptor,
        &google__pubsub__v1__pull_response__descriptor,
        &google__pubsub__v1__publish_response__descriptor,
    };
    static uint8_t memory[1 << 20];
    struct rind_arena arena;
    struct rind_ctx ctx;
    ProtobufCMessage *message = NULL;
    if (size == 0) {
        return 0;
    }
    struct rind_slice input = rind_slice_make(data + 1, size - 1);
    const ProtobufCMessageDescriptor *type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    if (rind_is_ok(rind_proto_decode(&ctx, type, input, &message))) {
        struct rind_slice encoded;
        RIND_ASSERT(message->descriptor == type);
        (void)!rind_is_ok(rind_proto_encode(&ctx, message, &encoded));
    }
    try_name(input);
    return 0;
}
