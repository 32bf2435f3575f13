/* cluster.c - cores and calls: see cluster.h. */
#include "hsm/cluster.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hsm/cluster_inner.h"

void cluster_fail(const char *what, const char *sentence)
{
    fprintf(stderr, "cluster: %s: %s\n", what, sentence);
    abort();
}

void cluster_require(struct cluster *cluster, rind_status status, const char *what)
{
    if (!rind_is_ok(status)) {
        cluster_fail(what, cluster->ctx.sentence);
    }
}

void *cluster_alloc(struct cluster *cluster, size_t count, size_t size)
{
    void *memory = rind_arena_alloc_array(&cluster->arena, count, size);
    if (memory == NULL) {
        cluster_fail("arena", "is full; call cluster_reset now and then");
    }
    return memory;
}

static void *cluster_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        cluster_fail("mmap", "no memory");
    }
    return memory;
}

void cluster_random_fill(void *self, void *bytes, size_t size)
{
    struct cluster_random *random = self;
    uint8_t *out = bytes;
    size_t scripted = size < random->script.length ? size : random->script.length;
    if (scripted > 0) {
        memcpy(out, random->script.data, scripted);
        random->script.data += scripted;
        random->script.length -= scripted;
    }
    for (size_t done = scripted; done < size;) {
        uint8_t block[16];
        rind_put_be64(block, random->seed);
        rind_put_be64(block + 8, random->counter++);
        uint8_t digest[RIND_BLAKE2S_SIZE];
        rind_blake2s(RIND_SLICE_OF(block), digest);
        size_t piece = size - done < sizeof(digest) ? size - done : sizeof(digest);
        memcpy(out + done, digest, piece);
        done += piece;
    }
}

static void cluster_hsm_random_fill(void *context, void *bytes, size_t size)
{
    struct cluster_hsm *hsm = context;
    cluster_random_fill(&hsm->random, bytes, size);
}

static rind_status cluster_nvram_read(void *context, struct rind_ctx *ctx, struct rind_buffer *data)
{
    (void)ctx;
    struct cluster_hsm *hsm = context;
    rind_buffer_append(data, rind_slice_make(hsm->nvram, hsm->nvram_length));
    return RIND_OK;
}

static rind_status cluster_nvram_write(void *context, struct rind_ctx *ctx, struct rind_slice data)
{
    struct cluster_hsm *hsm = context;
    RIND_REQUIRE(ctx, !hsm->nvram_fails, RIND_E_IO, "this NVRAM was told to fail");
    RIND_REQUIRE(ctx, data.length <= sizeof(hsm->nvram), RIND_E_LIMIT,
                 "data with %zu bytes is larger than allowed maximum of %zu", data.length,
                 sizeof(hsm->nvram));
    memcpy(hsm->nvram, data.data, data.length);
    hsm->nvram_length = data.length;
    hsm->nvram_write_count++;
    return RIND_OK;
}

static bool cluster_clock_now_ns(void *context, uint64_t *now_ns)
{
    struct cluster_hsm *hsm = context;
    if (hsm->clock_fails) {
        return false;
    }
    *now_ns = hsm->clock_now_ns;
    hsm->clock_now_ns += hsm->clock_step_ns;
    return true;
}

struct rind_hsm_config cluster_config_small(void)
{
    return (struct rind_hsm_config){
        .overlay_size = 64, .sessions_max = 16, .log_entries_max = 256, .has_metrics = true};
}

rind_status cluster_boot(struct cluster *cluster, unsigned h)
{
    struct cluster_hsm *hsm = &cluster->hsms[h];
    RIND_ASSERT(hsm->core == NULL);
    struct rind_hsm_platform platform = {
        .context = hsm,
        .nvram_read = cluster_nvram_read,
        .nvram_write = cluster_nvram_write,
        .random_fill = cluster_hsm_random_fill,
        .clock_now_ns = cluster_clock_now_ns,
    };
    if (hsm->memory == NULL) {
        hsm->memory = cluster_map(cluster->memory_size);
    }
    rind_status status = rind_hsm_init(&cluster->ctx, hsm->memory, cluster->memory_size, &platform,
                                       &cluster->config, &hsm->keys, &hsm->core);
    if (!rind_is_ok(status)) {
        (void)munmap(hsm->memory, cluster->memory_size);
        hsm->memory = NULL;
        hsm->core = NULL;
        return status;
    }
    hsm->id = cluster_status(cluster, h).id;
    for (unsigned i = 0; i < cluster->log_count; i++) {
        cluster_forget_captures(cluster, h, i);
    }
    return RIND_OK;
}

void cluster_stop(struct cluster *cluster, unsigned h)
{
    struct cluster_hsm *hsm = &cluster->hsms[h];
    rind_hsm_fini(hsm->core);
    if (hsm->memory != NULL) {
        (void)munmap(hsm->memory, cluster->memory_size);
    }
    hsm->core = NULL;
    hsm->memory = NULL;
}

void cluster_memory_clear(void *memory, size_t size)
{
    if (madvise(memory, size, MADV_DONTNEED) != 0) {
        cluster_fail("madvise", "cannot give memory back");
    }
}

/* The memory stays where it is, for cluster_snapshot_restore. */
void cluster_reboot(struct cluster *cluster, unsigned h)
{
    struct cluster_hsm *hsm = &cluster->hsms[h];
    rind_hsm_fini(hsm->core);
    hsm->core = NULL;
    if (hsm->memory != NULL) {
        cluster_memory_clear(hsm->memory, cluster->memory_size);
    }
    cluster_require(cluster, cluster_boot(cluster, h), "reboot");
}

struct cluster *cluster_new_with(unsigned count, uint64_t seed,
                                 const struct rind_hsm_config *config)
{
    RIND_ASSERT(count >= 1 && count <= CLUSTER_HSMS_MAX);
    if (sodium_init() < 0) {
        cluster_fail("libsodium", "cannot start");
    }
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    if (cluster == NULL) {
        cluster_fail("calloc", "no memory");
    }
    cluster->hsm_count = count;
    cluster->config = *config;
    cluster->memory_size = rind_hsm_size_bytes(config);
    rind_arena_init(&cluster->arena, cluster_map(CLUSTER_ARENA_SIZE), CLUSTER_ARENA_SIZE);
    rind_ctx_init(&cluster->ctx, &cluster->arena);
    cluster->response_capacity = rind_hsm_response_size_bytes_max(config);
    cluster->response = cluster_map(cluster->response_capacity);
    cluster->nodes = cluster_nodes_new();
    for (unsigned h = 0; h < count; h++) {
        cluster->hsms[h].random = (struct cluster_random){.seed = seed + h};
        rind_realm_keys_derive_insecure(rind_slice_text("secret"), &cluster->hsms[h].keys);
        cluster_require(cluster, cluster_boot(cluster, h), "boot");
    }
    return cluster;
}

struct cluster *cluster_new(unsigned count, uint64_t seed)
{
    struct rind_hsm_config config = cluster_config_small();
    return cluster_new_with(count, seed, &config);
}

void cluster_free(struct cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    for (unsigned h = 0; h < cluster->hsm_count; h++) {
        cluster_stop(cluster, h);
    }
    for (unsigned i = 0; i < cluster->log_count; i++) {
        free(cluster->logs[i].entries);
    }
    cluster_nodes_free(cluster->nodes);
    (void)munmap(cluster->response, cluster->response_capacity);
    (void)munmap(cluster->arena.memory, CLUSTER_ARENA_SIZE);
    free(cluster);
}

void cluster_reset(struct cluster *cluster)
{
    rind_arena_reset(&cluster->arena);
}

struct rind_slice cluster_encode(struct cluster *cluster, const struct rind_hsm_request *request)
{
    struct rind_hsm_request_envelope envelope = {.req = *request,
                                                 .metrics = RIND_HSM_METRICS_RECORD};
    struct rind_slice bytes;
    cluster_require(
        cluster,
        rind_wire_encode_alloc(&cluster->ctx, &rind_hsm_request_envelope_schema, &envelope, &bytes),
        "encoding a request");
    return bytes;
}

rind_status cluster_send_bytes(struct cluster *cluster, unsigned h, struct rind_slice request,
                               struct rind_slice *response)
{
    RIND_ASSERT(h < cluster->hsm_count && cluster->hsms[h].core != NULL);
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, cluster->response, cluster->response_capacity);
    RIND_TRY(rind_hsm_handle(&cluster->ctx, cluster->hsms[h].core, request, &buffer));
    *response = rind_buffer_slice(&buffer);
    return RIND_OK;
}

const struct rind_schema *cluster_answer_schema(enum rind_hsm_request_kind kind)
{
    static const struct rind_schema *const schemas[] = {
        [RIND_HSM_REQUEST_STATUS] = &rind_hsm_status_response_schema,
        [RIND_HSM_REQUEST_NEW_REALM] = &rind_hsm_new_realm_response_schema,
        [RIND_HSM_REQUEST_JOIN_REALM] = &rind_hsm_join_realm_response_schema,
        [RIND_HSM_REQUEST_NEW_GROUP] = &rind_hsm_new_group_response_schema,
        [RIND_HSM_REQUEST_JOIN_GROUP] = &rind_hsm_join_group_response_schema,
        [RIND_HSM_REQUEST_BECOME_LEADER] = &rind_hsm_become_leader_response_schema,
        [RIND_HSM_REQUEST_STEP_DOWN] = &rind_hsm_step_down_response_schema,
        [RIND_HSM_REQUEST_CAPTURE_JUMP] = &rind_hsm_capture_jump_response_schema,
        [RIND_HSM_REQUEST_CAPTURE_NEXT] = &rind_hsm_capture_next_response_schema,
        [RIND_HSM_REQUEST_PERSIST_STATE] = &rind_hsm_persist_state_response_schema,
        [RIND_HSM_REQUEST_COMMIT] = &rind_hsm_commit_response_schema,
        [RIND_HSM_REQUEST_PREPARE_TRANSFER] = &rind_hsm_prepare_transfer_response_schema,
        [RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER] =
            &rind_hsm_cancel_prepared_transfer_response_schema,
        [RIND_HSM_REQUEST_TRANSFER_OUT] = &rind_hsm_transfer_out_response_schema,
        [RIND_HSM_REQUEST_TRANSFER_STATEMENT] = &rind_hsm_transfer_statement_response_schema,
        [RIND_HSM_REQUEST_TRANSFER_IN] = &rind_hsm_transfer_in_response_schema,
        [RIND_HSM_REQUEST_COMPLETE_TRANSFER] = &rind_hsm_complete_transfer_response_schema,
        [RIND_HSM_REQUEST_HANDSHAKE_REQUEST] = &rind_hsm_handshake_response_schema,
        [RIND_HSM_REQUEST_APP_REQUEST] = &rind_hsm_app_response_schema,
    };
    return schemas[kind];
}

rind_status cluster_try_send(struct cluster *cluster, unsigned h,
                             const struct rind_hsm_request *request, void *answer,
                             struct rind_hsm_metric_list *metrics)
{
    struct rind_slice bytes;
    RIND_TRY(cluster_send_bytes(cluster, h, cluster_encode(cluster, request), &bytes));
    struct rind_slice kept;
    if (!rind_arena_copy(&cluster->arena, bytes, &kept)) {
        cluster_fail("arena", "is full; call cluster_reset now and then");
    }
    cluster_require(cluster,
                    rind_hsm_response_decode(&cluster->ctx, cluster_answer_schema(request->kind),
                                             kept, answer, metrics),
                    "decoding an answer");
    return RIND_OK;
}

void cluster_send(struct cluster *cluster, unsigned h, const struct rind_hsm_request *request,
                  void *answer)
{
    cluster_require(cluster, cluster_try_send(cluster, h, request, answer, NULL),
                    rind_hsm_request_name(request->kind));
}
