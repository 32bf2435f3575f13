/*
 * hsm.h - the trusted core: one function, request bytes in, response bytes out.
 *
 * The attacker is everything outside: the host that calls us, its storage, its network, the other
 * groups' data, and clients. The host may replay, reorder, drop, fork and lie. What the core
 * guarantees against all of them (spec 02 section 16): no client learns a result before a strict
 * majority of the group's HSMs has durably captured the log entry that records it, so guesses can
 * neither be gained by rolling storage back nor by forking the log; and no secret leaves it unless
 * sealed for the client who proved the PIN, or encrypted under the realm's record key.
 *
 * The core does no I/O, takes no memory but what it is given, starts no thread and reads no clock
 * for a decision. It never ends the process for anything its host sends; it does for its own bugs.
 *
 * Read in this order: platform.h (what it asks of the machine), state.h (what it remembers),
 * dispatch.c (how a request finds its handler), setup.c, capture.c, leadership.c, commit.c, app.c,
 * transfer.c; below those: persist.c, macs.c, leader_log.c, sessions.c, user_app.c, records.c.
 *
 * Not thread-safe: one request at a time per core. Several cores may live in one process.
 * Spec: docs/spec/02-hsm-core.md.
 */
#ifndef RIND_HSM_HSM_H
#define RIND_HSM_HSM_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "hsm/platform.h"
#include "hsm/user_app.h"

/* Requests of at least 1 MiB must be accepted (spec 02 section 17 item 14); longer are refused. */
#define RIND_HSM_REQUEST_SIZE_BYTES_MAX 1048576u

/* What the software HSM runs with (spec 02 section 1). */
#define RIND_HSM_OVERLAY_SIZE_DEFAULT 1024u
#define RIND_HSM_SESSIONS_MAX_DEFAULT 8192u
/*
 * Entries one leader keeps in memory between two commits. At 1 KB each it bounds what a host that
 * never commits can make us hold; a host that commits every 100 ms would need 160 000 requests per
 * second to reach it, far above what one core's public-key work allows.
 */
#define RIND_HSM_LOG_ENTRIES_MAX_DEFAULT 16384u

struct rind_hsm_config {
    uint32_t overlay_size;    /* changes of the tree remembered, plus one; 2 to 65535 */
    uint32_t sessions_max;    /* Noise sessions per led group; 1 to 65535 */
    uint32_t log_entries_max; /* uncommitted entries per led group; 256 to 65536 */
    bool has_metrics;         /* answer requests that ask for timings */
};

struct rind_hsm; /* opaque, inside the caller's memory */

/* The configuration of the software HSM. */
struct rind_hsm_config rind_hsm_config_default(void);

/*
 * Bytes of memory that a core of this configuration needs, about 500 MB with the defaults. Nearly
 * all of it is for 16 groups led at once with full caches; pages are touched only as they are
 * needed, so take it with mmap and it costs about 1 MB until a group is led.
 */
size_t rind_hsm_size_bytes(const struct rind_hsm_config *config);

/* Bytes that any response fits in. The buffer given to rind_hsm_handle must have this capacity. */
size_t rind_hsm_response_size_bytes_max(const struct rind_hsm_config *config);

/*
 * Boots a core (spec 02 section 4.2) in `memory`, zeroed, aligned to 64 and `size_bytes` large,
 * that must outlive it: reads NVRAM, makes a new identity if there is none, checks that the keys
 * are those of its realm. `keys` are copied and should be wiped by the caller; `platform` is
 * copied, its context must outlive the core. RIND_E_INVALID   a configuration out of bounds, or too
 * little memory RIND_E_CORRUPT   what NVRAM holds is not a state that a core wrote RIND_E_AUTH the
 * keys are not those of the realm that NVRAM names others           as nvram_read and nvram_write
 * fail
 */
rind_status rind_hsm_init(struct rind_ctx *ctx, void *memory, size_t size_bytes,
                          const struct rind_hsm_platform *platform,
                          const struct rind_hsm_config *config, const struct rind_realm_keys *keys,
                          struct rind_hsm **hsm) RIND_MUST_USE;

/* Wipes the keys and everything else the core holds. `hsm` may be NULL. */
void rind_hsm_fini(struct rind_hsm *hsm);

/*
 * Executes one request envelope and appends the response envelope to `response`, which must be
 * empty. All answers of the protocol, refusals included, are RIND_OK. ctx needs no arena.
 *   RIND_E_DECODE  not a request envelope; nothing happened (HTTP 400)
 *   RIND_E_LIMIT   longer or with more elements than the core's arena takes; nothing happened (400)
 *   others         NVRAM could not be written; the request had no effect, try again (500)
 */
rind_status rind_hsm_handle(struct rind_ctx *ctx, struct rind_hsm *hsm, struct rind_slice request,
                            struct rind_buffer *response) RIND_MUST_USE;

/*
 * The part of the core's memory that always holds secrets (realm keys, the request being worked
 * on), for the platform to lock; sessions and caches follow it. Page alignment is the caller's.
 */
struct rind_slice rind_hsm_secret_memory(const struct rind_hsm *hsm);

#endif
