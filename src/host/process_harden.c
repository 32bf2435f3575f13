/* process_harden.c - what a daemon gives up at start, so that a break-in gains less; process.h. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/status.h"
#include "host/process.h"

/* Empties all capability sets of this thread; threads started later inherit that. */
static bool harden_drop_capabilities(void)
{
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++) {
        /* Needs CAP_SETPCAP; without it the set is of no use to us either. */
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM && errno != EINVAL) {
            return false;
        }
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    return syscall(SYS_capset, &header, none) == 0;
}

static rind_status harden_open_files(struct rind_ctx *ctx, uint64_t wanted)
{
    struct rlimit limit;
    RIND_REQUIRE(ctx, getrlimit(RLIMIT_NOFILE, &limit) == 0, RIND_E_INTERNAL,
                 "could not read the limit of open files: %s", strerror(errno));
    RIND_REQUIRE(ctx, wanted <= limit.rlim_max, RIND_E_LIMIT,
                 "%llu open files are needed but only %llu are allowed; raise the hard limit "
                 "(ulimit -Hn, LimitNOFILE=)",
                 (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    RIND_REQUIRE(ctx, setrlimit(RLIMIT_NOFILE, &limit) == 0, RIND_E_LIMIT,
                 "could not raise the limit of open files: %s", strerror(errno));
    return RIND_OK;
}

rind_status rind_process_harden(struct rind_ctx *ctx, const struct rind_hardening *hardening,
                                const struct rind_log *log)
{
    (void)umask(077);
    if (!hardening->allow_core_dumps) {
        struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
            RIND_LOG_WARN(log, "could not switch off core dumps: %s", strerror(errno));
        }
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        RIND_LOG_WARN(log, "could not forbid new privileges: %s", strerror(errno));
    }
    RIND_TRY(harden_open_files(ctx, hardening->open_files_min));
    if (hardening->lock_memory && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
        RIND_LOG_WARN(log,
                      "could not lock memory: %s; keys may reach swap: raise LimitMEMLOCK or "
                      "encrypt swap",
                      strerror(errno));
    }
    if (!hardening->keep_capabilities && !harden_drop_capabilities()) {
        RIND_LOG_WARN(log, "could not drop capabilities: %s", strerror(errno));
    }
    return RIND_OK;
}
