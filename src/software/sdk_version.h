/*
 * sdk_version.h - which client SDKs a software realm talks to: X-Juicebox-Version from 0.2 on.
 *
 * Reads it more leniently than HSM realms do (docs/spec/05-cloud-services.md section 13.3): a `v`
 * in front is fine, minor and patch may be missing. Hostile input; no state.
 */
#ifndef RIND_SOFTWARE_SDK_VERSION_H
#define RIND_SOFTWARE_SDK_VERSION_H

#include <stdbool.h>

#include "base/slice.h"

#define RIND_SOFTWARE_SDK_MINOR_MIN 2u /* of major 0 */
#define RIND_SOFTWARE_SDK_REFUSAL "SDK upgrade required"

/* True if the header's value is a version that is accepted. */
bool rind_software_sdk_is_accepted(struct rind_slice header_value);

#endif
