/*
 * service.h - the HTTP host of a software HSM (spec 02 section 7.3).
 *
 * One route, /req, by any method, query ignored: request envelope in, response envelope out.
 *   200  answered, refusals of the protocol included
 *   400  not a request envelope
 *   404  any other path
 *   413  more than RIND_HSM_REQUEST_SIZE_BYTES_MAX of body
 *   500  the state file could not be written; the request had no effect
 * All without content-type; bodies of the others are empty. One worker thread runs the core, so
 * requests are strictly serial.
 */
#ifndef RIND_PLATFORM_SOFTWARE_SERVICE_H
#define RIND_PLATFORM_SOFTWARE_SERVICE_H

#include "host/host.h"
#include "net/net.h"
#include "platform/software/machine.h"

struct rind_service {
    struct rind_machine *machine; /* borrowed */
    struct rind_log log;
    struct rind_server *server;
};

/* Serves `machine` at `listen` (port 0: the system chooses). RIND_E_* of rind_server_open. */
rind_status rind_service_open(struct rind_ctx *ctx, struct rind_machine *machine,
                              const struct rind_address *listen, const struct rind_log *log,
                              struct rind_service *service) RIND_MUST_USE;

/* Where it listens, with the port that the system chose. */
struct rind_address rind_service_address(const struct rind_service *service);

/* Lets requests in flight finish until the deadline, then stops serving. */
void rind_service_close(struct rind_service *service, struct rind_deadline deadline);

#endif
