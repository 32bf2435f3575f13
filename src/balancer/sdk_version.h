/*
 * sdk_version.h - which client SDKs a realm talks to: the X-Juicebox-Version header.
 *
 * Spec: docs/spec/07-load-balancer.md section 5. Hostile input; no state.
 */
#ifndef RIND_BALANCER_SDK_VERSION_H
#define RIND_BALANCER_SDK_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define RIND_SDK_VERSION_HEADER "x-juicebox-version"
/* The oldest SDK accepted; also in the text that others are refused with. */
#define RIND_SDK_VERSION_MAJOR_MIN 0u
#define RIND_SDK_VERSION_MINOR_MIN 3u
#define RIND_SDK_VERSION_REFUSAL "SDK upgrade required to version >=0.3"

struct rind_sdk_version {
    uint64_t major;
    uint64_t minor;
    uint64_t patch;
};

/* Reads a strict Semantic Versioning 2.0 version; pre-release and build are checked and dropped. */
bool rind_sdk_version_parse(struct rind_slice text, struct rind_sdk_version *version);

/* True if the header's value is a version from the oldest accepted major.minor on. */
bool rind_sdk_version_is_accepted(struct rind_slice header_value);

#endif
