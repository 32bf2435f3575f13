/*
 * options.h - the command line of rind-tenant-log. Spec 05 section 12.1.
 */
#ifndef RIND_TENANTLOG_OPTIONS_H
#define RIND_TENANTLOG_OPTIONS_H

#include "base/base.h"
#include "cloud/pubsub.h"
#include "cloud/secret_manager.h"
#include "host/host.h"

/* Exit statuses of the specification; RIND_EXIT_USAGE is also that of an id that is no hex. */
#define RIND_TENANT_LOG_EXIT_FAULT 1
#define RIND_TENANT_LOG_EXIT_PORT 1
#define RIND_TENANT_LOG_EXIT_ID_HEX 2
#define RIND_TENANT_LOG_EXIT_ID_LENGTH 3
#define RIND_TENANT_LOG_EXIT_SECRETS 6
#define RIND_TENANT_LOG_EXIT_PUBSUB 7

struct rind_tenant_log_flags {
    struct rind_realm_id realm;
    struct rind_address listen;
    const char *project;
    const char *secrets_file; /* NULL: Secret Manager */
    bool must_expire;
    uint64_t worker_threads;
    struct rind_pubsub_flags pubsub; /* its project is set to `project` if not given */
    struct rind_secret_manager_flags secret_manager;
};

/*
 * Parses argv; false and *exit_status if the program shall not run. "-id" and "-port", as other
 * tenant log services write them, are fine.
 */
bool rind_tenant_log_flags_parse(struct rind_tenant_log_flags *flags, int argc, char *const *argv,
                                 int *exit_status);

#endif
