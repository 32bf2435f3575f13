/*
 * attack.h - one fault after the other, chosen at random from a table with weights.
 *
 * The choices follow from the seed alone; what is possible at a moment also depends on the realm.
 * Main thread only. Limits of what may be taken away: stage.h.
 */
#ifndef RIND_CLI_CHAOS_ATTACK_H
#define RIND_CLI_CHAOS_ATTACK_H

#include "cli/chaos/errand.h"
#include "cli/chaos/random.h"
#include "cli/chaos/stage.h"
#include "cli/chaos/view.h"

#define RIND_CHAOS_ATTACKS_MAX 32u /* rows of the table */
#define RIND_CHAOS_FAULT_TEXT_SIZE 320u

struct rind_chaos_attack {
    struct rind_ctx *ctx;
    struct rind_chaos_stage *stage;
    struct rind_chaos_watcher *watcher;
    struct rind_chaos_courier *courier;
    struct rind_stopper *stopper;
    struct rind_realm_id realm;
    struct rind_chaos_random random;
    struct rind_chaos_view view; /* at the time of the last choice */
    uint64_t counts[RIND_CHAOS_ATTACKS_MAX];
    uint64_t count;
    void (*say)(void *self, const char *fault); /* one line per fault; thread-safe */
    void *say_self;
};

/* Does one fault that is possible now. False if none of many choices was. */
bool rind_chaos_attack_once(struct rind_chaos_attack *attack);

/* Name of the table's row, or NULL behind its end. */
const char *rind_chaos_attack_name(size_t row);

/* Kills every process; they come back after `down_ms`. */
void rind_chaos_attack_everything(struct rind_chaos_attack *attack, uint64_t down_ms);

#endif
