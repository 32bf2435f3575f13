/*
 * state_file.h - the NVRAM of a software HSM: one small file, replaced whole, durably.
 *
 * What is stored decides which HSM this is and how far it has captured each log, so a write must
 * survive a power cut before the core may go on, a torn write must never be read, and two processes
 * must never share a file (they would be two HSMs with one identity). Hence rind_file_replace
 * (host/file.h: new file, sync, rename, sync of the directory), and an exclusive lock on
 * `<name>.lock` for as long as the file is open.
 *
 * Not thread-safe. Spec: docs/spec/02-hsm-core.md sections 4.1 and 17 items 5 and 6.
 */
#ifndef RIND_PLATFORM_SOFTWARE_STATE_FILE_H
#define RIND_PLATFORM_SOFTWARE_STATE_FILE_H

#include "base/base.h"

/* Longest file name, leaving room for the suffixes beside it (file systems take 255). */
#define RIND_STATE_FILE_NAME_SIZE_MAX 200u
#define RIND_STATE_FILE_PATH_SIZE_MAX 3800u /* with suffixes below PATH_MAX */

struct rind_state_file {
    int lock_fd; /* -1 when closed */
    char path[RIND_STATE_FILE_PATH_SIZE_MAX + 1];
};

/*
 * Makes `directory` (with parents, mode 0700) if it is missing and takes the lock. The file itself
 * need not exist.
 *   RIND_E_INVALID  a name with a slash, empty, hidden or too long
 *   RIND_E_BUSY     another process has this state file open
 *   RIND_E_IO       anything the system refuses; a file where the directory should be
 */
rind_status rind_state_file_open(struct rind_ctx *ctx, const char *directory, const char *name,
                                 struct rind_state_file *file) RIND_MUST_USE;

/*
 * Appends the content, nothing if the file does not exist. RIND_E_CORRUPT if it is larger than any
 * state, or empty: nobody writes empty ones, so what was there is lost, and starting over as
 * another HSM is for an operator to decide.
 */
rind_status rind_state_file_read(struct rind_ctx *ctx, const struct rind_state_file *file,
                                 struct rind_buffer *data) RIND_MUST_USE;

/* Replaces the content. On failure the old one is still there, or the new one is. */
rind_status rind_state_file_write(struct rind_ctx *ctx, const struct rind_state_file *file,
                                  struct rind_slice data) RIND_MUST_USE;

/* Releases the lock. Closing twice is fine. */
void rind_state_file_close(struct rind_state_file *file);

#endif
