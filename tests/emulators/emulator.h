/*
 * emulator.h - one of Google's services in memory (bin/emulators), for a test.
 *
 * It runs as a process of its own, listens on 127.0.0.1 and ends with the test however that ends.
 * Whatever goes wrong ends the test. Main thread only.
 */
#ifndef RIND_TESTS_EMULATORS_EMULATOR_H
#define RIND_TESTS_EMULATORS_EMULATOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "host/address.h"

struct emulator {
    char folder[64];
    char faults[96];  /* file of faults, see main.go */
    char record[96];  /* file of requests */
    char secrets[96]; /* file of secrets */
    char address[64]; /* "127.0.0.1:PORT" */
    struct rind_url url;
    pid_t pid;
    int input; /* closing it ends the process */
    const char *service;
    const char *page;
};

/* `service`: "pubsub" or "secretmanager". */
void emulator_open(struct emulator *emulator, const char *service);

/* As open; lists of secrets have pages of at most so many ("2"). */
void emulator_open_pages(struct emulator *emulator, const char *service, const char *page);
void emulator_close(struct emulator *emulator);

/* It dies, and comes back empty on another port. */
void emulator_kill(struct emulator *emulator);

/* Lines "METHOD CODE [after] [once]", see main.go; "" for none. */
void emulator_set_faults(struct emulator *emulator, const char *lines);

/* What Secret Manager has from now on; JSON. */
void emulator_set_secrets(struct emulator *emulator, const char *json);

/* Requests of that method so far. */
unsigned emulator_count(struct emulator *emulator, const char *method);

/* True if some request of that method contains these bytes, given as lower-case hex. */
bool emulator_saw(struct emulator *emulator, const char *method, const char *hex);

#endif
