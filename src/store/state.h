/*
 * state.h - the store object and what its files share; for this folder only.
 */
#ifndef RIND_STORE_STATE_H
#define RIND_STORE_STATE_H

#include <stdatomic.h>

#include "host/host.h"
#include "store/cache.h"
#include "store/store.h"

/* limits */
#define RIND_LAST_WRITES_MAX 256u /* groups a process appends to; 16 per HSM */

/* The last entry that this process appended to a group (section 8.1, 2a). */
struct rind_last_write {
    struct rind_realm_id realm;
    struct rind_group_id group;
    uint64_t index; /* 0: unused */
    struct rind_mac mac;
    uint64_t at_ns;
};

struct rind_delete_queue; /* deletes.h */

struct rind_store {
    struct rind_engine *engine;
    const struct rind_store_clock *clock;
    struct rind_log log;
    bool has_log;
    struct rind_metrics *metrics;
    uint32_t large_read_ranges;
    struct rind_node_cache *cache;
    struct rind_delete_queue *deletes;

    uint8_t instance[16];                  /* random: first part of our instance ids */
    atomic_uint_fast64_t instance_counter; /* the last one given away */

    /* What was last said about the shared tables; see rind_store_is_news. */
    atomic_size_t discovery_skipped;
    atomic_size_t discovery_missing;
    atomic_size_t tenants_skipped;
    atomic_size_t tenants_missing;

    struct rind_mutex last_writes_mutex; /* guards the next one; nothing is taken while held */
    struct rind_last_write last_writes[RIND_LAST_WRITES_MAX];

    struct rind_mutex permits_mutex; /* guards the next one; nothing is taken while held */
    uint32_t permits_left;
    struct rind_cond permits_cond;
};

/*
 * Shared tables are read every second, and what is wrong with one stays so until somebody acts: it
 * is said when it begins and when it changes. Keeps `now` in `*said`; true if it is not 0 and was
 * another one.
 */
bool rind_store_is_news(atomic_size_t *said, size_t now);

/* The key of a row that is not understood, printable, for a sentence that names it. */
void rind_store_key_text(struct rind_slice key, char text[static RIND_STORE_KEY_TEXT_SIZE]);

/* Texts of a realm and group for metrics and logs; must outlive what uses its tags. */
struct rind_store_tags {
    char realm[RIND_HEX_SIZE(16)];
    char group[RIND_HEX_SIZE(16)];
    struct rind_tag tags[2];
    size_t count;
};
/* Either may be NULL. */
void rind_store_tags_make(struct rind_store_tags *tags, const struct rind_realm_id *realm,
                          const struct rind_group_id *group);

/*
 * Begins a retry loop of the store policy under the caller's deadline; `path` is that of its
 * metrics (document 05 section 7.4), `tags` may be NULL. STALE is retried only if `retries_stale`.
 */
enum rind_store_retries { RIND_STORE_RETRIES, RIND_STORE_RETRIES_STALE };
void rind_store_retry_begin(const struct rind_store *store, struct rind_retry *retry,
                            const char *path, const struct rind_store_tags *tags,
                            enum rind_store_retries retries, struct rind_deadline deadline);

/* One engine call under the store policy. */
/*
 * As rind_store_read, of a shared table: where there is none yet `*rows` is empty, and that is said
 * once. `missing` remembers it.
 */
rind_status rind_store_read_shared(struct rind_ctx *ctx, struct rind_store *store, const char *path,
                                   const struct rind_read *read, struct rind_deadline deadline,
                                   atomic_size_t *missing, struct rind_rows *rows) RIND_MUST_USE;

rind_status rind_store_read(struct rind_ctx *ctx, struct rind_store *store, const char *path,
                            const struct rind_store_tags *tags, const struct rind_read *read,
                            struct rind_deadline deadline, struct rind_rows *rows) RIND_MUST_USE;
rind_status rind_store_write(struct rind_ctx *ctx, struct rind_store *store, const char *path,
                             const struct rind_store_tags *tags, const struct rind_write *write,
                             struct rind_deadline deadline) RIND_MUST_USE;

/* The logger, or NULL. */
const struct rind_log *rind_store_log(const struct rind_store *store);

/* `count` consecutive instance ids (section 7.2); the first. */
uint64_t rind_store_instances_take(struct rind_store *store, size_t count);
void rind_store_instance(const struct rind_store *store, uint64_t counter,
                         uint8_t instance[static RIND_MERKLE_INSTANCE_SIZE]);

/* A cell of family 'f' to set. */
struct rind_mutation rind_mutation_set(struct rind_slice qualifier, int64_t timestamp_us,
                                       struct rind_slice value);

/* ---- log.c, used by append.c ---- */

/* One row of a log, decoded: entries ascending, or a tombstone. */
struct rind_log_batch {
    uint64_t row_index;
    bool is_tombstone;
    struct rind_store_entry *entries;
    size_t count;
};

/* RIND_E_CORRUPT if the row is not one of this group. */
rind_status rind_log_batch_parse(struct rind_ctx *ctx, const struct rind_group_id *group,
                                 const struct rind_row *row,
                                 struct rind_log_batch *batch) RIND_MUST_USE;

/* The newest entry, in one attempt: STALE on a tombstone, NOT_FOUND if the log is empty. */
rind_status rind_log_read_last_once(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    const struct rind_group_id *group,
                                    struct rind_deadline deadline, struct rind_store_entry *entry,
                                    uint64_t *row_index) RIND_MUST_USE;

#endif
