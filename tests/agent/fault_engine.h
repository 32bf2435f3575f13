/*
 * fault_engine.h - a store engine over a shared one that can be told to hold or fail appends and
 * reads. Several may share one inner engine, as the processes of a realm do.
 */
#ifndef RIND_TESTS_AGENT_FAULT_ENGINE_H
#define RIND_TESTS_AGENT_FAULT_ENGINE_H

#include "host/host.h"
#include "store/store.h"

enum engine_fault {
    ENGINE_FAULT_NONE,
    ENGINE_FAULT_HOLD,        /* appends wait until released, then happen */
    ENGINE_FAULT_NOT_WRITTEN, /* appends fail with an unknown outcome; not written */
    ENGINE_FAULT_WRITTEN,     /* appends fail with an unknown outcome; written */
    ENGINE_FAULT_UNAVAILABLE, /* everything fails */
    ENGINE_FAULT_READS,       /* reads fail */
};

struct fault_engine {
    struct rind_engine engine;
    struct rind_engine *inner; /* borrowed */
    struct rind_mutex lock;    /* guards all below */
    struct rind_cond changed;
    enum engine_fault fault;
    unsigned fault_count; /* so many times; UINT_MAX: until told otherwise */
    unsigned held;
    unsigned append_count;    /* appends that reached the inner engine */
    unsigned batch_sizes[64]; /* entries of each of the first ones */
};

/* Takes no ownership of `inner`, which must outlive it. Freed by the store that takes it. */
struct fault_engine *fault_engine_new(struct rind_engine *inner);

void fault_engine_set(struct fault_engine *engine, enum engine_fault fault, unsigned count);
/* Waits until an append is held. */
void fault_engine_wait_held(struct fault_engine *engine);
/* No faults any more; held appends go on. */
void fault_engine_release(struct fault_engine *engine);
unsigned fault_engine_appends(struct fault_engine *engine);
unsigned fault_engine_batch(struct fault_engine *engine, unsigned index);

#endif
