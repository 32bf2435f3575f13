/*
 * grpc_proxy.h - a gRPC proxy in front of an emulator, which loses, cuts and invents answers.
 *
 * It forwards calls byte for byte, counts them by method, and spoils those it is told to. It
 * listens on 127.0.0.1 on a port of the system's choice, with threads of its own.
 */
#ifndef RIND_TESTS_STORE_GRPC_PROXY_H
#define RIND_TESTS_STORE_GRPC_PROXY_H

#include <grpc/grpc.h>

#include "host/host.h"

#define GRPC_PROXY_WORKERS 8u
#define GRPC_PROXY_METHODS 16u

enum grpc_proxy_fault {
    GRPC_PROXY_FORWARD,
    GRPC_PROXY_BEFORE, /* not forwarded; ends in `code` */
    GRPC_PROXY_AFTER,  /* forwarded, but the answer is lost; ends in `code` */
    GRPC_PROXY_CUT,    /* forwarded; ends in `code` after `messages` messages of the answer */
    GRPC_PROXY_HANG,   /* forwarded, and never answered */
    GRPC_PROXY_SCRIPT, /* not forwarded; answers `script`, then ends in `code` */
};

struct grpc_proxy_rule {
    const char *method;          /* last part: "ReadRows"; NULL: any */
    enum grpc_proxy_fault fault; /* of its calls ... */
    unsigned first;              /* ... from the first-th (from 1) since the rule was set ... */
    unsigned times;              /* ... so many ... */
    unsigned every;              /* ... or every so-many-th, if not 0 */
    grpc_status_code code;
    unsigned messages;
    struct rind_slice script; /* one message */
};

struct grpc_proxy_worker {
    struct grpc_proxy *proxy;
    struct rind_thread thread;
    grpc_completion_queue *queue;
};

struct grpc_proxy {
    grpc_server *server;
    grpc_completion_queue *shutdown_queue;
    grpc_channel *emulator;
    struct rind_url url; /* where it listens */
    struct grpc_proxy_worker workers[GRPC_PROXY_WORKERS];
    struct rind_mutex mutex; /* guards what follows */
    struct grpc_proxy_rule rule;
    unsigned matched; /* calls of the rule's method since it was set */
    struct {
        char name[64];
        unsigned count;
    } methods[GRPC_PROXY_METHODS];
    bool has_peer[65536];  /* by the port that a connection came from */
    uint8_t *last_request; /* of the rule's method; owned */
    size_t last_request_size;
};

/* Listens, in front of `address` ("127.0.0.1:40123"). Whatever goes wrong ends the test. */
void grpc_proxy_open(struct grpc_proxy *proxy, const char *address);
/* The same; connections older than `age_ms` are closed as Google does: GOAWAY, then no new calls.
 */
void grpc_proxy_open_aged(struct grpc_proxy *proxy, const char *address, int age_ms);
void grpc_proxy_close(struct grpc_proxy *proxy);

/* Replaces the rule, and forgets the counts. */
void grpc_proxy_set(struct grpc_proxy *proxy, const struct grpc_proxy_rule *rule);

/* Calls of a method since the rule was set; NULL: of all. */
unsigned grpc_proxy_count(struct grpc_proxy *proxy, const char *method);

/* Connections that calls have come over, ever. */
unsigned grpc_proxy_connections(struct grpc_proxy *proxy);

#endif
