/* loop.c - see loop.h. */
#include "net/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "net/connection.h"

#define LOOP_EVENTS_MAX 128
#define LOOP_ACCEPTS_MAX 64u /* per turn, so that connections get their share */
#define LOOP_ACCEPT_PAUSE_NS (100u * RIND_NS_PER_MS)
#define LOOP_SHED_PAUSE_NS (50u * RIND_NS_PER_MS)

void rind_loop_count_protocol(struct rind_loop *loop, const char *protocol, const char *what)
{
    const struct rind_server_options *options = &loop->server->options;
    if (options->metrics == NULL || options->metrics_prefix == NULL) {
        return;
    }
    char name[128];
    (void)snprintf(name, sizeof(name), "%s.connections.%s", options->metrics_prefix, what);
    struct rind_tag tag = {"protocol", protocol};
    rind_metrics_count(options->metrics, name, 1, &tag, protocol != NULL ? 1 : 0);
}

static void loop_report_active(struct rind_loop *loop, uint32_t count)
{
    const struct rind_server_options *options = &loop->server->options;
    if (options->metrics != NULL && options->metrics_prefix != NULL) {
        char name[128];
        (void)snprintf(name, sizeof(name), "%s.connections.active", options->metrics_prefix);
        rind_metrics_gauge(options->metrics, name, count, NULL, 0);
    }
}

void rind_loop_add(struct rind_loop *loop, struct rind_connection *connection)
{
    connection->previous = NULL;
    connection->next = loop->connections;
    if (loop->connections != NULL) {
        loop->connections->previous = connection;
    } else {
        loop->oldest = connection;
    }
    loop->connections = connection;
    loop->connection_count++;
    unsigned before = atomic_fetch_add(&loop->server->connection_count, 1);
    loop_report_active(loop, before + 1);
}

void rind_loop_remove(struct rind_loop *loop, struct rind_connection *connection)
{
    *(connection->previous != NULL ? &connection->previous->next : &loop->connections) =
        connection->next;
    *(connection->next != NULL ? &connection->next->previous : &loop->oldest) =
        connection->previous;
    connection->previous = NULL;
    connection->next = loop->dead;
    loop->dead = connection;
    loop->connection_count--;
    struct rind_server *server = loop->server;
    unsigned before = atomic_fetch_sub(&server->connection_count, 1);
    RIND_ASSERT(before > 0);
    loop_report_active(loop, before - 1);
    if (before == 1) {
        rind_mutex_lock(&server->mutex);
        rind_cond_broadcast(&server->emptied);
        rind_mutex_unlock(&server->mutex);
    }
}

void rind_loop_set_ready(struct rind_loop *loop, struct rind_connection *connection)
{
    if (connection->is_ready) {
        return;
    }
    connection->is_ready = true;
    connection->ready_previous = NULL;
    connection->ready_next = loop->ready;
    if (loop->ready != NULL) {
        loop->ready->ready_previous = connection;
    }
    loop->ready = connection;
}

void rind_loop_clear_ready(struct rind_loop *loop, struct rind_connection *connection)
{
    if (!connection->is_ready) {
        return;
    }
    connection->is_ready = false;
    *(connection->ready_previous != NULL ? &connection->ready_previous->ready_next : &loop->ready) =
        connection->ready_next;
    if (connection->ready_next != NULL) {
        connection->ready_next->ready_previous = connection->ready_previous;
    }
}

/* Events of this turn may still name them, hence not earlier. */
static void loop_free_dead(struct rind_loop *loop)
{
    while (loop->dead != NULL) {
        struct rind_connection *connection = loop->dead;
        loop->dead = connection->next;
        connection->magic = 0;
        free(connection);
    }
}

/* Ends the longest open connection that has nothing in flight. */
static bool loop_make_room(struct rind_loop *loop)
{
    struct rind_connection *at = loop->oldest;
    while (at != NULL && !rind_connection_is_idle(at)) {
        at = at->previous;
    }
    if (at != NULL) {
        rind_connection_kill(at);
    }
    return at != NULL;
}

static void loop_take_newcomer(struct rind_loop *loop, int fd, const struct rind_address *address)
{
    bool has_room = loop->connection_count < loop->connections_max || loop_make_room(loop);
    if (!has_room || loop->is_draining) {
        if (!has_room) {
            RIND_LOG_WARN(&loop->server->log,
                          "all %u connections are busy: refusing a new one; raise the limit or "
                          "add machines",
                          loop->server->options.connections_max);
            rind_loop_count_protocol(loop, NULL, "errors");
        }
        (void)close(fd);
        return;
    }
    rind_connection_open(loop, fd, address);
}

/* Gives the socket to the loop whose turn it is. */
static void loop_assign(struct rind_loop *loop, int fd, const struct rind_address *address)
{
    struct rind_server *server = loop->server;
    struct rind_loop *target = server->loops[loop->next_loop];
    loop->next_loop = (loop->next_loop + 1) % server->loop_count;
    if (target == loop) {
        loop_take_newcomer(loop, fd, address);
        return;
    }
    struct rind_newcomer *newcomer = calloc(1, sizeof(*newcomer));
    if (newcomer == NULL) {
        (void)close(fd);
        return;
    }
    newcomer->fd = fd;
    newcomer->address = *address;
    if (!rind_mailbox_put_newcomer(target->mailbox, newcomer)) {
        (void)close(fd);
        free(newcomer);
    }
}

static void loop_watch_listener(struct rind_loop *loop, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = &loop->listen_fd};
    int result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, loop->listen_fd, &event);
    RIND_ASSERT(result == 0);
}

static void loop_accept(struct rind_loop *loop)
{
    for (unsigned i = 0; i < LOOP_ACCEPTS_MAX; i++) {
        struct rind_address address = {.length = sizeof(address.storage)};
        int fd = accept4(loop->listen_fd, (struct sockaddr *)(void *)&address.storage,
                         &address.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            loop_assign(loop, fd, &address);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* Trying again at once would only burn the processor: the backlog waits. */
            RIND_LOG_WARN(&loop->server->log,
                          "could not accept a connection: %s; raise the limit of open files "
                          "(ulimit -n)",
                          strerror(errno));
            rind_loop_count_protocol(loop, NULL, "errors");
            loop->accept_again_ns = rind_clock_monotonic_ns() + LOOP_ACCEPT_PAUSE_NS;
            loop_watch_listener(loop, 0);
            return;
        }
        /* The others concern that one connection only (accept(2)): the next may be fine. */
    }
}

static void loop_stop_listening(struct rind_loop *loop)
{
    if (loop->listen_fd >= 0) {
        (void)close(loop->listen_fd); /* leaves epoll by that */
        loop->listen_fd = -1;
        loop->accept_again_ns = 0;
    }
}

static void loop_drain(struct rind_loop *loop)
{
    if (loop->is_draining) {
        return;
    }
    loop->is_draining = true;
    loop_stop_listening(loop);
    struct rind_connection *at = loop->connections;
    while (at != NULL) {
        struct rind_connection *next = at->next; /* `at` may move to the dead list */
        rind_connection_begin_end(at);
        at = next;
    }
}

static void loop_deliver(struct rind_exchange *exchange)
{
    while (exchange != NULL) {
        struct rind_exchange *next = exchange->next;
        exchange->next = NULL;
        if (exchange->connection != NULL) {
            rind_connection_deliver(exchange->connection, exchange);
        }
        rind_exchange_release(exchange);
        exchange = next;
    }
}

/* False: told to stop. */
static bool loop_take_mail(struct rind_loop *loop)
{
    struct rind_mailbox_contents contents = rind_mailbox_take(loop->mailbox);
    loop_deliver(contents.completed);
    while (contents.newcomers != NULL) {
        struct rind_newcomer *newcomer = contents.newcomers;
        contents.newcomers = newcomer->next;
        loop_take_newcomer(loop, newcomer->fd, &newcomer->address);
        free(newcomer);
    }
    if (contents.wants_drain) {
        loop_drain(loop);
    }
    return !contents.wants_stop;
}

static void loop_drive_ready(struct rind_loop *loop)
{
    /* Those that get ready again meanwhile wait for the next turn. */
    struct rind_connection *at = loop->ready;
    struct rind_connection *next;
    for (struct rind_connection *c = at; c != NULL; c = c->ready_next) {
        c->is_ready = false;
    }
    loop->ready = NULL;
    for (; at != NULL; at = next) {
        next = at->ready_next;
        rind_connection_drive(at, 0);
    }
}

static void loop_expire(struct rind_loop *loop)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    struct rind_timer *timer;
    while ((timer = rind_timers_pop(&loop->timers, now_ns)) != NULL) {
        struct rind_connection *connection =
            (struct rind_connection *)(void *)((char *)timer -
                                               offsetof(struct rind_connection, timer));
        rind_connection_expire(connection);
    }
    if (loop->accept_again_ns != 0 && loop->accept_again_ns <= now_ns) {
        loop->accept_again_ns = 0;
        loop_watch_listener(loop, EPOLLIN);
    }
}

static bool loop_is_memory_short(const struct rind_loop *loop)
{
    const struct rind_server *server = loop->server;
    return atomic_load(&server->buffered_bytes) > server->options.buffered_bytes_max / 4 * 3;
}

/*
 * Whoever keeps many requests half sent must not take the memory from those who send theirs: when
 * it gets short, requests have `hurry_timeout_ns` instead of the usual time.
 */
static void loop_shed(struct rind_loop *loop)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    struct rind_server *server = loop->server;
    if (!loop_is_memory_short(loop) || now_ns < loop->shed_again_ns) {
        return;
    }
    bool is_first = loop->shed_again_ns + server->options.hurry_timeout_ns < now_ns;
    loop->shed_again_ns = now_ns + LOOP_SHED_PAUSE_NS;
    for (unsigned i = 0; is_first && i < server->loop_count; i++) {
        if (server->loops[i] != loop) {
            rind_mailbox_poke(server->loops[i]->mailbox); /* it may be asleep */
        }
    }
    struct rind_connection *at = loop->connections;
    while (at != NULL) {
        struct rind_connection *next = at->next; /* `at` may move to the dead list */
        rind_connection_shed(at, now_ns - server->options.hurry_timeout_ns);
        at = next;
    }
}

static int loop_wait_ms(const struct rind_loop *loop)
{
    if (loop->ready != NULL) {
        return 0;
    }
    struct rind_deadline deadline = rind_timers_next(&loop->timers);
    if (loop->accept_again_ns != 0) {
        struct rind_deadline again = {loop->accept_again_ns};
        deadline = rind_deadline_min(deadline, again);
    }
    if (loop_is_memory_short(loop)) {
        struct rind_deadline again = {loop->shed_again_ns};
        deadline = rind_deadline_min(deadline, again);
    }
    return rind_deadline_poll_ms(deadline);
}

static void loop_run(void *self)
{
    struct rind_loop *loop = self;
    bool is_running = true;
    while (is_running) {
        struct epoll_event events[LOOP_EVENTS_MAX];
        int count = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS_MAX, loop_wait_ms(loop));
        RIND_ASSERT(count >= 0 || errno == EINTR);
        loop_drive_ready(loop);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == loop->mailbox) {
                is_running = loop_take_mail(loop) && is_running;
            } else if (events[i].data.ptr != &loop->listen_fd) {
                rind_connection_drive(events[i].data.ptr, events[i].events);
            } else if (loop->listen_fd >= 0) {
                loop_accept(loop);
            }
        }
        loop_expire(loop);
        loop_shed(loop);
        loop_free_dead(loop);
    }
}

/* Watches the mailbox and the listener. */
static rind_status loop_watch(struct rind_ctx *ctx, struct rind_loop *loop, int listen_fd)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    RIND_REQUIRE(ctx, loop->epoll_fd >= 0, RIND_E_LIMIT,
                 "could not make an epoll descriptor: %s; raise the limit of open files (ulimit "
                 "-n)",
                 strerror(errno));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop->mailbox};
    int result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->mailbox->event_fd, &event);
    if (result == 0 && listen_fd >= 0) {
        event.data.ptr = &loop->listen_fd;
        result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
    }
    RIND_REQUIRE(ctx, result == 0, RIND_E_LIMIT, "could not watch the listening socket: %s",
                 strerror(errno));
    return RIND_OK;
}

static void loop_release(struct rind_loop *loop)
{
    struct rind_mailbox_contents contents = rind_mailbox_close(loop->mailbox);
    loop_deliver(contents.completed);
    while (contents.newcomers != NULL) {
        struct rind_newcomer *newcomer = contents.newcomers;
        contents.newcomers = newcomer->next;
        (void)close(newcomer->fd);
        free(newcomer);
    }
    loop_stop_listening(loop);
    if (loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
    }
    rind_timers_fini(&loop->timers);
    rind_mailbox_release(loop->mailbox);
}

rind_status rind_loop_open(struct rind_ctx *ctx, struct rind_loop *loop, struct rind_server *server,
                           int listen_fd, uint32_t connections_max)
{
    loop->server = server;
    loop->epoll_fd = -1;
    loop->listen_fd = -1;
    loop->connections_max = connections_max;
    RIND_TRY(rind_mailbox_new(ctx, &loop->mailbox));
    rind_status status = rind_timers_init(ctx, &loop->timers, connections_max);
    if (rind_is_ok(status)) {
        status = loop_watch(ctx, loop, listen_fd);
    }
    if (!rind_is_ok(status)) {
        loop_release(loop);
        return status;
    }
    loop->listen_fd = listen_fd;
    return RIND_OK;
}

rind_status rind_loop_start(struct rind_ctx *ctx, struct rind_loop *loop, const char *name)
{
    return rind_thread_start(ctx, &loop->thread, name, loop_run, loop);
}

void rind_loop_close(struct rind_loop *loop)
{
    rind_mailbox_want_stop(loop->mailbox);
    rind_thread_join(&loop->thread);
    while (loop->connections != NULL) {
        rind_connection_kill(loop->connections);
    }
    loop_free_dead(loop);
    loop_release(loop);
}
