/* stage.c - see stage.h. */
#include "cli/chaos/stage.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define STAGE_CRASH_RESTART_MS 500u
#define STAGE_FOREIGN_LOOK_MS 100u
#define STAGE_EARLY_NS (2 * RIND_NS_PER_S) /* the time in which a process starts */

static enum rind_chaos_process_kind stage_kind(const char *name, uint32_t *machine)
{
    *machine = 0;
    unsigned number;
    if (sscanf(name, "hsm-a%u", &number) == 1) {
        *machine = number - 1;
        return RIND_CHAOS_HSM;
    }
    if (sscanf(name, "agent-a%u", &number) == 1) {
        *machine = number - 1;
        return RIND_CHAOS_AGENT;
    }
    if (strncmp(name, "manager-", 8) == 0) {
        return RIND_CHAOS_MANAGER;
    }
    return strncmp(name, "balancer-", 9) == 0 ? RIND_CHAOS_BALANCER : RIND_CHAOS_OTHER;
}

rind_status rind_chaos_stage_open(struct rind_ctx *ctx, struct rind_local *local,
                                  const char *info_file, struct rind_chaos_stage *stage)
{
    for (size_t i = 0; i < local->child_count; i++) {
        struct rind_chaos_process *process = &stage->processes[i];
        *process = (struct rind_chaos_process){.child = &local->children[i],
                                               .started_ns = rind_clock_monotonic_ns()};
        process->kind = stage_kind(process->child->name, &process->machine);
        stage->process_count++;
        if (process->kind > RIND_CHAOS_AGENT) {
            continue;
        }
        RIND_ASSERT(process->machine < RIND_CHAOS_MACHINES_MAX); /* as realm/ names them */
        struct rind_chaos_machine *machine = &stage->machines[process->machine];
        *(process->kind == RIND_CHAOS_HSM ? &machine->hsm : &machine->agent) = (uint32_t)i;
        machine->is_answering = true;
        if (process->machine >= stage->machine_count) {
            stage->machine_count = process->machine + 1;
        }
    }
    stage->hosts = local->options->hosts;
    stage->info_file = info_file;
    RIND_REQUIRE(ctx, stage->machine_count > 0, RIND_E_INVALID, "there is no HSM to attack");
    return RIND_OK;
}

/* ---- limits ---- */

static bool machine_is_impaired(const struct rind_chaos_stage *stage, uint32_t machine)
{
    const struct rind_chaos_machine *m = &stage->machines[machine];
    const struct rind_chaos_process *hsm = &stage->processes[m->hsm];
    const struct rind_chaos_process *agent = &stage->processes[m->agent];
    bool has_loss = false;
    for (uint32_t i = 0; i < stage->loss_count; i++) {
        has_loss =
            has_loss || stage->losses[i].process == m->hsm || stage->losses[i].process == m->agent;
    }
    return hsm->state != RIND_CHAOS_RUNNING || agent->state != RIND_CHAOS_RUNNING || hsm->is_cut ||
           agent->is_cut || has_loss || !m->is_answering;
}

bool rind_chaos_stage_may_impair(const struct rind_chaos_stage *stage, uint32_t machine)
{
    uint32_t impaired = 0;
    for (uint32_t i = 0; i < stage->machine_count; i++) {
        impaired += machine_is_impaired(stage, i) ? 1 : 0;
    }
    /* A group of one or two survives nobody's absence, but it waits for who comes back. */
    uint32_t allowed = stage->machine_count < 3 ? 1 : (stage->machine_count - 1) / 2;
    return machine_is_impaired(stage, machine) || impaired < allowed;
}

bool rind_chaos_stage_may_take(const struct rind_chaos_stage *stage, uint32_t process)
{
    const struct rind_chaos_process *taken = &stage->processes[process];
    uint32_t away = 0;
    for (uint32_t i = 0; i < stage->process_count; i++) {
        const struct rind_chaos_process *other = &stage->processes[i];
        away += other->kind == taken->kind && other->state != RIND_CHAOS_RUNNING ? 1 : 0;
    }
    return taken->state == RIND_CHAOS_RUNNING && away == 0;
}

/* ---- faults ---- */

void rind_chaos_stage_kill(struct rind_chaos_stage *stage, uint32_t process, uint64_t duration_ms)
{
    struct rind_chaos_process *killed = &stage->processes[process];
    rind_child_kill(killed->child);
    killed->state = RIND_CHAOS_DOWN;
    killed->ended_ns = rind_clock_monotonic_ns();
    killed->due = rind_deadline_in_ms(duration_ms);
}

void rind_chaos_stage_stop(struct rind_chaos_stage *stage, uint32_t process, uint64_t duration_ms)
{
    struct rind_chaos_process *stopped = &stage->processes[process];
    RIND_ASSERT(stopped->state == RIND_CHAOS_RUNNING);
    rind_child_signal(stopped->child, SIGSTOP);
    stopped->state = RIND_CHAOS_STOPPED;
    stopped->due = rind_deadline_in_ms(duration_ms);
}

void rind_chaos_stage_terminate(struct rind_chaos_stage *stage, uint32_t process)
{
    struct rind_chaos_process *ending = &stage->processes[process];
    RIND_ASSERT(ending->state == RIND_CHAOS_RUNNING);
    rind_child_signal(ending->child, SIGTERM);
    ending->state = RIND_CHAOS_TERMINATING;
    ending->due = rind_deadline_in_ms(RIND_CHAOS_TERMINATE_TIMEOUT_MS);
}

bool rind_chaos_stage_cut(struct rind_ctx *ctx, struct rind_chaos_stage *stage, uint32_t process,
                          uint64_t duration_ms)
{
    struct rind_chaos_process *cut = &stage->processes[process];
    if (stage->hosts == NULL || cut->is_cut ||
        !rind_is_ok(rind_chaos_link_plug(ctx, stage->hosts, cut->child, false))) {
        return false;
    }
    cut->is_cut = true;
    cut->plug_due = rind_deadline_in_ms(duration_ms);
    return true;
}

bool rind_chaos_stage_lose(struct rind_ctx *ctx, struct rind_chaos_stage *stage, uint32_t process,
                           const char *address, uint64_t duration_ms)
{
    if (stage->hosts == NULL || stage->loss_count == RIND_CHAOS_LOSSES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < stage->loss_count; i++) {
        if (stage->losses[i].process == process && strcmp(stage->losses[i].address, address) == 0) {
            return false;
        }
    }
    if (!rind_is_ok(rind_chaos_link_lose(ctx, stage->processes[process].child, address, true))) {
        return false;
    }
    struct rind_chaos_loss *loss = &stage->losses[stage->loss_count];
    *loss = (struct rind_chaos_loss){.process = process, .due = rind_deadline_in_ms(duration_ms)};
    (void)snprintf(loss->address, sizeof(loss->address), "%s", address);
    stage->loss_count++;
    return true;
}

/* ---- mending ---- */

/* Cables and losses whose time is over. What cannot be mended is tried again with the next look. */
static void stage_tend_links(struct rind_ctx *ctx, struct rind_chaos_stage *stage)
{
    for (uint32_t i = 0; i < stage->process_count; i++) {
        struct rind_chaos_process *process = &stage->processes[i];
        if (process->is_cut && rind_deadline_has_expired(process->plug_due)) {
            process->is_cut =
                !rind_is_ok(rind_chaos_link_plug(ctx, stage->hosts, process->child, true));
        }
    }
    for (uint32_t i = stage->loss_count; i > 0; i--) {
        const struct rind_chaos_loss *loss = &stage->losses[i - 1];
        const struct rind_child *child = stage->processes[loss->process].child;
        if (rind_deadline_has_expired(loss->due) &&
            rind_is_ok(rind_chaos_link_lose(ctx, child, loss->address, false))) {
            stage->loss_count--;
            stage->losses[i - 1] = stage->losses[stage->loss_count];
        }
    }
}

static void stage_read_tail(const char *path, char tail[RIND_CHAOS_LOG_TAIL_SIZE])
{
    tail[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    if (fseek(file, -(long)(RIND_CHAOS_LOG_TAIL_SIZE - 1), SEEK_END) != 0) {
        rewind(file);
    }
    size_t length = fread(tail, 1, RIND_CHAOS_LOG_TAIL_SIZE - 1, file);
    (void)fclose(file);
    tail[length] = '\0';
}

static void stage_report(struct rind_chaos_stage *stage, const struct rind_chaos_process *process,
                         const char *what)
{
    char tail[RIND_CHAOS_LOG_TAIL_SIZE];
    char text[RIND_CHAOS_LOG_TAIL_SIZE + RIND_SENTENCE_SIZE_MAX + 64];
    stage_read_tail(process->child->log_file, tail);
    (void)snprintf(text, sizeof(text), "%s\n  the end of its log:\n%s", what, tail);
    stage->ended_count++;
    stage->report(stage->report_self, text);
}

/* Others start it again in their own time; it is a violation if they do not. */
static void stage_await_others(struct rind_ctx *ctx, struct rind_chaos_stage *stage,
                               struct rind_chaos_process *process)
{
    uint64_t waited_ns = rind_clock_monotonic_ns() - process->ended_ns;
    process->due = rind_deadline_in_ms(STAGE_FOREIGN_LOOK_MS);
    if (waited_ns > RIND_CHAOS_FOREIGN_TIMEOUT_MS * RIND_NS_PER_MS) {
        stage_report(stage, process, ctx->sentence);
        process->ended_ns = rind_clock_monotonic_ns(); /* told once per time-out */
    }
}

static void stage_start(struct rind_ctx *ctx, struct rind_chaos_stage *stage,
                        struct rind_chaos_process *process)
{
    if (process->child->is_foreign) {
        if (!rind_is_ok(rind_local_reattach(ctx, stage->info_file, process->child))) {
            stage_await_others(ctx, stage, process);
            return;
        }
    } else if (!rind_is_ok(rind_child_start(ctx, process->child))) {
        stage_report(stage, process, ctx->sentence);
        process->due = rind_deadline_in_ms(STAGE_CRASH_RESTART_MS);
        return;
    }
    process->state = RIND_CHAOS_RUNNING;
    process->started_ns = rind_clock_monotonic_ns();
    stage->restart_count++;
    if (process->kind == RIND_CHAOS_HSM || process->kind == RIND_CHAOS_AGENT) {
        /* Until the watcher sees it: a machine that still starts is not whole. */
        stage->machines[process->machine].is_answering = false;
    }
}

/* It has ended, though nobody killed it. */
static void stage_has_ended(struct rind_chaos_stage *stage, struct rind_chaos_process *process,
                            const char *sentence)
{
    bool was_asked = process->state == RIND_CHAOS_TERMINATING;
    int status = process->child->wait_status;
    uint64_t age_ns = rind_clock_monotonic_ns() - process->started_ns;
    /* Asked so early that it had not begun to listen to signals: nothing was there to lose. */
    bool is_early = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && age_ns < STAGE_EARLY_NS;
    bool is_clean = is_early || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    bool is_port_taken = age_ns < STAGE_EARLY_NS && strstr(sentence, "in use") != NULL;
    if (!(was_asked && is_clean) && !is_port_taken) {
        stage_report(stage, process, sentence);
    }
    process->state = RIND_CHAOS_DOWN;
    process->ended_ns = rind_clock_monotonic_ns();
    process->due = rind_deadline_in_ms(was_asked ? 0 : STAGE_CRASH_RESTART_MS);
}

static void stage_tend_one(struct rind_ctx *ctx, struct rind_chaos_stage *stage,
                           struct rind_chaos_process *process)
{
    bool is_due = rind_deadline_has_expired(process->due);
    if (process->state != RIND_CHAOS_DOWN && !rind_is_ok(rind_child_check(ctx, process->child))) {
        stage_has_ended(stage, process, ctx->sentence);
        return;
    }
    switch (process->state) {
    case RIND_CHAOS_RUNNING:
        return;
    case RIND_CHAOS_STOPPED:
        if (is_due) {
            rind_child_signal(process->child, SIGCONT);
            process->state = RIND_CHAOS_RUNNING;
        }
        return;
    case RIND_CHAOS_DOWN:
        if (is_due) {
            stage_start(ctx, stage, process);
        }
        return;
    case RIND_CHAOS_TERMINATING:
        if (is_due) {
            stage_report(stage, process, "a process does not end within 25 s of SIGTERM");
            rind_child_kill(process->child);
            process->state = RIND_CHAOS_DOWN;
            process->due = rind_deadline_now();
        }
        return;
    }
}

struct rind_deadline rind_chaos_stage_tend(struct rind_ctx *ctx, struct rind_chaos_stage *stage)
{
    struct rind_deadline next = rind_deadline_in_ms(RIND_CHAOS_TEND_MS);
    stage_tend_links(ctx, stage);
    for (uint32_t i = 0; i < stage->process_count; i++) {
        struct rind_chaos_process *process = &stage->processes[i];
        stage_tend_one(ctx, stage, process);
        if (process->state == RIND_CHAOS_STOPPED || process->state == RIND_CHAOS_DOWN) {
            next = rind_deadline_min(next, process->due);
        }
    }
    return next;
}

void rind_chaos_stage_heal(struct rind_chaos_stage *stage)
{
    for (uint32_t i = 0; i < stage->process_count; i++) {
        struct rind_chaos_process *process = &stage->processes[i];
        if (process->state == RIND_CHAOS_STOPPED || process->state == RIND_CHAOS_DOWN) {
            process->due = rind_deadline_now();
        }
        process->plug_due = rind_deadline_now();
    }
    for (uint32_t i = 0; i < stage->loss_count; i++) {
        stage->losses[i].due = rind_deadline_now();
    }
}

bool rind_chaos_stage_is_whole(const struct rind_chaos_stage *stage)
{
    for (uint32_t i = 0; i < stage->process_count; i++) {
        if (stage->processes[i].state != RIND_CHAOS_RUNNING || stage->processes[i].is_cut) {
            return false;
        }
    }
    return stage->loss_count == 0;
}
