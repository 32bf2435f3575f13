/* server_state.h - what the parts of one server share. For this room. */
#ifndef RIND_NET_SERVER_STATE_H
#define RIND_NET_SERVER_STATE_H

#include <stdatomic.h>

#include "host/arena_pool.h"
#include "host/pool.h"
#include "host/thread.h"
#include "net/message.h"
#include "net/server.h"
#include "net/tls.h"

#define RIND_SERVER_IO_THREADS_MAX 64u

struct rind_loop;

struct rind_server {
    struct rind_server_options options; /* read-only once open */
    struct rind_log log;
    struct rind_message_limits limits;
    struct rind_address address;
    struct rind_tls *tls; /* NULL: plain */
    struct rind_pool *workers;
    struct rind_arena_pool *arenas;
    struct rind_loop **loops;
    unsigned loop_count;
    atomic_size_t buffered_bytes;
    atomic_uint connection_count;
    atomic_bool is_draining;
    struct rind_mutex mutex; /* guards nothing but the wait for connection_count to become 0 */
    struct rind_cond emptied;
};

#endif
