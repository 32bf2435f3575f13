/*
 * core_host.h - the trusted core in this process, with the little host that it needs to work.
 *
 * One HSM, one group, whose tree is wherever core_nodes.h says.
 * Requests go through the encoded envelopes, as in production; only the time inside
 * rind_hsm_handle counts, as processor time of the calling thread. The host may give the core a
 * history it never had because it knows the realm's keys; nothing else here is out of the ordinary.
 *
 * For `rind bench core` and `rind bench tree`. One thread. Spec: docs/spec/02-hsm-core.md.
 */
#ifndef RIND_CLI_BENCH_CORE_HOST_H
#define RIND_CLI_BENCH_CORE_HOST_H

#include "base/base.h"
#include "cli/bench/core_nodes.h"
#include "cli/bench/seeded.h"
#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "wire/wire.h"

#define RIND_CORE_HOST_BATCH_MAX 256u /* requests between two commits */

struct rind_core_host {
    void *memory; /* of the core */
    size_t memory_size;
    struct rind_hsm *hsm;
    struct rind_realm_keys keys;
    uint8_t nvram[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    size_t nvram_length;
    uint8_t *response;
    size_t response_capacity;
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_log_entry last;
    struct rind_log_entry uncaptured[RIND_CORE_HOST_BATCH_MAX];
    size_t uncaptured_count;
    struct rind_core_nodes nodes;
};

/*
 * Boots a core and makes a realm, whose id and group are then in `host`. `host` is zeroed memory;
 * closed on failure.
 */
rind_status rind_core_host_open(struct rind_ctx *ctx, struct rind_core_host *host) RIND_MUST_USE;

/*
 * Makes the core lead its group as if the tree with `root_hash` were its own. `nodes` (copied) has
 * that tree, and gets the two entries of the log so far.
 */
rind_status rind_core_host_lead(struct rind_ctx *ctx, struct rind_core_host *host,
                                const struct rind_data_hash *root_hash,
                                const struct rind_core_nodes *nodes) RIND_MUST_USE;

void rind_core_host_close(struct rind_core_host *host);

/*
 * One client request with a proof read at the newest root. Adds the core's time to *cpu_ns. *mac
 * names the answer among those that a commit releases. RIND_E_INTERNAL if the core refuses.
 */
rind_status rind_core_host_app(struct rind_ctx *ctx, struct rind_core_host *host,
                               const struct rind_record_id *record_id, uint32_t session_id,
                               const struct rind_noise_request *encrypted, uint64_t *cpu_ns,
                               struct rind_mac *mac) RIND_MUST_USE;

/*
 * CaptureNext of all entries since the last commit, PersistState, Commit. Adds the core's time to
 * *cpu_ns. *responses lives in ctx's arena and in the host until the next call.
 */
rind_status rind_core_host_commit(struct rind_ctx *ctx, struct rind_core_host *host,
                                  uint64_t *cpu_ns,
                                  struct rind_released_response_list *responses) RIND_MUST_USE;

#endif
