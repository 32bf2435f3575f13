/* options.c - see options.h. */
#include "agent/options.h"

#include <string.h>

#include "store/store.h"

/* The child HSM listens 10000 ports above the agent. */
#define OPTIONS_CHILD_PORT_OFFSET 10000u

static const char *const event_kinds[] = {"pubsub", "none", NULL};

bool rind_agent_flags_want_pubsub(const struct rind_agent_flags *flags)
{
    if (flags->events != NULL) {
        return strcmp(flags->events, "pubsub") == 0;
    }
    return strcmp(flags->store, "bigtable") == 0 || flags->pubsub.is_url_given;
}

bool rind_agent_flags_parse(struct rind_agent_flags *flags, int argc, char **argv, int *exit_status)
{
    *flags = (struct rind_agent_flags){0};
    bool is_store_given = false;
    const struct rind_flag agent_rows[] = {
        {.name = "listen",
         .letter = 'l',
         .value_name = "IP:PORT",
         .fallback = "127.0.0.1:8082",
         .kind = RIND_FLAG_ADDRESS,
         .help = "Address to serve on and to advertise to the realm's other services.",
         .value = &flags->listen},
        {.name = "name",
         .letter = 'n',
         .kind = RIND_FLAG_TEXT,
         .help = "Name of this agent in logs and status.",
         .show_fallback = "agent{listen}",
         .value = &flags->name,
         .is_given = &flags->is_name_given},
        {.name = "default-rate-limit",
         .fallback = "10",
         .kind = RIND_FLAG_U64,
         .help = "Requests per second of tenants that have no configured capacity.",
         .value = &flags->default_rate_limit},
        {.name = "persist-interval",
         .fallback = "0s",
         .kind = RIND_FLAG_DURATION,
         .help = "Rhythm in which the HSM persists what it has captured, aligned to the wall "
                 "clock; 100ms suits devices whose memory wears. 0s: as soon as something waits.",
         .value = &flags->persist_interval_ns},
        {.name = "keep-entries",
         .fallback = "200000",
         .kind = RIND_FLAG_U64,
         .max = UINT32_MAX,
         .help = "Log entries kept for HSMs of a group that are behind or away, so that they can "
                 "catch up by themselves. One that missed more needs a majority of the others.",
         .value = &flags->keep_entries},
        {.name = "worker-threads",
         .fallback = "64",
         .kind = RIND_FLAG_U64,
         .min = 4,
         .max = 512,
         .help = "Requests worked on at one time. Those that wait for their commit do not count.",
         .value = &flags->worker_threads},
    };
    const struct rind_flag store_rows[] = {
        {.name = "store",
         .value_name = "STORE",
         .environment = "RIND_STORE",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Where the realm is kept: lmdb:DIRECTORY, shared by all processes of this "
                 "machine, or bigtable.",
         .value = &flags->store,
         .is_given = &is_store_given},
        {.name = "merkle-cache-size",
         .fallback = "25000",
         .kind = RIND_FLAG_U64,
         .min = 1,
         .max = 100000000,
         .help = "Tree nodes kept in memory: concurrent requests times tree depth, at least.",
         .value = &flags->merkle_cache_size},
        {.name = "merkle-large-read-permits",
         .fallback = "10",
         .kind = RIND_FLAG_U64,
         .min = 1,
         .max = 10000,
         .help = "Large tree reads under way at one time.",
         .value = &flags->merkle_large_read_permits},
        {.name = "merkle-large-read-limit",
         .fallback = "246",
         .kind = RIND_FLAG_U64,
         .min = 1,
         .max = 257,
         .help = "Prefixes from which on a tree read counts as large.",
         .value = &flags->merkle_large_read_limit},
    };
    const struct rind_flag hsm_rows[] = {
        {.name = "key",
         .letter = 'k',
         .kind = RIND_FLAG_TEXT,
         .help = "Secret that the software HSM, started as a child, derives the realm's keys "
                 "from (insecure). Needed unless --hsm-url is given.",
         .value = &flags->key},
        {.name = "state-dir",
         .letter = 's',
         .value_name = "DIRECTORY",
         .kind = RIND_FLAG_TEXT,
         .help = "Where the software HSM keeps its state.",
         .show_fallback = "a new temporary directory",
         .value = &flags->state_dir},
        {.name = "hsm-url",
         .value_name = "URL",
         .kind = RIND_FLAG_URL,
         .help = "Use the HSM process that serves there instead of starting one.",
         .value = &flags->hsm_url,
         .is_given = &flags->is_hsm_url_given},
    };
    struct rind_flag event_rows[1 + RIND_PUBSUB_FLAG_ROWS] = {
        {.name = "events",
         .value_name = "WHERE",
         .kind = RIND_FLAG_CHOICE,
         .choices = event_kinds,
         .show_fallback = "pubsub with --store bigtable or with a URL of Pub/Sub, else none",
         .help = "Where tenants are told about their users' secrets: a client gets no answer "
                 "before the event is there.",
         .value = &flags->events},
    };
    rind_pubsub_flag_rows(&flags->pubsub, event_rows + 1);
    const struct rind_flag_table tables[] = {
        RIND_FLAG_TABLE(NULL, agent_rows),
        RIND_FLAG_TABLE("Store", store_rows),
        rind_bigtable_flags_table(&flags->bigtable),
        RIND_FLAG_TABLE("Tenant events", event_rows),
        RIND_FLAG_TABLE("HSM", hsm_rows),
    };
    const struct rind_command command = {
        .program = "rind-agent",
        .about = "Serves an HSM of a realm: feeds it the log, stores what it makes, commits.",
        .example = "rind-agent --store lmdb:/var/lib/rind/store --key example --state-dir hsm1",
        .tables = tables,
        .table_count = sizeof(tables) / sizeof(tables[0]),
    };
    if (!rind_flags_or_exit(&command, argc, argv, exit_status)) {
        return false;
    }
    *exit_status = RIND_EXIT_USAGE;
    if (!flags->is_hsm_url_given && (flags->key == NULL || flags->key[0] == '\0')) {
        fprintf(stderr, "rind-agent: --key or --hsm-url is needed\n");
        return false;
    }
    if (rind_address_port(&flags->listen) == 0) {
        fprintf(stderr, "rind-agent: --listen needs a port, for it is advertised as given\n");
        return false;
    }
    if (!flags->is_hsm_url_given &&
        rind_address_port(&flags->listen) > UINT16_MAX - OPTIONS_CHILD_PORT_OFFSET) {
        fprintf(stderr, "rind-agent: --listen needs a port of at most 55535, as the software HSM "
                        "serves 10000 above it\n");
        return false;
    }
    return true;
}
