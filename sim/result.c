/*
 * result.c - see result.h.
 *
 * The one place with state of the process: a core that fails an assertion calls rind_panic, which
 * has no argument to find the run by. Each run has a process of its own, so there is just one.
 */
#include "result.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"

static struct sim_result *result_shared;
static const struct sim *result_sim;

void sim_result_open(struct sim_result *result, const struct sim *sim)
{
    result_shared = result;
    result_sim = sim;
}

static _Noreturn void result_end(int code)
{
    if (result_shared != NULL && result_sim != NULL) {
        result_shared->counters = result_sim->counters;
        result_shared->operation = result_sim->operation;
    }
    (void)fflush(stdout);
    _exit(code);
}

void sim_violation(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (result_shared != NULL) {
        (void)vsnprintf(result_shared->sentence, SIM_SENTENCE_SIZE, format, arguments);
    }
    va_end(arguments);
    (void)sim;
    result_end(SIM_EXIT_VIOLATION);
}

void rind_panic(const char *file, int line, const char *fact)
{
    if (result_shared != NULL) {
        (void)snprintf(result_shared->sentence, SIM_SENTENCE_SIZE, "a core aborted: %s:%d: %s",
                       file, line, fact);
    }
    result_end(SIM_EXIT_VIOLATION);
}

void sim_broken(const char *what)
{
    (void)fprintf(stderr, "sim: cannot go on: %s\n", what);
    result_end(SIM_EXIT_BROKEN);
}
