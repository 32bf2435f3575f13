/* software.c - see software.h. */
#include "software/software.h"

#include <stdlib.h>

#include "software/endpoints.h"

/* They wait for the disk or for Google; while they do, others join their commit. */
#define SOFTWARE_WORKERS (64u + RIND_SOFTWARE_LOG_WORKERS)
#define SOFTWARE_ARENA_SIZE (1024u * 1024)
#define SOFTWARE_BUFFERED_MAX (64u * 1024 * 1024)

struct rind_software {
    struct rind_software_endpoints endpoints;
    struct rind_server *server;
    bool has_tls;
};

_Static_assert(RIND_SOFTWARE_BODY_SIZE_MAX <= RIND_TENANT_LOG_BODY_SIZE_MAX,
               "the server takes the longer ones");

static rind_status software_open_tenant_log(struct rind_ctx *ctx, struct rind_software *software,
                                            const struct rind_software_options *options)
{
    const struct rind_tenant_log_options tenant_log = {.realm = options->realm,
                                                       .events = options->event_source,
                                                       .keys = options->keys,
                                                       .worker_threads = RIND_SOFTWARE_LOG_WORKERS,
                                                       .log = options->log,
                                                       .metrics = options->metrics};
    return options->event_source != NULL
               ? rind_tenant_log_new(ctx, &tenant_log, &software->endpoints.tenant_log)
               : RIND_OK;
}

static rind_status software_start(struct rind_ctx *ctx, struct rind_software *software,
                                  const struct rind_software_options *options)
{
    RIND_TRY(software_open_tenant_log(ctx, software, options));
    struct rind_server_options server = rind_server_options_default();
    server.listen = options->listen;
    server.handle = rind_software_endpoints_handle;
    server.self = &software->endpoints;
    server.name = "sw";
    server.log = options->log;
    server.metrics = options->metrics;
    server.tls_certificate_file = options->tls_certificate_file;
    server.tls_key_file = options->tls_key_file;
    server.http2 = RIND_SERVER_HTTP2_ALPN;
    server.worker_threads = SOFTWARE_WORKERS;
    server.body_size_bytes_max =
        options->event_source != NULL ? RIND_TENANT_LOG_BODY_SIZE_MAX : RIND_SOFTWARE_BODY_SIZE_MAX;
    server.buffered_bytes_max = SOFTWARE_BUFFERED_MAX;
    server.arena_size_bytes = SOFTWARE_ARENA_SIZE;
    server.idle_timeout_ns = options->idle_timeout_ns;
    return rind_server_open(ctx, &server, &software->server);
}

rind_status rind_software_open(struct rind_ctx *ctx, const struct rind_software_options *options,
                               struct rind_software **result)
{
    struct rind_software *software = calloc(1, sizeof(*software));
    RIND_REQUIRE(ctx, software != NULL, RIND_E_LIMIT, "out of memory for the realm");
    software->has_tls = options->tls_certificate_file != NULL;
    software->endpoints.records = (struct rind_software_records){
        .realm = options->realm, .store = options->store, .events = options->events};
    software->endpoints.keys = options->keys;
    software->endpoints.log = options->log;
    software->endpoints.metrics = options->metrics;
    rind_status status = software_start(ctx, software, options);
    if (!rind_is_ok(status)) {
        rind_software_close(software);
        return status;
    }
    *result = software;
    return RIND_OK;
}

struct rind_address rind_software_address(const struct rind_software *software)
{
    return rind_server_address(software->server);
}

rind_status rind_software_reload_tls(struct rind_ctx *ctx, struct rind_software *software)
{
    return software->has_tls ? rind_server_reload_tls(ctx, software->server) : RIND_OK;
}

rind_status rind_software_drain(struct rind_ctx *ctx, struct rind_software *software,
                                struct rind_deadline deadline)
{
    if (software->endpoints.tenant_log != NULL) {
        rind_tenant_log_stop(software->endpoints.tenant_log);
    }
    return rind_server_drain(ctx, software->server, deadline);
}

void rind_software_close(struct rind_software *software)
{
    if (software == NULL) {
        return;
    }
    if (software->endpoints.tenant_log != NULL) {
        rind_tenant_log_stop(software->endpoints.tenant_log); /* or closing waits for who waits */
    }
    rind_server_close(software->server);
    rind_tenant_log_close(software->endpoints.tenant_log);
    free(software);
}
