/* flags.c - see flags.h. */
#include "cloud/flags.h"

/* Names of one service's flags, and what --help calls their values. */
struct google_names {
    const char *timeout;
    const char *connect_timeout;
    const char *keepalive_interval;
    const char *keepalive_timeout;
    const char *keepalive_while_idle;
    const char *timeout_value;
    const char *connect_timeout_value;
    const char *keepalive_interval_value;
    const char *keepalive_timeout_value;
};

static const struct google_names google_names[] = {
    [RIND_GOOGLE_BIGTABLE] = {"bigtable-timeout", "bigtable-connect-timeout",
                              "bigtable-http-keepalive-interval", "bigtable-http-keepalive-timeout",
                              "bigtable-http-keepalive-while-idle", "TIMEOUT", "CONNECT_TIMEOUT",
                              "HTTP2_KEEPALIVE_INTERVAL", "HTTP2_KEEPALIVE_TIMEOUT"},
    [RIND_GOOGLE_SECRETS_MANAGER] = {"secrets-manager-timeout", "secrets-manager-connect-timeout",
                                     "secrets-manager-http-keepalive-interval",
                                     "secrets-manager-http-keepalive-timeout",
                                     "secrets-manager-http-keepalive-while-idle",
                                     "SECRETS_MANAGER_TIMEOUT", "SECRETS_MANAGER_CONNECT_TIMEOUT",
                                     "SECRETS_MANAGER_HTTP2_KEEPALIVE_INTERVAL",
                                     "SECRETS_MANAGER_HTTP2_KEEPALIVE_TIMEOUT"},
    [RIND_GOOGLE_PUBSUB] = {"pubsub-timeout", "pubsub-connect-timeout",
                            "pubsub-http-keepalive-interval", "pubsub-http-keepalive-timeout",
                            "pubsub-http-keepalive-while-idle", "PUBSUB_TIMEOUT",
                            "PUBSUB_CONNECT_TIMEOUT", "PUBSUB_HTTP2_KEEPALIVE_INTERVAL",
                            "PUBSUB_HTTP2_KEEPALIVE_TIMEOUT"},
};

static struct rind_flag google_duration(const char *name, const char *value_name,
                                        const char *fallback, const char *help, uint64_t *value)
{
    struct rind_flag row = {.name = name,
                            .value_name = value_name,
                            .fallback = fallback,
                            .kind = RIND_FLAG_DURATION,
                            .min = RIND_NS_PER_MS,
                            .help = help,
                            .value = value};
    return row;
}

void rind_google_flag_rows(enum rind_google_service service, struct rind_google_flags *flags,
                           struct rind_flag rows[static RIND_GOOGLE_FLAG_ROWS])
{
    const struct google_names *names = &google_names[service];
    flags->keepalive_while_idle = true;
    rows[0] = google_duration(names->timeout, names->timeout_value, "20s",
                              "Time limit of a request.", &flags->timeout_ns);
    rows[1] = google_duration(names->connect_timeout, names->connect_timeout_value, "20s",
                              "Time limit of connecting.", &flags->connect_timeout_ns);
    rows[2] = google_duration(names->keepalive_interval, names->keepalive_interval_value, "4s",
                              "How often to ping over an open connection.",
                              &flags->keepalive_interval_ns);
    rows[3] = google_duration(names->keepalive_timeout, names->keepalive_timeout_value, "3s",
                              "Give a connection up when a ping is not answered for so long.",
                              &flags->keepalive_timeout_ns);
    rows[4] = (struct rind_flag){.name = names->keepalive_while_idle,
                                 .fallback = "true",
                                 .kind = RIND_FLAG_BOOL,
                                 .help = "Ping even without requests; always on.",
                                 .value = &flags->keepalive_while_idle};
}
