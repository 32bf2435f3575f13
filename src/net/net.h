/*
 * net.h - the room of HTTP: the server of all daemons and the client of internal RPC.
 *
 * Purpose: bytes from the network become bounded requests for blocking handlers (server.h, http.h),
 * and calls to peers become bounded answers (client.h). Trusts nothing that arrives. TLS is
 * OpenSSL, HTTP/2 nghttp2, HTTP/1 llhttp. Read http.h, server.h, client.h; inside, a request's way
 * is loop.c (epoll) -> transport.c (TLS) -> http1.c or http2.c -> exchange.c (worker, reply) and
 * back. Specs: 05 section 8, 06 section 1, 07 sections 2, 3 and 15.
 */
#ifndef RIND_NET_NET_H
#define RIND_NET_NET_H

#include "net/client.h"
#include "net/exec_time.h"
#include "net/http.h"
#include "net/server.h"

#endif
