/* configuration.c - see configuration.h. Every rule of the table in section 13 is checked here. */
#include "client/configuration.h"

#include <stdlib.h>
#include <string.h>

#include "client/address.h"
#include "client/failure.h"

_Static_assert(RIND_REALMS_MAX <= UINT8_MAX, "a realm's index fits the order's bytes");

static bool configuration_check_thresholds(size_t realm_count, uint32_t register_threshold,
                                           uint32_t recover_threshold, char *why)
{
    if (realm_count < 1 || realm_count > RIND_REALMS_MAX) {
        rind_sdk_why(why, "a configuration has 1 to %u realms, this one has %zu", RIND_REALMS_MAX,
                     realm_count);
        return false;
    }
    /* More than half, so that at most one registration can ever reach the threshold. */
    if (recover_threshold > realm_count || recover_threshold <= realm_count / 2) {
        rind_sdk_why(why, "recover_threshold must be %zu to %zu with %zu realms, it is %u",
                     realm_count / 2 + 1, realm_count, realm_count, recover_threshold);
        return false;
    }
    if (register_threshold > realm_count || register_threshold < recover_threshold) {
        rind_sdk_why(why, "register_threshold must be %u (recover_threshold) to %zu, it is %u",
                     recover_threshold, realm_count, register_threshold);
        return false;
    }
    return true;
}

/* Copies one realm with its address in normal form. */
static bool realm_copy(const struct rind_realm *source, struct rind_realm *copy, char *why)
{
    if (source->address == NULL) {
        rind_sdk_why(why, "a realm has no address");
        return false;
    }
    *copy = *source;
    copy->address = rind_sdk_address_normalise(source->address, why);
    return copy->address != NULL;
}

/* Fills `order` by insertion; false if two realms have the same id. */
static bool configuration_sort(struct rind_configuration *configuration, char *why)
{
    for (size_t i = 0; i < configuration->realm_count; i++) {
        size_t at = i;
        for (; at > 0; at--) {
            const struct rind_realm *before = &configuration->realms[configuration->order[at - 1]];
            int compared = memcmp(before->id, configuration->realms[i].id, RIND_REALM_ID_SIZE);
            if (compared == 0) {
                rind_sdk_why(why, "two realms have the same id");
                return false;
            }
            if (compared < 0) {
                break;
            }
            configuration->order[at] = configuration->order[at - 1];
        }
        configuration->order[at] = (uint8_t)i;
    }
    return true;
}

static bool configuration_fill(struct rind_configuration *configuration,
                               const struct rind_realm *realms, size_t realm_count, char *why)
{
    for (size_t i = 0; i < realm_count; i++) {
        if (!realm_copy(&realms[i], &configuration->realms[i], why)) {
            return false;
        }
        configuration->realm_count++;
    }
    return configuration_sort(configuration, why);
}

struct rind_configuration *rind_configuration_new(const struct rind_realm *realms,
                                                  size_t realm_count, uint32_t register_threshold,
                                                  uint32_t recover_threshold,
                                                  enum rind_pin_hashing_mode mode, char *why)
{
    if (!configuration_check_thresholds(realm_count, register_threshold, recover_threshold, why)) {
        return NULL;
    }
    if (mode != RIND_PIN_HASHING_STANDARD_2019 && mode != RIND_PIN_HASHING_FAST_INSECURE) {
        rind_sdk_why(why, "unknown PIN hashing mode %d", (int)mode);
        return NULL;
    }
    struct rind_configuration *configuration = calloc(1, sizeof(*configuration));
    struct rind_realm *copies = calloc(realm_count, sizeof(*copies));
    if (configuration == NULL || copies == NULL) {
        rind_sdk_why(why, "out of memory");
        free(configuration);
        free(copies);
        return NULL;
    }
    configuration->realms = copies;
    configuration->register_threshold = register_threshold;
    configuration->recover_threshold = recover_threshold;
    configuration->mode = mode;
    if (!configuration_fill(configuration, realms, realm_count, why)) {
        rind_configuration_free(configuration);
        return NULL;
    }
    return configuration;
}

void rind_configuration_free(struct rind_configuration *configuration)
{
    if (configuration == NULL) {
        return;
    }
    for (size_t i = 0; i < configuration->realm_count; i++) {
        free((char *)(uintptr_t)configuration->realms[i].address);
    }
    free(configuration->realms);
    free(configuration);
}

struct rind_configuration *rind_configuration_copy(const struct rind_configuration *configuration)
{
    return rind_configuration_new(configuration->realms, configuration->realm_count,
                                  configuration->register_threshold,
                                  configuration->recover_threshold, configuration->mode, NULL);
}

static bool realm_equal(const struct rind_realm *a, const struct rind_realm *b)
{
    return memcmp(a->id, b->id, sizeof(a->id)) == 0 && strcmp(a->address, b->address) == 0 &&
           a->has_public_key == b->has_public_key &&
           (!a->has_public_key || memcmp(a->public_key, b->public_key, sizeof(a->public_key)) == 0);
}

bool rind_configuration_equal(const struct rind_configuration *a,
                              const struct rind_configuration *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (a->realm_count != b->realm_count || a->register_threshold != b->register_threshold ||
        a->recover_threshold != b->recover_threshold || a->mode != b->mode) {
        return false;
    }
    for (size_t i = 0; i < a->realm_count; i++) {
        if (!realm_equal(&a->realms[i], &b->realms[i])) {
            return false;
        }
    }
    return true;
}

size_t rind_configuration_realm_count(const struct rind_configuration *configuration)
{
    return configuration->realm_count;
}

const struct rind_realm *rind_configuration_realm(const struct rind_configuration *configuration,
                                                  size_t index)
{
    return index < configuration->realm_count ? &configuration->realms[index] : NULL;
}

uint32_t rind_configuration_share_index(const struct rind_configuration *configuration,
                                        const struct rind_realm_id *realm)
{
    for (uint32_t i = 0; i < configuration->realm_count; i++) {
        const struct rind_realm *candidate = &configuration->realms[configuration->order[i]];
        if (memcmp(candidate->id, realm->bytes, sizeof(realm->bytes)) == 0) {
            return i + 1;
        }
    }
    return 0;
}

const char *rind_pin_hashing_mode_name(enum rind_pin_hashing_mode mode)
{
    return mode == RIND_PIN_HASHING_STANDARD_2019 ? "Standard2019" : "FastInsecure";
}
