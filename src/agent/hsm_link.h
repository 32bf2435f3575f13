/*
 * hsm_link.h - the agent's way to its HSM: typed requests in, typed responses out.
 *
 * Encodes, waits for a turn (hsm_gate.h), sends through the transport, decodes, re-emits the HSM's
 * own timings. A call is never cut off once it has been sent: its reply may carry the only copy of
 * a log entry (spec 06 section 16 item 18). Thread-safe.
 *
 * Codes of a failed call:
 *   RIND_E_UNAVAILABLE      not executed; worth trying again
 *   RIND_E_UNKNOWN_OUTCOME  the HSM may have executed it
 *   others                  not executed, and will not be next time either
 */
#ifndef RIND_AGENT_HSM_LINK_H
#define RIND_AGENT_HSM_LINK_H

#include <stdatomic.h>

#include "agent/hsm_gate.h"
#include "base/base.h"
#include "host/host.h"
#include "wire/wire.h"

/* How bytes get to an HSM and back: HTTP to the software HSM, a vendor's channel, a test. */
struct rind_hsm_transport {
    /* One exchange; the response lies in ctx->arena. Codes as above. Thread-safe. */
    rind_status (*send)(void *self, struct rind_ctx *ctx, struct rind_slice request,
                        struct rind_slice *response);
    void *self;
};

struct rind_hsm_link {
    struct rind_hsm_transport transport;
    struct rind_hsm_gate gate;
    struct rind_metrics *metrics; /* NULL: none */
};

void rind_hsm_link_init(struct rind_hsm_link *link, const struct rind_hsm_transport *transport,
                        struct rind_metrics *metrics);
void rind_hsm_link_fini(struct rind_hsm_link *link);

/* Sends `request` and decodes the reply into `*response`, a value of `schema` in ctx's arena. Waits
 * for a turn at the HSM until `deadline`, and for the reply as long as it takes. */
rind_status rind_hsm_link_call(struct rind_hsm_link *link, struct rind_ctx *ctx,
                               enum rind_hsm_urgency urgency, struct rind_deadline deadline,
                               const struct rind_hsm_request *request,
                               const struct rind_schema *schema, void *response) RIND_MUST_USE;

/* The same for the two hot requests, whose large parts are already encoded. */
rind_status rind_hsm_link_call_spliced(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                       enum rind_hsm_urgency urgency, struct rind_deadline deadline,
                                       const struct rind_spliced_request *request,
                                       const struct rind_schema *schema,
                                       void *response) RIND_MUST_USE;

/* The Status request, whose response is passed on undecoded. */
rind_status rind_hsm_link_status(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                 struct rind_hsm_status_response *response) RIND_MUST_USE;

#endif
