/* run.c - one run: setup, operations, and healing at the end. */
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "host.h"
#include "result.h"

static void *run_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        sim_broken("no memory");
    }
    return memory;
}

static bool run_is_skipped(const struct sim_options *options, uint32_t operation)
{
    return operation < options->skipped_count && options->skipped[operation] != 0;
}

/*
 * Each operation draws from a generator of its own, made of the run's seed and the operation's
 * number: so one can be left out and the others still do what they did.
 */
static void run_play(struct sim *sim, struct sim_result *result)
{
    sim->random = sim_random_make(sim->options.seed, 10);
    sim_host_setup(sim);
    for (sim->operation = 0; sim->operation < sim->options.steps; sim->operation++) {
        result->operation = sim->operation; /* for whoever finds this process dead */
        sim->counters.steps++;
        if (run_is_skipped(&sim->options, sim->operation)) {
            continue;
        }
        rind_arena_reset(&sim->arena);
        sim->random = sim_random_make(sim->options.seed, 100000u + sim->operation);
        sim->is_proof_honest = false;
        sim_host_operation(sim);
    }
    rind_arena_reset(&sim->arena);
    sim->random = sim_random_make(sim->options.seed, 11);
    sim_host_heal(sim);
}

void sim_run(const struct sim_options *options, struct sim_result *result)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    if (sim == NULL || sodium_init() < 0) {
        sim_broken("no memory");
    }
    sim->options = *options;
    rind_arena_init(&sim->arena, run_map(SIM_ARENA_SIZE), SIM_ARENA_SIZE);
    rind_ctx_init(&sim->ctx, &sim->arena);
    sim_swarm_make(sim);
    sim_cores_start(sim);
    sim->response = run_map(sim->response_capacity);
    sim->request = run_map(SIM_REQUEST_MAX);
    sim_result_open(result, sim);
    run_play(sim, result);
    result->counters = sim->counters;
}
