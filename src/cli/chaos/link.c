/* link.c - see link.h. */
#include "cli/chaos/link.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* A neighbour that does not exist: what is sent to it reaches nobody, and no error comes back. */
#define LINK_NOBODY "02:00:00:00:00:01"
#define LINK_DEVICE "eth0"

/* Runs ip(8) and waits for it: it takes milliseconds. */
static rind_status link_run(struct rind_ctx *ctx, const char *const *arguments)
{
    pid_t pid;
    int status = 0;
    sigset_t none;
    posix_spawnattr_t attributes;
    (void)sigemptyset(&none);
    RIND_REQUIRE(ctx, posix_spawnattr_init(&attributes) == 0, RIND_E_LIMIT, "no memory for ip");
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error =
        posix_spawnp(&pid, "ip", NULL, &attributes, (char *const *)(uintptr_t)arguments, environ);
    (void)posix_spawnattr_destroy(&attributes);
    RIND_REQUIRE(ctx, error == 0, RIND_E_IO, "cannot run ip: %s; install iproute2",
                 strerror(error));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    RIND_REQUIRE(ctx, WIFEXITED(status) && WEXITSTATUS(status) == 0, RIND_E_IO,
                 "'ip %s %s %s ...' failed; networks can only be cut by root", arguments[1],
                 arguments[2], arguments[3]);
    return RIND_OK;
}

void rind_chaos_link_address(const struct rind_child *child,
                             char address[RIND_CHAOS_LINK_ADDRESS_SIZE])
{
    size_t length = strcspn(child->listen, ":");
    (void)snprintf(address, RIND_CHAOS_LINK_ADDRESS_SIZE, "%.*s", (int)length, child->listen);
}

void rind_chaos_link_our_address(const struct rind_local_hosts *hosts,
                                 char address[RIND_CHAOS_LINK_ADDRESS_SIZE])
{
    (void)snprintf(address, RIND_CHAOS_LINK_ADDRESS_SIZE, "%.48s.1", hosts->subnet);
}

rind_status rind_chaos_link_plug(struct rind_ctx *ctx, const struct rind_local_hosts *hosts,
                                 const struct rind_child *child, bool is_plugged)
{
    char address[RIND_CHAOS_LINK_ADDRESS_SIZE];
    char device[64];
    rind_chaos_link_address(child, address);
    const char *number = strrchr(address, '.');
    (void)snprintf(device, sizeof(device), "%.20s%.20s", hosts->prefix,
                   number == NULL ? "" : number + 1);
    const char *const arguments[] = {"ip", "link", "set", device, is_plugged ? "up" : "down", NULL};
    return link_run(ctx, arguments);
}

rind_status rind_chaos_link_lose(struct rind_ctx *ctx, const struct rind_child *child,
                                 const char *address, bool is_lost)
{
    const char *const lose[] = {
        "ip",        "-n",  child->network, "neigh", "replace",   address, "lladdr",
        LINK_NOBODY, "nud", "permanent",    "dev",   LINK_DEVICE, NULL};
    const char *const find[] = {"ip",    "-n",  child->network, "neigh", "del",
                                address, "dev", LINK_DEVICE,    NULL};
    return link_run(ctx, is_lost ? lose : find);
}
