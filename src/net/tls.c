/* tls.c - see tls.h. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "host/arena_pool.h"
#include "host/file.h"
#include "host/thread.h"

#define TLS_FILE_SIZE_BYTES_MAX (1024u * 1024u)
#define TLS_CHAIN_LENGTH_MAX 16u

#define TLS_SUITES_1_3 "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
#define TLS_SUITES_1_2                                                                             \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"   \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS_GROUPS "X25519:P-256:P-384"

struct rind_tls {
    const char *certificate_file;
    const char *key_file;
    bool offers_http2;
    struct rind_log log;
    struct rind_mutex mutex; /* guards `context`; innermost */
    SSL_CTX *context;        /* counted by OpenSSL: sessions keep theirs alive */
};

/* The library's own reason for the last failure; empties its queue. */
static const char *tls_reason(void)
{
    unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    const char *reason = ERR_reason_error_string(error);
    return reason != NULL ? reason : "unknown reason";
}

/* Never asks on the terminal for the passphrase of an encrypted key. */
static int tls_no_passphrase(char *buffer, int size, int is_writing, void *self)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    *(bool *)self = true;
    return -1;
}

/* Server preference (spec 07 section 2.1); no common protocol ends the handshake. */
static int tls_select_protocol(SSL *session, const unsigned char **chosen, unsigned char *length,
                               const unsigned char *offered, unsigned offered_length, void *self)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    const struct rind_tls *tls = self;
    (void)session;
    const unsigned char *ours = tls->offers_http2 ? both : both + 3;
    unsigned ours_length = (unsigned)sizeof(both) - 1 - (tls->offers_http2 ? 0 : 3);
    unsigned char *found = NULL;
    int result = SSL_select_next_proto(&found, length, ours, ours_length, offered, offered_length);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static rind_status tls_add_chain(struct rind_ctx *ctx, SSL_CTX *context, BIO *pem, const char *path)
{
    for (unsigned i = 0; i < TLS_CHAIN_LENGTH_MAX; i++) {
        X509 *certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
        if (certificate == NULL) {
            bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
            RIND_REQUIRE(ctx, is_end, RIND_E_INVALID,
                         "certificate %u of TLS certificate file %s cannot be read: %s", i + 1,
                         path, tls_reason());
            ERR_clear_error();
            RIND_REQUIRE(ctx, i > 0, RIND_E_INVALID,
                         "TLS certificate file %s holds no certificate; it must be a PEM file with "
                         "the server's certificate first and then its issuers",
                         path);
            return RIND_OK;
        }
        long added = i == 0 ? SSL_CTX_use_certificate(context, certificate)
                            : SSL_CTX_add1_chain_cert(context, certificate);
        X509_free(certificate);
        RIND_REQUIRE(ctx, added == 1, RIND_E_INVALID,
                     "certificate %u of TLS certificate file %s cannot be used: %s", i + 1, path,
                     tls_reason());
    }
    return rind_fail(ctx, RIND_E_LIMIT, "TLS certificate file %s has more than %u certificates",
                     path, TLS_CHAIN_LENGTH_MAX);
}

static rind_status tls_add_key(struct rind_ctx *ctx, SSL_CTX *context, BIO *pem, const char *path)
{
    bool is_encrypted = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, tls_no_passphrase, &is_encrypted);
    if (is_encrypted) {
        EVP_PKEY_free(key);
        ERR_clear_error();
        return rind_fail(ctx, RIND_E_INVALID,
                         "the key in TLS key file %s is encrypted; store it without passphrase and "
                         "protect the file instead",
                         path);
    }
    RIND_REQUIRE(ctx, key != NULL, RIND_E_INVALID,
                 "TLS key file %s holds no readable private key (%s); it must be a PEM file with a "
                 "PRIVATE KEY block",
                 path, tls_reason());
    int used = SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    if (used != 1) {
        bool is_mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                           ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
        return rind_fail(ctx, RIND_E_INVALID,
                         is_mismatch ? "the key in TLS key file %s does not belong to the "
                                       "certificate (%s); give the two that were issued together"
                                     : "the key in TLS key file %s cannot be used: %s",
                         path, tls_reason());
    }
    return RIND_OK;
}

/* Reads a PEM file into memory that is wiped, and lets `add` take it from there. */
static rind_status tls_add_file(struct rind_ctx *ctx, SSL_CTX *context, const char *path,
                                rind_status (*add)(struct rind_ctx *ctx, SSL_CTX *context, BIO *pem,
                                                   const char *path))
{
    struct rind_arena *arena = NULL;
    RIND_TRY(rind_arena_map(ctx, TLS_FILE_SIZE_BYTES_MAX + 4096, &arena));
    struct rind_ctx file_ctx;
    rind_ctx_init(&file_ctx, arena);
    struct rind_slice bytes = {NULL, 0};
    rind_status status = rind_file_read(&file_ctx, path, TLS_FILE_SIZE_BYTES_MAX, &bytes);
    if (!rind_is_ok(status)) {
        status = rind_fail(ctx, (enum rind_code)status.code, "%s", file_ctx.sentence);
    } else {
        BIO *pem =
            BIO_new_mem_buf(bytes.length > 0 ? (const void *)bytes.data : "", (int)bytes.length);
        status = pem == NULL ? rind_fail(ctx, RIND_E_LIMIT, "no memory to read %s", path)
                             : add(ctx, context, pem, path);
        BIO_free(pem);
    }
    rind_arena_unmap(arena);
    return status;
}

static rind_status tls_configure(struct rind_ctx *ctx, const struct rind_tls *tls, SSL_CTX *context)
{
    static const unsigned char session_scope[] = "rind";
    bool is_set =
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_ciphersuites(context, TLS_SUITES_1_3) == 1 &&
        SSL_CTX_set_cipher_list(context, TLS_SUITES_1_2) == 1 &&
        SSL_CTX_set1_groups_list(context, TLS_GROUPS) == 1 &&
        SSL_CTX_set_session_id_context(context, session_scope, sizeof(session_scope) - 1) == 1;
    RIND_REQUIRE(ctx, is_set, RIND_E_INTERNAL,
                 "this OpenSSL lacks the required TLS suites or groups: %s", tls_reason());
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Idle connections give their 2 x 16 KiB of record buffers back. */
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Resumption by tickets, whose keys live and die with this context: nothing is cached here. */
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, tls_select_protocol, (void *)(uintptr_t)tls);
    /* One read(2) for all records that have come, instead of two for each. A connection is driven
     * until OpenSSL has nothing more, so that none is forgotten in its buffer. */
    SSL_CTX_set_read_ahead(context, 1);

    RIND_TRY(tls_add_file(ctx, context, tls->certificate_file, tls_add_chain));
    RIND_TRY(tls_add_file(ctx, context, tls->key_file, tls_add_key));
    RIND_REQUIRE(ctx, SSL_CTX_check_private_key(context) == 1, RIND_E_INVALID,
                 "the key in TLS key file %s does not belong to the certificate in %s (%s); give "
                 "the two that were issued together",
                 tls->key_file, tls->certificate_file, tls_reason());
    return RIND_OK;
}

static rind_status tls_load(struct rind_ctx *ctx, const struct rind_tls *tls, SSL_CTX **loaded)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    RIND_REQUIRE(ctx, context != NULL, RIND_E_LIMIT, "no memory for TLS: %s", tls_reason());
    rind_status status = tls_configure(ctx, tls, context);
    if (!rind_is_ok(status)) {
        SSL_CTX_free(context);
        return status;
    }
    /* Not refused: an outage that clients see must not become one that operators cannot end. */
    if (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(context))) < 0) {
        RIND_LOG_WARN(&tls->log, "TLS certificate %s has expired and clients refuse it; renew it",
                      tls->certificate_file);
    }
    *loaded = context;
    return RIND_OK;
}

rind_status rind_tls_open(struct rind_ctx *ctx, const char *certificate_file, const char *key_file,
                          bool offers_http2, const struct rind_log *log, struct rind_tls **tls)
{
    RIND_REQUIRE(ctx, key_file != NULL, RIND_E_INVALID,
                 "a TLS certificate needs its key: name the key file");
    struct rind_tls *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for TLS");
    made->certificate_file = certificate_file;
    made->key_file = key_file;
    made->offers_http2 = offers_http2;
    made->log = log != NULL ? *log : rind_log_make(NULL);
    rind_status status = tls_load(ctx, made, &made->context);
    if (!rind_is_ok(status)) {
        free(made);
        return status;
    }
    rind_mutex_init(&made->mutex);
    *tls = made;
    return RIND_OK;
}

void rind_tls_close(struct rind_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        rind_mutex_fini(&tls->mutex);
        free(tls);
    }
}

rind_status rind_tls_reload(struct rind_ctx *ctx, struct rind_tls *tls)
{
    SSL_CTX *loaded = NULL;
    rind_status status = tls_load(ctx, tls, &loaded);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, status, "the old TLS key and certificate stay in use");
    }
    rind_mutex_lock(&tls->mutex);
    SSL_CTX *old = tls->context;
    tls->context = loaded;
    rind_mutex_unlock(&tls->mutex);
    SSL_CTX_free(old);
    RIND_LOG_INFO(&tls->log, "loaded TLS certificate %s", tls->certificate_file);
    return RIND_OK;
}

SSL *rind_tls_new_session(struct rind_tls *tls, int fd)
{
    rind_mutex_lock(&tls->mutex);
    SSL_CTX *context = tls->context;
    int held = SSL_CTX_up_ref(context);
    rind_mutex_unlock(&tls->mutex);
    RIND_ASSERT(held == 1);
    SSL *session = SSL_new(context);
    SSL_CTX_free(context); /* the session holds it now */
    if (session != NULL && SSL_set_fd(session, fd) != 1) {
        SSL_free(session);
        session = NULL;
    }
    if (session != NULL) {
        SSL_set_accept_state(session);
    }
    ERR_clear_error();
    return session;
}

bool rind_tls_is_http2(const SSL *session)
{
    const unsigned char *protocol = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(session, &protocol, &length);
    return length == 2 && memcmp(protocol, "h2", 2) == 0;
}
