/*
 * file.h - whole files: read with a limit, replace atomically and durably, lock, make directories.
 *
 * Sentences name the path and the remedy, never the contents.
 */
#ifndef RIND_HOST_FILE_H
#define RIND_HOST_FILE_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/status.h"

/*
 * The file's bytes in ctx's arena, followed by a NUL that is not counted. RIND_E_NOT_FOUND if it
 * does not exist, RIND_E_LIMIT above `size_bytes_max`, RIND_E_IO otherwise. Regular files and
 * pipes alike.
 */
rind_status rind_file_read(struct rind_ctx *ctx, const char *path, size_t size_bytes_max,
                           struct rind_slice *bytes) RIND_MUST_USE;

/*
 * Replaces the file's contents: after a crash at any moment it holds the old bytes or the new ones,
 * and once this returned OK, the new ones. Writes <path>.new beside it, syncs, renames, syncs the
 * directory. `mode` such as 0600.
 */
rind_status rind_file_replace(struct rind_ctx *ctx, const char *path, struct rind_slice bytes,
                              unsigned mode) RIND_MUST_USE;

/* Creates the file, or fails with RIND_E_EXISTS; durable as replace. */
rind_status rind_file_create(struct rind_ctx *ctx, const char *path, struct rind_slice bytes,
                             unsigned mode) RIND_MUST_USE;

bool rind_file_exists(const char *path);

/* Makes the directory and its missing parents with `mode`; fine if it exists. */
rind_status rind_directory_make(struct rind_ctx *ctx, const char *path,
                                unsigned mode) RIND_MUST_USE;

/*
 * Takes an exclusive lock on `path` (created if missing) for the life of `*fd`, or fails with
 * RIND_E_BUSY naming the process that holds it. Released by rind_file_unlock or the process's end.
 */
rind_status rind_file_lock(struct rind_ctx *ctx, const char *path, int *fd) RIND_MUST_USE;
void rind_file_unlock(int fd);

#endif
