/*
 * line.h - how the checker's requests travel, and what is measured of them.
 *
 * librind's own transport, with three things around it: every request says that it wants to know
 * the server's timing and that it is traced; no request outlasts the round that it is part of; and
 * each answer becomes the metrics of spec 08 section 16. What realms and what stands in front of
 * them send back is hostile: headers are read as numbers or shown as printable text.
 */
#ifndef RIND_CLI_CHECK_LINE_H
#define RIND_CLI_CHECK_LINE_H

#include "base/base.h"
#include "host/host.h"
#include "rind/rind.h"

#define RIND_CHECK_SLOW_NS RIND_NS_PER_S /* a call that takes longer is logged */

struct rind_check_line; /* opaque */

struct rind_check_line_options {
    const char *ca_file;          /* PEM file with the only roots to trust; NULL: the system's */
    struct rind_stopper *stopper; /* gives up requests under way; may be NULL */
    struct rind_metrics *metrics; /* may be NULL */
    const struct rind_log *log;
};

/* Keeps its connections from round to round. All pointers must outlive it. */
rind_status rind_check_line_open(struct rind_ctx *ctx,
                                 const struct rind_check_line_options *options,
                                 struct rind_check_line **line) RIND_MUST_USE;
/* NULL is allowed. */
void rind_check_line_close(struct rind_check_line *line);

/* One caller's end of the line: the transport for one librind user. */
struct rind_check_end {
    struct rind_check_line *line;
    struct rind_deadline deadline; /* of the round: nothing is sent after it */
    char traceparent[RIND_TRACEPARENT_SIZE];
};
struct rind_transport rind_check_end_transport(struct rind_check_end *end);

#endif
