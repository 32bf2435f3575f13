/*
 * client.h - librind, the client of the protocol: register, recover, delete.
 *
 * Purpose: include/rind/rind.h, the installed header, is the face of this room; what programs in
 * this tree may use beyond it (a world with its own randomness and clock) is world.h. For many
 * users in one process (benchmarks, demo, chaos) make one rind_https, give its transport to every
 * rind_user and keep the users: each then costs a few KiB, and connections and sessions are used
 * again.
 *
 * The library runs in other people's processes: it depends on base, crypto and wire only, never
 * logs, never ends the process for anything that comes from outside. Realms are not trusted: an
 * answer counts only once its proofs hold. Spec: docs/spec/01-client-protocol.md.
 *
 * Read in this order: rind/rind.h, user.h (what a user is), job.h and join.h (a request to each of
 * several realms), engine.h (one request: sessions and retries), exchange.h (one HTTP exchange),
 * then register.c, recover.c and delete.c.
 */
#ifndef RIND_CLIENT_CLIENT_H
#define RIND_CLIENT_CLIENT_H

#include "client/world.h"
#include "rind/rind.h"

#endif
