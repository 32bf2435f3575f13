/*
 * plot.h - latency and throughput of a load over time, as an SVG picture.
 *
 * One panel per item of the plan: operations and errors per second against the left axis, p50 and
 * p99 in milliseconds against the right one, a point per second. Plain SVG 1.1, no script, no
 * fonts of its own; readable in black and white.
 */
#ifndef RIND_CLI_BENCH_PLOT_H
#define RIND_CLI_BENCH_PLOT_H

#include "cli/bench/report.h"

/* Replaces the file. RIND_E_IO if it cannot be written. */
rind_status rind_plot_write(struct rind_ctx *ctx, const struct rind_report *report,
                            const char *path) RIND_MUST_USE;

#endif
