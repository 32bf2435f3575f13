/* address.c - see address.h. */
#include "host/address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/base.h"
#include "host/duration.h"

static bool address_split(struct rind_slice text, struct rind_slice *ip, struct rind_slice *port)
{
    size_t colon = text.length;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0) {
        return false;
    }
    *port = rind_slice_make(text.data + colon, text.length - colon);
    *ip = rind_slice_make(text.data, colon - 1);
    return true;
}

static bool address_parse_port(struct rind_slice text, uint16_t *port)
{
    uint64_t value;
    if (text.length > 5 || !rind_is_ok(rind_u64_parse(NULL, text, &value)) || value > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

rind_status rind_address_parse(struct rind_ctx *ctx, struct rind_slice text,
                               struct rind_address *address)
{
    static const char remedy[] = "write it as IP:port, such as 127.0.0.1:8082 or [::1]:8082";
    struct rind_slice ip;
    struct rind_slice port_text;
    uint16_t port;
    RIND_REQUIRE(ctx, address_split(text, &ip, &port_text) && address_parse_port(port_text, &port),
                 RIND_E_INVALID, "invalid socket address syntax; %s", remedy);
    bool has_brackets = ip.length > 2 && ip.data[0] == '[' && ip.data[ip.length - 1] == ']';
    if (has_brackets) {
        ip = rind_slice_make(ip.data + 1, ip.length - 2);
    }
    char ip_text[INET6_ADDRSTRLEN];
    RIND_REQUIRE(ctx, ip.length < sizeof(ip_text) && memchr(ip.data, 0, ip.length) == NULL,
                 RIND_E_INVALID, "invalid socket address syntax; %s", remedy);
    memcpy(ip_text, ip.data, ip.length);
    ip_text[ip.length] = '\0';

    struct rind_address made = {.length = 0};
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (!has_brackets && inet_pton(AF_INET, ip_text, &in4.sin_addr) == 1) {
        memcpy(&made.storage, &in4, sizeof(in4));
        made.length = sizeof(in4);
    } else if (has_brackets && inet_pton(AF_INET6, ip_text, &in6.sin6_addr) == 1) {
        memcpy(&made.storage, &in6, sizeof(in6));
        made.length = sizeof(in6);
    }
    RIND_REQUIRE(ctx, made.length != 0, RIND_E_INVALID, "invalid socket address syntax; %s",
                 remedy);
    *address = made;
    return RIND_OK;
}

rind_status rind_address_unix(struct rind_ctx *ctx, const char *path, struct rind_address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    RIND_REQUIRE(ctx, length > 0 && length < sizeof(name.sun_path), RIND_E_INVALID,
                 "the path of a Unix socket has 1 to %zu characters", sizeof(name.sun_path) - 1);
    memcpy(name.sun_path, path, length);
    struct rind_address made = {.length = sizeof(name)};
    memcpy(&made.storage, &name, sizeof(name));
    *address = made;
    return RIND_OK;
}

void rind_address_format(const struct rind_address *address,
                         char text[static RIND_ADDRESS_TEXT_SIZE])
{
    char ip[INET6_ADDRSTRLEN] = "";
    switch (address->storage.ss_family) {
    case AF_INET: {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)&address->storage;
        (void)inet_ntop(AF_INET, &in4->sin_addr, ip, sizeof(ip));
        (void)snprintf(text, RIND_ADDRESS_TEXT_SIZE, "%s:%u", ip, ntohs(in4->sin_port));
        return;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *in6 =
            (const struct sockaddr_in6 *)(const void *)&address->storage;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
        (void)snprintf(text, RIND_ADDRESS_TEXT_SIZE, "[%s]:%u", ip, ntohs(in6->sin6_port));
        return;
    }
    case AF_UNIX: {
        const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&address->storage;
        (void)snprintf(text, RIND_ADDRESS_TEXT_SIZE, "unix:%s", un->sun_path);
        return;
    }
    default:
        (void)snprintf(text, RIND_ADDRESS_TEXT_SIZE, "(unknown)");
        return;
    }
}

uint16_t rind_address_port(const struct rind_address *address)
{
    if (address->storage.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)(const void *)&address->storage)->sin6_port);
    }
    RIND_ASSERT(address->storage.ss_family == AF_INET);
    return ntohs(((const struct sockaddr_in *)(const void *)&address->storage)->sin_port);
}

void rind_address_set_port(struct rind_address *address, uint16_t port)
{
    if (address->storage.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)(void *)&address->storage)->sin6_port = htons(port);
        return;
    }
    RIND_ASSERT(address->storage.ss_family == AF_INET);
    ((struct sockaddr_in *)(void *)&address->storage)->sin_port = htons(port);
}
