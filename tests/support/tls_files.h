/* tls_files.h - self-signed key pairs in a temporary folder, made for one test. */
#ifndef RIND_TESTS_SUPPORT_TLS_FILES_H
#define RIND_TESTS_SUPPORT_TLS_FILES_H

#include <stdint.h>

enum tls_files_key {
    TLS_FILES_EC_PKCS8,
    TLS_FILES_EC_SEC1,
    TLS_FILES_RSA_PKCS1,
    TLS_FILES_ED25519
};

struct tls_files {
    char folder[64];
    char certificate[96]; /* PEM */
    char key[96];         /* PEM */
};

void tls_files_open(struct tls_files *files);
/* Writes a fresh pair for 127.0.0.1 and localhost; `days` from now, negative: expired. */
void tls_files_write(struct tls_files *files, enum tls_files_key kind, long serial, long days);
/* Replaces one file's contents. */
void tls_files_put(const char *path, const char *text);
/* Removes folder and files. */
void tls_files_close(struct tls_files *files);

#endif
