/*
 * host.h - the room of everything that daemons and commands need from the machine they run on.
 *
 * Purpose: time (clock), threads (thread, queue, pool), memory (arena_pool), reports (log,
 * metrics, trace), the retry loop (retry), operators' values and command lines (duration, address,
 * flags, build_info), files (file, json), life cycle (process). The panic report behind RIND_ASSERT
 * is panic.c. Trusts the operating system; never the bytes it reads. Main rule: contexts are
 * passed, nothing here is global but the process's own signals. Specs: 05 sections 6, 7, 9-11; 06
 * sections 4.5, 12; 04 section 4.1. Read clock.h, thread.h, log.h, then what you need.
 */
#ifndef RIND_HOST_HOST_H
#define RIND_HOST_HOST_H

#include "host/address.h"
#include "host/arena_pool.h"
#include "host/build_info.h"
#include "host/clock.h"
#include "host/duration.h"
#include "host/file.h"
#include "host/flags.h"
#include "host/json.h"
#include "host/log.h"
#include "host/metrics.h"
#include "host/pool.h"
#include "host/process.h"
#include "host/published.h"
#include "host/queue.h"
#include "host/retry.h"
#include "host/span.h"
#include "host/thread.h"
#include "host/trace.h"

#endif
