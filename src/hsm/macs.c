/*
 * macs.c - see macs.h.
 *
 * Each statement is a domain and a message table of the wire room; making and checking share the
 * function that fills the message, so the two cannot drift.
 */
#include "hsm/macs.h"

/* The largest message, an entry with a partition and a transfer, has less than 600 bytes. */
#define MACS_MESSAGE_SIZE_MAX 1024u

struct macs_message {
    uint8_t bytes[MACS_MESSAGE_SIZE_MAX];
    size_t length;
};

static void macs_encode(const struct rind_schema *schema, const void *value,
                        struct macs_message *message)
{
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, message->bytes, sizeof(message->bytes));
    rind_status status = rind_wire_encode(NULL, schema, value, &buffer);
    RIND_ASSERT(rind_is_ok(status)); /* all fields have been checked or made by ourselves */
    message->length = buffer.length;
}

static void macs_make(const struct rind_realm_keys *keys, const char *domain,
                      const struct rind_schema *schema, const void *value, struct rind_mac *mac)
{
    struct macs_message message;
    macs_encode(schema, value, &message);
    rind_mac_compute(&keys->mac, domain, rind_slice_make(message.bytes, message.length), mac);
    rind_wipe(message.bytes, message.length); /* a realm statement's message holds the keys */
}

static bool macs_is_valid(const struct rind_realm_keys *keys, const char *domain,
                          const struct rind_schema *schema, const void *value,
                          const struct rind_mac *mac)
{
    struct macs_message message;
    macs_encode(schema, value, &message);
    bool is_valid =
        rind_mac_verify(&keys->mac, domain, rind_slice_make(message.bytes, message.length), mac);
    rind_wipe(message.bytes, message.length);
    return is_valid;
}

static struct rind_hsm_realm_message macs_realm_message(const struct rind_realm_keys *keys,
                                                        const struct rind_realm_id *realm,
                                                        const struct rind_hsm_id *hsm)
{
    return (struct rind_hsm_realm_message){
        .realm = *realm,
        .hsm = *hsm,
        .keys =
            {
                .communication_private = RIND_SLICE_OF(keys->communication_private.bytes),
                .communication_public = RIND_SLICE_OF(keys->communication_public.bytes),
                .record = RIND_SLICE_OF(keys->record.bytes),
                .mac = RIND_SLICE_OF(keys->mac.bytes),
            },
    };
}

void rind_hsm_realm_statement_make(const struct rind_realm_keys *keys,
                                   const struct rind_realm_id *realm, const struct rind_hsm_id *hsm,
                                   struct rind_mac *statement)
{
    struct rind_hsm_realm_message message = macs_realm_message(keys, realm, hsm);
    macs_make(keys, "hsmrealm", &rind_hsm_realm_message_schema, &message, statement);
}

bool rind_hsm_realm_statement_is_valid(const struct rind_realm_keys *keys,
                                       const struct rind_realm_id *realm,
                                       const struct rind_hsm_id *hsm,
                                       const struct rind_mac *statement)
{
    struct rind_hsm_realm_message message = macs_realm_message(keys, realm, hsm);
    return macs_is_valid(keys, "hsmrealm", &rind_hsm_realm_message_schema, &message, statement);
}

void rind_hsm_configuration_statement_make(const struct rind_realm_keys *keys,
                                           const struct rind_group_configuration_message *message,
                                           struct rind_mac *statement)
{
    macs_make(keys, "groupcfg", &rind_group_configuration_message_schema, message, statement);
}

bool rind_hsm_configuration_statement_is_valid(
    const struct rind_realm_keys *keys, const struct rind_group_configuration_message *message,
    const struct rind_mac *statement)
{
    return macs_is_valid(keys, "groupcfg", &rind_group_configuration_message_schema, message,
                         statement);
}

static struct rind_captured_message macs_captured_message(const struct rind_captured *captured)
{
    return (struct rind_captured_message){
        .hsm = captured->hsm,
        .realm = captured->realm,
        .group = captured->group,
        .index = captured->index,
        .entry_mac = captured->mac,
    };
}

void rind_hsm_captured_statement_make(const struct rind_realm_keys *keys,
                                      const struct rind_captured *captured,
                                      struct rind_mac *statement)
{
    struct rind_captured_message message = macs_captured_message(captured);
    macs_make(keys, "capture", &rind_captured_message_schema, &message, statement);
}

bool rind_hsm_captured_statement_is_valid(const struct rind_realm_keys *keys,
                                          const struct rind_captured *captured)
{
    struct rind_captured_message message = macs_captured_message(captured);
    return macs_is_valid(keys, "capture", &rind_captured_message_schema, &message,
                         &captured->statement);
}

/* `hsm` first, the two kinds of transfer apart, no entry_mac: not the order of the wire. */
static struct rind_log_entry_message macs_entry_message(const struct rind_realm_id *realm,
                                                        const struct rind_group_id *group,
                                                        const struct rind_log_entry *entry)
{
    struct rind_log_entry_message message = {
        .hsm = entry->hsm,
        .realm = *realm,
        .group = *group,
        .index = entry->index,
        .has_partition = entry->has_partition,
        .partition = entry->partition,
        .prev_mac = entry->prev_mac,
    };
    if (entry->has_transferring && entry->transferring.kind == RIND_TRANSFERRING_OUT) {
        message.has_transferring_out = true;
        message.transferring_out = entry->transferring.out;
    }
    if (entry->has_transferring && entry->transferring.kind == RIND_TRANSFERRING_IN) {
        message.has_transferring_in = true;
        message.transferring_in = entry->transferring.in;
    }
    return message;
}

void rind_hsm_entry_mac_make(const struct rind_realm_keys *keys, const struct rind_realm_id *realm,
                             const struct rind_group_id *group, const struct rind_log_entry *entry,
                             struct rind_mac *entry_mac)
{
    struct rind_log_entry_message message = macs_entry_message(realm, group, entry);
    macs_make(keys, "logentry", &rind_log_entry_message_schema, &message, entry_mac);
}

bool rind_hsm_entry_mac_is_valid(const struct rind_realm_keys *keys,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group,
                                 const struct rind_log_entry *entry)
{
    struct rind_log_entry_message message = macs_entry_message(realm, group, entry);
    return macs_is_valid(keys, "logentry", &rind_log_entry_message_schema, &message,
                         &entry->entry_mac);
}

/* The message of a capture, under a domain of its own, with the preparation in place of a MAC. */
void rind_hsm_binding_make(const struct rind_realm_keys *keys, const struct rind_realm_id *realm,
                           const struct rind_group_id *group, uint64_t index,
                           const struct rind_hsm_id *producer, uint64_t preparation,
                           struct rind_hsm_id *binding)
{
    struct rind_captured_message message = {
        .hsm = *producer, .realm = *realm, .group = *group, .index = index};
    rind_put_be64(message.entry_mac.bytes, preparation);
    struct rind_mac tag;
    macs_make(keys, "binding", &rind_captured_message_schema, &message, &tag);
    rind_put_be64(binding->bytes, preparation);
    memcpy(binding->bytes + sizeof(preparation), tag.bytes,
           sizeof(binding->bytes) - sizeof(preparation));
}

bool rind_hsm_binding_open(const struct rind_realm_keys *keys, const struct rind_realm_id *realm,
                           const struct rind_group_id *group, uint64_t index,
                           const struct rind_hsm_id *producer, const struct rind_hsm_id *binding,
                           uint64_t *preparation)
{
    struct rind_hsm_id expected;
    *preparation = rind_get_be64(binding->bytes);
    rind_hsm_binding_make(keys, realm, group, index, producer, *preparation, &expected);
    return rind_ct_equal(expected.bytes, binding->bytes, sizeof(expected.bytes));
}

void rind_hsm_prepared_statement_make(const struct rind_realm_keys *keys,
                                      const struct rind_prepared_transfer_message *message,
                                      struct rind_mac *statement)
{
    macs_make(keys, "prepared_transfer", &rind_prepared_transfer_message_schema, message,
              statement);
}

bool rind_hsm_prepared_statement_is_valid(const struct rind_realm_keys *keys,
                                          const struct rind_prepared_transfer_message *message,
                                          const struct rind_mac *statement)
{
    return macs_is_valid(keys, "prepared_transfer", &rind_prepared_transfer_message_schema, message,
                         statement);
}

void rind_hsm_transfer_statement_make(const struct rind_realm_keys *keys,
                                      const struct rind_transfer_message *message,
                                      struct rind_mac *statement)
{
    macs_make(keys, "transfer", &rind_transfer_message_schema, message, statement);
}

bool rind_hsm_transfer_statement_is_valid(const struct rind_realm_keys *keys,
                                          const struct rind_transfer_message *message,
                                          const struct rind_mac *statement)
{
    return macs_is_valid(keys, "transfer", &rind_transfer_message_schema, message, statement);
}
