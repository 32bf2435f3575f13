/*
 * tenant_log.c - `rind tenant-log`: reads a tenant's events from rind-tenant-log (spec 05 section
 * 12.6).
 *
 * With --ack an event is acknowledged after it was printed, never before: what is lost with the
 * terminal comes again. Without it every event comes again after ten seconds.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/auth_token.h"
#include "cli/command.h"
#include "cli/https_post.h"
#include "cli/ids.h"
#include "host/json.h"

#define TENANT_LOG_TIMEOUT_MS 40000u /* the service waits up to 20 s, and asks Google */
#define TENANT_LOG_PAUSE_MS 1000u    /* after an empty page */
#define TENANT_LOG_PAGE_MAX 100u     /* whose acknowledgements fit in one request */
#define TENANT_LOG_TOKEN_SIZE_MAX 3900u
#define TENANT_LOG_BODY_SIZE_MAX 32000u
#define TENANT_LOG_SAID_SIZE_MAX 300u /* of what a service says about a failure */
/* Tokens that we make are renewed well before they end. */
#define TENANT_LOG_TOKEN_KEEP_MS (RIND_TOKEN_LIFETIME_S * 500u)

struct tenant_log {
    struct rind_cli *cli;
    struct rind_url url;
    const char *token;        /* as given, or NULL */
    const char *secrets_file; /* or made with a test tenant's key */
    const char *tenant;
    const char *realm;
    bool is_software;
    const char *ca_file;
    uint64_t page_size;
    bool does_follow;
    bool does_acknowledge;
    bool is_json;
    struct rind_https_post *https;
    uint64_t token_made_ns; /* 0: none yet */
    char authorization[TENANT_LOG_TOKEN_SIZE_MAX + 16];
    json_t *acks; /* of the page printed last */
};

/* --- the token --- */

static rind_status tenant_log_make_token(struct rind_ctx *ctx, struct tenant_log *log,
                                         struct rind_slice *token)
{
    struct rind_token_grant grant = {.tenant = rind_slice_text(log->tenant),
                                     .user = rind_slice_text("rind-tenant-log"),
                                     .scope = RIND_TOKEN_SCOPE_AUDIT};
    RIND_REQUIRE(ctx, rind_realm_id_parse(rind_slice_text(log->realm), &grant.realm),
                 RIND_E_INVALID, "'%.80s' is no realm id of 32 hex digits", log->realm);
    const struct rind_cli_keys keys = {.secrets_file = log->secrets_file};
    const char *prefix = log->is_software ? RIND_SECRET_SOFTWARE_PREFIX : RIND_SECRET_TENANT_PREFIX;
    return rind_cli_make_token(ctx, &keys, prefix, &grant, token);
}

static rind_status tenant_log_renew_token(struct rind_ctx *ctx, struct tenant_log *log)
{
    struct rind_slice token = rind_slice_text(log->token != NULL ? log->token : "");
    uint64_t now_ns = rind_clock_monotonic_ns();
    bool is_fresh = log->token_made_ns != 0 &&
                    (log->token != NULL ||
                     now_ns - log->token_made_ns < TENANT_LOG_TOKEN_KEEP_MS * RIND_NS_PER_MS);
    if (is_fresh) {
        return RIND_OK;
    }
    if (log->token == NULL) {
        RIND_TRY(tenant_log_make_token(ctx, log, &token));
    }
    RIND_REQUIRE(ctx, token.length <= TENANT_LOG_TOKEN_SIZE_MAX, RIND_E_LIMIT,
                 "the token has %zu bytes, more than %u", token.length, TENANT_LOG_TOKEN_SIZE_MAX);
    (void)snprintf(log->authorization, sizeof(log->authorization), "Bearer %.*s", (int)token.length,
                   (const char *)token.data);
    log->token_made_ns = now_ns;
    return RIND_OK;
}

/* --- one request --- */

static rind_status tenant_log_post(struct rind_ctx *ctx, struct tenant_log *log, const char *path,
                                   struct rind_slice body, struct rind_slice *answer)
{
    struct rind_url url;
    RIND_TRY(rind_url_join(ctx, &log->url, path, &url));
    RIND_TRY(tenant_log_renew_token(ctx, log));
    const struct rind_https_post_call call = {.url = &url,
                                              .authorization = log->authorization,
                                              .body = body,
                                              .timeout_ms = TENANT_LOG_TIMEOUT_MS};
    struct rind_slice got;
    unsigned status = 0;
    RIND_TRY(rind_https_post_send(ctx, log->https, &call, &status, &got));
    size_t first_line = 0;
    while (first_line < got.length && first_line < TENANT_LOG_SAID_SIZE_MAX &&
           got.data[first_line] >= ' ') {
        first_line++;
    }
    RIND_REQUIRE(ctx, status == 200, RIND_E_HTTP_STATUS, "%s answered %u: %.*s", url.text, status,
                 (int)first_line, first_line > 0 ? (const char *)got.data : "");
    *answer = got;
    return RIND_OK;
}

/* {"acks":[...],"page_size":n}, or without page_size if it is 0. */
static rind_status tenant_log_body(struct rind_ctx *ctx, const struct tenant_log *log,
                                   uint64_t page_size, struct rind_slice *body)
{
    json_t *root = json_object();
    bool is_made = log->acks == NULL || json_object_set(root, "acks", log->acks) == 0;
    is_made = is_made &&
              (page_size == 0 ||
               json_object_set_new(root, "page_size", json_integer((json_int_t)page_size)) == 0);
    rind_status status = is_made ? rind_json_write(ctx, root, body)
                                 : rind_fail(ctx, RIND_E_LIMIT, "no memory for a request");
    json_decref(root);
    RIND_TRY(status);
    RIND_REQUIRE(ctx, body->length <= TENANT_LOG_BODY_SIZE_MAX, RIND_E_LIMIT,
                 "the acknowledgements are too long: use a smaller --page-size");
    return RIND_OK;
}

/* --- printing --- */

static rind_status tenant_log_print_row(struct rind_ctx *ctx, const struct rind_json_at *event)
{
    static const char *const texts[] = {"when", "event"};
    struct rind_json_at number;
    const char *text;
    for (size_t i = 0; i < 2; i++) {
        RIND_TRY(rind_json_member_text(ctx, event, texts[i], &text));
        (void)printf(i == 0 ? "%-30s  " : "%-15s  ", text);
    }
    RIND_TRY(rind_json_member_optional(ctx, event, "guess_count", &number));
    if (number.value != NULL) {
        uint64_t used;
        uint64_t allowed;
        RIND_TRY(rind_json_u64(ctx, &number, &used));
        RIND_TRY(rind_json_member(ctx, event, "num_guesses", &number));
        RIND_TRY(rind_json_u64(ctx, &number, &allowed));
        char guesses[48];
        (void)snprintf(guesses, sizeof(guesses), "%" PRIu64 "/%" PRIu64, used, allowed);
        (void)printf("%-7s  ", guesses);
    } else {
        (void)printf("%-7s  ", "");
    }
    RIND_TRY(rind_json_member_text(ctx, event, "user_id", &text));
    (void)printf("%s\n", text);
    return RIND_OK;
}

static rind_status tenant_log_print_event(struct rind_ctx *ctx, const struct tenant_log *log,
                                          const struct rind_json_at *event)
{
    if (!log->is_json) {
        return tenant_log_print_row(ctx, event);
    }
    struct rind_slice text;
    RIND_TRY(rind_json_write(ctx, event->value, &text));
    (void)printf("%.*s\n", (int)text.length, (const char *)text.data);
    return RIND_OK;
}

/* Prints a page and notes its acknowledgements. */
static rind_status tenant_log_print(struct rind_ctx *ctx, struct tenant_log *log,
                                    const json_t *root, size_t *count)
{
    struct rind_json_at at = rind_json_root(root, "answer");
    struct rind_json_at events;
    json_decref(log->acks);
    log->acks = json_array();
    RIND_TRY(rind_json_member(ctx, &at, "events", &events));
    RIND_TRY(rind_json_count(ctx, &events, count));
    for (size_t i = 0; i < *count; i++) {
        struct rind_json_at event;
        const char *ack;
        RIND_TRY(rind_json_element(ctx, &events, i, &event));
        RIND_TRY(tenant_log_print_event(ctx, log, &event));
        RIND_TRY(rind_json_member_text(ctx, &event, "ack", &ack));
        RIND_REQUIRE(ctx, json_array_append_new(log->acks, json_string(ack)) == 0, RIND_E_LIMIT,
                     "no memory for acknowledgements");
    }
    RIND_REQUIRE(ctx, fflush(stdout) == 0, RIND_E_IO, "cannot write to stdout");
    if (!log->does_acknowledge || *count == 0) {
        json_decref(log->acks);
        log->acks = NULL;
    }
    return RIND_OK;
}

/* --- reading --- */

static rind_status tenant_log_page(struct rind_ctx *ctx, struct tenant_log *log, size_t *count)
{
    struct rind_slice body;
    struct rind_slice answer;
    json_t *root;
    RIND_TRY(tenant_log_body(ctx, log, log->page_size, &body));
    RIND_TRY(tenant_log_post(ctx, log, "tenant_log", body, &answer));
    RIND_TRY(rind_json_parse(ctx, answer, "the answer", &root));
    rind_status status = tenant_log_print(ctx, log, root, count);
    json_decref(root);
    return status;
}

static rind_status tenant_log_acknowledge(struct rind_ctx *ctx, struct tenant_log *log)
{
    struct rind_slice body;
    struct rind_slice answer;
    if (log->acks == NULL) {
        return RIND_OK;
    }
    RIND_TRY(tenant_log_body(ctx, log, 0, &body));
    return tenant_log_post(ctx, log, "tenant_log/ack", body, &answer);
}

/* One page; or page after page until the process is asked to end. */
static rind_status tenant_log_read(struct tenant_log *log, struct rind_process *process)
{
    struct rind_ctx *ctx = &log->cli->ctx;
    size_t mark = rind_arena_mark(ctx->arena);
    struct rind_stopper *stopper = rind_process_stopper(process);
    do {
        size_t count = 0;
        rind_arena_release(ctx->arena, mark);
        RIND_TRY(tenant_log_page(ctx, log, &count));
        /* At once, for whoever waits for the next page may wait longer than events stay ours. */
        RIND_TRY(tenant_log_acknowledge(ctx, log));
        json_decref(log->acks);
        log->acks = NULL;
        if (log->does_follow && count == 0) {
            (void)rind_stopper_wait(stopper, rind_deadline_in_ms(TENANT_LOG_PAUSE_MS));
        }
    } while (log->does_follow && !rind_stopper_is_set(stopper));
    return RIND_OK;
}

static rind_status tenant_log_run(struct tenant_log *log)
{
    struct rind_ctx *ctx = &log->cli->ctx;
    struct rind_process *process;
    RIND_REQUIRE(ctx,
                 (log->token != NULL) !=
                     (log->secrets_file != NULL && log->tenant != NULL && log->realm != NULL),
                 RIND_E_INVALID,
                 "give --token, or --secrets-file, --tenant and --realm to make one");
    RIND_TRY(rind_https_post_open(ctx, log->ca_file, &log->https));
    RIND_TRY(rind_process_open(ctx, &log->cli->log, &process));
    rind_status status = tenant_log_read(log, process);
    rind_process_close(process);
    return status;
}

int rind_cli_tenant_log(struct rind_cli *cli, int argc, char *const *argv)
{
    struct tenant_log log = {.cli = cli};
    const struct rind_flag flags[] = {
        {.name = "url",
         .letter = 'u',
         .value_name = "URL",
         .fallback = "http://localhost:8080/",
         .kind = RIND_FLAG_URL,
         .help = "Where rind-tenant-log, a software realm, or what ends TLS in front of them, "
                 "serves.",
         .value = &log.url},
        {.name = "token",
         .value_name = "TOKEN",
         .environment = "RIND_TENANT_TOKEN",
         .kind = RIND_FLAG_TEXT,
         .help = "Token of the tenant with the scope audit. Others on this machine can see it on a "
                 "command line; not in the environment.",
         .value = &log.token},
        {.name = "secrets-file",
         .value_name = "SECRETS_FILE",
         .kind = RIND_FLAG_TEXT,
         .help = "Make tokens with a test tenant's key in this file instead.",
         .value = &log.secrets_file},
        {.name = "tenant",
         .letter = 't',
         .kind = RIND_FLAG_TEXT,
         .help = "With --secrets-file: the tenant; its name begins with test-.",
         .value = &log.tenant},
        {.name = "realm",
         .letter = 'r',
         .kind = RIND_FLAG_TEXT,
         .help = "With --secrets-file: the realm's id of 32 hex digits.",
         .value = &log.realm},
        {.name = "software",
         .kind = RIND_FLAG_BOOL,
         .help = "With --secrets-file: the realm is a software realm, whose keys are called "
                 "jb-sw-tenant-TENANT.",
         .value = &log.is_software},
        {.name = "page-size",
         .fallback = "20",
         .kind = RIND_FLAG_U64,
         .min = 1,
         .max = TENANT_LOG_PAGE_MAX,
         .help = "Events to ask for at one time.",
         .value = &log.page_size},
        {.name = "follow",
         .letter = 'f',
         .kind = RIND_FLAG_BOOL,
         .help = "Go on with new events until interrupted.",
         .value = &log.does_follow},
        {.name = "ack",
         .kind = RIND_FLAG_BOOL,
         .help = "Acknowledge events once they are printed: they do not come again, to nobody.",
         .value = &log.does_acknowledge},
        {.name = "ca-file",
         .value_name = "PEM",
         .kind = RIND_FLAG_TEXT,
         .help = "Certificate authorities to trust instead of the system's.",
         .value = &log.ca_file},
        {.name = "json",
         .kind = RIND_FLAG_BOOL,
         .help = "Print each event as one line of JSON.",
         .value = &log.is_json},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind tenant-log",
        .about = "Prints what happened to the secrets of a tenant's users. Waits up to 20 seconds "
                 "for the first event. Without --ack events come again after ten seconds.",
        .example = "rind tenant-log --url https://events.example.com/ --follow --ack",
        .tables = tables,
        .table_count = 1,
    };
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    rind_status status = tenant_log_run(&log);
    rind_wipe(log.authorization, sizeof(log.authorization));
    rind_https_post_close(log.https);
    json_decref(log.acks);
    return rind_cli_exit(cli, status);
}
