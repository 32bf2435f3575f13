/*
 * channel_state.h - the inside of a channel, for this folder only.
 */
#ifndef RIND_CLOUD_CHANNEL_STATE_H
#define RIND_CLOUD_CHANNEL_STATE_H

#include <grpc/grpc.h>
#include <stdatomic.h>

#include "cloud/channel.h"

/* One connection. It outlives its replacement until its last call has ended. */
struct rind_connection {
    grpc_channel *handle;
    unsigned call_count; /* under way; under the channel's mutex, as the next one */
    bool is_replaced;    /* no new calls; whoever ends the last one closes it */
};

struct rind_channel {
    struct rind_channel_options options; /* `log` points at the next one, or is NULL */
    struct rind_log log;
    grpc_channel_credentials *credentials;
    atomic_uint_fast64_t call_count;
    struct rind_mutex mutex;     /* guards what follows; nothing of ours is taken while held */
    struct rind_stream *streams; /* calls under way, linked by `next` and `previous` */
    bool is_cancelled;
    struct rind_connection *connections[RIND_CHANNEL_CONNECTIONS_MAX];
};

bool rind_channel_is_cancelled(struct rind_channel *channel);

/* The connection with the fewest calls, which now has one more. */
struct rind_connection *rind_connection_acquire(struct rind_channel *channel);
void rind_connection_release(struct rind_channel *channel, struct rind_connection *connection);

/* As rind_channel_call, over this connection, which stays acquired. */
rind_status rind_connection_call(struct rind_ctx *ctx, struct rind_channel *channel,
                                 struct rind_connection *connection,
                                 const struct rind_grpc_call *call, struct rind_deadline deadline,
                                 ProtobufCMessage **response) RIND_MUST_USE;

/* What becomes of a call that ended in `code`; `said` is the service's text. See channel.h. */
rind_status rind_channel_fail(struct rind_ctx *ctx, const struct rind_channel *channel,
                              const struct rind_grpc_call *call, grpc_status_code code,
                              struct rind_slice said, bool is_cancelled) RIND_MUST_USE;

/* A moment as gRPC wants it. `deadline` must not be never. */
gpr_timespec rind_channel_time(struct rind_deadline deadline);

#endif
