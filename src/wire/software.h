/*
 * software.h - what a software realm keeps of a user: docs/spec/05-cloud-services.md section 13.4.
 *
 * The same state as an HSM's (sealed.h), under other names and without padding or encryption; the
 * alternatives without data are empty maps. Whoever reads the store reads its secrets.
 */
#ifndef RIND_WIRE_SOFTWARE_H
#define RIND_WIRE_SOFTWARE_H

#include "wire/sealed.h"

/* Of an encoded record; a Registered one with large counters has 708. */
#define RIND_SOFTWARE_RECORD_SIZE_MAX 1024u

/* A table for struct rind_registration_state. */
extern const struct rind_schema rind_software_record_schema;

#endif
