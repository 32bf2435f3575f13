/* core.c - memory, boot and end of a core: see hsm.h. Boot: spec 02 section 4.2. */
#include "hsm/hsm.h"

#include "hsm/macs.h"
#include "hsm/persist.h"
#include "hsm/response_size.h"
#include "hsm/state.h"

/* Alignment of each part of the core's memory: a cache line, and what the overlay wants. */
#define CORE_ALIGNMENT 64u

/* Where the parts lie. One function computes it for both the size and the boot. */
struct core_layout {
    size_t secret_arena;
    size_t request_arena;
    size_t work_arena;
    size_t work_arena_size;
    size_t leaderships; /* the first group's */
    size_t log_size;
    size_t abandoned_size;
    size_t sessions_size;
    size_t tree_size;
    size_t leadership_size; /* of one group */
    size_t size_bytes;
};

static size_t core_align(size_t size)
{
    return (size + CORE_ALIGNMENT - 1) / CORE_ALIGNMENT * CORE_ALIGNMENT;
}

static struct core_layout core_layout_make(const struct rind_hsm_config *config)
{
    struct core_layout layout = {
        .secret_arena = core_align(sizeof(struct rind_hsm)),
        .work_arena_size = core_align(rind_hsm_work_size_bytes(config)),
        .log_size = core_align(rind_hsm_leader_log_size_bytes(config->log_entries_max)),
        .abandoned_size = core_align((size_t)config->log_entries_max * sizeof(struct rind_mac)),
        .sessions_size = core_align(rind_hsm_sessions_size_bytes(config->sessions_max)),
        .tree_size = core_align(rind_overlay_size_bytes(config->overlay_size)),
    };
    layout.request_arena = layout.secret_arena + core_align(RIND_HSM_SECRET_ARENA_SIZE);
    layout.work_arena = layout.request_arena + core_align(RIND_HSM_REQUEST_ARENA_SIZE);
    layout.leaderships = layout.work_arena + layout.work_arena_size;
    layout.leadership_size =
        layout.log_size + layout.abandoned_size + layout.sessions_size + layout.tree_size;
    layout.size_bytes = layout.leaderships + RIND_GROUPS_LIMIT * layout.leadership_size;
    return layout;
}

struct rind_hsm_config rind_hsm_config_default(void)
{
    return (struct rind_hsm_config){
        .overlay_size = RIND_HSM_OVERLAY_SIZE_DEFAULT,
        .sessions_max = RIND_HSM_SESSIONS_MAX_DEFAULT,
        .log_entries_max = RIND_HSM_LOG_ENTRIES_MAX_DEFAULT,
        .has_metrics = true,
    };
}

size_t rind_hsm_size_bytes(const struct rind_hsm_config *config)
{
    return core_layout_make(config).size_bytes;
}

static rind_status core_check_config(struct rind_ctx *ctx, const struct rind_hsm_config *config)
{
    RIND_REQUIRE(ctx,
                 config->overlay_size >= RIND_OVERLAY_CAPACITY_MIN &&
                     config->overlay_size <= RIND_OVERLAY_CAPACITY_MAX,
                 RIND_E_INVALID, "overlay size must be %u to %u", RIND_OVERLAY_CAPACITY_MIN,
                 RIND_OVERLAY_CAPACITY_MAX);
    RIND_REQUIRE(
        ctx, config->sessions_max >= 1 && config->sessions_max <= RIND_HSM_SESSIONS_COUNT_MAX,
        RIND_E_INVALID, "the number of sessions must be 1 to %u", RIND_HSM_SESSIONS_COUNT_MAX);
    RIND_REQUIRE(ctx,
                 config->log_entries_max >= RIND_HSM_LOG_ENTRIES_MIN &&
                     config->log_entries_max <= RIND_HSM_LOG_ENTRIES_MAX,
                 RIND_E_INVALID, "the number of log entries must be %u to %u",
                 RIND_HSM_LOG_ENTRIES_MIN, RIND_HSM_LOG_ENTRIES_MAX);
    return RIND_OK;
}

static void core_place(struct rind_hsm *hsm, uint8_t *memory, const struct core_layout *layout)
{
    rind_arena_init(&hsm->secret_arena, memory + layout->secret_arena, RIND_HSM_SECRET_ARENA_SIZE);
    rind_arena_init(&hsm->request_arena, memory + layout->request_arena,
                    RIND_HSM_REQUEST_ARENA_SIZE);
    rind_arena_init(&hsm->work_arena, memory + layout->work_arena, layout->work_arena_size);
    for (size_t i = 0; i < RIND_GROUPS_LIMIT; i++) {
        struct rind_hsm_leadership *leadership = &hsm->leaderships[i];
        uint8_t *at = memory + layout->leaderships + i * layout->leadership_size;
        *leadership = (struct rind_hsm_leadership){0};
        rind_hsm_leader_log_init(&leadership->log, at, hsm->config.log_entries_max);
        at += layout->log_size;
        leadership->abandoned = (struct rind_mac *)(void *)at;
        at += layout->abandoned_size;
        rind_hsm_sessions_init(&leadership->sessions, at, hsm->config.sessions_max,
                               &hsm->sessions_mix);
        at += layout->sessions_size;
        leadership->tree_memory = at;
    }
}

/* Steps 1 and 2: the durable state, or a new identity. */
static rind_status core_load(struct rind_hsm *hsm, struct rind_ctx *ctx)
{
    uint8_t bytes[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    struct rind_buffer stored;
    rind_buffer_init(&stored, bytes, sizeof(bytes));
    RIND_TRY(hsm->platform.nvram_read(hsm->platform.context, ctx, &stored));
    if (stored.length == 0) {
        struct rind_hsm_durable fresh = {0};
        rind_random_fill(&hsm->random, fresh.id.bytes, sizeof(fresh.id.bytes));
        return rind_hsm_persist(hsm, ctx, &fresh);
    }
    RIND_TRY(rind_hsm_durable_decode(ctx, rind_buffer_slice(&stored), &hsm->durable));
    /* What is stored need not be written again (section 17 item 12). */
    memcpy(hsm->stored_digest, bytes + stored.length - RIND_BLAKE2S_SIZE, RIND_BLAKE2S_SIZE);
    hsm->has_stored_digest = true;
    return RIND_OK;
}

static rind_status core_boot(struct rind_hsm *hsm, struct rind_ctx *ctx)
{
    RIND_TRY(core_load(hsm, ctx));
    RIND_REQUIRE(ctx,
                 !hsm->durable.has_realm ||
                     rind_hsm_realm_statement_is_valid(&hsm->keys, &hsm->durable.realm,
                                                       &hsm->durable.id, &hsm->durable.statement),
                 RIND_E_AUTH,
                 "InvalidRealmStatement: these are not the keys of the realm that this HSM has "
                 "joined; start it with that realm's keys");
    for (uint32_t i = 0; i < hsm->durable.group_count; i++) {
        hsm->groups[i] = (struct rind_hsm_group){
            .has_captured = hsm->durable.groups[i].has_captured,
            .captured = hsm->durable.groups[i].captured,
            .role = RIND_ROLE_WITNESS,
            .role_clock = RIND_HSM_ROLE_CLOCK_START,
            .leadership = &hsm->leaderships[i],
        };
    }
    /* After the identity, so that a scripted generator can give that first. */
    rind_random_fill(&hsm->random, hsm->overlay_seed.bytes, sizeof(hsm->overlay_seed.bytes));
    uint8_t seed[RIND_MIX_SEED_SIZE];
    rind_random_fill(&hsm->random, seed, sizeof(seed));
    rind_mix_init(&hsm->sessions_mix, seed);
    rind_wipe(seed, sizeof(seed));
    return RIND_OK;
}

rind_status rind_hsm_init(struct rind_ctx *ctx, void *memory, size_t size_bytes,
                          const struct rind_hsm_platform *platform,
                          const struct rind_hsm_config *config, const struct rind_realm_keys *keys,
                          struct rind_hsm **hsm)
{
    RIND_ASSERT(memory != NULL && (uintptr_t)memory % CORE_ALIGNMENT == 0);
    RIND_TRY(core_check_config(ctx, config));
    struct core_layout layout = core_layout_make(config);
    RIND_REQUIRE(ctx, size_bytes >= layout.size_bytes, RIND_E_INVALID,
                 "the core needs %zu bytes of memory and got %zu", layout.size_bytes, size_bytes);
    /* Member by member: a whole struct would be built, keys included, on the stack first. */
    struct rind_hsm *made = memory;
    memset(made, 0, sizeof(*made));
    memcpy(&made->keys, keys, sizeof(made->keys));
    made->platform = *platform;
    made->config = *config;
    made->random = (struct rind_random){.fill = platform->random_fill, .self = platform->context};
    core_place(made, memory, &layout);
    rind_status status = core_boot(made, ctx);
    rind_wipe_stack();
    if (!rind_is_ok(status)) {
        rind_wipe(made, sizeof(*made));
        return status;
    }
    *hsm = made;
    return RIND_OK;
}

void rind_hsm_fini(struct rind_hsm *hsm)
{
    if (hsm == NULL) {
        return;
    }
    for (size_t i = 0; i < RIND_GROUPS_LIMIT; i++) {
        rind_hsm_sessions_clear(&hsm->leaderships[i].sessions);
    }
    rind_arena_reset(&hsm->secret_arena);
    rind_arena_reset(&hsm->request_arena);
    rind_arena_reset(&hsm->work_arena);
    rind_wipe(hsm, sizeof(*hsm));
}

struct rind_slice rind_hsm_secret_memory(const struct rind_hsm *hsm)
{
    return rind_slice_make(hsm, core_align(sizeof(*hsm)) + RIND_HSM_SECRET_ARENA_SIZE);
}
