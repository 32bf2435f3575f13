/*
 * user_app.h - what a user may do with a record: register, recover, delete (spec 02 section 13).
 *
 * A pure function of record, request and randomness. The guess is counted in Recover2, before the
 * client has proved anything; the right tag in Recover3 sets the count back. Everything here is
 * secret: the caller wipes request, record and outcome.
 */
#ifndef RIND_HSM_USER_APP_H
#define RIND_HSM_USER_APP_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "hsm/leader_log.h"
#include "wire/wire.h"

struct rind_hsm_user_outcome {
    struct rind_secrets_response response;
    struct rind_app_result_type result;
    bool has_write; /* the record is to be written, changed or not */
};

/*
 * Decodes a client's request. RIND_E_DECODE also if a blinded input is no point of the group; the
 * identity is one and gets an answer.
 */
rind_status rind_hsm_secrets_request_decode(struct rind_ctx *ctx, struct rind_slice plaintext,
                                            struct rind_secrets_request *request) RIND_MUST_USE;

/*
 * Applies `request` to `*record`. Draws from `random` for Recover2 answered Ok only. Each branch of
 * a request does the same public-key work.
 */
void rind_hsm_user_app(const struct rind_random *random, const struct rind_secrets_request *request,
                       struct rind_user_record *record, struct rind_hsm_user_outcome *outcome);

/*
 * The response as the client gets it, padded: always RIND_HSM_PADDED_RESPONSE_SIZE bytes.
 */
void rind_hsm_secrets_response_pad(const struct rind_secrets_response *response,
                                   uint8_t padded[static RIND_HSM_PADDED_RESPONSE_SIZE]);

/* The name that metrics give to a request, such as "app.recover2". A static text. */
const char *rind_hsm_app_metric(enum rind_secrets_request_kind kind);

#endif
