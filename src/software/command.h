/*
 * command.h - the command line of rind-software-realm, for its main, its help and its man page.
 *
 * Spec: docs/spec/05-cloud-services.md section 13.2, plus --store and what goes with it.
 */
#ifndef RIND_SOFTWARE_COMMAND_H
#define RIND_SOFTWARE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "cloud/cloud.h"
#include "host/host.h"
#include "store/store.h"

#define RIND_SOFTWARE_FLAGS_MAX 16u
#define RIND_SOFTWARE_TABLES 4u
/* Of flags with one dash; more, or longer ones, are left as they are, and refused. */
#define RIND_SOFTWARE_TRANSLATED_MAX 8u
#define RIND_SOFTWARE_TRANSLATED_SIZE 64u

/* Exit statuses of deployed software realms, for whoever watches them. */
enum rind_software_exit {
    RIND_SOFTWARE_EXIT_FAULT = 1, /* no randomness; cannot serve */
    RIND_SOFTWARE_EXIT_ID_HEX = 2,
    RIND_SOFTWARE_EXIT_ID_LENGTH = 3,
    RIND_SOFTWARE_EXIT_PORT = 4,
    RIND_SOFTWARE_EXIT_PROVIDER = 5,
    RIND_SOFTWARE_EXIT_SET_UP = 6, /* store, secrets or events */
};

/* Where tenant events go. */
enum rind_software_events_kind {
    RIND_SOFTWARE_EVENTS_NONE,
    RIND_SOFTWARE_EVENTS_MEMORY,
    RIND_SOFTWARE_EVENTS_PUBSUB
};

/* The command line's values; the rows point into it, so it must not move. */
struct rind_software_command {
    const char *id;
    const char *port;
    const char *provider;
    const char *store;
    bool has_id;
    bool has_provider;
    bool has_store;
    const char *events;         /* NULL: by the store */
    struct rind_address listen; /* after check: with the port */
    bool has_listen;
    const char *secrets_file;
    const char *tls_certificate_file;
    const char *tls_key_file;
    uint64_t idle_timeout_ns;
    uint64_t shutdown_timeout_ns;
    char translated[RIND_SOFTWARE_TRANSLATED_MAX][RIND_SOFTWARE_TRANSLATED_SIZE];

    struct rind_bigtable_flags bigtable;
    struct rind_secret_manager_flags secret_manager;
    struct rind_pubsub_flags pubsub;

    struct rind_flag rows[RIND_SOFTWARE_FLAGS_MAX];
    size_t row_count;
    struct rind_flag secret_manager_rows[RIND_SECRET_MANAGER_FLAG_ROWS];
    struct rind_flag pubsub_rows[RIND_PUBSUB_FLAG_ROWS];
    struct rind_flag_table tables[RIND_SOFTWARE_TABLES];
    struct rind_command command; /* for host/flags.h */

    /* After check: */
    struct rind_realm_id realm;
    bool is_google;             /* records are in Bigtable, and keys in Secret Manager if no file */
    const char *pubsub_project; /* if events go there */
    enum rind_software_events_kind events_kind;
};

/* Fills the rows; parsing then fills the values. */
void rind_software_command_init(struct rind_software_command *command);

/*
 * Makes sense of the values together: realm, address, store, events. On failure `*exit_status` is
 * one of enum rind_software_exit and the sentence says why.
 */
rind_status rind_software_command_check(struct rind_ctx *ctx, struct rind_software_command *command,
                                        int *exit_status) RIND_MUST_USE;

/*
 * Go's way of writing flags, -id or -id=VALUE, becomes ours, with two dashes. Changes the pointers
 * in argv only; what they then point at is the command's.
 */
void rind_software_command_translate(struct rind_software_command *command, int argc, char **argv);

#endif
