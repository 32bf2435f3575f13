/*
 * engine.h - the small ordered key-value database under the store, and what every engine promises.
 *
 * Data model (docs/spec/04-store.md sections 5-7, 16; it is Bigtable's): a table holds rows ordered
 * by the unsigned bytes of their keys; a row holds cells; a cell has a family ('f' or 't'), a
 * qualifier, a timestamp and a value. Within a family cells are ordered by qualifier ascending,
 * then timestamp descending. The order of families in a row is not promised. A row without cells
 * does not exist. Keys, cells and timestamps are byte for byte the same in all engines, so that a
 * copy between engines is exact.
 *
 * What every engine promises (section 16.1):
 *   1. test_and_write is atomic and linearizable per row, across processes.
 *   2. All mutations of one row in one call are applied together; no reader sees half of them.
 *   3. An acknowledged write is seen by every later read anywhere.
 *   4. A write is durable before it is acknowledged.
 *   5. Ranges are read in key order. Several rows are not read as one snapshot.
 *
 * Errors: besides what each function names, any call may end in
 *   RIND_E_BUSY                          try again later; nothing was changed
 *   RIND_E_UNAVAILABLE, RIND_E_NETWORK, RIND_E_TIMEOUT, RIND_E_UNKNOWN_OUTCOME
 *                                        may be retried; a write may or may not have happened
 *   RIND_E_NOT_FOUND                     the table does not exist
 *   RIND_E_LIMIT                         a limit below, the caller's arena or the disk is full
 *   RIND_E_CORRUPT, RIND_E_IO, ...       not to be retried
 * Unless stated otherwise functions may be called from many threads and processes at once.
 */
#ifndef RIND_STORE_ENGINE_H
#define RIND_STORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/clock.h"

struct rind_engine;

/*
 * Where an engine and the store take the wall clock from, in milliseconds since 1970: for server
 * timestamps, expiry and leases. NULL in options: the machine's.
 */
struct rind_store_clock {
    uint64_t (*unix_ms)(void *self);
    void *self;
};

/* The clock's time; `clock` may be NULL. */
uint64_t rind_store_clock_unix_ms(const struct rind_store_clock *clock);

/* limits */
#define RIND_ENGINE_KEY_SIZE_BYTES_MAX 500u /* LMDB's 511 less our table number; merkle: 70 */
#define RIND_ENGINE_QUALIFIER_SIZE_BYTES_MAX 255u
#define RIND_ENGINE_VALUE_SIZE_BYTES_MAX (1u << 20) /* a tree node is 1 KiB, a log entry 464 B */
#define RIND_ENGINE_CELLS_PER_ROW_MAX 4096u         /* a log row has 100, a user 117 days */
#define RIND_ENGINE_RANGES_MAX 1024u                /* a path lookup has 257 */
#define RIND_ENGINE_ROWS_EXAMINED_MAX 65536u  /* by one read, selected or not: keeps it short */
#define RIND_ENGINE_ROWS_PER_WRITE_MAX 20000u /* 100 entries squashed: about 100 * 60 nodes */

enum rind_table_kind {
    RIND_TABLE_LOG = 1, /* <realm>-log */
    RIND_TABLE_MERKLE,  /* <realm>-merkle */
    RIND_TABLE_USERS,   /* <realm>-users */
    RIND_TABLE_DISCOVERY,
    RIND_TABLE_LEASE,
    RIND_TABLE_TENANTS,
    RIND_TABLE_SOFTWARE, /* jb-sw-realm-<realm>: the records of a software realm, document 05 */
    RIND_TABLE_KIND_LAST = RIND_TABLE_SOFTWARE,
};

/* Which table: the kind and, unless it is shared, the realm (zero for shared tables). */
struct rind_table {
    enum rind_table_kind kind;
    struct rind_realm_id realm;
};

/* A realm's table / a table shared by all realms. */
struct rind_table rind_table_of_realm(enum rind_table_kind kind, const struct rind_realm_id *realm);
struct rind_table rind_table_shared(enum rind_table_kind kind);
bool rind_table_is_shared(enum rind_table_kind kind);

/* Bigtable's table id, such as "6680...-log" or "lease", with a NUL. */
#define RIND_TABLE_NAME_SIZE 48u
void rind_table_name(const struct rind_table *table, char name[static RIND_TABLE_NAME_SIZE]);
/* The reverse; false if `name` is no table of ours. */
bool rind_table_from_name(const char *name, struct rind_table *table);

/*
 * What garbage collection may remove from a family of a table (section 5): cells which are older
 * than age_s_max and, where versions_max is set, also not among the newest versions_max of their
 * column. Engines do it lazily: code must accept both presence and absence of such cells.
 */
struct rind_table_gc {
    uint64_t age_s_max; /* 0: never collected */
    uint32_t versions_max;
};
/* False if the table has no such family. Families: 'f' everywhere, 't' in log tables. */
bool rind_table_family(enum rind_table_kind kind, char family, struct rind_table_gc *gc);

struct rind_cell {
    char family;
    struct rind_slice qualifier;
    int64_t timestamp_us; /* a multiple of 1000 */
    struct rind_slice value;
};

struct rind_row {
    struct rind_slice key;
    const struct rind_cell *cells; /* grouped by family; order within a family as above */
    size_t cell_count;
};

/* ---- reading ---- */

/* Rows with start <= key < end, where either bound can be moved or missing. */
struct rind_key_range {
    struct rind_slice start;
    struct rind_slice end; /* length 0: no upper bound */
    bool excludes_start;   /* start < key */
    bool includes_end;     /* key <= end */
};

/* Which cells of each row are returned; a row with none left is not returned. Each is exactly one
 * Bigtable filter. */
enum rind_cells {
    RIND_CELLS_ALL,     /* no filter */
    RIND_CELLS_FIRST,   /* cells_per_row_limit 1 */
    RIND_CELLS_SUMMARY, /* section 9.4: first 'f' cell without value, and all 't' cells */
    RIND_CELLS_ACTIVE,  /* section 15: one valueless cell if the user was active in [start, end) */
};

struct rind_read {
    struct rind_table table;
    const struct rind_key_range *ranges; /* none empty; any order, may overlap. NULL: all rows */
    size_t range_count;
    enum rind_cells cells;
    bool without_values; /* values come back empty (strip_value_transformer) */
    int64_t start_us;    /* for RIND_CELLS_ACTIVE */
    int64_t end_us;
    size_t row_count_max; /* 0: no limit but size_bytes_max */
    /* The reader stops before the row that would bring keys and cells above this. 0: 1 MiB. A
     * single row larger than it is returned alone. */
    size_t size_bytes_max;
};

struct rind_rows {
    const struct rind_row *rows; /* in key order, each once; memory of ctx->arena */
    size_t count;
    /* Stopped by row_count_max, size_bytes_max or RIND_ENGINE_ROWS_EXAMINED_MAX, so there may be
     * more: ask again for the same ranges above scanned_to (rind_key_ranges_after). */
    bool has_more;
    struct rind_slice scanned_to; /* if has_more: key of the last row looked at; in the arena */
};

/* Reads rows. Never returns RIND_E_NOT_FOUND for absent rows, only for an absent table. */
rind_status rind_engine_read(struct rind_ctx *ctx, struct rind_engine *engine,
                             const struct rind_read *read, struct rind_deadline deadline,
                             struct rind_rows *rows) RIND_MUST_USE;

/*
 * Section 3.5: copies to `left` (room for `count`) what of `ranges` lies above `last_key`, and
 * returns how many; 0 means nothing is left to read (never "everything").
 */
size_t rind_key_ranges_after(const struct rind_key_range *ranges, size_t count,
                             struct rind_slice last_key, struct rind_key_range *left);

/* True if no key can lie in the range; such a range must never be sent. */
bool rind_key_range_is_empty(const struct rind_key_range *range);

/* ---- writing ---- */

#define RIND_TIMESTAMP_SERVER (-1) /* the engine's clock, in milliseconds times 1000 */

enum rind_mutation_kind {
    RIND_MUTATION_SET_CELL,      /* family, qualifier, timestamp_us, value */
    RIND_MUTATION_DELETE_COLUMN, /* family, qualifier: all versions */
    RIND_MUTATION_DELETE_FAMILY, /* family */
    RIND_MUTATION_DELETE_ROW,
};

struct rind_mutation {
    enum rind_mutation_kind kind;
    char family;
    struct rind_slice qualifier;
    int64_t timestamp_us; /* RIND_TIMESTAMP_SERVER or a non-negative multiple of 1000 */
    struct rind_slice value;
};

/* Mutations of one row, applied in order. */
struct rind_row_write {
    struct rind_slice key;
    const struct rind_mutation *mutations;
    size_t mutation_count; /* at least 1 */
};

struct rind_write {
    struct rind_table table;
    const struct rind_row_write *rows; /* several for one key are applied in order */
    size_t row_count;                  /* 0: success without a call */
};

/* Writes rows. Each row is atomic, the batch is not promised to be. May be sent again as is. */
rind_status rind_engine_write(struct rind_ctx *ctx, struct rind_engine *engine,
                              const struct rind_write *write,
                              struct rind_deadline deadline) RIND_MUST_USE;

enum rind_condition_kind {
    RIND_CONDITION_ROW_EXISTS,    /* the row has at least one cell of any kind */
    RIND_CONDITION_CELL_AT_LEAST, /* a cell with timestamp >= timestamp_us */
    RIND_CONDITION_CELL_EQUALS,   /* a cell of any column whose value equals `value` */
    RIND_CONDITION_COLUMN_EXISTS, /* a cell of family 'f' whose qualifier is `qualifier` */
};

struct rind_condition {
    enum rind_condition_kind kind;
    int64_t timestamp_us;
    struct rind_slice value;
    struct rind_slice qualifier;
};

struct rind_test_and_write {
    struct rind_table table;
    struct rind_slice key;
    struct rind_condition condition;
    const struct rind_mutation *when_true;
    size_t when_true_count;
    const struct rind_mutation *when_false;
    size_t when_false_count;
    /*
     * Only for engines whose class says writes_together: rows that become visible and durable
     * together with the mutations when the condition is false, and not at all when it is true.
     */
    const struct rind_write *together;
};

/* Tests one row and writes it, atomically. `*was_true` says which mutations were applied. */
rind_status rind_engine_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                       const struct rind_test_and_write *request,
                                       struct rind_deadline deadline, bool *was_true) RIND_MUST_USE;

/* ---- tables ---- */

/* Creates a table; RIND_E_EXISTS if it is there. */
rind_status rind_engine_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                     const struct rind_table *table,
                                     struct rind_deadline deadline) RIND_MUST_USE;

struct rind_tables {
    const struct rind_table *tables; /* memory of ctx->arena */
    size_t count;
};
/* All tables of the database that are ours. */
rind_status rind_engine_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                    struct rind_deadline deadline,
                                    struct rind_tables *tables) RIND_MUST_USE;

/* ---- watching for changes ---- */

/*
 * Every group of every log has a change count that grows after each write to its log rows, by any
 * process. A watcher takes the count, reads, and when there was nothing new waits for the count to
 * differ. Spurious changes are possible; a missed one costs at most the engine's own poll interval,
 * after which wait_change returns as if there had been one. Engines which cannot be told about
 * changes (Bigtable) only wait for that interval.
 */
uint32_t rind_engine_change_count(struct rind_engine *engine, const struct rind_realm_id *realm,
                                  const struct rind_group_id *group);

/* Waits until the count differs from `since`, the poll interval is over, or the deadline. */
void rind_engine_wait_change(struct rind_engine *engine, const struct rind_realm_id *realm,
                             const struct rind_group_id *group, uint32_t since,
                             struct rind_deadline deadline);

/* Wakes every waiter of this process, so that threads can be told to stop. */
void rind_engine_wake(struct rind_engine *engine);

/* ---- upkeep ---- */

/*
 * One bounded step of garbage collection (section 5), for engines whose database does not do it by
 * itself; any process may call it at any time, once a minute is plenty. `*removed` counts cells.
 */
rind_status rind_engine_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                                struct rind_deadline deadline, uint64_t *removed) RIND_MUST_USE;

struct rind_engine_statistics {
    uint64_t commits;          /* since opened, by this process */
    uint64_t requests;         /* writes and test_and_writes in those commits */
    uint64_t reads;            /* read calls */
    uint64_t size_bytes;       /* on disk, or 0 if unknown */
    uint64_t size_bytes_used;  /* of it, by live data, or 0 if unknown */
    uint64_t size_bytes_limit; /* what it may grow to before it must be enlarged, or 0 */
    uint32_t readers;          /* read transactions open now in all processes, or 0 */
    /* The oldest of them that reads a state which is not the newest: nothing that was freed since
     * can be used again, so the file grows. */
    uint32_t reader_oldest_process; /* its id; 0: there is none */
    uint64_t reader_oldest_id;      /* of the state it reads; the same as long as it reads */
    uint64_t reader_oldest_commits; /* since then */
};
void rind_engine_statistics(struct rind_engine *engine, struct rind_engine_statistics *statistics);

/*
 * For whoever is about to read all there is: has the next piece of it brought into memory, in the
 * order of the disk, and moves `*position` (0 at first) on. False when there is no more to do, or
 * when it does not help: a service, or a file larger than half of the memory that can be had. May
 * run beside reads.
 */
bool rind_engine_read_ahead(struct rind_engine *engine, uint64_t *position);

/* Releases everything; no call may be running. NULL is allowed. */
void rind_engine_close(struct rind_engine *engine);

const char *rind_engine_name(const struct rind_engine *engine);
/* True if test_and_write takes `together`. */
bool rind_engine_writes_together(const struct rind_engine *engine);
/* True if many reads of single rows are better than one of many ranges. */
bool rind_engine_reads_are_local(const struct rind_engine *engine);

/* True for the codes above which a caller may retry. */
bool rind_engine_may_retry(rind_status status);

/* ---- for engines only ---- */

/* An engine's struct begins with a struct rind_engine; arguments have been checked before. */
struct rind_engine_class {
    const char *name;
    bool writes_together;
    bool reads_are_local; /* single rows cost microseconds, not a round trip */
    rind_status (*read)(struct rind_ctx *ctx, struct rind_engine *engine,
                        const struct rind_read *read, struct rind_deadline deadline,
                        struct rind_rows *rows);
    rind_status (*write)(struct rind_ctx *ctx, struct rind_engine *engine,
                         const struct rind_write *write, struct rind_deadline deadline);
    rind_status (*test_and_write)(struct rind_ctx *ctx, struct rind_engine *engine,
                                  const struct rind_test_and_write *request,
                                  struct rind_deadline deadline, bool *was_true);
    rind_status (*create_table)(struct rind_ctx *ctx, struct rind_engine *engine,
                                const struct rind_table *table, struct rind_deadline deadline);
    rind_status (*list_tables)(struct rind_ctx *ctx, struct rind_engine *engine,
                               struct rind_deadline deadline, struct rind_tables *tables);
    uint32_t (*change_count)(struct rind_engine *engine, uint32_t topic);
    void (*wait_change)(struct rind_engine *engine, uint32_t topic, uint32_t since,
                        struct rind_deadline deadline);
    void (*wake)(struct rind_engine *engine);
    rind_status (*collect)(struct rind_ctx *ctx, struct rind_engine *engine,
                           struct rind_deadline deadline, uint64_t *removed);
    void (*statistics)(struct rind_engine *engine, struct rind_engine_statistics *statistics);
    bool (*read_ahead)(struct rind_engine *engine, uint64_t *position); /* NULL: does not help */
    void (*close)(struct rind_engine *engine);
};

struct rind_engine {
    const struct rind_engine_class *class;
};

/* Unsigned bytes, a shorter key before what it starts. */
int rind_key_compare(struct rind_slice a, struct rind_slice b);

/* True if the whole range lies above `key` / below it. */
bool rind_key_range_is_above(const struct rind_key_range *range, struct rind_slice key);
bool rind_key_range_is_below(const struct rind_key_range *range, struct rind_slice key);

/* A copy of the read's ranges by start (a single unbounded one for a read of everything). */
rind_status rind_key_ranges_sort(struct rind_ctx *ctx, const struct rind_read *read,
                                 struct rind_key_range **sorted, size_t *count) RIND_MUST_USE;

/* The topic of a log row's change count: a hash of the realm and the first 16 bytes of the key. */
uint32_t rind_engine_topic(const struct rind_realm_id *realm, struct rind_slice row_key);

#endif
