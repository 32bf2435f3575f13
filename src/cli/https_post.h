/*
 * https_post.h - a POST of JSON to a service that may end TLS, for commands. One thread.
 */
#ifndef RIND_CLI_HTTPS_POST_H
#define RIND_CLI_HTTPS_POST_H

#include "base/base.h"
#include "host/host.h"

#define RIND_CLI_HTTPS_ANSWER_SIZE_MAX (4u << 20)

struct rind_https_post; /* opaque: a connection that is kept between calls */

/* `ca_file`: PEM with the authorities to trust (borrowed), NULL: the system's. */
rind_status rind_https_post_open(struct rind_ctx *ctx, const char *ca_file,
                                 struct rind_https_post **post) RIND_MUST_USE;
/* NULL is allowed. */
void rind_https_post_close(struct rind_https_post *post);

struct rind_https_post_call {
    const struct rind_url *url; /* http or https */
    const char *authorization;  /* secret; value of the header */
    struct rind_slice body;
    uint32_t timeout_ms;
};

/*
 * Waits for the answer, whatever its status. The body is valid until the next call.
 * RIND_E_NETWORK with libcurl's reason if there was none.
 */
rind_status rind_https_post_send(struct rind_ctx *ctx, struct rind_https_post *post,
                                 const struct rind_https_post_call *call, unsigned *status,
                                 struct rind_slice *body) RIND_MUST_USE;

#endif
