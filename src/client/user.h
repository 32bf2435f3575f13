/* user.h - what a rind_user is: configurations, realms' slots, tokens, transport. */
#ifndef RIND_CLIENT_USER_H
#define RIND_CLIENT_USER_H

#include <pthread.h>

#include "client/configuration.h"
#include "client/slot.h"
#include "client/world.h"
#include "rind/rind.h"

#define RIND_SDK_REQUEST_TIMEOUT_MS 30000u /* 01 section 5 */
#define RIND_SDK_USER_AGENT_SIZE_MAX 128u

/* A copy of the application's list of tokens. */
struct rind_sdk_tokens {
    struct rind_auth_token *items; /* jwt owned, wiped when released */
    size_t count;
};

struct rind_user {
    struct rind_sdk_world world;
    struct rind_configuration *configurations[1 + RIND_CONFIGURATIONS_MAX]; /* current first */
    size_t configuration_count;
    struct rind_sdk_slot *slots; /* one for each different realm of all configurations */
    size_t slot_count;
    size_t slots_size; /* bytes */
    struct rind_transport transport;
    struct rind_https *own_https; /* NULL if the application gave a transport */
    uint32_t request_timeout_ms;
    char user_agent[RIND_SDK_USER_AGENT_SIZE_MAX];
    rind_auth_token_get token_get; /* NULL: the list below */
    void *token_self;

    pthread_mutex_t lock; /* of what follows; never held over I/O or calls of the application */
    pthread_cond_t idle;
    struct rind_sdk_tokens tokens;
    struct rind_sdk_operation *operations; /* under way, linked by `next`; of operation.h */
    size_t threads_running;                /* that use this user, waited for or not */
};

/* The slot of a realm of one of the user's configurations. */
struct rind_sdk_slot *rind_sdk_user_slot(struct rind_user *user, const struct rind_realm *realm);

/* Writes the realm's token with its NUL to `jwt` (RIND_TOKEN_SIZE_MAX bytes); false: there is none.
 */
bool rind_sdk_user_token(struct rind_user *user, const struct rind_realm_id *realm, char *jwt);

/* Counts a thread that uses the user, so that rind_user_free waits for it. */
void rind_sdk_user_thread_started(struct rind_user *user);
void rind_sdk_user_thread_ended(struct rind_user *user);

#endif
