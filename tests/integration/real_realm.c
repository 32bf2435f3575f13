/* real_realm.c - see real_realm.h. */
#include "integration/real_realm.h"

#include <signal.h>
#include <stdio.h>

#include "support/test.h"

#define REAL_ARENA_SIZE (512u << 20)
#define REAL_STATUS_TIMEOUT_MS 3000u
#define REAL_LOOK_PAUSE_MS 20u
#define REAL_PIN "1234"
#define REAL_INFO "info"

static void real_check(struct real_realm *realm, rind_status status)
{
    if (!rind_is_ok(status)) {
        fail_msg("%s", realm->ctx.sentence);
    }
}

static void real_say(void *self, const char *step)
{
    (void)self;
    print_message("  %s\n", step);
}

void real_open(struct real_realm *realm, uint32_t hsm_count, uint32_t group_count,
               uint32_t manager_count)
{
    char why[RIND_SENTENCE_SIZE];
    const char *json;
    memset(realm, 0, sizeof(*realm));
    rind_ctx_init(&realm->ctx, NULL);
    real_check(realm, rind_arena_map(&realm->ctx, REAL_ARENA_SIZE, &realm->arena));
    realm->ctx.arena = realm->arena;
    real_check(realm, rind_stopper_init(&realm->ctx, &realm->pause));
    realm->options = (struct rind_local_options){
        .realms = {{.hsm_count = hsm_count, .group_count = group_count}},
        .realm_count = 1,
        .manager_count = manager_count,
        .balancer_count = 1,
        .rate_limit = 100000};
    real_check(realm, rind_local_open(&realm->ctx, &realm->options, NULL, NULL, real_say, NULL,
                                      &realm->local));
    real_check(realm, rind_local_configuration(&realm->ctx, &realm->local, &json));
    realm->configuration = rind_configuration_parse(json, why);
    assert_non_null(realm->configuration);
    const struct rind_https_options options = {.ca_file = realm->local.certificate_pem};
    realm->https = rind_https_new(&options, why);
    assert_non_null(realm->https);
}

void real_close(struct real_realm *realm)
{
    rind_https_free(realm->https);
    rind_configuration_free(realm->configuration);
    rind_local_close(&realm->local);
    rind_stopper_fini(&realm->pause);
    rind_arena_unmap(realm->arena);
}

const struct rind_realm_id *real_id(const struct real_realm *realm)
{
    return &realm->local.realms[0].id;
}

const char *real_agent_url(const struct real_realm *realm, size_t agent)
{
    return realm->local.realms[0].agent_urls[agent];
}

static struct rind_child *real_child(struct real_realm *realm, const char *what, size_t number)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "%s%zu", what, number + 1);
    struct rind_child *child = rind_local_find(&realm->local, name);
    assert_non_null(child);
    return child;
}

const char *real_manager_url(struct real_realm *realm, size_t manager)
{
    return real_child(realm, "manager-", manager)->address;
}

void real_pause_ms(struct real_realm *realm, uint64_t duration_ms)
{
    (void)rind_stopper_wait(&realm->pause, rind_deadline_in_ms(duration_ms));
}

/* ---- looking ---- */

struct rind_cluster_hsm_list real_look(struct real_realm *realm)
{
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    const struct rind_local_realm *local = &realm->local.realms[0];
    real_check(realm, rind_cluster_ask(&realm->ctx, &realm->local.cluster, local->agent_urls,
                                       local->agent_count, REAL_STATUS_TIMEOUT_MS, &agents));
    real_check(realm, rind_cluster_hsms(&realm->ctx, agents, &hsms));
    return hsms;
}

struct rind_cluster_group_list real_groups(struct real_realm *realm)
{
    struct rind_cluster_group_list groups;
    real_check(realm, rind_cluster_groups(&realm->ctx, real_look(realm), &groups));
    return groups;
}

/* The number of leaders, and the last of them. */
static size_t real_count_leaders(struct real_realm *realm, const struct rind_group_id *group,
                                 size_t *leader)
{
    size_t mark = rind_arena_mark(realm->arena);
    size_t count = 0;
    *leader = SIZE_MAX;
    struct rind_cluster_hsm_list hsms = real_look(realm);
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_group_status *status =
            rind_cluster_find_group(hsms.items[i].status, real_id(realm), group);
        if (status == NULL || !status->has_leader) {
            continue;
        }
        count++;
        for (size_t a = 0; a < realm->local.realms[0].agent_count; a++) {
            if (strcmp(real_agent_url(realm, a), rind_cluster_hsm_url(&hsms.items[i])) == 0) {
                *leader = a;
            }
        }
    }
    rind_arena_release(realm->arena, mark);
    return count;
}

size_t real_leader(struct real_realm *realm, const struct rind_group_id *group)
{
    size_t leader;
    (void)real_count_leaders(realm, group, &leader);
    return leader;
}

size_t real_leader_count(struct real_realm *realm, const struct rind_group_id *group)
{
    size_t leader;
    return real_count_leaders(realm, group, &leader);
}

size_t real_await_leader(struct real_realm *realm, const struct rind_group_id *group, size_t except)
{
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    size_t leader;
    while (real_count_leaders(realm, group, &leader) != 1 || leader == except) {
        if (rind_deadline_has_expired(deadline)) {
            fail_msg("the group has no (new) leader after %u s", REAL_PATIENCE_MS / 1000);
        }
        real_pause_ms(realm, REAL_LOOK_PAUSE_MS);
    }
    return leader;
}

struct rind_group_id real_owner(struct real_realm *realm)
{
    size_t mark = rind_arena_mark(realm->arena);
    struct rind_cluster_hsm_list hsms = real_look(realm);
    struct rind_group_id owner = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        for (size_t g = 0; status->has_realm && g < status->realm.groups.count; g++) {
            const struct rind_group_status *group = &status->realm.groups.items[g];
            if (group->has_leader && group->leader.has_owned_range) {
                owner = group->id;
                count++;
            }
        }
    }
    rind_arena_release(realm->arena, mark);
    assert_int_equal(count, 1);
    return owner;
}

static bool real_is_whole_now(struct real_realm *realm)
{
    struct rind_cluster_hsm_list hsms = real_look(realm);
    struct rind_plan_owner owners[64];
    struct rind_plan_owner_list list = {.items = owners, .count = 0};
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        for (size_t g = 0; status->has_realm && g < status->realm.groups.count; g++) {
            const struct rind_group_status *group = &status->realm.groups.items[g];
            if (group->has_leader && group->leader.has_transferring) {
                return false;
            }
            if (group->has_leader && group->leader.has_owned_range && list.count < 64) {
                owners[list.count] = (struct rind_plan_owner){group->id, group->leader.owned_range};
                list.count++;
            }
        }
    }
    struct rind_owned_range full = rind_owned_range_full();
    struct rind_plan_owner_list covering;
    bool is_covered;
    real_check(realm, rind_plan_covering_owners(&realm->ctx, list, &full, &is_covered, &covering));
    return is_covered;
}

bool real_is_whole(struct real_realm *realm)
{
    size_t mark = rind_arena_mark(realm->arena);
    bool is_whole = real_is_whole_now(realm);
    rind_arena_release(realm->arena, mark);
    return is_whole;
}

void real_await_whole(struct real_realm *realm, uint64_t timeout_ms)
{
    struct rind_deadline deadline = rind_deadline_in_ms(timeout_ms);
    while (!real_is_whole(realm)) {
        if (rind_deadline_has_expired(deadline)) {
            fail_msg("records without exactly one owner after %u s", (unsigned)timeout_ms / 1000);
        }
        real_pause_ms(realm, REAL_LOOK_PAUSE_MS);
    }
}

/* ---- processes ---- */

void real_kill(struct real_realm *realm, size_t agent)
{
    rind_child_kill(real_child(realm, "agent-a", agent));
    rind_child_kill(real_child(realm, "hsm-a", agent));
}

void real_restart(struct real_realm *realm, size_t agent)
{
    real_check(realm, rind_child_start(&realm->ctx, real_child(realm, "hsm-a", agent)));
    real_check(realm, rind_child_start(&realm->ctx, real_child(realm, "agent-a", agent)));
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    const char *url = real_agent_url(realm, agent);
    bool is_up = false;
    while (!is_up) {
        size_t mark = rind_arena_mark(realm->arena);
        struct rind_cluster_agent_list agents;
        real_check(realm, rind_cluster_ask(&realm->ctx, &realm->local.cluster, &url, 1,
                                           REAL_STATUS_TIMEOUT_MS, &agents));
        is_up = agents.items[0].has_answered && agents.items[0].response.has_hsm;
        rind_arena_release(realm->arena, mark);
        if (!is_up && rind_deadline_has_expired(deadline)) {
            fail_msg("%s did not come back", url);
        }
        real_pause_ms(realm, REAL_LOOK_PAUSE_MS);
    }
}

/* Can the store be written to at the moment? */
static bool real_is_store_free(struct real_realm *realm)
{
    struct rind_lease lease;
    if (!rind_is_ok(rind_store_lease_obtain(&realm->ctx, realm->local.open_store, "probe", "test",
                                            REAL_PATIENCE_MS, rind_deadline_in_ms(300), &lease))) {
        return false;
    }
    real_check(realm, rind_store_lease_terminate(&realm->ctx, realm->local.open_store, &lease,
                                                 rind_deadline_in_ms(REAL_PATIENCE_MS)));
    return true;
}

void real_stop_agent(struct real_realm *realm, size_t agent)
{
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    rind_child_signal(real_child(realm, "agent-a", agent), SIGSTOP);
    while (!real_is_store_free(realm)) {
        assert_false(rind_deadline_has_expired(deadline));
        real_continue_agent(realm, agent);
        real_pause_ms(realm, 10);
        rind_child_signal(real_child(realm, "agent-a", agent), SIGSTOP);
    }
}

void real_continue_agent(struct real_realm *realm, size_t agent)
{
    rind_child_signal(real_child(realm, "agent-a", agent), SIGCONT);
}

/* ---- procedures ---- */

struct rind_group_id real_new_group(struct real_realm *realm, size_t first, size_t count)
{
    const char *urls[RIND_LOCAL_HSMS_MAX];
    struct rind_group_id group;
    for (size_t i = 0; i < count; i++) {
        urls[i] = real_agent_url(realm, first + i);
    }
    real_check(realm, rind_create_group(&realm->ctx, &realm->local.cluster, real_id(realm), urls,
                                        count, &group));
    return group;
}

struct rind_cluster_transfer_response real_transfer(struct real_realm *realm,
                                                    const struct rind_group_id *source,
                                                    const struct rind_group_id *destination,
                                                    const struct rind_owned_range *range)
{
    const struct rind_cluster_transfer_request request = {
        .realm = *real_id(realm), .source = *source, .destination = *destination, .range = *range};
    struct rind_cluster_transfer_response response;
    real_check(realm, rind_rpc_call(&realm->ctx, realm->local.client, real_manager_url(realm, 0),
                                    &rind_rpc_manager_transfer, &request, &response,
                                    rind_deadline_in_ms(RIND_TRANSFER_CALL_TIMEOUT_MS), NULL));
    return response;
}

struct rind_cluster_stepdown_response
real_step_down(struct real_realm *realm, const struct rind_cluster_stepdown_request *request)
{
    struct rind_cluster_stepdown_response response;
    real_check(realm, rind_rpc_call(&realm->ctx, realm->local.client, real_manager_url(realm, 0),
                                    &rind_rpc_manager_leader_stepdown, request, &response,
                                    rind_deadline_in_ms(REAL_PATIENCE_MS), NULL));
    return response;
}

static struct rind_record_id real_record_id(const char *hex)
{
    struct rind_record_id id;
    size_t size = strlen(hex) / 2;
    assert_true(rind_hex_decode(rind_slice_text(hex), id.bytes, size));
    assert_true(size == sizeof(id.bytes) || id.bytes[size - 1] == 0x00 ||
                id.bytes[size - 1] == 0xff);
    memset(id.bytes + size, id.bytes[size - 1], sizeof(id.bytes) - size);
    return id;
}

struct rind_owned_range real_range(const char *start, const char *end)
{
    return (struct rind_owned_range){.start = real_record_id(start), .end = real_record_id(end)};
}

/* ---- users ---- */

static bool real_get_token(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                           size_t jwt_size)
{
    struct real_user *user = self;
    struct rind_realm_id id;
    memcpy(id.bytes, realm_id, sizeof(id.bytes));
    return rind_local_token(&user->realm->local, &id, user->name, jwt, jwt_size);
}

void real_user_open(struct real_user *user, struct real_realm *realm, const char *name)
{
    char why[RIND_SENTENCE_SIZE];
    *user = (struct real_user){.realm = realm};
    (void)snprintf(user->name, sizeof(user->name), "%s", name);
    const struct rind_user_options options = {.configuration = realm->configuration,
                                              .token_get = real_get_token,
                                              .token_self = user,
                                              .transport = rind_https_transport(realm->https)};
    user->user = rind_user_new(&options, why);
    assert_non_null(user->user);
}

void real_user_close(struct real_user *user)
{
    rind_user_free(user->user);
    user->user = NULL;
}

enum rind_error real_user_register(struct real_user *user)
{
    struct rind_failure failure;
    return rind_user_register(user->user, RIND_TEXT(REAL_PIN), RIND_TEXT(user->name),
                              RIND_TEXT(REAL_INFO), 3, &failure);
}

enum rind_error real_user_recover(struct real_user *user)
{
    struct rind_failure failure;
    struct rind_recovered recovered;
    enum rind_error error = rind_user_recover(user->user, RIND_TEXT(REAL_PIN), RIND_TEXT(REAL_INFO),
                                              &recovered, &failure);
    if (error == RIND_ERROR_NONE &&
        (recovered.secret_size != strlen(user->name) ||
         memcmp(recovered.secret, user->name, recovered.secret_size) != 0)) {
        error = RIND_ERROR_ASSERTION;
    }
    rind_recovered_wipe(&recovered);
    return error;
}

/* ---- the client in the background ---- */

static void real_background_run(void *self)
{
    struct real_background *background = self;
    while (!atomic_load(&background->is_stopping)) {
        enum rind_error error = real_user_register(&background->user);
        if (error == RIND_ERROR_NONE) {
            error = real_user_recover(&background->user);
        }
        if (error == RIND_ERROR_NONE) {
            atomic_fetch_add(&background->successes, 1);
        } else {
            atomic_store(&background->last_error, (int)error);
            atomic_fetch_add(&background->errors, 1);
        }
    }
}

void real_background_start(struct real_background *background, struct real_realm *realm)
{
    memset(background, 0, sizeof(*background));
    real_user_open(&background->user, realm, "background");
    real_check(realm, rind_thread_start(&realm->ctx, &background->thread, "background",
                                        real_background_run, background));
}

void real_background_await(struct real_background *background, unsigned count)
{
    unsigned wanted = atomic_load(&background->successes) + count;
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    while (atomic_load(&background->successes) < wanted) {
        if (rind_deadline_has_expired(deadline)) {
            fail_msg("the background client makes no progress; last error: %s",
                     rind_error_name((enum rind_error)atomic_load(&background->last_error)));
        }
        real_pause_ms(background->user.realm, REAL_LOOK_PAUSE_MS);
    }
}

unsigned real_background_stop(struct real_background *background)
{
    atomic_store(&background->is_stopping, true);
    rind_thread_join(&background->thread);
    real_user_close(&background->user);
    return atomic_load(&background->errors);
}
