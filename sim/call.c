/*
 * call.c - one step: a request on its way to a core, and its answer on its way to the judge.
 *
 * Everything passes through encoded envelopes. What the judge looks at is what the bytes say, after
 * whatever the host did to them.
 */
#include "judge.h"

/* The response's kind: all answers but Status start with one. */
static unsigned call_kind(const struct rind_hsm_request *request, const void *value)
{
    if (request->kind == RIND_HSM_REQUEST_STATUS) {
        return 0;
    }
    unsigned kind;
    memcpy(&kind, value, sizeof(kind));
    return kind;
}

static void call_digest(struct sim *sim, struct rind_slice bytes)
{
    uint64_t digest = sim->counters.digest;
    size_t whole = bytes.length / 8;
    for (size_t i = 0; i < whole; i++) {
        digest = (digest ^ rind_get_le64(bytes.data + 8 * i)) * 0x100000001b3u;
        digest ^= digest >> 29;
    }
    sim->counters.digest = (digest ^ bytes.length) * 0x100000001b3u;
}

static void call_remember(struct sim *sim, struct rind_slice bytes)
{
    uint32_t at = sim->replay_count % SIM_REPLAYS_MAX;
    struct sim_replay *replay = &sim->replays[at];
    size_t capacity = 0;
    if (replay->bytes == NULL) {
        replay->bytes = sim_grow(NULL, 0, &capacity, SIM_REQUEST_MAX / 64);
    }
    memcpy(replay->bytes, bytes.data, bytes.length);
    replay->length = bytes.length;
    sim->replay_count++;
}

/* The status and answer of a core that could not be asked, or did not answer. */
static struct sim_answer call_unanswered(struct sim *sim, uint32_t h,
                                         const struct rind_hsm_request *request, rind_status status,
                                         bool was_decoded)
{
    bool is_io = rind_is(status, RIND_E_IO);
    SIM_CHECK(sim, is_io || rind_is(status, RIND_E_DECODE) || rind_is(status, RIND_E_LIMIT),
              "a core failed with \"%s\": %s", rind_code_name((enum rind_code)status.code),
              sim->ctx.sentence);
    SIM_CHECK(sim, !is_io || sim->hsms[h].nvram_mode != SIM_NVRAM_WORKS,
              "a core complains about NVRAM that works");
    SIM_CHECK(sim, is_io || !was_decoded, "a core cannot decode a well-formed request: %s",
              sim->ctx.sentence);
    sim->counters.undecodable++;
    if (sim->options.is_story) {
        sim_story_call(sim, h, request, status, 0, NULL);
    }
    return (struct sim_answer){.is_answered = false};
}

static struct sim_answer call_answered(struct sim *sim, uint32_t h,
                                       const struct rind_hsm_request *request,
                                       struct rind_slice bytes)
{
    const struct rind_schema *schema = sim_answer_schema(request->kind);
    void *value = sim_alloc(sim, schema->size);
    uint8_t *kept = sim_alloc(sim, bytes.length);
    memcpy(kept, bytes.data, bytes.length);
    struct rind_hsm_metric_list metrics;
    rind_status status = rind_hsm_response_decode(
        &sim->ctx, schema, rind_slice_make(kept, bytes.length), value, &metrics);
    SIM_CHECK(sim, rind_is_ok(status), "a core's answer cannot be decoded: %s", sim->ctx.sentence);
    call_digest(sim, bytes);
    unsigned kind = call_kind(request, value);
    if (sim->options.is_story) {
        sim_story_call(sim, h, request, RIND_OK, kind, value);
    }
    sim_judge_nvram(sim, h);
    sim_judge_answer(sim, h, request, kind, value);
    sim->counters.accepted += kind <= 1 ? 1u : 0u;
    sim->counters.refused += kind <= 1 ? 0u : 1u;
    return (struct sim_answer){.is_answered = true, .kind = kind, .value = value};
}

/* `request` as the bytes have it, or NULL if they are no request. */
static struct sim_answer call_send(struct sim *sim, uint32_t h, struct rind_slice bytes,
                                   const struct rind_hsm_request *request)
{
    struct sim_hsm *hsm = &sim->hsms[h];
    bool makes_group = request != NULL && (request->kind == RIND_HSM_REQUEST_NEW_REALM ||
                                           request->kind == RIND_HSM_REQUEST_NEW_GROUP);
    if (hsm->core == NULL || (makes_group && sim->group_count >= SIM_GROUPS_WANTED)) {
        return (struct sim_answer){.is_answered = false};
    }
    sim->counters.requests++;
    hsm->has_new_image = false;
    hsm->had_realm = hsm->has_realm;
    struct rind_buffer response;
    rind_buffer_init(&response, sim->response, sim->response_capacity);
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_hsm_handle(&ctx, hsm->core, bytes, &response);
    if (!rind_is_ok(status)) {
        memcpy(sim->ctx.sentence, ctx.sentence, sizeof(ctx.sentence));
        return call_unanswered(sim, h, request, status, request != NULL);
    }
    SIM_CHECK(sim, request != NULL, "a core answered bytes that are no request");
    SIM_CHECK(sim, !response.is_overflown, "an answer is longer than the largest there is");
    return call_answered(sim, h, request, rind_buffer_slice(&response));
}

struct sim_answer sim_call_bytes(struct sim *sim, uint32_t h, struct rind_slice bytes)
{
    struct rind_hsm_request_envelope *envelope = sim_alloc(sim, sizeof(*envelope));
    rind_status status =
        rind_wire_decode_strict(&sim->ctx, &rind_hsm_request_envelope_schema, bytes, envelope);
    sim->is_proof_honest = false;
    return call_send(sim, h, bytes, rind_is_ok(status) ? &envelope->req : NULL);
}

struct sim_answer sim_call(struct sim *sim, uint32_t h, const struct rind_hsm_request *request)
{
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, sim->request, SIM_REQUEST_MAX);
    const struct rind_hsm_request_envelope envelope = {.req = *request,
                                                       .metrics = sim_chance(&sim->random, 1, 2)
                                                                      ? RIND_HSM_METRICS_RECORD
                                                                      : RIND_HSM_METRICS_SKIP};
    rind_status status =
        rind_wire_encode(&sim->ctx, &rind_hsm_request_envelope_schema, &envelope, &buffer);
    if (!rind_is_ok(status)) {
        return (struct sim_answer){.is_answered = false}; /* mixed up beyond what encodes */
    }
    call_remember(sim, rind_buffer_slice(&buffer));
    if (!sim->is_healing && sim_chance(&sim->random, sim->swarm.corrupt_per_1024, 1024)) {
        uint8_t *byte = &sim->request[sim_below(&sim->random, (uint32_t)buffer.length)];
        *byte ^= (uint8_t)(1u << sim_below(&sim->random, 8));
        sim_story(sim, "the host damages a byte of the next request");
        return sim_call_bytes(sim, h, rind_buffer_slice(&buffer));
    }
    struct sim_answer answer = call_send(sim, h, rind_buffer_slice(&buffer), request);
    sim->is_proof_honest = false;
    return answer;
}
