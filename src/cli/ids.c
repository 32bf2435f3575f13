/* ids.c - see ids.h. */
#include "cli/ids.h"

#include <stdlib.h>
#include <string.h>

#define ID_SIZE 16u

_Static_assert(sizeof(struct rind_realm_id) == ID_SIZE && sizeof(struct rind_group_id) == ID_SIZE,
               "realm and group ids are collected as bytes of the same size");

/* A growing set of 16-byte ids in an arena. */
struct id_set {
    uint8_t (*ids)[ID_SIZE];
    size_t count;
    size_t capacity;
};

const char *rind_cli_id_text(const uint8_t bytes[16], char text[static RIND_CLI_ID_TEXT_SIZE])
{
    rind_hex_encode(rind_slice_make(bytes, ID_SIZE), text);
    return text;
}

static int ids_compare(const void *left, const void *right)
{
    return memcmp(left, right, ID_SIZE);
}

static rind_status ids_open(struct rind_ctx *ctx, size_t capacity, struct id_set *set)
{
    *set = (struct id_set){.capacity = capacity};
    set->ids = rind_ctx_alloc_array(ctx, capacity, ID_SIZE);
    RIND_REQUIRE(ctx, set->ids != NULL, RIND_E_LIMIT, "no memory for %zu ids", capacity);
    return RIND_OK;
}

static void ids_add(struct id_set *set, const uint8_t id[ID_SIZE])
{
    RIND_ASSERT(set->count < set->capacity);
    memcpy(set->ids[set->count], id, ID_SIZE);
    set->count++;
}

static void ids_sort_unique(struct id_set *set)
{
    qsort(set->ids, set->count, ID_SIZE, ids_compare);
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (kept == 0 || memcmp(set->ids[kept - 1], set->ids[i], ID_SIZE) != 0) {
            memmove(set->ids[kept], set->ids[i], ID_SIZE);
            kept++;
        }
    }
    set->count = kept;
}

static rind_status ids_of_realms(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 struct id_set *set)
{
    RIND_TRY(ids_open(ctx, hsms.count, set));
    for (size_t i = 0; i < hsms.count; i++) {
        if (hsms.items[i].status->has_realm) {
            ids_add(set, hsms.items[i].status->realm.id.bytes);
        }
    }
    ids_sort_unique(set);
    return RIND_OK;
}

/* `realm` NULL: of all realms. */
static rind_status ids_of_groups(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 const struct rind_realm_id *realm, struct id_set *set)
{
    size_t capacity = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        capacity += hsms.items[i].status->has_realm ? hsms.items[i].status->realm.groups.count : 0;
    }
    RIND_TRY(ids_open(ctx, capacity, set));
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (!status->has_realm ||
            (realm != NULL && !rind_realm_id_equal(&status->realm.id, realm))) {
            continue;
        }
        for (size_t g = 0; g < status->realm.groups.count; g++) {
            ids_add(set, status->realm.groups.items[g].id.bytes);
        }
    }
    ids_sort_unique(set);
    return RIND_OK;
}

/* Decodes a prefix; what it leaves open is zero. */
static rind_status ids_decode(struct rind_ctx *ctx, const char *what, const char *prefix,
                              uint8_t wanted[ID_SIZE])
{
    size_t digits = strlen(prefix);
    RIND_REQUIRE(ctx,
                 digits % 2 == 0 && digits <= 2 * ID_SIZE &&
                     rind_hex_decode(rind_slice_text(prefix), wanted, digits / 2),
                 RIND_E_INVALID,
                 "resolving a %s id: '%s' is not an even number of up to 32 hex digits", what,
                 prefix);
    return RIND_OK;
}

rind_status rind_cli_check_prefix(struct rind_ctx *ctx, const char *what, const char *prefix)
{
    uint8_t ignored[ID_SIZE] = {0};
    return ids_decode(ctx, what, prefix, ignored);
}

static rind_status ids_resolve(struct rind_ctx *ctx, const struct id_set *set, const char *what,
                               const char *prefix, uint8_t id[ID_SIZE])
{
    size_t digits = strlen(prefix);
    uint8_t wanted[ID_SIZE] = {0};
    RIND_TRY(ids_decode(ctx, what, prefix, wanted));
    const uint8_t *found = NULL;
    for (size_t i = 0; i < set->count; i++) {
        if (memcmp(set->ids[i], wanted, digits / 2) == 0) {
            RIND_REQUIRE(ctx, found == NULL, RIND_E_INVALID,
                         "resolving a %s id: ambiguous ID: 2 or more items share that prefix",
                         what);
            found = set->ids[i];
        }
    }
    RIND_REQUIRE(ctx, found != NULL, RIND_E_NOT_FOUND,
                 "resolving a %s id: no item with that ID; 'rind agents' shows all there are",
                 what);
    memcpy(id, found, ID_SIZE);
    return RIND_OK;
}

rind_status rind_cli_resolve_realm(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                   const char *prefix, struct rind_realm_id *realm)
{
    struct id_set set;
    RIND_TRY(ids_of_realms(ctx, hsms, &set));
    return ids_resolve(ctx, &set, "realm", prefix, realm->bytes);
}

rind_status rind_cli_resolve_group(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                   const char *prefix, struct rind_group_id *group)
{
    struct id_set set;
    RIND_TRY(ids_of_groups(ctx, hsms, NULL, &set));
    return ids_resolve(ctx, &set, "group", prefix, group->bytes);
}

rind_status rind_cli_resolve_hsm(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 const char *prefix, struct rind_hsm_id *hsm)
{
    struct id_set set;
    RIND_TRY(ids_open(ctx, hsms.count, &set));
    for (size_t i = 0; i < hsms.count; i++) {
        ids_add(&set, hsms.items[i].status->id.bytes);
    }
    ids_sort_unique(&set);
    return ids_resolve(ctx, &set, "HSM", prefix, hsm->bytes);
}

rind_status rind_cli_parse_record_id(struct rind_ctx *ctx, const char *text,
                                     struct rind_record_id *id)
{
    size_t size = strlen(text) / 2;
    memset(id, 0, sizeof(*id));
    RIND_REQUIRE(ctx,
                 strlen(text) % 2 == 0 && size >= 1 && size <= sizeof(id->bytes) &&
                     rind_hex_decode(rind_slice_text(text), id->bytes, size),
                 RIND_E_INVALID, "'%.80s' is no record id: it must be 1 to 32 bytes in hex", text);
    uint8_t last = id->bytes[size - 1];
    RIND_REQUIRE(ctx, size == sizeof(id->bytes) || last == 0x00 || last == 0xff, RIND_E_INVALID,
                 "'%s' is too short for a record id: write all 32 bytes, or end in 00 or ff, which "
                 "is then repeated",
                 text);
    memset(id->bytes + size, last, sizeof(id->bytes) - size);
    return RIND_OK;
}

rind_status rind_cli_parse_range(struct rind_ctx *ctx, const char *start, const char *end,
                                 struct rind_owned_range *range)
{
    RIND_TRY(rind_cli_parse_record_id(ctx, start, &range->start));
    RIND_TRY(rind_cli_parse_record_id(ctx, end, &range->end));
    RIND_REQUIRE(ctx, rind_owned_range_is_valid(range), RIND_E_INVALID,
                 "the range's start lies behind its end; exchange the two");
    return RIND_OK;
}

rind_status rind_cli_list_realms(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 struct rind_realm_id **realms, size_t *count)
{
    struct id_set set;
    RIND_TRY(ids_of_realms(ctx, hsms, &set));
    *realms = (struct rind_realm_id *)(void *)set.ids;
    *count = set.count;
    return RIND_OK;
}

rind_status rind_cli_list_groups(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 const struct rind_realm_id *realm, struct rind_group_id **groups,
                                 size_t *count)
{
    struct id_set set;
    RIND_TRY(ids_of_groups(ctx, hsms, realm, &set));
    *groups = (struct rind_group_id *)(void *)set.ids;
    *count = set.count;
    return RIND_OK;
}
