/* certificate.c - see certificate.h. */
#include "cli/realm/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "host/host.h"

#define CERTIFICATE_LIFETIME_S (30L * 86400L)
#define CERTIFICATE_BACKDATE_S (-3600L) /* clocks differ a little */

static bool certificate_add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool certificate_set_serial(X509 *certificate)
{
    uint8_t bytes[8];
    uint64_t serial = 1;
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    serial += rind_get_be64(bytes) >> 1; /* positive */
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1;
}

static bool certificate_fill(X509 *certificate, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           certificate_set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), CERTIFICATE_BACKDATE_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_LIFETIME_S) != NULL &&
           X509_set_pubkey(certificate, key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"localhost", -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 &&
           certificate_add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           certificate_add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           certificate_add_extension(certificate, NID_subject_alt_name,
                                     "DNS:localhost,IP:127.0.0.1") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* What `bio` holds goes to the file. */
static rind_status certificate_write(struct rind_ctx *ctx, BIO *bio, const char *path,
                                     unsigned mode)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    RIND_REQUIRE(ctx, size > 0, RIND_E_INTERNAL, "could not encode %s", path);
    rind_status status = rind_file_replace(ctx, path, rind_slice_make(data, (size_t)size), mode);
    (void)BIO_reset(bio);
    return status;
}

static rind_status certificate_write_all(struct rind_ctx *ctx, EVP_PKEY *key, X509 *certificate,
                                         BIO *bio, const char *key_file,
                                         const char *certificate_file, const char *der_file)
{
    RIND_REQUIRE(ctx, PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1,
                 RIND_E_INTERNAL, "could not encode the private key");
    RIND_TRY(certificate_write(ctx, bio, key_file, 0600));
    RIND_REQUIRE(ctx, PEM_write_bio_X509(bio, certificate) == 1, RIND_E_INTERNAL,
                 "could not encode the certificate");
    RIND_TRY(certificate_write(ctx, bio, certificate_file, 0644));
    RIND_REQUIRE(ctx, i2d_X509_bio(bio, certificate) == 1, RIND_E_INTERNAL,
                 "could not encode the certificate");
    return certificate_write(ctx, bio, der_file, 0644);
}

rind_status rind_certificate_make(struct rind_ctx *ctx, const char *key_file,
                                  const char *certificate_file, const char *der_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_secmem());
    rind_status status = rind_status_make(RIND_E_INTERNAL);
    if (key == NULL || certificate == NULL || bio == NULL || !certificate_fill(certificate, key)) {
        status = rind_fail(ctx, RIND_E_INTERNAL, "OpenSSL could not make a certificate");
    } else {
        status =
            certificate_write_all(ctx, key, certificate, bio, key_file, certificate_file, der_file);
    }
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return status;
}
