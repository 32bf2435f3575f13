/*
 * scripted_peer.h - a peer that answers connection by connection what a test has written down.
 */
#ifndef RIND_TESTS_NET_SCRIPTED_PEER_H
#define RIND_TESTS_NET_SCRIPTED_PEER_H

#include "host/host.h"

/* One connection: for each answer, a request is read and the answer's bytes are sent. */
struct scripted_connection {
    const char *answers[4]; /* "" reads a request and sends nothing; NULL ends the list */
    bool stays_open;        /* until the peer is closed; otherwise it closes after the last */
};

struct scripted_peer {
    struct rind_address address;
    struct rind_url url; /* "http://127.0.0.1:port/" */
    int listen_fd;
    const struct scripted_connection *script;
    size_t script_count;
    struct rind_thread thread;
    struct rind_mutex mutex; /* guards what follows */
    unsigned requests;       /* read so far */
    int open_fds[8];
    size_t open_count;
    char last_request[4096];
};

void scripted_peer_open(struct scripted_peer *peer, const struct scripted_connection *script,
                        size_t count);
/* Waits until the script has been played to its end. */
void scripted_peer_close(struct scripted_peer *peer);
unsigned scripted_peer_requests(struct scripted_peer *peer);

#endif
