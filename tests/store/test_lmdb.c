/*
 * test_lmdb.c - what only an engine on disk can do wrong: processes that share it, are killed
 * or outgrow the map. docs/spec/04-store.md section 18.2.
 */
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lmdb_process.h"
#include "store/deletes.h"

/* ---- processes ---- */

#define PROCESSES 4
#define CONTESTED_ROWS 60
#define OWN_ROWS 60
#define OWN_VALUE_SIZE 4096

/* Races for the contested rows and fills the store, so that every process outgrows the map. Exits
 * with the number of races won, or 255. */
static int race_and_fill(const char *directory, unsigned number)
{
    struct process process;
    static uint8_t value[OWN_VALUE_SIZE];
    memset(value, (int)number, sizeof(value));
    if (!rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES))) {
        return 255;
    }
    int wins = 0;
    for (unsigned i = 0; i < CONTESTED_ROWS; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "contested-%u", i);
        struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                         rind_slice_make(value, 1)};
        struct rind_test_and_write request = {.table = rind_table_shared(RIND_TABLE_LEASE),
                                              .key = rind_slice_text(key),
                                              .condition = {.kind = RIND_CONDITION_ROW_EXISTS},
                                              .when_false = &mutation,
                                              .when_false_count = 1};
        bool was_true = true;
        if (!rind_is_ok(rind_engine_test_and_write(&process.ctx, rind_store_engine(process.store),
                                                   &request, fixture_deadline(), &was_true))) {
            return 255;
        }
        wins += !was_true;
        (void)snprintf(key, sizeof(key), "own-%u-%u", number, i);
        if (!rind_is_ok(set_row(&process, key, rind_slice_make(value, sizeof(value))))) {
            return 255;
        }
    }
    process_close(&process);
    return wins;
}

static void processes_share_one_directory_and_its_growing_map(void **state)
{
    struct directory *directory = *state;
    directory_create_tables(directory->path);
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = child_start(race_and_fill, directory->path, i + 1);
    }
    int wins = 0;
    for (unsigned i = 0; i < PROCESSES; i++) {
        int own_wins = child_wait(children[i]);
        assert_int_not_equal(own_wins, 255);
        wins += own_wins;
    }
    assert_int_equal(wins, CONTESTED_ROWS);
    struct process process;
    struct rind_rows rows;
    assert_true(rind_is_ok(process_open(&process, directory->path, SMALL_MAP_BYTES)));
    assert_true(rind_is_ok(read_rows(&process, &rows)));
    assert_int_equal(rows.count, CONTESTED_ROWS + PROCESSES * OWN_ROWS);
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(rows.rows[i].cell_count, 1);
        struct rind_slice value = rows.rows[i].cells[0].value;
        if (value.length > 1) {
            assert_int_equal(value.length, OWN_VALUE_SIZE);
            assert_int_equal(value.data[OWN_VALUE_SIZE - 1], rows.rows[i].key.data[4] - '0');
        }
    }
    process_close(&process);
}

static int create_at_once(const char *directory, unsigned number)
{
    (void)number;
    struct process process;
    if (!rind_is_ok(process_open(&process, directory, 0))) {
        return 1;
    }
    rind_status status =
        rind_store_create_shared_tables(&process.ctx, process.store, fixture_deadline());
    process_close(&process);
    return rind_is_ok(status) ? 0 : 2;
}

static void processes_may_create_the_store_at_the_same_moment(void **state)
{
    struct directory *directory = *state;
    for (unsigned round = 0; round < 5; round++) {
        char path[80];
        (void)snprintf(path, sizeof(path), "%s/%u", directory->path, round);
        pid_t children[PROCESSES];
        for (unsigned i = 0; i < PROCESSES; i++) {
            children[i] = child_start(create_at_once, path, i);
        }
        for (unsigned i = 0; i < PROCESSES; i++) {
            assert_int_equal(child_wait(children[i]), 0);
        }
        fixture_directory_remove(path);
    }
}

/* Exits with 0 once the log of group 3 has changed. */
static int wait_for_change(const char *directory, unsigned ready_fd)
{
    struct process process;
    if (!rind_is_ok(process_open(&process, directory, 0))) {
        return 1;
    }
    struct rind_group_id group = fixture_group(3);
    struct rind_deadline deadline = fixture_deadline();
    uint32_t since = rind_store_change_count(process.store, &process.realm, &group);
    if (write((int)ready_fd, "r", 1) != 1) {
        return 2;
    }
    while (rind_store_change_count(process.store, &process.realm, &group) == since) {
        if (rind_deadline_has_expired(deadline)) {
            return 3;
        }
        rind_store_wait_change(process.store, &process.realm, &group, since, deadline);
    }
    process_close(&process);
    return 0;
}

static void a_watcher_in_another_process_wakes(void **state)
{
    struct directory *directory = *state;
    directory_create_tables(directory->path);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = child_start(wait_for_change, directory->path, (unsigned)ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct process process;
    assert_true(rind_is_ok(process_open(&process, directory->path, 0)));
    struct rind_group_id group = fixture_group(3);
    uint8_t key[RIND_LOG_KEY_SIZE];
    rind_log_key(&group, 1, key);
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                     rind_slice_text("v")};
    struct rind_row_write row = {RIND_SLICE_OF(key), &mutation, 1};
    struct rind_write request = {rind_table_of_realm(RIND_TABLE_LOG, &process.realm), &row, 1};
    assert_true(rind_is_ok(rind_engine_write(&process.ctx, rind_store_engine(process.store),
                                             &request, fixture_deadline())));
    assert_int_equal(child_wait(child), 0);
    process_close(&process);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* ---- kill -9 ---- */

#define KILLS 30

/* The entry of an index, chained as fixture_entries does it; `cbor` has room for it. */
static rind_status make_entry(struct process *process, uint64_t index,
                              struct rind_store_entry *entry)
{
    struct rind_log_entry decoded = {0};
    struct rind_slice cbor;
    decoded.index = index;
    decoded.prev_mac = fixture_mac(index - 1, 1);
    decoded.entry_mac = fixture_mac(index, 1);
    RIND_TRY(rind_wire_encode_alloc(&process->ctx, &rind_log_entry_schema, &decoded, &cbor));
    return rind_store_entry_parse(&process->ctx, cbor, entry);
}

static size_t make_node(uint64_t index, uint8_t row_key[33], struct rind_store_node *node)
{
    memset(row_key, 0, 33);
    row_key[0] = 0x80;
    rind_put_be64(row_key + 25, index);
    *node = (struct rind_store_node){rind_slice_make(row_key, 33), rind_slice_text("a node")};
    return 33;
}

static uint64_t last_index(struct process *process, const struct rind_group_id *group)
{
    struct rind_store_entry last;
    rind_status status = rind_store_read_last(&process->ctx, process->store, &process->realm, group,
                                              fixture_deadline(), &last, NULL);
    return rind_is_ok(status) ? last.index : 0;
}

/* Appends one entry with one node after the other, and reports each acknowledged index. */
static int append_for_ever(const char *directory, unsigned report_fd)
{
    struct process process;
    if (!rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES))) {
        return 1;
    }
    struct rind_group_id group = fixture_group(3);
    for (uint64_t index = last_index(&process, &group) + 1;; index++) {
        struct rind_store_entry entry;
        struct rind_store_node node;
        struct rind_log_row row;
        uint8_t row_key[33];
        size_t mark = rind_arena_mark(process.arena);
        (void)make_node(index, row_key, &node);
        struct rind_append_delta delta = {&node, 1, NULL, 0};
        if (!rind_is_ok(make_entry(&process, index, &entry)) ||
            !rind_is_ok(rind_store_append(&process.ctx, process.store, &process.realm, &group,
                                          &entry, 1, &delta, fixture_deadline(), &row)) ||
            write((int)report_fd, &index, sizeof(index)) != (ssize_t)sizeof(index)) {
            return 2;
        }
        rind_arena_release(process.arena, mark);
    }
}

/* Reads `count` reports, kills the child after `spin` more turns, and returns the last report. */
static uint64_t kill_after(pid_t child, int fd, unsigned count, unsigned spin)
{
    uint64_t acknowledged = 0;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(read(fd, &acknowledged, sizeof(acknowledged)), sizeof(acknowledged));
    }
    for (volatile unsigned turn = 0; turn < spin; turn++) {
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    int exit_status;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_true(WIFSIGNALED(exit_status));
    uint64_t report;
    while (read(fd, &report, sizeof(report)) == (ssize_t)sizeof(report)) {
        acknowledged = report;
    }
    return acknowledged;
}

static void assert_log_is_whole(struct process *process, uint64_t last)
{
    struct rind_group_id group = fixture_group(3);
    struct rind_log_iterator iterator;
    rind_log_iterator_init(&iterator, &process->realm, &group, 1, 1000);
    uint64_t next = 1;
    while (next <= last) {
        struct rind_log_entries entries;
        size_t mark = rind_arena_mark(process->arena);
        assert_true(rind_is_ok(rind_log_iterator_next(&process->ctx, process->store, &iterator,
                                                      fixture_deadline(), &entries)));
        assert_true(entries.count > 0);
        for (size_t i = 0; i < entries.count; i++) {
            struct rind_mac mac = fixture_mac(next, 1);
            assert_int_equal(entries.entries[i].index, next);
            assert_true(rind_mac_equal(&entries.entries[i].entry_mac, &mac));
            uint8_t row_key[33];
            struct rind_store_node node;
            struct rind_slice cbor;
            (void)make_node(next, row_key, &node);
            assert_true(
                rind_is_ok(rind_store_read_node(&process->ctx, process->store, &process->realm,
                                                node.row_key, fixture_deadline(), &cbor)));
            next++;
        }
        rind_arena_release(process->arena, mark);
    }
    assert_int_equal(next, last + 1);
}

static void killed_writers_lose_nothing_acknowledged(void **state)
{
    struct directory *directory = *state;
    directory_create_tables(directory->path);
    unsigned seed = (unsigned)getpid();
    print_message("seed %u\n", seed);
    uint64_t last = 0;
    for (unsigned round = 0; round < KILLS; round++) {
        int report[2];
        assert_int_equal(pipe(report), 0);
        pid_t child = child_start(append_for_ever, directory->path, (unsigned)report[1]);
        (void)close(report[1]);
        uint64_t acknowledged = kill_after(child, report[0], 1 + (unsigned)rand_r(&seed) % 20,
                                           (unsigned)rand_r(&seed) % 3000000);
        (void)close(report[0]);
        struct process process;
        struct rind_group_id group = fixture_group(3);
        assert_true(rind_is_ok(process_open(&process, directory->path, SMALL_MAP_BYTES)));
        last = last_index(&process, &group);
        assert_true(last >= acknowledged && last <= acknowledged + 1);
        if (round % 10 == 9) {
            assert_log_is_whole(&process, last);
        }
        process_close(&process);
    }
    assert_true(last >= KILLS);
}

static void a_killed_process_does_not_block_the_others(void **state)
{
    struct directory *directory = *state;
    directory_create_tables(directory->path);
    struct process process;
    assert_true(rind_is_ok(process_open(&process, directory->path, SMALL_MAP_BYTES)));
    unsigned seed = (unsigned)getpid();
    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 10; round++) {
        int report[2];
        assert_int_equal(pipe(report), 0);
        pid_t child = child_start(append_for_ever, directory->path, (unsigned)report[1]);
        (void)close(report[1]);
        /* Killed at any moment, also while it holds the writers' lock. */
        uint64_t acknowledged = kill_after(child, report[0], 3, (unsigned)rand_r(&seed) % 1000000);
        (void)close(report[0]);
        assert_true(rind_is_ok(set_row(&process, "mine", rind_slice_text("written"))));
        struct rind_group_id group = fixture_group(3);
        assert_true(last_index(&process, &group) >= acknowledged);
    }
    process_close(&process);
}

/* Holds a read transaction of LMDB's own until it is killed. */
static int read_for_ever(const char *directory, unsigned ready_fd)
{
    MDB_env *env;
    MDB_txn *txn;
    if (mdb_env_create(&env) != 0 || mdb_env_set_maxdbs(env, 2) != 0 ||
        mdb_env_open(env, directory, 0, 0600) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 || write((int)ready_fd, "r", 1) != 1) {
        return 1;
    }
    for (;;) {
        (void)pause();
    }
}

static uint64_t churn(struct process *process)
{
    static uint8_t value[60000];
    for (unsigned i = 0; i < 100; i++) {
        memset(value, (int)i, sizeof(value));
        assert_true(rind_is_ok(set_row(process, "row", rind_slice_make(value, sizeof(value)))));
    }
    struct rind_engine_statistics statistics;
    rind_engine_statistics(rind_store_engine(process->store), &statistics);
    return statistics.size_bytes;
}

#define STOPS_MAX 1000

static int write_for_ever(const char *directory, unsigned number)
{
    (void)number;
    struct process process;
    if (!rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES))) {
        return 1;
    }
    while (rind_is_ok(set_row(&process, "row", rind_slice_text("child")))) {
    }
    return 1; /* killed before */
}

/* LMDB itself would wait for ever. Where the process is stopped is chance, but most of its time it
 * is inside a transaction. */
static void a_stopped_writer_costs_others_their_deadline_and_no_more(void **state)
{
    struct directory *directory = *state;
    struct process process;
    directory_create_tables(directory->path);
    pid_t child = child_start(write_for_ever, directory->path, 0);
    assert_true(rind_is_ok(process_open(&process, directory->path, SMALL_MAP_BYTES)));
    alarm(60); /* a wait without end would be this one's */
    rind_status status = RIND_OK;
    unsigned stops = 0;
    bool is_named = false;
    while (!is_named && stops++ < STOPS_MAX) {
        int changed;
        struct rind_rows rows;
        assert_true(rind_is_ok(set_row(&process, "row", rind_slice_text("parent"))));
        assert_int_equal(kill(child, SIGSTOP), 0);
        assert_int_equal(waitpid(child, &changed, WUNTRACED), child);
        assert_true(WIFSTOPPED(changed));
        status = set_row_until(&process, "row", rind_slice_text("parent"), rind_deadline_in_ms(50));
        assert_true(rind_is_ok(status) || rind_is(status, RIND_E_BUSY));
        if (rind_is(status, RIND_E_BUSY)) {
            /* One that was stopped before it could say that it writes cannot be named. */
            char holder[32];
            (void)snprintf(holder, sizeof(holder), "process %d ", (int)child);
            is_named = strstr(process.ctx.sentence, holder) != NULL;
            assert_true(is_named || strstr(process.ctx.sentence, "another process") != NULL);
        }
        assert_true(rind_is_ok(read_rows(&process, &rows))); /* reading goes on */
        rind_arena_reset(process.arena);
        assert_int_equal(kill(child, SIGCONT), 0);
    }
    assert_true(is_named);
    assert_true(rind_is_ok(set_row(&process, "row", rind_slice_text("parent"))));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(rind_is_ok(set_row(&process, "row", rind_slice_text("parent"))));
    alarm(0);
    process_close(&process);
}

static void a_killed_readers_pages_are_used_again(void **state)
{
    struct directory *directory = *state;
    directory_create_tables(directory->path);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = child_start(read_for_ever, directory->path, (unsigned)ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct process process;
    assert_true(rind_is_ok(process_open(&process, directory->path, SMALL_MAP_BYTES)));
    uint64_t size_while_read = churn(&process);
    assert_true(size_while_read > 100 * 60000); /* nothing could be used again */
    struct rind_engine_statistics statistics = {0};
    struct rind_reader_watch watch = {0};
    rind_engine_statistics(rind_store_engine(process.store), &statistics);
    assert_int_equal(statistics.reader_oldest_process,
                     child); /* and it is known whose fault it is */
    assert_int_equal(statistics.reader_oldest_commits, 100);
    assert_false(rind_reader_watch_look(&watch, &statistics)); /* seen for the first time */
    assert_true(rind_is_ok(set_row(&process, "row", rind_slice_text("v"))));
    rind_engine_statistics(rind_store_engine(process.store), &statistics);
    assert_int_equal(statistics.reader_oldest_commits, 101);
    assert_true(rind_reader_watch_look(&watch, &statistics));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    uint64_t removed;
    assert_true(rind_is_ok(rind_engine_collect(&process.ctx, rind_store_engine(process.store),
                                               fixture_deadline(), &removed)));
    memset(&statistics, 0, sizeof(statistics));
    rind_engine_statistics(rind_store_engine(process.store), &statistics);
    assert_int_equal(statistics.reader_oldest_process, 0);
    assert_false(rind_reader_watch_look(&watch, &statistics));
    assert_false(rind_reader_watch_look(&watch, &statistics)); /* nobody is nobody's fault */
    uint64_t size_after = churn(&process);
    assert_true(size_after < size_while_read + 10 * 60000);
    process_close(&process);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* ---- the map ---- */

struct reading {
    struct process *process;
    pthread_t thread;
    atomic_bool is_stopping;
    atomic_uint failures;
    atomic_uint reads;
};

static void *read_repeatedly(void *self)
{
    struct reading *reading = self;
    struct rind_arena *arena;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, 1u << 20, &arena))) {
        return NULL;
    }
    while (!atomic_load(&reading->is_stopping)) {
        rind_ctx_init(&ctx, arena);
        struct rind_read read = {.table = rind_table_shared(RIND_TABLE_LEASE), .row_count_max = 3};
        struct rind_rows rows;
        rind_status status = rind_engine_read(&ctx, rind_store_engine(reading->process->store),
                                              &read, fixture_deadline(), &rows);
        if (!rind_is_ok(status) || rows.count == 0) {
            atomic_fetch_add(&reading->failures, 1);
        }
        atomic_fetch_add(&reading->reads, 1);
        rind_arena_reset(arena);
    }
    rind_arena_unmap(arena);
    return NULL;
}

static void the_map_grows_under_running_reads(void **state)
{
    struct directory *directory = *state;
    struct process process;
    assert_true(rind_is_ok(process_open(&process, directory->path, 1)));
    assert_true(rind_is_ok(process_create_tables(&process)));
    assert_true(rind_is_ok(set_row(&process, "first", rind_slice_text("v"))));
    struct reading readings[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        readings[i].process = &process;
        assert_int_equal(pthread_create(&readings[i].thread, NULL, read_repeatedly, &readings[i]),
                         0);
    }
    static uint8_t value[40000];
    struct rind_engine_statistics before;
    struct rind_engine_statistics after;
    rind_engine_statistics(rind_store_engine(process.store), &before);
    for (unsigned i = 0; i < 100; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "row-%u", i);
        assert_true(rind_is_ok(set_row(&process, key, rind_slice_make(value, sizeof(value)))));
    }
    rind_engine_statistics(rind_store_engine(process.store), &after);
    assert_true(after.size_bytes_limit > 16 * before.size_bytes_limit);
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&readings[i].is_stopping, true);
        pthread_join(readings[i].thread, NULL);
        assert_int_equal(atomic_load(&readings[i].failures), 0);
        assert_true(atomic_load(&readings[i].reads) > 0);
    }
    struct rind_rows rows;
    assert_true(rind_is_ok(read_rows(&process, &rows)));
    assert_int_equal(rows.count, 101);
    process_close(&process);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_directory, close_directory)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        CASE(processes_share_one_directory_and_its_growing_map),
        CASE(processes_may_create_the_store_at_the_same_moment),
        CASE(a_watcher_in_another_process_wakes),
        CASE(killed_writers_lose_nothing_acknowledged),
        CASE(a_killed_process_does_not_block_the_others),
        CASE(a_stopped_writer_costs_others_their_deadline_and_no_more),
        CASE(a_killed_readers_pages_are_used_again),
        CASE(the_map_grows_under_running_reads),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
