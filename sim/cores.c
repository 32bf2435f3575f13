/*
 * cores.c - the platform under each core: NVRAM, randomness, a clock, and memory between two pages
 * that nobody may touch, so that a byte beyond the arena ends the run.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "sim.h"

static rind_status cores_nvram_read(void *context, struct rind_ctx *ctx, struct rind_buffer *data)
{
    (void)ctx;
    const struct sim_hsm *hsm = context;
    rind_buffer_append(data, rind_slice_make(hsm->image.bytes, hsm->image.length));
    return RIND_OK;
}

static rind_status cores_nvram_write(void *context, struct rind_ctx *ctx, struct rind_slice data)
{
    struct sim_hsm *hsm = context;
    SIM_CHECK(hsm->sim, data.length <= sizeof(hsm->image.bytes),
              "a core wrote %zu bytes to NVRAM, which has %zu", data.length,
              sizeof(hsm->image.bytes));
    if (hsm->nvram_mode != SIM_NVRAM_FAILS_OLD) {
        hsm->old = hsm->sim->options.rolls_nvram_back && sim_chance(&hsm->random, 1, 4) ? hsm->image
                                                                                        : hsm->old;
        memcpy(hsm->image.bytes, data.data, data.length);
        hsm->image.length = data.length;
    }
    RIND_REQUIRE(ctx, hsm->nvram_mode == SIM_NVRAM_WORKS, RIND_E_IO, "NVRAM was told to fail");
    hsm->has_new_image = true;
    return RIND_OK;
}

static void cores_random_fill(void *context, void *bytes, size_t size)
{
    struct sim_hsm *hsm = context;
    sim_fill(&hsm->random, bytes, size);
}

static bool cores_clock_now_ns(void *context, uint64_t *now_ns)
{
    struct sim_hsm *hsm = context;
    hsm->clock_ns += 1000;
    *now_ns = hsm->clock_ns;
    return true;
}

static size_t cores_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t cores_mapping_size(const struct sim *sim)
{
    size_t page = cores_page_size();
    return (sim->memory_size + page - 1) / page * page + 2 * page;
}

/* Memory whose end lies against the upper guard page; its size is a multiple of its alignment. */
static void *cores_map(const struct sim *sim)
{
    size_t page = cores_page_size();
    size_t size = cores_mapping_size(sim);
    uint8_t *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED || mprotect(mapping, page, PROT_NONE) != 0 ||
        mprotect(mapping + size - page, page, PROT_NONE) != 0) {
        sim_broken("no memory for a core");
    }
    return mapping + size - page - sim->memory_size;
}

static void cores_unmap(const struct sim *sim, void *memory)
{
    size_t size = cores_mapping_size(sim);
    uint8_t *mapping = (uint8_t *)memory + sim->memory_size + cores_page_size() - size;
    (void)munmap(mapping, size);
}

rind_status sim_core_boot(struct sim *sim, uint32_t h, unsigned keyset)
{
    struct sim_hsm *hsm = &sim->hsms[h];
    RIND_ASSERT(hsm->core == NULL);
    const struct rind_hsm_platform platform = {
        .context = hsm,
        .nvram_read = cores_nvram_read,
        .nvram_write = cores_nvram_write,
        .random_fill = cores_random_fill,
        .clock_now_ns = cores_clock_now_ns,
    };
    void *memory = cores_map(sim);
    hsm->has_new_image = false;
    rind_status status = rind_hsm_init(&sim->ctx, memory, sim->memory_size, &platform,
                                       &sim->swarm.config, &sim->keys[keyset], &hsm->core);
    if (!rind_is_ok(status)) {
        cores_unmap(sim, memory);
        hsm->core = NULL;
        return status;
    }
    SIM_CHECK(sim, (void *)hsm->core == memory, "a core does not live at the start of its memory");
    hsm->keyset = keyset;
    hsm->boot++;
    return RIND_OK;
}

void sim_core_stop(struct sim *sim, uint32_t h)
{
    struct sim_hsm *hsm = &sim->hsms[h];
    void *memory = hsm->core;
    rind_hsm_fini(hsm->core);
    if (memory != NULL) {
        cores_unmap(sim, memory);
    }
    hsm->core = NULL;
}

void sim_cores_start(struct sim *sim)
{
    rind_realm_keys_derive_insecure(rind_slice_text("realm"), &sim->keys[0]);
    rind_realm_keys_derive_insecure(rind_slice_text("stranger"), &sim->keys[1]);
    sim->memory_size = rind_hsm_size_bytes(&sim->swarm.config);
    sim->response_capacity = rind_hsm_response_size_bytes_max(&sim->swarm.config);
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        sim->hsms[h].sim = sim;
        sim->hsms[h].index = h;
        sim->hsms[h].random = sim_random_make(sim->options.seed, 1000 + h);
    }
}
