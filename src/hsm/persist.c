/* persist.c - see persist.h. */
#include "hsm/persist.h"

#include "hsm/configuration.h"

/*
 * Scratch for decoding: NVRAM holds at most 4000 bytes, which the decoder turns into at most 256
 * groups and lists of ids.
 */
#define PERSIST_SCRATCH_SIZE (64u * 1024u)

static void persist_group_to_wire(const struct rind_hsm_durable_group *group,
                                  struct rind_hsm_id *configuration,
                                  struct rind_persistent_group *wire)
{
    memcpy(configuration, group->configuration, group->member_count * sizeof(*configuration));
    *wire = (struct rind_persistent_group){
        .id = group->id,
        .state =
            {
                .configuration = {.items = configuration, .count = group->member_count},
                .has_captured = group->has_captured,
                .captured = group->captured,
            },
    };
}

void rind_hsm_durable_encode(const struct rind_hsm_durable *durable, struct rind_buffer *stored)
{
    RIND_ASSERT(durable->group_count <= RIND_GROUPS_LIMIT);
    struct rind_persistent_group groups[RIND_GROUPS_LIMIT];
    struct rind_hsm_id configurations[RIND_GROUPS_LIMIT][RIND_CONFIGURATION_LIMIT];
    for (uint32_t i = 0; i < durable->group_count; i++) {
        persist_group_to_wire(&durable->groups[i], configurations[i], &groups[i]);
    }
    struct rind_persistent_state state = {
        .id = durable->id,
        .has_realm = durable->has_realm,
        .realm =
            {
                .id = durable->realm,
                .statement = durable->statement,
                .groups = {.items = groups, .count = durable->group_count},
            },
    };
    size_t start = stored->length;
    rind_status status = rind_wire_encode(NULL, &rind_persistent_state_schema, &state, stored);
    RIND_ASSERT(rind_is_ok(status)); /* 16 groups of 9 take 3924 bytes */
    uint8_t digest[RIND_BLAKE2S_SIZE];
    rind_blake2s(rind_slice_make(stored->data + start, stored->length - start), digest);
    rind_buffer_append(stored, RIND_SLICE_OF(digest));
    RIND_ASSERT(!stored->is_overflown);
}

static rind_status persist_group_from_wire(struct rind_ctx *ctx,
                                           const struct rind_persistent_group *wire,
                                           const struct rind_hsm_id *own_id,
                                           struct rind_hsm_durable_group *group)
{
    RIND_REQUIRE(ctx, rind_hsm_configuration_is_valid(&wire->state.configuration, own_id),
                 RIND_E_CORRUPT,
                 "stored state has a group with an impossible configuration; make a new HSM");
    *group = (struct rind_hsm_durable_group){
        .id = wire->id,
        .member_count = (uint32_t)wire->state.configuration.count,
        .has_captured = wire->state.has_captured,
        .captured = wire->state.captured,
    };
    memcpy(group->configuration, wire->state.configuration.items,
           group->member_count * sizeof(group->configuration[0]));
    return RIND_OK;
}

/* The reference writes groups in any order; ours are ascending. Insertion sort over 16. */
static rind_status persist_insert_sorted(struct rind_ctx *ctx, struct rind_hsm_durable *durable,
                                         const struct rind_hsm_durable_group *group)
{
    uint32_t at = durable->group_count;
    while (at > 0 && rind_group_id_compare(&group->id, &durable->groups[at - 1].id) < 0) {
        durable->groups[at] = durable->groups[at - 1];
        at--;
    }
    RIND_REQUIRE(ctx, at == 0 || !rind_group_id_equal(&group->id, &durable->groups[at - 1].id),
                 RIND_E_CORRUPT, "stored state names a group twice; make a new HSM");
    durable->groups[at] = *group;
    durable->group_count++;
    return RIND_OK;
}

static rind_status persist_from_wire(struct rind_ctx *ctx,
                                     const struct rind_persistent_state *state,
                                     struct rind_hsm_durable *durable)
{
    *durable = (struct rind_hsm_durable){.id = state->id, .has_realm = state->has_realm};
    if (!state->has_realm) {
        return RIND_OK;
    }
    durable->realm = state->realm.id;
    durable->statement = state->realm.statement;
    RIND_REQUIRE(ctx, state->realm.groups.count <= RIND_GROUPS_LIMIT, RIND_E_CORRUPT,
                 "stored state has %zu groups, the limit is %u; make a new HSM",
                 state->realm.groups.count, RIND_GROUPS_LIMIT);
    for (size_t i = 0; i < state->realm.groups.count; i++) {
        struct rind_hsm_durable_group group;
        RIND_TRY(persist_group_from_wire(ctx, &state->realm.groups.items[i], &state->id, &group));
        RIND_TRY(persist_insert_sorted(ctx, durable, &group));
    }
    return RIND_OK;
}

rind_status rind_hsm_durable_decode(struct rind_ctx *ctx, struct rind_slice stored,
                                    struct rind_hsm_durable *durable)
{
    RIND_REQUIRE(ctx, stored.length >= RIND_BLAKE2S_SIZE, RIND_E_CORRUPT,
                 "InvalidChecksum: stored state has %zu bytes, fewer than a checksum; make "
                 "a new HSM, never restore an older state",
                 stored.length);
    struct rind_slice content = rind_slice_make(stored.data, stored.length - RIND_BLAKE2S_SIZE);
    uint8_t digest[RIND_BLAKE2S_SIZE];
    rind_blake2s(content, digest);
    RIND_REQUIRE(ctx, memcmp(digest, stored.data + content.length, sizeof(digest)) == 0,
                 RIND_E_CORRUPT,
                 "InvalidChecksum: stored state was damaged; make a new HSM, never restore an "
                 "older state");

    struct rind_persistent_state state;
    uint8_t scratch[PERSIST_SCRATCH_SIZE];
    struct rind_arena arena;
    rind_arena_init(&arena, scratch, sizeof(scratch));
    struct rind_ctx decode_ctx;
    rind_ctx_init(&decode_ctx, &arena);
    rind_status status =
        rind_wire_decode_whole(&decode_ctx, &rind_persistent_state_schema, content, &state);
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_CORRUPT,
                 "Deserialization: stored state is not one (%s); make a new HSM",
                 decode_ctx.sentence);
    return persist_from_wire(ctx, &state, durable);
}

rind_status rind_hsm_persist(struct rind_hsm *hsm, struct rind_ctx *ctx,
                             const struct rind_hsm_durable *next)
{
    uint8_t bytes[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    struct rind_buffer stored;
    rind_buffer_init(&stored, bytes, sizeof(bytes));
    rind_hsm_durable_encode(next, &stored);
    /* The last 32 bytes are the digest of the rest. */
    const uint8_t *digest = bytes + stored.length - RIND_BLAKE2S_SIZE;
    bool is_stored = hsm->has_stored_digest &&
                     memcmp(hsm->stored_digest, digest, sizeof(hsm->stored_digest)) == 0;
    if (!is_stored) {
        /* After a failed write nobody knows which of the two NVRAM holds. */
        hsm->has_stored_digest = false;
        RIND_TRY(hsm->platform.nvram_write(hsm->platform.context, ctx, rind_buffer_slice(&stored)));
        memcpy(hsm->stored_digest, digest, sizeof(hsm->stored_digest));
        hsm->has_stored_digest = true;
    }
    hsm->durable = *next;
    return RIND_OK;
}

rind_status rind_hsm_persist_captures(struct rind_hsm *hsm, struct rind_ctx *ctx)
{
    struct rind_hsm_durable next = hsm->durable;
    bool has_any = false;
    for (uint32_t i = 0; i < next.group_count; i++) {
        if (!hsm->groups[i].has_captured) {
            continue;
        }
        RIND_ASSERT(!next.groups[i].has_captured ||
                    hsm->groups[i].captured.index >= next.groups[i].captured.index);
        next.groups[i].has_captured = true;
        next.groups[i].captured = hsm->groups[i].captured;
        has_any = true;
    }
    return has_any ? rind_hsm_persist(hsm, ctx, &next) : RIND_OK;
}
