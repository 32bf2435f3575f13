/* attack_errand.h - which group, whom to ask, which range: filling in an errand at random. */
#ifndef RIND_CLI_CHAOS_ATTACK_ERRAND_H
#define RIND_CLI_CHAOS_ATTACK_ERRAND_H

#include "cli/chaos/attack.h"

/* Fills in the rest for errand->kind. False if nothing fits now. */
bool rind_chaos_attack_choose_errand(struct rind_chaos_attack *attack,
                                     struct rind_chaos_errand *errand);

#endif
