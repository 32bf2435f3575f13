/*
 * assert.h - assertions that stay on in every build.
 *
 * They state what only our own bug could break, never what a peer, a disk or an operator can cause.
 * A failed one calls rind_panic, which the platform provides (host/panic.c in daemons and tests).
 */
#ifndef RIND_BASE_ASSERT_H
#define RIND_BASE_ASSERT_H

/* Reports the failed fact and ends the process (or the HSM's world). Provided by the platform. */
_Noreturn void rind_panic(const char *file, int line, const char *fact);

#define RIND_ASSERT(fact)                                                                          \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            rind_panic(__FILE__, __LINE__, #fact);                                                 \
        }                                                                                          \
    } while (0)

/* For the branch that cannot be reached; says why. */
#define RIND_UNREACHABLE(why) rind_panic(__FILE__, __LINE__, "unreachable: " why)

#endif
