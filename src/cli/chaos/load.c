/* load.c - see load.h. What one user does stands in user.c. */
#include "cli/chaos/load.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/chaos/random.h"
#include "cli/chaos/user.h"

#define LOAD_NOTHING_TO_DO_MS 50u /* rest of a worker all of whose users rest */

struct load_worker {
    struct rind_chaos_load *load;
    uint32_t number;
    struct rind_chaos_random random;
    struct rind_thread thread;
};

struct rind_chaos_load {
    const struct rind_chaos_load_options *options;
    struct rind_https *https;
    struct rind_chaos_user *users;
    uint32_t user_count;
    struct load_worker workers[RIND_CHAOS_WORKERS_MAX];
    struct rind_stopper stopper;
    bool has_stopper;
    struct rind_mutex mutex; /* guards figures, and one report at a time */
    struct rind_chaos_load_figures figures;
    _Atomic uint64_t calm_since_ns;
};

static bool outcome_is_calm_error(const struct rind_chaos_load *load,
                                  const struct rind_chaos_round *round, size_t i)
{
    uint64_t since_ns = atomic_load(&load->calm_since_ns);
    return round->operations[i].outcome == RIND_CHECKER_UNKNOWN && since_ns != 0 &&
           round->start_ns >= since_ns;
}

/* Counts a round and reports what its user's checker found. */
static void load_take(struct rind_chaos_load *load, struct rind_chaos_user *user,
                      const struct rind_chaos_round *round)
{
    rind_mutex_lock(&load->mutex);
    struct rind_chaos_load_figures *figures = &load->figures;
    for (size_t i = 0; i < round->count; i++) {
        figures->outcomes[round->operations[i].kind][round->operations[i].outcome]++;
        if (outcome_is_calm_error(load, round, i)) {
            figures->errors_in_calm++;
            memcpy(figures->last_error, round->sentences[i], sizeof(figures->last_error));
        }
    }
    figures->concurrent_rounds += round->count > 1 ? 1 : 0;
    if (round->is_out_of_track) {
        figures->out_of_track++;
    } else if (round->verdict != RIND_CHECKER_EXPLAINED) {
        char text[RIND_CHAOS_STORY_SIZE];
        figures->violations[round->verdict]++;
        rind_chaos_user_story(user, text);
        load->options->report(load->options->report_self, round->verdict, text);
    }
    rind_mutex_unlock(&load->mutex);
}

/* Users of worker w are w, w + worker_count, ... */
static struct rind_chaos_user *load_pick(struct load_worker *worker)
{
    struct rind_chaos_load *load = worker->load;
    uint32_t worker_count = load->options->worker_count;
    uint32_t own_count = (load->user_count - worker->number + worker_count - 1) / worker_count;
    uint32_t first = rind_chaos_random_below(&worker->random, own_count);
    uint64_t now_ns = rind_clock_monotonic_ns();
    for (uint32_t i = 0; i < own_count; i++) {
        uint32_t own = (first + i) % own_count;
        struct rind_chaos_user *user = &load->users[worker->number + own * worker_count];
        if (rind_chaos_user_is_ready(user, now_ns)) {
            return user;
        }
    }
    return NULL;
}

static void load_work(void *self)
{
    struct load_worker *worker = self;
    struct rind_chaos_load *load = worker->load;
    while (!rind_stopper_is_set(&load->stopper)) {
        struct rind_chaos_user *user = load_pick(worker);
        uint32_t pause_ms = LOAD_NOTHING_TO_DO_MS;
        if (user != NULL) {
            struct rind_chaos_round round = {0};
            rind_chaos_user_act(user, &worker->random, &round);
            load_take(load, user, &round);
            pause_ms = rind_chaos_random_below(&worker->random, load->options->pause_ms_max + 1);
        }
        (void)rind_stopper_wait(&load->stopper, rind_deadline_in_ms(pause_ms));
    }
}

static rind_status load_open_users(struct rind_ctx *ctx, struct rind_chaos_load *load)
{
    const struct rind_chaos_load_options *options = load->options;
    char why[RIND_SENTENCE_SIZE];
    const struct rind_https_options https_options = {.ca_file = options->certificate_pem,
                                                     .is_plain_http_allowed = true};
    load->https = rind_https_new(&https_options, why);
    RIND_REQUIRE(ctx, load->https != NULL, RIND_E_INTERNAL, "%s", why);
    load->users = calloc(options->user_count, sizeof(load->users[0]));
    RIND_REQUIRE(ctx, load->users != NULL, RIND_E_LIMIT, "no memory for %u users",
                 options->user_count);
    uint64_t run = rind_clock_unix_ms(); /* nobody of an earlier run on this realm */
    for (uint32_t i = 0; i < options->user_count; i++) {
        const struct rind_chaos_user_options user_options = {
            .load = options,
            .configuration = options->configurations[i % options->configuration_count],
            .transport = rind_https_transport(load->https),
            .run = run,
            .number = i};
        load->user_count++; /* also if it fails: it is closed */
        RIND_TRY(rind_chaos_user_open(ctx, &user_options, &load->users[i]));
    }
    return rind_stopper_init(ctx, &load->stopper);
}

rind_status rind_chaos_load_open(struct rind_ctx *ctx,
                                 const struct rind_chaos_load_options *options,
                                 struct rind_chaos_load **load)
{
    RIND_ASSERT(options->user_count >= options->worker_count && options->worker_count >= 1 &&
                options->worker_count <= RIND_CHAOS_WORKERS_MAX);
    struct rind_chaos_load *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for the load");
    made->options = options;
    rind_mutex_init(&made->mutex);
    rind_status status = load_open_users(ctx, made);
    made->has_stopper = rind_is_ok(status);
    if (!rind_is_ok(status)) {
        rind_chaos_load_close(made);
        return status;
    }
    *load = made;
    return RIND_OK;
}

rind_status rind_chaos_load_start(struct rind_ctx *ctx, struct rind_chaos_load *load)
{
    struct rind_chaos_random random = {load->options->seed};
    for (uint32_t i = 0; i < load->options->worker_count; i++) {
        struct load_worker *worker = &load->workers[i];
        *worker = (struct load_worker){
            .load = load, .number = i, .random = {rind_chaos_random_next(&random)}};
        RIND_TRY(rind_thread_start(ctx, &worker->thread, "chaos-user", load_work, worker));
    }
    return RIND_OK;
}

void rind_chaos_load_stop(struct rind_chaos_load *load)
{
    if (load->has_stopper) {
        rind_stopper_set(&load->stopper);
    }
    for (uint32_t i = 0; i < load->options->worker_count; i++) {
        rind_thread_join(&load->workers[i].thread);
    }
}

void rind_chaos_load_set_calm(struct rind_chaos_load *load, uint64_t since_ns)
{
    atomic_store(&load->calm_since_ns, since_ns);
}

rind_status rind_chaos_load_verify(struct rind_ctx *ctx, struct rind_chaos_load *load,
                                   struct rind_deadline deadline, uint64_t *verified_count)
{
    *verified_count = 0;
    for (uint32_t i = 0; i < load->user_count; i++) {
        struct rind_chaos_user *user = &load->users[i];
        struct rind_chaos_round round = {0};
        bool has_come = false;
        rind_chaos_user_begin_verify(user);
        while (rind_chaos_user_verify(user, &round)) {
            load_take(load, user, &round);
            bool is_answered = round.operations[0].outcome != RIND_CHECKER_UNKNOWN;
            RIND_REQUIRE(ctx, is_answered || !rind_deadline_has_expired(deadline), RIND_E_TIMEOUT,
                         "the realm does not serve user %u after all was healed: %s", i,
                         round.sentences[0]);
            has_come = has_come || (round.operations[0].outcome == RIND_CHECKER_OK &&
                                    round.verdict == RIND_CHECKER_EXPLAINED);
            round = (struct rind_chaos_round){0};
        }
        *verified_count += has_come ? 1 : 0;
    }
    return RIND_OK;
}

void rind_chaos_load_figures(struct rind_chaos_load *load, struct rind_chaos_load_figures *figures)
{
    rind_mutex_lock(&load->mutex);
    *figures = load->figures;
    rind_mutex_unlock(&load->mutex);
}

void rind_chaos_load_close(struct rind_chaos_load *load)
{
    if (load == NULL) {
        return;
    }
    rind_chaos_load_stop(load);
    for (uint32_t i = 0; i < load->user_count; i++) {
        rind_chaos_user_close(&load->users[i]);
    }
    free(load->users);
    rind_https_free(load->https);
    if (load->has_stopper) {
        rind_stopper_fini(&load->stopper);
    }
    rind_mutex_fini(&load->mutex);
    free(load);
}
