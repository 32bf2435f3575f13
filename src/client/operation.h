/* operation.h - what register, recover and delete have in common. */
#ifndef RIND_CLIENT_OPERATION_H
#define RIND_CLIENT_OPERATION_H

#include "client/join.h"

/*
 * A join with one job for each realm of `configuration`, in ascending order of ids, asking `kind`
 * (a request without data). NULL with the failure set when memory is short.
 */
struct rind_sdk_join *rind_sdk_operation_join(struct rind_user *user,
                                              const struct rind_configuration *configuration,
                                              enum rind_secrets_request_kind kind,
                                              rind_sdk_judge judge, struct rind_failure *failure);

/* Failure of a job that got the answer to another question. */
enum rind_error rind_sdk_operation_wrong_answer(struct rind_sdk_job *job);

/* `failure` made usable: the caller's, emptied, or `spare` if the caller wants none. */
struct rind_failure *rind_sdk_operation_failure(struct rind_failure *failure,
                                                struct rind_failure *spare);

#endif
