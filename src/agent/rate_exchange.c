/* rate_exchange.c - see rate_exchange.h. */
#include "agent/rate_exchange.h"

#include <sodium.h>
#include <stdlib.h>

#define RATE_EXCHANGE_PEERS_MAX 1024u

/* One tenant as one peer tells it. */
struct rate_told {
    struct rind_rate_view view;
    size_t name_size;
    uint8_t name[RIND_RATE_TENANT_NAME_SIZE_BYTES_MAX];
};

struct rind_rate_peer {
    struct rind_map32 told; /* hash of the tenant's name -> struct rate_told */
    uint64_t updated_ms;    /* 0: never */
};

struct rind_rate_exchange {
    struct rind_rate_tenants *tenants;
    struct rind_mutex lock; /* guards all below; limiters' locks may be taken while holding it */
    struct rind_rate_peer *peers[RATE_EXCHANGE_PEERS_MAX];
    size_t peer_count;
    struct rind_map32 merged; /* tenants that the last merge gave something to; told, no view */
    uint8_t *exported;        /* the encoded own state */
    size_t exported_size;
    uint64_t exported_ms;
};

rind_status rind_rate_exchange_new(struct rind_ctx *ctx, struct rind_rate_tenants *tenants,
                                   struct rind_rate_exchange **exchange)
{
    struct rind_rate_exchange *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    made->tenants = tenants;
    rind_mutex_init(&made->lock);
    rind_map32_init(&made->merged, RIND_RATE_TENANTS_COUNT_MAX);
    *exchange = made;
    return RIND_OK;
}

/* Frees all values of a map of struct rate_told and empties it. */
static void told_clear(struct rind_map32 *map)
{
    size_t cursor = 0;
    const uint8_t *key;
    union rind_map32_value value;
    while (rind_map32_next(map, &cursor, &key, &value)) {
        struct rate_told *told = value.pointer;
        rind_rate_view_fini(&told->view);
        free(told);
    }
    rind_map32_clear(map);
}

void rind_rate_exchange_free(struct rind_rate_exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    RIND_ASSERT(exchange->peer_count == 0);
    told_clear(&exchange->merged);
    rind_map32_fini(&exchange->merged);
    rind_mutex_fini(&exchange->lock);
    free(exchange->exported);
    free(exchange);
}

/* ---- one tenant's state ---- */

rind_status rind_rate_view_encode(struct rind_ctx *ctx, const struct rind_rate_view *view,
                                  struct rind_slice *encoded)
{
    size_t count = view->reservations.count;
    struct rind_rate_reservation *expiry = rind_ctx_alloc_array(ctx, count, sizeof(*expiry));
    struct rind_rate_reserved *ids = rind_ctx_alloc_array(ctx, count, sizeof(*ids));
    struct rind_rate_used *used = rind_ctx_alloc_array(ctx, view->used.count, sizeof(*used));
    if (expiry == NULL || ids == NULL || used == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    /* Ascending in time, so of a repeated id the last one counts: the later expiry. */
    for (size_t i = 0; i < count; i++) {
        const struct rind_rate_mark *mark = &view->reservations.items[i];
        expiry[i] = (struct rind_rate_reservation){mark->when_ms, mark->id};
        ids[i] = (struct rind_rate_reserved){mark->id, mark->when_ms};
    }
    for (size_t i = 0; i < view->used.count; i++) {
        used[i] = (struct rind_rate_used){view->used.items[i].when_ms, view->used.items[i].id};
    }
    struct rind_rate_state state = {
        .reqs = {view->requests.items, view->requests.count},
        .reservations = {{expiry, count}, {ids, count}},
        .reservations_used = {used, view->used.count},
    };
    return rind_wire_encode_alloc(ctx, &rind_rate_state_schema, &state, encoded);
}

rind_status rind_rate_view_decode(struct rind_ctx *ctx, struct rind_slice encoded,
                                  struct rind_rate_view *view)
{
    struct rind_rate_state state;
    RIND_TRY(rind_wire_decode_strict(ctx, &rind_rate_state_schema, encoded, &state));
    rind_rate_view_init(view);
    for (size_t i = 0; i < state.reqs.count; i++) {
        (void)rind_rate_times_insert(&view->requests, state.reqs.items[i]);
    }
    /* `ids` holds what is not consumed yet; `expiry` also what is, so it adds nothing. */
    for (size_t i = 0; i < state.reservations.ids.count; i++) {
        const struct rind_rate_reserved *item = &state.reservations.ids.items[i];
        (void)rind_rate_marks_insert(&view->reservations, item->when, &item->id);
    }
    for (size_t i = 0; i < state.reservations_used.count; i++) {
        const struct rind_rate_used *item = &state.reservations_used.items[i];
        (void)rind_rate_marks_insert(&view->used, item->when, &item->id);
    }
    return RIND_OK;
}

/* ---- export ---- */

struct rate_export {
    struct rind_ctx *ctx;
    struct rind_agent_tenant_rate_state *items;
    size_t count;
    size_t capacity;
    rind_status status;
};

static void export_visit(void *self, struct rind_slice tenant, const struct rind_rate_view *view)
{
    struct rate_export *export = self;
    if (!rind_is_ok(export->status) || export->count == export->capacity) {
        return; /* a tenant added meanwhile is told next time */
    }
    struct rind_agent_tenant_rate_state *item = &export->items[export->count];
    if (!rind_arena_copy(export->ctx->arena, tenant, &item->tenant)) {
        export->status = rind_fail(export->ctx, RIND_E_LIMIT, "request arena is full");
        return;
    }
    export->status = rind_rate_view_encode(export->ctx, view, &item->state);
    export->count += rind_is_ok(export->status) ? 1 : 0;
}

static rind_status exchange_encode(struct rind_ctx *ctx, struct rind_rate_exchange *exchange,
                                   uint64_t now_ms, struct rind_slice *encoded)
{
    struct rate_export export = {.ctx = ctx,
                                 .capacity = rind_rate_tenants_count(exchange->tenants)};
    export.items = rind_ctx_alloc_array(ctx, export.capacity, sizeof(*export.items));
    if (export.items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    rind_rate_tenants_export(exchange->tenants, now_ms, export_visit, &export);
    RIND_TRY(export.status);
    struct rind_agent_rate_state_response response = {.kind = RIND_AGENT_RATE_STATE_OK,
                                                      .ok = {export.items, export.count}};
    return rind_wire_encode_alloc(ctx, &rind_agent_rate_state_response_schema, &response, encoded);
}

/* The cached state if it is young enough. */
static bool exchange_cached(struct rind_ctx *ctx, struct rind_rate_exchange *exchange,
                            uint64_t now_ms, struct rind_slice *encoded)
{
    rind_mutex_lock(&exchange->lock);
    bool is_young = exchange->exported != NULL && now_ms >= exchange->exported_ms &&
                    now_ms - exchange->exported_ms < RIND_RATE_EXPORT_AGE_MS_MAX;
    bool is_copied =
        is_young &&
        rind_arena_copy(ctx->arena, rind_slice_make(exchange->exported, exchange->exported_size),
                        encoded);
    rind_mutex_unlock(&exchange->lock);
    return is_copied;
}

rind_status rind_rate_exchange_export(struct rind_ctx *ctx, struct rind_rate_exchange *exchange,
                                      uint64_t now_ms, struct rind_slice *encoded)
{
    if (exchange_cached(ctx, exchange, now_ms, encoded)) {
        return RIND_OK;
    }
    RIND_TRY(exchange_encode(ctx, exchange, now_ms, encoded));
    uint8_t *copy = malloc(encoded->length);
    RIND_REQUIRE(ctx, copy != NULL, RIND_E_LIMIT, "out of memory");
    memcpy(copy, encoded->data, encoded->length);
    rind_mutex_lock(&exchange->lock);
    uint8_t *old = exchange->exported;
    exchange->exported = copy;
    exchange->exported_size = encoded->length;
    exchange->exported_ms = now_ms;
    rind_mutex_unlock(&exchange->lock);
    free(old);
    return RIND_OK;
}

/* ---- import ---- */

static struct rate_told *told_find_or_add(struct rind_map32 *map, struct rind_slice tenant)
{
    uint8_t key[RIND_MAP32_KEY_SIZE];
    crypto_generichash(key, sizeof(key), tenant.data, tenant.length, NULL, 0);
    union rind_map32_value *found = rind_map32_get(map, key);
    if (found != NULL) {
        return found->pointer;
    }
    struct rate_told *told = calloc(1, sizeof(*told));
    RIND_ASSERT(told != NULL);
    memcpy(told->name, tenant.data, tenant.length);
    told->name_size = tenant.length;
    if (!rind_map32_put(map, key, (union rind_map32_value){.pointer = told})) {
        free(told);
        return NULL;
    }
    return told;
}

struct rind_rate_peer *rind_rate_exchange_add_peer(struct rind_rate_exchange *exchange)
{
    struct rind_rate_peer *peer = calloc(1, sizeof(*peer));
    RIND_ASSERT(peer != NULL);
    rind_map32_init(&peer->told, RIND_RATE_TENANTS_COUNT_MAX);
    rind_mutex_lock(&exchange->lock);
    RIND_ASSERT(exchange->peer_count < RATE_EXCHANGE_PEERS_MAX);
    exchange->peers[exchange->peer_count++] = peer;
    rind_mutex_unlock(&exchange->lock);
    return peer;
}

void rind_rate_exchange_remove_peer(struct rind_rate_exchange *exchange,
                                    struct rind_rate_peer *peer, uint64_t now_ms)
{
    rind_mutex_lock(&exchange->lock);
    for (size_t i = 0; i < exchange->peer_count; i++) {
        if (exchange->peers[i] == peer) {
            exchange->peers[i] = exchange->peers[--exchange->peer_count];
            break;
        }
    }
    rind_mutex_unlock(&exchange->lock);
    told_clear(&peer->told);
    rind_map32_fini(&peer->told);
    free(peer);
    rind_rate_exchange_merge(exchange, now_ms);
}

/* Adds one peer's states to the merge. Lock held. */
static void merge_peer(struct rind_map32 *merged, const struct rind_rate_peer *peer)
{
    size_t cursor = 0;
    const uint8_t *key;
    union rind_map32_value value;
    while (rind_map32_next(&peer->told, &cursor, &key, &value)) {
        const struct rate_told *told = value.pointer;
        struct rate_told *sum =
            told_find_or_add(merged, rind_slice_make(told->name, told->name_size));
        if (sum != NULL) {
            rind_rate_view_merge(&sum->view, &told->view);
        }
    }
}

/* Lock held. */
static void exchange_merge(struct rind_rate_exchange *exchange, uint64_t now_ms)
{
    /* Entries of the last merge stay, with empty views: limiters lose what peers no longer tell. */
    for (size_t i = 0; i < exchange->peer_count; i++) {
        if (exchange->peers[i]->updated_ms + RIND_RATE_PEER_AGE_MS_MAX > now_ms) {
            merge_peer(&exchange->merged, exchange->peers[i]);
        }
    }
    struct rind_map32 next;
    rind_map32_init(&next, RIND_RATE_TENANTS_COUNT_MAX);
    size_t cursor = 0;
    const uint8_t *key;
    union rind_map32_value value;
    while (rind_map32_next(&exchange->merged, &cursor, &key, &value)) {
        struct rate_told *told = value.pointer;
        bool is_empty =
            told->view.requests.count + told->view.reservations.count + told->view.used.count == 0;
        rind_rate_tenants_set_others_take(
            exchange->tenants, rind_slice_make(told->name, told->name_size), &told->view);
        if (is_empty || !rind_map32_put(&next, key, value)) {
            free(told);
        }
    }
    rind_map32_fini(&exchange->merged);
    exchange->merged = next;
}

void rind_rate_exchange_merge(struct rind_rate_exchange *exchange, uint64_t now_ms)
{
    rind_mutex_lock(&exchange->lock);
    exchange_merge(exchange, now_ms);
    rind_mutex_unlock(&exchange->lock);
}

void rind_rate_exchange_import(struct rind_ctx *ctx, struct rind_rate_exchange *exchange,
                               struct rind_rate_peer *peer,
                               const struct rind_agent_tenant_rate_state_list *states,
                               uint64_t now_ms)
{
    rind_mutex_lock(&exchange->lock);
    told_clear(&peer->told);
    peer->updated_ms = now_ms;
    for (size_t i = 0; i < states->count; i++) {
        size_t mark = rind_arena_mark(ctx->arena);
        struct rind_rate_view view;
        if (states->items[i].tenant.length <= RIND_RATE_TENANT_NAME_SIZE_BYTES_MAX &&
            rind_is_ok(rind_rate_view_decode(ctx, states->items[i].state, &view))) {
            struct rate_told *told = told_find_or_add(&peer->told, states->items[i].tenant);
            if (told != NULL) {
                rind_rate_view_merge(&told->view, &view);
            }
            rind_rate_view_fini(&view);
        }
        rind_arena_release(ctx->arena, mark);
    }
    exchange_merge(exchange, now_ms);
    rind_mutex_unlock(&exchange->lock);
}
