/* rate_tenants.c - see rate_tenants.h. */
#include "agent/rate_tenants.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

struct rate_tenant {
    struct rind_mutex lock; /* guards the limiter; nothing is taken while holding it */
    struct rind_rate_limiter limiter;
    bool is_configured; /* guarded by the table's lock, as are the three below */
    unsigned users;     /* callers between find and release; only 0 may be removed */
    size_t position;    /* in list */
    struct rind_slice name;
    uint8_t key[RIND_MAP32_KEY_SIZE];
    uint8_t name_bytes[RIND_RATE_TENANT_NAME_SIZE_BYTES_MAX];
};

struct rind_rate_tenants {
    atomic_uint_fast64_t pressed_ms; /* when a tenant was near its limit last; 0: never */
    struct rind_mutex lock; /* guards all below; a limiter's lock may be taken while holding it */
    struct rind_map32 by_name; /* hash of the name -> struct rate_tenant */
    struct rate_tenant **list; /* count of by_name, for walking and evicting */
    size_t evict_next;         /* where the search for an idle tenant goes on */
    uint64_t default_rate;
};

/* Steps of the search for an idle tenant: a full table of busy ones must not cost a full walk. */
#define RATE_EVICT_STEPS_MAX 64u

rind_status rind_rate_tenants_new(struct rind_ctx *ctx, uint64_t default_rate,
                                  struct rind_rate_tenants **tenants)
{
    struct rind_rate_tenants *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    made->list = calloc(RIND_RATE_TENANTS_COUNT_MAX, sizeof(*made->list));
    if (made->list == NULL) {
        free(made);
        return rind_fail(ctx, RIND_E_LIMIT, "out of memory");
    }
    rind_mutex_init(&made->lock);
    rind_map32_init(&made->by_name, RIND_RATE_TENANTS_COUNT_MAX);
    made->default_rate = default_rate;
    *tenants = made;
    return RIND_OK;
}

static void tenant_free(struct rate_tenant *tenant)
{
    rind_rate_limiter_fini(&tenant->limiter);
    rind_mutex_fini(&tenant->lock);
    free(tenant);
}

void rind_rate_tenants_free(struct rind_rate_tenants *tenants)
{
    if (tenants == NULL) {
        return;
    }
    for (size_t i = 0; i < tenants->by_name.count; i++) {
        tenant_free(tenants->list[i]);
    }
    rind_map32_fini(&tenants->by_name);
    rind_mutex_fini(&tenants->lock);
    free(tenants->list);
    free(tenants);
}

static void tenants_remove(struct rind_rate_tenants *tenants, struct rate_tenant *tenant)
{
    (void)rind_map32_remove(&tenants->by_name, tenant->key, NULL);
    struct rate_tenant *moved = tenants->list[tenants->by_name.count];
    tenants->list[tenant->position] = moved;
    moved->position = tenant->position;
    tenant_free(tenant);
}

/* Makes room by forgetting one idle tenant. False if the few looked at are all needed. */
static bool tenants_evict(struct rind_rate_tenants *tenants, uint64_t now_ms)
{
    for (unsigned i = 0; i < RATE_EVICT_STEPS_MAX && tenants->by_name.count > 0; i++) {
        tenants->evict_next = (tenants->evict_next + 1) % tenants->by_name.count;
        struct rate_tenant *tenant = tenants->list[tenants->evict_next];
        if (!tenant->is_configured && tenant->users == 0 &&
            rind_rate_limiter_is_idle(&tenant->limiter, now_ms)) {
            tenants_remove(tenants, tenant);
            return true;
        }
    }
    return false;
}

static struct rate_tenant *tenants_add(struct rind_rate_tenants *tenants, struct rind_slice name,
                                       const uint8_t key[RIND_MAP32_KEY_SIZE])
{
    if (tenants->by_name.count >= RIND_RATE_TENANTS_COUNT_MAX &&
        !tenants_evict(tenants, rind_clock_unix_ms())) {
        return NULL;
    }
    struct rate_tenant *tenant = calloc(1, sizeof(*tenant));
    RIND_ASSERT(tenant != NULL);
    rind_mutex_init(&tenant->lock);
    rind_rate_limiter_init(&tenant->limiter, tenants->default_rate);
    memcpy(tenant->name_bytes, name.data, name.length);
    tenant->name = rind_slice_make(tenant->name_bytes, name.length);
    memcpy(tenant->key, key, RIND_MAP32_KEY_SIZE);
    tenant->position = tenants->by_name.count;
    tenants->list[tenant->position] = tenant;
    bool is_put =
        rind_map32_put(&tenants->by_name, key, (union rind_map32_value){.pointer = tenant});
    RIND_ASSERT(is_put);
    return tenant;
}

/* The tenant, made if need be and kept from removal until released; NULL if there is no room. */
static struct rate_tenant *tenants_find(struct rind_rate_tenants *tenants, struct rind_slice name)
{
    if (name.length > RIND_RATE_TENANT_NAME_SIZE_BYTES_MAX) {
        return NULL;
    }
    uint8_t key[RIND_MAP32_KEY_SIZE];
    crypto_generichash(key, sizeof(key), name.data, name.length, NULL, 0);
    rind_mutex_lock(&tenants->lock);
    union rind_map32_value *found = rind_map32_get(&tenants->by_name, key);
    struct rate_tenant *tenant = found != NULL ? found->pointer : tenants_add(tenants, name, key);
    if (tenant != NULL) {
        tenant->users++;
    }
    rind_mutex_unlock(&tenants->lock);
    return tenant;
}

static void tenants_release(struct rind_rate_tenants *tenants, struct rate_tenant *tenant)
{
    rind_mutex_lock(&tenants->lock);
    tenant->users--;
    rind_mutex_unlock(&tenants->lock);
}

bool rind_rate_tenants_allow(struct rind_rate_tenants *tenants, struct rind_slice name,
                             uint64_t now_ms, const struct rind_record_id *id)
{
    struct rate_tenant *tenant = tenants_find(tenants, name);
    if (tenant == NULL) {
        return false;
    }
    rind_mutex_lock(&tenant->lock);
    struct rind_rate_decision decision = rind_rate_limiter_allow(&tenant->limiter, now_ms, id);
    rind_mutex_unlock(&tenant->lock);
    tenants_release(tenants, tenant);
    if (decision.used >= decision.limit / RIND_RATE_PRESSED_PART) {
        atomic_store(&tenants->pressed_ms, now_ms);
    }
    return decision.is_allowed;
}

bool rind_rate_tenants_are_pressed(const struct rind_rate_tenants *tenants, uint64_t now_ms)
{
    uint64_t pressed_ms = atomic_load(&tenants->pressed_ms);
    return pressed_ms != 0 && now_ms < pressed_ms + RIND_RATE_WINDOW_MS;
}

void rind_rate_tenants_reserve(struct rind_rate_tenants *tenants, struct rind_slice name,
                               uint64_t now_ms, const struct rind_record_id *id)
{
    struct rate_tenant *tenant = tenants_find(tenants, name);
    if (tenant == NULL) {
        return;
    }
    rind_mutex_lock(&tenant->lock);
    rind_rate_limiter_reserve(&tenant->limiter, now_ms, id);
    rind_mutex_unlock(&tenant->lock);
    tenants_release(tenants, tenant);
}

void rind_rate_tenants_configure(struct rind_rate_tenants *tenants, struct rind_slice name,
                                 uint64_t rate)
{
    struct rate_tenant *tenant = tenants_find(tenants, name);
    if (tenant == NULL) {
        return;
    }
    rind_mutex_lock(&tenant->lock);
    tenant->limiter.rate = rate;
    rind_mutex_unlock(&tenant->lock);
    rind_mutex_lock(&tenants->lock);
    tenant->is_configured = true;
    rind_mutex_unlock(&tenants->lock);
    tenants_release(tenants, tenant);
}

void rind_rate_tenants_set_others_take(struct rind_rate_tenants *tenants, struct rind_slice name,
                                       struct rind_rate_view *state)
{
    struct rate_tenant *tenant = tenants_find(tenants, name);
    if (tenant == NULL) {
        rind_rate_view_fini(state);
        return;
    }
    rind_mutex_lock(&tenant->lock);
    rind_rate_limiter_set_others_take(&tenant->limiter, state);
    rind_mutex_unlock(&tenant->lock);
    tenants_release(tenants, tenant);
}

/* The tenant at `position`, kept until released; NULL behind the last. */
static struct rate_tenant *tenants_at(struct rind_rate_tenants *tenants, size_t position)
{
    rind_mutex_lock(&tenants->lock);
    struct rate_tenant *tenant = NULL;
    if (position < tenants->by_name.count) {
        tenant = tenants->list[position];
        tenant->users++;
    }
    rind_mutex_unlock(&tenants->lock);
    return tenant;
}

void rind_rate_tenants_export(struct rind_rate_tenants *tenants, uint64_t now_ms,
                              rind_rate_visit visit, void *self)
{
    /* A removal meanwhile may move one tenant past us: it is told in the next round. */
    struct rate_tenant *tenant;
    for (size_t i = 0; (tenant = tenants_at(tenants, i)) != NULL; i++) {
        struct rind_rate_view state;
        rind_mutex_lock(&tenant->lock);
        rind_rate_limiter_export(&tenant->limiter, now_ms, &state);
        rind_mutex_unlock(&tenant->lock);
        if (state.requests.count + state.reservations.count + state.used.count > 0) {
            visit(self, tenant->name, &state);
        }
        rind_rate_view_fini(&state);
        tenants_release(tenants, tenant);
    }
}

size_t rind_rate_tenants_count(struct rind_rate_tenants *tenants)
{
    rind_mutex_lock(&tenants->lock);
    size_t count = tenants->by_name.count;
    rind_mutex_unlock(&tenants->lock);
    return count;
}
