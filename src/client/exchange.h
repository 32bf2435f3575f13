/*
 * exchange.h - one HTTP exchange with a realm, and what its outcome means.
 *
 * Spec: docs/spec/01-client-protocol.md section 5.
 */
#ifndef RIND_CLIENT_EXCHANGE_H
#define RIND_CLIENT_EXCHANGE_H

#include "client/job.h"

/*
 * Fetches the realm's token into the job. RIND_ERROR_INVALID_AUTH if there is none.
 */
enum rind_error rind_sdk_exchange_token(struct rind_sdk_job *job);

/*
 * Posts `body` and decodes the answer as `schema` into `*value`, which may borrow from the job.
 * With `has_authorization` the job's token goes into a header. A decodable body counts whatever the
 * status; sets job->is_outcome_unknown where the realm may have acted without our knowing.
 */
enum rind_error rind_sdk_exchange(struct rind_sdk_job *job, struct rind_slice body,
                                  bool has_authorization, const struct rind_schema *schema,
                                  void *value);

#endif
