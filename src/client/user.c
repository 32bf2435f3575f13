/* user.c - see user.h: making and releasing users. */
#include "client/user.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "client/failure.h"
#include "client/memory.h"

const char *rind_library_version(void)
{
    return RIND_LIBRARY_VERSION;
}

static void tokens_free(struct rind_sdk_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        char *jwt = (char *)(uintptr_t)tokens->items[i].jwt;
        rind_wipe(jwt, strlen(jwt));
        free(jwt);
    }
    free(tokens->items);
    tokens->items = NULL;
    tokens->count = 0;
}

static bool tokens_copy(struct rind_sdk_tokens *tokens, const struct rind_auth_token *items,
                        size_t count)
{
    tokens->count = 0;
    tokens->items = calloc(count > 0 ? count : 1, sizeof(*tokens->items));
    if (tokens->items == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        tokens->items[i] = items[i];
        tokens->items[i].jwt = strdup(items[i].jwt);
        if (tokens->items[i].jwt == NULL) {
            tokens_free(tokens);
            return false;
        }
        tokens->count++;
    }
    return true;
}

bool rind_user_set_tokens(struct rind_user *user, const struct rind_auth_token *tokens,
                          size_t token_count)
{
    struct rind_sdk_tokens copy;
    if (!tokens_copy(&copy, tokens, token_count)) {
        return false;
    }
    pthread_mutex_lock(&user->lock);
    struct rind_sdk_tokens old = user->tokens;
    user->tokens = copy;
    pthread_mutex_unlock(&user->lock);
    tokens_free(&old);
    return true;
}

static bool user_token_from_list(struct rind_user *user, const struct rind_realm_id *realm,
                                 char *jwt)
{
    bool is_found = false;
    pthread_mutex_lock(&user->lock);
    for (size_t i = 0; i < user->tokens.count && !is_found; i++) {
        const struct rind_auth_token *token = &user->tokens.items[i];
        size_t length = strlen(token->jwt);
        if (memcmp(token->realm_id, realm->bytes, sizeof(realm->bytes)) == 0 &&
            length < RIND_TOKEN_SIZE_MAX) {
            memcpy(jwt, token->jwt, length + 1);
            is_found = true;
        }
    }
    pthread_mutex_unlock(&user->lock);
    return is_found;
}

bool rind_sdk_user_token(struct rind_user *user, const struct rind_realm_id *realm, char *jwt)
{
    bool is_found = user->token_get != NULL
                        ? user->token_get(user->token_self, realm->bytes, jwt, RIND_TOKEN_SIZE_MAX)
                        : user_token_from_list(user, realm, jwt);
    if (!is_found || memchr(jwt, '\0', RIND_TOKEN_SIZE_MAX) == NULL || jwt[0] == '\0') {
        return false;
    }
    /* Anything but visible ASCII must never reach a header: a line break would start a new one. */
    for (const char *at = jwt; *at != '\0'; at++) {
        if (*at < 0x21 || *at > 0x7e) {
            return false;
        }
    }
    return true;
}

struct rind_sdk_slot *rind_sdk_user_slot(struct rind_user *user, const struct rind_realm *realm)
{
    for (size_t i = 0; i < user->slot_count; i++) {
        if (rind_sdk_slot_is_for(&user->slots[i], realm)) {
            return &user->slots[i];
        }
    }
    return NULL;
}

static bool user_add_configuration(struct rind_user *user,
                                   const struct rind_configuration *configuration)
{
    struct rind_configuration *copy = rind_configuration_copy(configuration);
    if (copy == NULL) {
        return false;
    }
    user->configurations[user->configuration_count++] = copy;
    return true;
}

/* Slots for the realms of all configurations: previous ones may have realms of their own. */
static bool user_make_slots(struct rind_user *user)
{
    size_t count_max = 0;
    for (size_t i = 0; i < user->configuration_count; i++) {
        count_max += user->configurations[i]->realm_count;
    }
    user->slots_size = count_max * sizeof(*user->slots);
    user->slots = rind_sdk_memory_new(user->slots_size);
    if (user->slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < user->configuration_count; i++) {
        const struct rind_configuration *configuration = user->configurations[i];
        for (size_t j = 0; j < configuration->realm_count; j++) {
            if (rind_sdk_user_slot(user, &configuration->realms[j]) != NULL) {
                continue;
            }
            if (!rind_sdk_slot_init(&user->slots[user->slot_count], &configuration->realms[j])) {
                return false;
            }
            user->slot_count++;
        }
    }
    return true;
}

static bool options_check(const struct rind_user_options *options, char *why)
{
    if (options == NULL || options->configuration == NULL) {
        rind_sdk_why(why, "a user needs a configuration");
        return false;
    }
    if (options->previous_count > RIND_CONFIGURATIONS_MAX) {
        rind_sdk_why(why, "%zu previous configurations, the limit is %u", options->previous_count,
                     RIND_CONFIGURATIONS_MAX);
        return false;
    }
    const char *agent = options->user_agent;
    if (agent != NULL &&
        (strlen(agent) >= RIND_SDK_USER_AGENT_SIZE_MAX || strpbrk(agent, "\r\n") != NULL)) {
        rind_sdk_why(why, "user_agent must be one line of less than %u characters",
                     RIND_SDK_USER_AGENT_SIZE_MAX);
        return false;
    }
    return true;
}

static bool user_fill(struct rind_user *user, const struct rind_user_options *options, char *why)
{
    bool has_memory = user_add_configuration(user, options->configuration);
    for (size_t i = 0; i < options->previous_count && has_memory; i++) {
        has_memory = user_add_configuration(user, options->previous[i]);
    }
    if (!has_memory || !user_make_slots(user) ||
        !tokens_copy(&user->tokens, options->tokens, options->token_count)) {
        rind_sdk_why(why, "out of memory");
        return false;
    }
    user->transport = options->transport;
    if (user->transport.send == NULL) {
        user->own_https = rind_https_new(NULL, why);
        if (user->own_https == NULL) {
            return false;
        }
        user->transport = rind_https_transport(user->own_https);
    }
    return true;
}

struct rind_user *rind_user_new_in(const struct rind_sdk_world *world,
                                   const struct rind_user_options *options, char *why)
{
    if (!options_check(options, why)) {
        return NULL;
    }
    struct rind_user *user = calloc(1, sizeof(*user));
    if (user == NULL || sodium_init() < 0) {
        rind_sdk_why(why, "out of memory, or libsodium does not start");
        free(user);
        return NULL;
    }
    int failed = pthread_mutex_init(&user->lock, NULL);
    failed |= pthread_cond_init(&user->idle, NULL);
    RIND_ASSERT(failed == 0); /* plain objects cannot fail here */
    user->world = *world;
    user->token_get = options->token_get;
    user->token_self = options->token_self;
    user->request_timeout_ms = options->request_timeout_ms != 0 ? options->request_timeout_ms
                                                                : RIND_SDK_REQUEST_TIMEOUT_MS;
    (void)snprintf(user->user_agent, sizeof(user->user_agent), "%s",
                   options->user_agent != NULL ? options->user_agent
                                               : "JuiceboxSdk-C/" RIND_PROTOCOL_VERSION);
    if (!user_fill(user, options, why)) {
        rind_user_free(user);
        return NULL;
    }
    return user;
}

struct rind_user *rind_user_new(const struct rind_user_options *options, char *why)
{
    struct rind_sdk_world world = rind_sdk_world_real();
    return rind_user_new_in(&world, options, why);
}

void rind_sdk_user_thread_started(struct rind_user *user)
{
    pthread_mutex_lock(&user->lock);
    user->threads_running++;
    pthread_mutex_unlock(&user->lock);
}

void rind_sdk_user_thread_ended(struct rind_user *user)
{
    pthread_mutex_lock(&user->lock);
    RIND_ASSERT(user->threads_running > 0);
    user->threads_running--;
    if (user->threads_running == 0) {
        pthread_cond_signal(&user->idle);
    }
    pthread_mutex_unlock(&user->lock);
}

void rind_user_free(struct rind_user *user)
{
    if (user == NULL) {
        return;
    }
    /* Bounded: abandoned threads end with the HTTP exchange they are in, which has a timeout. */
    pthread_mutex_lock(&user->lock);
    while (user->threads_running > 0) {
        pthread_cond_wait(&user->idle, &user->lock);
    }
    pthread_mutex_unlock(&user->lock);
    for (size_t i = 0; i < user->slot_count; i++) {
        rind_sdk_slot_fini(&user->slots[i]);
    }
    rind_sdk_memory_free(user->slots, user->slots_size);
    for (size_t i = 0; i < user->configuration_count; i++) {
        rind_configuration_free(user->configurations[i]);
    }
    tokens_free(&user->tokens);
    rind_https_free(user->own_https);
    pthread_cond_destroy(&user->idle);
    pthread_mutex_destroy(&user->lock);
    free(user);
}
