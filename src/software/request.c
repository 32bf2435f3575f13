/* request.c - see request.h. */
#include "software/request.h"

#include <sodium.h>

#include "software/app.h"

static void request_random_fill(void *self, void *bytes, size_t size)
{
    (void)self;
    randombytes_buf(bytes, size); /* ends the process if the system has no randomness */
}

/* One try; RIND_E_STALE if somebody else wrote in between. */
static rind_status request_try(struct rind_ctx *ctx, const struct rind_software_records *records,
                               const struct rind_record_id *record,
                               const struct rind_secrets_request *request,
                               struct rind_deadline deadline, struct rind_software_outcome *outcome,
                               enum rind_software_fault *fault)
{
    const struct rind_random random = {request_random_fill, NULL};
    struct rind_software_row row;
    *fault = RIND_SOFTWARE_FAULT_READ;
    RIND_TRY(
        rind_store_software_read(ctx, records->store, &records->realm, record, deadline, &row));
    rind_status applied = rind_software_apply(ctx, &random, request, row.value, outcome);
    if (!rind_is_ok(applied)) {
        *fault = rind_is(applied, RIND_E_CORRUPT) ? RIND_SOFTWARE_FAULT_READ
                                                  : RIND_SOFTWARE_FAULT_PROCESS;
        return applied;
    }
    if (outcome->has_changed) {
        *fault = RIND_SOFTWARE_FAULT_WRITE;
        RIND_TRY(rind_store_software_write(ctx, records->store, &records->realm, record, &row,
                                           outcome->record, deadline));
    }
    *fault = RIND_SOFTWARE_FAULT_NONE;
    return RIND_OK;
}

static rind_status request_commit(struct rind_ctx *ctx, const struct rind_software_records *records,
                                  const struct rind_record_id *record,
                                  const struct rind_secrets_request *request,
                                  struct rind_software_outcome *outcome,
                                  enum rind_software_fault *fault)
{
    struct rind_deadline deadline = rind_deadline_in_ms(RIND_SOFTWARE_TIMEOUT_MS);
    for (unsigned tries = 1;; tries++) {
        rind_status status = request_try(ctx, records, record, request, deadline, outcome, fault);
        if (!rind_is(status, RIND_E_STALE) || *fault != RIND_SOFTWARE_FAULT_WRITE) {
            return status;
        }
        RIND_REQUIRE(ctx, tries < RIND_SOFTWARE_TRIES_MAX, RIND_E_STALE,
                     "other requests wrote the record %u times in between", tries);
    }
}

static rind_status request_publish(struct rind_ctx *ctx, const struct rind_software_events *events,
                                   struct rind_slice tenant, struct rind_slice user,
                                   const struct rind_app_result_type *result)
{
    struct rind_user_hash hash;
    struct rind_slice json;
    bool has_event;
    if (events->publish == NULL) {
        return RIND_OK;
    }
    rind_user_hash_derive(tenant, user, &hash);
    RIND_TRY(rind_event_json(ctx, result, rind_slice_text(hash.text), &has_event, &json));
    return has_event ? events->publish(events->self, ctx, tenant, json,
                                       rind_deadline_in_ms(RIND_SOFTWARE_PUBLISH_MS))
                     : RIND_OK;
}

rind_status rind_software_request_serve(struct rind_ctx *ctx,
                                        const struct rind_software_records *records,
                                        struct rind_slice tenant, struct rind_slice user,
                                        const struct rind_secrets_request *request,
                                        struct rind_slice *response,
                                        enum rind_software_fault *fault)
{
    struct rind_software_outcome outcome;
    struct rind_record_id record;
    rind_record_id_derive_software(tenant, user, &record);
    RIND_TRY(request_commit(ctx, records, &record, request, &outcome, fault));
    *fault = RIND_SOFTWARE_FAULT_PUBLISH;
    RIND_TRY(request_publish(ctx, &records->events, tenant, user, &outcome.result));
    *response = outcome.response;
    *fault = RIND_SOFTWARE_FAULT_NONE;
    return RIND_OK;
}
