/* web.h - what a client does: HTTPS with libcurl, over HTTP/1.1 or 2. */
#ifndef RIND_TESTS_BALANCER_WEB_H
#define RIND_TESTS_BALANCER_WEB_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/slice.h"

struct web_request {
    const char *method; /* NULL: POST */
    const char *path;   /* "/req?x=1" */
    struct rind_slice body;
    const char *headers[4]; /* "Name: value", up to the first NULL */
    bool is_http2;
};

struct web_answer {
    CURLcode error; /* CURLE_OK: there is an answer */
    long status;
    long http_version;  /* CURL_HTTP_VERSION_... */
    char headers[4096]; /* lines ending in \n; names in lower case */
    size_t headers_length;
    uint8_t body[16384];
    size_t body_length;
};

/* Sends with an own connection, or with `curl` if it is given, which keeps its connections. */
void web_send(CURL *curl, int port, const char *certificate_path, const struct web_request *request,
              struct web_answer *answer);

/* The value of a header ("x-exec-time"), or NULL; valid until the next call with this answer. */
const char *web_header(const struct web_answer *answer, const char *name);

bool web_body_is(const struct web_answer *answer, const char *text);

#endif
