/* set_capacity.c - `rind tenant set-capacity`: a tenant's share of the realm (spec 08 section 14).
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "rpc/rpc.h"

#define SET_CAPACITY_TIMEOUT_MS 10000u

/* Says of each agent, in discovery order, whether it has taken the change over. */
struct set_capacity_answer {
    bool is_reloaded;
    uint64_t tenants;
    bool is_store_failing;
    char fault[RIND_SENTENCE_SIZE_MAX];
};

static rind_status set_capacity_reload(struct rind_cli *cli, const char *const *urls, size_t count,
                                       struct set_capacity_answer *answers)
{
    const struct rind_agent_tenants_reload_request request = {0};
    struct rind_agent_tenants_reload_response response;
    struct rind_rpc_result result;
    struct rind_rpc_fan fan;
    RIND_TRY(rind_rpc_fan_open(&cli->ctx, cli->client, urls, count, &rind_rpc_tenants_reload,
                               &request, rind_deadline_in_ms(SET_CAPACITY_TIMEOUT_MS), &fan));
    while (rind_rpc_fan_next(&cli->ctx, &fan, &response, &result)) {
        struct set_capacity_answer *answer = &answers[result.index];
        if (!rind_is_ok(result.status)) {
            (void)snprintf(answer->fault, sizeof(answer->fault), "%s", result.sentence);
        } else if (response.kind == RIND_AGENT_TENANTS_RELOAD_NO_STORE) {
            answer->is_store_failing = true;
        } else {
            answer->is_reloaded = true;
            answer->tenants = response.ok.num_tenants;
        }
    }
    rind_rpc_fan_close(&fan);
    return RIND_OK;
}

static void set_capacity_report(const char *const *urls, size_t count,
                                const struct set_capacity_answer *answers)
{
    for (size_t i = 0; i < count; i++) {
        if (answers[i].is_reloaded) {
            (void)printf("agent %s reloaded tenant config for %" PRIu64 " tenants\n", urls[i],
                         answers[i].tenants);
        } else if (answers[i].is_store_failing) {
            (void)fprintf(stderr, "agent %s reports store error\n", urls[i]);
        } else {
            (void)fprintf(stderr, "rpc error to agent %s: %s\n", urls[i],
                          answers[i].fault[0] != '\0' ? answers[i].fault : "no answer in time");
        }
    }
    (void)printf("Updated tenant configuration\n");
}

static rind_status set_capacity_report_json(struct rind_cli *cli, const char *const *urls,
                                            size_t count, const struct set_capacity_answer *answers)
{
    json_t *agents = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *fault = answers[i].is_store_failing   ? "store error"
                            : answers[i].fault[0] != '\0' ? answers[i].fault
                                                          : "no answer in time";
        json_t *agent =
            answers[i].is_reloaded
                ? json_pack("{s:s, s:I}", "url", urls[i], "tenants", (json_int_t)answers[i].tenants)
                : json_pack("{s:s, s:s}", "url", urls[i], "error", fault);
        (void)json_array_append_new(agents, agent);
    }
    return rind_cli_print_json(cli, json_pack("{s:o}", "agents", agents));
}

static rind_status set_capacity_run(struct rind_cli *cli, const char *store, const char *tenant,
                                    uint64_t capacity, bool is_json)
{
    struct rind_services services;
    struct rind_deadline deadline = rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS);
    RIND_TRY(rind_cli_connect(cli, store));
    RIND_TRY(rind_store_tenant_put(&cli->ctx, cli->store, tenant, capacity, deadline));
    RIND_TRY(rind_store_discovery_lookup(&cli->ctx, cli->store, RIND_SERVICE_AGENT, deadline,
                                         &services));
    const char **urls = rind_ctx_alloc_array(&cli->ctx, services.count, sizeof(*urls));
    struct set_capacity_answer *answers =
        rind_ctx_alloc_array(&cli->ctx, services.count, sizeof(*answers));
    RIND_REQUIRE(&cli->ctx, urls != NULL && answers != NULL, RIND_E_LIMIT,
                 "no memory for %zu agents", services.count);
    for (size_t i = 0; i < services.count; i++) {
        urls[i] = services.services[i].url;
    }
    RIND_TRY(set_capacity_reload(cli, urls, services.count, answers));
    size_t failed = 0;
    for (size_t i = 0; i < services.count; i++) {
        failed += answers[i].is_reloaded ? 0 : 1;
    }
    if (is_json) {
        RIND_TRY(set_capacity_report_json(cli, urls, services.count, answers));
    } else {
        set_capacity_report(urls, services.count, answers);
    }
    RIND_REQUIRE(&cli->ctx, failed == 0, RIND_E_UNAVAILABLE,
                 "%zu of %zu agents did not reload; they will within a minute if they run", failed,
                 services.count);
    return RIND_OK;
}

int rind_cli_set_capacity(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    const char *tenant = NULL;
    uint64_t capacity = 0;
    bool is_json = false;
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(store),
        RIND_CLI_JSON_FLAG(is_json),
        {.value_name = "TENANT",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Tenant as its tokens name it.",
         .value = &tenant},
        {.value_name = "OPS_PER_SEC",
         .kind = RIND_FLAG_U64,
         .is_required = true,
         .max = 1000000000,
         .help = "Registrations, recoveries and deletions per second it may make in each realm.",
         .value = &capacity},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind tenant set-capacity",
        .about = "Sets how much of the realms' capacity a tenant may use, and tells all agents. "
                 "Exit status 1 if an agent could not be told.",
        .example = "rind tenant set-capacity --store lmdb:/var/lib/rind/store acme 100",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, set_capacity_run(cli, store, tenant, capacity, is_json));
}
