/* options.c - see options.h. */
#include "tenantlog/options.h"

#include <stdio.h>
#include <string.h>

#include "tenantlog/service.h"

#define OPTIONS_ARGUMENTS_MAX 128
#define OPTIONS_ID_SIZE 64u

/* What the rows below fill as text, since each has an exit status of its own. */
struct option_texts {
    const char *id;
    const char *port;
    const char *listen;
};

/* Go programs write long flags with one dash; scripts that start such a service do so too. */
static const char *translate(const char *argument, char memory[static OPTIONS_ID_SIZE])
{
    static const char *const names[] = {"-id", "-port"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i]);
        if (strncmp(argument, names[i], length) == 0 &&
            (argument[length] == '\0' || argument[length] == '=')) {
            int written = snprintf(memory, OPTIONS_ID_SIZE, "-%s", argument);
            return written > 0 && (size_t)written < OPTIONS_ID_SIZE ? memory : argument;
        }
    }
    return argument;
}

static bool refuse(int *exit_status, int status, const char *sentence)
{
    (void)fprintf(stderr, "rind-tenant-log: %s\n", sentence);
    *exit_status = status;
    return false;
}

static bool read_id(const char *text, struct rind_realm_id *realm, int *exit_status)
{
    size_t length = strlen(text);
    if (strspn(text, "0123456789abcdefABCDEF") != length || length % 2 != 0) {
        return refuse(exit_status, RIND_TENANT_LOG_EXIT_ID_HEX,
                      "the realm id is not hex; give its 32 hex digits with -id or REALM_ID");
    }
    if (!rind_hex_decode(rind_slice_text(text), realm->bytes, sizeof(realm->bytes))) {
        return refuse(exit_status, RIND_TENANT_LOG_EXIT_ID_LENGTH,
                      "the realm id is not 16 bytes; give its 32 hex digits with -id or REALM_ID");
    }
    return true;
}

static bool read_port(const char *text, struct rind_address *listen, int *exit_status)
{
    size_t length = strlen(text);
    unsigned port = 0;
    bool is_port = length > 0 && length <= 5 && strspn(text, "0123456789") == length;
    for (size_t i = 0; is_port && i < length; i++) {
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (!is_port || port > UINT16_MAX) {
        return refuse(exit_status, RIND_TENANT_LOG_EXIT_PORT,
                      "the port is no number from 0 to 65535; give it with -port or PORT");
    }
    rind_address_set_port(listen, (uint16_t)port);
    return true;
}

static bool read_listen(const char *text, struct rind_address *listen, int *exit_status)
{
    char with_port[RIND_ADDRESS_TEXT_SIZE];
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    int length =
        snprintf(with_port, sizeof(with_port), strchr(text, ':') != NULL ? "[%s]:0" : "%s:0", text);
    if (length < 0 || (size_t)length >= sizeof(with_port) ||
        !rind_is_ok(rind_address_parse(&ctx, rind_slice_text(with_port), listen))) {
        return refuse(exit_status, RIND_EXIT_USAGE,
                      "--listen is no IP address; 0.0.0.0 and [::] are all of this machine");
    }
    return true;
}

static bool options_finish(struct rind_tenant_log_flags *flags, const struct option_texts *texts,
                           int *exit_status)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    if (!read_id(texts->id != NULL ? texts->id : "", &flags->realm, exit_status) ||
        !read_listen(texts->listen, &flags->listen, exit_status) ||
        !read_port(texts->port, &flags->listen, exit_status)) {
        return false;
    }
    if (!rind_is_ok(rind_pubsub_flags_complete(&ctx, &flags->pubsub))) {
        return refuse(exit_status, RIND_TENANT_LOG_EXIT_PUBSUB, ctx.sentence);
    }
    if (flags->pubsub.project == NULL) {
        flags->pubsub.project = flags->project;
    }
    return true;
}

static bool options_parse(struct rind_tenant_log_flags *flags, struct option_texts *texts, int argc,
                          char *const *argv, int *exit_status)
{
    const struct rind_flag service_rows[] = {
        {.name = "id",
         .value_name = "REALM",
         .environment = "REALM_ID",
         .kind = RIND_FLAG_TEXT,
         .help = "Realm whose events are shown: 32 hex digits. Required.",
         .value = &texts->id},
        {.name = "port",
         .environment = "PORT",
         .fallback = "8080",
         .kind = RIND_FLAG_TEXT,
         .help = "Port to serve plain HTTP on; TLS ends in front of it.",
         .value = &texts->port},
        {.name = "listen",
         .value_name = "IP",
         .fallback = "0.0.0.0",
         .kind = RIND_FLAG_TEXT,
         .help = "Address to serve on, without a port.",
         .value = &texts->listen},
        {.name = "project",
         .environment = "GCP_PROJECT_ID",
         .is_required = true,
         .kind = RIND_FLAG_TEXT,
         .help = "Google Cloud project of Secret Manager and Pub/Sub.",
         .value = &flags->project},
        {.name = "require-exp",
         .kind = RIND_FLAG_BOOL,
         .help = "Refuse tokens that never expire.",
         .value = &flags->must_expire},
        {.name = "worker-threads",
         .fallback = "256",
         .kind = RIND_FLAG_U64,
         .min = 4,
         .max = 1024,
         .help = "Requests worked on at one time. Three quarters of them may be waiting for "
                 "events; more get what is there at once.",
         .value = &flags->worker_threads},
    };
    struct rind_flag secrets_rows[1 + RIND_SECRET_MANAGER_FLAG_ROWS] = {
        {.name = "secrets-file",
         .value_name = "SECRETS_FILE",
         .show_fallback = "Google Secret Manager",
         .kind = RIND_FLAG_TEXT,
         .help = "JSON file with the tenants' keys, looked at again every 5 seconds.",
         .value = &flags->secrets_file},
    };
    struct rind_flag pubsub_rows[RIND_PUBSUB_FLAG_ROWS];
    rind_secret_manager_flag_rows(&flags->secret_manager, secrets_rows + 1);
    rind_pubsub_flag_rows(&flags->pubsub, pubsub_rows);
    pubsub_rows[0].show_fallback = "--project";
    const struct rind_flag_table tables[] = {
        RIND_FLAG_TABLE(NULL, service_rows),
        RIND_FLAG_TABLE("Secrets", secrets_rows),
        RIND_FLAG_TABLE("Pub/Sub", pubsub_rows),
    };
    const struct rind_command command = {
        .program = "rind-tenant-log",
        .about = "Shows tenants what happened to their users' secrets in a realm.",
        .example = "GCP_PROJECT_ID=example rind-tenant-log -id 2f8b... -port 8080",
        .tables = tables,
        .table_count = sizeof(tables) / sizeof(tables[0]),
    };
    return rind_flags_or_exit(&command, argc, argv, exit_status);
}

bool rind_tenant_log_flags_parse(struct rind_tenant_log_flags *flags, int argc, char *const *argv,
                                 int *exit_status)
{
    char memory[OPTIONS_ARGUMENTS_MAX][OPTIONS_ID_SIZE];
    const char *arguments[OPTIONS_ARGUMENTS_MAX];
    struct option_texts texts = {0};
    *flags = (struct rind_tenant_log_flags){0};
    if (argc >= OPTIONS_ARGUMENTS_MAX) {
        return refuse(exit_status, RIND_EXIT_USAGE, "too many arguments");
    }
    for (int i = 0; i < argc; i++) {
        arguments[i] = i > 0 ? translate(argv[i], memory[i]) : argv[i];
    }
    arguments[argc] = NULL;
    /* The parser takes what main gets, and changes none of it. */
    return options_parse(flags, &texts, argc, (char *const *)(uintptr_t)arguments, exit_status) &&
           options_finish(flags, &texts, exit_status);
}
