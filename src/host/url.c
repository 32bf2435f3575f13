/* url.c - http(s) URLs; see address.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "host/address.h"
#include "host/duration.h"

static char url_lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool url_has_prefix(struct rind_slice text, const char *prefix)
{
    size_t length = strlen(prefix);
    if (text.length < length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (url_lower(text.data[i]) != prefix[i]) {
            return false;
        }
    }
    return true;
}

static struct rind_slice url_from(struct rind_slice text, size_t start)
{
    return rind_slice_make(text.data + start, text.length - start);
}

/* Index of the first byte that is in `stops`, or the length. */
static size_t url_find(struct rind_slice text, const char *stops)
{
    size_t i = 0;
    while (i < text.length && (text.data[i] == 0 || strchr(stops, text.data[i]) == NULL)) {
        i++;
    }
    return i;
}

/* host or [v6]; leaves the rest (":port" or nothing) in `rest`. */
static rind_status url_parse_host(struct rind_ctx *ctx, struct rind_slice authority,
                                  struct rind_url *url, struct rind_slice *rest)
{
    bool is_v6 = authority.length > 0 && authority.data[0] == '[';
    size_t start = is_v6 ? 1 : 0;
    size_t end = start + url_find(url_from(authority, start), is_v6 ? "]" : ":");
    size_t length = end - start;
    RIND_REQUIRE(ctx,
                 length > 0 && length < sizeof(url->host) && (!is_v6 || end < authority.length),
                 RIND_E_INVALID, "the URL has no valid host");
    for (size_t i = 0; i < length; i++) {
        uint8_t c = authority.data[start + i];
        bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_' || (is_v6 && c == ':');
        RIND_REQUIRE(ctx, is_name, RIND_E_INVALID,
                     "the URL's host may hold only letters, digits, '.', '-' and '_'");
        url->host[i] = url_lower(c);
    }
    url->host[length] = '\0';
    if (is_v6) {
        struct in6_addr binary;
        RIND_REQUIRE(ctx, inet_pton(AF_INET6, url->host, &binary) == 1, RIND_E_INVALID,
                     "the URL's host is not an IPv6 address");
        (void)inet_ntop(AF_INET6, &binary, url->host, INET6_ADDRSTRLEN);
        end++;
    }
    *rest = url_from(authority, end);
    return RIND_OK;
}

static rind_status url_parse_port(struct rind_ctx *ctx, struct rind_slice rest,
                                  struct rind_url *url)
{
    url->port = url->is_tls ? 443 : 80;
    if (rest.length > 1) {
        uint64_t port = 0;
        RIND_REQUIRE(ctx,
                     rest.data[0] == ':' &&
                         rind_is_ok(rind_u64_parse(NULL, url_from(rest, 1), &port)) &&
                         port <= UINT16_MAX,
                     RIND_E_INVALID, "the URL's port is not a number up to 65535");
        url->port = (uint16_t)port;
    } else {
        RIND_REQUIRE(ctx, rest.length == 0 || rest.data[0] == ':', RIND_E_INVALID,
                     "the URL has something other than a port after its host");
    }
    (void)snprintf(url->port_text, sizeof(url->port_text), "%u", url->port);
    return RIND_OK;
}

/* Appends one path segment, resolving "." and ".."; `buffer` holds the path so far from `start`. */
static void url_append_segment(struct rind_buffer *buffer, size_t start, struct rind_slice segment,
                               bool is_last)
{
    bool is_parent = rind_slice_is_text(segment, "..");
    if (is_parent || rind_slice_is_text(segment, ".")) {
        /* buffer ends in "/": drop the segment before it for "..". */
        if (is_parent && buffer->length > start + 1) {
            buffer->length--;
            while (buffer->data[buffer->length - 1] != '/') {
                buffer->length--;
            }
        }
        return;
    }
    for (size_t i = 0; i < segment.length; i++) {
        uint8_t c = segment.data[i];
        /* WHATWG's path percent-encode set. */
        if (c <= 0x20 || c >= 0x7f || strchr("\"#<>?`{}", c) != NULL) {
            rind_buffer_print(buffer, "%%%02X", c);
        } else {
            rind_buffer_append_byte(buffer, c);
        }
    }
    if (!is_last) {
        rind_buffer_append_byte(buffer, '/');
    }
}

static void url_append_path(struct rind_buffer *buffer, struct rind_slice path)
{
    size_t start = buffer->length;
    rind_buffer_append_byte(buffer, '/');
    /* A backslash separates like a slash in these schemes. */
    size_t at = path.length > 0 && (path.data[0] == '/' || path.data[0] == '\\') ? 1 : 0;
    while (at < path.length) {
        struct rind_slice rest = url_from(path, at);
        size_t length = url_find(rest, "/\\");
        url_append_segment(buffer, start, rind_slice_make(rest.data, length),
                           at + length == path.length);
        at += length + 1;
    }
}

static void url_append_query(struct rind_buffer *buffer, struct rind_slice query)
{
    for (size_t i = 0; i < query.length; i++) {
        uint8_t c = query.data[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"#<>'", c) != NULL) {
            rind_buffer_print(buffer, "%%%02X", c);
        } else {
            rind_buffer_append_byte(buffer, c);
        }
    }
}

/* Fills url->text from the parsed parts. */
static rind_status url_write(struct rind_ctx *ctx, struct rind_url *url, struct rind_slice path,
                             struct rind_slice query)
{
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, url->text, sizeof(url->text) - 1);
    bool is_v6 = strchr(url->host, ':') != NULL;
    rind_buffer_print(&buffer, "%s://%s%s%s", url->is_tls ? "https" : "http", is_v6 ? "[" : "",
                      url->host, is_v6 ? "]" : "");
    if (url->port != (url->is_tls ? 443 : 80)) {
        rind_buffer_print(&buffer, ":%s", url->port_text);
    }
    url->path_start = (uint16_t)buffer.length;
    url_append_path(&buffer, path);
    url_append_query(&buffer, query);
    RIND_REQUIRE(ctx, !buffer.is_overflown, RIND_E_LIMIT, "the URL is longer than %u characters",
                 RIND_URL_SIZE_MAX - 1);
    url->text[buffer.length] = '\0';
    return RIND_OK;
}

rind_status rind_url_parse(struct rind_ctx *ctx, struct rind_slice text, struct rind_url *url)
{
    struct rind_url made = {.port = 0};
    RIND_REQUIRE(ctx, text.length < RIND_URL_SIZE_MAX, RIND_E_LIMIT,
                 "the URL is longer than %u characters", RIND_URL_SIZE_MAX - 1);
    bool is_http = url_has_prefix(text, "http://");
    made.is_tls = url_has_prefix(text, "https://");
    RIND_REQUIRE(ctx, is_http || made.is_tls, RIND_E_INVALID,
                 "URLs start with http:// or https://");
    text = url_from(text, is_http ? 7 : 8);
    text.length = url_find(text, "#");

    size_t authority_length = url_find(text, "/?\\");
    struct rind_slice authority = rind_slice_make(text.data, authority_length);
    RIND_REQUIRE(ctx, url_find(authority, "@") == authority.length, RIND_E_INVALID,
                 "URLs must not hold a user name or password");
    struct rind_slice port = {NULL, 0};
    RIND_TRY(url_parse_host(ctx, authority, &made, &port));
    RIND_TRY(url_parse_port(ctx, port, &made));

    struct rind_slice path_and_query = url_from(text, authority_length);
    size_t path_length = url_find(path_and_query, "?");
    RIND_TRY(url_write(ctx, &made, rind_slice_make(path_and_query.data, path_length),
                       url_from(path_and_query, path_length)));
    *url = made;
    return RIND_OK;
}

rind_status rind_url_join(struct rind_ctx *ctx, const struct rind_url *base, const char *path,
                          struct rind_url *url)
{
    const char *base_path = rind_url_path(base);
    size_t kept = path[0] == '/' ? 0 : url_find(rind_slice_text(base_path), "?");
    while (kept > 0 && base_path[kept - 1] != '/') {
        kept--;
    }
    char joined[RIND_URL_SIZE_MAX];
    int length = snprintf(joined, sizeof(joined), "%.*s%s", (int)kept, base_path, path);
    RIND_REQUIRE(ctx, length >= 0 && (size_t)length < sizeof(joined), RIND_E_LIMIT,
                 "the URL is longer than %u characters", RIND_URL_SIZE_MAX - 1);
    struct rind_url made = *base;
    struct rind_slice whole = rind_slice_text(joined);
    size_t path_length = url_find(whole, "?");
    RIND_TRY(url_write(ctx, &made, rind_slice_make(whole.data, path_length),
                       url_from(whole, path_length)));
    *url = made;
    return RIND_OK;
}

void rind_url_from_address(const struct rind_address *address, struct rind_url *url)
{
    char text[RIND_ADDRESS_TEXT_SIZE];
    char whole[RIND_ADDRESS_TEXT_SIZE + 16];
    rind_address_format(address, text);
    (void)snprintf(whole, sizeof(whole), "http://%s/", text);
    rind_status status = rind_url_parse(NULL, rind_slice_text(whole), url);
    RIND_ASSERT(rind_is_ok(status)); /* an IP endpoint always makes a URL */
}

const char *rind_url_path(const struct rind_url *url)
{
    return url->text + url->path_start;
}
