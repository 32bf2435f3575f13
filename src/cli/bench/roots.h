/*
 * roots.h - certificates from files, DER or PEM, in the one PEM file that librind's transport
 * takes.
 */
#ifndef RIND_CLI_BENCH_ROOTS_H
#define RIND_CLI_BENCH_ROOTS_H

#include "base/base.h"

#define RIND_ROOTS_PATH_SIZE_MAX 1024u
#define RIND_ROOTS_FILE_SIZE_MAX 1048576u

struct rind_roots {
    char path[RIND_ROOTS_PATH_SIZE_MAX]; /* a temporary file; "" if there are no roots */
};

/* The sentence names the file that is no certificate. On failure nothing is left behind. */
rind_status rind_roots_open(struct rind_ctx *ctx, const char *const *files, size_t file_count,
                            struct rind_roots *roots) RIND_MUST_USE;

/* Removes the file. */
void rind_roots_close(struct rind_roots *roots);

#endif
