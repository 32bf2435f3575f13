/*
 * base.h - the room every other room stands on: no I/O, no threads, no heap, no platform.
 *
 * Purpose: bytes (slice, buffer, hex, endian), memory (arena, wipe), errors (status), identifiers
 * (id), assertions. Freestanding: the trusted core is built from this room, crypto, wire, merkle
 * and hsm alone. Read in this order: slice.h, arena.h, status.h, id.h, the rest as needed.
 */
#ifndef RIND_BASE_BASE_H
#define RIND_BASE_BASE_H

#include "base/arena.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/checked.h"
#include "base/ct.h"
#include "base/endian.h"
#include "base/hex.h"
#include "base/id.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/wipe.h"

#endif
