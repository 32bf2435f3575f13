/* http.c - headers, reason phrases and routes; see http.h. */
#include "net/http.h"

#include "base/base.h"

struct rind_response rind_response_make(unsigned status, struct rind_slice body)
{
    return (struct rind_response){.status = status, .body = body};
}

void rind_response_add_header(struct rind_response *response, const char *name,
                              struct rind_slice value)
{
    RIND_ASSERT(response->header_count < RIND_RESPONSE_HEADERS_MAX);
    struct rind_slice name_slice = rind_slice_text(name);
    RIND_ASSERT(name_slice.length + value.length <= RIND_RESPONSE_HEADER_SIZE_MAX);
    response->headers[response->header_count++] = (struct rind_http_header){name_slice, value};
}

const struct rind_http_header *rind_http_find_header(const struct rind_http_header *headers,
                                                     size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (rind_slice_is_text(headers[i].name, name)) {
            return &headers[i];
        }
    }
    return NULL;
}

bool rind_request_header(const struct rind_request *request, const char *name,
                         struct rind_slice *value)
{
    const struct rind_http_header *header =
        rind_http_find_header(request->headers, request->header_count, name);
    if (header == NULL) {
        return false;
    }
    *value = header->value;
    return true;
}

size_t rind_request_header_count(const struct rind_request *request, const char *name)
{
    size_t found = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        found += rind_slice_is_text(request->headers[i].name, name) ? 1 : 0;
    }
    return found;
}

const char *rind_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {100, "Continue"},
        {200, "OK"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Payload Too Large"},
        {415, "Unsupported Media Type"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "";
}

void rind_routes_handle(void *routes, struct rind_ctx *ctx, const struct rind_request *request,
                        struct rind_response *response)
{
    const struct rind_routes *table = routes;
    for (size_t i = 0; i < table->count; i++) {
        const struct rind_route *row = &table->rows[i];
        bool is_method = row->method == NULL || rind_slice_is_text(request->method, row->method);
        if (is_method && rind_slice_is_text(request->path, row->path)) {
            row->handle(table->self, ctx, request, response);
            return;
        }
    }
    if (table->otherwise != NULL) {
        table->otherwise(table->self, ctx, request, response);
        return;
    }
    response->status = 404;
}
