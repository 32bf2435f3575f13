/* tls_files.c - see tls_files.h. */
#include "support/tls_files.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

void tls_files_open(struct tls_files *files)
{
    (void)snprintf(files->folder, sizeof(files->folder), "/tmp/rind-tls-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    (void)snprintf(files->certificate, sizeof(files->certificate), "%s/cert.pem", files->folder);
    (void)snprintf(files->key, sizeof(files->key), "%s/key.pem", files->folder);
}

static EVP_PKEY *tls_make_key(enum tls_files_key kind)
{
    switch (kind) {
    case TLS_FILES_EC_PKCS8:
    case TLS_FILES_EC_SEC1:
        return EVP_EC_gen("P-256");
    case TLS_FILES_RSA_PKCS1:
        return EVP_RSA_gen(2048);
    case TLS_FILES_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    return NULL;
}

static void tls_write_key(const char *path, EVP_PKEY *key, enum tls_files_key kind)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    bool is_traditional = kind == TLS_FILES_EC_SEC1 || kind == TLS_FILES_RSA_PKCS1;
    BIO *bio = BIO_new_fp(file, BIO_NOCLOSE);
    int written = is_traditional
                      ? PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL)
                      : PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    assert_int_equal(written, 1);
    BIO_free(bio);
    assert_int_equal(fclose(file), 0);
}

void tls_files_write(struct tls_files *files, enum tls_files_key kind, long serial, long days)
{
    EVP_PKEY *key = tls_make_key(kind);
    X509 *certificate = X509_new();
    assert_non_null(key);
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial), 1);
    long day = 86400;
    assert_non_null(
        X509_gmtime_adj(X509_getm_notBefore(certificate), (days < 0 ? 2 * days : -1) * day));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), days * day));
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"localhost", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    assert_non_null(names);
    assert_int_equal(X509_add_ext(certificate, names, -1), 1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(certificate, key, kind == TLS_FILES_ED25519 ? NULL : EVP_sha256()) > 0);

    FILE *file = fopen(files->certificate, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(fclose(file), 0);
    tls_write_key(files->key, key, kind);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void tls_files_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void tls_files_close(struct tls_files *files)
{
    (void)unlink(files->certificate);
    (void)unlink(files->key);
    (void)rmdir(files->folder);
}
