/*
 * options.h - the command line of rind-agent. Spec 06 section 12.4.
 */
#ifndef RIND_AGENT_OPTIONS_H
#define RIND_AGENT_OPTIONS_H

#include "base/base.h"
#include "cloud/pubsub.h"
#include "host/host.h"
#include "store/store.h"

struct rind_agent_flags {
    struct rind_address listen;
    const char *name; /* NULL: "agent{listen}" */
    bool is_name_given;
    const char *store; /* "lmdb:DIR" or "bigtable" */
    struct rind_bigtable_flags bigtable;
    const char *events; /* "pubsub", "none", or NULL: as the others suggest */
    struct rind_pubsub_flags pubsub;
    uint64_t merkle_cache_size;
    uint64_t merkle_large_read_permits;
    uint64_t merkle_large_read_limit;
    uint64_t default_rate_limit;
    uint64_t persist_interval_ns;
    uint64_t keep_entries;
    uint64_t worker_threads;
    const char *key;
    const char *state_dir;
    struct rind_url hsm_url;
    bool is_hsm_url_given;
};

/* True if tenants' events go to Pub/Sub. */
bool rind_agent_flags_want_pubsub(const struct rind_agent_flags *flags);

/* Parses argv; false and *exit_status if the program shall not run. */
bool rind_agent_flags_parse(struct rind_agent_flags *flags, int argc, char **argv,
                            int *exit_status);

#endif
