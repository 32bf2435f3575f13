/* state_file.c - see state_file.h. */
#include "platform/software/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host/host.h"
#include "hsm/hsm.h"

#define STATE_FILE_MODE 0600
#define STATE_DIRECTORY_MODE 0700

/* Room to read the largest state, one byte to notice a larger one, and alignment. */
#define STATE_FILE_SCRATCH_SIZE (RIND_HSM_NVRAM_SIZE_BYTES_MAX + 64u)

/* Names that end so belong to the files beside another HSM's state: its lock and its next state. */
static bool state_file_name_is_reserved(const char *name)
{
    static const char *const endings[] = {".lock", ".new"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t size = strlen(endings[i]);
        size_t length = strlen(name);
        if (length >= size && strcmp(name + length - size, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool state_file_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    return length >= 1 && length <= RIND_STATE_FILE_NAME_SIZE_MAX && name[0] != '.' &&
           strchr(name, '/') == NULL && !state_file_name_is_reserved(name);
}

/* Whoever can put an older file there gives guesses back. */
static rind_status state_file_check_owner(struct rind_ctx *ctx, const char *directory)
{
    struct stat about;
    RIND_REQUIRE(ctx, stat(directory, &about) == 0, RIND_E_IO,
                 "--state-dir cannot be used: could not look at %s: %s", directory,
                 strerror(errno));
    RIND_REQUIRE(ctx, (about.st_mode & (S_IWGRP | S_IWOTH)) == 0, RIND_E_INVALID,
                 "--state-dir %s can be written by others than its owner (mode %03o); chmod go-w "
                 "it, after asking who may have changed it",
                 directory, (unsigned)about.st_mode & 0777u);
    return RIND_OK;
}

static rind_status state_file_open_with(struct rind_ctx *ctx, const char *directory,
                                        const char *name, struct rind_state_file *file)
{
    RIND_REQUIRE(ctx, state_file_name_is_valid(name), RIND_E_INVALID,
                 "the name of the HSM is also the name of its state file: it must have 1 to %u "
                 "characters, no slash, not start with a dot, and not end in .lock or .new; choose "
                 "another --name",
                 RIND_STATE_FILE_NAME_SIZE_MAX);
    int length = snprintf(file->path, sizeof(file->path), "%s/%s", directory, name);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(file->path), RIND_E_INVALID,
                 "the path of the state file has more than %u characters; choose a shorter "
                 "--state-dir",
                 RIND_STATE_FILE_PATH_SIZE_MAX);
    rind_status status = rind_directory_make(ctx, directory, STATE_DIRECTORY_MODE);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, status, "--state-dir cannot be used");
    }
    RIND_TRY(state_file_check_owner(ctx, directory));
    char lock_path[sizeof(file->path) + 8];
    (void)snprintf(lock_path, sizeof(lock_path), "%s.lock", file->path);
    status = rind_file_lock(ctx, lock_path, &file->lock_fd);
    return rind_is_ok(status)
               ? RIND_OK
               : rind_fail_while(ctx, status,
                                 "state file %s cannot be used (a second HSM needs another "
                                 "--name)",
                                 file->path);
}

rind_status rind_state_file_open(struct rind_ctx *ctx, const char *directory, const char *name,
                                 struct rind_state_file *file)
{
    *file = (struct rind_state_file){.lock_fd = -1};
    return state_file_open_with(ctx, directory, name, file);
}

static rind_status state_file_read_with(struct rind_ctx *ctx, struct rind_ctx *read_ctx,
                                        const struct rind_state_file *file,
                                        struct rind_buffer *data)
{
    struct rind_slice content;
    rind_status status =
        rind_file_read(read_ctx, file->path, RIND_HSM_NVRAM_SIZE_BYTES_MAX, &content);
    if (rind_is(status, RIND_E_NOT_FOUND)) {
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, !rind_is(status, RIND_E_LIMIT), RIND_E_CORRUPT,
                 "%s is larger than the %u bytes a state file can have, so it is none; name "
                 "another one",
                 file->path, RIND_HSM_NVRAM_SIZE_BYTES_MAX);
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_IO,
                 "IO Error reading state from %s: %s; make it readable for this user", file->path,
                 read_ctx->sentence);
    RIND_REQUIRE(ctx, content.length > 0, RIND_E_CORRUPT,
                 "%s is empty, so the state of this HSM is lost; remove it to start over as a new "
                 "HSM, and never restore an older one",
                 file->path);
    rind_buffer_append(data, content);
    RIND_ASSERT(!data->is_overflown);
    return RIND_OK;
}

rind_status rind_state_file_read(struct rind_ctx *ctx, const struct rind_state_file *file,
                                 struct rind_buffer *data)
{
    uint8_t scratch[STATE_FILE_SCRATCH_SIZE];
    struct rind_arena arena;
    rind_arena_init(&arena, scratch, sizeof(scratch));
    struct rind_ctx read_ctx;
    rind_ctx_init(&read_ctx, &arena);
    return state_file_read_with(ctx, &read_ctx, file, data);
}

rind_status rind_state_file_write(struct rind_ctx *ctx, const struct rind_state_file *file,
                                  struct rind_slice data)
{
    RIND_REQUIRE(ctx, data.length <= RIND_HSM_NVRAM_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "data with %zu bytes is larger than allowed maximum of %u", data.length,
                 RIND_HSM_NVRAM_SIZE_BYTES_MAX);
    rind_status status = rind_file_replace(ctx, file->path, data, STATE_FILE_MODE);
    return rind_is_ok(status)
               ? RIND_OK
               : rind_fail_while(ctx, status, "IO Error writing to state file %s", file->path);
}

void rind_state_file_close(struct rind_state_file *file)
{
    if (file->lock_fd >= 0) {
        rind_file_unlock(file->lock_fd);
    }
    file->lock_fd = -1;
}
