/*
 * link.h - cutting and mending the network of processes that run on hosts of their own.
 *
 * A host is a network namespace (realm/local.h) with one device, "eth0", whose other end is ours
 * and is called <prefix><last number of its address>. Works through ip(8); needs root. Packets
 * vanish, as with a pulled cable: nobody is told. Main thread only.
 */
#ifndef RIND_CLI_CHAOS_LINK_H
#define RIND_CLI_CHAOS_LINK_H

#include "cli/realm/local.h"

#define RIND_CHAOS_LINK_ADDRESS_SIZE 64u

/* Pulls or plugs the cable of the host with this child. */
rind_status rind_chaos_link_plug(struct rind_ctx *ctx, const struct rind_local_hosts *hosts,
                                 const struct rind_child *child, bool is_plugged) RIND_MUST_USE;

/* Loses, or no longer loses, what the child's host sends to `address` (without a port). */
rind_status rind_chaos_link_lose(struct rind_ctx *ctx, const struct rind_child *child,
                                 const char *address, bool is_lost) RIND_MUST_USE;

/* The address of the child's host; that of the managers and balancers. */
void rind_chaos_link_address(const struct rind_child *child,
                             char address[RIND_CHAOS_LINK_ADDRESS_SIZE]);
void rind_chaos_link_our_address(const struct rind_local_hosts *hosts,
                                 char address[RIND_CHAOS_LINK_ADDRESS_SIZE]);

#endif
