/*
 * server_timing.h - what a content delivery network in front of a realm tells about a request.
 *
 * In the header `server-timing` (W3C Server Timing) or `cf-ray`; spec 08 section 16 lists what is
 * of interest. Both come from outside: what is malformed is left out.
 */
#ifndef RIND_CLI_CHECK_SERVER_TIMING_H
#define RIND_CLI_CHECK_SERVER_TIMING_H

#include "base/base.h"
#include "rind/rind.h"

#define RIND_SERVER_TIMING_TEXT_SIZE 384u

/*
 * The value of parameter `parameter` of the metric `metric` in one header, unquoted, printable
 * characters only, cut to `size` with its NUL. False if it is not there.
 */
bool rind_server_timing_find(const char *header, const char *metric, const char *parameter,
                             char *text, size_t size);

/* All that the answer's headers say, for people: "cdn-pop AMS, cdn-rid 42"; "" if nothing. */
void rind_server_timing_describe(const struct rind_https_exchange *exchange,
                                 char text[static RIND_SERVER_TIMING_TEXT_SIZE]);

#endif
