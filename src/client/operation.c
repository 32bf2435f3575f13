/* operation.c - see operation.h. */
#include "client/operation.h"

#include "base/assert.h"
#include "client/failure.h"

struct rind_sdk_join *rind_sdk_operation_join(struct rind_user *user,
                                              const struct rind_configuration *configuration,
                                              enum rind_secrets_request_kind kind,
                                              rind_sdk_judge judge, struct rind_failure *failure)
{
    struct rind_sdk_join *join = rind_sdk_join_new(user, configuration->realm_count);
    if (join == NULL) {
        rind_sdk_fail(failure, RIND_ERROR_TRANSIENT, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < join->job_count; i++) {
        const struct rind_realm *realm = &configuration->realms[configuration->order[i]];
        join->jobs[i].slot = rind_sdk_user_slot(user, realm);
        RIND_ASSERT(join->jobs[i].slot != NULL); /* made for all configurations */
        join->jobs[i].request.kind = kind;
        join->jobs[i].judge = judge;
    }
    return join;
}

enum rind_error rind_sdk_operation_wrong_answer(struct rind_sdk_job *job)
{
    return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "answered another question");
}

struct rind_failure *rind_sdk_operation_failure(struct rind_failure *failure,
                                                struct rind_failure *spare)
{
    struct rind_failure *used = failure != NULL ? failure : spare;
    memset(used, 0, sizeof(*used));
    return used;
}
