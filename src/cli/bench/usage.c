/* usage.c - see usage.h. */
#include "cli/bench/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/realm/local.h"
#include "host/host.h"

#define USAGE_LINE_SIZE_MAX 512u

static uint64_t usage_process_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * RIND_NS_PER_S + (uint64_t)used.tv_nsec;
}

static uint64_t usage_process_memory_peak(pid_t pid)
{
    char path[64];
    char line[USAGE_LINE_SIZE_MAX];
    uint64_t peak_kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "VmHWM: %" SCNu64 " kB", &peak_kib) == 1) {
            break;
        }
    }
    (void)fclose(file);
    return peak_kib * 1024u;
}

/* The first line of /proc/stat: ticks spent in each state, the fourth and fifth of them idle. */
static void usage_machine_ticks(uint64_t *busy, uint64_t *all)
{
    uint64_t ticks[8] = {0};
    *busy = 0;
    *all = 0;
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) {
        return;
    }
    int found = fscanf(file,
                       "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                       " %" SCNu64 " %" SCNu64,
                       &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
                       &ticks[7]);
    (void)fclose(file);
    for (int i = 0; i < found; i++) {
        *all += ticks[i];
        *busy += i == 3 || i == 4 ? 0 : ticks[i];
    }
}

rind_status rind_usage_watch(struct rind_ctx *ctx, struct rind_usage *usage, const char *name,
                             pid_t pid)
{
    RIND_REQUIRE(ctx, usage->process_count < RIND_USAGE_PROCESSES_MAX, RIND_E_LIMIT,
                 "more than %u processes cannot be watched", RIND_USAGE_PROCESSES_MAX);
    struct rind_usage_process *process = &usage->processes[usage->process_count++];
    *process = (struct rind_usage_process){
        .pid = pid, .is_emulator = strcmp(name, RIND_LOCAL_EMULATOR_NAME) == 0};
    (void)snprintf(process->name, sizeof(process->name), "%s", name);
    return RIND_OK;
}

static rind_status usage_watch_listed(struct rind_ctx *ctx, struct rind_usage *usage,
                                      const json_t *root)
{
    struct rind_json_at document = rind_json_root(root, "info file");
    struct rind_json_at processes;
    size_t count;
    RIND_TRY(rind_json_member(ctx, &document, "processes", &processes));
    RIND_TRY(rind_json_count(ctx, &processes, &count));
    for (size_t i = 0; i < count; i++) {
        struct rind_json_at process;
        struct rind_json_at member;
        const char *name;
        uint64_t pid;
        RIND_TRY(rind_json_element(ctx, &processes, i, &process));
        RIND_TRY(rind_json_member_text(ctx, &process, "name", &name));
        RIND_TRY(rind_json_member(ctx, &process, "pid", &member));
        RIND_TRY(rind_json_u64(ctx, &member, &pid));
        RIND_TRY(rind_usage_watch(ctx, usage, name, (pid_t)pid));
    }
    return RIND_OK;
}

rind_status rind_usage_watch_info(struct rind_ctx *ctx, struct rind_usage *usage, const char *path)
{
    struct rind_slice text;
    json_t *root;
    RIND_TRY(rind_file_read(ctx, path, RIND_USAGE_INFO_SIZE_MAX, &text));
    RIND_TRY(rind_json_parse(ctx, text, "info file", &root));
    rind_status status = usage_watch_listed(ctx, usage, root);
    json_decref(root);
    return status;
}

void rind_usage_start(struct rind_usage *usage)
{
    for (size_t i = 0; i < usage->process_count; i++) {
        usage->processes[i].start_ns = usage_process_cpu_ns(usage->processes[i].pid);
    }
    usage_machine_ticks(&usage->busy_ticks, &usage->all_ticks);
    usage->start_ns = rind_clock_monotonic_ns();
    usage->self_start_ns = usage_process_cpu_ns(getpid());
}

void rind_usage_stop(struct rind_usage *usage)
{
    uint64_t busy_ticks;
    uint64_t all_ticks;
    usage->elapsed_ns = rind_clock_monotonic_ns() - usage->start_ns;
    usage->self_ns = usage_process_cpu_ns(getpid()) - usage->self_start_ns;
    usage_machine_ticks(&busy_ticks, &all_ticks);
    usage->busy = all_ticks > usage->all_ticks ? (double)(busy_ticks - usage->busy_ticks) /
                                                     (double)(all_ticks - usage->all_ticks)
                                               : 0;
    for (size_t i = 0; i < usage->process_count; i++) {
        struct rind_usage_process *process = &usage->processes[i];
        uint64_t now_ns = usage_process_cpu_ns(process->pid);
        process->cpu_ns = now_ns > process->start_ns ? now_ns - process->start_ns : 0;
        process->memory_peak = usage_process_memory_peak(process->pid);
    }
}

static uint64_t usage_sum_ns(const struct rind_usage *usage, bool is_emulator)
{
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < usage->process_count; i++) {
        if (usage->processes[i].is_emulator == is_emulator) {
            sum_ns += usage->processes[i].cpu_ns;
        }
    }
    return sum_ns;
}

uint64_t rind_usage_cpu_ns(const struct rind_usage *usage)
{
    return usage_sum_ns(usage, false);
}

void rind_usage_shares(const struct rind_usage *usage, unsigned processor_count,
                       struct rind_usage_shares *shares)
{
    double all_ns = (double)usage->elapsed_ns * (double)processor_count;
    *shares = (struct rind_usage_shares){.idle = 1.0};
    if (all_ns <= 0) {
        return;
    }
    shares->emulator = (double)usage_sum_ns(usage, true) / all_ns;
    shares->servers = (double)usage_sum_ns(usage, false) / all_ns;
    shares->client = (double)usage->self_ns / all_ns;
    double ours = shares->emulator + shares->servers + shares->client;
    shares->others = usage->busy > ours ? usage->busy - ours : 0;
    double busy = ours + shares->others;
    shares->idle = busy < 1.0 ? 1.0 - busy : 0;
}
