/* realm_inner.h - what the files of realm.h share. */
#ifndef RIND_TESTS_AGENT_REALM_INNER_H
#define RIND_TESTS_AGENT_REALM_INNER_H

#include "agent/realm.h"

/* Ends the process with a report. */
_Noreturn void realm_fail_test(const char *what, const char *sentence);
void realm_require(struct realm *realm, rind_status status, const char *what);

#endif
