/* watch.c - see watch.h. */
#include "cluster/watch.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/base.h"

#define WATCH_CONNECT_TIMEOUT_MS 2000u
/*
 * An agent that ends connections younger than this, or was lost so recently, is not connected to
 * again at once: one that answers requests but drops connections must not have us check for ever.
 */
#define WATCH_YOUNG_MS 1000u
#define WATCH_KEEPALIVE_S 1
#define WATCH_KEEPALIVE_PROBES 3

_Static_assert((WATCH_KEEPALIVE_PROBES + 1) * WATCH_KEEPALIVE_S * 1000 == RIND_WATCH_LOST_MS,
               "idle time and probes");

enum watch_state {
    WATCH_GONE, /* no connection, until the agent is named again */
    WATCH_CONNECTING,
    WATCH_OPEN,
};

struct watch_agent {
    struct rind_address address;
    enum watch_state state;
    int fd;
    uint64_t since_ns; /* of the state */
    bool is_wanted;    /* while the list is compared */
};

struct rind_watch {
    void (*notify)(void *self);
    void *self;
    int wake_fd; /* eventfd: the list has changed, or closing */
    struct rind_thread thread;
    /* Guards the four below. Nothing is taken after it. */
    struct rind_mutex lock;
    struct rind_address wanted[RIND_WATCH_AGENTS_MAX];
    size_t wanted_count;
    bool has_changed;
    bool is_closing;
    atomic_size_t open_count;
    /* The thread's own. */
    struct watch_agent agents[RIND_WATCH_AGENTS_MAX];
    size_t agent_count;
};

/* ---- one agent's connection ---- */

/* Has entered its state just now. A new agent has not (since_ns is 0). */
static bool watch_is_young(const struct watch_agent *agent)
{
    return rind_clock_monotonic_ns() - agent->since_ns < WATCH_YOUNG_MS * RIND_NS_PER_MS;
}

static void watch_drop(struct rind_watch *watch, struct watch_agent *agent)
{
    if (agent->state == WATCH_OPEN) {
        atomic_fetch_sub(&watch->open_count, 1);
    }
    if (agent->state != WATCH_GONE) {
        (void)close(agent->fd);
    }
    agent->state = WATCH_GONE;
    agent->since_ns = rind_clock_monotonic_ns();
}

static void watch_probe(int fd)
{
    const int on = 1;
    const int idle = WATCH_KEEPALIVE_S;
    const int count = WATCH_KEEPALIVE_PROBES;
    /* Without them only the loss of a whole machine is noticed later, by the periodic check. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static void watch_opened(struct rind_watch *watch, struct watch_agent *agent)
{
    agent->state = WATCH_OPEN;
    agent->since_ns = rind_clock_monotonic_ns();
    atomic_fetch_add(&watch->open_count, 1);
}

/* Begins to connect. False if that failed at once. */
static bool watch_connect(struct rind_watch *watch, struct watch_agent *agent)
{
    int fd =
        socket(agent->address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    watch_probe(fd);
    int result =
        connect(fd, (const struct sockaddr *)&agent->address.storage, agent->address.length);
    if (result != 0 && errno != EINPROGRESS) {
        (void)close(fd);
        return false;
    }
    agent->fd = fd;
    agent->state = WATCH_CONNECTING;
    agent->since_ns = rind_clock_monotonic_ns();
    if (result == 0) {
        watch_opened(watch, agent);
    }
    return true;
}

static void watch_connected(struct rind_watch *watch, struct watch_agent *agent)
{
    int fault = 0;
    socklen_t length = sizeof(fault);
    if (getsockopt(agent->fd, SOL_SOCKET, SO_ERROR, &fault, &length) == 0 && fault == 0) {
        watch_opened(watch, agent);
        return;
    }
    watch_drop(watch, agent);
    watch->notify(watch->self);
}

/* The connection ended, or says something, which an agent does only before it ends it. */
static void watch_ended(struct rind_watch *watch, struct watch_agent *agent)
{
    uint8_t bytes[256];
    ssize_t got = recv(agent->fd, bytes, sizeof(bytes), 0);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
        return;
    }
    bool is_young = watch_is_young(agent);
    watch_drop(watch, agent);
    /* An idle connection is closed by healthy agents too; whether it was that, the check sees. */
    if (!is_young) {
        (void)watch_connect(watch, agent);
    }
    watch->notify(watch->self);
}

/* ---- the list ---- */

static bool watch_is_same(const struct rind_address *a, const struct rind_address *b)
{
    return a->length == b->length && memcmp(&a->storage, &b->storage, a->length) == 0;
}

static void watch_want(struct rind_watch *watch, const struct rind_address *address)
{
    for (size_t i = 0; i < watch->agent_count; i++) {
        if (watch_is_same(&watch->agents[i].address, address)) {
            watch->agents[i].is_wanted = true;
            return;
        }
    }
    if (watch->agent_count < RIND_WATCH_AGENTS_MAX) {
        watch->agents[watch->agent_count] =
            (struct watch_agent){.address = *address, .state = WATCH_GONE, .is_wanted = true};
        watch->agent_count++;
    }
}

/* Takes over the wanted list: drops what is not on it, connects to what is new or was lost. */
static void watch_take_over(struct rind_watch *watch, const struct rind_address *wanted,
                            size_t count)
{
    for (size_t i = 0; i < watch->agent_count; i++) {
        watch->agents[i].is_wanted = false;
        for (size_t w = 0; w < count; w++) {
            watch->agents[i].is_wanted =
                watch->agents[i].is_wanted || watch_is_same(&watch->agents[i].address, &wanted[w]);
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < watch->agent_count; i++) {
        if (watch->agents[i].is_wanted) {
            watch->agents[kept] = watch->agents[i];
            kept++;
        } else {
            watch_drop(watch, &watch->agents[i]);
        }
    }
    watch->agent_count = kept;
    for (size_t w = 0; w < count; w++) {
        watch_want(watch, &wanted[w]);
    }
    for (size_t i = 0; i < watch->agent_count; i++) {
        struct watch_agent *agent = &watch->agents[i];
        if (agent->state == WATCH_GONE && !watch_is_young(agent)) {
            (void)watch_connect(watch, agent);
        }
    }
}

/* True if the thread shall end. */
static bool watch_update(struct rind_watch *watch)
{
    struct rind_address wanted[RIND_WATCH_AGENTS_MAX];
    rind_mutex_lock(&watch->lock);
    bool is_closing = watch->is_closing;
    bool has_changed = watch->has_changed;
    size_t count = watch->wanted_count;
    memcpy(wanted, watch->wanted, count * sizeof(wanted[0]));
    watch->has_changed = false;
    rind_mutex_unlock(&watch->lock);
    if (has_changed && !is_closing) {
        watch_take_over(watch, wanted, count);
    }
    return is_closing;
}

/* ---- the thread ---- */

/* Fills `polled`, the wake descriptor first, and says how long to wait at most. */
static int watch_prepare(struct rind_watch *watch, struct pollfd *polled, size_t *agents,
                         size_t *count)
{
    struct rind_deadline deadline = rind_deadline_never();
    polled[0] = (struct pollfd){.fd = watch->wake_fd, .events = POLLIN};
    *count = 1;
    for (size_t i = 0; i < watch->agent_count; i++) {
        const struct watch_agent *agent = &watch->agents[i];
        if (agent->state == WATCH_GONE) {
            continue;
        }
        bool is_connecting = agent->state == WATCH_CONNECTING;
        polled[*count] =
            (struct pollfd){.fd = agent->fd, .events = is_connecting ? POLLOUT : POLLIN};
        agents[*count] = i;
        (*count)++;
        if (is_connecting) {
            struct rind_deadline end = {agent->since_ns +
                                        WATCH_CONNECT_TIMEOUT_MS * RIND_NS_PER_MS};
            deadline = rind_deadline_min(deadline, end);
        }
    }
    return rind_deadline_poll_ms(deadline);
}

static void watch_serve(struct rind_watch *watch, struct watch_agent *agent, short events)
{
    uint64_t age_ns = rind_clock_monotonic_ns() - agent->since_ns;
    if (agent->state == WATCH_OPEN && events != 0) {
        watch_ended(watch, agent);
    } else if (agent->state == WATCH_CONNECTING && events != 0) {
        watch_connected(watch, agent);
    } else if (agent->state == WATCH_CONNECTING &&
               age_ns >= WATCH_CONNECT_TIMEOUT_MS * RIND_NS_PER_MS) {
        watch_drop(watch, agent);
        watch->notify(watch->self);
    }
}

static void watch_run(void *self)
{
    struct rind_watch *watch = self;
    struct pollfd polled[RIND_WATCH_AGENTS_MAX + 1];
    size_t agents[RIND_WATCH_AGENTS_MAX + 1];
    while (!watch_update(watch)) {
        size_t count;
        int timeout_ms = watch_prepare(watch, polled, agents, &count);
        if (poll(polled, count, timeout_ms) < 0 && errno != EINTR) {
            break; /* out of kernel memory: the periodic check goes on without us */
        }
        if (polled[0].revents != 0) {
            uint64_t ignored;
            ssize_t got = read(watch->wake_fd, &ignored, sizeof(ignored));
            (void)got;
        }
        for (size_t i = 1; i < count; i++) {
            watch_serve(watch, &watch->agents[agents[i]], polled[i].revents);
        }
    }
    for (size_t i = 0; i < watch->agent_count; i++) {
        watch_drop(watch, &watch->agents[i]);
    }
}

static void watch_wake(struct rind_watch *watch)
{
    uint64_t one = 1;
    ssize_t written = write(watch->wake_fd, &one, sizeof(one));
    RIND_ASSERT(written == sizeof(one) || errno == EAGAIN); /* EAGAIN: it is awake anyway */
}

rind_status rind_watch_open(struct rind_ctx *ctx, void (*notify)(void *self), void *self,
                            struct rind_watch **watch)
{
    struct rind_watch *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory to watch agents");
    made->notify = notify;
    made->self = self;
    made->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rind_mutex_init(&made->lock);
    rind_status status = RIND_OK;
    if (made->wake_fd < 0) {
        status = rind_fail(ctx, RIND_E_LIMIT, "cannot make an eventfd: %s", strerror(errno));
    } else {
        status = rind_thread_start(ctx, &made->thread, "watch", watch_run, made);
    }
    if (!rind_is_ok(status)) {
        rind_watch_close(made);
        return status;
    }
    *watch = made;
    return RIND_OK;
}

void rind_watch_close(struct rind_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    rind_mutex_lock(&watch->lock);
    watch->is_closing = true;
    rind_mutex_unlock(&watch->lock);
    if (watch->wake_fd >= 0) {
        watch_wake(watch);
        rind_thread_join(&watch->thread);
        (void)close(watch->wake_fd);
    }
    rind_mutex_fini(&watch->lock);
    free(watch);
}

/* The address of an agent's URL; false for host names and https. */
static bool watch_address(const char *url, struct rind_address *address)
{
    struct rind_ctx ctx;
    struct rind_url parsed;
    char text[RIND_URL_HOST_SIZE_MAX + 16];
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_url_parse(&ctx, rind_slice_text(url), &parsed)) || parsed.is_tls) {
        return false;
    }
    bool is_v6 = strchr(parsed.host, ':') != NULL;
    (void)snprintf(text, sizeof(text), is_v6 ? "[%s]:%u" : "%s:%u", parsed.host,
                   (unsigned)parsed.port);
    return rind_is_ok(rind_address_parse(&ctx, rind_slice_text(text), address));
}

void rind_watch_set(struct rind_watch *watch, const char *const *urls, size_t count)
{
    struct rind_address wanted[RIND_WATCH_AGENTS_MAX];
    size_t wanted_count = 0;
    memset(wanted, 0, sizeof(wanted));
    for (size_t i = 0; i < count && wanted_count < RIND_WATCH_AGENTS_MAX; i++) {
        if (watch_address(urls[i], &wanted[wanted_count])) {
            wanted_count++;
        }
    }
    rind_mutex_lock(&watch->lock);
    memcpy(watch->wanted, wanted, sizeof(wanted));
    watch->wanted_count = wanted_count;
    watch->has_changed = true;
    rind_mutex_unlock(&watch->lock);
    watch_wake(watch);
}

size_t rind_watch_open_count(struct rind_watch *watch)
{
    return atomic_load(&watch->open_count);
}
