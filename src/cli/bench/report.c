/* report.c - see report.h. */
#include "cli/bench/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REPORT_LINE_SIZE_MAX 512u

static double report_ms(uint64_t value_us)
{
    return (double)value_us / 1000.0;
}

double rind_report_floor_us(const struct rind_floor *floor, enum rind_workload_operation operation)
{
    switch (operation) {
    case RIND_WORKLOAD_RECOVER:
        return floor->recover_us;
    case RIND_WORKLOAD_REGISTER:
    case RIND_WORKLOAD_DELETE: /* a handshake each */
        return floor->register_us;
    case RIND_WORKLOAD_AUTH_ERROR: /* the balancer refuses it */
    case RIND_WORKLOAD_OPERATIONS:
        break;
    }
    return 0;
}

/* Operations that the servers worked for, whatever they came to. */
static double report_attempts(const struct rind_load_result *result)
{
    return (double)(result->ok.count + result->error_count);
}

static double report_cpu_us(const struct rind_report_phase *phase)
{
    double attempts = report_attempts(phase->result);
    return attempts == 0 ? 0 : (double)rind_usage_cpu_ns(&phase->usage) / 1000.0 / attempts;
}

void rind_report_machine(char *text, size_t size)
{
    char line[REPORT_LINE_SIZE_MAX];
    char model[REPORT_LINE_SIZE_MAX] = "unknown processor";
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", strlen("model name")) == 0 && colon != NULL) {
            (void)snprintf(model, sizeof(model), "%s", colon + 2);
            model[strcspn(model, "\n")] = 0;
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)snprintf(text, size, "%s, %ld processors", model, sysconf(_SC_NPROCESSORS_ONLN));
}

/* ---- JSON ---- */

static json_t *report_latency_json(const struct rind_histogram *histogram)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "min", report_ms(histogram->min_us),
                     "mean", rind_histogram_mean_us(histogram) / 1000.0, "p50",
                     report_ms(rind_histogram_quantile_us(histogram, 0.5)), "p90",
                     report_ms(rind_histogram_quantile_us(histogram, 0.9)), "p99",
                     report_ms(rind_histogram_quantile_us(histogram, 0.99)), "p999",
                     report_ms(rind_histogram_quantile_us(histogram, 0.999)), "max",
                     report_ms(histogram->max_us));
}

static json_t *report_errors_json(const struct rind_load_result *result)
{
    json_t *errors = json_object();
    for (unsigned kind = 1; kind < RIND_LOAD_KINDS_MAX; kind++) {
        if (result->kind_counts[kind] > 0) {
            (void)json_object_set_new(errors, rind_workload_outcome_name(kind),
                                      json_integer((json_int_t)result->kind_counts[kind]));
        }
    }
    return errors;
}

/* On average, of the machine's processors: 1.5 is one all the time and a second half of it. */
static double report_processors_used(const struct rind_report_phase *phase,
                                     const struct rind_usage_process *process)
{
    uint64_t elapsed_ns = phase->usage.elapsed_ns;
    return elapsed_ns == 0 ? 0 : (double)process->cpu_ns / (double)elapsed_ns;
}

static json_t *report_processes_json(const struct rind_report_phase *phase)
{
    json_t *processes = json_array();
    double attempts = report_attempts(phase->result);
    for (size_t i = 0; i < phase->usage.process_count; i++) {
        const struct rind_usage_process *process = &phase->usage.processes[i];
        double cpu_us = (double)process->cpu_ns / 1000.0;
        (void)json_array_append_new(
            processes,
            json_pack("{s:s, s:f, s:f, s:f, s:I}", "name", process->name, "cpu_s", cpu_us / 1e6,
                      "cpu_us_per_op", attempts == 0 ? 0 : cpu_us / attempts, "processors_used",
                      report_processors_used(phase, process), "memory_peak_bytes",
                      (json_int_t)process->memory_peak));
    }
    return processes;
}

static void report_shares(const struct rind_report_phase *phase, struct rind_usage_shares *shares)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    rind_usage_shares(&phase->usage, count > 0 ? (unsigned)count : 1u, shares);
}

static json_t *report_shares_json(const struct rind_report_phase *phase)
{
    struct rind_usage_shares shares;
    report_shares(phase, &shares);
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "emulator", shares.emulator, "servers",
                     shares.servers, "client", shares.client, "others", shares.others, "idle",
                     shares.idle);
}

static json_t *report_seconds_json(const struct rind_load_result *result)
{
    json_t *seconds = json_array();
    for (size_t i = 0; i < result->second_count; i++) {
        const struct rind_load_second *second = &result->seconds[i];
        (void)json_array_append_new(
            seconds, json_pack("{s:f, s:f, s:I, s:f, s:f}", "at_s", second->at_s, "ops_per_s",
                               (double)second->ok_count / second->duration_s, "errors",
                               (json_int_t)second->error_count, "p50_ms", report_ms(second->p50_us),
                               "p99_ms", report_ms(second->p99_us)));
    }
    return seconds;
}

/* Adds the figures that scripts look for to `object`. */
static void report_add_figures(const struct rind_report *report,
                               const struct rind_report_phase *phase, json_t *object)
{
    const struct rind_load_result *result = phase->result;
    double floor_us = rind_report_floor_us(&report->floor, phase->operation);
    (void)json_object_set_new(object, "ops_per_s", json_real(rind_load_throughput(result)));
    (void)json_object_set_new(object, "latency_ms", report_latency_json(&result->ok));
    (void)json_object_set_new(object, "errors_by_kind", report_errors_json(result));
    (void)json_object_set_new(object, "floor_us", json_real(floor_us));
    (void)json_object_set_new(object, "machine_busy", json_real(phase->usage.busy));
    if (result->error_count > 0) {
        (void)json_object_set_new(object, "error_latency_ms", report_latency_json(&result->failed));
    }
    if (phase->usage.process_count == 0) {
        return; /* nobody told us which processes serve */
    }
    double cpu_us = report_cpu_us(phase);
    (void)json_object_set_new(object, "server_cpu_us_per_op", json_real(cpu_us));
    (void)json_object_set_new(object, "cpu_shares", report_shares_json(phase));
    if (floor_us > 0) {
        (void)json_object_set_new(object, "ratio", json_real(cpu_us / floor_us));
    }
}

/* The names of the operations in a results file. */
static const char *report_operation_title(enum rind_workload_operation operation)
{
    static const char *const titles[RIND_WORKLOAD_OPERATIONS] = {"Register", "Recover", "Delete",
                                                                 "AuthError"};
    return titles[operation];
}

static json_t *report_phase_json(const struct rind_report *report,
                                 const struct rind_report_phase *phase)
{
    const struct rind_load_result *result = phase->result;
    const struct rind_histogram *ok = &result->ok;
    json_t *object =
        json_pack("{s:s, s:I, s:i, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "op",
                  report_operation_title(phase->operation), "count",
                  (json_int_t)(ok->count + result->error_count), "concurrency",
                  (int)phase->concurrency, "errors", (json_int_t)result->error_count,
                  "elapsed_secs", (double)result->elapsed_ns / (double)RIND_NS_PER_S, "throughput",
                  rind_load_throughput(result), "min_ms", report_ms(ok->min_us), "mean_ms",
                  rind_histogram_mean_us(ok) / 1000.0, "p50_ms",
                  report_ms(rind_histogram_quantile_us(ok, 0.5)), "p95_ms",
                  report_ms(rind_histogram_quantile_us(ok, 0.95)), "p99_ms",
                  report_ms(rind_histogram_quantile_us(ok, 0.99)), "max_ms", report_ms(ok->max_us));
    if (object != NULL) {
        report_add_figures(report, phase, object);
        (void)json_object_set_new(object, "rate", json_real(phase->rate));
        if (phase->label != NULL) {
            (void)json_object_set_new(object, "label", json_string(phase->label));
        }
        (void)json_object_set_new(object, "processes", report_processes_json(phase));
        (void)json_object_set_new(object, "seconds", report_seconds_json(result));
    }
    return object;
}

static void report_started(uint64_t unix_ms, char *text, size_t size)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;
    char zone[8];
    (void)localtime_r(&seconds, &local);
    size_t length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &local);
    (void)strftime(zone, sizeof(zone), "%z", &local); /* +hhmm; RFC 3339 wants +hh:mm */
    (void)snprintf(text + length, size - length, ".%03u%.3s:%.2s", (unsigned)(unix_ms % 1000), zone,
                   zone + 3);
}

/* The phase whose figures stand at the top. */
static const struct rind_report_phase *report_main_phase(const struct rind_report *report)
{
    for (size_t i = 0; i < report->phase_count; i++) {
        if (report->phases[i].operation == RIND_WORKLOAD_RECOVER) {
            return &report->phases[i];
        }
    }
    return &report->phases[report->phase_count - 1];
}

json_t *rind_report_json(const struct rind_report *report)
{
    char started[64];
    char machine[REPORT_LINE_SIZE_MAX];
    uint64_t error_count = 0;
    json_t *operations = json_array();
    report_started(report->started_unix_ms, started, sizeof(started));
    rind_report_machine(machine, sizeof(machine));
    for (size_t i = 0; i < report->phase_count; i++) {
        error_count += report->phases[i].result->error_count;
        (void)json_array_append_new(operations, report_phase_json(report, &report->phases[i]));
    }
    json_t *root = json_pack("{s:O, s:s, s:f, s:I, s:s, s:f}", "configuration",
                             report->configuration, "started", started, "elapsed_secs",
                             (double)report->elapsed_ns / (double)RIND_NS_PER_S, "errors",
                             (json_int_t)error_count, "machine", machine, "rate", report->rate);
    if (root != NULL && report->phase_count > 0) {
        const struct rind_report_phase *main_phase = report_main_phase(report);
        (void)json_object_set_new(root, "op",
                                  json_string(rind_workload_operation_name(main_phase->operation)));
        report_add_figures(report, main_phase, root);
    }
    if (root != NULL) {
        (void)json_object_set(root, "operations", operations);
    }
    json_decref(operations);
    return root;
}

/* ---- text ---- */

static void report_print_latency(const char *what, const struct rind_histogram *histogram)
{
    (void)printf("  %s ms: p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n", what,
                 report_ms(rind_histogram_quantile_us(histogram, 0.5)),
                 report_ms(rind_histogram_quantile_us(histogram, 0.9)),
                 report_ms(rind_histogram_quantile_us(histogram, 0.99)),
                 report_ms(rind_histogram_quantile_us(histogram, 0.999)),
                 report_ms(histogram->max_us));
}

/* Who had all the processors of this machine. */
static void report_print_shares(const struct rind_report_phase *phase)
{
    struct rind_usage_shares shares;
    report_shares(phase, &shares);
    (void)printf("  shares of all processors: servers %.0f %%", shares.servers * 100.0);
    if (shares.emulator > 0) {
        (void)printf(", Bigtable emulator %.0f %%", shares.emulator * 100.0);
    }
    (void)printf(", this client %.0f %%, others %.0f %%, idle %.0f %%\n", shares.client * 100.0,
                 shares.others * 100.0, shares.idle * 100.0);
}

static void report_print_servers(const struct rind_report *report,
                                 const struct rind_report_phase *phase)
{
    double attempts = report_attempts(phase->result);
    double floor_us = rind_report_floor_us(&report->floor, phase->operation);
    double cpu_us = report_cpu_us(phase);
    (void)printf("  server CPU: %.0f us per operation", cpu_us);
    if (floor_us > 0) {
        (void)printf(", %.2f times the floor of %.0f us", cpu_us / floor_us, floor_us);
    }
    (void)printf("; machine %.0f %% busy\n", phase->usage.busy * 100.0);
    report_print_shares(phase);
    for (size_t i = 0; i < phase->usage.process_count && attempts > 0; i++) {
        const struct rind_usage_process *process = &phase->usage.processes[i];
        (void)printf("    %-18s %8.1f us   %4.2f processors   peak %6.1f MiB\n", process->name,
                     (double)process->cpu_ns / 1000.0 / attempts,
                     report_processors_used(phase, process),
                     (double)process->memory_peak / 1048576.0);
    }
}

void rind_report_print(const struct rind_report *report, const struct rind_report_phase *phase)
{
    const struct rind_load_result *result = phase->result;
    (void)printf("%s: %.1f operations per second (%" PRIu64 " in %.2f s)\n",
                 phase->label != NULL ? phase->label
                                      : rind_workload_operation_name(phase->operation),
                 rind_load_throughput(result), result->ok.count,
                 (double)result->elapsed_ns / (double)RIND_NS_PER_S);
    report_print_latency("latency", &result->ok);
    if (result->error_count > 0) {
        (void)printf("  errors: %" PRIu64, result->error_count);
        for (unsigned kind = 1; kind < RIND_LOAD_KINDS_MAX; kind++) {
            if (result->kind_counts[kind] > 0) {
                (void)printf("  %s %" PRIu64, rind_workload_outcome_name(kind),
                             result->kind_counts[kind]);
            }
        }
        (void)printf("\n");
        report_print_latency("error latency", &result->failed);
    }
    if (phase->usage.process_count > 0) {
        report_print_servers(report, phase);
    }
    (void)fflush(stdout);
}
