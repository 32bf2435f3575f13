/* report.c - see report.h. */
#include "cli/chaos/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* One JSON object on a line of its own. Takes `object`. */
static void report_json(struct rind_chaos_report *report, json_t *object)
{
    double at_s = (double)(rind_clock_monotonic_ns() - report->start_ns) / (double)RIND_NS_PER_S;
    rind_mutex_lock(&report->mutex);
    (void)json_object_set_new(object, "at_s", json_real(at_s));
    (void)json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    (void)printf("\n");
    (void)fflush(stdout);
    rind_mutex_unlock(&report->mutex);
    json_decref(object);
}

static void report_line(struct rind_chaos_report *report, const char *kind, const char *text)
{
    if (report->is_json) {
        report_json(report, json_pack("{s:s}", kind, text));
        return;
    }
    uint64_t at_ms = (rind_clock_monotonic_ns() - report->start_ns) / RIND_NS_PER_MS;
    rind_mutex_lock(&report->mutex);
    (void)printf("%5" PRIu64 ".%03" PRIu64 " s  %s\n", at_ms / 1000, at_ms % 1000, text);
    (void)fflush(stdout);
    rind_mutex_unlock(&report->mutex);
}

void rind_chaos_report_open(struct rind_chaos_report *report, bool is_json, uint64_t seed)
{
    *report = (struct rind_chaos_report){.is_json = is_json, .start_ns = rind_clock_monotonic_ns()};
    rind_mutex_init(&report->mutex);
    char text[64];
    (void)snprintf(text, sizeof(text), "seed %" PRIu64, seed);
    rind_chaos_report_step(report, text);
}

void rind_chaos_report_close(struct rind_chaos_report *report)
{
    rind_mutex_fini(&report->mutex);
}

void rind_chaos_report_step(struct rind_chaos_report *report, const char *text)
{
    report_line(report, "step", text);
}

void rind_chaos_report_fault(struct rind_chaos_report *report, const char *text)
{
    report_line(report, "fault", text);
}

void rind_chaos_report_violation(struct rind_chaos_report *report, const char *what,
                                 const char *details)
{
    rind_mutex_lock(&report->mutex);
    report->violations++;
    rind_mutex_unlock(&report->mutex);
    if (report->is_json) {
        report_json(report, json_pack("{s:s, s:s}", "violation", what, "details", details));
        return;
    }
    char text[RIND_CHAOS_FAULT_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "VIOLATION: %s", what);
    report_line(report, "violation", text);
    rind_mutex_lock(&report->mutex);
    (void)printf("  %s\n", details);
    (void)fflush(stdout);
    rind_mutex_unlock(&report->mutex);
}

uint64_t rind_chaos_report_violations(struct rind_chaos_report *report)
{
    rind_mutex_lock(&report->mutex);
    uint64_t violations = report->violations;
    rind_mutex_unlock(&report->mutex);
    return violations;
}

/* ---- figures ---- */

static uint64_t figures_outcomes(const struct rind_chaos_figures *figures,
                                 enum rind_checker_outcome outcome)
{
    uint64_t sum = 0;
    for (size_t kind = 0; kind <= RIND_CHECKER_DELETE; kind++) {
        sum += figures->load.outcomes[kind][outcome];
    }
    return sum;
}

static uint64_t figures_operations(const struct rind_chaos_figures *figures)
{
    uint64_t sum = 0;
    for (size_t outcome = 0; outcome <= RIND_CHECKER_UNKNOWN; outcome++) {
        sum += figures_outcomes(figures, (enum rind_checker_outcome)outcome);
    }
    return sum;
}

static json_t *figures_samples(const struct rind_chaos_samples *samples, uint64_t errors)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)samples->count, "p50_ms",
                     (json_int_t)rind_chaos_samples_percentile_ms(samples, 50), "p90_ms",
                     (json_int_t)rind_chaos_samples_percentile_ms(samples, 90), "max_ms",
                     (json_int_t)rind_chaos_samples_percentile_ms(samples, 100), "errors",
                     (json_int_t)errors);
}

static void report_samples(const char *what, const struct rind_chaos_samples *samples,
                           uint64_t errors)
{
    if (samples->count > 0) {
        (void)printf("%s: %zu times; median %" PRIu64 " ms, 90 %% within %" PRIu64
                     " ms, longest %" PRIu64 " ms; %" PRIu64 " operations failed that may not\n",
                     what, samples->count, rind_chaos_samples_percentile_ms(samples, 50),
                     rind_chaos_samples_percentile_ms(samples, 90),
                     rind_chaos_samples_percentile_ms(samples, 100), errors);
    }
}

static void report_figures_json(struct rind_chaos_report *report,
                                const struct rind_chaos_figures *figures)
{
    json_t *faults = json_object();
    for (size_t i = 0; rind_chaos_attack_name(i) != NULL; i++) {
        (void)json_object_set_new(faults, rind_chaos_attack_name(i),
                                  json_integer((json_int_t)figures->attack->counts[i]));
    }
    const uint64_t *violations = figures->load.violations;
    report_json(
        report,
        json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
                  "seed", (json_int_t)figures->seed, "faults", (json_int_t)figures->attack->count,
                  "by_kind", faults, "restarts", (json_int_t)figures->restarts, "operations",
                  (json_int_t)figures_operations(figures), "without_answer",
                  (json_int_t)figures_outcomes(figures, RIND_CHECKER_UNKNOWN), "concurrent_rounds",
                  (json_int_t)figures->load.concurrent_rounds, "users", (json_int_t)figures->users,
                  "secrets_verified", (json_int_t)figures->verified, "secrets_lost",
                  (json_int_t)violations[RIND_CHECKER_SECRET_LOST], "extra_guesses",
                  (json_int_t)violations[RIND_CHECKER_GUESSES_GREW], "unexplained_replies",
                  (json_int_t)violations[RIND_CHECKER_UNEXPLAINED], "processes_ended",
                  (json_int_t)figures->ended, "failovers",
                  figures_samples(&figures->failovers, figures->failover_errors), "transfers",
                  figures_samples(&figures->transfers, figures->transfer_errors)));
}

void rind_chaos_report_figures(struct rind_chaos_report *report,
                               const struct rind_chaos_figures *figures)
{
    if (report->is_json) {
        report_figures_json(report, figures);
        return;
    }
    const uint64_t *violations = figures->load.violations;
    rind_mutex_lock(&report->mutex);
    for (size_t i = 0; rind_chaos_attack_name(i) != NULL; i++) {
        (void)printf("  %5" PRIu64 "  %s\n", figures->attack->counts[i], rind_chaos_attack_name(i));
    }
    report_samples("a leader's machine lost, until all is served", &figures->failovers,
                   figures->failover_errors);
    report_samples("half of all records moved under load", &figures->transfers,
                   figures->transfer_errors);
    (void)printf("seed %" PRIu64 ": %" PRIu64 " faults, %" PRIu64 " processes restarted; %" PRIu64
                 " operations of %" PRIu64 " users (%" PRIu64 " rounds of two at once), %" PRIu64
                 " without an answer; %" PRIu64 " secrets verified at the end; %" PRIu64
                 " acknowledged secrets lost, %" PRIu64 " extra guesses, %" PRIu64
                 " unexplained replies, %" PRIu64 " processes ended on their own\n",
                 figures->seed, figures->attack->count, figures->restarts,
                 figures_operations(figures), figures->users, figures->load.concurrent_rounds,
                 figures_outcomes(figures, RIND_CHECKER_UNKNOWN), figures->verified,
                 violations[RIND_CHECKER_SECRET_LOST], violations[RIND_CHECKER_GUESSES_GREW],
                 violations[RIND_CHECKER_UNEXPLAINED], figures->ended);
    (void)fflush(stdout);
    rind_mutex_unlock(&report->mutex);
}
