/*
 * http.h - what an HTTP request and response are to those who handle them, whatever the version.
 *
 * Everything in a request is bounded by the server's limits and otherwise hostile. Slices of a
 * request live until its handler returns.
 */
#ifndef RIND_NET_HTTP_H
#define RIND_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

#define RIND_HTTP_HEADERS_MAX 100u         /* of a request or an answer (spec 07 section 2.1) */
#define RIND_RESPONSE_HEADERS_MAX 8u       /* that a handler may add */
#define RIND_RESPONSE_HEADER_SIZE_MAX 256u /* name and value together */

struct rind_http_header {
    struct rind_slice name; /* lower case in requests and answers */
    struct rind_slice value;
};

struct rind_request {
    struct rind_slice method; /* "POST" */
    struct rind_slice target; /* as sent: "/req?x=1" */
    struct rind_slice path;   /* target without query: "/req" */
    struct rind_slice query;  /* what follows "?": "x=1"; empty if none */
    const struct rind_http_header *headers;
    size_t header_count;
    struct rind_slice body;
    /*
     * The body exceeded body_size_bytes_max and was thrown away (`body` is empty). Answer 413 in
     * whatever form the service specifies; an HTTP/1 connection closes afterwards.
     */
    bool is_body_too_large;
    bool is_tls;
    bool is_http2;
    uint64_t start_ns; /* rind_clock_monotonic_ns when the head was complete */
    const char *peer;  /* "127.0.0.1:53124" */
};

/*
 * The answer, filled by the handler. Slices are borrowed until the handler returns (or, for a
 * deferred one, until rind_reply_complete returns); the server copies them. Content-length and date
 * are added, nothing else is. A status of 0 counts as 500.
 */
struct rind_response {
    unsigned status;
    struct rind_slice body;
    struct rind_http_header headers[RIND_RESPONSE_HEADERS_MAX];
    size_t header_count;
    struct rind_exchange *exchange; /* the server's; NULL in answers to deferred requests */
};

/* An answer without headers, to fill and to give to rind_reply_complete. */
struct rind_response rind_response_make(unsigned status, struct rind_slice body);

/* Adds a header; both texts are borrowed. Asserts that there is room: handlers know their number.
 */
void rind_response_add_header(struct rind_response *response, const char *name,
                              struct rind_slice value);

/*
 * Parks the request: the handler returns without an answer, and whoever holds the reply completes
 * it later, exactly once, from any thread. A parked request costs some hundred bytes and no thread;
 * the request's slices and arena are gone once the handler has returned. Call at most once.
 */
struct rind_reply;
struct rind_reply *rind_response_defer(struct rind_response *response);

/*
 * Sends the answer and consumes the reply, even if the client or the whole server is gone by now
 * (then it is dropped). Never blocks. May be called before the deferring handler returns.
 */
void rind_reply_complete(struct rind_reply *reply, const struct rind_response *response);

/* True once the client is known to be gone: whoever works for it may stop where that is safe. */
bool rind_reply_is_abandoned(const struct rind_reply *reply);

/* The first header called `name` (lower case), or NULL. */
const struct rind_http_header *rind_http_find_header(const struct rind_http_header *headers,
                                                     size_t count, const char *name);
/* The value of the request's first header called `name`; false if there is none. */
bool rind_request_header(const struct rind_request *request, const char *name,
                         struct rind_slice *value);
/* How many headers called `name` the request has. */
size_t rind_request_header_count(const struct rind_request *request, const char *name);

/* "Not Found" for 404; "" for codes without a registered phrase. Static. */
const char *rind_http_reason(unsigned status);

/*
 * Serves a request on a worker thread: straight blocking code. `ctx` has an empty arena of its own,
 * reset afterwards. Once called it runs to its end even if the client disconnects (spec 06
 * section 1.1); what it starts, it must finish. Set response->status, or defer.
 */
typedef void rind_handler(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                          struct rind_response *response);

/* One exact path. method NULL: any method (internal RPC does not check it). */
struct rind_route {
    const char *method;
    const char *path; /* with its leading "/" */
    rind_handler *handle;
};

struct rind_routes {
    const struct rind_route *rows;
    size_t count;
    void *self;              /* handed to every handler */
    rind_handler *otherwise; /* no row's path and method match; NULL: 404 without body */
};

/* A rind_handler over a struct rind_routes: finds the row by exact path and method and calls it. */
void rind_routes_handle(void *routes, struct rind_ctx *ctx, const struct rind_request *request,
                        struct rind_response *response);

#endif
