/* retry.c - see retry.h. */
#include "host/retry.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

const struct rind_retry_profile rind_retry_profile_default = {
    1000, 300 * RIND_NS_PER_S, RIND_NS_PER_MS, 2.0, 2 * RIND_NS_PER_S};
const struct rind_retry_profile rind_retry_profile_store = {
    50, 30 * RIND_NS_PER_S, 10 * RIND_NS_PER_MS, 2.0, 2 * RIND_NS_PER_S};
const struct rind_retry_profile rind_retry_profile_hsm = {UINT32_MAX, 60 * RIND_NS_PER_S,
                                                          RIND_NS_PER_MS, 2.0, RIND_NS_PER_S};
const struct rind_retry_profile rind_retry_profile_disabled = {1, UINT64_MAX, RIND_NS_PER_MS, 1.0,
                                                               RIND_NS_PER_MS};

static bool retry_is_silent(const struct rind_retry *retry)
{
    return retry->options.profile == &rind_retry_profile_disabled;
}

/* Counts P.<suffix>, with the error's name as a tag if there is an error. */
static void retry_count(const struct rind_retry *retry, const char *suffix, rind_status error)
{
    const struct rind_retry_options *options = &retry->options;
    if (options->metrics == NULL || options->metrics_path == NULL || retry_is_silent(retry)) {
        return;
    }
    struct rind_tag tags[RIND_METRICS_TAGS_MAX];
    size_t count = 0;
    while (count < options->tag_count && count + 1 < RIND_METRICS_TAGS_MAX) {
        tags[count] = options->tags[count];
        count++;
    }
    if (!rind_is_ok(error)) {
        tags[count++] = (struct rind_tag){"error", rind_code_name((enum rind_code)error.code)};
    }
    char name[RIND_METRICS_TEXT_SIZE_MAX];
    (void)snprintf(name, sizeof(name), "%s.%s", options->metrics_path, suffix);
    rind_metrics_count(options->metrics, name, 1, tags, count);
}

static void retry_time(const struct rind_retry *retry, const char *result)
{
    const struct rind_retry_options *options = &retry->options;
    if (options->metrics == NULL || options->metrics_path == NULL || retry_is_silent(retry)) {
        return;
    }
    struct rind_tag tags[RIND_METRICS_TAGS_MAX];
    size_t count = 0;
    while (count < options->tag_count && count + 1 < RIND_METRICS_TAGS_MAX) {
        tags[count] = options->tags[count];
        count++;
    }
    tags[count++] = (struct rind_tag){"result", result};
    char name[RIND_METRICS_TEXT_SIZE_MAX];
    (void)snprintf(name, sizeof(name), "%s.time", options->metrics_path);
    rind_metrics_timing_ns(options->metrics, name, rind_clock_monotonic_ns() - retry->start_ns,
                           tags, count);
}

static void retry_finish(struct rind_retry *retry, enum rind_retry_outcome outcome)
{
    RIND_ASSERT(retry->outcome == RIND_RETRY_RUNNING);
    retry->outcome = outcome;
    switch (outcome) {
    case RIND_RETRY_OK:
        retry_time(retry, "ok");
        RIND_LOG_TRACE(retry->options.log, "finished %s", retry->options.description);
        return;
    case RIND_RETRY_EXHAUSTED:
        retry_count(retry, "exhausted_errors", RIND_OK);
        retry_time(retry, "exhausted");
        break;
    case RIND_RETRY_FATAL:
        retry_count(retry, "fatal_errors", retry->error);
        retry_time(retry, "fatal");
        break;
    case RIND_RETRY_RUNNING:
        RIND_UNREACHABLE("a loop that finished is not running");
    }
    if (!retry_is_silent(retry)) {
        struct rind_log log = rind_log_with_u64(retry->options.log, "attempt", retry->attempt);
        log = rind_log_with_text(&log, "error", retry->sentence);
        RIND_LOG_WARN(&log, "failed %s. giving up", retry->options.description);
    }
}

void rind_retry_begin(struct rind_retry *retry, const struct rind_retry_options *options)
{
    RIND_ASSERT(options->profile != NULL && options->description != NULL);
    const struct rind_retry_profile *profile = options->profile;
    *retry = (struct rind_retry){
        .options = *options,
        .deadline = rind_deadline_in_ns(profile->timeout_ns),
        .start_ns = rind_clock_monotonic_ns(),
        .next_backoff_ns = profile->backoff_ns < profile->backoff_ns_max ? profile->backoff_ns
                                                                         : profile->backoff_ns_max,
    };
    if (options->deadline.at_ns != 0) {
        retry->deadline = rind_deadline_min(retry->deadline, options->deadline);
    }
}

bool rind_retry_next(struct rind_retry *retry)
{
    if (retry->outcome != RIND_RETRY_RUNNING) {
        return false;
    }
    const struct rind_retry_profile *profile = retry->options.profile;
    struct rind_stopper *stopper = retry->options.stopper;
    if (retry->attempt == 0) {
        bool is_stopped = stopper != NULL && rind_stopper_is_set(stopper);
        if (profile->attempts_max == 0 || rind_deadline_has_expired(retry->deadline) ||
            is_stopped) {
            retry_finish(retry, RIND_RETRY_EXHAUSTED);
            return false;
        }
        retry->attempt = 1;
        return true;
    }
    /* record() has made sure that this sleep ends before the deadline. */
    struct rind_deadline wake = rind_deadline_in_ns(retry->next_backoff_ns);
    if (stopper != NULL) {
        if (rind_stopper_wait(stopper, wake)) {
            retry_finish(retry, RIND_RETRY_EXHAUSTED);
            return false;
        }
    } else {
        struct timespec when = rind_deadline_timespec(wake);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0) {
        }
    }
    double grown =
        (double)retry->next_backoff_ns * (profile->multiplier > 1.0 ? profile->multiplier : 1.0);
    retry->next_backoff_ns =
        grown < (double)profile->backoff_ns_max ? (uint64_t)grown : profile->backoff_ns_max;
    retry->attempt++;
    return true;
}

static void retry_keep_error(struct rind_retry *retry, const struct rind_ctx *ctx,
                             rind_status status)
{
    retry->error = status;
    const char *sentence = ctx != NULL && ctx->sentence[0] != '\0'
                               ? ctx->sentence
                               : rind_code_name((enum rind_code)status.code);
    size_t length = strnlen(sentence, sizeof(retry->sentence) - 1);
    memcpy(retry->sentence, sentence, length);
    retry->sentence[length] = '\0';
}

void rind_retry_record(struct rind_retry *retry, struct rind_ctx *ctx, rind_status status)
{
    RIND_ASSERT(retry->outcome == RIND_RETRY_RUNNING && retry->attempt > 0);
    const struct rind_retry_options *options = &retry->options;
    if (rind_is_ok(status)) {
        retry_finish(retry, RIND_RETRY_OK);
        return;
    }
    bool has_expired = rind_deadline_has_expired(retry->deadline);
    bool is_interrupted = has_expired && rind_is(status, RIND_E_TIMEOUT);
    if (is_interrupted && !rind_is_ok(retry->error)) {
        retry_finish(retry, RIND_RETRY_EXHAUSTED); /* with the error before: it says why */
        return;
    }
    bool is_retryable = options->is_retryable != NULL ? options->is_retryable(status)
                                                      : rind_retry_is_transient(status);
    retry_keep_error(retry, ctx, status);
    if (!is_retryable && !is_interrupted) {
        retry_finish(retry, RIND_RETRY_FATAL);
        return;
    }
    retry_count(retry, "retryable_errors", status);
    if (retry->attempt >= options->profile->attempts_max ||
        rind_deadline_remaining_ns(retry->deadline) <= retry->next_backoff_ns) {
        retry_finish(retry, RIND_RETRY_EXHAUSTED);
        return;
    }
    struct rind_log log = rind_log_with_u64(options->log, "attempt", retry->attempt);
    log = rind_log_with_u64(&log, "backoff_ns", retry->next_backoff_ns);
    log = rind_log_with_text(&log, "error", retry->sentence);
    RIND_LOG_WARN(&log, "failed attempt at %s. will retry after backoff", options->description);
}

rind_status rind_retry_end(struct rind_retry *retry, struct rind_ctx *ctx)
{
    RIND_ASSERT(retry->outcome != RIND_RETRY_RUNNING); /* end after next() said so */
    if (retry->outcome == RIND_RETRY_OK) {
        return RIND_OK;
    }
    const char *description = retry->options.description;
    if (!rind_is_ok(retry->error)) {
        return rind_fail(ctx, (enum rind_code)retry->error.code, "%s", retry->sentence);
    }
    if (retry->options.stopper != NULL && rind_stopper_is_set(retry->options.stopper)) {
        return rind_fail(ctx, RIND_E_CANCELLED, "stopped before %s", description);
    }
    return rind_fail(ctx, RIND_E_TIMEOUT, "no time left to %s", description);
}

bool rind_retry_is_transient(rind_status status)
{
    switch ((enum rind_code)status.code) {
    case RIND_E_BUSY:
    case RIND_E_TIMEOUT:
    case RIND_E_NETWORK:
    case RIND_E_HTTP_STATUS:
    case RIND_E_UNAVAILABLE:
    case RIND_E_UNKNOWN_OUTCOME:
    case RIND_E_STALE:
        return true;
    default:
        return false;
    }
}
