/* keys_file.c - see keys_file.h. */
#include "platform/software/keys_file.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/host.h"

/* Four keys in hex and their names take 350 bytes; people add white space. */
#define KEYS_FILE_SIZE_BYTES_MAX 4096u
#define KEYS_FILE_SCRATCH_SIZE (KEYS_FILE_SIZE_BYTES_MAX + 64u)

static rind_status keys_file_check_mode(struct rind_ctx *ctx, const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return errno == ENOENT
                   ? rind_fail(ctx, RIND_E_NOT_FOUND,
                               "there is no keys file %s; name the right one with --keys-file",
                               path)
                   : rind_fail(ctx, RIND_E_IO, "could not look at keys file %s: %s", path,
                               strerror(errno));
    }
    RIND_REQUIRE(ctx, (about.st_mode & (S_IRWXG | S_IRWXO)) == 0, RIND_E_DENIED,
                 "keys file %s can be used by others than its owner; run chmod 600 on it, and "
                 "replace the keys if anybody may have read them",
                 path);
    return RIND_OK;
}

static rind_status keys_file_member(struct rind_ctx *ctx, const struct rind_json_at *root,
                                    const char *name, uint8_t bytes[static 32])
{
    struct rind_json_at member;
    RIND_TRY(rind_json_member(ctx, root, name, &member));
    RIND_TRY(rind_json_hex(ctx, &member, bytes, 32));
    RIND_REQUIRE(ctx, !rind_ct_is_zero(bytes, 32), RIND_E_INVALID,
                 "key %s is zero; it must be 32 random bytes", name);
    return RIND_OK;
}

static rind_status keys_file_decode(struct rind_ctx *ctx, const json_t *json, const char *path,
                                    struct rind_realm_keys *keys)
{
    struct rind_json_at root = rind_json_root(json, path);
    RIND_TRY(
        keys_file_member(ctx, &root, "communication_private", keys->communication_private.bytes));
    RIND_TRY(
        keys_file_member(ctx, &root, "communication_public", keys->communication_public.bytes));
    RIND_TRY(keys_file_member(ctx, &root, "record", keys->record.bytes));
    RIND_TRY(keys_file_member(ctx, &root, "mac", keys->mac.bytes));
    RIND_REQUIRE(ctx,
                 !rind_ct_equal(keys->record.bytes, keys->mac.bytes, sizeof(keys->mac.bytes)) &&
                     !rind_ct_equal(keys->record.bytes, keys->communication_private.bytes,
                                    sizeof(keys->record.bytes)) &&
                     !rind_ct_equal(keys->mac.bytes, keys->communication_private.bytes,
                                    sizeof(keys->mac.bytes)),
                 RIND_E_INVALID, "%s: two of the keys are equal; make three different ones", path);
    struct rind_x25519_public expected;
    rind_x25519_public_from_secret(&keys->communication_private, &expected);
    RIND_REQUIRE(
        ctx,
        rind_ct_equal(expected.bytes, keys->communication_public.bytes, sizeof(expected.bytes)),
        RIND_E_INVALID,
        "%s: communication_public is not the X25519 public key of communication_private; "
        "clients could not connect",
        path);
    return RIND_OK;
}

/* jansson copies the text it parses; what it frees here held keys. */
static void keys_file_wiping_free(void *memory)
{
    if (memory != NULL) {
        rind_wipe(memory, malloc_usable_size(memory));
    }
    free(memory);
}

static rind_status keys_file_parse(struct rind_ctx *ctx, struct rind_slice text, const char *path,
                                   struct rind_realm_keys *keys)
{
    json_t *json = NULL;
    RIND_TRY(rind_json_parse(ctx, text, path, &json));
    rind_status status = keys_file_decode(ctx, json, path, keys);
    json_decref(json);
    return status;
}

static rind_status keys_file_read_with(struct rind_ctx *ctx, struct rind_ctx *read_ctx,
                                       const char *path, struct rind_realm_keys *keys)
{
    RIND_TRY(keys_file_check_mode(ctx, path));
    struct rind_slice text;
    rind_status status = rind_file_read(read_ctx, path, KEYS_FILE_SIZE_BYTES_MAX, &text);
    if (!rind_is_ok(status)) {
        return rind_fail(ctx, (enum rind_code)status.code, "keys file: %s", read_ctx->sentence);
    }
    /* The allocator is the process's, but at start-up nobody else is using it. */
    json_malloc_t allocate;
    json_free_t release;
    json_get_alloc_funcs(&allocate, &release);
    json_set_alloc_funcs(allocate, keys_file_wiping_free);
    status = keys_file_parse(ctx, text, path, keys);
    json_set_alloc_funcs(allocate, release);
    return status;
}

rind_status rind_keys_file_read(struct rind_ctx *ctx, const char *path,
                                struct rind_realm_keys *keys)
{
    uint8_t scratch[KEYS_FILE_SCRATCH_SIZE];
    struct rind_arena arena;
    rind_arena_init(&arena, scratch, sizeof(scratch));
    struct rind_ctx read_ctx;
    rind_ctx_init(&read_ctx, &arena);
    struct rind_realm_keys read = {0};
    rind_status status = keys_file_read_with(ctx, &read_ctx, path, &read);
    if (rind_is_ok(status)) {
        *keys = read;
    }
    rind_realm_keys_wipe(&read);
    rind_wipe(scratch, sizeof(scratch));
    return status;
}
