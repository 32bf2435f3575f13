/* operation.c - see operation.h. */
#include "client/operation.h"

#include "base/assert.h"
#include "client/failure.h"

void rind_sdk_operation_begin(struct rind_sdk_operation *operation, struct rind_user *user)
{
    *operation = (struct rind_sdk_operation){.user = user};
    pthread_mutex_lock(&user->lock);
    operation->next = user->operations;
    user->operations = operation;
    pthread_mutex_unlock(&user->lock);
}

void rind_sdk_operation_end(struct rind_sdk_operation *operation)
{
    struct rind_user *user = operation->user;
    pthread_mutex_lock(&user->lock);
    RIND_ASSERT(operation->join == NULL);
    struct rind_sdk_operation **place = &user->operations;
    while (*place != operation) {
        RIND_ASSERT(*place != NULL);
        place = &(*place)->next;
    }
    *place = operation->next;
    pthread_mutex_unlock(&user->lock);
}

bool rind_sdk_operation_enter(struct rind_sdk_operation *operation, struct rind_sdk_join *join)
{
    struct rind_user *user = operation->user;
    pthread_mutex_lock(&user->lock);
    bool may_run = !operation->is_cancelled;
    operation->join = may_run ? join : NULL;
    pthread_mutex_unlock(&user->lock);
    return may_run;
}

void rind_sdk_operation_leave(struct rind_sdk_operation *operation)
{
    pthread_mutex_lock(&operation->user->lock);
    operation->join = NULL;
    pthread_mutex_unlock(&operation->user->lock);
}

bool rind_sdk_operation_is_cancelled(struct rind_sdk_operation *operation)
{
    pthread_mutex_lock(&operation->user->lock);
    bool is_cancelled = operation->is_cancelled;
    pthread_mutex_unlock(&operation->user->lock);
    return is_cancelled;
}

enum rind_error rind_sdk_operation_cancelled(struct rind_failure *failure)
{
    return rind_sdk_fail(failure, RIND_ERROR_CANCELLED,
                         "cancelled by the application; what was sent may have been executed");
}

void rind_user_cancel(struct rind_user *user)
{
    pthread_mutex_lock(&user->lock);
    for (struct rind_sdk_operation *operation = user->operations; operation != NULL;
         operation = operation->next) {
        operation->is_cancelled = true;
        if (operation->join != NULL) {
            rind_sdk_join_cancel(operation->join); /* alive: it is left before it is released */
        }
    }
    pthread_mutex_unlock(&user->lock);
    /* Whoever waits for its turn at a realm looks again whether it is abandoned. */
    for (size_t i = 0; i < user->slot_count; i++) {
        rind_sdk_slot_wake(&user->slots[i]);
    }
}

struct rind_sdk_join *rind_sdk_operation_join(struct rind_sdk_operation *operation,
                                              const struct rind_configuration *configuration,
                                              enum rind_secrets_request_kind kind,
                                              rind_sdk_judge judge, struct rind_failure *failure)
{
    struct rind_user *user = operation->user;
    struct rind_sdk_join *join = rind_sdk_join_new(operation, configuration->realm_count);
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
