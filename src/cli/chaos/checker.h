/*
 * checker.h - a model of one user's record, and whether what the service answered can be explained.
 *
 * Purpose: each round of one or two operations at once (from two devices) is searched for an order
 * of their requests that gives exactly the outcomes the clients saw. What stays possible is kept: a
 * set of worlds, each a state of the record and the requests whose answer never came, which may
 * still be carried out, once or (where clients repeat them) several times, until their time is
 * over. If no world is left, the service broke a promise. Sound: whatever a correct service does is
 * explained. A Recover2 is carried out once at most for each recover, so extra guesses and
 * counters that run backwards are found. Semantics: docs/spec/02-hsm-core.md section 11,
 * 01-client-protocol.md sections 8 to 10, for one realm with threshold one.
 *
 * No I/O, no clock: times come from the caller. One thread for each checker.
 */
#ifndef RIND_CLI_CHAOS_CHECKER_H
#define RIND_CLI_CHAOS_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define RIND_CHECKER_OPERATIONS_MAX 2u /* at once, in one round */
#define RIND_CHECKER_LATE_MAX 16u      /* requests of one world that may still be carried out */
/* A user with this many should rest until some are over: each multiplies the worlds. */
#define RIND_CHECKER_LATE_REST 5u
#define RIND_CHECKER_WORLDS_MAX 8192u /* and steps of one search */

enum rind_checker_kind {
    RIND_CHECKER_REGISTER,
    RIND_CHECKER_RECOVER,
    RIND_CHECKER_DELETE,
};

enum rind_checker_outcome {
    RIND_CHECKER_OK,
    RIND_CHECKER_INVALID_PIN,
    RIND_CHECKER_NOT_REGISTERED,
    RIND_CHECKER_OTHER_REGISTRATION, /* it changed between two requests of this recover */
    RIND_CHECKER_UNKNOWN,            /* no answer, or one that says nothing */
};

/* One operation of a client, and how it came out. */
struct rind_checker_operation {
    enum rind_checker_kind kind;
    uint32_t pin;          /* register, recover: which PIN, as a number */
    uint32_t registration; /* register: its number, unique for the user, from 1 */
    uint32_t num_guesses;  /* register */
    /* Of one of its requests, or of a copy of it, nobody knows whether it was carried out. Without
     * this an UNKNOWN outcome means that the last request surely was not. */
    bool is_unclear;
    enum rind_checker_outcome outcome;
    uint32_t recovered;         /* recover, OK: registration whose secret came back */
    uint32_t guesses_remaining; /* INVALID_PIN */
};

enum rind_checker_record_kind {
    RIND_CHECKER_RECORD_NONE,
    RIND_CHECKER_RECORD_REGISTERED,
    RIND_CHECKER_RECORD_LOCKED,
};

/* A record as the HSM would have it. Members that mean nothing are zero. */
struct rind_checker_record {
    uint32_t kind; /* enum rind_checker_record_kind */
    uint32_t registration;
    uint32_t pin;
    uint32_t num_guesses;
    uint32_t guess_count;
};

/* A request that may still be carried out. */
struct rind_checker_late {
    uint32_t kind; /* enum checker_late_kind of checker.c */
    uint32_t is_once;
    uint32_t registration;
    uint32_t pin;
    uint32_t num_guesses;
    uint32_t padding; /* 0: worlds are compared byte by byte */
    uint64_t until_ns;
};

struct rind_checker_world {
    struct rind_checker_record record;
    uint32_t late_count;
    struct rind_checker_late late[RIND_CHECKER_LATE_MAX]; /* sorted; zero behind the end */
};

struct rind_checker {
    struct rind_checker_world *worlds;
    size_t world_count;
};

enum rind_checker_verdict {
    RIND_CHECKER_EXPLAINED,
    RIND_CHECKER_SECRET_LOST,  /* the right PIN of what must be there did not bring it */
    RIND_CHECKER_GUESSES_GREW, /* more guesses are left than can be */
    RIND_CHECKER_UNEXPLAINED,  /* anything else that no order gives */
};

/* A user who never registered. RIND_E_LIMIT without memory. */
rind_status rind_checker_init(struct rind_ctx *ctx, struct rind_checker *checker) RIND_MUST_USE;
void rind_checker_fini(struct rind_checker *checker);

/*
 * Operations that ran at the same time, from `start_ns` on. `late_until_ns`: when what they left
 * unanswered is over. On a verdict other than EXPLAINED `why` says what was possible, and the model
 * keeps what it was. RIND_E_LIMIT if the search grew too large.
 */
rind_status rind_checker_round(struct rind_ctx *ctx, struct rind_checker *checker,
                               const struct rind_checker_operation *operations, size_t count,
                               uint64_t start_ns, uint64_t late_until_ns,
                               enum rind_checker_verdict *verdict,
                               struct rind_buffer *why) RIND_MUST_USE;

/* Nothing sent before now can still be carried out: whoever held it was restarted. */
void rind_checker_settle(struct rind_checker *checker);

/* The most requests that may still be carried out in any world at `now_ns`. */
size_t rind_checker_late_count(const struct rind_checker *checker, uint64_t now_ns);

/* One of the possible records, to choose the next operation by. */
const struct rind_checker_record *rind_checker_guess(const struct rind_checker *checker);

/* "registered #3 with 1 of 4 guesses used", ... for all different records that are possible. */
void rind_checker_print(struct rind_buffer *out, const struct rind_checker *checker);

/* "recover with PIN 1: invalid PIN, 2 left" */
void rind_checker_operation_print(struct rind_buffer *out,
                                  const struct rind_checker_operation *operation);

#endif
