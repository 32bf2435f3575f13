/* ready.c - see ready.h. */
#include "cli/realm/ready.h"

#include <stdio.h>
#include <unistd.h>

#include "rind/rind.h"

#define READY_TIMEOUT_MS 30000u
#define READY_PAUSE_MS 10u
#define READY_USER "readiness" /* never registered */

static bool ready_get_token(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                            size_t jwt_size)
{
    struct rind_realm_id realm;
    memcpy(realm.bytes, realm_id, sizeof(realm.bytes));
    return rind_local_token(self, &realm, READY_USER, jwt, jwt_size);
}

static rind_status ready_ask(struct rind_ctx *ctx, struct rind_local *local,
                             struct rind_stopper *stopper, struct rind_user *user)
{
    struct rind_deadline deadline = rind_deadline_in_ms(READY_TIMEOUT_MS);
    for (;;) {
        struct rind_failure failure;
        struct rind_recovered recovered;
        enum rind_error error = rind_user_recover(user, RIND_TEXT(READY_USER),
                                                  RIND_TEXT(READY_USER), &recovered, &failure);
        if (error == RIND_ERROR_NOT_REGISTERED) {
            return RIND_OK;
        }
        RIND_TRY(rind_local_check(ctx, local));
        RIND_REQUIRE(ctx, !rind_deadline_has_expired(deadline), RIND_E_TIMEOUT,
                     "the realm does not serve after %u s: %s", READY_TIMEOUT_MS / 1000,
                     failure.sentence);
        struct rind_deadline pause = rind_deadline_in_ms(READY_PAUSE_MS);
        if (stopper == NULL) {
            (void)usleep(READY_PAUSE_MS * 1000);
        } else {
            RIND_REQUIRE(ctx, !rind_stopper_wait(stopper, pause), RIND_E_CANCELLED,
                         "interrupted while starting");
        }
    }
}

static rind_status ready_ask_over(struct rind_ctx *ctx, struct rind_local *local,
                                  struct rind_stopper *stopper, struct rind_https *https,
                                  const struct rind_configuration *configuration)
{
    char why[RIND_SENTENCE_SIZE];
    const struct rind_user_options options = {.configuration = configuration,
                                              .token_get = ready_get_token,
                                              .token_self = local,
                                              .transport = rind_https_transport(https)};
    struct rind_user *user = rind_user_new(&options, why);
    RIND_REQUIRE(ctx, user != NULL, RIND_E_INTERNAL, "%s", why);
    rind_status status = ready_ask(ctx, local, stopper, user);
    rind_user_free(user);
    return status;
}

rind_status rind_local_await_service(struct rind_ctx *ctx, struct rind_local *local,
                                     struct rind_stopper *stopper)
{
    char why[RIND_SENTENCE_SIZE];
    const char *json;
    RIND_TRY(rind_local_configuration(ctx, local, &json));
    struct rind_configuration *configuration = rind_configuration_parse(json, why);
    RIND_REQUIRE(ctx, configuration != NULL, RIND_E_INTERNAL, "%s", why);
    const struct rind_https_options options = {.ca_file = local->certificate_pem};
    struct rind_https *https = rind_https_new(&options, why);
    rind_status status = https == NULL ? rind_fail(ctx, RIND_E_INTERNAL, "%s", why)
                                       : ready_ask_over(ctx, local, stopper, https, configuration);
    rind_https_free(https);
    rind_configuration_free(configuration);
    return status;
}
