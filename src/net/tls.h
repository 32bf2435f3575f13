/*
 * tls.h - the server's side of TLS: one certificate chain and key, replaceable while serving.
 *
 * Spec 07 sections 2.1-2.3. Thread-safe but for open and close. For this room.
 */
#ifndef RIND_NET_TLS_H
#define RIND_NET_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/status.h"
#include "host/log.h"

struct rind_tls; /* opaque */

/* Loads the pair. `offers_http2`: ALPN h2 before http/1.1. File names are borrowed until close. */
rind_status rind_tls_open(struct rind_ctx *ctx, const char *certificate_file, const char *key_file,
                          bool offers_http2, const struct rind_log *log,
                          struct rind_tls **tls) RIND_MUST_USE;
/* NULL is allowed. */
void rind_tls_close(struct rind_tls *tls);

/* Loads the same files again; on failure the pair in use stays. */
rind_status rind_tls_reload(struct rind_ctx *ctx, struct rind_tls *tls) RIND_MUST_USE;

/* A server-side session over the socket, ready to accept; NULL without memory. */
SSL *rind_tls_new_session(struct rind_tls *tls, int fd);

/* True if the finished handshake chose HTTP/2. */
bool rind_tls_is_http2(const SSL *session);

#endif
