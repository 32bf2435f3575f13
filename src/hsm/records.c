/* records.c - see records.h. */
#include "hsm/records.h"

void rind_hsm_record_encode(const struct rind_user_record *record, struct rind_buffer *plaintext)
{
    size_t start = plaintext->length;
    rind_status status = rind_wire_encode(NULL, &rind_user_record_schema, record, plaintext);
    RIND_ASSERT(rind_is_ok(status));
    size_t length = plaintext->length - start;
    RIND_ASSERT(length < RIND_HSM_RECORD_SIZE - RIND_HSM_RECORD_TRAILER_SIZE); /* at most 723 */
    if (record->registration_state.kind != RIND_REGISTRATION_NOT_REGISTERED) {
        while (plaintext->length - start < RIND_HSM_RECORD_SIZE - RIND_HSM_RECORD_TRAILER_SIZE) {
            rind_buffer_append_byte(plaintext, 0);
        }
    }
    uint8_t trailer[RIND_HSM_RECORD_TRAILER_SIZE];
    rind_put_be32(trailer, (uint32_t)length);
    rind_buffer_append(plaintext, RIND_SLICE_OF(trailer));
    RIND_ASSERT(!plaintext->is_overflown);
}

rind_status rind_hsm_record_decode(struct rind_ctx *ctx, struct rind_slice plaintext,
                                   struct rind_user_record *record)
{
    RIND_REQUIRE(ctx,
                 plaintext.length >= RIND_HSM_RECORD_TRAILER_SIZE &&
                     plaintext.length <= RIND_HSM_RECORD_SIZE,
                 RIND_E_CORRUPT, "user record has %zu bytes", plaintext.length);
    size_t room = plaintext.length - RIND_HSM_RECORD_TRAILER_SIZE;
    uint32_t length = rind_get_be32(plaintext.data + room);
    RIND_REQUIRE(ctx, length <= room, RIND_E_CORRUPT,
                 "user record claims %lu bytes in a plaintext of %zu", (unsigned long)length,
                 plaintext.length);
    rind_status status = rind_wire_decode_strict(ctx, &rind_user_record_schema,
                                                 rind_slice_make(plaintext.data, length), record);
    return rind_is_ok(status) ? RIND_OK : rind_status_make(RIND_E_CORRUPT);
}

void rind_hsm_record_seal(const struct rind_record_key *key,
                          const uint8_t nonce[static RIND_RECORD_NONCE_SIZE],
                          const struct rind_user_record *record, struct rind_buffer *leaf)
{
    uint8_t bytes[RIND_HSM_RECORD_SIZE];
    struct rind_buffer plaintext;
    rind_buffer_init(&plaintext, bytes, sizeof(bytes));
    rind_hsm_record_encode(record, &plaintext);

    size_t size = plaintext.length + RIND_RECORD_OVERHEAD;
    RIND_ASSERT(leaf->capacity - leaf->length >= size);
    rind_record_seal(key, nonce, rind_buffer_slice(&plaintext), leaf->data + leaf->length);
    leaf->length += size;
    rind_wipe(bytes, sizeof(bytes));
}

rind_status rind_hsm_record_open(struct rind_ctx *ctx, const struct rind_record_key *key,
                                 struct rind_slice leaf, struct rind_user_record *record)
{
    RIND_REQUIRE(ctx, leaf.length >= RIND_RECORD_OVERHEAD && leaf.length <= RIND_HSM_LEAF_SIZE_MAX,
                 RIND_E_AUTH, "leaf has %zu bytes", leaf.length);
    uint8_t bytes[RIND_HSM_RECORD_SIZE];
    struct rind_slice plaintext = rind_slice_make(bytes, leaf.length - RIND_RECORD_OVERHEAD);
    rind_status status = rind_record_open(ctx, key, leaf, bytes);
    if (rind_is_ok(status)) {
        status = rind_hsm_record_decode(ctx, plaintext, record);
    }
    rind_wipe(bytes, sizeof(bytes));
    return status;
}
