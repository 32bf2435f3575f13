/* configuration_json.c - a configuration's JSON form, read and written. Spec: 01 section 13. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "client/configuration.h"
#include "client/failure.h"
#include "client/json_members.h"

#define CONFIGURATION_SIZE_MAX (1u << 20) /* bytes of JSON; 255 realms take some 60 KiB */
#define REALM_DEPTH 3u                    /* document, array, realm */

static const char *const configuration_members[] = {"realms", "register_threshold",
                                                    "recover_threshold", "pin_hashing_mode"};
static const char *const realm_members[] = {"id", "address", "public_key"};

/* The hex digits of an id; dashes are dropped wherever they are. */
static bool realm_parse_id(const char *text, uint8_t id[static RIND_REALM_ID_SIZE])
{
    char digits[2 * RIND_REALM_ID_SIZE];
    size_t count = 0;
    for (; *text != '\0'; text++) {
        if (*text == '-') {
            continue;
        }
        if (count == sizeof(digits)) {
            return false;
        }
        digits[count++] = *text;
    }
    return rind_hex_decode(rind_slice_make(digits, count), id, RIND_REALM_ID_SIZE);
}

/* Fills `realm` from its JSON object; the address stays borrowed from it. */
static bool realm_parse(const json_t *object, struct rind_realm *realm, char *why)
{
    if (!json_is_object(object)) {
        rind_sdk_why(why, "a realm is not a JSON object");
        return false;
    }
    const char *id = json_string_value(json_object_get(object, "id"));
    if (id == NULL || !realm_parse_id(id, realm->id)) {
        rind_sdk_why(why, "a realm's id is not 32 hex digits");
        return false;
    }
    realm->address = json_string_value(json_object_get(object, "address"));
    if (realm->address == NULL) {
        rind_sdk_why(why, "a realm's address is missing or not text");
        return false;
    }
    const json_t *key = json_object_get(object, "public_key");
    if (key == NULL || json_is_null(key)) {
        return true; /* a software realm */
    }
    realm->has_public_key = true;
    if (!json_is_string(key) || !rind_hex_decode(rind_slice_text(json_string_value(key)),
                                                 realm->public_key, sizeof(realm->public_key))) {
        rind_sdk_why(why, "a realm's public_key is not 64 hex digits");
        return false;
    }
    return true;
}

static bool threshold_parse(const json_t *root, const char *name, uint32_t *threshold, char *why)
{
    const json_t *value = json_object_get(root, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > UINT32_MAX) {
        rind_sdk_why(why, "%s is missing or not a whole number below 2^32", name);
        return false;
    }
    *threshold = (uint32_t)json_integer_value(value);
    return true;
}

static bool mode_parse(const json_t *root, enum rind_pin_hashing_mode *mode, char *why)
{
    const char *name = json_string_value(json_object_get(root, "pin_hashing_mode"));
    static const enum rind_pin_hashing_mode modes[] = {RIND_PIN_HASHING_STANDARD_2019,
                                                       RIND_PIN_HASHING_FAST_INSECURE};
    for (size_t i = 0; name != NULL && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(name, rind_pin_hashing_mode_name(modes[i])) == 0) {
            *mode = modes[i];
            return true;
        }
    }
    rind_sdk_why(why, "pin_hashing_mode must be \"Standard2019\" or \"FastInsecure\"");
    return false;
}

/* `realms` has room for RIND_REALMS_MAX. */
static struct rind_configuration *configuration_parse_with(const json_t *root,
                                                           struct rind_realm *realms, char *why)
{
    uint32_t register_threshold = 0;
    uint32_t recover_threshold = 0;
    enum rind_pin_hashing_mode mode = RIND_PIN_HASHING_STANDARD_2019;
    const json_t *list = json_object_get(root, "realms");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > RIND_REALMS_MAX) {
        rind_sdk_why(why, "realms is not an array of at most %u realms", RIND_REALMS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!realm_parse(json_array_get(list, i), &realms[i], why)) {
            return NULL;
        }
    }
    if (!threshold_parse(root, "register_threshold", &register_threshold, why) ||
        !threshold_parse(root, "recover_threshold", &recover_threshold, why) ||
        !mode_parse(root, &mode, why)) {
        return NULL;
    }
    return rind_configuration_new(realms, count, register_threshold, recover_threshold, mode, why);
}

struct rind_configuration *rind_configuration_parse(const char *json, char *why)
{
    json_error_t error;
    size_t size = json == NULL ? 0 : strnlen(json, CONFIGURATION_SIZE_MAX + 1u);
    if (json == NULL || size > CONFIGURATION_SIZE_MAX) {
        rind_sdk_why(why, "a configuration is JSON of at most %u bytes", CONFIGURATION_SIZE_MAX);
        return NULL;
    }
    json_t *root = json_loadb(json, size, 0, &error);
    struct rind_realm *realms = calloc(RIND_REALMS_MAX, sizeof(*realms));
    struct rind_configuration *configuration = NULL;
    if (root == NULL) {
        rind_sdk_why(why, "not JSON: line %d: %s", error.line, error.text);
    } else if (realms == NULL) {
        rind_sdk_why(why, "out of memory");
    } else if (!json_is_object(root)) {
        rind_sdk_why(why, "a configuration is a JSON object");
    } else if (rind_sdk_json_has_duplicate(json, 1, configuration_members,
                                           sizeof(configuration_members) /
                                               sizeof(configuration_members[0])) ||
               rind_sdk_json_has_duplicate(json, REALM_DEPTH, realm_members,
                                           sizeof(realm_members) / sizeof(realm_members[0]))) {
        rind_sdk_why(why, "a member is given twice");
    } else {
        configuration = configuration_parse_with(root, realms, why);
    }
    free(realms);
    json_decref(root);
    return configuration;
}

static json_t *realm_print(const struct rind_realm *realm)
{
    char id[RIND_HEX_SIZE(RIND_REALM_ID_SIZE)];
    char key[RIND_HEX_SIZE(RIND_REALM_PUBLIC_KEY_SIZE)];
    rind_hex_encode(RIND_SLICE_OF(realm->id), id);
    rind_hex_encode(RIND_SLICE_OF(realm->public_key), key);
    return realm->has_public_key ? json_pack("{s:s, s:s, s:s}", "id", id, "address", realm->address,
                                             "public_key", key)
                                 : json_pack("{s:s, s:s}", "id", id, "address", realm->address);
}

char *rind_configuration_print(const struct rind_configuration *configuration)
{
    json_t *realms = json_array();
    for (size_t i = 0; i < configuration->realm_count; i++) {
        if (json_array_append_new(realms, realm_print(&configuration->realms[i])) != 0) {
            json_decref(realms);
            return NULL;
        }
    }
    json_t *root = json_pack("{s:o, s:I, s:I, s:s}", "realms", realms, "register_threshold",
                             (json_int_t)configuration->register_threshold, "recover_threshold",
                             (json_int_t)configuration->recover_threshold, "pin_hashing_mode",
                             rind_pin_hashing_mode_name(configuration->mode));
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(root);
    return text;
}
