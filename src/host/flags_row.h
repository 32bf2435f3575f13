/* flags_row.h - what the parser and the printers of command-line tables share. For flags*.c. */
#ifndef RIND_HOST_FLAGS_ROW_H
#define RIND_HOST_FLAGS_ROW_H

#include "host/duration.h"
#include "host/flags.h"

#define RIND_FLAGS_LABEL_SIZE 128u

/* Row `index` over all tables in order, NULL after the last. */
const struct rind_flag *rind_flags_row(const struct rind_command *command, size_t index);

/* What stands for the value in help: given, or the name in upper case. */
void rind_flags_value_name(const struct rind_flag *row, char name[static RIND_FLAGS_LABEL_SIZE]);

/* A bound as one would type it. */
void rind_flags_bound(const struct rind_flag *row, uint64_t bound,
                      char text[static RIND_DURATION_TEXT_SIZE]);

#endif
