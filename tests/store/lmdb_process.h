/*
 * lmdb_process.h - what the tests of one directory and several processes share: a process's own
 * store, children, rows.
 */
#ifndef RIND_TESTS_STORE_LMDB_PROCESS_H
#define RIND_TESTS_STORE_LMDB_PROCESS_H

#include <sys/types.h>

#include "fixture.h"

#define SMALL_MAP_BYTES (128u << 10)

struct directory {
    char path[64];
};

/* Set-up and tear-down of a test: a directory of its own. */
int open_directory(void **state);
int close_directory(void **state);

/* A process's own context, engine and store. */
struct process {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_store *store;
    struct rind_realm_id realm;
};

rind_status process_open(struct process *process, const char *directory, uint64_t map_size);
void process_close(struct process *process);
rind_status process_create_tables(struct process *process);
/* Opens the directory, makes the tables and closes it. */
void directory_create_tables(const char *directory);

/* Runs `run` in a child process, which ends with what it returns. */
pid_t child_start(int (*run)(const char *directory, unsigned number), const char *directory,
                  unsigned number);
int child_wait(pid_t child);

/* One row of the table of leases, and all of them. */
rind_status set_row_until(struct process *process, const char *key, struct rind_slice value,
                          struct rind_deadline deadline);
rind_status set_row(struct process *process, const char *key, struct rind_slice value);
rind_status read_rows(struct process *process, struct rind_rows *rows);

#endif
