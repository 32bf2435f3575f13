/*
 * server_fixture.h - a server on a free port of 127.0.0.1 with handlers that tests can steer.
 *
 *   /echo    answers 200 with the body            /wait    waits until fixture_release
 *   /meta    method, target and a header          /park    defers; fixture_complete_parked answers
 *   /big     answers ?N bytes                     /trace   the trace context it runs in
 *   others   404
 */
#ifndef RIND_TESTS_NET_SERVER_FIXTURE_H
#define RIND_TESTS_NET_SERVER_FIXTURE_H

#include "host/host.h"
#include "net/net.h"

#define FIXTURE_PARKED_MAX 4096u

struct fixture {
    struct rind_server *server;
    struct rind_address address;
    struct rind_server_options options;
    struct rind_mutex mutex; /* guards what follows */
    struct rind_cond changed;
    bool is_released;
    unsigned begun;     /* /wait handlers that have started */
    unsigned finished;  /* and ended */
    unsigned handled;   /* all requests */
    unsigned abandoned; /* parked ones whose client was gone when completed */
    struct rind_reply *parked[FIXTURE_PARKED_MAX];
    unsigned parked_count;
};

/* Fills fixture->options with small limits; change them before fixture_open. */
void fixture_prepare(struct fixture *fixture);
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* Each waits (bounded) until the counter is at least that high. */
void fixture_wait_begun(struct fixture *fixture, unsigned count);
void fixture_wait_finished(struct fixture *fixture, unsigned count);
void fixture_wait_parked(struct fixture *fixture, unsigned count);
void fixture_wait_connections(struct fixture *fixture, unsigned count);

void fixture_release(struct fixture *fixture);

/* Answers all parked requests with 200 "done". */
void fixture_complete_parked(struct fixture *fixture);

#endif
