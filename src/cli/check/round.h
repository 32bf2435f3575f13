/*
 * round.h - one round of the checker: its users, the certificates, and what is told of it.
 *
 * Spec 08 section 16. The round's error is that of the first user (by number) who failed, then that
 * of the first certificate; if the time of the round is over, "timed out ..." comes before it.
 */
#ifndef RIND_CLI_CHECK_ROUND_H
#define RIND_CLI_CHECK_ROUND_H

#include "cli/check/certificates.h"
#include "cli/check/users.h"
#include "cli/command.h"

struct rind_check_round {
    uint64_t elapsed_ns;
    uint64_t ended_unix_ms;
    unsigned user_count;
    unsigned failed_count;
    char error[RIND_CHECK_TEXT_SIZE_MAX + sizeof(RIND_CHECK_TIMED_OUT) + 2]; /* "": all is well */
};

/* Runs one and fills `round`. Fails only if nothing can go on. */
rind_status rind_check_round_run(struct rind_ctx *ctx, struct rind_check_users *users,
                                 unsigned user_count, struct rind_certificates *certificates,
                                 uint64_t timeout_ns, struct rind_check_round *round) RIND_MUST_USE;

/* The service check healthcheck.register_recover. */
void rind_check_round_publish(const struct rind_check_round *round, struct rind_metrics *metrics);

/* Prints it for people, or as one line of JSON. */
void rind_check_round_print(const struct rind_check_round *round,
                            const struct rind_check_users *users,
                            const struct rind_certificates *certificates);
rind_status rind_check_round_print_json(struct rind_cli *cli, const struct rind_check_round *round,
                                        const struct rind_check_users *users, const char *user,
                                        const struct rind_certificates *certificates) RIND_MUST_USE;

#endif
