/* operation.h - what register, recover and delete have in common. */
#ifndef RIND_CLIENT_OPERATION_H
#define RIND_CLIENT_OPERATION_H

#include "client/join.h"

/* One call of the application, on its thread's stack. */
struct rind_sdk_operation {
    struct rind_user *user;
    struct rind_sdk_operation *next; /* in the user's list; this and the following: its lock */
    struct rind_sdk_join *join;      /* that runs, or NULL */
    bool is_cancelled;
};

/* Makes the operation one that rind_user_cancel ends, until rind_sdk_operation_end. */
void rind_sdk_operation_begin(struct rind_sdk_operation *operation, struct rind_user *user);
void rind_sdk_operation_end(struct rind_sdk_operation *operation);

/* Around the running of a join. False, and no leaving, if the operation is cancelled. */
bool rind_sdk_operation_enter(struct rind_sdk_operation *operation, struct rind_sdk_join *join);
void rind_sdk_operation_leave(struct rind_sdk_operation *operation);

bool rind_sdk_operation_is_cancelled(struct rind_sdk_operation *operation);

/* The failure of a cancelled one. */
enum rind_error rind_sdk_operation_cancelled(struct rind_failure *failure);

/*
 * A join with one job for each realm of `configuration`, in ascending order of ids, asking `kind`
 * (a request without data). NULL with the failure set when memory is short.
 */
struct rind_sdk_join *rind_sdk_operation_join(struct rind_sdk_operation *operation,
                                              const struct rind_configuration *configuration,
                                              enum rind_secrets_request_kind kind,
                                              rind_sdk_judge judge, struct rind_failure *failure);

/* Failure of a job that got the answer to another question. */
enum rind_error rind_sdk_operation_wrong_answer(struct rind_sdk_job *job);

/* `failure` made usable: the caller's, emptied, or `spare` if the caller wants none. */
struct rind_failure *rind_sdk_operation_failure(struct rind_failure *failure,
                                                struct rind_failure *spare);

#endif
