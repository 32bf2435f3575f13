/*
 * certificates.h - how long the certificates of realms are still good for.
 *
 * Spec 08 section 16. A look fetches the realm's address without any secret, and takes whatever
 * certificate the server shows: whether clients would trust it is what the users find out, and one
 * that has expired is to be reported with its date. One thread.
 */
#ifndef RIND_CLI_CHECK_CERTIFICATES_H
#define RIND_CLI_CHECK_CERTIFICATES_H

#include "base/base.h"
#include "host/host.h"
#include "rind/rind.h"

#define RIND_CERTIFICATE_LOOK_INTERVAL_NS (300u * RIND_NS_PER_S) /* at most every five minutes */
#define RIND_CERTIFICATE_DAYS_GOOD 30.0                          /* more are an INFO */
#define RIND_CERTIFICATE_DAYS_LOW 20.0 /* more are a WARN, fewer an ERROR */
#define RIND_CERTIFICATE_DAYS_OVER 5.0 /* as many or fewer fail the round */

/* One server. Several realms may be behind one address. */
struct rind_certificate_look {
    const char *url; /* borrowed from the configuration */
    bool has_expiry; /* a certificate was seen */
    int64_t expiry_unix_s;
    char reason[RIND_TRANSPORT_REASON_SIZE]; /* without: why none was seen */
};

struct rind_certificates; /* opaque */

struct rind_certificates_options {
    const struct rind_configuration *configuration;
    uint64_t timeout_ns; /* of one look */
    struct rind_metrics *metrics;
    const struct rind_log *log;
};

/* All pointers must outlive it. Realms without TLS have nothing to look at. */
rind_status rind_certificates_open(struct rind_ctx *ctx,
                                   const struct rind_certificates_options *options,
                                   struct rind_certificates **certificates) RIND_MUST_USE;
/* NULL is allowed. */
void rind_certificates_close(struct rind_certificates *certificates);

/* Looks at those not seen within RIND_CERTIFICATE_LOOK_INTERVAL_NS, until the deadline. */
void rind_certificates_look(struct rind_certificates *certificates, struct rind_deadline deadline);

size_t rind_certificates_count(const struct rind_certificates *certificates);
const struct rind_certificate_look *
rind_certificates_get(const struct rind_certificates *certificates, size_t index);

/* Days and fractions of a day until it expires; negative once it has. */
double rind_certificate_days(int64_t expiry_unix_s, uint64_t now_unix_ms);

/* True, with a sentence, if this one fails the round: not seen, or about to expire. */
bool rind_certificate_is_bad(const struct rind_certificate_look *look, uint64_t now_unix_ms,
                             char *sentence, size_t size);

#endif
