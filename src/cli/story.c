/* story.c - see story.h. */
#include "cli/story.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "cli/ids.h"
#include "rind/rind.h"

#define STORY_PATIENCE_MS 30000u /* for a leader that died to be replaced, on a busy machine */
#define STORY_RETRY_INTERVAL_MS 100u

static const char story_secret[] = "correct horse battery staple";
static const char story_info[] = "mario's account 4711";

struct story {
    struct rind_ctx *ctx;
    struct rind_local *local;
    struct rind_stopper *stopper;
    struct rind_user *user;
    uint64_t step_start_ns;
};

/* ---- telling ---- */

static void story_begin_step(struct story *story, const char *what)
{
    (void)printf("\n* %s\n", what);
    (void)fflush(stdout);
    story->step_start_ns = rind_clock_monotonic_ns();
}

static void story_end_step(const struct story *story, const char *outcome)
{
    uint64_t elapsed_us = (rind_clock_monotonic_ns() - story->step_start_ns) / RIND_NS_PER_US;
    (void)printf("  %s  (%" PRIu64 ".%" PRIu64 " ms)\n", outcome, elapsed_us / 1000,
                 elapsed_us % 1000 / 100);
    (void)fflush(stdout);
}

static rind_status story_check_stop(const struct story *story)
{
    RIND_REQUIRE(story->ctx, story->stopper == NULL || !rind_stopper_is_set(story->stopper),
                 RIND_E_CANCELLED, "interrupted");
    return RIND_OK;
}

/* The step failed in a way the story does not know. */
static rind_status story_surprise(const struct story *story, const char *step,
                                  const struct rind_failure *failure)
{
    return rind_fail(story->ctx, RIND_E_INTERNAL, "%s came out as %s: %s", step,
                     rind_error_name(failure->error), failure->sentence);
}

/* ---- steps ---- */

/*
 * A busy machine may answer "try again", as any network may. As an application would, the story
 * does, where that cannot change what happens: not while it counts guesses.
 */
static bool story_try_again(struct story *story, enum rind_error error,
                            struct rind_deadline deadline)
{
    return error == RIND_ERROR_TRANSIENT && !rind_deadline_has_expired(deadline) &&
           !(story->stopper != NULL &&
             rind_stopper_wait(story->stopper, rind_deadline_in_ms(STORY_RETRY_INTERVAL_MS)));
}

static rind_status story_register(struct story *story, const char *pin, uint16_t num_guesses)
{
    struct rind_deadline deadline = rind_deadline_in_ms(STORY_PATIENCE_MS);
    struct rind_failure failure;
    enum rind_error error;
    do {
        RIND_TRY(story_check_stop(story));
        error = rind_user_register(story->user, RIND_TEXT(pin), RIND_TEXT(story_secret),
                                   RIND_TEXT(story_info), num_guesses, &failure);
    } while (story_try_again(story, error, deadline));
    if (error != RIND_ERROR_NONE) {
        return story_surprise(story, "register", &failure);
    }
    return RIND_OK;
}

static enum rind_error story_try_recover(struct story *story, const char *pin, bool *is_right,
                                         struct rind_failure *failure)
{
    struct rind_recovered recovered;
    enum rind_error error =
        rind_user_recover(story->user, RIND_TEXT(pin), RIND_TEXT(story_info), &recovered, failure);
    *is_right = error == RIND_ERROR_NONE && recovered.secret_size == sizeof(story_secret) - 1 &&
                memcmp(recovered.secret, story_secret, recovered.secret_size) == 0;
    rind_recovered_wipe(&recovered);
    return error;
}

static rind_status story_recover(struct story *story, const char *pin)
{
    struct rind_deadline deadline = rind_deadline_in_ms(STORY_PATIENCE_MS);
    struct rind_failure failure;
    bool is_right;
    enum rind_error error;
    do {
        RIND_TRY(story_check_stop(story));
        error = story_try_recover(story, pin, &is_right, &failure);
    } while (story_try_again(story, error, deadline));
    if (error != RIND_ERROR_NONE) {
        return story_surprise(story, "recover", &failure);
    }
    RIND_REQUIRE(story->ctx, is_right, RIND_E_INTERNAL, "recover gave back another secret");
    return RIND_OK;
}

static rind_status story_expect_invalid_pin(struct story *story, const char *pin,
                                            uint16_t guesses_remaining)
{
    struct rind_failure failure;
    bool is_right;
    RIND_TRY(story_check_stop(story));
    enum rind_error error = story_try_recover(story, pin, &is_right, &failure);
    if (error != RIND_ERROR_INVALID_PIN || failure.guesses_remaining != guesses_remaining) {
        return story_surprise(story, "recover with a wrong PIN", &failure);
    }
    return RIND_OK;
}

/* Too few realms are there to say anything at all. */
static rind_status story_expect_unreachable(struct story *story, const char *pin)
{
    struct rind_failure failure;
    bool is_right;
    RIND_TRY(story_check_stop(story));
    enum rind_error error = story_try_recover(story, pin, &is_right, &failure);
    if (error != RIND_ERROR_TRANSIENT) {
        return story_surprise(story, "recover with one realm", &failure);
    }
    return RIND_OK;
}

static rind_status story_tell_guesses(struct story *story)
{
    story_begin_step(story, "Somebody with mario's phone tries PIN 0000");
    RIND_TRY(story_expect_invalid_pin(story, "0000", 2));
    story_end_step(story, "refused: 2 guesses left");

    story_begin_step(story, "mario types 1234 again, which gives the guess back");
    RIND_TRY(story_recover(story, "1234"));
    story_end_step(story, "recovered: the same secret");

    story_begin_step(story, "Somebody tries 1111, 2222 and 3333");
    RIND_TRY(story_expect_invalid_pin(story, "1111", 2));
    RIND_TRY(story_expect_invalid_pin(story, "2222", 1));
    RIND_TRY(story_expect_invalid_pin(story, "3333", 0));
    story_end_step(story, "refused, and no guess is left");

    story_begin_step(story, "From now on the realm answers nobody, not even with the right PIN");
    RIND_TRY(story_expect_invalid_pin(story, "1234", 0));
    story_end_step(story, "locked: the realms have destroyed their shares");
    return RIND_OK;
}

/* Name of the agent that leads a group of the first realm which has other members, or NULL. */
static rind_status story_find_leader(struct story *story, struct rind_child **agent,
                                     struct rind_child **hsm)
{
    struct rind_local *local = story->local;
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    RIND_TRY(
        rind_cluster_ask_all(story->ctx, &local->cluster, RIND_CLUSTER_STATUS_TIMEOUT_MS, &agents));
    RIND_TRY(rind_cluster_hsms(story->ctx, agents, &hsms));
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_realm_status *realm = &hsms.items[i].status->realm;
        for (size_t g = 0; hsms.items[i].status->has_realm && g < realm->groups.count; g++) {
            const struct rind_group_status *group = &realm->groups.items[g];
            if (!group->has_leader || !group->leader.has_owned_range ||
                group->configuration.count < 3) {
                continue;
            }
            for (size_t c = 1; c < local->child_count; c++) {
                if (rind_slice_is_text(hsms.items[i].url, local->children[c].address)) {
                    /* An agent is started right after its HSM. */
                    *agent = &local->children[c];
                    *hsm = &local->children[c - 1];
                    return RIND_OK;
                }
            }
        }
    }
    return rind_fail(story->ctx, RIND_E_NOT_FOUND, "no group with several members has a leader");
}

static rind_status story_tell_failover(struct story *story)
{
    struct rind_child *agent = NULL;
    struct rind_child *hsm = NULL;
    char what[256];
    char outcome[256];
    RIND_TRY(story_find_leader(story, &agent, &hsm));
    (void)snprintf(what, sizeof(what), "The machine with the leader %s and its HSM %s loses power",
                   agent->name, hsm->name);
    story_begin_step(story, what);
    rind_child_kill(agent);
    rind_child_kill(hsm);
    RIND_TRY(story_recover(story, "1234"));
    (void)snprintf(outcome, sizeof(outcome),
                   "recovered: the other members took over, no operator needed");
    story_end_step(story, outcome);

    (void)snprintf(what, sizeof(what), "%s and %s start again", hsm->name, agent->name);
    story_begin_step(story, what);
    RIND_TRY(rind_child_start(story->ctx, hsm));
    RIND_TRY(rind_child_start(story->ctx, agent));
    RIND_TRY(story_recover(story, "1234"));
    story_end_step(story, "recovered: they catch up while the realm serves");
    return RIND_OK;
}

/* A realm of HSMs: the machine of its first HSM, which is all of it in the mixed demo. */
static void story_find_machine(struct story *story, struct rind_child **agent,
                               struct rind_child **hsm)
{
    *hsm = rind_local_find(story->local, "hsm-b1");
    *agent = rind_local_find(story->local, "agent-b1");
    RIND_ASSERT(*hsm != NULL && *agent != NULL);
}

/* Any two of three realms are enough, whichever is away. */
static rind_status story_tell_threshold(struct story *story)
{
    struct rind_child *software = rind_local_find(story->local, "software-1");
    struct rind_child *agent;
    struct rind_child *hsm;
    RIND_ASSERT(software != NULL);
    story_begin_step(story, "The software realm is away");
    rind_child_kill(software);
    RIND_TRY(story_recover(story, "1234"));
    story_end_step(story, "recovered: the two realms of HSMs are enough");

    story_begin_step(story, "The software realm is back, and a realm of HSMs is away");
    RIND_TRY(rind_child_start(story->ctx, software));
    story_find_machine(story, &agent, &hsm);
    rind_child_kill(agent);
    rind_child_kill(hsm);
    RIND_TRY(story_recover(story, "1234"));
    story_end_step(story, "recovered: one realm of HSMs and the software realm are enough");

    story_begin_step(story, "Two realms are away");
    rind_child_kill(software);
    RIND_TRY(story_expect_unreachable(story, "1234"));
    story_end_step(story, "not recovered: one realm alone gives nothing away, to nobody");

    story_begin_step(story, "All are back");
    RIND_TRY(rind_child_start(story->ctx, software));
    RIND_TRY(rind_child_start(story->ctx, hsm));
    RIND_TRY(rind_child_start(story->ctx, agent));
    RIND_TRY(story_recover(story, "1234"));
    story_end_step(story, "recovered");
    return RIND_OK;
}

static rind_status story_tell_delete(struct story *story)
{
    struct rind_deadline deadline = rind_deadline_in_ms(STORY_PATIENCE_MS);
    struct rind_failure failure;
    enum rind_error error;
    bool is_right;
    story_begin_step(story, "mario deletes his account");
    do {
        RIND_TRY(story_check_stop(story));
        error = rind_user_delete(story->user, &failure);
    } while (story_try_again(story, error, deadline));
    if (error != RIND_ERROR_NONE) {
        return story_surprise(story, "delete", &failure);
    }
    if (story_try_recover(story, "1234", &is_right, &failure) != RIND_ERROR_NOT_REGISTERED) {
        return story_surprise(story, "recover after delete", &failure);
    }
    story_end_step(story, "deleted: nothing is left to guess at");
    return RIND_OK;
}

static rind_status story_tell_with_user(struct story *story, bool has_failover)
{
    story_begin_step(story, "mario registers a secret under PIN 1234, with 3 guesses");
    RIND_TRY(story_register(story, "1234", 3));
    story_end_step(story, "registered: each realm holds a share, none knows PIN or secret");

    story_begin_step(story, "mario has lost his phone and types 1234 on a new one");
    RIND_TRY(story_recover(story, "1234"));
    (void)printf("  the secret is \"%s\"\n", story_secret);
    story_end_step(story, "recovered");

    RIND_TRY(story_tell_guesses(story));

    story_begin_step(story, "mario registers once more");
    RIND_TRY(story_register(story, "1234", 3));
    story_end_step(story, "registered");
    if (has_failover) {
        RIND_TRY(story_tell_failover(story));
    }
    if (story->local->options->has_software_realm) {
        RIND_TRY(story_tell_threshold(story));
    }
    return story_tell_delete(story);
}

/* ---- setting up ---- */

/* Tokens are made when they are asked for, as a tenant's server would. */
static bool story_get_token(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                            size_t jwt_size)
{
    struct rind_realm_id realm;
    memcpy(realm.bytes, realm_id, sizeof(realm.bytes));
    return rind_local_token(self, &realm, RIND_LOCAL_USER, jwt, jwt_size);
}

static rind_status story_tell_over(struct story *story, struct rind_https *https,
                                   const struct rind_configuration *configuration)
{
    char why[RIND_SENTENCE_SIZE];
    const struct rind_user_options options = {.configuration = configuration,
                                              .token_get = story_get_token,
                                              .token_self = story->local,
                                              .transport = rind_https_transport(https)};
    story->user = rind_user_new(&options, why);
    RIND_REQUIRE(story->ctx, story->user != NULL, RIND_E_INTERNAL, "%s", why);
    bool has_failover = false;
    for (size_t i = 0; i < story->local->options->realm_count; i++) {
        const struct rind_local_realm_plan *plan = &story->local->options->realms[i];
        has_failover = has_failover || (plan->hsm_count >= 3 && plan->group_count > 0);
    }
    rind_status status = story_tell_with_user(story, has_failover);
    rind_user_free(story->user);
    return status;
}

rind_status rind_story_tell(struct rind_ctx *ctx, struct rind_local *local,
                            struct rind_stopper *stopper)
{
    struct story story = {.ctx = ctx, .local = local, .stopper = stopper};
    char why[RIND_SENTENCE_SIZE];
    const char *json;
    RIND_TRY(rind_local_configuration(ctx, local, &json));
    struct rind_configuration *configuration = rind_configuration_parse(json, why);
    RIND_REQUIRE(ctx, configuration != NULL, RIND_E_INTERNAL, "%s", why);
    const struct rind_https_options options = {.ca_file = local->certificate_pem};
    struct rind_https *https = rind_https_new(&options, why);
    rind_status status;
    if (https == NULL) {
        status = rind_fail(ctx, RIND_E_INTERNAL, "%s", why);
    } else {
        status = story_tell_over(&story, https, configuration);
    }
    rind_https_free(https);
    rind_configuration_free(configuration);
    return status;
}
