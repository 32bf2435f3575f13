/*
 * platform.h - the room of what a trusted core runs on.
 *
 * Purpose: each platform gives a core (hsm/hsm.h) its NVRAM, randomness, clock and keys, and
 * carries requests to it. Today there is one: software/, a daemon that keeps its NVRAM in a file
 * and serves HTTP. It protects against everybody who is not root on its machine, and against nobody
 * who is: a real HSM keeps the keys from the machine's owner too.
 *
 *   software/state_file.h   the NVRAM file
 *   software/keys_file.h    realm keys from a file
 *   software/machine.h      a core with its memory, on the two above
 *   software/service.h      the HTTP host
 *   software/main.c         the program rind-hsm
 *
 * Spec: docs/spec/02-hsm-core.md sections 4, 7.3 and 7.4.
 */
#ifndef RIND_PLATFORM_PLATFORM_H
#define RIND_PLATFORM_PLATFORM_H

#include "platform/software/keys_file.h"
#include "platform/software/machine.h"
#include "platform/software/service.h"
#include "platform/software/state_file.h"

#endif
