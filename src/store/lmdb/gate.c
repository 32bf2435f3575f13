/*
 * gate.c - see lmdb.h: one writing process at a time, and a wait for it that ends.
 *
 * The gate is the flock(2) of the file `changes`: the kernel opens it when its holder dies, however
 * that happens. flock itself cannot wait until a deadline, so waiters sleep on a shared word that
 * whoever leaves bumps, and look again every RIND_LMDB_GATE_POLL_MS in case he was killed before.
 */
#include "store/lmdb/lmdb.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/file.h>
#include <unistd.h>

bool rind_lmdb_gate_enter(struct rind_lmdb_engine *lmdb, struct rind_deadline deadline)
{
    struct rind_lmdb_shared *shared = lmdb->shared;
    for (;;) {
        uint32_t sequence = atomic_load(&shared->gate_sequence);
        if (flock(lmdb->gate_fd, LOCK_EX | LOCK_NB) == 0) {
            atomic_store(&shared->gate_holder, (uint32_t)getpid());
            return true;
        }
        /* Anything else would be a descriptor that is none, or memory that the kernel lacks. */
        RIND_ASSERT(errno == EWOULDBLOCK || errno == EINTR || errno == ENOLCK);
        if (rind_deadline_has_expired(deadline)) {
            return false;
        }
        atomic_fetch_add(&shared->gate_waiters, 1);
        rind_lmdb_futex_wait(
            &shared->gate_sequence, sequence,
            rind_deadline_min(deadline, rind_deadline_in_ms(RIND_LMDB_GATE_POLL_MS)));
        atomic_fetch_sub(&shared->gate_waiters, 1);
    }
}

void rind_lmdb_gate_leave(struct rind_lmdb_engine *lmdb)
{
    struct rind_lmdb_shared *shared = lmdb->shared;
    atomic_store(&shared->gate_holder, 0);
    int result = flock(lmdb->gate_fd, LOCK_UN);
    RIND_ASSERT(result == 0);
    atomic_fetch_add(&shared->gate_sequence, 1);
    if (atomic_load(&shared->gate_waiters) > 0) {
        (void)rind_lmdb_futex(&shared->gate_sequence, FUTEX_WAKE, 1, NULL);
    }
}

rind_status rind_lmdb_gate_busy(struct rind_ctx *ctx, const struct rind_lmdb_engine *lmdb)
{
    uint32_t holder = atomic_load(&lmdb->shared->gate_holder);
    /* A process that was stopped between taking the gate and saying so has no name yet. */
    RIND_REQUIRE(ctx, holder != 0, RIND_E_BUSY,
                 "store %s is busy: another process writes to it and does not finish; if one is "
                 "stopped or hangs, let it go on (kill -CONT) or end it",
                 lmdb->directory);
    return rind_fail(
        ctx, RIND_E_BUSY,
        "store %s is busy: process %u writes to it and does not finish; if that one is "
        "stopped or hangs, let it go on (kill -CONT) or end it",
        lmdb->directory, holder);
}
