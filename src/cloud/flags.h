/*
 * flags.h - the flags that every Google service has: --<service>-timeout and so on.
 *
 * Spec 04 section 2.1, 05 section 2. No state.
 */
#ifndef RIND_CLOUD_FLAGS_H
#define RIND_CLOUD_FLAGS_H

#include "host/host.h"

struct rind_google_flags {
    uint64_t timeout_ns;            /* of one request; 0: 20 s */
    uint64_t connect_timeout_ns;    /* 0: 20 s */
    uint64_t keepalive_interval_ns; /* 0: 4 s */
    uint64_t keepalive_timeout_ns;  /* 0: 3 s */
    bool keepalive_while_idle;      /* the switch exists for compatibility; it is always on */
};

/* Prefixes of the flags' names. */
enum rind_google_service { RIND_GOOGLE_BIGTABLE, RIND_GOOGLE_SECRETS_MANAGER, RIND_GOOGLE_PUBSUB };

#define RIND_GOOGLE_FLAG_ROWS 5u

/* Rows whose values go to `flags`, which must not move until they are parsed. */
void rind_google_flag_rows(enum rind_google_service service, struct rind_google_flags *flags,
                           struct rind_flag rows[static RIND_GOOGLE_FLAG_ROWS]);

#endif
