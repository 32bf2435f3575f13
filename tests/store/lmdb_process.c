/* lmdb_process.c - see lmdb_process.h. */
#include "lmdb_process.h"

#include <sys/wait.h>
#include <unistd.h>

int open_directory(void **state)
{
    struct directory *directory = calloc(1, sizeof(*directory));
    fixture_directory_make(directory->path);
    *state = directory;
    return 0;
}

int close_directory(void **state)
{
    fixture_directory_remove(((struct directory *)*state)->path);
    free(*state);
    return 0;
}

rind_status process_open(struct process *process, const char *directory, uint64_t map_size)
{
    memset(process, 0, sizeof(*process));
    rind_ctx_init(&process->ctx, NULL);
    RIND_TRY(rind_arena_map(&process->ctx, 8u << 20, &process->arena));
    rind_ctx_init(&process->ctx, process->arena);
    process->realm = fixture_realm(0x66);
    char name[80];
    (void)snprintf(name, sizeof(name), "lmdb:%s", directory);
    struct rind_store_options options = {.lmdb_map_size_bytes = map_size};
    return rind_store_open(&process->ctx, name, &options, &process->store);
}

void process_close(struct process *process)
{
    rind_store_close(process->store);
    rind_arena_unmap(process->arena);
}

rind_status process_create_tables(struct process *process)
{
    RIND_TRY(rind_store_create_shared_tables(&process->ctx, process->store, fixture_deadline()));
    return rind_store_create_realm_tables(&process->ctx, process->store, &process->realm,
                                          fixture_deadline());
}

void directory_create_tables(const char *directory)
{
    struct process process;
    assert_true(rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES)));
    assert_true(rind_is_ok(process_create_tables(&process)));
    process_close(&process);
}

pid_t child_start(int (*run)(const char *directory, unsigned number), const char *directory,
                  unsigned number)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60); /* never outlives its test */
        _exit(run(directory, number));
    }
    return child;
}

int child_wait(pid_t child)
{
    int exit_status;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_true(WIFEXITED(exit_status));
    return WEXITSTATUS(exit_status);
}

rind_status set_row_until(struct process *process, const char *key, struct rind_slice value,
                          struct rind_deadline deadline)
{
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                     value};
    struct rind_row_write row = {rind_slice_text(key), &mutation, 1};
    struct rind_write write = {rind_table_shared(RIND_TABLE_LEASE), &row, 1};
    return rind_engine_write(&process->ctx, rind_store_engine(process->store), &write, deadline);
}

rind_status set_row(struct process *process, const char *key, struct rind_slice value)
{
    return set_row_until(process, key, value, fixture_deadline());
}

rind_status read_rows(struct process *process, struct rind_rows *rows)
{
    struct rind_read read = {.table = rind_table_shared(RIND_TABLE_LEASE),
                             .size_bytes_max = SIZE_MAX};
    return rind_engine_read(&process->ctx, rind_store_engine(process->store), &read,
                            fixture_deadline(), rows);
}
