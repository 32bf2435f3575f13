/* directory.c - see lmdb.h: every way in which a store's directory can be wrong, as a sentence. */
#include "store/lmdb/lmdb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DATA_FILE_SIZE_MIN 8192 /* LMDB's two meta pages; smaller: its creation was cut short */
/* Less room than this explains a write that was cut short. */
#define ROOM_LEFT_BYTES (1u << 20)
/* LMDB's lock file: a head below 256 bytes and 64 bytes per reader. */
#define LOCK_FILE_SIZE (256u + 64u * RIND_LMDB_READERS_MAX)

static const char *const directory_files[] = {"data.mdb", "lock.mdb", "changes"};
#define DIRECTORY_FILE_COUNT (sizeof(directory_files) / sizeof(directory_files[0]))

/* File systems on which LMDB's locks and maps do not work between machines (f_type of statfs). */
static const struct {
    uint32_t type;
    const char *name;
} network_file_systems[] = {
    {0x6969, "NFS"},      {0x517b, "SMB"},     {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"},
    {0x00c36400, "Ceph"}, {0x5346414f, "AFS"}, {0x01021997, "9P"},
};

rind_status rind_lmdb_fail(struct rind_ctx *ctx, const char *directory, int error,
                           const char *doing)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return rind_fail(
            ctx, RIND_E_LIMIT,
            "the disk of store %s is full (%s); make room on it and try again, nothing "
            "was damaged",
            directory, doing);
    case EFBIG:
        return rind_fail(ctx, RIND_E_LIMIT,
                         "%s/data.mdb may not grow further (%s); raise the file size limit "
                         "(ulimit -f) and try again, nothing was damaged",
                         directory, doing);
    case ENOMEM:
        return rind_fail(ctx, RIND_E_LIMIT, "no memory or address space for store %s (%s)",
                         directory, doing);
    case MDB_READERS_FULL:
        return rind_fail(ctx, RIND_E_BUSY, "%u reads of store %s are running already",
                         RIND_LMDB_READERS_MAX, directory);
    case MDB_INVALID:
        return rind_fail(ctx, RIND_E_CORRUPT,
                         "%s/data.mdb is not a store of Rind; name another directory", directory);
    case MDB_VERSION_MISMATCH:
        return rind_fail(ctx, RIND_E_CORRUPT,
                         "%s/data.mdb was made by another version of LMDB or on another kind of "
                         "machine; copy the store with the program that made it",
                         directory);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return rind_fail(ctx, RIND_E_CORRUPT,
                         "%s/data.mdb is damaged (%s); restore the store from a copy", directory,
                         doing);
    case MDB_PANIC:
        return rind_fail(ctx, RIND_E_IO,
                         "store %s met a disk error earlier; repair the disk and start this "
                         "process again",
                         directory);
    default:
        return rind_fail(ctx, RIND_E_IO, "store %s: %s: %s", directory, doing, mdb_strerror(error));
    }
}

static rind_status directory_path(struct rind_ctx *ctx, const char *directory, const char *file,
                                  char path[static PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%s/%s", directory, file);
    RIND_REQUIRE(ctx, size > 0 && size < PATH_MAX, RIND_E_INVALID,
                 "the path of store %.200s... is too long", directory);
    return RIND_OK;
}

/* LMDB calls a write that was cut short an input/output error. The better name: the disk is full,
 * or the file may not grow. */
static int directory_explain_short_write(const char *directory)
{
    struct statvfs file_system;
    if (statvfs(directory, &file_system) == 0 &&
        (uint64_t)file_system.f_bavail * file_system.f_frsize < ROOM_LEFT_BYTES) {
        return ENOSPC;
    }
    char path[PATH_MAX];
    struct stat file;
    struct rlimit limit;
    if (rind_is_ok(directory_path(NULL, directory, "data.mdb", path)) && stat(path, &file) == 0 &&
        getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (uint64_t)file.st_size + ROOM_LEFT_BYTES > limit.rlim_cur) {
        return EFBIG;
    }
    return EIO;
}

rind_status rind_lmdb_fail_commit(struct rind_ctx *ctx, const char *directory, int error,
                                  bool is_undone)
{
    if (error == EIO && is_undone) {
        error = directory_explain_short_write(directory);
    }
    rind_status status = rind_lmdb_fail(ctx, directory, error, "writing");
    if (is_undone) {
        return status;
    }
    return rind_fail_while(ctx, rind_status_make(RIND_E_UNKNOWN_OUTCOME), "committing");
}

/* Ours alone: right owner, nothing for group and others. */
static rind_status directory_check_access(struct rind_ctx *ctx, const char *path,
                                          const struct stat *found)
{
    RIND_REQUIRE(ctx, found->st_uid == geteuid(), RIND_E_DENIED,
                 "%s belongs to user %u, this process runs as %u; run it as the store's owner or "
                 "change the owner of the whole directory",
                 path, (unsigned)found->st_uid, (unsigned)geteuid());
    RIND_REQUIRE(ctx, (found->st_mode & 077) == 0, RIND_E_DENIED,
                 "%s is accessible to other users (mode %03o); chmod go-rwx it, after asking who "
                 "may have changed it",
                 path, (unsigned)(found->st_mode & 0777));
    return RIND_OK;
}

static bool directory_file_is_ours(const char *name)
{
    for (size_t i = 0; i < DIRECTORY_FILE_COUNT; i++) {
        if (strcmp(name, directory_files[i]) == 0) {
            return true;
        }
    }
    /* What a freshly made file system contains. */
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
}

/* A directory with other things in it is hardly meant: a store would be scattered among them. */
static rind_status directory_check_content(struct rind_ctx *ctx, const char *directory)
{
    DIR *listing = opendir(directory);
    RIND_REQUIRE(ctx, listing != NULL, RIND_E_IO, "cannot list store directory %s: %s", directory,
                 strerror(errno));
    char foreign[64] = "";
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (!directory_file_is_ours(entry->d_name)) {
            (void)snprintf(foreign, sizeof(foreign), "%.63s", entry->d_name);
            break;
        }
    }
    (void)closedir(listing);
    RIND_REQUIRE(ctx, foreign[0] == '\0', RIND_E_INVALID,
                 "%s holds no store but other files (%s); name an empty or new directory",
                 directory, foreign);
    return RIND_OK;
}

static rind_status directory_check_file(struct rind_ctx *ctx, const char *path, bool *exists)
{
    struct stat found;
    *exists = false;
    if (lstat(path, &found) != 0) {
        RIND_REQUIRE(ctx, errno == ENOENT, RIND_E_IO, "cannot look at %s: %s", path,
                     strerror(errno));
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, S_ISREG(found.st_mode), RIND_E_INVALID,
                 "%s is not a regular file, so this is no store of Rind", path);
    RIND_TRY(directory_check_access(ctx, path, &found));
    *exists = true;
    return RIND_OK;
}

static rind_status directory_check_data(struct rind_ctx *ctx, const char *directory)
{
    char path[PATH_MAX];
    bool exists;
    RIND_TRY(directory_path(ctx, directory, "data.mdb", path));
    RIND_TRY(directory_check_file(ctx, path, &exists));
    if (!exists) {
        return directory_check_content(ctx, directory);
    }
    struct stat found;
    RIND_REQUIRE(ctx, stat(path, &found) == 0, RIND_E_IO, "cannot look at %s: %s", path,
                 strerror(errno));
    RIND_REQUIRE(ctx, found.st_size == 0 || found.st_size >= DATA_FILE_SIZE_MIN, RIND_E_CORRUPT,
                 "%s has only %lld bytes: it is no store, or making it was cut short by a full "
                 "disk; remove it if it never held data",
                 path, (long long)found.st_size);
    return RIND_OK;
}

static rind_status directory_check_file_system(struct rind_ctx *ctx, const char *directory)
{
    struct statfs found;
    RIND_REQUIRE(ctx, statfs(directory, &found) == 0, RIND_E_IO, "cannot look at %s: %s", directory,
                 strerror(errno));
    for (size_t i = 0; i < sizeof(network_file_systems) / sizeof(network_file_systems[0]); i++) {
        RIND_REQUIRE(ctx, (uint32_t)found.f_type != network_file_systems[i].type, RIND_E_INVALID,
                     "store directory %s is on a network file system (%s); it must be on a disk of "
                     "this machine",
                     directory, network_file_systems[i].name);
    }
    return RIND_OK;
}

/* Opens (creating if needed) a file whose `size` bytes all have room on the disk: it will be
 * mapped, and a mapped hole on a full disk kills the process that touches it. */
static rind_status directory_open_reserved(struct rind_ctx *ctx, const char *directory,
                                           const char *file, size_t size, int *fd_out)
{
    char path[PATH_MAX];
    bool exists;
    RIND_TRY(directory_path(ctx, directory, file, path));
    RIND_TRY(directory_check_file(ctx, path, &exists));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    RIND_REQUIRE(ctx, fd >= 0, errno == ENOSPC ? RIND_E_LIMIT : RIND_E_IO, "cannot open %s: %s",
                 path, strerror(errno));
    int error = posix_fallocate(fd, 0, (off_t)size);
    if (error != 0) {
        (void)close(fd);
        return rind_lmdb_fail(ctx, directory, error, "reserving room for its lock files");
    }
    *fd_out = fd;
    return RIND_OK;
}

rind_status rind_lmdb_directory_open_changes(struct rind_ctx *ctx, const char *directory,
                                             size_t size, int *fd)
{
    return directory_open_reserved(ctx, directory, "changes", size, fd);
}

rind_status rind_lmdb_directory_prepare(struct rind_ctx *ctx, const char *directory)
{
    RIND_REQUIRE(ctx, directory[0] != '\0', RIND_E_INVALID,
                 "the store needs a directory: lmdb:DIRECTORY");
    if (mkdir(directory, 0700) != 0) {
        RIND_REQUIRE(ctx, errno == EEXIST, errno == ENOSPC ? RIND_E_LIMIT : RIND_E_IO,
                     "cannot create store directory %s: %s", directory, strerror(errno));
    }
    struct stat found;
    RIND_REQUIRE(ctx, stat(directory, &found) == 0, RIND_E_IO, "cannot look at %s: %s", directory,
                 strerror(errno));
    RIND_REQUIRE(ctx, S_ISDIR(found.st_mode), RIND_E_INVALID,
                 "%s is not a directory; a store needs one of its own", directory);
    RIND_TRY(directory_check_access(ctx, directory, &found));
    RIND_TRY(directory_check_file_system(ctx, directory));
    RIND_TRY(directory_check_data(ctx, directory));
    /* Closing a descriptor drops this process's locks on the file, but LMDB has none yet. */
    int lock_fd;
    RIND_TRY(directory_open_reserved(ctx, directory, "lock.mdb", LOCK_FILE_SIZE, &lock_fd));
    (void)close(lock_fd);
    return RIND_OK;
}

static rind_status directory_sync_one(struct rind_ctx *ctx, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) {
        return RIND_OK; /* a parent that we may pass but not read: whoever made it answers for it */
    }
    RIND_REQUIRE(ctx, fd >= 0, RIND_E_IO, "cannot open %s: %s", path, strerror(errno));
    int result = fsync(fd);
    int error = errno;
    (void)close(fd);
    RIND_REQUIRE(ctx, result == 0, RIND_E_IO, "cannot make %s durable: %s", path, strerror(error));
    return RIND_OK;
}

rind_status rind_lmdb_directory_sync(struct rind_ctx *ctx, const char *directory)
{
    char parent[PATH_MAX];
    RIND_TRY(directory_path(ctx, directory, "..", parent));
    RIND_TRY(directory_sync_one(ctx, directory));
    return directory_sync_one(ctx, parent);
}
