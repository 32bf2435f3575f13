/*
 * engine.h - one request to one realm: sessions, retries and classes of errors.
 *
 * Spec: docs/spec/01-client-protocol.md section 6.
 */
#ifndef RIND_CLIENT_ENGINE_H
#define RIND_CLIENT_ENGINE_H

#include "client/job.h"

#define RIND_SDK_HARDWARE_ATTEMPTS 5u
#define RIND_SDK_SOFTWARE_ATTEMPTS 2u /* as all clients; five would help no honest realm */
#define RIND_SDK_BACK_OFF_MS 5u       /* times the number of the attempt */

/*
 * Sends job->request and fills job->response, with the attempts that the spec allows. Returns (and
 * sets in job->failure) what went wrong.
 */
enum rind_error rind_sdk_engine_run(struct rind_sdk_job *job);

#endif
