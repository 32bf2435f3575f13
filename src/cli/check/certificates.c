/* certificates.c - see certificates.h. */
#include "cli/check/certificates.h"

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CERTIFICATES_PEM_PREFIX "Cert:"
#define CERTIFICATES_MS_PER_DAY 86400000.0

struct rind_certificates {
    struct rind_certificates_options options;
    size_t count;
    struct rind_certificate_look looks[RIND_REALMS_MAX];
    uint64_t looked_ns[RIND_REALMS_MAX]; /* monotonic clock; 0: not seen yet */
};

/* ---- judging ---- */

double rind_certificate_days(int64_t expiry_unix_s, uint64_t now_unix_ms)
{
    return ((double)expiry_unix_s * 1000.0 - (double)now_unix_ms) / CERTIFICATES_MS_PER_DAY;
}

bool rind_certificate_is_bad(const struct rind_certificate_look *look, uint64_t now_unix_ms,
                             char *sentence, size_t size)
{
    if (!look->has_expiry) {
        (void)snprintf(sentence, size, "no certificate was seen at %s: %s", look->url,
                       look->reason);
        return true;
    }
    double days = rind_certificate_days(look->expiry_unix_s, now_unix_ms);
    if (days > RIND_CERTIFICATE_DAYS_OVER) {
        return false;
    }
    if (days > 0) {
        (void)snprintf(sentence, size, "the certificate of %s expires in %.1f days", look->url,
                       days);
    } else {
        (void)snprintf(sentence, size, "the certificate of %s expired %.1f days ago", look->url,
                       -days);
    }
    return true;
}

static void certificates_report(const struct rind_certificates *certificates,
                                const struct rind_certificate_look *look)
{
    const struct rind_log *log = certificates->options.log;
    double days = rind_certificate_days(look->expiry_unix_s, rind_clock_unix_ms());
    const struct rind_tag tags[] = {{"url", look->url}};
    rind_metrics_gauge_decimal(certificates->options.metrics,
                               "service_checker.tls_cert.remaining_days", days, tags, 1);
    if (days > RIND_CERTIFICATE_DAYS_GOOD) {
        RIND_LOG_INFO(log, "the certificate of %s is good for %.1f days", look->url, days);
    } else if (days > RIND_CERTIFICATE_DAYS_LOW) {
        RIND_LOG_WARN(log, "the certificate of %s is good for %.1f days", look->url, days);
    } else {
        RIND_LOG_ERROR(log, "the certificate of %s is good for %.1f days", look->url, days);
    }
}

/* ---- looking ---- */

/* libcurl's callback: nobody reads the page. */
static size_t certificates_drop(char *bytes, size_t one, size_t size, void *self)
{
    (void)bytes;
    (void)one; /* always 1 */
    (void)self;
    return size;
}

/* libcurl has seen the server's certificate first of the chain. */
static const char *certificates_pem(CURL *handle)
{
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1) {
        return NULL;
    }
    for (const struct curl_slist *at = info->certinfo[0]; at != NULL; at = at->next) {
        if (strncmp(at->data, CERTIFICATES_PEM_PREFIX, strlen(CERTIFICATES_PEM_PREFIX)) == 0) {
            return at->data + strlen(CERTIFICATES_PEM_PREFIX);
        }
    }
    return NULL;
}

static bool certificates_read_expiry(const char *pem, int64_t *expiry_unix_s)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0;
    int seconds = 0;
    bool is_read = certificate != NULL && epoch != NULL &&
                   ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1;
    *expiry_unix_s = (int64_t)days * 86400 + seconds;
    ASN1_TIME_free(epoch);
    X509_free(certificate);
    (void)BIO_free(bio);
    return is_read;
}

static void certificates_fail(struct rind_certificate_look *look, const char *reason)
{
    size_t length = 0;
    for (; reason[length] != '\0' && length + 1 < sizeof(look->reason); length++) {
        bool is_printable = reason[length] >= ' ' && reason[length] <= '~';
        look->reason[length] = is_printable ? reason[length] : '?';
    }
    look->reason[length] = '\0';
    look->has_expiry = false;
}

static void certificates_fetch(struct rind_certificate_look *look, CURL *handle,
                               uint64_t timeout_ms)
{
    char reason[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_URL, look->url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(handle, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, certificates_drop);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
    CURLcode code = curl_easy_perform(handle);
    const char *pem = certificates_pem(handle); /* also if it was seen and nothing came after it */
    if (pem == NULL) {
        certificates_fail(look, reason[0] != '\0' ? reason : curl_easy_strerror(code));
    } else if (certificates_read_expiry(pem, &look->expiry_unix_s)) {
        look->has_expiry = true;
    } else {
        certificates_fail(look, "it cannot be read");
    }
}

/* A new connection each time: an old one shows the certificate of when it was made. */
static void certificates_look_at(struct rind_certificates *certificates, size_t index,
                                 struct rind_deadline deadline)
{
    struct rind_certificate_look *look = &certificates->looks[index];
    struct rind_deadline own =
        rind_deadline_min(deadline, rind_deadline_in_ns(certificates->options.timeout_ns));
    uint64_t timeout_ms = rind_deadline_remaining_ns(own) / RIND_NS_PER_MS;
    CURL *handle = timeout_ms > 0 ? curl_easy_init() : NULL;
    if (handle == NULL) {
        certificates_fail(look, timeout_ms > 0 ? "out of memory" : "the round's time is over");
        return;
    }
    certificates_fetch(look, handle, timeout_ms);
    curl_easy_cleanup(handle);
    if (look->has_expiry) {
        certificates->looked_ns[index] = rind_clock_monotonic_ns();
        certificates_report(certificates, look);
    } else {
        certificates->looked_ns[index] = 0; /* comes again with the next round */
        RIND_LOG_ERROR(certificates->options.log, "no certificate was seen at %s: %s", look->url,
                       look->reason);
    }
}

void rind_certificates_look(struct rind_certificates *certificates, struct rind_deadline deadline)
{
    for (size_t i = 0; i < certificates->count; i++) {
        uint64_t looked_ns = certificates->looked_ns[i];
        if (looked_ns == 0 ||
            rind_clock_monotonic_ns() - looked_ns >= RIND_CERTIFICATE_LOOK_INTERVAL_NS) {
            certificates_look_at(certificates, i, deadline);
        }
    }
}

size_t rind_certificates_count(const struct rind_certificates *certificates)
{
    return certificates->count;
}

const struct rind_certificate_look *
rind_certificates_get(const struct rind_certificates *certificates, size_t index)
{
    RIND_ASSERT(index < certificates->count);
    return &certificates->looks[index];
}

/* ---- opening ---- */

static void certificates_add(struct rind_certificates *certificates, const char *url)
{
    static const char tls[] = "https:";
    if (strncasecmp(url, tls, strlen(tls)) != 0) {
        return;
    }
    for (size_t i = 0; i < certificates->count; i++) {
        if (strcmp(certificates->looks[i].url, url) == 0) {
            return;
        }
    }
    certificates->looks[certificates->count++] = (struct rind_certificate_look){.url = url};
}

rind_status rind_certificates_open(struct rind_ctx *ctx,
                                   const struct rind_certificates_options *options,
                                   struct rind_certificates **certificates)
{
    RIND_REQUIRE(ctx, curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, RIND_E_INTERNAL,
                 "libcurl cannot be used");
    struct rind_certificates *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        curl_global_cleanup();
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for certificates");
    }
    opened->options = *options;
    size_t count = rind_configuration_realm_count(options->configuration);
    for (size_t i = 0; i < count; i++) {
        certificates_add(opened, rind_configuration_realm(options->configuration, i)->address);
    }
    *certificates = opened;
    return RIND_OK;
}

void rind_certificates_close(struct rind_certificates *certificates)
{
    if (certificates != NULL) {
        free(certificates);
        curl_global_cleanup();
    }
}
