/* roots.c - see roots.h. */
#include "cli/bench/roots.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/host.h"

/* Certificates of one file: PEM ones, as many as there are, or a single DER one. */
static rind_status roots_copy(struct rind_ctx *ctx, const char *file, BIO *out)
{
    struct rind_slice bytes;
    size_t count = 0;
    X509 *certificate;
    RIND_TRY(rind_file_read(ctx, file, RIND_ROOTS_FILE_SIZE_MAX, &bytes));
    BIO *in = BIO_new_mem_buf(bytes.data, (int)bytes.length);
    RIND_REQUIRE(ctx, in != NULL, RIND_E_LIMIT, "no memory for certificates");
    bool is_written = true;
    while ((certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        is_written = is_written && PEM_write_bio_X509(out, certificate) == 1;
        X509_free(certificate);
        count++;
    }
    (void)BIO_free(in);
    const uint8_t *at = bytes.data;
    if (count == 0 && (certificate = d2i_X509(NULL, &at, (long)bytes.length)) != NULL) {
        is_written = PEM_write_bio_X509(out, certificate) == 1;
        X509_free(certificate);
        count++;
    }
    RIND_REQUIRE(ctx, count > 0, RIND_E_DECODE, "%s is no certificate, neither DER nor PEM", file);
    RIND_REQUIRE(ctx, is_written, RIND_E_IO, "cannot write certificates to a temporary file");
    return RIND_OK;
}

static rind_status roots_write(struct rind_ctx *ctx, const char *const *files, size_t file_count,
                               int fd)
{
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        (void)close(fd);
        return rind_fail(ctx, RIND_E_IO, "cannot write certificates to a temporary file");
    }
    BIO *out = BIO_new_fp(file, BIO_NOCLOSE);
    rind_status status =
        out != NULL ? RIND_OK : rind_fail(ctx, RIND_E_LIMIT, "no memory for certificates");
    for (size_t i = 0; rind_is_ok(status) && i < file_count; i++) {
        status = roots_copy(ctx, files[i], out);
    }
    (void)BIO_free(out);
    bool is_closed = fclose(file) == 0;
    RIND_TRY(status);
    RIND_REQUIRE(ctx, is_closed, RIND_E_IO, "cannot write certificates to a temporary file");
    return RIND_OK;
}

rind_status rind_roots_open(struct rind_ctx *ctx, const char *const *files, size_t file_count,
                            struct rind_roots *roots)
{
    *roots = (struct rind_roots){0};
    if (file_count == 0) {
        return RIND_OK;
    }
    const char *directory = getenv("TMPDIR");
    int length = snprintf(roots->path, sizeof(roots->path), "%s/rind-roots-XXXXXX",
                          directory != NULL && directory[0] != 0 ? directory : "/tmp");
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(roots->path), RIND_E_INVALID,
                 "the name of the directory for temporary files is too long");
    int fd = mkstemp(roots->path);
    if (fd < 0) {
        roots->path[0] = 0;
        return rind_fail(ctx, RIND_E_IO, "cannot make a temporary file: %s", strerror(errno));
    }
    rind_status status = roots_write(ctx, files, file_count, fd);
    if (!rind_is_ok(status)) {
        rind_roots_close(roots);
    }
    return status;
}

void rind_roots_close(struct rind_roots *roots)
{
    if (roots->path[0] != 0) {
        (void)unlink(roots->path);
        roots->path[0] = 0;
    }
}
