/*
 * fuzz_wire_cluster.c - the RPCs of the cluster manager.
 *
 * Target: rind_wire_decode and rind_wire_encode with the tables of this boundary.
 */
#include "../wire/messages.h"
#include "wire_messages.h"

static const struct rind_schema *const schemas[] = {MESSAGES_OF_CLUSTER(MESSAGE_ROW)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_wire_messages(schemas, sizeof(schemas) / sizeof(schemas[0]), rind_slice_make(data, size));
    return 0;
}
