/* exchange.c - see exchange.h. */
#include "client/exchange.h"

#include "client/failure.h"

char *rind_sdk_job_token(struct rind_sdk_job *job)
{
    return job->authorization + sizeof(RIND_SDK_AUTHORIZATION_PREFIX) - 1;
}

enum rind_error rind_sdk_exchange_token(struct rind_sdk_job *job)
{
    memcpy(job->authorization, RIND_SDK_AUTHORIZATION_PREFIX,
           sizeof(RIND_SDK_AUTHORIZATION_PREFIX));
    if (!rind_sdk_user_token(job->user, &job->slot->realm, rind_sdk_job_token(job))) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_INVALID_AUTH,
                                 "there is no (usable) token for this realm");
    }
    return RIND_ERROR_NONE;
}

/* The transport's question about a job. */
static bool exchange_is_abandoned(const void *self)
{
    const struct rind_sdk_job *job = self;
    return atomic_load(&job->is_abandoned);
}

static void exchange_send(struct rind_sdk_job *job, struct rind_slice body, bool has_authorization)
{
    size_t count = 0;
    job->headers[count++] =
        (struct rind_transport_header){"X-Juicebox-Version", RIND_PROTOCOL_VERSION};
    job->headers[count++] = (struct rind_transport_header){"User-Agent", job->user->user_agent};
    if (has_authorization) {
        job->headers[count++] = (struct rind_transport_header){"Authorization", job->authorization};
    }
    job->http_request = (struct rind_transport_request){
        .url = job->slot->url,
        .headers = job->headers,
        .header_count = count,
        .body = {body.data, body.length},
        .timeout_ms = job->user->request_timeout_ms,
        .is_abandoned = exchange_is_abandoned,
        .abandon_self = job,
    };
    memset(&job->http_response, 0, sizeof(job->http_response));
    if (atomic_load(&job->is_abandoned)) {
        job->http_response.was_not_sent = true; /* nothing new for an operation that has ended */
        return;
    }
    job->user->transport.send(job->user->transport.self, &job->http_request, &job->http_response);
}

/* What a status means whose body says nothing. */
static enum rind_error exchange_status_error(struct rind_sdk_job *job, uint16_t status)
{
    switch (status) {
    case 401:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_INVALID_AUTH, "the token was refused");
    case 426:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_UPGRADE_REQUIRED,
                                 "wants a newer protocol than " RIND_PROTOCOL_VERSION);
    case 429:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_RATE_LIMIT_EXCEEDED, "over the tenant's quota");
    default:
        job->is_outcome_unknown = true;
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_TRANSIENT, "answered HTTP status %u", status);
    }
}

enum rind_error rind_sdk_exchange(struct rind_sdk_job *job, struct rind_slice body,
                                  bool has_authorization, const struct rind_schema *schema,
                                  void *value)
{
    job->is_outcome_unknown = false;
    exchange_send(job, body, has_authorization);
    const struct rind_transport_response *response = &job->http_response;
    if (response->status < 100 || response->status > 999) {
        job->is_outcome_unknown = !response->was_not_sent;
        job->http_response.reason[RIND_TRANSPORT_REASON_SIZE - 1] = '\0';
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_TRANSIENT, "no answer from %s%s%s", job->slot->url,
                                 response->reason[0] != '\0' ? ": " : "", response->reason);
    }
    size_t size =
        response->body_size < sizeof(response->body) ? response->body_size : sizeof(response->body);
    bool is_success = response->status >= 200 && response->status < 300;
    rind_status status =
        rind_wire_decode_lenient(&job->ctx, schema, rind_slice_make(response->body, size), value);
    if (rind_is_ok(status)) {
        return RIND_ERROR_NONE;
    }
    if (is_success) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "undecodable answer: %s",
                                 job->ctx.sentence);
    }
    return exchange_status_error(job, response->status);
}
