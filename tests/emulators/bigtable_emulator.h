/*
 * bigtable_emulator.h - a Bigtable emulator (bin/cbtemulator) as a child process.
 *
 * It listens at 127.0.0.1 on a port of the system's choice, and dies with the test at the latest.
 */
#ifndef RIND_TESTS_EMULATORS_BIGTABLE_EMULATOR_H
#define RIND_TESTS_EMULATORS_BIGTABLE_EMULATOR_H

#include <sys/types.h>

struct bigtable_emulator {
    pid_t pid;
    int out;          /* its standard output */
    char address[64]; /* "127.0.0.1:40123" */
    unsigned port;
};

/*
 * Starts it and waits until it says where it listens. `port` 0: any. Fails the test if it cannot.
 */
void bigtable_emulator_start(struct bigtable_emulator *emulator, unsigned port);

/* Kills it and waits for its end; nothing if it does not run. Its port is free then. */
void bigtable_emulator_stop(struct bigtable_emulator *emulator);

#endif
