/*
 * local.h - whole realms on this machine: every daemon a child process, one embedded store.
 *
 * What `rind demo`, `rind bench --start` and `rind chaos` run on. Opening waits until everything is
 * ready; closing ends all processes, last started first, and removes the directory unless it was
 * given. A failed opening leaves nothing behind either. Main thread only.
 * Spec: docs/spec/08-cluster.md sections 18.2 and 18.3.
 */
#ifndef RIND_CLI_REALM_LOCAL_H
#define RIND_CLI_REALM_LOCAL_H

#include "cli/realm/child.h"
#include "cluster/cluster.h"

#define RIND_LOCAL_REALMS_MAX 4u /* software realms included */
#define RIND_LOCAL_HSMS_MAX 9u   /* of one realm: all are members of each group */
#define RIND_LOCAL_GROUPS_MAX 15u
#define RIND_LOCAL_CHILDREN_MAX 96u
#define RIND_LOCAL_EMULATOR_NAME "bigtable-emulator" /* of the child, if there is one */
#define RIND_LOCAL_TENANT "test-acme"
#define RIND_LOCAL_USER "mario"

enum rind_local_store {
    RIND_LOCAL_STORE_LMDB,
    RIND_LOCAL_STORE_BIGTABLE, /* an emulator: see emulator.h */
};

/* One realm to run. */
struct rind_local_realm_plan {
    uint32_t hsm_count;
    uint32_t group_count; /* with all HSMs as members; 0: only the first group of the first HSM */
};

/*
 * Hosts for HSMs and agents: network namespaces, called <prefix><name of the process>, that have
 * been made before. The first process's address is <subnet>.10, the next one's <subnet>.11 and so
 * on; everything else listens at <subnet>.1, which is ours.
 */
struct rind_local_hosts {
    const char *prefix;
    const char *subnet; /* "10.213.77" */
};

struct rind_local_options {
    struct rind_local_realm_plan realms[RIND_LOCAL_REALMS_MAX];
    size_t realm_count;
    enum rind_local_store store;
    bool has_software_realm;    /* one more realm, without HSMs, with a store of its own */
    uint32_t recover_threshold; /* of clients, to register and to recover; 0: all realms */
    uint32_t manager_count;
    uint32_t balancer_count;
    const char *state_directory;          /* NULL: a fresh temporary one, removed at the end */
    const char *secrets_file;             /* NULL: a fresh one with random keys */
    uint64_t rate_limit;                  /* requests per second of an unconfigured tenant */
    const char *log_level;                /* LOGLEVEL of the daemons; NULL: INFO */
    const struct rind_local_hosts *hosts; /* NULL: everything at 127.0.0.1 */
};

/* A realm that runs. */
struct rind_local_realm {
    struct rind_realm_id id;
    uint8_t public_key[32];
    const char *agent_urls[RIND_LOCAL_HSMS_MAX];
    size_t agent_count;       /* 0: a software realm, which has no public key */
    const char *software_url; /* of a software realm */
};

struct rind_local {
    const struct rind_local_options *options; /* borrowed */
    char directory[RIND_CHILD_PATH_SIZE_MAX];
    bool is_directory_ours;
    char store[RIND_CHILD_PATH_SIZE_MAX + 8]; /* "lmdb:..." or "bigtable" */
    struct rind_bigtable_flags bigtable;      /* which, if it is */
    char secrets_file[RIND_CHILD_PATH_SIZE_MAX];
    char certificate_der[RIND_CHILD_PATH_SIZE_MAX];
    char certificate_pem[RIND_CHILD_PATH_SIZE_MAX];
    struct rind_child *children; /* in the order of starting */
    size_t child_count;
    struct rind_local_realm realms[RIND_LOCAL_REALMS_MAX];
    size_t realm_count;
    const char *balancer_url;
    struct rind_store *open_store;
    struct rind_client *client;
    struct rind_cluster cluster; /* to run procedures of the cluster room on it */
    const struct rind_log *log;  /* borrowed */
    uint64_t start_ns;           /* of opening, on the monotonic clock */
};

/* Says one step of the opening to whoever watches. */
typedef void (*rind_local_progress)(void *self, const char *step);

/*
 * Starts everything the options say and waits until the realms serve. `stopper` (may be NULL) ends
 * the waiting early with RIND_E_CANCELLED. `local` is closed again on failure.
 */
rind_status rind_local_open(struct rind_ctx *ctx, const struct rind_local_options *options,
                            const struct rind_log *log, struct rind_stopper *stopper,
                            rind_local_progress progress, void *progress_self,
                            struct rind_local *local) RIND_MUST_USE;

/* Ends all processes, and removes the directory if it is ours. Fine for a zeroed struct. */
void rind_local_close(struct rind_local *local);

/* The client configuration: all realms, thresholds as the options say, FastInsecure. With a NUL. */
rind_status rind_local_configuration(struct rind_ctx *ctx, const struct rind_local *local,
                                     const char **json) RIND_MUST_USE;

/* A JSON object realm id -> token for `user`. With a NUL. */
rind_status rind_local_tokens(struct rind_ctx *ctx, const struct rind_local *local,
                              const char *user, const char **json) RIND_MUST_USE;

/* Makes a token for `user` of the realm, as a tenant's server would, and writes it with its NUL to
 * `jwt`. False if it cannot be made or does not fit. Thread-safe. */
bool rind_local_token(const struct rind_local *local, const struct rind_realm_id *realm,
                      const char *user, char *jwt, size_t jwt_size);

/*
 * Describes a realm that somebody else runs, as `path` (written by rind_local_write_info) says, and
 * opens its store. Only the first realm. Its processes are foreign (child.h).
 */
rind_status rind_local_attach(struct rind_ctx *ctx, const struct rind_local_options *options,
                              const char *path, const struct rind_log *log,
                              struct rind_local *local) RIND_MUST_USE;

/* Leaves it alone. */
void rind_local_detach(struct rind_local *local);

/* Looks into `path` for the process that runs now in place of a foreign child that has ended.
 * RIND_E_STALE if there is none yet. */
rind_status rind_local_reattach(struct rind_ctx *ctx, const char *path,
                                struct rind_child *child) RIND_MUST_USE;

/* Writes what runs as JSON to `path`: configuration, tokens, certificate, store, processes. */
rind_status rind_local_write_info(struct rind_ctx *ctx, const struct rind_local *local,
                                  const char *path) RIND_MUST_USE;

/* The child whose name is `name`, or NULL. */
struct rind_child *rind_local_find(struct rind_local *local, const char *name);

/* RIND_E_UNAVAILABLE, naming it, if one of the processes has ended. */
rind_status rind_local_check(struct rind_ctx *ctx, struct rind_local *local) RIND_MUST_USE;

#endif
