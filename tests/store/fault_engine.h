/*
 * fault_engine.h - an engine in front of another, which fails chosen calls before or after they
 * took effect, or lets a lost call arrive late.
 */
#ifndef RIND_TESTS_STORE_FAULT_ENGINE_H
#define RIND_TESTS_STORE_FAULT_ENGINE_H

#include <stdatomic.h>

#include "store/store.h"

enum fault_call { FAULT_READ, FAULT_WRITE, FAULT_TEST, FAULT_CREATE_TABLE, FAULT_CALLS };

enum fault_kind {
    FAULT_NONE,
    FAULT_BEFORE, /* nothing happens, the answer is lost */
    FAULT_AFTER,  /* it happens, the answer is lost */
    FAULT_LATE,   /* it happens after the next read, the answer is lost */
};

struct fault_engine {
    struct rind_engine engine;
    struct rind_engine_class class;
    struct rind_engine *below; /* owned */
    enum fault_call call;      /* which calls fail ... */
    enum fault_kind kind;
    unsigned first; /* ... from the first-th (from 1) on ... */
    unsigned times; /* ... so often */
    enum rind_code code;
    atomic_uint calls[FAULT_CALLS]; /* made since set; reads come from several threads */
    /* Runs before the n-th call of the kind, to act as somebody else meanwhile. NULL: nobody. */
    void (*before)(void *self, unsigned n);
    void *before_self;
    bool has_late;
    struct rind_test_and_write late; /* its memory is the caller's, who waits */
};

/* Takes `below`. writes_together is switched off if asked for. */
void fault_engine_open(struct fault_engine *fault, struct rind_engine *below, bool writes_together);
void fault_engine_set(struct fault_engine *fault, enum fault_call call, enum fault_kind kind,
                      unsigned first, unsigned times, enum rind_code code);

#endif
