/* hsm_http.c - see hsm_http.h. */
#include "agent/hsm_http.h"

#include <stdlib.h>

/* The HSM works on one request at a time, each takes milliseconds. A reply that has not come by
 * then is lost. */
#define HSM_HTTP_TIMEOUT_MS 60000u

struct rind_hsm_http {
    struct rind_client *client;
    struct rind_url url;
};

rind_status rind_hsm_http_open(struct rind_ctx *ctx, const struct rind_url *url,
                               struct rind_metrics *metrics, struct rind_hsm_http **http)
{
    struct rind_hsm_http *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    struct rind_client_options options = rind_client_options_default();
    options.metrics = metrics;
    rind_status status = rind_url_join(ctx, url, "/req", &made->url);
    if (rind_is_ok(status)) {
        status = rind_client_open(ctx, &options, &made->client);
    }
    if (!rind_is_ok(status)) {
        rind_hsm_http_close(made);
        return status;
    }
    *http = made;
    return RIND_OK;
}

void rind_hsm_http_close(struct rind_hsm_http *http)
{
    if (http == NULL) {
        return;
    }
    rind_client_close(http->client);
    free(http);
}

/* Whether the HSM may have executed a request whose call failed so (net/client.h). */
static enum rind_code http_failure(rind_status status)
{
    bool is_unsent = rind_is(status, RIND_E_NETWORK) || rind_is(status, RIND_E_BUSY) ||
                     rind_is(status, RIND_E_CANCELLED);
    return is_unsent ? RIND_E_UNAVAILABLE : RIND_E_UNKNOWN_OUTCOME;
}

static rind_status http_send(void *self, struct rind_ctx *ctx, struct rind_slice request,
                             struct rind_slice *response)
{
    struct rind_hsm_http *http = self;
    struct rind_answer answer;
    struct rind_call call = {
        .url = &http->url,
        .body = request,
        .deadline = rind_deadline_in_ms(HSM_HTTP_TIMEOUT_MS),
    };
    rind_status status = rind_client_call(ctx, http->client, &call, &answer);
    if (!rind_is_ok(status)) {
        return rind_status_make(http_failure(status)); /* the sentence is the client's */
    }
    if (answer.status >= 200 && answer.status < 300) {
        *response = answer.body;
        return RIND_OK;
    }
    /* 400 and 404: refused unread. Anything else may have come after the work was done. */
    bool is_refused = answer.status >= 400 && answer.status < 500;
    return rind_fail(ctx, is_refused ? RIND_E_INVALID : RIND_E_UNKNOWN_OUTCOME,
                     "the HSM at %s answered with status %u", http->url.text, answer.status);
}

struct rind_hsm_transport rind_hsm_http_transport(struct rind_hsm_http *http)
{
    return (struct rind_hsm_transport){http_send, http};
}
