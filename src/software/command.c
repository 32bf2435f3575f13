/* command.c - see command.h. */
#include "software/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <sodium.h>

#define COMMAND_PORT_DEFAULT "8080"
#define COMMAND_MEMORY "memory"
#define COMMAND_MEMORY_STORE "memory:"
#define COMMAND_GOOGLE "gcp"
#define COMMAND_GOOGLE_STORE "bigtable"
#define COMMAND_PROJECT_VARIABLE "GCP_PROJECT_ID"
#define COMMAND_INSTANCE_VARIABLE "BIGTABLE_INSTANCE_ID"

/* In the order of enum rind_software_events_kind. */
static const char *const events_kinds[] = {"none", "memory", "pubsub", NULL};

static void add(struct rind_software_command *command, struct rind_flag row)
{
    RIND_ASSERT(command->row_count < RIND_SOFTWARE_FLAGS_MAX);
    command->rows[command->row_count++] = row;
}

static void add_text(struct rind_software_command *command, const char *name,
                     const char *value_name, const char *help, const char **value)
{
    add(command, (struct rind_flag){.name = name,
                                    .value_name = value_name,
                                    .kind = RIND_FLAG_TEXT,
                                    .help = help,
                                    .value = value});
}

static void add_realm(struct rind_software_command *command)
{
    add(command, (struct rind_flag){.name = "id",
                                    .value_name = "HEX",
                                    .environment = "REALM_ID",
                                    .show_fallback = "random, with the memory store",
                                    .kind = RIND_FLAG_TEXT,
                                    .help = "Realm id, 32 hex digits: it is in every client's "
                                            "configuration, so it must stay the same.",
                                    .value = &command->id,
                                    .is_given = &command->has_id});
    add(command, (struct rind_flag){.name = "port",
                                    .value_name = "PORT",
                                    .environment = "PORT",
                                    .fallback = COMMAND_PORT_DEFAULT,
                                    .kind = RIND_FLAG_TEXT,
                                    .help = "Port to serve on, at all addresses.",
                                    .value = &command->port});
    add(command, (struct rind_flag){.name = "listen",
                                    .letter = 'l',
                                    .value_name = "IP:PORT",
                                    .kind = RIND_FLAG_ADDRESS,
                                    .help = "Address and port to serve on, instead of --port.",
                                    .value = &command->listen,
                                    .is_given = &command->has_listen});
}

static void add_keeping(struct rind_software_command *command)
{
    add(command, (struct rind_flag){.name = "store",
                                    .value_name = "STORE",
                                    .environment = "RIND_STORE",
                                    .show_fallback = COMMAND_MEMORY_STORE,
                                    .kind = RIND_FLAG_TEXT,
                                    .help = "Where records are kept: lmdb:DIRECTORY, bigtable, or "
                                            "memory: to try things out (all is gone at the end).",
                                    .value = &command->store,
                                    .is_given = &command->has_store});
    add(command,
        (struct rind_flag){.name = "provider",
                           .value_name = "PROVIDER",
                           .environment = "PROVIDER",
                           .show_fallback = COMMAND_MEMORY,
                           .kind = RIND_FLAG_TEXT,
                           .help = "The same in the words of other software realms: memory, or gcp "
                                   "for all of Google's: records in Bigtable, keys in Secret "
                                   "Manager, events in Pub/Sub. --store bigtable means that too.",
                           .value = &command->provider,
                           .is_given = &command->has_provider});
    add_text(
        command, "secrets-file", "FILE",
        "JSON file with the tenants' keys, called jb-sw-tenant-TENANT, looked at again every 5 "
        "seconds. Without it they are in Google Secret Manager with --provider gcp, and otherwise "
        "in the environment variable TENANT_SECRETS: {\"TENANT\":{\"VERSION\":\"KEY\"}}.",
        &command->secrets_file);
    add(command,
        (struct rind_flag){
            .name = "events",
            .kind = RIND_FLAG_CHOICE,
            .choices = events_kinds,
            .show_fallback = "pubsub with --provider gcp or a URL of Pub/Sub, memory with the "
                             "memory store, else none",
            .help = "Where tenants' events go. What is in pubsub or in memory is served to tenants "
                    "at /tenant_log; in memory each process has its own, gone at its end.",
            .value = &command->events});
}

static void add_service(struct rind_software_command *command)
{
    add_text(command, "tls-cert", "FILE",
             "PEM file with the TLS certificate chain, leaf first, read again on SIGHUP. Without "
             "it the realm serves plain HTTP, and something in front must end TLS.",
             &command->tls_certificate_file);
    add_text(command, "tls-key", "FILE", "PEM file with the certificate's private key.",
             &command->tls_key_file);
    add(command, (struct rind_flag){.name = "idle-timeout",
                                    .fallback = "11m",
                                    .kind = RIND_FLAG_DURATION,
                                    .min = RIND_NS_PER_MS,
                                    .help = "Close connections without any progress for so long.",
                                    .value = &command->idle_timeout_ns});
    add(command, (struct rind_flag){.name = "shutdown-timeout",
                                    .fallback = "10s",
                                    .kind = RIND_FLAG_DURATION,
                                    .help = "Exit so long after SIGTERM even if requests are left.",
                                    .value = &command->shutdown_timeout_ns});
}

/* Google's services, and how to reach them. */
static void add_google(struct rind_software_command *command)
{
    struct rind_flag_table *tables = command->tables;
    tables[1] = rind_bigtable_flags_table(&command->bigtable);
    tables[1].heading = "Bigtable, for --provider gcp";
    struct rind_flag *rows = command->bigtable.rows;
    /* Deployed software realms have these names, and nobody's instance is a good guess. */
    rows[0].environment = COMMAND_PROJECT_VARIABLE;
    rows[0].fallback = NULL;
    rows[0].help = "Google Cloud project of Bigtable, Secret Manager and Pub/Sub.";
    rows[1].environment = COMMAND_INSTANCE_VARIABLE;
    rows[1].fallback = NULL;
    rind_secret_manager_flag_rows(&command->secret_manager, command->secret_manager_rows);
    tables[2] = (struct rind_flag_table)RIND_FLAG_TABLE("Secret Manager, for --provider gcp",
                                                        command->secret_manager_rows);
    rind_pubsub_flag_rows(&command->pubsub, command->pubsub_rows);
    tables[3] = (struct rind_flag_table)RIND_FLAG_TABLE("Pub/Sub, for --events pubsub",
                                                        command->pubsub_rows);
}

void rind_software_command_init(struct rind_software_command *command)
{
    *command = (struct rind_software_command){0};
    add_realm(command);
    add_keeping(command);
    add_service(command);
    command->tables[0] = (struct rind_flag_table){NULL, command->rows, command->row_count};
    add_google(command);
    command->command = (struct rind_command){
        .program = "rind-software-realm",
        .about = "A realm without HSMs, for configurations that mix kinds of realms",
        .example = "rind-software-realm --id 2f8b1c5e00d14aa3b1f0c2d3e4f50617 \\\n      --store "
                   "lmdb:/var/lib/rind-software --secrets-file secrets.json",
        .tables = command->tables,
        .table_count = RIND_SOFTWARE_TABLES,
    };
}

/* ---- checks ---- */

static rind_status check_fail(struct rind_ctx *ctx, int *exit_status,
                              enum rind_software_exit reason, const char *sentence)
{
    *exit_status = (int)reason;
    return rind_fail(ctx, RIND_E_INVALID, "%s", sentence);
}

static rind_status check_id(struct rind_ctx *ctx, struct rind_software_command *command,
                            int *exit_status)
{
    if (!command->has_id) {
        if (strcmp(command->store, COMMAND_MEMORY_STORE) != 0) {
            return check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_ID_LENGTH,
                              "a realm whose records are kept needs its --id, always the same");
        }
        randombytes_buf(command->realm.bytes, sizeof(command->realm.bytes));
        return RIND_OK;
    }
    struct rind_slice text = rind_slice_text(command->id);
    if (text.length == 2 * sizeof(command->realm.bytes) &&
        rind_hex_decode(text, command->realm.bytes, sizeof(command->realm.bytes))) {
        return RIND_OK;
    }
    bool is_hex =
        text.length % 2 == 0 && strspn(command->id, "0123456789abcdefABCDEF") == text.length;
    return is_hex ? check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_ID_LENGTH,
                               "--id must have 32 hex digits")
                  : check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_ID_HEX, "--id is not hex");
}

static rind_status check_listen(struct rind_ctx *ctx, struct rind_software_command *command,
                                int *exit_status)
{
    char text[RIND_ADDRESS_TEXT_SIZE];
    char *end;
    if (command->has_listen) {
        return RIND_OK;
    }
    unsigned long port = strtoul(command->port, &end, 10);
    if (command->port[0] < '0' || command->port[0] > '9' || *end != '\0' || port > UINT16_MAX) {
        return check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_PORT,
                          "--port (or PORT) must be a number from 0 to 65535");
    }
    (void)snprintf(text, sizeof(text), "0.0.0.0:%lu", port);
    return rind_address_parse(ctx, rind_slice_text(text), &command->listen);
}

static rind_status check_store(struct rind_ctx *ctx, struct rind_software_command *command,
                               int *exit_status)
{
    const char *provided = NULL; /* the store that --provider means */
    if (command->has_provider) {
        provided = strcasecmp(command->provider, COMMAND_MEMORY) == 0   ? COMMAND_MEMORY_STORE
                   : strcasecmp(command->provider, COMMAND_GOOGLE) == 0 ? COMMAND_GOOGLE_STORE
                                                                        : NULL;
        if (provided == NULL) {
            return check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_PROVIDER,
                              "this program knows the providers memory and gcp; to keep records on "
                              "this machine, leave --provider (and PROVIDER) out and give --store "
                              "lmdb:DIRECTORY");
        }
    }
    if (!command->has_store) {
        command->store = provided != NULL ? provided : COMMAND_MEMORY_STORE;
    } else if (provided != NULL && strcmp(command->store, provided) != 0) {
        return check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_PROVIDER,
                          "--store and --provider (or PROVIDER) contradict each other; leave "
                          "--provider out");
    }
    command->is_google = strcmp(command->store, COMMAND_GOOGLE_STORE) == 0;
    if (command->is_google &&
        (command->bigtable.project == NULL || command->bigtable.instance == NULL)) {
        return check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_SET_UP,
                          "provider gcp needs --bigtable-project (or " COMMAND_PROJECT_VARIABLE
                          ") and --bigtable-instance (or " COMMAND_INSTANCE_VARIABLE ")");
    }
    return RIND_OK;
}

static rind_status check_events(struct rind_ctx *ctx, struct rind_software_command *command,
                                int *exit_status)
{
    bool is_memory = strcmp(command->store, COMMAND_MEMORY_STORE) == 0;
    *exit_status = RIND_SOFTWARE_EXIT_SET_UP;
    RIND_TRY(rind_pubsub_flags_complete(ctx, &command->pubsub));
    if (command->events == NULL) {
        command->events_kind = command->is_google || command->pubsub.is_url_given
                                   ? RIND_SOFTWARE_EVENTS_PUBSUB
                               : is_memory ? RIND_SOFTWARE_EVENTS_MEMORY
                                           : RIND_SOFTWARE_EVENTS_NONE;
    } else {
        while (strcmp(command->events, events_kinds[command->events_kind]) != 0) {
            command->events_kind++;
            RIND_ASSERT(events_kinds[command->events_kind] != NULL); /* a choice of the flag's */
        }
    }
    command->pubsub_project =
        command->pubsub.project != NULL ? command->pubsub.project : command->bigtable.project;
    RIND_REQUIRE(
        ctx, command->events_kind != RIND_SOFTWARE_EVENTS_PUBSUB || command->pubsub_project != NULL,
        RIND_E_INVALID, "events in Pub/Sub need --pubsub-project, or " COMMAND_PROJECT_VARIABLE);
    return RIND_OK;
}

rind_status rind_software_command_check(struct rind_ctx *ctx, struct rind_software_command *command,
                                        int *exit_status)
{
    *exit_status = RIND_SOFTWARE_EXIT_FAULT;
    RIND_TRY(check_store(ctx, command, exit_status));
    RIND_TRY(check_events(ctx, command, exit_status));
    *exit_status = RIND_SOFTWARE_EXIT_FAULT;
    RIND_TRY(check_id(ctx, command, exit_status));
    RIND_TRY(check_listen(ctx, command, exit_status));
    RIND_REQUIRE(ctx, (command->tls_certificate_file == NULL) == (command->tls_key_file == NULL),
                 RIND_E_INVALID, "--tls-cert and --tls-key go together");
    return RIND_OK;
}

void rind_software_command_translate(struct rind_software_command *command, int argc, char **argv)
{
    static const char *const names[] = {"-id", "-port", "-provider"};
    size_t used = 0;
    for (int i = 1; i < argc; i++) {
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
            size_t length = strlen(names[n]);
            bool is_it = strncmp(argv[i], names[n], length) == 0 &&
                         (argv[i][length] == '\0' || argv[i][length] == '=');
            if (is_it && used < RIND_SOFTWARE_TRANSLATED_MAX &&
                strlen(argv[i]) + 1 < RIND_SOFTWARE_TRANSLATED_SIZE) {
                (void)snprintf(command->translated[used], RIND_SOFTWARE_TRANSLATED_SIZE, "-%s",
                               argv[i]);
                argv[i] = command->translated[used++];
                break; /* it has two dashes now */
            }
        }
    }
}
