/*
 * metadata.h - is this a Google Cloud machine? Asks the metadata server that each of them has.
 *
 * gRPC asks as well, but by name and for as long as the resolver takes: where no name server
 * answers that was more than a minute. So we ask first, at the server's fixed address and in
 * bounded time, and gRPC only if somebody is there. What answers is not trusted with anything.
 * Spec: docs/spec/05-cloud-services.md section 1.2.
 */
#ifndef RIND_CLOUD_METADATA_H
#define RIND_CLOUD_METADATA_H

#include "host/host.h"

/* limits */
#define RIND_METADATA_TIMEOUT_MS 2000u    /* it is next door: what takes longer is not there */
#define RIND_METADATA_HEAD_SIZE_MAX 4096u /* of its answer; the rest is not looked at */

#define RIND_METADATA_ADDRESS "169.254.169.254:80"

/* True if a metadata server answers at the address until the deadline. Thread-safe. */
bool rind_metadata_is_there(const struct rind_address *address, struct rind_deadline deadline);

#endif
