/* rpc.c - see rpc.h. */
#include "rpc/rpc.h"

#include <string.h>

/* Success statuses are 200 to 299. */
static bool rpc_is_success(unsigned http_status)
{
    return http_status >= 200 && http_status < 300;
}

/*
 * An answer of any status may hold the response; only if it does not, the status is the error
 * (spec 06 section 1.2).
 */
static rind_status rpc_decode(struct rind_ctx *ctx, const struct rind_rpc *rpc,
                              const struct rind_answer *answer, void *response)
{
    rind_status decoded = rind_wire_decode_strict(ctx, rpc->response, answer->body, response);
    if (rind_is_ok(decoded)) {
        return RIND_OK;
    }
    if (!rpc_is_success(answer->status)) {
        return rind_fail(ctx, RIND_E_HTTP_STATUS, "%s answered HTTP status %u%s", rpc->path,
                         answer->status,
                         answer->status == 404 ? "; is another service at that address?" : "");
    }
    rind_status undecodable = rind_status_make(RIND_E_DECODE);
    return rind_fail_while(ctx, undecodable, "reading the answer of %s", rpc->path);
}

static rind_status rpc_join(struct rind_ctx *ctx, const char *base, const char *path,
                            struct rind_url *url)
{
    struct rind_url parsed;
    RIND_TRY(rind_url_parse(ctx, rind_slice_text(base), &parsed));
    return rind_url_join(ctx, &parsed, path, url);
}

rind_status rind_rpc_call(struct rind_ctx *ctx, struct rind_client *client, const char *url,
                          const struct rind_rpc *rpc, const void *request, void *response,
                          struct rind_deadline deadline, unsigned *http_status)
{
    return rind_rpc_call_with(ctx, client, url, rpc, NULL, 0, request, response, deadline,
                              http_status);
}

rind_status rind_rpc_call_with(struct rind_ctx *ctx, struct rind_client *client, const char *url,
                               const struct rind_rpc *rpc, const struct rind_http_header *headers,
                               size_t header_count, const void *request, void *response,
                               struct rind_deadline deadline, unsigned *http_status)
{
    struct rind_url joined;
    struct rind_slice body;
    if (http_status != NULL) {
        *http_status = 0;
    }
    RIND_TRY(rpc_join(ctx, url, rpc->path, &joined));
    RIND_TRY(rind_wire_encode_alloc(ctx, rpc->request, request, &body));
    const struct rind_call call = {.url = &joined,
                                   .body = body,
                                   .headers = headers,
                                   .header_count = header_count,
                                   .deadline = deadline,
                                   .is_repeatable = rpc->is_repeatable};
    struct rind_answer answer;
    RIND_TRY(rind_client_call(ctx, client, &call, &answer));
    if (http_status != NULL) {
        *http_status = answer.status;
    }
    return rpc_decode(ctx, rpc, &answer, response);
}

struct rind_rpc_error rind_rpc_error_of(const struct rind_ctx *ctx, rind_status status,
                                        unsigned http_status)
{
    struct rind_rpc_error error = {.kind = RIND_RPC_ERROR_NETWORK};
    struct rind_slice sentence = rind_slice_text(ctx == NULL ? "" : ctx->sentence);
    if (rind_is(status, RIND_E_HTTP_STATUS)) {
        error.kind = RIND_RPC_ERROR_HTTP_STATUS;
        error.http_status = (uint16_t)http_status;
    } else if (rind_is(status, RIND_E_DECODE)) {
        error.kind = RIND_RPC_ERROR_DESERIALIZATION;
        error.deserialization = sentence;
    } else if (rind_is(status, RIND_E_INVALID)) {
        error.kind = RIND_RPC_ERROR_SERIALIZATION;
        error.serialization = sentence;
    }
    return error;
}

struct rind_rpc_error rind_rpc_error_copy(struct rind_ctx *ctx, rind_status status,
                                          unsigned http_status)
{
    struct rind_rpc_error error = rind_rpc_error_of(ctx, status, http_status);
    struct rind_slice *text = error.kind == RIND_RPC_ERROR_DESERIALIZATION ? &error.deserialization
                              : error.kind == RIND_RPC_ERROR_SERIALIZATION ? &error.serialization
                                                                           : NULL;
    if (text != NULL && !rind_arena_copy(ctx->arena, *text, text)) {
        *text = rind_slice_text("(no memory for the sentence)");
    }
    return error;
}

void rind_rpc_error_print(struct rind_buffer *out, const struct rind_rpc_error *error)
{
    switch (error->kind) {
    case RIND_RPC_ERROR_NETWORK:
        rind_buffer_print(out, "network error");
        return;
    case RIND_RPC_ERROR_HTTP_STATUS:
        rind_buffer_print(out, "non-OK HTTP status: %u", (unsigned)error->http_status);
        return;
    case RIND_RPC_ERROR_SERIALIZATION:
        rind_buffer_print(out, "serialization error: ");
        rind_buffer_append(out, error->serialization);
        return;
    case RIND_RPC_ERROR_DESERIALIZATION:
        rind_buffer_print(out, "deserialization error: ");
        rind_buffer_append(out, error->deserialization);
        return;
    }
    RIND_UNREACHABLE("every kind is above");
}

/* Notes that URL number `index` is none, with the sentence that says so. */
static rind_status rpc_fan_refuse(struct rind_ctx *ctx, struct rind_rpc_fan *fan, size_t index,
                                  rind_status status)
{
    size_t size = strlen(ctx->sentence) + 1;
    char *sentence = rind_ctx_alloc(ctx, size);
    if (sentence == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    memcpy(sentence, ctx->sentence, size);
    fan->refused[fan->refused_count++] =
        (struct rind_rpc_result){.index = index, .status = status, .sentence = sentence};
    return RIND_OK;
}

rind_status rind_rpc_fan_open(struct rind_ctx *ctx, struct rind_client *client,
                              const char *const *urls, size_t count, const struct rind_rpc *rpc,
                              const void *request, struct rind_deadline deadline,
                              struct rind_rpc_fan *fan)
{
    *fan = (struct rind_rpc_fan){.rpc = rpc, .deadline = deadline};
    struct rind_slice body;
    RIND_TRY(rind_wire_encode_alloc(ctx, rpc->request, request, &body));
    struct rind_url *joined = rind_ctx_alloc_array(ctx, count, sizeof(*joined));
    fan->calls = rind_ctx_alloc_array(ctx, count, sizeof(*fan->calls));
    fan->indexes = rind_ctx_alloc_array(ctx, count, sizeof(*fan->indexes));
    fan->refused = rind_ctx_alloc_array(ctx, count, sizeof(*fan->refused));
    RIND_REQUIRE(
        ctx, joined != NULL && fan->calls != NULL && fan->indexes != NULL && fan->refused != NULL,
        RIND_E_LIMIT, "no memory for %zu calls at once", count);
    size_t call_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct rind_url *url = &joined[call_count];
        rind_status status = rpc_join(ctx, urls[i], rpc->path, url);
        if (!rind_is_ok(status)) {
            RIND_TRY(rpc_fan_refuse(ctx, fan, i, status));
            continue;
        }
        fan->calls[call_count] = (struct rind_call){
            .url = url, .body = body, .deadline = deadline, .is_repeatable = rpc->is_repeatable};
        fan->indexes[call_count++] = i;
    }
    return rind_fan_open(ctx, client, fan->calls, call_count, &fan->fan);
}

bool rind_rpc_fan_next(struct rind_ctx *ctx, struct rind_rpc_fan *fan, void *response,
                       struct rind_rpc_result *result)
{
    struct rind_fan_result next;
    if (fan->refused_reported < fan->refused_count) {
        *result = fan->refused[fan->refused_reported++];
        return true;
    }
    if (!rind_fan_next(ctx, fan->fan, fan->deadline, &next)) {
        return false;
    }
    *result = (struct rind_rpc_result){.index = fan->indexes[next.index], .status = next.status};
    if (rind_is_ok(next.status)) {
        result->http_status = next.answer.status;
        result->status = rpc_decode(ctx, fan->rpc, &next.answer, response);
        result->sentence = ctx->sentence;
    } else {
        result->sentence = next.sentence;
    }
    return true;
}

void rind_rpc_fan_close(struct rind_rpc_fan *fan)
{
    rind_fan_close(fan->fan);
    fan->fan = NULL;
}
