/*
 * tenant_keys.c - see tenant_keys.h.
 *
 * Two tables, of keys and of what is known not to be one. An entry lives in a set chosen by its
 * hash; the one fetched longest ago makes room. The lock is never held while the source is asked.
 */
#include "tenantlog/tenant_keys.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct rind_tenant_key {
    atomic_uint references;
    struct rind_token_key *key;
};

struct key_entry {
    char *tenant; /* owned, not NUL-terminated; NULL: the place is free */
    size_t tenant_length;
    uint64_t version;
    uint64_t until_ns;           /* how long it may be used, by the monotonic clock */
    struct rind_tenant_key *key; /* one reference; NULL in the table of unknown ones */
    enum rind_code code;         /* of unknown ones: what the source said */
    bool is_asked_for;           /* of unknown ones: nothing yet, somebody asks */
};

struct key_table {
    struct key_entry entries[RIND_TENANT_KEYS_SETS * RIND_TENANT_KEYS_WAYS];
};

struct rind_tenant_keys {
    struct rind_key_source source;
    struct rind_log log;
    struct rind_mutex mutex; /* guards what follows; nothing is taken under it */
    struct rind_cond answered;
    unsigned waiting; /* for it */
    struct key_table known;
    struct key_table unknown;
    double unknown_allowance; /* fetches that may be made now */
    uint64_t unknown_refilled_ns;
    unsigned unknown_under_way;
};

const struct rind_token_key *rind_tenant_key_of(const struct rind_tenant_key *key)
{
    return key->key;
}

void rind_tenant_key_release(struct rind_tenant_key *key)
{
    if (key != NULL && atomic_fetch_sub(&key->references, 1) == 1) {
        rind_token_key_free(key->key);
        free(key);
    }
}

static void key_entry_fini(struct key_entry *entry)
{
    rind_tenant_key_release(entry->key);
    free(entry->tenant);
    *entry = (struct key_entry){0};
}

/* The first of the set's places. */
static struct key_entry *key_set(struct key_table *table, const struct rind_token_key_id *key_id)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ key_id->version;
    for (size_t i = 0; i < key_id->tenant.length; i++) {
        hash = (hash ^ key_id->tenant.data[i]) * UINT64_C(1099511628211);
    }
    hash ^= hash >> 32;
    return &table->entries[(hash % RIND_TENANT_KEYS_SETS) * RIND_TENANT_KEYS_WAYS];
}

static struct key_entry *key_find(struct key_table *table, const struct rind_token_key_id *key_id)
{
    struct key_entry *set = key_set(table, key_id);
    for (size_t i = 0; i < RIND_TENANT_KEYS_WAYS; i++) {
        if (set[i].tenant != NULL && set[i].version == key_id->version &&
            rind_slice_equal(rind_slice_make(set[i].tenant, set[i].tenant_length),
                             key_id->tenant)) {
            return &set[i];
        }
    }
    return NULL;
}

static void key_drop(struct key_table *table, const struct rind_token_key_id *key_id)
{
    struct key_entry *entry = key_find(table, key_id);
    if (entry != NULL) {
        key_entry_fini(entry);
    }
}

/* Puts an entry, in place of its older self, a free place, or the one that ends first. */
static void key_put(struct key_table *table, const struct rind_token_key_id *key_id,
                    struct key_entry entry)
{
    char *tenant = malloc(key_id->tenant.length + 1);
    if (tenant == NULL) {
        rind_tenant_key_release(entry.key); /* not remembered: it is fetched again */
        return;
    }
    memcpy(tenant, key_id->tenant.data, key_id->tenant.length);
    struct key_entry *place = key_find(table, key_id);
    struct key_entry *set = key_set(table, key_id);
    for (size_t i = 0; place == NULL && i < RIND_TENANT_KEYS_WAYS; i++) {
        place = set[i].tenant == NULL ? &set[i] : NULL;
    }
    if (place == NULL) {
        place = set;
        for (size_t i = 1; i < RIND_TENANT_KEYS_WAYS; i++) {
            place = set[i].until_ns < place->until_ns ? &set[i] : place;
        }
    }
    key_entry_fini(place);
    entry.tenant = tenant;
    entry.tenant_length = key_id->tenant.length;
    entry.version = key_id->version;
    *place = entry;
}

/* --- what may be asked for --- */

static void allowance_refill(struct rind_tenant_keys *keys, uint64_t now_ns)
{
    double elapsed_s = (double)(now_ns - keys->unknown_refilled_ns) / (double)RIND_NS_PER_S;
    keys->unknown_allowance += elapsed_s * RIND_TENANT_KEYS_UNKNOWN_PER_S;
    if (keys->unknown_allowance > RIND_TENANT_KEYS_UNKNOWN_BURST) {
        keys->unknown_allowance = RIND_TENANT_KEYS_UNKNOWN_BURST;
    }
    keys->unknown_refilled_ns = now_ns;
}

enum key_answer {
    KEY_ANSWER_FOUND,
    KEY_ANSWER_NONE,
    KEY_ANSWER_REFUSED,
    KEY_ANSWER_WAIT,          /* somebody asks for this very key */
    KEY_ANSWER_FETCH,         /* one that was good before, or that costs nobody anything */
    KEY_ANSWER_FETCH_UNKNOWN, /* counted in unknown_under_way */
};

/* What the cache says. On FOUND `*key` has a reference more; on NONE `*code` is the source's. */
static enum key_answer keys_ask(struct rind_tenant_keys *keys,
                                const struct rind_token_key_id *key_id,
                                struct rind_tenant_key **key, enum rind_code *code)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    struct key_entry *known = key_find(&keys->known, key_id);
    if (known != NULL) {
        if (known->until_ns <= now_ns) {
            /* One asks; to the others it is as good as before while that takes its time. */
            known->until_ns = now_ns + RIND_TENANT_KEYS_RETRY_MS * RIND_NS_PER_MS;
            return KEY_ANSWER_FETCH;
        }
        atomic_fetch_add(&known->key->references, 1);
        *key = known->key;
        return KEY_ANSWER_FOUND;
    }
    const struct key_entry *unknown = key_find(&keys->unknown, key_id);
    if (unknown != NULL && unknown->until_ns > now_ns) {
        *code = unknown->code;
        return unknown->is_asked_for ? KEY_ANSWER_WAIT : KEY_ANSWER_NONE;
    }
    if (keys->source.is_at_hand) {
        return KEY_ANSWER_FETCH;
    }
    allowance_refill(keys, now_ns);
    if (keys->unknown_allowance < 1 ||
        keys->unknown_under_way >= RIND_TENANT_KEYS_UNKNOWN_AT_ONCE) {
        return KEY_ANSWER_REFUSED;
    }
    keys->unknown_allowance -= 1;
    keys->unknown_under_way++;
    key_put(&keys->unknown, key_id,
            (struct key_entry){.until_ns = now_ns + RIND_TENANT_KEYS_RETRY_MS * RIND_NS_PER_MS,
                               .is_asked_for = true});
    return KEY_ANSWER_FETCH_UNKNOWN;
}

/*
 * As keys_ask, but where somebody asks for this very key already, his answer is waited for: else
 * the first requests after a start would be refused beyond the few that may ask at one time.
 */
static enum key_answer keys_ask_or_wait(struct rind_tenant_keys *keys,
                                        const struct rind_token_key_id *key_id,
                                        struct rind_deadline deadline, struct rind_tenant_key **key,
                                        enum rind_code *code)
{
    enum key_answer answer = keys_ask(keys, key_id, key, code);
    bool is_in_time = true;
    while (answer == KEY_ANSWER_WAIT && is_in_time &&
           keys->waiting < RIND_TENANT_KEYS_WAITING_MAX) {
        keys->waiting++;
        is_in_time = rind_cond_wait(&keys->answered, &keys->mutex, deadline);
        keys->waiting--;
        answer = keys_ask(keys, key_id, key, code);
    }
    return answer;
}

/* --- what the source said --- */

static struct rind_tenant_key *tenant_key_new(struct rind_token_key *token_key)
{
    struct rind_tenant_key *key = malloc(sizeof(*key));
    if (key == NULL) {
        rind_token_key_free(token_key);
        return NULL;
    }
    atomic_init(&key->references, 1);
    key->key = token_key;
    return key;
}

static bool is_final(rind_status status)
{
    return rind_is(status, RIND_E_NOT_FOUND) || rind_is(status, RIND_E_INVALID);
}

/* Remembers a fetched key; `*key` has the caller's reference. */
static void keys_learn(struct rind_tenant_keys *keys, const struct rind_token_key_id *key_id,
                       struct rind_tenant_key *key, uint64_t until_ns)
{
    atomic_fetch_add(&key->references, 1);
    key_drop(&keys->unknown, key_id);
    key_put(&keys->known, key_id, (struct key_entry){.until_ns = until_ns, .key = key});
}

/* The source did not answer: the key that was good stays so. False if there is none. */
static bool keys_keep(struct rind_tenant_keys *keys, const struct rind_token_key_id *key_id,
                      struct rind_tenant_key **key)
{
    struct key_entry *known = key_find(&keys->known, key_id);
    if (known == NULL) {
        return false;
    }
    known->until_ns =
        rind_clock_monotonic_ns() + (uint64_t)RIND_TENANT_KEYS_RETRY_MS * RIND_NS_PER_MS;
    atomic_fetch_add(&known->key->references, 1);
    *key = known->key;
    return true;
}

static rind_status keys_fetch(struct rind_ctx *ctx, struct rind_tenant_keys *keys,
                              const struct rind_token_key_id *key_id, bool is_unknown,
                              struct rind_deadline deadline, struct rind_tenant_key **key)
{
    struct rind_token_key *token_key = NULL;
    rind_status status = keys->source.fetch(keys->source.self, ctx, key_id, deadline, &token_key);
    struct rind_tenant_key *fetched = NULL;
    if (rind_is_ok(status)) {
        fetched = tenant_key_new(token_key);
        status = fetched != NULL ? status
                                 : rind_fail(ctx, RIND_E_LIMIT, "out of memory for a tenant's key");
    }
    uint64_t until_ns = rind_clock_monotonic_ns() + (uint64_t)keys->source.keep_ms * RIND_NS_PER_MS;
    bool is_kept = false;
    rind_mutex_lock(&keys->mutex);
    keys->unknown_under_way -= is_unknown ? 1 : 0;
    if (rind_is_ok(status)) {
        keys_learn(keys, key_id, fetched, until_ns);
    } else if (is_final(status)) {
        key_drop(&keys->known, key_id);
        key_put(&keys->unknown, key_id,
                (struct key_entry){.until_ns = until_ns, .code = (enum rind_code)status.code});
    } else {
        key_drop(&keys->unknown, key_id); /* who waited asks himself, within the bounds */
        is_kept = keys_keep(keys, key_id, &fetched);
    }
    rind_cond_broadcast(&keys->answered);
    rind_mutex_unlock(&keys->mutex);
    if (is_kept) {
        RIND_LOG_WARN(&keys->log, "a tenant's key stays in use, as it cannot be asked for: %s",
                      ctx->sentence);
        status = RIND_OK;
    } else if (!rind_is_ok(status) && !is_final(status)) {
        /* Here, where it is rationed, and not by whoever was sent the token. */
        RIND_LOG_WARN(&keys->log, "a tenant's key cannot be asked for: %s", ctx->sentence);
    }
    if (rind_is(status, RIND_E_INVALID)) {
        RIND_LOG_WARN(&keys->log, "tokens of a tenant are refused: %s", ctx->sentence);
    }
    *key = fetched;
    return status;
}

rind_status rind_tenant_keys_acquire(struct rind_ctx *ctx, struct rind_tenant_keys *keys,
                                     const struct rind_token_key_id *key_id,
                                     struct rind_deadline deadline, struct rind_tenant_key **key)
{
    enum rind_code code = RIND_E_NOT_FOUND;
    struct rind_tenant_key *found = NULL;
    rind_mutex_lock(&keys->mutex);
    enum key_answer answer = keys_ask_or_wait(keys, key_id, deadline, &found, &code);
    rind_mutex_unlock(&keys->mutex);
    switch (answer) {
    case KEY_ANSWER_FOUND:
        *key = found;
        return RIND_OK;
    case KEY_ANSWER_NONE:
        return rind_fail(ctx, code, "this tenant has no usable key of that version");
    case KEY_ANSWER_WAIT: /* for too long, or with too many others */
    case KEY_ANSWER_REFUSED:
        return rind_fail(ctx, RIND_E_BUSY, "too many keys that were never seen are asked for");
    case KEY_ANSWER_FETCH:
    case KEY_ANSWER_FETCH_UNKNOWN:
        break;
    }
    return keys_fetch(ctx, keys, key_id, answer == KEY_ANSWER_FETCH_UNKNOWN, deadline, key);
}

rind_status rind_tenant_keys_open(struct rind_ctx *ctx, struct rind_key_source source,
                                  const struct rind_log *log, struct rind_tenant_keys **result)
{
    struct rind_tenant_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL) {
        source.close(source.self);
        return rind_fail(ctx, RIND_E_LIMIT, "out of memory for tenants' keys");
    }
    keys->source = source;
    keys->log = log != NULL ? *log : rind_log_make(NULL);
    rind_mutex_init(&keys->mutex);
    rind_cond_init(&keys->answered);
    keys->unknown_allowance = RIND_TENANT_KEYS_UNKNOWN_BURST;
    keys->unknown_refilled_ns = rind_clock_monotonic_ns();
    *result = keys;
    return RIND_OK;
}

void rind_tenant_keys_cancel(struct rind_tenant_keys *keys)
{
    if (keys->source.cancel != NULL) {
        keys->source.cancel(keys->source.self);
    }
}

void rind_tenant_keys_close(struct rind_tenant_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    for (size_t i = 0; i < RIND_TENANT_KEYS_SETS * RIND_TENANT_KEYS_WAYS; i++) {
        key_entry_fini(&keys->known.entries[i]);
        key_entry_fini(&keys->unknown.entries[i]);
    }
    keys->source.close(keys->source.self);
    rind_cond_fini(&keys->answered);
    rind_mutex_fini(&keys->mutex);
    free(keys);
}
