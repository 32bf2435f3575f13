/*
 * main.c - many runs, each in a process of its own; a failing one is shrunk and told as a story.
 *
 * A run is known by its seed; the runs of --seed S are S, S + 1, ... until --steps are used up. The
 * last line is one line of figures.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "result.h"

#define MAIN_STEPS_DEFAULT 200000u
/*
 * A run has 250 to 1000 steps, one in 16 eight times as many. Hosts fork groups to death after a
 * while: a majority stands on branches that never meet, and what follows finds nothing new.
 */
#define MAIN_RUN_STEPS_MIN 250u
#define MAIN_RUN_STEPS_DOUBLINGS 3u
#define MAIN_RUN_LONG_ONE_IN 16u
#define MAIN_RUN_LONG_FACTOR 8u
#define MAIN_RUN_SECONDS_MAX 120u /* then a run hangs */
#define MAIN_SHRINK_RUNS_MAX 600u

struct main_flags {
    uint64_t seed;
    uint64_t steps;
    bool is_story;
    bool rolls_nvram_back;
    bool is_quiet; /* no story of a failing run */
};

static const char main_usage[] =
    "usage: sim [--seed N] [--steps N] [--story] [--quiet] [--old-nvram]\n"
    "  --seed N     first run's seed (1)\n"
    "  --steps N    operations of the host, over as many runs as it takes (200000)\n"
    "  --story      print every step\n"
    "  --quiet      do not shrink and print a failing run\n"
    "  --old-nvram  let HSMs boot from old NVRAM, against the assumption: finds a violation\n"
    "example: sim --seed 7 --steps 1000000\n";

static struct main_flags main_parse(int count, char **arguments)
{
    struct main_flags flags = {.seed = 1, .steps = MAIN_STEPS_DEFAULT};
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        uint64_t *number = strcmp(name, "--seed") == 0    ? &flags.seed
                           : strcmp(name, "--steps") == 0 ? &flags.steps
                                                          : NULL;
        bool *is_on = strcmp(name, "--story") == 0       ? &flags.is_story
                      : strcmp(name, "--quiet") == 0     ? &flags.is_quiet
                      : strcmp(name, "--old-nvram") == 0 ? &flags.rolls_nvram_back
                                                         : NULL;
        char *end = NULL;
        if (number != NULL && i + 1 < count) {
            i++;
            errno = 0;
            *number = strtoull(arguments[i], &end, 10);
        }
        if (is_on != NULL) {
            *is_on = true;
        } else if (end == NULL || *end != '\0' || end == arguments[i] || errno != 0) {
            (void)fputs(main_usage, stderr);
            exit(2);
        }
    }
    return flags;
}

static void *main_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        sim_broken("no memory");
    }
    return memory;
}

/* Plays a run in a child. True if it passed; else result->sentence says what was wrong. */
static bool main_play(const struct sim_options *options, struct sim_result *result)
{
    memset(result, 0, sizeof(*result));
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        sim_broken("cannot fork");
    }
    if (child == 0) {
        (void)alarm(MAIN_RUN_SECONDS_MAX);
        sim_run(options, result);
        (void)fflush(stdout);
        exit(SIM_EXIT_PASSED); /* and not _exit: a coverage build writes its counters then */
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == SIM_EXIT_BROKEN) {
        exit(SIM_EXIT_BROKEN);
    }
    if (WIFSIGNALED(status)) {
        int signal_number = WTERMSIG(status);
        (void)snprintf(result->sentence, SIM_SENTENCE_SIZE, "%s (signal %d)",
                       signal_number == SIGSEGV
                           ? "memory was touched that nobody may touch, such as beyond an arena"
                       : signal_number == SIGALRM ? "a run hangs"
                                                  : "a run crashed",
                       signal_number);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == SIM_EXIT_PASSED;
}

static void main_add(struct sim_counters *sum, const struct sim_counters *run)
{
    const uint64_t *from = (const uint64_t *)(const void *)run;
    uint64_t *to = (uint64_t *)(void *)sum;
    /* All members are counts but the last, the digest. */
    for (size_t i = 0; i + 1 < sizeof(*sum) / sizeof(uint64_t); i++) {
        to[i] += from[i];
    }
    sum->digest = sum->digest * 31 + run->digest;
}

/* Leaves out as many operations as it can while some violation remains (delta debugging). */
static void main_shrink(struct sim_options *options, uint32_t length, struct sim_result *result)
{
    uint8_t *skipped = calloc(length, 1);
    if (skipped == NULL) {
        sim_broken("no memory");
    }
    options->skipped = skipped;
    options->skipped_count = length;
    uint32_t tries = 0;
    for (uint32_t chunk = length / 2; chunk >= 1; chunk /= 2) {
        for (uint32_t from = 0; from < length && tries < MAIN_SHRINK_RUNS_MAX; from += chunk) {
            uint32_t size = from + chunk < length ? chunk : length - from;
            uint32_t left = 0;
            for (uint32_t i = 0; i < size; i++) {
                left += skipped[from + i] == 0 ? 1u : 0u;
            }
            if (left == 0) {
                continue;
            }
            uint8_t *before = malloc(size);
            if (before == NULL) {
                sim_broken("no memory");
            }
            memcpy(before, skipped + from, size);
            memset(skipped + from, 1, size);
            tries++;
            if (main_play(options, result)) {
                memcpy(skipped + from, before, size);
            }
            free(before);
        }
    }
}

static void main_tell(struct sim_options *options, struct sim_result *result)
{
    char first[SIM_SENTENCE_SIZE];
    memcpy(first, result->sentence, sizeof(first));
    uint32_t operation = result->operation;
    /* A violation while healing is found after all operations. */
    uint32_t length = operation + 1 < options->steps ? operation + 1 : options->steps;
    uint32_t steps = options->steps;
    options->steps = operation < options->steps ? operation + 1 : options->steps;
    (void)printf("seed %llu, step %u: %s\n", (unsigned long long)options->seed, operation, first);
    (void)printf("shrinking ...\n");
    main_shrink(options, length, result);
    options->is_story = true;
    (void)printf("the story (step, HSM, request -> answer):\n");
    (void)main_play(options, result);
    (void)printf("  ==> %s\n", result->sentence);
    (void)printf("repeat the whole run: make sim SEED=%llu STEPS=%u\n",
                 (unsigned long long)options->seed, steps);
    free((void *)(uintptr_t)options->skipped);
}

static double main_cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void main_figures(const struct main_flags *flags, const struct sim_counters *sum,
                         uint64_t runs, uint64_t failures)
{
    double seconds = main_cpu_seconds();
    (void)printf("sim: seed=%llu runs=%llu steps=%llu requests=%llu refused=%llu undecodable=%llu "
                 "commits=%llu answers=%llu guesses=%llu recoveries=%llu leaders=%llu "
                 "transfers=%llu restarts=%llu forks=%llu healed=%llu digest=%016llx "
                 "cpu=%.1fs requests/s=%.0f violations=%llu\n",
                 (unsigned long long)flags->seed, (unsigned long long)runs,
                 (unsigned long long)sum->steps, (unsigned long long)sum->requests,
                 (unsigned long long)sum->refused, (unsigned long long)sum->undecodable,
                 (unsigned long long)sum->commits, (unsigned long long)sum->released,
                 (unsigned long long)sum->guesses, (unsigned long long)sum->recovered,
                 (unsigned long long)sum->leaders, (unsigned long long)sum->transfers,
                 (unsigned long long)sum->restarts, (unsigned long long)sum->forks,
                 (unsigned long long)sum->heals, (unsigned long long)sum->digest, seconds,
                 seconds > 0 ? (double)sum->requests / seconds : 0.0, (unsigned long long)failures);
}

int main(int count, char **arguments)
{
    const struct main_flags flags = main_parse(count, arguments);
    struct sim_result *result = main_share(sizeof(*result));
    struct sim_counters sum = {0};
    uint64_t runs = 0;
    uint64_t failures = 0;
    while (sum.steps < flags.steps && failures == 0) {
        struct sim_random random = sim_random_make(flags.seed + runs, 3);
        uint64_t left = flags.steps - sum.steps;
        uint32_t steps = MAIN_RUN_STEPS_MIN << sim_below(&random, MAIN_RUN_STEPS_DOUBLINGS);
        steps *= sim_chance(&random, 1, MAIN_RUN_LONG_ONE_IN) ? MAIN_RUN_LONG_FACTOR : 1;
        struct sim_options options = {
            .seed = flags.seed + runs,
            .steps = left < steps ? (uint32_t)left : steps,
            .is_story = flags.is_story,
            .rolls_nvram_back = flags.rolls_nvram_back,
        };
        runs++;
        bool has_passed = main_play(&options, result);
        main_add(&sum, &result->counters);
        if (has_passed) {
            continue;
        }
        failures++;
        if (flags.is_quiet) {
            (void)printf("seed %llu, step %u: %s\n", (unsigned long long)options.seed,
                         result->operation, result->sentence);
        } else {
            main_tell(&options, result);
        }
    }
    main_figures(&flags, &sum, runs, failures);
    return failures == 0 ? 0 : 1;
}
