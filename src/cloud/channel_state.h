/*
 * channel_state.h - the inside of a channel, for this folder only.
 */
#ifndef RIND_CLOUD_CHANNEL_STATE_H
#define RIND_CLOUD_CHANNEL_STATE_H

#include <grpc/grpc.h>
#include <stdatomic.h>

#include "cloud/channel.h"

struct rind_channel {
    struct rind_channel_options options; /* `log` points at the next one, or is NULL */
    struct rind_log log;
    grpc_channel *connection;
    atomic_uint_fast64_t call_count;
    struct rind_mutex mutex;     /* guards the next two; nothing of ours is taken while held */
    struct rind_stream *streams; /* calls under way, linked by `next` and `previous` */
    bool is_cancelled;
};

/* Waits until the channel is connected; the sentence says why it is not. channel.c uses it. */
rind_status rind_channel_connect(struct rind_ctx *ctx, struct rind_channel *channel) RIND_MUST_USE;

/* What becomes of a call that ended in `code`; `said` is the service's text. See channel.h. */
rind_status rind_channel_fail(struct rind_ctx *ctx, const struct rind_channel *channel,
                              const struct rind_grpc_call *call, grpc_status_code code,
                              struct rind_slice said, bool is_cancelled) RIND_MUST_USE;

/* A moment as gRPC wants it. `deadline` must not be never. */
gpr_timespec rind_channel_time(struct rind_deadline deadline);

#endif
