/*
 * collector.h - an OpenTelemetry collector for tests: it keeps the spans that it is sent.
 *
 * Listens on 127.0.0.1 on a port of the system's choice, with a thread of its own. Whatever goes
 * wrong in it ends the test.
 */
#ifndef RIND_TESTS_TELEMETRY_COLLECTOR_H
#define RIND_TESTS_TELEMETRY_COLLECTOR_H

#include <grpc/grpc.h>

#include "host/host.h"

#define COLLECTOR_SPANS_MAX 8192u
#define COLLECTOR_ATTRIBUTES_SIZE 512u

struct collected_span {
    char trace_id[33];
    char span_id[17];
    char parent_id[17]; /* empty: none */
    char name[65];
    int kind;
    uint64_t start_unix_ns;
    uint64_t end_unix_ns;
    bool is_error;
    char resource[COLLECTOR_ATTRIBUTES_SIZE];   /* "key=value;key=value;" */
    char attributes[COLLECTOR_ATTRIBUTES_SIZE]; /* the same */
};

enum collector_mood {
    COLLECTOR_TAKES,
    COLLECTOR_HANGS,   /* never answers */
    COLLECTOR_FAILS,   /* UNAVAILABLE */
    COLLECTOR_REFUSES, /* takes the batch, and says that it will not have one of its spans */
};

struct collector {
    grpc_server *server;
    grpc_completion_queue *queue;
    grpc_completion_queue *shutdown_queue;
    struct rind_thread thread;
    char url[64];
    struct rind_mutex mutex; /* guards what follows */
    struct rind_cond changed;
    enum collector_mood mood;
    unsigned request_count;
    size_t batch_max; /* the largest batch so far */
    size_t count;
    struct collected_span *spans; /* COLLECTOR_SPANS_MAX */
};

void collector_open(struct collector *collector);
void collector_close(struct collector *collector);

void collector_set_mood(struct collector *collector, enum collector_mood mood);

/* Wait until there have been so many spans or requests; the test fails if there never are. */
void collector_await_spans(struct collector *collector, size_t count);
void collector_await_requests(struct collector *collector, unsigned count);

/* Forgets all spans. */
void collector_forget(struct collector *collector);

/* A copy of the spans there are; free it. */
struct collected_span *collector_spans(struct collector *collector, size_t *count);

/* True if the list of attributes has that one. */
bool collected_has(const char *attributes, const char *key, const char *value);

#endif
