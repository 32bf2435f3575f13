/* machine.c - see machine.h. */
#include "platform/software/machine.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* Ordinary responses are below this; what a large commit needed beyond it is given back. */
#define MACHINE_RESPONSE_KEPT_BYTES (1024u * 1024u)

static rind_status machine_nvram_read(void *context, struct rind_ctx *ctx, struct rind_buffer *data)
{
    const struct rind_machine *machine = context;
    return rind_state_file_read(ctx, &machine->state, data);
}

static rind_status machine_nvram_write(void *context, struct rind_ctx *ctx, struct rind_slice data)
{
    const struct rind_machine *machine = context;
    return rind_state_file_write(ctx, &machine->state, data);
}

/* Without randomness the core must not go on (hsm/platform.h). */
static void machine_random_fill(void *context, void *bytes, size_t size)
{
    (void)context;
    uint8_t *at = bytes;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            rind_panic(__FILE__, __LINE__, "the system's random generator fails");
        }
        at += got;
        size -= (size_t)got;
    }
}

static bool machine_clock_now_ns(void *context, uint64_t *now_ns)
{
    (void)context;
    *now_ns = rind_clock_monotonic_ns();
    return true;
}

static rind_status machine_map(struct rind_ctx *ctx, size_t size, void **memory)
{
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    RIND_REQUIRE(ctx, mapped != MAP_FAILED, RIND_E_LIMIT,
                 "the system refuses an address range of %zu bytes: %s; raise its limit (ulimit "
                 "-v), little of it will be used",
                 size, strerror(errno));
    (void)madvise(mapped, size, MADV_DONTDUMP); /* core dumps are off anyway */
    *memory = mapped;
    return RIND_OK;
}

/*
 * Locks pages as they are touched. Where the limit of locked memory does not allow for the whole
 * range, the keys and the requests' plaintexts are still locked; sessions may then reach swap.
 */
static void machine_lock(const struct rind_machine *machine, const struct rind_log *log)
{
    if (mlock2(machine->memory, machine->memory_size, MLOCK_ONFAULT) == 0) {
        return;
    }
    struct rind_slice secret = rind_hsm_secret_memory(machine->core);
    if (mlock(secret.data, secret.length) == 0) {
        RIND_LOG_WARN(log,
                      "sessions may reach swap, keys may not: raise the limit of locked memory "
                      "(LimitMEMLOCK=infinity) or encrypt swap");
        return;
    }
    RIND_LOG_WARN(log,
                  "keys may reach swap, as memory cannot be locked: %s; raise the limit of locked "
                  "memory (LimitMEMLOCK=infinity) or encrypt swap",
                  strerror(errno));
}

static rind_status machine_open_with(struct rind_ctx *ctx, const char *state_directory,
                                     const char *name, const struct rind_realm_keys *keys,
                                     struct rind_machine *machine)
{
    RIND_TRY(rind_state_file_open(ctx, state_directory, name, &machine->state));
    struct rind_hsm_config config = rind_hsm_config_default();
    machine->memory_size = rind_hsm_size_bytes(&config);
    RIND_TRY(machine_map(ctx, machine->memory_size, &machine->memory));
    machine->response_size = rind_hsm_response_size_bytes_max(&config);
    RIND_TRY(machine_map(ctx, machine->response_size, &machine->response));
    struct rind_hsm_platform platform = {
        .context = machine,
        .nvram_read = machine_nvram_read,
        .nvram_write = machine_nvram_write,
        .random_fill = machine_random_fill,
        .clock_now_ns = machine_clock_now_ns,
    };
    rind_status status = rind_hsm_init(ctx, machine->memory, machine->memory_size, &platform,
                                       &config, keys, &machine->core);
    return rind_is_ok(status)
               ? RIND_OK
               : rind_fail_while(ctx, status, "starting from state file %s", machine->state.path);
}

rind_status rind_machine_open(struct rind_ctx *ctx, const char *state_directory, const char *name,
                              const struct rind_realm_keys *keys, const struct rind_log *log,
                              struct rind_machine *machine)
{
    *machine = (struct rind_machine){.state = {.lock_fd = -1}};
    rind_status status = machine_open_with(ctx, state_directory, name, keys, machine);
    if (!rind_is_ok(status)) {
        rind_machine_close(machine);
        return status;
    }
    machine_lock(machine, log);
    return RIND_OK;
}

rind_status rind_machine_handle(struct rind_ctx *ctx, struct rind_machine *machine,
                                struct rind_slice request, struct rind_slice *response)
{
    if (machine->response_kept > MACHINE_RESPONSE_KEPT_BYTES) {
        /* The last one was large. Its pages come back zeroed if they are ever needed again. */
        (void)madvise((uint8_t *)machine->response + MACHINE_RESPONSE_KEPT_BYTES,
                      machine->response_size - MACHINE_RESPONSE_KEPT_BYTES, MADV_DONTNEED);
    }
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, machine->response, machine->response_size);
    rind_status status = rind_hsm_handle(ctx, machine->core, request, &buffer);
    machine->response_kept = buffer.length;
    if (rind_is_ok(status)) {
        *response = rind_buffer_slice(&buffer);
    }
    return status;
}

void rind_machine_close(struct rind_machine *machine)
{
    rind_hsm_fini(machine->core);
    if (machine->memory != NULL) {
        (void)munmap(machine->memory, machine->memory_size);
    }
    if (machine->response != NULL) {
        (void)munmap(machine->response, machine->response_size);
    }
    rind_state_file_close(&machine->state);
    machine->core = NULL;
    machine->memory = NULL;
    machine->response = NULL;
}
