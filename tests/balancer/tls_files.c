/* tls_files.c - see tls_files.h. Files appear whole: written beside and renamed. */
#include "balancer/tls_files.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "support/test.h"

#define PATH_SIZE 512

static FILE *open_next(const char *path, char next[static PATH_SIZE])
{
    snprintf(next, PATH_SIZE, "%s.next", path);
    FILE *file = fopen(next, "w");
    assert_non_null(file);
    return file;
}

static void publish(FILE *file, const char *next, const char *path)
{
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, path), 0);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void tls_files_write(const char *certificate_path, const char *key_path, long serial)
{
    char next[PATH_SIZE];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    assert_non_null(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);

    FILE *file = open_next(key_path, next);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    publish(file, next, key_path);
    file = open_next(certificate_path, next);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    publish(file, next, certificate_path);
    X509_free(certificate);
    EVP_PKEY_free(key);
}
