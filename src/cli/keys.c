/* keys.c - `rind new-keys`: random realm keys for software HSMs. */
#include "cli/keys.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "crypto/crypto.h"

#define KEYS_JSON_SIZE 1024u

static rind_status keys_write(struct rind_ctx *ctx, const char *path,
                              struct rind_x25519_secret *communication, uint8_t record[32],
                              uint8_t mac[32])
{
    struct rind_x25519_public public_key;
    rind_x25519_public_from_secret(communication, &public_key);
    char texts[4][RIND_HEX_SIZE(32)];
    rind_hex_encode(rind_slice_make(communication->bytes, 32), texts[0]);
    rind_hex_encode(rind_slice_make(public_key.bytes, 32), texts[1]);
    rind_hex_encode(rind_slice_make(record, 32), texts[2]);
    rind_hex_encode(rind_slice_make(mac, 32), texts[3]);
    char json[KEYS_JSON_SIZE];
    int length = snprintf(json, sizeof(json),
                          "{\n  \"communication_private\": \"%s\",\n"
                          "  \"communication_public\": \"%s\",\n"
                          "  \"record\": \"%s\",\n  \"mac\": \"%s\"\n}\n",
                          texts[0], texts[1], texts[2], texts[3]);
    RIND_ASSERT(length > 0 && (size_t)length < sizeof(json));
    rind_status status = rind_file_create(ctx, path, rind_slice_make(json, (size_t)length), 0600);
    rind_wipe(texts, sizeof(texts));
    rind_wipe(json, sizeof(json));
    return status;
}

rind_status rind_cli_make_keys(struct rind_ctx *ctx, const char *path)
{
    struct rind_x25519_secret communication;
    uint8_t record[32];
    uint8_t mac[32];
    RIND_REQUIRE(ctx,
                 getentropy(communication.bytes, 32) == 0 && getentropy(record, 32) == 0 &&
                     getentropy(mac, 32) == 0,
                 RIND_E_IO, "no randomness: %s", strerror(errno));
    rind_status status = keys_write(ctx, path, &communication, record, mac);
    rind_wipe(&communication, sizeof(communication));
    rind_wipe(record, sizeof(record));
    rind_wipe(mac, sizeof(mac));
    return status;
}

int rind_cli_new_keys(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *path = NULL;
    const struct rind_flag flags[] = {
        {.value_name = "FILE",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "File to make, readable by its owner only. It must not exist.",
         .value = &path},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind new-keys",
        .about = "Makes random realm keys for software HSMs (rind-hsm --keys-file).",
        .example = "rind new-keys /etc/rind/realm-keys.json",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, rind_cli_make_keys(&cli->ctx, path));
}
