/* session.c - see session.h. */
#include "cli/chaos/session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/chaos/session_inner.h"

/* ---- what the parts report ---- */

static void session_say_step(void *self, const char *step)
{
    struct rind_chaos_session *session = self;
    rind_chaos_report_step(&session->report, step);
}

static void session_say_fault(void *self, const char *fault)
{
    struct rind_chaos_session *session = self;
    rind_chaos_report_fault(&session->report, fault);
}

static void session_say_violation(void *self, enum rind_checker_verdict verdict, const char *text)
{
    static const char *const names[] = {[RIND_CHECKER_EXPLAINED] = "",
                                        [RIND_CHECKER_SECRET_LOST] =
                                            "an acknowledged secret is lost",
                                        [RIND_CHECKER_GUESSES_GREW] = "a guess count ran backwards",
                                        [RIND_CHECKER_UNEXPLAINED] = "no order explains a reply"};
    struct rind_chaos_session *session = self;
    rind_chaos_report_violation(&session->report, names[verdict], text);
}

static void session_say_ended(void *self, const char *text)
{
    struct rind_chaos_session *session = self;
    rind_chaos_report_violation(&session->report, "a process ended on its own", text);
}

static void session_errand_done(void *self, const struct rind_chaos_errand *errand,
                                const struct rind_chaos_errand_result *result)
{
    struct rind_chaos_session *session = self;
    char text[RIND_CHAOS_FAULT_TEXT_SIZE * 2];
    (void)snprintf(text, sizeof(text), "%s: %s after %" PRIu64 " ms", errand->what, result->text,
                   (uint64_t)(result->duration_ns / RIND_NS_PER_MS));
    rind_chaos_report_fault(&session->report, text);
}

/* ---- opening ---- */

/* The realm's configuration once for each balancer. */
static rind_status session_configure(struct rind_chaos_session *session)
{
    struct rind_ctx *ctx = &session->cli->ctx;
    struct rind_local *local = &session->local;
    char why[RIND_SENTENCE_SIZE];
    for (size_t i = 0; i < local->child_count; i++) {
        if (strncmp(local->children[i].name, "balancer-", 9) != 0) {
            continue;
        }
        struct rind_realm realm = {.address = local->children[i].address, .has_public_key = true};
        memcpy(realm.id, local->realms[0].id.bytes, sizeof(realm.id));
        memcpy(realm.public_key, local->realms[0].public_key, sizeof(realm.public_key));
        struct rind_configuration *made =
            rind_configuration_new(&realm, 1, 1, 1, RIND_PIN_HASHING_FAST_INSECURE, why);
        RIND_REQUIRE(ctx, made != NULL, RIND_E_INTERNAL, "%s", why);
        session->configurations[session->configuration_count] = made;
        session->configuration_count++;
    }
    return RIND_OK;
}

static bool session_make_token(const void *self, const struct rind_realm_id *realm,
                               const char *user, char *jwt, size_t jwt_size)
{
    return rind_local_token(self, realm, user, jwt, jwt_size);
}

static rind_status session_open_load(struct rind_chaos_session *session)
{
    const struct rind_chaos_options *options = session->options;
    RIND_TRY(session_configure(session));
    session->load_options =
        (struct rind_chaos_load_options){.user_count = options->user_count,
                                         .worker_count = options->worker_count,
                                         .pause_ms_max = options->pause_ms_max,
                                         .seed = options->seed,
                                         .realm = session->local.realms[0].id,
                                         .make_token = session_make_token,
                                         .make_token_self = &session->local,
                                         .certificate_pem = session->local.certificate_pem,
                                         .configurations = session->configurations,
                                         .configuration_count = session->configuration_count,
                                         .report = session_say_violation,
                                         .report_self = session};
    return rind_chaos_load_open(&session->cli->ctx, &session->load_options, &session->load);
}

static rind_status session_open_attack(struct rind_chaos_session *session)
{
    struct rind_ctx *ctx = &session->cli->ctx;
    struct rind_local *local = &session->local;
    RIND_TRY(rind_chaos_stage_open(ctx, local, session->options->info_file, &session->stage));
    session->stage.report = session_say_ended;
    session->stage.report_self = session;
    RIND_TRY(rind_chaos_watcher_open(ctx, &local->cluster, &local->realms[0].id,
                                     local->realms[0].agent_urls, session->stage.machine_count,
                                     &session->watcher));
    RIND_TRY(rind_chaos_courier_open(ctx, local->client, session_errand_done, session,
                                     &session->courier));
    session->attack = (struct rind_chaos_attack){.ctx = ctx,
                                                 .stage = &session->stage,
                                                 .watcher = session->watcher,
                                                 .courier = session->courier,
                                                 .stopper = session->stopper,
                                                 .realm = local->realms[0].id,
                                                 .random = {session->options->seed},
                                                 .say = session_say_fault,
                                                 .say_self = session};
    return RIND_OK;
}

/* ---- running ---- */

/* What machines look like, from the last look that began after they were started. */
static void session_note_answers(struct rind_chaos_session *session)
{
    struct rind_chaos_view view;
    rind_chaos_watcher_view(session->watcher, &view);
    for (uint32_t m = 0; m < session->stage.machine_count; m++) {
        struct rind_chaos_machine *machine = &session->stage.machines[m];
        uint64_t hsm_ns = session->stage.processes[machine->hsm].started_ns;
        uint64_t agent_ns = session->stage.processes[machine->agent].started_ns;
        uint64_t started_ns = hsm_ns > agent_ns ? hsm_ns : agent_ns;
        machine->is_answering = view.asked_ns > started_ns && view.is_answering[m];
    }
}

rind_status rind_chaos_session_tend(struct rind_chaos_session *session,
                                    struct rind_deadline deadline)
{
    while (!rind_deadline_has_expired(deadline)) {
        session_note_answers(session);
        struct rind_deadline next =
            rind_deadline_min(deadline, rind_chaos_stage_tend(&session->cli->ctx, &session->stage));
        RIND_REQUIRE(&session->cli->ctx, !rind_stopper_wait(session->stopper, next),
                     RIND_E_CANCELLED, "interrupted");
    }
    return RIND_OK;
}

static rind_status session_attack(struct rind_chaos_session *session)
{
    const struct rind_chaos_options *options = session->options;
    struct rind_deadline end = rind_deadline_in_ns(options->duration_ns);
    uint32_t interval_ms = (uint32_t)(options->interval_ns / RIND_NS_PER_MS);
    while (!rind_deadline_has_expired(end)) {
        uint64_t pause_ms = rind_chaos_random_below(&session->attack.random, 2 * interval_ms + 1);
        struct rind_deadline next = rind_deadline_min(end, rind_deadline_in_ms(pause_ms));
        RIND_TRY(rind_chaos_session_tend(session, next));
        if (!rind_deadline_has_expired(end)) {
            (void)rind_chaos_attack_once(&session->attack);
        }
    }
    return RIND_OK;
}

/* All machines answer, and every record has a group with a leader. */
static bool session_is_healthy(struct rind_chaos_session *session)
{
    struct rind_chaos_view view;
    rind_chaos_watcher_view(session->watcher, &view);
    session_note_answers(session);
    for (uint32_t m = 0; m < session->stage.machine_count; m++) {
        if (!session->stage.machines[m].is_answering) {
            return false;
        }
    }
    return rind_chaos_stage_is_whole(&session->stage) && rind_chaos_view_is_complete(&view);
}

rind_status rind_chaos_session_heal(struct rind_chaos_session *session)
{
    struct rind_ctx *ctx = &session->cli->ctx;
    struct rind_deadline deadline = rind_deadline_in_ms(RIND_CHAOS_HEAL_TIMEOUT_MS);
    rind_chaos_stage_heal(&session->stage);
    do {
        RIND_TRY(rind_chaos_session_tend(session, rind_deadline_in_ms(RIND_CHAOS_TEND_MS)));
        RIND_REQUIRE(ctx, !rind_deadline_has_expired(deadline), RIND_E_TIMEOUT,
                     "the realm is not whole %u s after the last fault was mended",
                     RIND_CHAOS_HEAL_TIMEOUT_MS / 1000);
    } while (!session_is_healthy(session));
    return RIND_OK;
}

static rind_status session_heal(struct rind_chaos_session *session)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    RIND_TRY(rind_chaos_session_heal(session));
    char text[96];
    (void)snprintf(text, sizeof(text), "whole again after %" PRIu64 " ms",
                   (uint64_t)((rind_clock_monotonic_ns() - start_ns) / RIND_NS_PER_MS));
    rind_chaos_report_step(&session->report, text);
    return RIND_OK;
}

/* Heals, restarts all so that no request is left anywhere, and asks about every user. */
static rind_status session_verify(struct rind_chaos_session *session)
{
    rind_chaos_report_step(&session->report, "the attack is over; mending everything");
    RIND_TRY(session_heal(session));
    rind_chaos_load_stop(session->load);
    rind_chaos_attack_everything(&session->attack, 0);
    rind_chaos_report_step(&session->report, "killed everything once more, so that no request is "
                                             "left anywhere");
    RIND_TRY(session_heal(session));
    return rind_chaos_load_verify(&session->cli->ctx, session->load,
                                  rind_deadline_in_ms(RIND_CHAOS_HEAL_TIMEOUT_MS),
                                  &session->figures.verified);
}

static void session_fill_figures(struct rind_chaos_session *session)
{
    struct rind_chaos_figures *figures = &session->figures;
    figures->seed = session->options->seed;
    figures->attack = &session->attack;
    figures->restarts = session->stage.restart_count;
    figures->ended = session->stage.ended_count;
    figures->users = session->options->user_count;
    rind_chaos_load_figures(session->load, &figures->load);
}

static rind_status session_act(struct rind_chaos_session *session)
{
    const struct rind_chaos_options *options = session->options;
    RIND_TRY(rind_chaos_load_start(&session->cli->ctx, session->load));
    if (options->failover_count > 0) {
        RIND_TRY(rind_chaos_session_measure_failovers(session));
    }
    if (options->transfer_count > 0) {
        RIND_TRY(rind_chaos_session_measure_transfers(session));
    }
    if (options->duration_ns > 0) {
        RIND_TRY(session_attack(session));
    }
    return session_verify(session);
}

static rind_status session_run(struct rind_chaos_session *session)
{
    struct rind_ctx *ctx = &session->cli->ctx;
    RIND_TRY(session_open_attack(session));
    RIND_TRY(session_open_load(session));
    rind_status status = session_act(session);
    session_fill_figures(session);
    rind_chaos_report_figures(&session->report, &session->figures);
    RIND_TRY(status);
    const struct rind_chaos_figures *figures = &session->figures;
    uint64_t broken = rind_chaos_report_violations(&session->report);
    uint64_t errors = figures->failover_errors + figures->transfer_errors;
    RIND_REQUIRE(ctx, broken == 0, RIND_E_INTERNAL,
                 "%" PRIu64 " promises were broken; run again with --seed %" PRIu64
                 " and --state DIR to keep the logs",
                 broken, session->options->seed);
    RIND_REQUIRE(ctx, errors == 0, RIND_E_UNAVAILABLE,
                 "%" PRIu64 " operations failed at a time when none may", errors);
    RIND_REQUIRE(ctx, figures->load.out_of_track == 0, RIND_E_LIMIT,
                 "%" PRIu64 " users' models grew too large to be checked",
                 figures->load.out_of_track);
    return RIND_OK;
}

static void session_close(struct rind_chaos_session *session)
{
    /* Stopped processes would hold the load's requests and the watcher's until their timeouts. */
    for (uint32_t i = 0; i < session->stage.process_count; i++) {
        rind_child_signal(session->stage.processes[i].child, SIGCONT);
    }
    rind_chaos_load_close(session->load);
    rind_chaos_courier_close(session->courier);
    rind_chaos_watcher_close(session->watcher);
    for (size_t i = 0; i < session->configuration_count; i++) {
        rind_configuration_free(session->configurations[i]);
    }
}

static rind_status session_run_all(struct rind_chaos_session *session)
{
    struct rind_cli *cli = session->cli;
    const struct rind_chaos_options *options = session->options;
    rind_chaos_report_open(&session->report, options->is_json, options->seed);
    RIND_TRY(rind_process_open(&cli->ctx, &cli->log, &session->process));
    session->stopper = rind_process_stopper(session->process);
    bool is_ours = options->info_file == NULL;
    rind_status status =
        is_ours ? rind_local_open(&cli->ctx, &options->local, &cli->log, session->stopper,
                                  session_say_step, session, &session->local)
                : rind_local_attach(&cli->ctx, &options->local, options->info_file, &cli->log,
                                    &session->local);
    if (rind_is_ok(status)) {
        status = session_run(session);
        session_close(session);
        if (is_ours) {
            rind_local_close(&session->local);
        } else {
            rind_local_detach(&session->local);
        }
    }
    rind_process_close(session->process);
    return status;
}

rind_status rind_chaos_session(struct rind_cli *cli, const struct rind_chaos_options *options)
{
    struct rind_chaos_session *session = calloc(1, sizeof(*session));
    RIND_REQUIRE(&cli->ctx, session != NULL, RIND_E_LIMIT, "no memory for a session");
    session->cli = cli;
    session->options = options;
    rind_status status = session_run_all(session);
    rind_chaos_report_close(&session->report);
    free(session);
    return status;
}
