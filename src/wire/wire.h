/*
 * wire.h - the bytes of every boundary: the CBOR codec and one table per message.
 *
 * Trusts nobody who sends bytes; knows formats but no meaning: signatures, proofs, ranges and
 * points are judged by whoever uses the message (only a scalar's range is part of its format).
 * Read in this order: schema.h (how a message is described), codec.h (encode, decode), types.h
 * (what several boundaries share), then the boundary you need. Freestanding.
 *
 *   schema.h   kinds, fields, tables; conventions of message structs
 *   codec.h    rind_wire_encode, rind_wire_decode
 *   types.h    log entries, roles, captures, Noise messages, tree nodes, proofs, deltas
 *   range.h    record ids and ranges: arithmetic and text forms
 *   delta.h    ordering of node keys; sorting a StoreDelta
 *   client.h   client and realm: envelopes, secrets requests and responses
 *   hsm.h      agent and HSM: 19 requests, their responses, envelopes (the tables of most are in
 *              hsm_group.h and hsm_transfer.h)
 *   sealed.h   what HSMs keep or authenticate: NVRAM state, MAC messages, user records
 *   software.h what software realms keep
 *   start.h    the start request of hardware HSMs
 *   agent.h    RPCs served by agents, limiter state
 *   cluster.h  RPCs served by the cluster manager
 *   event.h    the JSON of tenants' events
 *   splice.h   hot messages with already encoded parts (cached nodes, stored log entries)
 *   diag.h     CBOR in diagnostic notation
 *
 * Every message `struct rind_x` has its table `rind_x_schema`.
 */
#ifndef RIND_WIRE_WIRE_H
#define RIND_WIRE_WIRE_H

#include "wire/agent.h"
#include "wire/client.h"
#include "wire/cluster.h"
#include "wire/codec.h"
#include "wire/delta.h"
#include "wire/diag.h"
#include "wire/event.h"
#include "wire/hsm.h"
#include "wire/range.h"
#include "wire/schema.h"
#include "wire/sealed.h"
#include "wire/software.h"
#include "wire/splice.h"
#include "wire/start.h"
#include "wire/types.h"

#endif
