/*
 * https.c - the built-in transport: libcurl.
 *
 * One easy handle serves one exchange at a time and keeps its connections between exchanges. Idle
 * handles lie in a stack, the one used last on top, so that few connections serve a calm process
 * and many a busy one. Redirects are not followed: they would carry the user's token away.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/wipe.h"
#include "client/failure.h"

#define HTTPS_CONNECT_TIMEOUT_MS 10000u
#define HTTPS_IDLE_HANDLES_MAX 256u      /* more than that are closed after use */
#define HTTPS_BODY_SIZE_READ_MAX 65536u  /* a peer that sends more is cut off */
#define HTTPS_HEADER_LINE_SIZE_MAX 4096u /* name, token, blanks */

struct rind_https {
    char *ca_file;
    uint32_t connect_timeout_ms;
    bool is_plain_http_allowed;
    void (*observe)(void *observe_self, const struct rind_https_exchange *exchange);
    void *observe_self;
    pthread_mutex_t lock; /* of the idle handles; never held over I/O */
    CURL *idle[HTTPS_IDLE_HANDLES_MAX];
    size_t idle_count;
};

/* One exchange under way. */
struct https_exchange {
    const struct rind_transport_request *request;
    struct rind_transport_response *response;
    size_t body_size_read;
    bool was_begun; /* bytes of it may have been sent */
    char reason[CURL_ERROR_SIZE];
};

struct rind_https *rind_https_new(const struct rind_https_options *options, char *why)
{
    struct rind_https *https = calloc(1, sizeof(*https));
    /* Counted by libcurl, and thread-safe in all versions that know HTTP/2 well. */
    if (https == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        rind_sdk_why(why, "out of memory, or libcurl does not start");
        free(https);
        return NULL;
    }
    int failed = pthread_mutex_init(&https->lock, NULL);
    RIND_ASSERT(failed == 0);
    https->connect_timeout_ms = HTTPS_CONNECT_TIMEOUT_MS;
    if (options != NULL) {
        https->is_plain_http_allowed = options->is_plain_http_allowed;
        https->observe = options->observe;
        https->observe_self = options->observe_self;
        if (options->connect_timeout_ms != 0) {
            https->connect_timeout_ms = options->connect_timeout_ms;
        }
        if (options->ca_file != NULL) {
            https->ca_file = strdup(options->ca_file);
            if (https->ca_file == NULL) {
                rind_sdk_why(why, "out of memory");
                rind_https_free(https);
                return NULL;
            }
        }
    }
    return https;
}

void rind_https_free(struct rind_https *https)
{
    if (https == NULL) {
        return;
    }
    for (size_t i = 0; i < https->idle_count; i++) {
        curl_easy_cleanup(https->idle[i]);
    }
    pthread_mutex_destroy(&https->lock);
    free(https->ca_file);
    free(https);
    curl_global_cleanup();
}

static CURL *https_take(struct rind_https *https)
{
    CURL *handle = NULL;
    pthread_mutex_lock(&https->lock);
    if (https->idle_count > 0) {
        handle = https->idle[--https->idle_count];
    }
    pthread_mutex_unlock(&https->lock);
    return handle != NULL ? handle : curl_easy_init();
}

static void https_give_back(struct rind_https *https, CURL *handle)
{
    curl_easy_reset(handle); /* options go, connections stay */
    bool is_kept = false;
    pthread_mutex_lock(&https->lock);
    if (https->idle_count < HTTPS_IDLE_HANDLES_MAX) {
        https->idle[https->idle_count++] = handle;
        is_kept = true;
    }
    pthread_mutex_unlock(&https->lock);
    if (!is_kept) {
        curl_easy_cleanup(handle);
    }
}

/* libcurl's callback: keeps what fits, reads on for a while, then cuts the peer off. */
static size_t https_receive(char *bytes, size_t one, size_t size, void *self)
{
    (void)one; /* always 1 */
    struct https_exchange *exchange = self;
    struct rind_transport_response *response = exchange->response;
    size_t room = sizeof(response->body) - response->body_size;
    size_t kept = size < room ? size : room;
    memcpy(response->body + response->body_size, bytes, kept);
    response->body_size += kept;
    exchange->body_size_read += size;
    return exchange->body_size_read <= HTTPS_BODY_SIZE_READ_MAX ? size : 0;
}

/* libcurl's callback, about once a second and on activity: non-zero gives up. */
static int https_progress(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    const struct https_exchange *exchange = self;
    return exchange->request->is_abandoned != NULL &&
           exchange->request->is_abandoned(exchange->request->abandon_self);
}

/*
 * libcurl's callback, before it sends the request on a connection. When a connection that it used
 * again breaks before the answer, it would silently send a second copy on a new one, and then say
 * that it could not connect: but the first may have been executed.
 */
static int https_before_request(void *self, char *remote_ip, char *local_ip, int remote_port,
                                int local_port)
{
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    struct https_exchange *exchange = self;
    bool is_first = !exchange->was_begun;
    exchange->was_begun = true;
    return is_first ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* The request's headers, and none of those that libcurl would add to a POST. */
static struct curl_slist *https_headers(const struct rind_transport_request *request)
{
    static const char *const unwanted[] = {"Content-Type:", "Accept:", "Expect:"};
    struct curl_slist *list = NULL;
    char line[HTTPS_HEADER_LINE_SIZE_MAX];
    for (size_t i = 0; i < request->header_count + 3; i++) {
        if (i < request->header_count) {
            int length = snprintf(line, sizeof(line), "%s: %s", request->headers[i].name,
                                  request->headers[i].value);
            RIND_ASSERT(length > 0 && (size_t)length < sizeof(line));
        } else {
            (void)snprintf(line, sizeof(line), "%s", unwanted[i - request->header_count]);
        }
        struct curl_slist *longer = curl_slist_append(list, line);
        if (longer == NULL) {
            break;
        }
        list = longer;
    }
    rind_wipe(line, sizeof(line));
    return list;
}

/* libcurl copied the token; wipe its copies too. */
static void https_headers_free(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at != NULL; at = at->next) {
        rind_wipe(at->data, strlen(at->data));
    }
    curl_slist_free_all(list);
}

static void https_set_options(const struct rind_https *https, CURL *handle,
                              struct https_exchange *exchange, struct curl_slist *headers)
{
    const struct rind_transport_request *request = exchange->request;
    curl_easy_setopt(handle, CURLOPT_URL, request->url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR,
                     https->is_plain_http_allowed ? "http,https" : "https");
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, (const char *)request->body.data);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)https->connect_timeout_ms);
    curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, https_receive);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, https_before_request);
    curl_easy_setopt(handle, CURLOPT_PREREQDATA, exchange);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, https_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, exchange->reason);
    if (https->ca_file != NULL) {
        curl_easy_setopt(handle, CURLOPT_CAINFO, https->ca_file);
        curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    }
}

/* Failures that come before the first byte of the request is sent. */
static bool https_is_before_sending(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

/* libcurl's words may quote the peer, such as the names in its certificate. */
static void https_give_reason(const struct https_exchange *exchange, CURLcode code,
                              struct rind_transport_response *response)
{
    const char *reason = exchange->reason[0] != '\0' ? exchange->reason : curl_easy_strerror(code);
    size_t length = 0;
    for (; reason[length] != '\0' && length + 1 < sizeof(response->reason); length++) {
        bool is_printable = reason[length] >= ' ' && reason[length] <= '~';
        response->reason[length] = is_printable ? reason[length] : '?';
    }
    response->reason[length] = '\0';
}

static const char *https_header(const struct rind_https_exchange *exchange, const char *name,
                                size_t index)
{
    struct curl_header *header = NULL;
    CURLHcode code =
        curl_easy_header(exchange->transport_self, name, index, CURLH_HEADER, -1, &header);
    return code == CURLHE_OK ? header->value : NULL;
}

static void https_tell(const struct rind_https *https, CURL *handle,
                       const struct https_exchange *exchange)
{
    curl_off_t elapsed_us = 0;
    (void)curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME_T, &elapsed_us);
    const struct rind_https_exchange told = {.url = exchange->request->url,
                                             .status = exchange->response->status,
                                             .reason = exchange->response->reason,
                                             .elapsed_ns = (uint64_t)elapsed_us * 1000u,
                                             .header = https_header,
                                             .transport_self = handle};
    https->observe(https->observe_self, &told);
}

static void https_perform(const struct rind_https *https, CURL *handle,
                          struct https_exchange *exchange, struct curl_slist *headers)
{
    https_set_options(https, handle, exchange, headers);
    CURLcode code = curl_easy_perform(handle);
    long status = 0;
    (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    bool is_cut_off = exchange->body_size_read > HTTPS_BODY_SIZE_READ_MAX;
    if ((code == CURLE_OK || is_cut_off) && status > 0 && status <= 999) {
        exchange->response->status = (uint16_t)status;
    } else {
        exchange->response->body_size = 0;
        exchange->response->was_not_sent = !exchange->was_begun && https_is_before_sending(code);
        https_give_reason(exchange, code, exchange->response);
    }
    if (https->observe != NULL) {
        https_tell(https, handle, exchange);
    }
}

static void https_send(void *self, const struct rind_transport_request *request,
                       struct rind_transport_response *response)
{
    struct rind_https *https = self;
    struct https_exchange exchange = {.request = request, .response = response};
    CURL *handle = https_take(https);
    struct curl_slist *headers = handle != NULL ? https_headers(request) : NULL;
    if (headers != NULL) {
        https_perform(https, handle, &exchange, headers);
    } else {
        response->was_not_sent = true;
        (void)snprintf(response->reason, sizeof(response->reason), "out of memory");
    }
    if (handle != NULL) {
        https_give_back(https, handle);
    }
    https_headers_free(headers);
}

struct rind_transport rind_https_transport(struct rind_https *https)
{
    struct rind_transport transport = {https_send, https};
    return transport;
}
