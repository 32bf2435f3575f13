/* status.c - see channel.h: gRPC statuses as ours, with a sentence. */
#include <stdio.h>

#include "cloud/channel_state.h"

#define STATUS_SAID_SIZE 240u /* of the service's text, which is anybody's guess */

/* One row per gRPC status (spec 04 section 4.2). */
static const struct status_row {
    grpc_status_code code;
    const char *name;
    enum rind_code becomes;
} status_rows[] = {
    {GRPC_STATUS_CANCELLED, "CANCELLED", RIND_E_UNKNOWN_OUTCOME},
    {GRPC_STATUS_UNKNOWN, "UNKNOWN", RIND_E_UNKNOWN_OUTCOME},
    {GRPC_STATUS_INVALID_ARGUMENT, "INVALID_ARGUMENT", RIND_E_INVALID},
    {GRPC_STATUS_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", RIND_E_TIMEOUT},
    {GRPC_STATUS_NOT_FOUND, "NOT_FOUND", RIND_E_NOT_FOUND},
    {GRPC_STATUS_ALREADY_EXISTS, "ALREADY_EXISTS", RIND_E_EXISTS},
    {GRPC_STATUS_PERMISSION_DENIED, "PERMISSION_DENIED", RIND_E_DENIED},
    {GRPC_STATUS_UNAUTHENTICATED, "UNAUTHENTICATED", RIND_E_AUTH},
    {GRPC_STATUS_RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED", RIND_E_UNAVAILABLE},
    {GRPC_STATUS_FAILED_PRECONDITION, "FAILED_PRECONDITION", RIND_E_INVALID},
    {GRPC_STATUS_ABORTED, "ABORTED", RIND_E_INTERNAL},
    {GRPC_STATUS_OUT_OF_RANGE, "OUT_OF_RANGE", RIND_E_LIMIT},
    {GRPC_STATUS_UNIMPLEMENTED, "UNIMPLEMENTED", RIND_E_INVALID},
    {GRPC_STATUS_INTERNAL, "INTERNAL", RIND_E_UNKNOWN_OUTCOME},
    {GRPC_STATUS_UNAVAILABLE, "UNAVAILABLE", RIND_E_UNAVAILABLE},
    {GRPC_STATUS_DATA_LOSS, "DATA_LOSS", RIND_E_CORRUPT},
};

/* What is not in gRPC's list says nothing about what happened. */
static const struct status_row status_other = {GRPC_STATUS_UNKNOWN, "an unknown status",
                                               RIND_E_UNKNOWN_OUTCOME};

static const struct status_row *status_find(grpc_status_code code)
{
    for (size_t i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++) {
        if (status_rows[i].code == code) {
            return &status_rows[i];
        }
    }
    return &status_other;
}

/* The service's text, printable. */
static void status_copy_text(struct rind_slice said, char text[static STATUS_SAID_SIZE])
{
    size_t used = 0;
    while (used < said.length && used + 1 < STATUS_SAID_SIZE) {
        uint8_t byte = said.data[used];
        text[used++] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
    }
    text[used] = '\0';
}

/* gRPC itself ends a call whose answer is above the limit, with the code of a busy service. */
static bool status_is_size_limit(grpc_status_code code, const char *said)
{
    return code == GRPC_STATUS_RESOURCE_EXHAUSTED && strstr(said, "larger than max") != NULL;
}

/* What to check, or NULL. */
static const char *status_remedy(const struct rind_channel *channel, const struct status_row *row)
{
    switch (row->becomes) {
    case RIND_E_DENIED:
        return "that this process's account has the roles of docs/google-cloud.md";
    case RIND_E_AUTH:
        return "GOOGLE_APPLICATION_CREDENTIALS or the machine's service account";
    case RIND_E_NOT_FOUND:
        return channel->options.remedy_not_found != NULL ? channel->options.remedy_not_found
                                                         : channel->options.remedy;
    case RIND_E_UNAVAILABLE:
    case RIND_E_TIMEOUT:
        return channel->options.remedy;
    default:
        return NULL;
    }
}

/* Of gRPC's account of a failed connection the end says it all: "Connection refused". */
static const char *status_gist(const char *said)
{
    static const char *const beginnings[] = {"remote host: ", "last error: UNKNOWN: "};
    bool is_connection = strncmp(said, "failed to connect", strlen("failed to connect")) == 0;
    for (size_t i = 0; is_connection && i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        const char *found = strstr(said, beginnings[i]);
        if (found != NULL) {
            return found + strlen(beginnings[i]);
        }
    }
    return said;
}

/* gRPC says UNAVAILABLE when it gets no token for the call, and UNKNOWN when one is refused. */
static bool status_may_lack_token(const struct rind_channel *channel, grpc_status_code code,
                                  const char *said)
{
    return channel->options.security == RIND_CHANNEL_GOOGLE &&
           (code == GRPC_STATUS_UNAVAILABLE ||
            (code == GRPC_STATUS_UNKNOWN && strstr(said, "oauth2 token") != NULL));
}

rind_status rind_channel_fail(struct rind_ctx *ctx, const struct rind_channel *channel,
                              const struct rind_grpc_call *call, grpc_status_code code,
                              struct rind_slice said, bool is_cancelled)
{
    const char *service = channel->options.service;
    const char *slash = strrchr(call->method, '/');
    const char *method = slash == NULL ? call->method : slash + 1;
    const struct status_row *row = status_find(code);
    if (code == GRPC_STATUS_CANCELLED && is_cancelled) {
        return rind_fail(ctx, RIND_E_CANCELLED, "stopped while asking %s about %s", service,
                         call->resource);
    }
    char text[STATUS_SAID_SIZE];
    status_copy_text(said, text);
    if (status_is_size_limit(code, text)) {
        return rind_fail(ctx, RIND_E_LIMIT,
                         "%s %s of %s: the answer is above the limit of %zu bytes", service, method,
                         call->resource, channel->options.message_size_bytes_max);
    }
    const char *gist = status_gist(text);
    const char *remedy = status_remedy(channel, row);
    if (call->is_connecting && row->becomes == RIND_E_UNAVAILABLE) {
        return rind_fail(ctx, row->becomes,
                         "%s cannot be reached at %s: %s; check the network and %s", service,
                         channel->options.target, gist, remedy);
    }
    const char *token = status_may_lack_token(channel, code, text)
                            ? "whether a token can be had for GOOGLE_APPLICATION_CREDENTIALS or "
                              "this machine's account"
                            : NULL;
    return rind_fail(
        ctx, row->becomes, "%s at %s, %s of %s: %s%s%s%s%s%s%s", service, channel->options.target,
        method, call->resource, row->name, gist[0] == '\0' ? "" : ", ", gist,
        remedy == NULL && token == NULL ? "" : "; check ", remedy == NULL ? "" : remedy,
        remedy == NULL || token == NULL ? "" : ", and ", token == NULL ? "" : token);
}

rind_status rind_channel_status(struct rind_ctx *ctx, const struct rind_channel *channel,
                                const struct rind_grpc_call *call, int32_t code, const char *said)
{
    RIND_ASSERT(code != GRPC_STATUS_OK);
    return rind_channel_fail(ctx, channel, call, (grpc_status_code)code, rind_slice_text(said),
                             false);
}

bool rind_cloud_may_retry(rind_status status)
{
    return rind_is(status, RIND_E_TIMEOUT) || rind_is(status, RIND_E_UNAVAILABLE) ||
           rind_is(status, RIND_E_UNKNOWN_OUTCOME) || rind_is(status, RIND_E_NETWORK);
}
