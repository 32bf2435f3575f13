/*
 * schema.h - what a message looks like, as tables that one encoder and one decoder walk.
 *
 * A message is a C struct and a `static const` table of its fields; nobody writes parsing code for
 * a message. Conventions that hold for every message struct of this room:
 *
 *   optional field   `bool has_x` beside an inline `x`: values stay copyable, nothing to allocate
 *   enumeration      a struct with `kind` first (enumerators count from 1, so that a zeroed struct
 *                    is no valid value) and an anonymous union with one member per alternative
 *                    that has data; an enumeration without any data may be the bare C enum
 *   list, map        `items` and `count`; a map's item holds key and value
 *   bytes, text      struct rind_slice; fixed sizes are arrays or id structs in place
 *
 * Formats: docs/spec/02-hsm-core.md section 2, docs/spec/01-client-protocol.md section 2.
 */
#ifndef RIND_WIRE_SCHEMA_H
#define RIND_WIRE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* The forms a value can take. In brackets: the C type that holds it. */
enum rind_kind {
    RIND_KIND_BYTES_FIXED = 1, /* byte string of exactly `max` bytes [uint8_t[max] or id struct] */
    RIND_KIND_SCALAR,          /* as above, 32 bytes, below the order of ristretto255 */
    RIND_KIND_BYTES,           /* byte string of at most `max` bytes [struct rind_slice] */
    RIND_KIND_TEXT,            /* UTF-8 text of at most `max` bytes [struct rind_slice] */
    RIND_KIND_U16,             /* integer in min..max [uint16_t] */
    RIND_KIND_U16_SATURATING,  /* as U16, but a larger integer reads as 65535 */
    RIND_KIND_U32,             /* integer in min..max [uint32_t] */
    RIND_KIND_U64,             /* integer in min..max [uint64_t] */
    RIND_KIND_BOOL,            /* true or false [bool] */
    RIND_KIND_STRUCT,          /* map from field names to values [a struct] */
    RIND_KIND_DURATION, /* as STRUCT; nanoseconds carry into seconds [struct rind_duration] */
    RIND_KIND_TUPLE,    /* array with one item per field [a struct] */
    RIND_KIND_ENUM,     /* alternative: text, or map of one entry [kind and union] */
    RIND_KIND_LIST,     /* array of at most `max` items [struct of items and count] */
    RIND_KIND_MAP,      /* map of at most `max` entries [struct of items and count] */
    RIND_KIND_RAW,      /* any one item, verbatim: see wire/splice.h [struct rind_slice] */
};

enum rind_presence {
    RIND_PRESENT = 1, /* always there */
    RIND_NULLABLE,    /* null when has_x is false; a missing key reads as null */
    RIND_OMITTABLE,   /* key and value are left out when has_x is false */
};

/* Structs that make up most of the bytes of hot messages: wire/node_form.h reads and writes them.
 */
enum rind_node_form {
    RIND_NODE_FORM_NONE = 0,
    RIND_NODE_FORM_BRANCH,   /* struct rind_branch, and struct rind_node_key, which is the same */
    RIND_NODE_FORM_INTERIOR, /* struct rind_interior_node */
};

struct rind_schema;

/* A field of a struct or tuple, an alternative of an enumeration, or a map's key and value. */
struct rind_field {
    const char *name;
    size_t name_length;
    const struct rind_schema *schema; /* NULL: an alternative without data */
    size_t offset;                    /* of the value in the C struct */
    size_t has_offset;                /* of `bool has_x`, unless always present */
    enum rind_presence presence;
};

/* The shape of one type of value. Tables are constants; pointers in them are never NULL unless
 * unused by the kind. */
struct rind_schema {
    const char *name; /* for sentences and diagnostics */
    enum rind_kind kind;
    size_t size; /* of the C value in memory */
    uint64_t min;
    uint64_t max;
    const struct rind_field *fields;
    size_t field_count;
    const struct rind_schema *element; /* of a list */
    size_t element_size;               /* in memory, of an item of a list or map */
    enum rind_node_form node_form;     /* of a struct */
};

/* Fields a struct may have: the decoder marks the ones it has met in one word. */
#define RIND_SCHEMA_FIELDS_MAX 32u

/* The layout behind every `items`/`count` struct. */
#define RIND_LIST_TYPE(list_name, item_type)                                                       \
    struct list_name {                                                                             \
        item_type *items; /* NULL only if count is 0 */                                            \
        size_t count;                                                                              \
    }

RIND_LIST_TYPE(rind_slice_list, struct rind_slice);

/* --- Rows of a table --- */

#define RIND_FIELD_ROW(wire_name, c_type, member, field_schema, has, how)                          \
    {                                                                                              \
        .name = (wire_name), .name_length = sizeof(wire_name) - 1, .schema = &(field_schema),      \
        .offset = offsetof(c_type, member), .has_offset = (has), .presence = (how),                \
    }

/* A field whose wire name is the C name. */
#define RIND_FIELD(c_type, member, field_schema)                                                   \
    RIND_FIELD_ROW(#member, c_type, member, field_schema, 0, RIND_PRESENT)
/* A field with another name on the wire. */
#define RIND_FIELD_NAMED(wire_name, c_type, member, field_schema)                                  \
    RIND_FIELD_ROW(wire_name, c_type, member, field_schema, 0, RIND_PRESENT)
/* A field that is null when has_<member> is false. */
#define RIND_FIELD_OPTIONAL(c_type, member, field_schema)                                          \
    RIND_FIELD_ROW(#member, c_type, member, field_schema, offsetof(c_type, has_##member),          \
                   RIND_NULLABLE)
#define RIND_FIELD_OPTIONAL_NAMED(wire_name, c_type, member, field_schema)                         \
    RIND_FIELD_ROW(wire_name, c_type, member, field_schema, offsetof(c_type, has_##member),        \
                   RIND_NULLABLE)
/* A field that is left out when has_<member> is false. */
#define RIND_FIELD_OMITTABLE(c_type, member, field_schema)                                         \
    RIND_FIELD_ROW(#member, c_type, member, field_schema, offsetof(c_type, has_##member),          \
                   RIND_OMITTABLE)
/* An alternative with data in union member `member`. Row n belongs to enumerator n + 1. */
#define RIND_VARIANT(wire_name, c_type, member, field_schema)                                      \
    RIND_FIELD_ROW(wire_name, c_type, member, field_schema, 0, RIND_PRESENT)
/* An alternative whose data is a value or null. */
#define RIND_VARIANT_OPTIONAL(wire_name, c_type, member, field_schema)                             \
    RIND_FIELD_ROW(wire_name, c_type, member, field_schema, offsetof(c_type, has_##member),        \
                   RIND_NULLABLE)
/* An alternative without data. */
#define RIND_VARIANT_UNIT(wire_name)                                                               \
    {                                                                                              \
        .name = (wire_name), .name_length = sizeof(wire_name) - 1, .presence = RIND_PRESENT,       \
    }

/* --- Tables --- */

#define RIND_SCHEMA_FIELDS(schema_kind, c_type, table)                                             \
    {                                                                                              \
        .name = #c_type, .kind = (schema_kind), .size = sizeof(c_type), .fields = (table),         \
        .field_count = sizeof(table) / sizeof((table)[0]),                                         \
    }
#define RIND_SCHEMA_STRUCT(c_type, table) RIND_SCHEMA_FIELDS(RIND_KIND_STRUCT, c_type, table)
#define RIND_SCHEMA_TUPLE(c_type, table) RIND_SCHEMA_FIELDS(RIND_KIND_TUPLE, c_type, table)
#define RIND_SCHEMA_ENUM(c_type, table) RIND_SCHEMA_FIELDS(RIND_KIND_ENUM, c_type, table)
/* A struct that wire/node_form.h knows as well. Whoever walks the table gets the same bytes. */
#define RIND_SCHEMA_NODE(c_type, table, form)                                                      \
    {                                                                                              \
        .name = #c_type, .kind = RIND_KIND_STRUCT, .size = sizeof(c_type), .fields = (table),      \
        .field_count = sizeof(table) / sizeof((table)[0]), .node_form = (form),                    \
    }
/* A struct without fields: the C value is not touched. */
#define RIND_SCHEMA_EMPTY(c_type)                                                                  \
    {                                                                                              \
        .name = #c_type, .kind = RIND_KIND_STRUCT, .size = sizeof(c_type),                         \
    }
#define RIND_SCHEMA_LIST(list_type, item_type, item_schema, count_max)                             \
    {                                                                                              \
        .name = #list_type, .kind = RIND_KIND_LIST, .size = sizeof(list_type), .max = (count_max), \
        .element = &(item_schema), .element_size = sizeof(item_type),                              \
    }
/* `table` has two rows: the key and the value, as members of item_type. */
#define RIND_SCHEMA_MAP(list_type, item_type, table, count_max)                                    \
    {                                                                                              \
        .name = #list_type, .kind = RIND_KIND_MAP, .size = sizeof(list_type), .max = (count_max),  \
        .fields = (table), .field_count = 2, .element_size = sizeof(item_type),                    \
    }
#define RIND_SCHEMA_BYTES_FIXED(size_bytes)                                                        \
    {                                                                                              \
        .name = "bytes(" #size_bytes ")", .kind = RIND_KIND_BYTES_FIXED, .size = (size_bytes),     \
        .max = (size_bytes),                                                                       \
    }
#define RIND_SCHEMA_SLICE(schema_kind, kind_name, size_bytes_max)                                  \
    {                                                                                              \
        .name = (kind_name), .kind = (schema_kind), .size = sizeof(struct rind_slice),             \
        .max = (size_bytes_max),                                                                   \
    }
#define RIND_SCHEMA_BYTES(size_bytes_max)                                                          \
    RIND_SCHEMA_SLICE(RIND_KIND_BYTES, "bytes", size_bytes_max)
#define RIND_SCHEMA_TEXT(size_bytes_max) RIND_SCHEMA_SLICE(RIND_KIND_TEXT, "text", size_bytes_max)
#define RIND_SCHEMA_RAW(size_bytes_max)                                                            \
    RIND_SCHEMA_SLICE(RIND_KIND_RAW, "CBOR item", size_bytes_max)
#define RIND_SCHEMA_INTEGER(schema_kind, c_type, smallest, largest)                                \
    {                                                                                              \
        .name = #c_type, .kind = (schema_kind), .size = sizeof(c_type), .min = (smallest),         \
        .max = (largest),                                                                          \
    }

/* --- Building blocks every boundary uses --- */

extern const struct rind_schema rind_bytes16_schema; /* realm, group, HSM ids, nonces, tags */
extern const struct rind_schema rind_bytes32_schema; /* record ids, hashes, MACs, keys */
extern const struct rind_schema rind_bytes64_schema; /* signatures */
extern const struct rind_schema rind_scalar_schema;  /* 32 bytes below the group order */
extern const struct rind_schema rind_bytes_schema;   /* at most RIND_WIRE_BYTES_SIZE_MAX */
extern const struct rind_schema rind_text_schema;    /* at most RIND_WIRE_TEXT_SIZE_MAX */
extern const struct rind_schema rind_u16_schema;
extern const struct rind_schema rind_u32_schema;
extern const struct rind_schema rind_u64_schema;
extern const struct rind_schema rind_bool_schema;
extern const struct rind_schema rind_raw_schema; /* at most RIND_WIRE_BYTES_SIZE_MAX */

/* One hardware job is at most 1 MiB, so nothing inside a message is longer. Bytes are borrowed
 * from the input, so a generous bound costs nothing; tighter rules belong to whoever answers. */
#define RIND_WIRE_BYTES_SIZE_MAX 1048576u
/* Names, tenants and error texts. */
#define RIND_WIRE_TEXT_SIZE_MAX 4096u

#endif
