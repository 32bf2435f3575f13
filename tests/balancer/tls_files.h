/* tls_files.h - self-signed certificates for 127.0.0.1, made when a test needs them. */
#ifndef RIND_TESTS_BALANCER_TLS_FILES_H
#define RIND_TESTS_BALANCER_TLS_FILES_H

/* Writes a fresh P-256 key (PKCS#8) and a certificate for it; `serial` tells certificates apart. */
void tls_files_write(const char *certificate_path, const char *key_path, long serial);

#endif
