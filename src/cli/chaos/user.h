/*
 * user.h - one user of the load: two devices, a model, and the choice of what to do next.
 *
 * One thread at a time (the user's worker); the second device runs on a thread of its own during a
 * round.
 */
#ifndef RIND_CLI_CHAOS_USER_H
#define RIND_CLI_CHAOS_USER_H

#include "cli/chaos/load.h"
#include "cli/chaos/random.h"

#define RIND_CHAOS_DEVICES RIND_CHECKER_OPERATIONS_MAX
#define RIND_CHAOS_HISTORY_ROUNDS 16u
#define RIND_CHAOS_HISTORY_LINE_SIZE 320u
#define RIND_CHAOS_STORY_SIZE ((RIND_CHAOS_HISTORY_ROUNDS + 4u) * RIND_CHAOS_HISTORY_LINE_SIZE)

struct rind_chaos_user_options {
    const struct rind_chaos_load_options *load;
    const struct rind_configuration *configuration;
    struct rind_transport transport;
    uint64_t run; /* makes names that no other run uses */
    uint32_t number;
};

/* An SDK client, and what its transport saw of the operation that runs. */
struct rind_chaos_device {
    struct rind_chaos_user *user;
    struct rind_user *client;
    _Atomic uint32_t unclear_count; /* requests that may or may not have been carried out */
    struct rind_mutex mutex;        /* guards the token */
    char token[RIND_TOKEN_SIZE_MAX];
    struct rind_deadline token_until;
};

struct rind_chaos_user {
    struct rind_chaos_user_options options;
    char name[RIND_CHAOS_NAME_SIZE];
    struct rind_chaos_device devices[RIND_CHAOS_DEVICES];
    struct rind_checker checker;
    uint32_t last_registration;
    bool is_left_alone; /* after a violation: its model means nothing any more */
    uint32_t verify_step;
    char history[RIND_CHAOS_HISTORY_ROUNDS][RIND_CHAOS_HISTORY_LINE_SIZE];
    uint64_t history_count;
};

/* One round, when it is over. */
struct rind_chaos_round {
    struct rind_checker_operation operations[RIND_CHECKER_OPERATIONS_MAX];
    char sentences[RIND_CHECKER_OPERATIONS_MAX][RIND_SENTENCE_SIZE]; /* of failures */
    size_t count;
    uint64_t start_ns;
    enum rind_checker_verdict verdict;
    bool is_out_of_track;
};

rind_status rind_chaos_user_open(struct rind_ctx *ctx,
                                 const struct rind_chaos_user_options *options,
                                 struct rind_chaos_user *user) RIND_MUST_USE;
/* Also after a failed open, and for a zeroed struct. */
void rind_chaos_user_close(struct rind_chaos_user *user);

/* False while it rests, because too much of what it asked for is unanswered, or is left alone. */
bool rind_chaos_user_is_ready(const struct rind_chaos_user *user, uint64_t now_ns);

/* One round at random. */
void rind_chaos_user_act(struct rind_chaos_user *user, struct rind_chaos_random *random,
                         struct rind_chaos_round *round);

/*
 * The last questions: a wrong PIN (how many guesses are left?), the right one (is the secret
 * there?), and a wrong one again. One per call, the same again if there was no answer; false when
 * all are answered.
 */
void rind_chaos_user_begin_verify(struct rind_chaos_user *user);
bool rind_chaos_user_verify(struct rind_chaos_user *user, struct rind_chaos_round *round);

/* Name and last rounds, for people. */
void rind_chaos_user_story(const struct rind_chaos_user *user, char text[RIND_CHAOS_STORY_SIZE]);

#endif
