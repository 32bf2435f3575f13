/*
 * changes.c - see lmdb.h: telling watchers in all processes that a log has grown.
 *
 * The file `changes` is an array of 32-bit counts which every process maps; a group's topic picks
 * one of them. A leader bumps the counts of the groups whose rows it committed and wakes whoever
 * waits on those words (futex). Between commit and bump a process may be killed: its watchers then
 * find the change by polling, RIND_LMDB_TOPIC_POLL_MS later. The counts mean nothing across
 * restarts, so the file is never synced.
 */
#include "store/lmdb/lmdb.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHANGES_SIZE sizeof(struct rind_lmdb_shared)

_Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "a futex is a plain word");
_Static_assert((RIND_LMDB_TOPICS & (RIND_LMDB_TOPICS - 1)) == 0, "topics are masked");

rind_status rind_lmdb_changes_open(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb)
{
    int fd;
    RIND_TRY(rind_lmdb_directory_open_changes(ctx, lmdb->directory, CHANGES_SIZE, &fd));
    void *words = mmap(NULL, CHANGES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (words == MAP_FAILED) {
        (void)close(fd);
        return rind_fail(ctx, RIND_E_IO, "cannot map %s/changes", lmdb->directory);
    }
    lmdb->shared = words;
    lmdb->gate_fd = fd;
    return RIND_OK;
}

void rind_lmdb_changes_close(struct rind_lmdb_engine *lmdb)
{
    if (lmdb->shared != NULL) {
        (void)munmap(lmdb->shared, CHANGES_SIZE);
        (void)close(lmdb->gate_fd);
    }
}

long rind_lmdb_futex(_Atomic uint32_t *word, int operation, uint32_t value,
                     const struct timespec *timeout)
{
    return syscall(SYS_futex, (void *)(uintptr_t)word, operation, value, timeout, NULL, 0);
}

void rind_lmdb_futex_wait(_Atomic uint32_t *word, uint32_t value, struct rind_deadline deadline)
{
    uint64_t left_ns = rind_deadline_remaining_ns(deadline);
    struct timespec timeout = {(time_t)(left_ns / RIND_NS_PER_S), (long)(left_ns % RIND_NS_PER_S)};
    (void)rind_lmdb_futex(word, FUTEX_WAIT, value, &timeout);
}

static void topic_bump(_Atomic uint32_t *word)
{
    atomic_fetch_add(word, 1);
    (void)rind_lmdb_futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

void rind_lmdb_changes_announce(struct rind_lmdb_engine *lmdb)
{
    for (size_t i = 0; i < RIND_LMDB_TOPICS; i++) {
        if (lmdb->topics_changed[i / 64] >> (i % 64) & 1) {
            topic_bump(&lmdb->shared->topics[i]);
        }
    }
    memset(lmdb->topics_changed, 0, sizeof(lmdb->topics_changed));
}

uint32_t rind_lmdb_change_count(struct rind_engine *engine, uint32_t topic)
{
    return atomic_load(&rind_lmdb_of(engine)->shared->topics[topic % RIND_LMDB_TOPICS]);
}

void rind_lmdb_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                           struct rind_deadline deadline)
{
    _Atomic uint32_t *word = &rind_lmdb_of(engine)->shared->topics[topic % RIND_LMDB_TOPICS];
    struct rind_deadline end =
        rind_deadline_min(deadline, rind_deadline_in_ms(RIND_LMDB_TOPIC_POLL_MS));
    while (atomic_load(word) == since && !rind_deadline_has_expired(end)) {
        rind_lmdb_futex_wait(word, since, end);
    }
}

void rind_lmdb_wake(struct rind_engine *engine)
{
    for (size_t i = 0; i < RIND_LMDB_TOPICS; i++) {
        topic_bump(&rind_lmdb_of(engine)->shared->topics[i]);
    }
}
