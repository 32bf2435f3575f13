/* core_host.c - see core_host.h. */
#include "cli/bench/core_host.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cli/bench/cpu_clock.h"

#define CORE_MESSAGE_SIZE_MAX 1024u /* of a message under a MAC; an entry's has under 600 */

/* ---- the platform ---- */

static rind_status core_nvram_read(void *context, struct rind_ctx *ctx, struct rind_buffer *data)
{
    (void)ctx;
    const struct rind_core_host *host = context;
    rind_buffer_append(data, rind_slice_make(host->nvram, host->nvram_length));
    return RIND_OK;
}

static rind_status core_nvram_write(void *context, struct rind_ctx *ctx, struct rind_slice data)
{
    struct rind_core_host *host = context;
    RIND_REQUIRE(ctx, data.length <= sizeof(host->nvram), RIND_E_LIMIT, "NVRAM is too small");
    memcpy(host->nvram, data.data, data.length);
    host->nvram_length = data.length;
    return RIND_OK;
}

static void core_random_fill(void *context, void *bytes, size_t size)
{
    (void)context;
    randombytes_buf(bytes, size);
}

static bool core_clock_now_ns(void *context, uint64_t *now_ns)
{
    (void)context;
    (void)now_ns;
    return false;
}

/* ---- requests ---- */

static const struct rind_schema *core_answer_schema(enum rind_hsm_request_kind kind)
{
    switch (kind) {
    case RIND_HSM_REQUEST_NEW_REALM:
        return &rind_hsm_new_realm_response_schema;
    case RIND_HSM_REQUEST_STEP_DOWN:
        return &rind_hsm_step_down_response_schema;
    case RIND_HSM_REQUEST_BECOME_LEADER:
        return &rind_hsm_become_leader_response_schema;
    case RIND_HSM_REQUEST_CAPTURE_NEXT:
        return &rind_hsm_capture_next_response_schema;
    case RIND_HSM_REQUEST_PERSIST_STATE:
        return &rind_hsm_persist_state_response_schema;
    case RIND_HSM_REQUEST_COMMIT:
        return &rind_hsm_commit_response_schema;
    case RIND_HSM_REQUEST_APP_REQUEST:
        return &rind_hsm_app_response_schema;
    default:
        RIND_UNREACHABLE("the benchmark sends no other requests");
    }
}

/* Sends a request; the answer borrows from the host's response buffer and ctx's arena. */
static rind_status core_send(struct rind_ctx *ctx, struct rind_core_host *host,
                             const struct rind_hsm_request *request, uint64_t *cpu_ns, void *answer)
{
    struct rind_hsm_request_envelope envelope = {.req = *request, .metrics = RIND_HSM_METRICS_SKIP};
    struct rind_slice bytes;
    struct rind_buffer response;
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_hsm_request_envelope_schema, &envelope, &bytes));
    rind_buffer_init(&response, host->response, host->response_capacity);
    uint64_t start_ns = rind_cpu_clock_ns();
    rind_status status = rind_hsm_handle(ctx, host->hsm, bytes, &response);
    *cpu_ns += rind_cpu_clock_ns() - start_ns;
    RIND_TRY(status);
    return rind_hsm_response_decode(ctx, core_answer_schema(request->kind),
                                    rind_buffer_slice(&response), answer, NULL);
}

/* ---- a group with a history ---- */

static rind_status core_new_realm(struct rind_ctx *ctx, struct rind_core_host *host)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_NEW_REALM};
    struct rind_hsm_new_realm_response answer;
    uint64_t cpu_ns = 0;
    RIND_TRY(core_send(ctx, host, &request, &cpu_ns, &answer));
    RIND_REQUIRE(ctx, answer.kind == RIND_HSM_NEW_REALM_OK, RIND_E_INTERNAL,
                 "the core makes no realm");
    host->realm = answer.ok.realm;
    host->group = answer.ok.group;
    host->last = answer.ok.entry;
    host->uncaptured[host->uncaptured_count++] = host->last;
    return RIND_OK;
}

/* The entry after the last one that says that the tree has `root_hash`, with its MAC. */
static rind_status core_make_entry(struct rind_ctx *ctx, const struct rind_core_host *host,
                                   const struct rind_data_hash *root_hash,
                                   struct rind_log_entry *entry)
{
    *entry = host->last;
    entry->index++;
    entry->prev_mac = host->last.entry_mac;
    entry->partition.root_hash = *root_hash;
    struct rind_log_entry_message message = {.hsm = entry->hsm,
                                             .realm = host->realm,
                                             .group = host->group,
                                             .index = entry->index,
                                             .has_partition = true,
                                             .partition = entry->partition,
                                             .prev_mac = entry->prev_mac};
    uint8_t bytes[CORE_MESSAGE_SIZE_MAX];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, bytes, sizeof(bytes));
    RIND_TRY(rind_wire_encode(ctx, &rind_log_entry_message_schema, &message, &buffer));
    rind_mac_compute(&host->keys.mac, "logentry", rind_buffer_slice(&buffer), &entry->entry_mac);
    return RIND_OK;
}

static rind_status core_capture(struct rind_ctx *ctx, struct rind_core_host *host, uint64_t *cpu_ns)
{
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_CAPTURE_NEXT,
        .capture_next = {.realm = host->realm,
                         .group = host->group,
                         .entries = {.items = host->uncaptured, .count = host->uncaptured_count}}};
    struct rind_hsm_capture_next_response answer;
    RIND_TRY(core_send(ctx, host, &request, cpu_ns, &answer));
    RIND_REQUIRE(ctx, answer.kind == RIND_HSM_CAPTURE_NEXT_OK, RIND_E_INTERNAL,
                 "the core does not capture its own entries (%d)", (int)answer.kind);
    host->uncaptured_count = 0;
    return RIND_OK;
}

/* ---- opening ---- */

static rind_status core_boot(struct rind_ctx *ctx, struct rind_core_host *host)
{
    const struct rind_hsm_config config = rind_hsm_config_default();
    const struct rind_hsm_platform platform = {.context = host,
                                               .nvram_read = core_nvram_read,
                                               .nvram_write = core_nvram_write,
                                               .random_fill = core_random_fill,
                                               .clock_now_ns = core_clock_now_ns};
    rind_realm_keys_derive_insecure(rind_slice_text("benchmark"), &host->keys);
    host->memory_size = rind_hsm_size_bytes(&config);
    /* Populated: a core that has run for long has touched its memory before. */
    host->memory = mmap(NULL, host->memory_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    RIND_REQUIRE(ctx, host->memory != MAP_FAILED, RIND_E_LIMIT, "no memory for the core");
    host->response_capacity = rind_hsm_response_size_bytes_max(&config);
    host->response = malloc(host->response_capacity);
    RIND_REQUIRE(ctx, host->response != NULL, RIND_E_LIMIT, "no memory for responses");
    return rind_hsm_init(ctx, host->memory, host->memory_size, &platform, &config, &host->keys,
                         &host->hsm);
}

static rind_status core_open_with(struct rind_ctx *ctx, struct rind_core_host *host)
{
    RIND_REQUIRE(ctx, sodium_init() >= 0, RIND_E_INTERNAL, "libsodium cannot start");
    RIND_TRY(core_boot(ctx, host));
    return core_new_realm(ctx, host);
}

rind_status rind_core_host_open(struct rind_ctx *ctx, struct rind_core_host *host)
{
    rind_status status = core_open_with(ctx, host);
    if (!rind_is_ok(status)) {
        rind_core_host_close(host);
    }
    return status;
}

void rind_core_host_close(struct rind_core_host *host)
{
    rind_hsm_fini(host->hsm);
    if (host->memory != NULL && host->memory != MAP_FAILED) {
        (void)munmap(host->memory, host->memory_size);
    }
    free(host->response);
    rind_realm_keys_wipe(&host->keys);
    *host = (struct rind_core_host){0};
}

/* Steps down, captures an entry with the sparse tree's root, and leads again from there. */
rind_status rind_core_host_lead(struct rind_ctx *ctx, struct rind_core_host *host,
                                const struct rind_data_hash *root_hash,
                                const struct rind_core_nodes *nodes)
{
    const struct rind_store_delta nothing = {.add = {.count = 0}};
    uint64_t cpu_ns = 0;
    host->nodes = *nodes;
    RIND_TRY(nodes->apply(nodes->self, ctx, &host->last, &nothing));
    const struct rind_hsm_request step_down = {
        .kind = RIND_HSM_REQUEST_STEP_DOWN,
        .step_down = {.realm = host->realm, .group = host->group, .force = true}};
    struct rind_hsm_step_down_response stepped;
    RIND_TRY(core_send(ctx, host, &step_down, &cpu_ns, &stepped));
    struct rind_log_entry entry;
    RIND_TRY(core_make_entry(ctx, host, root_hash, &entry));
    host->last = entry;
    RIND_TRY(nodes->apply(nodes->self, ctx, &entry, &nothing));
    host->uncaptured[host->uncaptured_count++] = entry;
    RIND_TRY(core_capture(ctx, host, &cpu_ns));

    const struct rind_hsm_request lead = {
        .kind = RIND_HSM_REQUEST_BECOME_LEADER,
        .become_leader = {.realm = host->realm, .group = host->group, .last_entry = host->last}};
    struct rind_hsm_become_leader_response led;
    RIND_TRY(core_send(ctx, host, &lead, &cpu_ns, &led));
    RIND_REQUIRE(ctx, led.kind == RIND_HSM_BECOME_LEADER_OK, RIND_E_INTERNAL,
                 "the core does not lead (%d)", (int)led.kind);
    return RIND_OK;
}

/* ---- working ---- */

rind_status rind_core_host_app(struct rind_ctx *ctx, struct rind_core_host *host,
                               const struct rind_record_id *record_id, uint32_t session_id,
                               const struct rind_noise_request *encrypted, uint64_t *cpu_ns,
                               struct rind_mac *mac)
{
    RIND_ASSERT(host->uncaptured_count < RIND_CORE_HOST_BATCH_MAX);
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_APP_REQUEST,
                                       .app = {.realm = host->realm,
                                               .group = host->group,
                                               .record_id = *record_id,
                                               .session_id = session_id,
                                               .encrypted = *encrypted,
                                               .index = host->last.index}};
    RIND_TRY(host->nodes.prove(host->nodes.self, ctx, &host->last.partition, record_id,
                               &request.app.proof));
    struct rind_hsm_app_response answer;
    RIND_TRY(core_send(ctx, host, &request, cpu_ns, &answer));
    RIND_REQUIRE(ctx, answer.kind == RIND_HSM_APP_OK, RIND_E_INTERNAL,
                 "the core refuses a request (%d)", (int)answer.kind);
    RIND_TRY(host->nodes.apply(host->nodes.self, ctx, &answer.ok.entry, &answer.ok.delta));
    host->last = answer.ok.entry;
    host->uncaptured[host->uncaptured_count++] = host->last;
    *mac = host->last.entry_mac;
    return RIND_OK;
}

rind_status rind_core_host_commit(struct rind_ctx *ctx, struct rind_core_host *host,
                                  uint64_t *cpu_ns, struct rind_released_response_list *responses)
{
    if (host->nodes.flush != NULL) {
        RIND_TRY(host->nodes.flush(host->nodes.self, ctx));
    }
    RIND_TRY(core_capture(ctx, host, cpu_ns));
    const struct rind_hsm_request persist = {.kind = RIND_HSM_REQUEST_PERSIST_STATE};
    struct rind_hsm_persist_state_response persisted;
    RIND_TRY(core_send(ctx, host, &persist, cpu_ns, &persisted));
    const struct rind_hsm_request commit = {
        .kind = RIND_HSM_REQUEST_COMMIT,
        .commit = {.realm = host->realm, .group = host->group, .captures = persisted.ok.captured}};
    struct rind_hsm_commit_response committed;
    RIND_TRY(core_send(ctx, host, &commit, cpu_ns, &committed));
    RIND_REQUIRE(ctx, committed.kind == RIND_HSM_COMMIT_OK, RIND_E_INTERNAL,
                 "the core does not commit (%d)", (int)committed.kind);
    *responses = committed.ok.responses;
    return RIND_OK;
}
