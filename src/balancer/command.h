/*
 * command.h - the command line of rind-load-balancer, for its main, its help and its man page.
 *
 * Spec: docs/spec/07-load-balancer.md section 13, plus --store.
 */
#ifndef RIND_BALANCER_COMMAND_H
#define RIND_BALANCER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/secret_manager.h"
#include "host/address.h"
#include "host/flags.h"
#include "store/store.h"

#define RIND_BALANCER_FLAGS_MAX 32u
#define RIND_BALANCER_FLAG_TABLES 4u

/* The command line's values; the rows point into it, so it must not move. */
struct rind_balancer_command {
    struct rind_address listen;
    const char *name; /* NULL: lb{listen} */
    const char *tls_key_file;
    const char *tls_certificate_file;
    bool has_tls_key_file;
    bool has_tls_certificate_file;
    uint64_t idle_timeout_ns;
    uint64_t shutdown_timeout_ns;
    uint64_t shutdown_notice_ns;
    double trace_rate;

    const char *store; /* "lmdb:DIR" or "bigtable" */
    struct rind_bigtable_flags bigtable;

    const char *secrets_file; /* NULL: Secret Manager, in the Bigtable project */
    struct rind_secret_manager_flags secrets_manager;

    struct rind_flag rows[RIND_BALANCER_FLAGS_MAX];
    size_t row_count;
    struct rind_flag_table tables[RIND_BALANCER_FLAG_TABLES];
    struct rind_command command; /* for host/flags.h */
};

/* Fills the rows and tables; parsing then fills the values. */
void rind_balancer_command_init(struct rind_balancer_command *command);

#endif
