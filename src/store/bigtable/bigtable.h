/*
 * bigtable.h - the Bigtable engine's parts, for the files of this folder and their tests only.
 *
 * One data channel (and, where tables are made or listed, one admin channel) to one instance; each
 * function of engine.h is one call of the data service (docs/spec/04-store.md section 3):
 *
 *   read             ReadRows, a stream of chunks (chunks.h), resumed when it is cut (read.c)
 *   write            MutateRow for one row, else MutateRows (write.c)
 *   test_and_write   CheckAndMutateRow
 *   create_table     CreateTable, with the families and rules of section 5 (tables.c)
 *
 * Retrying is the store's: a call here is one attempt. The exceptions are those in which progress
 * was made that would be lost otherwise: a cut read goes on behind the last row, and of a bulk
 * write only the entries that failed are sent again.
 *
 * Bigtable tells nobody about changes, so watchers poll (watch.c).
 *
 * The data channel has several connections, each replaced by a new one before the service would
 * close it (renew.c). One that the service closes all the same (GOAWAY) is opened again by gRPC for
 * new calls, and those under way end on the old one.
 */
#ifndef RIND_STORE_BIGTABLE_BIGTABLE_H
#define RIND_STORE_BIGTABLE_BIGTABLE_H

#include <stdatomic.h>

#include "cloud/cloud.h"
#include "host/host.h"
#include "proto/bigtable.pb-c.h"
#include "store/store.h"

/* limits */
#define RIND_BIGTABLE_MESSAGE_SIZE_BYTES_MAX (256u << 20) /* section 3.3 */
#define RIND_BIGTABLE_MUTATIONS_PER_CALL_MAX 50000u       /* the service's limit is 100,000 */
#define RIND_BIGTABLE_SIZE_PER_CALL_BYTES_MAX (32u << 20) /* of a bulk write */
#define RIND_BIGTABLE_RESUMES_MAX 50u                     /* of one read, each after progress */
#define RIND_BIGTABLE_CONNECTIONS 2u
#define RIND_BIGTABLE_RENEW_RETRY_MS_MIN 1000u
#define RIND_BIGTABLE_RENEW_RETRY_MS_MAX 30000u
#define RIND_BIGTABLE_TOPICS 256u
#define RIND_BIGTABLE_TIMESTAMP_UNIT_US 1000 /* timestamps are multiples of it */
#define RIND_BIGTABLE_POLL_MS_MIN 1u
#define RIND_BIGTABLE_POLL_MS_MAX 25u
#define RIND_BIGTABLE_NAME_SIZE 512u /* of instances and tables, with a NUL */
#define RIND_BIGTABLE_TABLES_MAX 65536u

/* Watchers of a group's log; groups share topics, which costs a spurious wake-up. */
struct rind_bigtable_topic {
    uint32_t count;
    uint64_t active_ns; /* when rows of it were last read or written */
};

struct rind_bigtable_engine {
    struct rind_engine engine;
    char instance[RIND_BIGTABLE_NAME_SIZE]; /* "projects/p/instances/i" */
    struct rind_log log;
    bool has_log;
    struct rind_channel *data;
    struct rind_channel_options admin_options;
    struct rind_mutex admin_mutex; /* guards the next one; held while it connects, once */
    struct rind_channel *admin;    /* NULL until needed */
    struct rind_thread renewer;    /* replaces the data channel's connections; renew.c */
    struct rind_stopper renewer_stopper;
    uint64_t connection_age_ns;
    bool has_renewer;
    atomic_uint_fast64_t commits;
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t reads;
    struct rind_mutex topics_mutex; /* guards the next two; nothing is taken while held */
    struct rind_cond topics_cond;
    struct rind_bigtable_topic topics[RIND_BIGTABLE_TOPICS];
};

struct rind_bigtable_engine *rind_bigtable_of(struct rind_engine *engine);

/* "projects/p/instances/i/tables/t" */
void rind_bigtable_table_name(const struct rind_bigtable_engine *bigtable,
                              const struct rind_table *table,
                              char name[static RIND_BIGTABLE_NAME_SIZE]);

/* A call about a table, or the instance if `table` is NULL. Texts live in `names`. */
struct rind_bigtable_names {
    char resource[RIND_BIGTABLE_NAME_SIZE];
    char routing[RIND_CHANNEL_ROUTING_SIZE];
};
struct rind_grpc_call rind_bigtable_call(const struct rind_bigtable_engine *bigtable,
                                         const struct rind_table *table, const char *method,
                                         const ProtobufCMessage *request,
                                         const ProtobufCMessageDescriptor *response,
                                         struct rind_bigtable_names *names);

/*
 * The status of a call about a table, made clearer: a table without our families is named as such.
 * Passes other statuses on.
 */
rind_status rind_bigtable_explain(struct rind_ctx *ctx, const struct rind_table *table,
                                  rind_status status) RIND_MUST_USE;

/* Replaces connections from now on, until stopped. Stopping is fine without having started. */
rind_status rind_bigtable_renewer_start(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                                        uint64_t connection_age_ns) RIND_MUST_USE;
void rind_bigtable_renewer_stop(struct rind_bigtable_engine *bigtable);

/* The call that wakes the service up for a connection; borrows the rest. */
struct rind_grpc_call rind_bigtable_warm_call(const struct rind_bigtable_engine *bigtable,
                                              Google__Bigtable__V2__PingAndWarmRequest *request,
                                              struct rind_bigtable_names *names);

/* The engine's functions. */
rind_status rind_bigtable_read(struct rind_ctx *ctx, struct rind_engine *engine,
                               const struct rind_read *read, struct rind_deadline deadline,
                               struct rind_rows *rows) RIND_MUST_USE;
rind_status rind_bigtable_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                const struct rind_write *write,
                                struct rind_deadline deadline) RIND_MUST_USE;
rind_status rind_bigtable_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                         const struct rind_test_and_write *request,
                                         struct rind_deadline deadline,
                                         bool *was_true) RIND_MUST_USE;
rind_status rind_bigtable_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                       const struct rind_table *table,
                                       struct rind_deadline deadline) RIND_MUST_USE;
rind_status rind_bigtable_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                      struct rind_deadline deadline,
                                      struct rind_tables *tables) RIND_MUST_USE;
uint32_t rind_bigtable_change_count(struct rind_engine *engine, uint32_t topic);
void rind_bigtable_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                               struct rind_deadline deadline);
void rind_bigtable_wake(struct rind_engine *engine);

/* A log row was written by us / read: watchers of its group look again, or more often. */
void rind_bigtable_note_write(struct rind_bigtable_engine *bigtable, const struct rind_table *table,
                              struct rind_slice row_key);
void rind_bigtable_note_read(struct rind_bigtable_engine *bigtable, const struct rind_table *table,
                             struct rind_slice row_key);

#endif
