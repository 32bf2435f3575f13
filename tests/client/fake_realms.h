/*
 * fake_realms.h - realms in this process behind a transport, for testing the client end to end.
 *
 * Hardware realms are the real trusted core (one HSM each, tests/hsm/cluster.h); software realms
 * are its user application without the rest. Each can be told to fail in a number of ways. A token
 * is any text: it names the user; one that starts with "bad" is refused.
 */
#ifndef RIND_TESTS_CLIENT_FAKE_REALMS_H
#define RIND_TESTS_CLIENT_FAKE_REALMS_H

#include <pthread.h>

#include "client/client.h"
#include "hsm/cluster.h"

#define FAKE_REALMS_MAX 10u
#define FAKE_USERS_MAX 8u
#define FAKE_FAULTS_MAX 32u
#define FAKE_SLEEPS_MAX 64u

/* What happens to one request. */
enum fake_fault_kind {
    FAKE_NONE = 0,      /* answered as it should be */
    FAKE_REFUSED,       /* surely not sent */
    FAKE_LOST_REQUEST,  /* no answer; not executed */
    FAKE_LOST_RESPONSE, /* no answer; executed */
    FAKE_ANSWER,        /* status and body as given; not executed */
    FAKE_HANG,          /* no answer until nobody waits any more; not executed */
};

struct fake_fault {
    enum fake_fault_kind kind;
    uint16_t status;
    size_t body_size;
    uint8_t body[64];
};

struct fake_realm;

/* Changes a software realm's answer before it is sent. */
typedef void (*fake_tamper)(struct fake_realm *realm, const struct rind_secrets_request *request,
                            struct rind_secrets_response *response);

struct fake_realm {
    struct rind_realm config;
    char address[64];
    char url[80];
    pthread_mutex_t lock;
    struct cluster *cluster; /* hardware only */
    struct rind_group_id group;
    struct fake_software_user {
        char token[64];
        struct rind_user_record record;
    } users[FAKE_USERS_MAX]; /* software only */
    size_t user_count;
    struct fake_fault faults[FAKE_FAULTS_MAX]; /* of the next requests, in order */
    size_t fault_count;
    size_t fault_next;
    struct fake_fault fault_always; /* after those */
    fake_tamper tamper;
    bool has_session_lifetime; /* hardware: told to clients instead of the core's */
    struct rind_duration session_lifetime;
    struct fake_realm *waits_for; /* answers only once that realm has had ... */
    unsigned waits_for_request_count;
    unsigned request_count;
    unsigned handshake_count;
    unsigned handshake_only_count;
    unsigned recover3_count; /* software only */
};

struct fake_realms {
    struct fake_realm realms[FAKE_REALMS_MAX];
    size_t count;
    /* The client's world. */
    uint64_t now_ms;
    uint32_t join_grace_ms; /* of users made from now on */
    pthread_mutex_t lock;
    uint32_t sleeps_ms[FAKE_SLEEPS_MAX];
    size_t sleep_count;
};

/* `hardware` hardware realms, then `software` software ones, with ids in no particular order. */
struct fake_realms *fake_realms_open(size_t hardware, size_t software);
void fake_realms_close(struct fake_realms *realms);

/* A configuration of the realms whose bits are set in `mask`, FastInsecure. */
struct rind_configuration *fake_configuration(const struct fake_realms *realms, unsigned mask,
                                              uint32_t register_threshold,
                                              uint32_t recover_threshold);

/* A user of all realms (mask), whose token is `token` at all of them. */
struct rind_user *fake_user(struct fake_realms *realms, const char *token,
                            const struct rind_configuration *configuration);
/* The same with one previous configuration. */
struct rind_user *fake_user_with_previous(struct fake_realms *realms, const char *token,
                                          const struct rind_configuration *configuration,
                                          const struct rind_configuration *previous);
struct rind_transport fake_transport(struct fake_realms *realms);
struct rind_sdk_world fake_world(struct fake_realms *realms);

/* Appends a fault for one request. */
void fake_fault_add(struct fake_realm *realm, enum fake_fault_kind kind);
void fake_fault_add_text(struct fake_realm *realm, uint16_t status, const char *text);
/* ... that answers a ClientResponse without data, under `status`. */
void fake_fault_add_refusal(struct fake_realm *realm, uint16_t status,
                            enum rind_client_response_kind kind);

#endif
