/* pin_hash.c - see pin_hash.h. libargon2 does the work (libsodium's takes 16-byte salts only). */
#include "client/pin_hash.h"

#include <argon2.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/endian.h"
#include "client/failure.h"

#define PIN_HASH_SIZE 64u
#define PIN_HASH_SALT_FIXED_SIZE (4u + RIND_REGISTRATION_VERSION_SIZE + 4u)
#define PIN_HASH_INPUT_SIZE_MAX (UINT32_MAX - 64u) /* what Argon2's 32-bit lengths allow */

/* be4(16) || version || be4(length of info) || info */
static void pin_hash_salt(const uint8_t version[static RIND_REGISTRATION_VERSION_SIZE],
                          struct rind_bytes info, uint8_t *salt)
{
    rind_put_be32(salt, RIND_REGISTRATION_VERSION_SIZE);
    memcpy(salt + 4, version, RIND_REGISTRATION_VERSION_SIZE);
    rind_put_be32(salt + 4 + RIND_REGISTRATION_VERSION_SIZE, (uint32_t)info.size);
    if (info.size > 0) {
        memcpy(salt + PIN_HASH_SALT_FIXED_SIZE, info.data, info.size);
    }
}

static int pin_hash_argon2(enum rind_pin_hashing_mode mode, struct rind_bytes pin,
                           const uint8_t *salt, size_t salt_size,
                           uint8_t hash[static PIN_HASH_SIZE])
{
    argon2_context context = {
        .out = hash,
        .outlen = PIN_HASH_SIZE,
        /* Read only: the flag that clears the password is not set. */
        .pwd = (uint8_t *)(uintptr_t)pin.data,
        .pwdlen = (uint32_t)pin.size,
        .salt = (uint8_t *)(uintptr_t)salt,
        .saltlen = (uint32_t)salt_size,
        .t_cost = mode == RIND_PIN_HASHING_STANDARD_2019 ? 32 : 1,
        .m_cost = mode == RIND_PIN_HASHING_STANDARD_2019 ? 16384 : 8, /* KiB */
        .lanes = 1,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    return argon2id_ctx(&context);
}

enum rind_error rind_sdk_pin_hash(enum rind_pin_hashing_mode mode, struct rind_bytes pin,
                                  const uint8_t version[static RIND_REGISTRATION_VERSION_SIZE],
                                  struct rind_bytes info, struct rind_access_key *access_key,
                                  struct rind_encryption_key_seed *seed,
                                  struct rind_failure *failure)
{
    if (pin.size > PIN_HASH_INPUT_SIZE_MAX || info.size > PIN_HASH_INPUT_SIZE_MAX) {
        return rind_sdk_fail(failure, RIND_ERROR_INVALID_ARGUMENT,
                             "PIN and info have at most %u bytes", PIN_HASH_INPUT_SIZE_MAX);
    }
    size_t salt_size = PIN_HASH_SALT_FIXED_SIZE + info.size;
    uint8_t *salt = malloc(salt_size);
    if (salt == NULL) {
        return rind_sdk_fail(failure, RIND_ERROR_TRANSIENT, "out of memory for the PIN's hash");
    }
    uint8_t hash[PIN_HASH_SIZE];
    pin_hash_salt(version, info, salt);
    int code = pin_hash_argon2(mode, pin, salt, salt_size, hash);
    free(salt);
    if (code != ARGON2_OK) {
        return rind_sdk_fail(failure, RIND_ERROR_TRANSIENT, "cannot hash the PIN: %s",
                             argon2_error_message(code));
    }
    memcpy(access_key->bytes, hash, sizeof(access_key->bytes));
    memcpy(seed->bytes, hash + sizeof(access_key->bytes), sizeof(seed->bytes));
    rind_wipe(hash, sizeof(hash));
    return RIND_ERROR_NONE;
}
