/* https_post.c - see https_post.h. */
#include "cli/https_post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define HTTPS_POST_HEADER_SIZE_MAX 8192u

struct rind_https_post {
    CURL *handle;
    const char *ca_file;
    uint8_t *body; /* RIND_CLI_HTTPS_ANSWER_SIZE_MAX bytes */
    size_t body_length;
    char reason[CURL_ERROR_SIZE];
};

rind_status rind_https_post_open(struct rind_ctx *ctx, const char *ca_file,
                                 struct rind_https_post **result)
{
    RIND_REQUIRE(ctx, curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, RIND_E_INTERNAL,
                 "libcurl cannot be used");
    struct rind_https_post *post = calloc(1, sizeof(*post));
    uint8_t *body = malloc(RIND_CLI_HTTPS_ANSWER_SIZE_MAX);
    CURL *handle = curl_easy_init();
    if (post == NULL || body == NULL || handle == NULL) {
        curl_easy_cleanup(handle);
        free(body);
        free(post);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for an HTTPS connection");
    }
    *post = (struct rind_https_post){.handle = handle, .ca_file = ca_file, .body = body};
    *result = post;
    return RIND_OK;
}

void rind_https_post_close(struct rind_https_post *post)
{
    if (post != NULL) {
        curl_easy_cleanup(post->handle);
        free(post->body);
        free(post);
    }
}

/* libcurl's callback; taking less than was offered ends the transfer. */
static size_t https_post_receive(char *bytes, size_t one, size_t size, void *self)
{
    (void)one; /* always 1 */
    struct rind_https_post *post = self;
    if (size > RIND_CLI_HTTPS_ANSWER_SIZE_MAX - post->body_length) {
        return 0;
    }
    memcpy(post->body + post->body_length, bytes, size);
    post->body_length += size;
    return size;
}

static struct curl_slist *https_post_headers(const struct rind_https_post_call *call)
{
    char line[HTTPS_POST_HEADER_SIZE_MAX];
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    (void)snprintf(line, sizeof(line), "Authorization: %s", call->authorization);
    struct curl_slist *longer = list != NULL ? curl_slist_append(list, line) : NULL;
    rind_wipe(line, sizeof(line));
    if (longer == NULL) {
        curl_slist_free_all(list);
    }
    return longer;
}

static CURLcode https_post_perform(struct rind_https_post *post,
                                   const struct rind_https_post_call *call,
                                   struct curl_slist *headers)
{
    CURL *handle = post->handle;
    post->body_length = 0;
    post->reason[0] = '\0';
    curl_easy_setopt(handle, CURLOPT_URL, call->url->text);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, (const char *)call->body.data);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L); /* a token goes where it was sent */
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, https_post_receive);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, post->reason);
    if (post->ca_file != NULL) {
        curl_easy_setopt(handle, CURLOPT_CAINFO, post->ca_file);
        curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    }
    return curl_easy_perform(handle);
}

rind_status rind_https_post_send(struct rind_ctx *ctx, struct rind_https_post *post,
                                 const struct rind_https_post_call *call, unsigned *status,
                                 struct rind_slice *body)
{
    struct curl_slist *headers = https_post_headers(call);
    RIND_REQUIRE(ctx, headers != NULL, RIND_E_LIMIT, "no memory for a request");
    CURLcode code = https_post_perform(post, call, headers);
    for (struct curl_slist *at = headers; at != NULL; at = at->next) {
        rind_wipe(at->data, strlen(at->data)); /* libcurl copied the token */
    }
    curl_slist_free_all(headers);
    RIND_REQUIRE(ctx, code == CURLE_OK, RIND_E_NETWORK, "%s does not answer: %s", call->url->text,
                 post->reason[0] != '\0' ? post->reason : curl_easy_strerror(code));
    long answered = 0;
    (void)curl_easy_getinfo(post->handle, CURLINFO_RESPONSE_CODE, &answered);
    *status = (unsigned)answered;
    *body = rind_slice_make(post->body, post->body_length);
    return RIND_OK;
}
