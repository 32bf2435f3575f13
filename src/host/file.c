/* file.c - see file.h. */
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

#define FILE_READ_CHUNK_BYTES 65536u

/* Reads to the end into the arena, growing by moving: the arena's last object only. */
static rind_status file_read_all(struct rind_ctx *ctx, int fd, const char *path,
                                 size_t size_bytes_max, struct rind_slice *bytes)
{
    struct stat about;
    RIND_REQUIRE(ctx, fstat(fd, &about) == 0, RIND_E_IO, "could not look at %s: %s", path,
                 strerror(errno));
    RIND_REQUIRE(ctx, !S_ISDIR(about.st_mode), RIND_E_IO, "%s is a directory, not a file", path);
    bool is_regular = S_ISREG(about.st_mode);
    RIND_REQUIRE(ctx, !is_regular || (uint64_t)about.st_size <= size_bytes_max, RIND_E_LIMIT,
                 "%s has %lld bytes, the limit is %zu", path, (long long)about.st_size,
                 size_bytes_max);
    /* One byte more than fits, to notice a file that grows; and room for the NUL. */
    size_t capacity = (is_regular ? (size_t)about.st_size : size_bytes_max) + 1;
    uint8_t *data = rind_ctx_alloc(ctx, capacity + 1);
    if (data == NULL) {
        return rind_fail(ctx, RIND_E_LIMIT, "no room to read %s", path);
    }
    size_t length = 0;
    while (length < capacity) {
        size_t want = capacity - length;
        want = want < FILE_READ_CHUNK_BYTES ? want : FILE_READ_CHUNK_BYTES;
        ssize_t got = read(fd, data + length, want);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        RIND_REQUIRE(ctx, got >= 0, RIND_E_IO, "could not read %s: %s", path, strerror(errno));
        if (got == 0) {
            data[length] = '\0';
            *bytes = rind_slice_make(data, length);
            return RIND_OK;
        }
        length += (size_t)got;
    }
    return is_regular ? rind_fail(ctx, RIND_E_IO, "%s grew while it was read; try again", path)
                      : rind_fail(ctx, RIND_E_LIMIT, "%s has more than the limit of %zu bytes",
                                  path, size_bytes_max);
}

rind_status rind_file_read(struct rind_ctx *ctx, const char *path, size_t size_bytes_max,
                           struct rind_slice *bytes)
{
    RIND_ASSERT(size_bytes_max < SIZE_MAX - 2);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno == ENOENT
                   ? rind_fail(ctx, RIND_E_NOT_FOUND, "there is no file %s", path)
                   : rind_fail(ctx, RIND_E_IO, "could not open %s: %s", path, strerror(errno));
    }
    rind_status status = file_read_all(ctx, fd, path, size_bytes_max, bytes);
    (void)close(fd);
    return status;
}

static rind_status file_write_all(struct rind_ctx *ctx, int fd, const char *path,
                                  struct rind_slice bytes)
{
    size_t done = 0;
    while (done < bytes.length) {
        ssize_t written = write(fd, bytes.data + done, bytes.length - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        RIND_REQUIRE(ctx, written > 0, RIND_E_IO, "could not write %s: %s", path,
                     written < 0 ? strerror(errno) : "nothing was written");
        done += (size_t)written;
    }
    RIND_REQUIRE(ctx, fsync(fd) == 0, RIND_E_IO, "could not sync %s to disk: %s", path,
                 strerror(errno));
    return RIND_OK;
}

/* Makes a rename or creation inside it durable. */
static rind_status file_sync_parent(struct rind_ctx *ctx, const char *path)
{
    char parent[PATH_MAX];
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    RIND_REQUIRE(ctx, length < sizeof(parent), RIND_E_LIMIT, "path %.100s... is too long", path);
    memcpy(parent, length == 0 ? "." : path, length == 0 ? 1 : length);
    parent[length == 0 ? 1 : length] = '\0';
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    RIND_REQUIRE(ctx, fd >= 0, RIND_E_IO, "could not open directory %s: %s", parent,
                 strerror(errno));
    int result = fsync(fd);
    int error = errno;
    (void)close(fd);
    /* Some file systems cannot sync directories and say EINVAL: nothing more can be done there. */
    RIND_REQUIRE(ctx, result == 0 || error == EINVAL, RIND_E_IO,
                 "could not sync directory %s to disk: %s", parent, strerror(error));
    return RIND_OK;
}

/* Opens with `flags`, writes, syncs, closes; removes the file again on failure. */
static rind_status file_write_new(struct rind_ctx *ctx, const char *path, int flags,
                                  struct rind_slice bytes, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, (mode_t)mode);
    if (fd < 0) {
        return errno == EEXIST
                   ? rind_fail(ctx, RIND_E_EXISTS, "%s exists already", path)
                   : rind_fail(ctx, RIND_E_IO, "could not create %s: %s", path, strerror(errno));
    }
    rind_status status = RIND_OK;
    if (fchmod(fd, (mode_t)mode) != 0) { /* a file left over may have another mode */
        status =
            rind_fail(ctx, RIND_E_IO, "could not set the mode of %s: %s", path, strerror(errno));
    }
    if (rind_is_ok(status)) {
        status = file_write_all(ctx, fd, path, bytes);
    }
    if (close(fd) != 0 && rind_is_ok(status)) {
        status = rind_fail(ctx, RIND_E_IO, "could not close %s: %s", path, strerror(errno));
    }
    if (!rind_is_ok(status)) {
        (void)unlink(path);
    }
    return status;
}

rind_status rind_file_replace(struct rind_ctx *ctx, const char *path, struct rind_slice bytes,
                              unsigned mode)
{
    char fresh[PATH_MAX];
    int length = snprintf(fresh, sizeof(fresh), "%s.new", path);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(fresh), RIND_E_LIMIT,
                 "path %.100s... is too long", path);
    RIND_TRY(file_write_new(ctx, fresh, O_TRUNC, bytes, mode));
    if (rename(fresh, path) != 0) {
        int error = errno;
        (void)unlink(fresh);
        return rind_fail(ctx, RIND_E_IO, "could not replace %s: %s", path, strerror(error));
    }
    return file_sync_parent(ctx, path);
}

rind_status rind_file_create(struct rind_ctx *ctx, const char *path, struct rind_slice bytes,
                             unsigned mode)
{
    RIND_TRY(file_write_new(ctx, path, O_EXCL, bytes, mode));
    return file_sync_parent(ctx, path);
}

bool rind_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

rind_status rind_directory_make(struct rind_ctx *ctx, const char *path, unsigned mode)
{
    char partial[PATH_MAX];
    size_t length = strlen(path);
    RIND_REQUIRE(ctx, length > 0 && length < sizeof(partial), RIND_E_INVALID,
                 "directory name is empty or too long");
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (partial[i] != '/' && partial[i] != '\0') {
            continue;
        }
        char after = partial[i];
        partial[i] = '\0';
        if (mkdir(partial, (mode_t)mode) != 0 && errno != EEXIST) {
            return rind_fail(ctx, RIND_E_IO, "could not make directory %s: %s", partial,
                             strerror(errno));
        }
        partial[i] = after;
    }
    struct stat about;
    RIND_REQUIRE(ctx, stat(path, &about) == 0 && S_ISDIR(about.st_mode), RIND_E_IO,
                 "%s exists but is not a directory", path);
    return RIND_OK;
}

rind_status rind_file_lock(struct rind_ctx *ctx, const char *path, int *fd)
{
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    RIND_REQUIRE(ctx, opened >= 0, RIND_E_IO, "could not open lock file %s: %s", path,
                 strerror(errno));
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        char owner[24] = "";
        ssize_t length = pread(opened, owner, sizeof(owner) - 1, 0);
        owner[length > 0 ? length : 0] = '\0';
        owner[strcspn(owner, "\n")] = '\0';
        (void)close(opened);
        return error == EWOULDBLOCK
                   ? rind_fail(ctx, RIND_E_BUSY,
                               "%s is locked by process %s; stop it or use another directory", path,
                               owner)
                   : rind_fail(ctx, RIND_E_IO, "could not lock %s: %s", path, strerror(error));
    }
    char text[24];
    int length = snprintf(text, sizeof(text), "%lld\n", (long long)getpid());
    /* Only for the sentence above: the lock itself is the kernel's. */
    if (ftruncate(opened, 0) != 0 || pwrite(opened, text, (size_t)length, 0) != length) {
        int error = errno;
        (void)close(opened);
        return rind_fail(ctx, RIND_E_IO, "could not write lock file %s: %s", path, strerror(error));
    }
    *fd = opened;
    return RIND_OK;
}

void rind_file_unlock(int fd)
{
    (void)close(fd);
}
