/* measure.c - the two measurements of a session: losing leaders, and moving half of all records. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/chaos/session_inner.h"

#define MEASURE_FAILOVER_TIMEOUT_MS 60000u
#define MEASURE_CALM_MS 2000u /* watched after everything is whole again */
#define MEASURE_MERGES_MAX 64u

static void measure_say(struct rind_chaos_session *session, const char *format, ...)
    RIND_PRINTF(2, 3);
static void measure_say(struct rind_chaos_session *session, const char *format, ...)
{
    char text[RIND_CHAOS_FAULT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    rind_chaos_report_step(&session->report, text);
}

/* Errors of the load in calm times, until now. */
static uint64_t measure_errors(struct rind_chaos_session *session,
                               char sentence[RIND_SENTENCE_SIZE])
{
    struct rind_chaos_load_figures figures;
    rind_chaos_load_figures(session->load, &figures);
    memcpy(sentence, figures.last_error, RIND_SENTENCE_SIZE);
    return figures.errors_in_calm;
}

/* ---- losing leaders ---- */

/* A random machine that leads a group with a range. */
static rind_status measure_choose_leader(struct rind_chaos_session *session, uint32_t *machine)
{
    struct rind_chaos_view view;
    rind_chaos_watcher_view(session->watcher, &view);
    uint32_t count = session->stage.machine_count;
    uint32_t first = rind_chaos_random_below(&session->attack.random, count);
    for (uint32_t i = 0; i < count; i++) {
        *machine = (first + i) % count;
        if (rind_chaos_view_leads(&view, *machine) > 0) {
            return RIND_OK;
        }
    }
    return rind_fail(&session->cli->ctx, RIND_E_NOT_FOUND, "no machine leads anything");
}

static rind_status measure_failover(struct rind_chaos_session *session,
                                    struct rind_chaos_probes *probes, uint64_t *duration_ns)
{
    struct rind_ctx *ctx = &session->cli->ctx;
    uint32_t number = 0;
    uint64_t resumed_ns = 0;
    char sentence[RIND_SENTENCE_SIZE];
    RIND_TRY(rind_chaos_session_heal(session));
    RIND_TRY(measure_choose_leader(session, &number));
    const struct rind_chaos_machine *machine = &session->stage.machines[number];
    uint64_t killed_ns = rind_clock_monotonic_ns();
    /* They stay away until the service is back without them. */
    rind_chaos_stage_kill(&session->stage, machine->agent, MEASURE_FAILOVER_TIMEOUT_MS);
    rind_chaos_stage_kill(&session->stage, machine->hsm, MEASURE_FAILOVER_TIMEOUT_MS);
    RIND_TRY(rind_chaos_probes_await(ctx, probes, rind_deadline_in_ms(MEASURE_FAILOVER_TIMEOUT_MS),
                                     &resumed_ns));
    *duration_ns = resumed_ns - killed_ns;
    uint64_t errors = measure_errors(session, sentence);
    rind_chaos_load_set_calm(session->load, resumed_ns);
    RIND_TRY(rind_chaos_session_heal(session));
    RIND_TRY(rind_chaos_session_tend(session, rind_deadline_in_ms(MEASURE_CALM_MS)));
    rind_chaos_load_set_calm(session->load, 0);
    errors = measure_errors(session, sentence) - errors;
    measure_say(session, "lost machine %u: serving again after %" PRIu64 " ms%s%s", number + 1,
                (uint64_t)(*duration_ns / RIND_NS_PER_MS),
                errors == 0 ? "" : "; then an error: ", errors == 0 ? "" : sentence);
    session->figures.failover_errors += errors;
    return RIND_OK;
}

rind_status rind_chaos_session_measure_failovers(struct rind_chaos_session *session)
{
    struct rind_chaos_probes *probes = NULL;
    rind_status status =
        rind_chaos_probes_open(&session->cli->ctx, &session->load_options, &probes);
    for (uint32_t i = 0; i < session->options->failover_count && rind_is_ok(status); i++) {
        uint64_t duration_ns = 0;
        status = measure_failover(session, probes, &duration_ns);
        if (rind_is_ok(status)) {
            rind_chaos_samples_add(&session->figures.failovers, duration_ns);
        }
    }
    rind_chaos_probes_close(probes);
    return status;
}

/* ---- moving half of all records ---- */

static rind_status measure_move(struct rind_chaos_session *session,
                                const struct rind_group_id *source,
                                const struct rind_group_id *destination,
                                const struct rind_owned_range *range, uint64_t *duration_ns)
{
    struct rind_ctx *ctx = &session->cli->ctx;
    const struct rind_child *manager = rind_local_find(&session->local, "manager-1");
    RIND_ASSERT(manager != NULL); /* chaos starts one at least */
    const struct rind_chaos_errand errand = {.kind = RIND_CHAOS_TRANSFER,
                                             .url = manager->address,
                                             .realm = session->attack.realm,
                                             .group = *source,
                                             .destination = *destination,
                                             .range = *range};
    struct rind_chaos_errand_result result;
    rind_chaos_errand_run(ctx, session->local.client, &errand, &result);
    RIND_REQUIRE(ctx, result.is_ok, RIND_E_UNAVAILABLE, "a transfer failed: %s", result.text);
    *duration_ns = result.duration_ns;
    return RIND_OK;
}

/* The group whose range starts at `start`, and some group of several members without a range. */
static void measure_find(const struct rind_chaos_view *view, const struct rind_record_id *start,
                         const struct rind_chaos_group **owner,
                         const struct rind_chaos_group **idle)
{
    *owner = NULL;
    *idle = NULL;
    for (uint32_t g = 0; g < view->group_count; g++) {
        const struct rind_chaos_group *group = &view->groups[g];
        if (group->has_range && rind_record_id_equal(&group->range.start, start)) {
            *owner = group;
        } else if (!group->has_range &&
                   (*idle == NULL || group->member_count > (*idle)->member_count)) {
            *idle = group;
        }
    }
}

/* Waits for a look that began after now, as the last one may be older than what we just did. */
static rind_status measure_look(struct rind_chaos_session *session, struct rind_chaos_view *view)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    do {
        RIND_TRY(rind_chaos_session_tend(session, rind_deadline_in_ms(RIND_CHAOS_TEND_MS)));
        rind_chaos_watcher_view(session->watcher, view);
    } while (view->asked_ns < now_ns);
    return RIND_OK;
}

/* Gives everything to the group that owns the start. */
static rind_status measure_gather(struct rind_chaos_session *session, struct rind_chaos_view *view)
{
    const struct rind_record_id zero = {{0}};
    const struct rind_owned_range full = rind_owned_range_full();
    for (uint32_t i = 0; i < MEASURE_MERGES_MAX; i++) {
        const struct rind_chaos_group *first;
        const struct rind_chaos_group *next;
        const struct rind_chaos_group *idle;
        struct rind_record_id start;
        RIND_TRY(rind_chaos_session_heal(session));
        RIND_TRY(measure_look(session, view));
        measure_find(view, &zero, &first, &idle);
        if (first == NULL) {
            continue;
        }
        if (rind_owned_range_equal(&first->range, &full)) {
            return RIND_OK;
        }
        if (rind_record_id_next(&first->range.end, &start)) {
            measure_find(view, &start, &next, &idle);
            uint64_t duration_ns;
            if (next != NULL) {
                RIND_TRY(measure_move(session, &next->id, &first->id, &next->range, &duration_ns));
            }
        }
    }
    return rind_fail(&session->cli->ctx, RIND_E_UNAVAILABLE, "one group cannot take over all");
}

rind_status rind_chaos_session_measure_transfers(struct rind_chaos_session *session)
{
    struct rind_ctx *ctx = &session->cli->ctx;
    struct rind_chaos_view view;
    const struct rind_chaos_group *all;
    const struct rind_chaos_group *other;
    const struct rind_record_id zero = {{0}};
    struct rind_owned_range half;
    char sentence[RIND_SENTENCE_SIZE];
    RIND_TRY(measure_gather(session, &view));
    measure_find(&view, &zero, &all, &other);
    RIND_REQUIRE(ctx, all != NULL && other != NULL, RIND_E_NOT_FOUND,
                 "there is no second group to give records to; use --groups 2 or more");
    RIND_TRY(rind_plan_even_part(ctx, 1, 2, &half));
    uint64_t errors = measure_errors(session, sentence);
    rind_chaos_load_set_calm(session->load, rind_clock_monotonic_ns());
    for (uint32_t i = 0; i < session->options->transfer_count; i++) {
        bool is_back = i % 2 == 1;
        uint64_t duration_ns = 0;
        RIND_TRY(measure_move(session, is_back ? &other->id : &all->id,
                              is_back ? &all->id : &other->id, &half, &duration_ns));
        rind_chaos_samples_add(&session->figures.transfers, duration_ns);
        RIND_TRY(rind_chaos_session_tend(session, rind_deadline_in_ms(MEASURE_CALM_MS)));
        uint64_t before = errors;
        errors = measure_errors(session, sentence);
        measure_say(
            session, "moved half of all records %s in %" PRIu64 " ms%s%s",
            is_back ? "back" : "away", (uint64_t)(duration_ns / RIND_NS_PER_MS),
            errors == before ? "" : "; an operation failed: ", errors == before ? "" : sentence);
        session->figures.transfer_errors += errors - before;
    }
    rind_chaos_load_set_calm(session->load, 0);
    return RIND_OK;
}
