/*
 * fake_agent.h - an agent that answers status and app as a test's script says, over real HTTP.
 *
 * Not a mock of our code: it stands for a peer process, whose behaviour (hanging, lying, dying) no
 * real agent would show on demand.
 */
#ifndef RIND_TESTS_BALANCER_FAKE_AGENT_H
#define RIND_TESTS_BALANCER_FAKE_AGENT_H

#include <stdbool.h>

#include "host/thread.h"
#include "host/trace.h"
#include "net/net.h"
#include "wire/agent.h"

enum fake_agent_behaviour {
    FAKE_AGENT_ANSWERS,  /* `answer` */
    FAKE_AGENT_SAYS_500, /* without a body */
    FAKE_AGENT_SAYS_503,
    FAKE_AGENT_GARBLES, /* 200 and nonsense */
    FAKE_AGENT_HANGS,
};

struct fake_agent {
    struct rind_server *server;
    char url[RIND_ADDRESS_TEXT_SIZE + 16];

    struct rind_mutex mutex; /* guards all below */
    enum fake_agent_behaviour app_behaviour;
    enum rind_agent_app_response_kind answer; /* Ok echoes the ciphertext back as transport */
    enum fake_agent_behaviour status_behaviour;
    bool has_realm;
    bool is_leader;
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_owned_range range;
    uint64_t role_clock;

    unsigned status_count;
    unsigned app_count;
    bool has_last_trace; /* of the last app request */
    struct rind_trace last_trace;
    struct rind_agent_app_request last_app; /* slices into last_body */
    uint8_t last_body[4096];
    uint8_t last_memory[8192];
    struct rind_reply *hanging[64];
    size_t hanging_count;
};

/* Listens on a port that the system chooses; leads `group` of `realm`, all records. */
void fake_agent_open(struct fake_agent *agent, uint8_t realm, uint8_t group);

/* Cuts its connections, hanging requests included. */
void fake_agent_close(struct fake_agent *agent);

/* Answers what hangs: Ok, each with the ciphertext of the last request. */
void fake_agent_release(struct fake_agent *agent);

/* Changes of the script and looks at the record, under the lock. */
void fake_agent_set_app(struct fake_agent *agent, enum fake_agent_behaviour behaviour,
                        enum rind_agent_app_response_kind answer);
void fake_agent_set_status(struct fake_agent *agent, enum fake_agent_behaviour behaviour);
void fake_agent_set_leader(struct fake_agent *agent, bool is_leader, uint64_t role_clock);
unsigned fake_agent_app_count(struct fake_agent *agent);
unsigned fake_agent_status_count(struct fake_agent *agent);

#endif
