/* command.c - see command.h. */
#include "software/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <sodium.h>

#define COMMAND_PORT_DEFAULT "8080"
#define COMMAND_MEMORY "memory"
#define COMMAND_MEMORY_STORE "memory:"

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
                                    .help = "Where records are kept: lmdb:DIRECTORY, or memory: to "
                                            "try things out (all is gone at the end).",
                                    .value = &command->store,
                                    .is_given = &command->has_store});
    add(command, (struct rind_flag){.name = "provider",
                                    .value_name = "PROVIDER",
                                    .environment = "PROVIDER",
                                    .show_fallback = COMMAND_MEMORY,
                                    .kind = RIND_FLAG_TEXT,
                                    .help = "The same in the words of other software realms: only "
                                            "memory is there; use --store to keep records.",
                                    .value = &command->provider,
                                    .is_given = &command->has_provider});
    add_text(
        command, "secrets-file", "FILE",
        "JSON file with the tenants' keys, called jb-sw-tenant-TENANT, looked at again every 5 "
        "seconds. Without it the environment variable TENANT_SECRETS has them: "
        "{\"TENANT\":{\"VERSION\":\"KEY\"}}.",
        &command->secrets_file);
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

void rind_software_command_init(struct rind_software_command *command)
{
    *command = (struct rind_software_command){0};
    add_realm(command);
    add_keeping(command);
    add_service(command);
    command->table = (struct rind_flag_table){NULL, command->rows, command->row_count};
    command->command = (struct rind_command){
        .program = "rind-software-realm",
        .about = "A realm without HSMs, for configurations that mix kinds of realms",
        .example = "rind-software-realm --id 2f8b1c5e00d14aa3b1f0c2d3e4f50617 \\\n      --store "
                   "lmdb:/var/lib/rind-software --secrets-file secrets.json",
        .tables = &command->table,
        .table_count = 1,
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
    if (command->has_provider && strcasecmp(command->provider, COMMAND_MEMORY) != 0) {
        return check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_PROVIDER,
                          "this program knows the provider memory only; to keep records, leave "
                          "--provider (and PROVIDER) out and give --store lmdb:DIRECTORY");
    }
    if (!command->has_store) {
        command->store = COMMAND_MEMORY_STORE;
    } else if (command->has_provider && strcmp(command->store, COMMAND_MEMORY_STORE) != 0) {
        return check_fail(ctx, exit_status, RIND_SOFTWARE_EXIT_PROVIDER,
                          "--store and --provider (or PROVIDER) contradict each other; leave "
                          "--provider out");
    }
    return RIND_OK;
}

rind_status rind_software_command_check(struct rind_ctx *ctx, struct rind_software_command *command,
                                        int *exit_status)
{
    *exit_status = RIND_SOFTWARE_EXIT_FAULT;
    RIND_TRY(check_store(ctx, command, exit_status));
    RIND_TRY(check_id(ctx, command, exit_status));
    RIND_TRY(check_listen(ctx, command, exit_status));
    RIND_REQUIRE(ctx, (command->tls_certificate_file == NULL) == (command->tls_key_file == NULL),
                 RIND_E_INVALID, "--tls-cert and --tls-key go together");
    return RIND_OK;
}

void rind_software_command_translate(int argc, char **argv)
{
    static char id[] = "--id";
    static char port[] = "--port";
    static char provider[] = "--provider";
    char *const ours[] = {id, port, provider};
    for (int i = 1; i < argc; i++) {
        for (size_t n = 0; n < sizeof(ours) / sizeof(ours[0]); n++) {
            if (strcmp(argv[i], ours[n] + 1) == 0) {
                argv[i] = ours[n];
            }
        }
    }
}
