/* manager_call.c - see manager_call.h. */
#include "cli/manager_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/ids.h"

#define PROGRESS_AFTER_MS 1000u /* what is faster needs no progress */
#define PROGRESS_INTERVAL_MS 250u
#define PROGRESS_LINE_MS 10000u /* not on a terminal: a line of its own, so often */

rind_status rind_cli_find_managers(struct rind_cli *cli, const struct rind_url *given,
                                   struct rind_cli_managers *managers)
{
    struct rind_services services = {0};
    if (given == NULL) {
        rind_status looked =
            rind_store_discovery_lookup(&cli->ctx, cli->store, RIND_SERVICE_CLUSTER_MANAGER,
                                        rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &services);
        if (!rind_is_ok(looked)) {
            return rind_fail_while(&cli->ctx, looked, "service discovery failed");
        }
        RIND_REQUIRE(&cli->ctx, services.count > 0, RIND_E_NOT_FOUND,
                     "No cluster managers in service discovery, and no explicit cluster manager "
                     "URL set.");
    }
    managers->count = given == NULL ? services.count : 1;
    managers->urls = rind_ctx_alloc_array(&cli->ctx, managers->count, sizeof(*managers->urls));
    RIND_REQUIRE(&cli->ctx, managers->urls != NULL, RIND_E_LIMIT, "no memory for %zu managers",
                 managers->count);
    for (size_t i = 0; i < managers->count; i++) {
        managers->urls[i] = given == NULL ? services.services[i].url : given->text;
    }
    return RIND_OK;
}

/* The line that is rewritten in place while a call is under way; elsewhere a line now and then. */
struct progress {
    const char *doing;
    uint64_t start_ns;
    uint64_t line_count;
    bool is_shown;
};

static void progress_show(struct progress *progress)
{
    uint64_t elapsed_ms = (rind_clock_monotonic_ns() - progress->start_ns) / RIND_NS_PER_MS;
    if (!isatty(STDERR_FILENO)) {
        if (elapsed_ms / PROGRESS_LINE_MS > progress->line_count) {
            progress->line_count++;
            (void)fprintf(stderr, "%s ... %" PRIu64 " s\n", progress->doing, elapsed_ms / 1000);
        }
    } else if (elapsed_ms >= PROGRESS_AFTER_MS) {
        (void)fprintf(stderr, "\r%s ... %" PRIu64 " s ", progress->doing, elapsed_ms / 1000);
        progress->is_shown = true;
    }
}

static void progress_end(const struct progress *progress)
{
    if (progress->is_shown) {
        (void)fprintf(stderr, "\r\033[K");
    }
}

static rind_status manager_call_one(struct rind_cli *cli, const char *url, const char *doing,
                                    const struct rind_rpc *rpc, const void *request, void *response,
                                    struct rind_deadline deadline)
{
    struct rind_rpc_fan fan;
    struct rind_rpc_result result;
    struct progress progress = {.doing = doing, .start_ns = rind_clock_monotonic_ns()};
    RIND_TRY(rind_rpc_fan_open(&cli->ctx, cli->client, &url, 1, rpc, request, deadline, &fan));
    bool has_ended = false;
    while (!has_ended && !rind_deadline_has_expired(deadline)) {
        fan.deadline = rind_deadline_min(deadline, rind_deadline_in_ms(PROGRESS_INTERVAL_MS));
        has_ended = rind_rpc_fan_next(&cli->ctx, &fan, response, &result);
        progress_show(&progress);
    }
    progress_end(&progress);
    rind_status status = RIND_OK;
    if (!has_ended) {
        status =
            rind_fail(&cli->ctx, RIND_E_TIMEOUT,
                      "cluster manager %s did not answer in time; it may still be at work", url);
    } else if (!rind_is_ok(result.status)) {
        status = rind_fail(&cli->ctx, (enum rind_code)result.status.code, "cluster manager %s: %s",
                           url, result.sentence);
    }
    rind_rpc_fan_close(&fan);
    return status;
}

rind_status rind_cli_call_manager(struct rind_cli *cli, const struct rind_cli_managers *managers,
                                  const char *doing, const struct rind_rpc *rpc,
                                  const void *request, void *response, uint64_t timeout_ms)
{
    struct rind_deadline deadline = rind_deadline_in_ms(timeout_ms);
    rind_status status = rind_fail(&cli->ctx, RIND_E_NOT_FOUND, "no cluster manager to ask");
    for (size_t i = 0; i < managers->count; i++) {
        status = manager_call_one(cli, managers->urls[i], doing, rpc, request, response, deadline);
        if (!rind_is(status, RIND_E_NETWORK)) {
            break;
        }
    }
    return status;
}

static void transfer_announce(const struct rind_cluster_transfer_request *request)
{
    char memory[RIND_OWNED_RANGE_TEXT_SIZE];
    char realm[RIND_CLI_ID_TEXT_SIZE];
    char source[RIND_CLI_ID_TEXT_SIZE];
    char destination[RIND_CLI_ID_TEXT_SIZE];
    struct rind_buffer range;
    rind_buffer_init(&range, memory, sizeof(memory));
    rind_owned_range_print(&range, &request->range);
    (void)printf("Transferring range %.*s in realm %s from group %s to %s\n", (int)range.length,
                 memory, rind_cli_id_text(request->realm.bytes, realm),
                 rind_cli_id_text(request->source.bytes, source),
                 rind_cli_id_text(request->destination.bytes, destination));
    (void)fflush(stdout);
}

rind_status rind_cli_transfer_range(struct rind_cli *cli, const struct rind_cli_managers *managers,
                                    const struct rind_cluster_transfer_request *request,
                                    bool is_quiet)
{
    static const char context[] =
        "error while asking cluster manager to perform ownership transfer";
    struct rind_cluster_transfer_response response;
    if (!is_quiet) {
        transfer_announce(request);
    }
    rind_status called =
        rind_cli_call_manager(cli, managers, "transferring", &rind_rpc_manager_transfer, request,
                              &response, RIND_TRANSFER_CALL_TIMEOUT_MS);
    if (!rind_is_ok(called)) {
        return rind_fail_while(&cli->ctx, called, "%s", context);
    }
    if (response.kind == RIND_CLUSTER_TRANSFER_OK) {
        return RIND_OK;
    }
    char memory[RIND_SENTENCE_SIZE_MAX];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_transfer_error_print(&text, &response.error);
    return rind_fail(&cli->ctx, RIND_E_UNAVAILABLE, "%s: %.*s", context, (int)text.length, memory);
}
