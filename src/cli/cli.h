/*
 * cli.h - the room of `rind`, the one program for operators, demonstrations and benchmarks.
 *
 * Purpose: each command is a file (agents.c, groups.c, ...) and a row in main.c. Trusts what the
 * operator types and nothing that agents answer. The realm on this machine that demo, bench and
 * chaos run is realm/ (processes, certificate, secrets). Read command.h, main.c, then the command.
 * Spec: docs/spec/08-cluster.md sections 14 to 18.
 */
#ifndef RIND_CLI_CLI_H
#define RIND_CLI_CLI_H

#include "cli/command.h"

#endif
