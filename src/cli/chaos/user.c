/* user.c - see user.h. */
#include "cli/chaos/user.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define USER_PINS 4u        /* 0 to 3: right ones are guessed often enough */
#define USER_GUESSES_MIN 2u /* granted by a registration */
#define USER_GUESSES_VARY 5u
#define USER_CONCURRENT_PERCENT 15u
#define USER_CONCURRENT_LATE_MAX 2u /* more late requests at once make too many worlds */
#define USER_INFO "chaos"
#define USER_VERIFY_STEPS 3u

/* ---- devices ---- */

/* Counts what has no clear answer: no answer at all, or a fault of the server. */
static void device_send(void *self, const struct rind_transport_request *request,
                        struct rind_transport_response *response)
{
    struct rind_chaos_device *device = self;
    const struct rind_transport *transport = &device->user->options.transport;
    transport->send(transport->self, request, response);
    bool is_unclear = response->status == 0 ? !response->was_not_sent : response->status >= 500;
    if (is_unclear) {
        atomic_fetch_add(&device->unclear_count, 1);
    }
}

static bool device_make_token(struct rind_chaos_device *device)
{
    const struct rind_chaos_load_options *load = device->user->options.load;
    device->token_until = rind_deadline_in_ms(RIND_CHAOS_TOKEN_REUSE_MS);
    return load->make_token(load->make_token_self, &load->realm, device->user->name, device->token,
                            sizeof(device->token));
}

static bool device_get_token(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                             size_t jwt_size)
{
    struct rind_chaos_device *device = self;
    (void)realm_id; /* there is one */
    rind_mutex_lock(&device->mutex);
    bool is_there = device->token[0] != '\0' && !rind_deadline_has_expired(device->token_until);
    is_there = is_there || device_make_token(device);
    size_t size = strlen(device->token) + 1;
    is_there = is_there && size <= jwt_size;
    if (is_there) {
        memcpy(jwt, device->token, size);
    }
    rind_mutex_unlock(&device->mutex);
    return is_there;
}

static rind_status device_open(struct rind_ctx *ctx, struct rind_chaos_user *user,
                               struct rind_chaos_device *device)
{
    char why[RIND_SENTENCE_SIZE];
    const struct rind_user_options options = {.configuration = user->options.configuration,
                                              .token_get = device_get_token,
                                              .token_self = device,
                                              .transport = {.send = device_send, .self = device},
                                              .request_timeout_ms = RIND_CHAOS_REQUEST_TIMEOUT_MS};
    device->user = user;
    rind_mutex_init(&device->mutex);
    device->client = rind_user_new(&options, why);
    RIND_REQUIRE(ctx, device->client != NULL, RIND_E_INTERNAL, "%s", why);
    return RIND_OK;
}

/* ---- one operation ---- */

struct user_job {
    struct rind_chaos_device *device;
    struct rind_checker_operation *operation;
    char *sentence; /* RIND_SENTENCE_SIZE */
};

static int user_pin(char pin[16], uint32_t number)
{
    return snprintf(pin, 16, "pin %u", number);
}

static int user_secret(const struct rind_chaos_user *user, uint32_t registration,
                       char secret[RIND_SECRET_SIZE_MAX])
{
    return snprintf(secret, RIND_SECRET_SIZE_MAX, "%s #%u", user->name, registration);
}

/* Which registration of this user's the secret is from; 0 for none of them. */
static uint32_t user_registration_of(const struct rind_chaos_user *user,
                                     const struct rind_recovered *recovered)
{
    char text[RIND_SECRET_SIZE_MAX + 1] = "";
    char expected[RIND_SECRET_SIZE_MAX];
    memcpy(text, recovered->secret, recovered->secret_size);
    const char *number = strrchr(text, '#');
    unsigned long registration = number == NULL ? 0 : strtoul(number + 1, NULL, 10);
    (void)user_secret(user, (uint32_t)registration, expected);
    return strcmp(text, expected) == 0 ? (uint32_t)registration : 0;
}

/* Faults that say nothing about the record. A session opened just before a change of leaders is
 * lost with the old one: for the SDK a broken promise, for us a fault of the moment. */
static bool error_is_fault(const struct rind_failure *failure)
{
    return failure->error == RIND_ERROR_TRANSIENT ||
           (failure->error == RIND_ERROR_ASSERTION &&
            strstr(failure->sentence, "lost a session just opened") != NULL);
}

/* False for an error that no fault of a process or link may cause. */
static bool user_outcome(const struct rind_failure *failure,
                         struct rind_checker_operation *operation)
{
    operation->outcome = RIND_CHECKER_UNKNOWN;
    if (failure->error == RIND_ERROR_NONE) {
        operation->outcome = RIND_CHECKER_OK;
    } else if (failure->error == RIND_ERROR_INVALID_PIN) {
        operation->outcome = RIND_CHECKER_INVALID_PIN;
        operation->guesses_remaining = failure->guesses_remaining;
    } else if (failure->error == RIND_ERROR_NOT_REGISTERED) {
        operation->outcome = RIND_CHECKER_NOT_REGISTERED;
    } else if (failure->error == RIND_ERROR_ASSERTION &&
               strstr(failure->sentence, "another registration between") != NULL) {
        operation->outcome = RIND_CHECKER_OTHER_REGISTRATION;
    } else {
        return error_is_fault(failure);
    }
    return true;
}

static void job_run(void *self)
{
    struct user_job *job = self;
    struct rind_chaos_user *user = job->device->user;
    struct rind_checker_operation *operation = job->operation;
    struct rind_failure failure = {0};
    struct rind_recovered recovered = {0};
    char pin[16];
    char secret[RIND_SECRET_SIZE_MAX];
    (void)user_pin(pin, operation->pin);
    atomic_store(&job->device->unclear_count, 0);
    switch (operation->kind) {
    case RIND_CHECKER_REGISTER:
        (void)user_secret(user, operation->registration, secret);
        (void)rind_user_register(job->device->client, RIND_TEXT(pin), RIND_TEXT(secret),
                                 RIND_TEXT(USER_INFO), (uint16_t)operation->num_guesses, &failure);
        break;
    case RIND_CHECKER_RECOVER:
        (void)rind_user_recover(job->device->client, RIND_TEXT(pin), RIND_TEXT(USER_INFO),
                                &recovered, &failure);
        break;
    case RIND_CHECKER_DELETE:
        (void)rind_user_delete(job->device->client, &failure);
        break;
    }
    bool is_known = user_outcome(&failure, operation);
    if (operation->kind == RIND_CHECKER_RECOVER && operation->outcome == RIND_CHECKER_OK) {
        operation->recovered = user_registration_of(user, &recovered);
    }
    operation->is_unclear = atomic_load(&job->device->unclear_count) > 0;
    (void)snprintf(job->sentence, RIND_SENTENCE_SIZE, "%s%s: %.200s", is_known ? "" : "UNEXPECTED ",
                   rind_error_name(failure.error), failure.sentence);
}

/* ---- rounds ---- */

static void user_remember(struct rind_chaos_user *user, const struct rind_chaos_round *round,
                          struct rind_slice why)
{
    char *line = user->history[user->history_count % RIND_CHAOS_HISTORY_ROUNDS];
    struct rind_buffer out;
    rind_buffer_init(&out, line, RIND_CHAOS_HISTORY_LINE_SIZE - 1);
    uint64_t start_ms = round->start_ns / RIND_NS_PER_MS;
    uint64_t end_ms = rind_clock_monotonic_ns() / RIND_NS_PER_MS;
    rind_buffer_print(&out, "%" PRIu64 ".%03" PRIu64 " s, %" PRIu64 " ms: ", start_ms / 1000,
                      start_ms % 1000, end_ms - start_ms);
    for (size_t i = 0; i < round->count; i++) {
        rind_buffer_print(&out, "%s", i == 0 ? "" : "; at once ");
        rind_checker_operation_print(&out, &round->operations[i]);
        if (round->operations[i].outcome == RIND_CHECKER_UNKNOWN) {
            rind_buffer_print(&out, " (%.90s)", round->sentences[i]);
        }
    }
    line[out.length] = '\0';
    user->history_count++;
    if (why.length > 0) {
        line = user->history[user->history_count % RIND_CHAOS_HISTORY_ROUNDS];
        (void)snprintf(line, RIND_CHAOS_HISTORY_LINE_SIZE, "%.*s", (int)why.length,
                       (const char *)why.data);
        user->history_count++;
    }
}

/* An error that faults do not explain makes the round a violation whatever the model says. */
static bool round_is_unexpected(const struct rind_chaos_round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        if (strncmp(round->sentences[i], "UNEXPECTED", strlen("UNEXPECTED")) == 0) {
            return true;
        }
    }
    return false;
}

/* Runs the operations of the round, each on a device of its own, and asks the model. */
static void user_run(struct rind_chaos_user *user, struct rind_chaos_round *round)
{
    struct user_job jobs[RIND_CHECKER_OPERATIONS_MAX];
    struct rind_thread threads[RIND_CHECKER_OPERATIONS_MAX] = {0};
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    round->start_ns = rind_clock_monotonic_ns();
    for (size_t i = 0; i < round->count; i++) {
        jobs[i] = (struct user_job){.device = &user->devices[i],
                                    .operation = &round->operations[i],
                                    .sentence = round->sentences[i]};
        bool is_alone = i == 0 || !rind_is_ok(rind_thread_start(&ctx, &threads[i], "chaos-device",
                                                                job_run, &jobs[i]));
        if (i > 0 && is_alone) {
            round->count = i; /* no thread for it: it does not happen */
        }
    }
    job_run(&jobs[0]);
    for (size_t i = 1; i < round->count; i++) {
        rind_thread_join(&threads[i]);
    }
    char memory[2048];
    struct rind_buffer why;
    rind_buffer_init(&why, memory, sizeof(memory));
    uint64_t late_until_ns = rind_clock_monotonic_ns() + RIND_CHAOS_LATE_MS * RIND_NS_PER_MS;
    rind_status status = rind_checker_round(&ctx, &user->checker, round->operations, round->count,
                                            round->start_ns, late_until_ns, &round->verdict, &why);
    round->is_out_of_track = !rind_is_ok(status);
    if (rind_is_ok(status) && round_is_unexpected(round)) {
        round->verdict = RIND_CHECKER_UNEXPLAINED;
    }
    user->is_left_alone = round->is_out_of_track || round->verdict != RIND_CHECKER_EXPLAINED;
    user_remember(user, round, rind_buffer_slice(&why));
}

static void user_choose(struct rind_chaos_user *user, struct rind_chaos_random *random,
                        struct rind_checker_operation *operation)
{
    const struct rind_checker_record *record = rind_checker_guess(&user->checker);
    bool is_registered = record->kind == RIND_CHECKER_RECORD_REGISTERED;
    uint32_t dice = rind_chaos_random_below(random, 100);
    uint32_t register_percent = is_registered ? 15 : 60;
    if (dice < register_percent) {
        user->last_registration++;
        *operation = (struct rind_checker_operation){
            .kind = RIND_CHECKER_REGISTER,
            .registration = user->last_registration,
            .pin = rind_chaos_random_below(random, USER_PINS),
            .num_guesses = USER_GUESSES_MIN + rind_chaos_random_below(random, USER_GUESSES_VARY)};
        return;
    }
    if (dice < register_percent + 5) {
        *operation = (struct rind_checker_operation){.kind = RIND_CHECKER_DELETE};
        return;
    }
    bool is_right = is_registered && rind_chaos_random_percent(random, 50);
    *operation = (struct rind_checker_operation){
        .kind = RIND_CHECKER_RECOVER,
        .pin = is_right ? record->pin : rind_chaos_random_below(random, USER_PINS)};
}

void rind_chaos_user_act(struct rind_chaos_user *user, struct rind_chaos_random *random,
                         struct rind_chaos_round *round)
{
    bool may_be_two = rind_checker_late_count(&user->checker, rind_clock_monotonic_ns()) <=
                      USER_CONCURRENT_LATE_MAX;
    round->count = may_be_two && rind_chaos_random_percent(random, USER_CONCURRENT_PERCENT) ? 2 : 1;
    for (size_t i = 0; i < round->count; i++) {
        user_choose(user, random, &round->operations[i]);
    }
    user_run(user, round);
}

bool rind_chaos_user_is_ready(const struct rind_chaos_user *user, uint64_t now_ns)
{
    return !user->is_left_alone &&
           rind_checker_late_count(&user->checker, now_ns) < RIND_CHECKER_LATE_REST;
}

/* ---- the last questions ---- */

void rind_chaos_user_begin_verify(struct rind_chaos_user *user)
{
    rind_checker_settle(&user->checker);
    user->verify_step = 0;
}

bool rind_chaos_user_verify(struct rind_chaos_user *user, struct rind_chaos_round *round)
{
    if (user->is_left_alone || user->verify_step == USER_VERIFY_STEPS) {
        return false;
    }
    const struct rind_checker_record *record = rind_checker_guess(&user->checker);
    bool is_registered = record->kind == RIND_CHECKER_RECORD_REGISTERED;
    bool is_last_guess = is_registered && record->guess_count + 1 >= record->num_guesses;
    bool is_wrong = user->verify_step != 1;
    if (is_wrong && is_last_guess) {
        is_wrong = false; /* a wrong PIN would destroy what we want to see */
    }
    round->count = 1;
    round->operations[0] = (struct rind_checker_operation){
        .kind = RIND_CHECKER_RECOVER, .pin = record->pin + (is_wrong ? USER_PINS : 0)};
    user_run(user, round);
    user->verify_step += round->operations[0].outcome != RIND_CHECKER_UNKNOWN ? 1 : 0;
    return true;
}

/* ---- life ---- */

rind_status rind_chaos_user_open(struct rind_ctx *ctx,
                                 const struct rind_chaos_user_options *options,
                                 struct rind_chaos_user *user)
{
    user->options = *options;
    (void)snprintf(user->name, sizeof(user->name), "chaos-%" PRIx64 "-%u", options->run,
                   options->number);
    RIND_TRY(rind_checker_init(ctx, &user->checker));
    for (size_t i = 0; i < RIND_CHAOS_DEVICES; i++) {
        RIND_TRY(device_open(ctx, user, &user->devices[i]));
    }
    return RIND_OK;
}

void rind_chaos_user_close(struct rind_chaos_user *user)
{
    for (size_t i = 0; i < RIND_CHAOS_DEVICES; i++) {
        if (user->devices[i].user != NULL) {
            rind_user_free(user->devices[i].client);
            rind_mutex_fini(&user->devices[i].mutex);
        }
    }
    rind_checker_fini(&user->checker);
}

void rind_chaos_user_story(const struct rind_chaos_user *user, char text[RIND_CHAOS_STORY_SIZE])
{
    uint64_t count = user->history_count < RIND_CHAOS_HISTORY_ROUNDS ? user->history_count
                                                                     : RIND_CHAOS_HISTORY_ROUNDS;
    int used = snprintf(text, RIND_CHAOS_STORY_SIZE, "user %s:", user->name);
    for (uint64_t i = user->history_count - count; i < user->history_count; i++) {
        used += snprintf(text + used, RIND_CHAOS_STORY_SIZE - (size_t)used, "\n    %s",
                         user->history[i % RIND_CHAOS_HISTORY_ROUNDS]);
    }
}
