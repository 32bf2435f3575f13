/* delete.c - deleting a user's registration. Spec: docs/spec/01-client-protocol.md section 10. */
#include "client/operation.h"

static enum rind_error delete_judge(struct rind_sdk_job *job)
{
    return job->response.kind == RIND_SECRETS_RESPONSE_DELETE
               ? RIND_ERROR_NONE
               : rind_sdk_operation_wrong_answer(job);
}

enum rind_error rind_user_delete(struct rind_user *user, struct rind_failure *failure)
{
    struct rind_failure spare;
    failure = rind_sdk_operation_failure(failure, &spare);
    struct rind_sdk_operation operation;
    rind_sdk_operation_begin(&operation, user);
    struct rind_sdk_join *join = rind_sdk_operation_join(
        &operation, user->configurations[0], RIND_SECRETS_REQUEST_DELETE, delete_judge, failure);
    enum rind_error error = join != NULL ? rind_sdk_join_run_all(join, failure) : failure->error;
    rind_sdk_join_release(join);
    rind_sdk_operation_end(&operation);
    return error;
}
