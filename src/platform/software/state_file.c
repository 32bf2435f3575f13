/* state_file.c - see state_file.h. */
#include "platform/software/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_FILE_MODE 0600
#define STATE_DIRECTORY_MODE 0700

struct state_file_name {
    char text[RIND_STATE_FILE_NAME_SIZE_MAX + 8];
};

static struct state_file_name state_file_beside(const char *name, const char *suffix)
{
    struct state_file_name beside;
    int length = snprintf(beside.text, sizeof(beside.text), "%s%s", name, suffix);
    RIND_ASSERT(length > 0 && (size_t)length < sizeof(beside.text));
    return beside;
}

/* Makes each missing directory of `path`, as mkdir -p does. */
static rind_status state_file_make_directories(struct rind_ctx *ctx, const char *path)
{
    char partial[RIND_STATE_FILE_PATH_SIZE_MAX + 1];
    size_t length = strlen(path);
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (partial[i] != '/' && partial[i] != '\0') {
            continue;
        }
        partial[i] = '\0';
        if (mkdir(partial, STATE_DIRECTORY_MODE) != 0 && errno != EEXIST) {
            return rind_fail(ctx, RIND_E_IO,
                             "cannot make the state directory %s: %s; make it by hand or name "
                             "another one with --state-dir",
                             partial, strerror(errno));
        }
        partial[i] = path[i];
    }
    return RIND_OK;
}

static rind_status state_file_open_directory(struct rind_ctx *ctx, const char *directory,
                                             struct rind_state_file *file)
{
    file->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory_fd < 0 && errno == ENOENT) {
        RIND_TRY(state_file_make_directories(ctx, directory));
        file->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    RIND_REQUIRE(ctx, file->directory_fd >= 0 || errno != ENOTDIR, RIND_E_INVALID,
                 "the state directory %s is not a directory; name another one with --state-dir",
                 directory);
    RIND_REQUIRE(ctx, file->directory_fd >= 0, RIND_E_IO,
                 "cannot open the state directory %s: %s; name another one with --state-dir",
                 directory, strerror(errno));
    return RIND_OK;
}

static rind_status state_file_lock(struct rind_ctx *ctx, struct rind_state_file *file)
{
    struct state_file_name lock = state_file_beside(file->name, ".lock");
    file->lock_fd = openat(file->directory_fd, lock.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                           STATE_FILE_MODE);
    RIND_REQUIRE(ctx, file->lock_fd >= 0, RIND_E_IO,
                 "cannot open the lock file %s.lock: %s; this user must be able to write there",
                 file->path, strerror(errno));
    if (flock(file->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, errno != EWOULDBLOCK, RIND_E_BUSY,
                 "another process is using the state file %s; stop it first, or give this HSM "
                 "another --name or --state-dir",
                 file->path);
    return rind_fail(ctx, RIND_E_IO, "cannot lock %s.lock: %s; the file system must support flock",
                     file->path, strerror(errno));
}

static rind_status state_file_open_with(struct rind_ctx *ctx, const char *directory,
                                        const char *name, struct rind_state_file *file)
{
    size_t name_length = strlen(name);
    RIND_REQUIRE(ctx,
                 name_length > 0 && name_length <= RIND_STATE_FILE_NAME_SIZE_MAX &&
                     strchr(name, '/') == NULL && name[0] != '.',
                 RIND_E_INVALID,
                 "the name is also the name of the state file: it must have 1 to %u characters, no "
                 "slash, and not start with a dot; choose another --name",
                 RIND_STATE_FILE_NAME_SIZE_MAX);
    size_t directory_length = strlen(directory);
    RIND_REQUIRE(ctx, directory_length > 0 && directory_length <= RIND_STATE_FILE_PATH_SIZE_MAX,
                 RIND_E_INVALID, "--state-dir must have 1 to %u characters",
                 RIND_STATE_FILE_PATH_SIZE_MAX);
    memcpy(file->name, name, name_length + 1);
    (void)snprintf(file->path, sizeof(file->path), "%s/%s", directory, name);
    RIND_TRY(state_file_open_directory(ctx, directory, file));
    return state_file_lock(ctx, file);
}

rind_status rind_state_file_open(struct rind_ctx *ctx, const char *directory, const char *name,
                                 struct rind_state_file *file)
{
    *file = (struct rind_state_file){.directory_fd = -1, .lock_fd = -1};
    rind_status status = state_file_open_with(ctx, directory, name, file);
    if (!rind_is_ok(status)) {
        rind_state_file_close(file);
    }
    return status;
}

static rind_status state_file_read_all(struct rind_ctx *ctx, const struct rind_state_file *file,
                                       int fd, struct rind_buffer *data)
{
    /* One byte more than allowed shows that the file is longer, whatever its size claims. */
    uint8_t content[RIND_STATE_FILE_SIZE_BYTES_MAX + 1];
    size_t length = 0;
    while (length < sizeof(content)) {
        ssize_t got = read(fd, content + length, sizeof(content) - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        RIND_REQUIRE(ctx, got >= 0, RIND_E_IO,
                     "IO Error reading state from %s: %s; repair the disk or restore the file",
                     file->path, strerror(errno));
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    RIND_REQUIRE(ctx, length <= RIND_STATE_FILE_SIZE_BYTES_MAX, RIND_E_CORRUPT,
                 "%s has more than the allowed maximum of %u bytes, so it is not a state file; "
                 "restore it or name another one",
                 file->path, RIND_STATE_FILE_SIZE_BYTES_MAX);
    rind_buffer_append(data, rind_slice_make(content, length));
    RIND_ASSERT(!data->is_overflown);
    return RIND_OK;
}

rind_status rind_state_file_read(struct rind_ctx *ctx, const struct rind_state_file *file,
                                 struct rind_buffer *data)
{
    int fd = openat(file->directory_fd, file->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, fd >= 0, RIND_E_IO,
                 "IO Error reading state from %s: %s; this user must be able to read it",
                 file->path, strerror(errno));
    rind_status status = state_file_read_all(ctx, file, fd, data);
    (void)close(fd);
    return status;
}

/* 0, or the errno of the step that failed. */
static int state_file_fill(int fd, struct rind_slice data)
{
    size_t written = 0;
    while (written < data.length) {
        ssize_t put = write(fd, data.data + written, data.length - written);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return errno;
        }
        written += (size_t)put;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

/* 0, or the errno of the step that failed. */
static int state_file_replace(const struct rind_state_file *file, struct rind_slice data)
{
    struct state_file_name fresh = state_file_beside(file->name, ".new");
    /* A leftover of a crash may have any mode and content: start from nothing. */
    if (unlinkat(file->directory_fd, fresh.text, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    int fd = openat(file->directory_fd, fresh.text,
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, STATE_FILE_MODE);
    if (fd < 0) {
        return errno;
    }
    int error = state_file_fill(fd, data);
    if (close(fd) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 &&
        renameat(file->directory_fd, fresh.text, file->directory_fd, file->name) != 0) {
        error = errno;
    }
    if (error != 0) {
        (void)unlinkat(file->directory_fd, fresh.text, 0);
        return error;
    }
    return fsync(file->directory_fd) == 0 ? 0 : errno;
}

rind_status rind_state_file_write(struct rind_ctx *ctx, const struct rind_state_file *file,
                                  struct rind_slice data)
{
    RIND_REQUIRE(ctx, data.length <= RIND_STATE_FILE_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "data with %zu bytes is larger than allowed maximum of %u", data.length,
                 RIND_STATE_FILE_SIZE_BYTES_MAX);
    int error = state_file_replace(file, data);
    RIND_REQUIRE(ctx, error == 0, RIND_E_IO,
                 "IO Error writing to state file %s: %s; free or repair the disk, the request can "
                 "be repeated",
                 file->path, strerror(error));
    return RIND_OK;
}

void rind_state_file_close(struct rind_state_file *file)
{
    if (file->lock_fd >= 0) {
        (void)close(file->lock_fd);
    }
    if (file->directory_fd >= 0) {
        (void)close(file->directory_fd);
    }
    file->lock_fd = -1;
    file->directory_fd = -1;
}
