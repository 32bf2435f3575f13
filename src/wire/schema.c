/* schema.c - the building blocks of every table. */
#include "wire/schema.h"

/* Tables hold the offset of `kind` only, and read it as a 32-bit number. */
_Static_assert(sizeof(enum rind_kind) == sizeof(uint32_t), "enumerations are 32 bits wide");

const struct rind_schema rind_bytes16_schema = RIND_SCHEMA_BYTES_FIXED(16);
const struct rind_schema rind_bytes32_schema = RIND_SCHEMA_BYTES_FIXED(32);
const struct rind_schema rind_bytes64_schema = RIND_SCHEMA_BYTES_FIXED(64);
const struct rind_schema rind_scalar_schema = {
    .name = "scalar",
    .kind = RIND_KIND_SCALAR,
    .size = 32,
    .max = 32,
};
const struct rind_schema rind_bytes_schema = RIND_SCHEMA_BYTES(RIND_WIRE_BYTES_SIZE_MAX);
const struct rind_schema rind_text_schema = RIND_SCHEMA_TEXT(RIND_WIRE_TEXT_SIZE_MAX);
const struct rind_schema rind_raw_schema = RIND_SCHEMA_RAW(RIND_WIRE_BYTES_SIZE_MAX);
const struct rind_schema rind_u16_schema =
    RIND_SCHEMA_INTEGER(RIND_KIND_U16, uint16_t, 0, UINT16_MAX);
const struct rind_schema rind_u32_schema =
    RIND_SCHEMA_INTEGER(RIND_KIND_U32, uint32_t, 0, UINT32_MAX);
const struct rind_schema rind_u64_schema =
    RIND_SCHEMA_INTEGER(RIND_KIND_U64, uint64_t, 0, UINT64_MAX);
const struct rind_schema rind_bool_schema = {
    .name = "bool",
    .kind = RIND_KIND_BOOL,
    .size = sizeof(bool),
};
