/*
 * certificate.h - a self-signed certificate for localhost, for realms on this machine.
 *
 * P-256 with SHA-256, 30 days, for "localhost" and 127.0.0.1: what a client on the same machine
 * needs, made in milliseconds (RFC 5280; docs/spec/08-cluster.md section 18.2).
 */
#ifndef RIND_CLI_REALM_CERTIFICATE_H
#define RIND_CLI_REALM_CERTIFICATE_H

#include "base/base.h"

/*
 * Makes key (PKCS#8, mode 0600) and certificate and writes `key_file` and `certificate_file` (PEM)
 * and `der_file`. Existing files are replaced.
 */
rind_status rind_certificate_make(struct rind_ctx *ctx, const char *key_file,
                                  const char *certificate_file, const char *der_file) RIND_MUST_USE;

#endif
