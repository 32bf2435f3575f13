/*
 * address.h - socket addresses and http(s) URLs as operators and peers write them.
 *
 * Addresses are ip:port literals (spec 05 sections 8.1 and 11). URLs are the http(s) part of WHATWG
 * URLs and are kept in normalised form, since they are store keys and metric tags (05 section 8.3).
 */
#ifndef RIND_HOST_ADDRESS_H
#define RIND_HOST_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/slice.h"
#include "base/status.h"

/* An IPv4 or IPv6 endpoint, or a Unix socket's (only from rind_address_unix). */
struct rind_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* "[", 45 of IPv6, "]:", 5 digits, NUL; or a Unix path. */
#define RIND_ADDRESS_TEXT_SIZE 128u

/* "127.0.0.1:8082" or "[::1]:8082". Host names are refused. */
rind_status rind_address_parse(struct rind_ctx *ctx, struct rind_slice text,
                               struct rind_address *address) RIND_MUST_USE;

/* The Unix socket at `path`; for clients of local services such as the metrics collector. */
rind_status rind_address_unix(struct rind_ctx *ctx, const char *path,
                              struct rind_address *address) RIND_MUST_USE;

/* Writes the form that parse reads, or "unix:PATH". */
void rind_address_format(const struct rind_address *address,
                         char text[static RIND_ADDRESS_TEXT_SIZE]);

uint16_t rind_address_port(const struct rind_address *address);
void rind_address_set_port(struct rind_address *address, uint16_t port);

#define RIND_URL_SIZE_MAX 2048u
#define RIND_URL_HOST_SIZE_MAX 256u

struct rind_url {
    char text[RIND_URL_SIZE_MAX];      /* normalised, without a fragment */
    char host[RIND_URL_HOST_SIZE_MAX]; /* lower case; an IPv6 literal without its brackets */
    char port_text[6];
    uint16_t port;       /* explicit or the scheme's */
    bool is_tls;         /* https */
    uint16_t path_start; /* text + path_start: "/path?query" */
};

/*
 * Reads an absolute http or https URL. Normalises: scheme and host lower case, default port left
 * out, empty path "/", "." and ".." resolved, fragment dropped. User names and passwords are
 * refused: they would end up in logs.
 */
rind_status rind_url_parse(struct rind_ctx *ctx, struct rind_slice text,
                           struct rind_url *url) RIND_MUST_USE;

/*
 * `base` joined with a relative path as URLs do it: the path replaces what follows the last "/" of
 * the base's path (05 section 8.2), or all of it if it starts with "/".
 */
rind_status rind_url_join(struct rind_ctx *ctx, const struct rind_url *base, const char *path,
                          struct rind_url *url) RIND_MUST_USE;

/* "http://ip:port/", as services advertise themselves (06 section 1.1). */
void rind_url_from_address(const struct rind_address *address, struct rind_url *url);

/* The path with its query, as a request line wants it; borrowed. */
const char *rind_url_path(const struct rind_url *url);

#endif
