/* web.c - see web.h. */
#include "balancer/web.h"

#include <string.h>

#include "support/test.h"

#define WEB_TIMEOUT_S 40L

static size_t header_take(char *data, size_t size, size_t count, void *self)
{
    struct web_answer *answer = self;
    size_t length = size * count;
    if (answer->headers_length + length >= sizeof(answer->headers)) {
        return 0;
    }
    bool is_name = true;
    for (size_t i = 0; i < length; i++) {
        char c = data[i];
        is_name = is_name && c != ':';
        c = is_name && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (c != '\r') {
            answer->headers[answer->headers_length++] = c;
        }
    }
    answer->headers[answer->headers_length] = '\0';
    return length;
}

static size_t body_take(char *data, size_t size, size_t count, void *self)
{
    struct web_answer *answer = self;
    size_t length = size * count;
    if (answer->body_length + length > sizeof(answer->body)) {
        return 0;
    }
    memcpy(answer->body + answer->body_length, data, length);
    answer->body_length += length;
    return length;
}

static void set_options(CURL *curl, int port, const char *certificate_path,
                        const struct web_request *request, struct web_answer *answer,
                        struct curl_slist **headers)
{
    char url[512];
    snprintf(url, sizeof(url), "https://127.0.0.1:%d%s", port, request->path);
    for (size_t i = 0; i < 4 && request->headers[i] != NULL; i++) {
        *headers = curl_slist_append(*headers, request->headers[i]);
    }
    *headers = curl_slist_append(*headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, certificate_path);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, WEB_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                     request->is_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_take);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    const char *method = request->method != NULL ? request->method : "POST";
    if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                         request->body.length > 0 ? (const char *)request->body.data : "");
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

void web_send(CURL *shared, int port, const char *certificate_path,
              const struct web_request *request, struct web_answer *answer)
{
    struct curl_slist *headers = NULL;
    CURL *curl = shared != NULL ? shared : curl_easy_init();
    assert_non_null(curl);
    curl_easy_reset(curl);
    *answer = (struct web_answer){0};
    set_options(curl, port, certificate_path, request, answer, &headers);
    answer->error = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &answer->http_version);
    curl_slist_free_all(headers);
    if (shared == NULL) {
        curl_easy_cleanup(curl);
    }
}

const char *web_header(const struct web_answer *answer, const char *name)
{
    static char value[512];
    char key[128];
    snprintf(key, sizeof(key), "\n%s: ", name);
    const char *start = strstr(answer->headers, key);
    if (start == NULL) {
        return NULL;
    }
    start += strlen(key);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(start, "\n"), start);
    return value;
}

bool web_body_is(const struct web_answer *answer, const char *text)
{
    return rind_slice_is_text(rind_slice_make(answer->body, answer->body_length), text);
}
