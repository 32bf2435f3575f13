/*
 * fixture.h - what the store's tests share: engines to run on, a directory that goes away, a clock
 * that is set by hand, log entries and tree nodes to write.
 */
#ifndef RIND_TESTS_STORE_FIXTURE_H
#define RIND_TESTS_STORE_FIXTURE_H

#include "emulators/bigtable_emulator.h"
#include "grpc_proxy.h"
#include "host/host.h"
#include "store/store.h"
#include "support/test.h"
#include "wire/wire.h"

#define FIXTURE_ARENA_SIZE (64u << 20)

enum fixture_engine {
    FIXTURE_MEMORY,
    FIXTURE_LMDB,
    FIXTURE_LMDB_SMALL_MAP,
    FIXTURE_BIGTABLE, /* an emulator of its own; time is the emulator's, not the fixture's */
    /* The same behind a proxy that loses the answer to every third call, after it took effect. */
    FIXTURE_BIGTABLE_FAULTY,
};

struct fixture {
    enum fixture_engine kind;
    char directory[64];                /* of LMDB; empty else */
    struct bigtable_emulator emulator; /* of Bigtable */
    struct grpc_proxy proxy;           /* of the faulty one */
    struct rind_url url; /* where Bigtable's engine connects to: the emulator, or a proxy */
    uint64_t now_ms;     /* what `clock` says */
    struct rind_store_clock clock;
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_engine *engine; /* NULL while the store has it */
    struct rind_store *store;
    struct rind_realm_id realm;
    struct rind_group_id group;
};

/* Options for the emulator at `url`, which they borrow. */
struct rind_bigtable_options fixture_bigtable_options(const struct rind_url *url);

/* An engine of this kind with no tables. */
void fixture_open(struct fixture *fixture, enum fixture_engine kind);
/* Closes everything and removes the directory. */
void fixture_close(struct fixture *fixture);
/* Closes and opens the engine again; what was in memory is gone. */
void fixture_reopen_engine(struct fixture *fixture);
/* Puts a store over the engine; `options` may be NULL (its clock is set here). */
void fixture_open_store(struct fixture *fixture, const struct rind_store_options *options);
/* The tables of the fixture's realm, and the shared ones. */
void fixture_create_tables(struct fixture *fixture);

/* A fresh directory of ours below /tmp (mode 0700), and its removal with all files in it. */
void fixture_directory_make(char directory[static 64]);
void fixture_directory_remove(const char *directory);

#define assert_ok(fixture_pointer, call) assert_status((fixture_pointer), (call), RIND_E_OK)
#define assert_status(fixture_pointer, call, code_expected)                                        \
    fixture_assert_status(&(fixture_pointer)->ctx, (call), (code_expected), #call, __FILE__,       \
                          __LINE__)
void fixture_assert_status(const struct rind_ctx *ctx, rind_status status, enum rind_code expected,
                           const char *call, const char *file, int line);

struct rind_deadline fixture_deadline(void);

/* Bytes of 16 ids: all bytes equal. */
struct rind_realm_id fixture_realm(uint8_t byte);
struct rind_group_id fixture_group(uint8_t byte);

/* `count` chained entries from `first_index` on; the MAC of entry i is a function of (i, salt). */
struct rind_store_entry *fixture_entries(struct fixture *fixture, uint64_t first_index,
                                         size_t count, uint8_t salt);
struct rind_mac fixture_mac(uint64_t index, uint8_t salt);
/* Appends them and expects `code`. */
void fixture_append(struct fixture *fixture, uint64_t first_index, size_t count,
                    enum rind_code code);

/* True if time is a service's, not the fixture's clock: its timestamps, and what it collects. */
bool fixture_is_bigtable(const struct fixture *fixture);

/* The engine's calls, made again where an answer was lost. */
void fixture_write(struct fixture *fixture, const struct rind_write *write);
void fixture_set(struct fixture *fixture, struct rind_table table, const char *key,
                 const char *qualifier, int64_t timestamp_us, const char *value);
struct rind_rows fixture_read_all(struct fixture *fixture, struct rind_table table);

#endif
