/* round.c - see round.h. */
#include "cli/check/round.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/dates.h"

#define ROUND_SERVICE_CHECK "healthcheck.register_recover"
#define ROUND_FAILURES_PRINTED_MAX 10u

/* ---- judging ---- */

/* The first error by the order of users, then of certificates; false: there is none. */
static bool round_find_error(const struct rind_check_users *users,
                             const struct rind_certificates *certificates,
                             const struct rind_check_round *round, char *error, size_t size)
{
    for (unsigned i = 0; i < round->user_count; i++) {
        const char *failure = rind_check_users_failure(users, i);
        if (failure[0] != '\0') {
            (void)snprintf(error, size, "%s", failure);
            return true;
        }
    }
    for (size_t i = 0; i < rind_certificates_count(certificates); i++) {
        if (rind_certificate_is_bad(rind_certificates_get(certificates, i), round->ended_unix_ms,
                                    error, size)) {
            return true;
        }
    }
    return false;
}

static void round_judge(const struct rind_check_users *users,
                        const struct rind_certificates *certificates, bool is_over,
                        struct rind_check_round *round)
{
    char error[RIND_CHECK_TEXT_SIZE_MAX] = "";
    bool has_error = round_find_error(users, certificates, round, error, sizeof(error)) &&
                     strcmp(error, RIND_CHECK_TIMED_OUT) != 0;
    (void)snprintf(round->error, sizeof(round->error), "%s%s%s",
                   is_over ? RIND_CHECK_TIMED_OUT : "", is_over && has_error ? "; " : "",
                   has_error ? error : "");
}

rind_status rind_check_round_run(struct rind_ctx *ctx, struct rind_check_users *users,
                                 unsigned user_count, struct rind_certificates *certificates,
                                 uint64_t timeout_ns, struct rind_check_round *round)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    struct rind_deadline deadline = rind_deadline_in_ns(timeout_ns);
    RIND_TRY(rind_check_users_run(ctx, users, deadline));
    rind_certificates_look(certificates, deadline);
    bool is_over = rind_deadline_has_expired(deadline);
    *round = (struct rind_check_round){.elapsed_ns = rind_clock_monotonic_ns() - start_ns,
                                       .ended_unix_ms = rind_clock_unix_ms(),
                                       .user_count = user_count,
                                       .failed_count = rind_check_users_failed(users)};
    round_judge(users, certificates, is_over, round);
    return RIND_OK;
}

/* ---- telling ---- */

void rind_check_round_publish(const struct rind_check_round *round, struct rind_metrics *metrics)
{
    bool is_ok = round->error[0] == '\0';
    rind_metrics_service_check(metrics, ROUND_SERVICE_CHECK,
                               is_ok ? RIND_SERVICE_OK : RIND_SERVICE_CRITICAL,
                               is_ok ? NULL : round->error, NULL, 0);
}

static void round_print_certificate(const struct rind_certificate_look *look, uint64_t now_unix_ms)
{
    char text[RIND_CHECK_TEXT_SIZE_MAX];
    char date[RIND_CLI_TIME_TEXT_SIZE];
    if (rind_certificate_is_bad(look, now_unix_ms, text, sizeof(text))) {
        (void)printf("  %s\n", text);
        return;
    }
    (void)printf("  the certificate of %s is good for %.1f days, until %s\n", look->url,
                 rind_certificate_days(look->expiry_unix_s, now_unix_ms),
                 rind_cli_time_text((uint64_t)look->expiry_unix_s * 1000u, date));
}

static void round_print_failures(const struct rind_check_round *round,
                                 const struct rind_check_users *users)
{
    unsigned printed_count = 0;
    for (unsigned i = 0; i < round->user_count && printed_count < ROUND_FAILURES_PRINTED_MAX; i++) {
        const char *failure = rind_check_users_failure(users, i);
        if (failure[0] != '\0') {
            (void)printf("  user %u: %s\n", i + 1, failure);
            printed_count++;
        }
    }
    if (round->failed_count > printed_count) {
        (void)printf("  and %u more users\n", round->failed_count - printed_count);
    }
}

void rind_check_round_print(const struct rind_check_round *round,
                            const struct rind_check_users *users,
                            const struct rind_certificates *certificates)
{
    char date[RIND_CLI_TIME_TEXT_SIZE];
    bool is_ok = round->error[0] == '\0';
    uint64_t elapsed_ms = round->elapsed_ns / RIND_NS_PER_MS;
    (void)printf("%s  %s: %u of %u users registered, recovered and deleted in %" PRIu64 " ms%s%s\n",
                 rind_cli_time_text(round->ended_unix_ms, date), is_ok ? "OK" : "CRITICAL",
                 round->user_count - round->failed_count, round->user_count, elapsed_ms,
                 is_ok ? "" : "; ", round->error);
    round_print_failures(round, users);
    for (size_t i = 0; i < rind_certificates_count(certificates); i++) {
        round_print_certificate(rind_certificates_get(certificates, i), round->ended_unix_ms);
    }
    (void)fflush(stdout);
}

static json_t *round_json_failures(const struct rind_check_round *round,
                                   const struct rind_check_users *users, const char *user)
{
    json_t *failures = json_array();
    for (unsigned i = 0; i < round->user_count; i++) {
        const char *failure = rind_check_users_failure(users, i);
        char name[256];
        (void)snprintf(name, sizeof(name), "%s%u", user, i + 1);
        if (failure[0] != '\0') {
            (void)json_array_append_new(failures,
                                        json_pack("{s:s, s:s}", "user", name, "error", failure));
        }
    }
    return failures;
}

static json_t *round_json_certificates(const struct rind_check_round *round,
                                       const struct rind_certificates *certificates)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rind_certificates_count(certificates); i++) {
        const struct rind_certificate_look *look = rind_certificates_get(certificates, i);
        if (look->has_expiry) {
            (void)json_array_append_new(
                list, json_pack("{s:s, s:f, s:I}", "url", look->url, "remaining_days",
                                rind_certificate_days(look->expiry_unix_s, round->ended_unix_ms),
                                "expires_unix_s", (json_int_t)look->expiry_unix_s));
        } else {
            (void)json_array_append_new(
                list, json_pack("{s:s, s:s}", "url", look->url, "error", look->reason));
        }
    }
    return list;
}

rind_status rind_check_round_print_json(struct rind_cli *cli, const struct rind_check_round *round,
                                        const struct rind_check_users *users, const char *user,
                                        const struct rind_certificates *certificates)
{
    bool is_ok = round->error[0] == '\0';
    json_t *root =
        json_pack("{s:b, s:s?, s:I, s:I, s:I, s:I, s:o, s:o}", "ok", is_ok ? 1 : 0, "error",
                  is_ok ? NULL : round->error, "ended_unix_ms", (json_int_t)round->ended_unix_ms,
                  "elapsed_ms", (json_int_t)(round->elapsed_ns / RIND_NS_PER_MS), "users",
                  (json_int_t)round->user_count, "failed_users", (json_int_t)round->failed_count,
                  "failures", round_json_failures(round, users, user), "certificates",
                  round_json_certificates(round, certificates));
    RIND_TRY(rind_cli_print_json(cli, root));
    (void)fflush(stdout);
    return RIND_OK;
}
