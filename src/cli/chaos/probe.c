/* probe.c - see probe.h. */
#include "cli/chaos/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct probe {
    struct rind_chaos_probes *probes;
    char name[RIND_CHAOS_NAME_SIZE];
    char token[RIND_TOKEN_SIZE_MAX];
    struct rind_deadline token_until;
    struct rind_user *client;
    struct rind_thread thread;
    struct rind_deadline deadline;
    uint64_t answered_ns; /* 0: not yet */
    char sentence[RIND_SENTENCE_SIZE];
};

struct rind_chaos_probes {
    const struct rind_chaos_load_options *options;
    struct rind_https *https;
    struct probe items[RIND_CHAOS_PROBES];
};

/* One thread at a time asks for it: the probe's. */
static bool probe_get_token(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                            size_t jwt_size)
{
    struct probe *probe = self;
    const struct rind_chaos_load_options *options = probe->probes->options;
    (void)realm_id;
    if (rind_deadline_has_expired(probe->token_until)) {
        if (!options->make_token(options->make_token_self, &options->realm, probe->name,
                                 probe->token, sizeof(probe->token))) {
            return false;
        }
        probe->token_until = rind_deadline_in_ms(RIND_CHAOS_TOKEN_REUSE_MS);
    }
    size_t size = strlen(probe->token) + 1;
    if (size > jwt_size) {
        return false;
    }
    memcpy(jwt, probe->token, size);
    return true;
}

static void probe_run(void *self)
{
    struct probe *probe = self;
    while (!rind_deadline_has_expired(probe->deadline)) {
        struct rind_failure failure;
        struct rind_recovered recovered;
        enum rind_error error = rind_user_recover(probe->client, RIND_TEXT("probe"),
                                                  RIND_TEXT("probe"), &recovered, &failure);
        if (error == RIND_ERROR_NOT_REGISTERED) {
            probe->answered_ns = rind_clock_monotonic_ns();
            return;
        }
        memcpy(probe->sentence, failure.sentence, sizeof(probe->sentence));
        (void)usleep(RIND_CHAOS_PROBE_PAUSE_MS * 1000); /* the next question, not a wait for it */
    }
}

rind_status rind_chaos_probes_open(struct rind_ctx *ctx,
                                   const struct rind_chaos_load_options *options,
                                   struct rind_chaos_probes **probes)
{
    char why[RIND_SENTENCE_SIZE];
    struct rind_chaos_probes *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for probes");
    *probes = made; /* whatever was made is closed by the caller */
    made->options = options;
    const struct rind_https_options https_options = {.ca_file = options->certificate_pem,
                                                     .is_plain_http_allowed = true};
    made->https = rind_https_new(&https_options, why);
    RIND_REQUIRE(ctx, made->https != NULL, RIND_E_INTERNAL, "%s", why);
    for (size_t i = 0; i < RIND_CHAOS_PROBES; i++) {
        struct probe *probe = &made->items[i];
        const struct rind_user_options user_options = {
            .configuration = options->configurations[i % options->configuration_count],
            .token_get = probe_get_token,
            .token_self = probe,
            .transport = rind_https_transport(made->https),
            .request_timeout_ms = RIND_CHAOS_REQUEST_TIMEOUT_MS};
        probe->probes = made;
        (void)snprintf(probe->name, sizeof(probe->name), "probe-%" PRIx64 "-%zu",
                       rind_clock_unix_ms(), i);
        probe->client = rind_user_new(&user_options, why);
        RIND_REQUIRE(ctx, probe->client != NULL, RIND_E_INTERNAL, "%s", why);
    }
    return RIND_OK;
}

void rind_chaos_probes_close(struct rind_chaos_probes *probes)
{
    if (probes == NULL) {
        return;
    }
    for (size_t i = 0; i < RIND_CHAOS_PROBES; i++) {
        rind_user_free(probes->items[i].client);
    }
    rind_https_free(probes->https);
    free(probes);
}

rind_status rind_chaos_probes_await(struct rind_ctx *ctx, struct rind_chaos_probes *probes,
                                    struct rind_deadline deadline, uint64_t *resumed_ns)
{
    rind_status status = RIND_OK;
    for (size_t i = 0; i < RIND_CHAOS_PROBES && rind_is_ok(status); i++) {
        struct probe *probe = &probes->items[i];
        probe->answered_ns = 0;
        probe->deadline = deadline;
        status = rind_thread_start(ctx, &probe->thread, "chaos-probe", probe_run, probe);
    }
    for (size_t i = 0; i < RIND_CHAOS_PROBES; i++) {
        rind_thread_join(&probes->items[i].thread);
    }
    RIND_TRY(status);
    uint64_t last_ns = 0;
    for (size_t i = 0; i < RIND_CHAOS_PROBES; i++) {
        const struct probe *probe = &probes->items[i];
        RIND_REQUIRE(ctx, probe->answered_ns != 0, RIND_E_TIMEOUT,
                     "the realm does not serve again: %s", probe->sentence);
        last_ns = probe->answered_ns > last_ns ? probe->answered_ns : last_ns;
    }
    *resumed_ns = last_ns;
    return RIND_OK;
}
