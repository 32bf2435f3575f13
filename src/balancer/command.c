/* command.c - see command.h. */
#include "balancer/command.h"

#include "base/assert.h"
#include "host/clock.h"

static void add(struct rind_balancer_command *command, struct rind_flag row)
{
    RIND_ASSERT(command->row_count < RIND_BALANCER_FLAGS_MAX);
    command->rows[command->row_count++] = row;
}

static void add_service(struct rind_balancer_command *command)
{
    add(command, (struct rind_flag){.name = "listen",
                                    .letter = 'l',
                                    .value_name = "LISTEN",
                                    .fallback = "127.0.0.1:8081",
                                    .kind = RIND_FLAG_ADDRESS,
                                    .help = "IP address and port to listen on.",
                                    .value = &command->listen});
    add(command, (struct rind_flag){.name = "name",
                                    .letter = 'n',
                                    .value_name = "NAME",
                                    .show_fallback = "lb{listen}",
                                    .kind = RIND_FLAG_TEXT,
                                    .help = "Name of this load balancer in logs and /livez.",
                                    .value = &command->name});
    add(command, (struct rind_flag){.name = "tls-key",
                                    .value_name = "TLS_KEY",
                                    .kind = RIND_FLAG_TEXT,
                                    .is_required = true,
                                    .help = "PEM file with the TLS private key (PKCS#8, PKCS#1 or "
                                            "SEC 1). Read again on SIGHUP.",
                                    .value = &command->tls_key_file,
                                    .is_given = &command->has_tls_key_file});
    add(command, (struct rind_flag){.name = "tls-cert",
                                    .value_name = "TLS_CERT",
                                    .kind = RIND_FLAG_TEXT,
                                    .is_required = true,
                                    .help = "PEM file with the TLS certificate chain, leaf first. "
                                            "Read again on SIGHUP.",
                                    .value = &command->tls_certificate_file,
                                    .is_given = &command->has_tls_certificate_file});
    add(command, (struct rind_flag){.name = "idle-timeout",
                                    .value_name = "TIMEOUT",
                                    .fallback = "60s",
                                    .kind = RIND_FLAG_DURATION,
                                    .min = RIND_NS_PER_MS,
                                    .help = "Close connections without any progress for so long.",
                                    .value = &command->idle_timeout_ns});
    add(command,
        (struct rind_flag){.name = "shutdown-notice-period",
                           .value_name = "TIME",
                           .fallback = "30s",
                           .kind = RIND_FLAG_DURATION,
                           .help = "After SIGTERM, go on serving for so long while /livez says "
                                   "Shutting down, so that health checks take the instance out of "
                                   "rotation.",
                           .value = &command->shutdown_notice_ns});
    add(command, (struct rind_flag){.name = "shutdown-timeout",
                                    .value_name = "SHUTDOWN_TIMEOUT",
                                    .fallback = "60s",
                                    .kind = RIND_FLAG_DURATION,
                                    .help = "Exit so long after SIGTERM even if connections are "
                                            "left; includes the notice period.",
                                    .value = &command->shutdown_timeout_ns});
    add(command, (struct rind_flag){.name = "trace-rate",
                                    .value_name = "TRACE_SAMPLING_RATE",
                                    .fallback = "0.1",
                                    .kind = RIND_FLAG_RATIO,
                                    .help = "Share of requests that are traced, from 0 to 1.",
                                    .value = &command->trace_rate});
}

static void add_all(struct rind_balancer_command *command, const struct rind_flag *rows,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(command, rows[i]);
    }
}

static void add_store(struct rind_balancer_command *command)
{
    add(command, (struct rind_flag){.name = "store",
                                    .value_name = "STORE",
                                    .environment = "RIND_STORE",
                                    .fallback = "bigtable",
                                    .kind = RIND_FLAG_TEXT,
                                    .help = "Where the realm's services are registered: lmdb:DIR "
                                            "(embedded, one machine) or bigtable.",
                                    .value = &command->store});
}

static void add_secrets(struct rind_balancer_command *command)
{
    add(command, (struct rind_flag){.name = "secrets-file",
                                    .value_name = "SECRETS_FILE",
                                    .show_fallback = "Google Secret Manager",
                                    .kind = RIND_FLAG_TEXT,
                                    .help = "JSON file with the record-id key and the tenants' "
                                            "keys, looked at again every 5 seconds.",
                                    .value = &command->secrets_file});
    struct rind_flag rows[RIND_SECRET_MANAGER_FLAG_ROWS];
    rind_secret_manager_flag_rows(&command->secrets_manager, rows);
    add_all(command, rows, RIND_SECRET_MANAGER_FLAG_ROWS);
}

void rind_balancer_command_init(struct rind_balancer_command *command)
{
    *command = (struct rind_balancer_command){0};
    static void (*const add_rows[])(struct rind_balancer_command *) = {add_service, add_store,
                                                                       add_secrets};
    static const char *const headings[] = {NULL, "Store", "Secrets"};
    size_t table_count = sizeof(add_rows) / sizeof(add_rows[0]);
    RIND_ASSERT(table_count + 1 == RIND_BALANCER_FLAG_TABLES);
    for (size_t i = 0; i < table_count; i++) {
        size_t first = command->row_count;
        add_rows[i](command);
        command->tables[i] = (struct rind_flag_table){headings[i], command->rows + first,
                                                      command->row_count - first};
    }
    command->tables[table_count++] = rind_bigtable_flags_table(&command->bigtable);
    command->command = (struct rind_command){
        .program = "rind-load-balancer",
        .about = "An HTTP load balancer for one or more realms",
        .example = "rind-load-balancer --listen 0.0.0.0:443 --tls-key key.pem --tls-cert cert.pem "
                   "\\\n      --store lmdb:/var/lib/rind/store --secrets-file secrets.json",
        .tables = command->tables,
        .table_count = table_count,
    };
}
