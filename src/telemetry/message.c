/* message.c - see message.h. */
#include "telemetry/message.h"

#include <string.h>

#include "cloud/cloud.h"

#define MESSAGE_SCOPE "rind"
#define MESSAGE_STATUS_ERROR 2
/* service.name, service.instance.id and version, besides those of the environment. */
#define MESSAGE_OWN_ATTRIBUTES 3u
#define MESSAGE_SERVICES_MAX 2u /* our own, and that of a process that we report for */

/* ---- attributes ---- */

struct message_list {
    Otlp__KeyValue **items;
    size_t count;
};

/* Room for `count_max` attributes. */
static rind_status message_list_init(struct rind_ctx *ctx, struct message_list *list,
                                     size_t count_max)
{
    *list = (struct message_list){.count = 0};
    list->items = rind_ctx_alloc_array(ctx, count_max, sizeof(*list->items));
    return list->items != NULL ? RIND_OK : rind_status_make(RIND_E_LIMIT);
}

static rind_status message_put(struct rind_ctx *ctx, struct message_list *list, const char *key,
                               Otlp__AnyValue **value)
{
    Otlp__KeyValue *pair = rind_ctx_alloc(ctx, sizeof(*pair));
    *value = rind_ctx_alloc(ctx, sizeof(**value));
    if (pair == NULL || *value == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    otlp__key_value__init(pair);
    otlp__any_value__init(*value);
    pair->key = rind_proto_text(key);
    pair->value = *value;
    list->items[list->count++] = pair;
    return RIND_OK;
}

static rind_status message_put_text(struct rind_ctx *ctx, struct message_list *list,
                                    const char *key, const char *text)
{
    Otlp__AnyValue *value;
    RIND_TRY(message_put(ctx, list, key, &value));
    value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value->string_value = rind_proto_text(text);
    return RIND_OK;
}

static rind_status message_put_number(struct rind_ctx *ctx, struct message_list *list,
                                      const char *key, int64_t number)
{
    Otlp__AnyValue *value;
    RIND_TRY(message_put(ctx, list, key, &value));
    value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value->int_value = number;
    return RIND_OK;
}

/* ---- the resource ---- */

static bool message_is_overridden(const struct rind_trace_resource *resource, const char *key)
{
    for (size_t i = 0; i < resource->attribute_count; i++) {
        if (strcmp(resource->attributes[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* `service` NULL: this process. One that we report for has its name, and the same version. */
static rind_status message_resource(struct rind_ctx *ctx,
                                    const struct rind_trace_resource *resource, const char *service,
                                    Otlp__Resource **result)
{
    struct message_list list;
    const char *version = rind_build_info()->git_hash;
    Otlp__Resource *made = rind_ctx_alloc(ctx, sizeof(*made));
    if (made == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    RIND_TRY(message_list_init(ctx, &list, MESSAGE_OWN_ATTRIBUTES + resource->attribute_count));
    if (service != NULL || !message_is_overridden(resource, "service.name")) {
        RIND_TRY(message_put_text(ctx, &list, "service.name",
                                  service != NULL ? service : resource->service));
    }
    if (version != NULL && !message_is_overridden(resource, "version")) {
        RIND_TRY(message_put_text(ctx, &list, "version", version));
    }
    if (resource->instance != NULL && !message_is_overridden(resource, "service.instance.id")) {
        RIND_TRY(message_put_text(ctx, &list, "service.instance.id", resource->instance));
    }
    for (size_t i = 0; i < resource->attribute_count; i++) {
        const struct rind_trace_attribute *attribute = &resource->attributes[i];
        if (service == NULL || strcmp(attribute->key, "service.name") != 0) {
            RIND_TRY(message_put_text(ctx, &list, attribute->key, attribute->value));
        }
    }
    otlp__resource__init(made);
    made->attributes = list.items;
    made->n_attributes = list.count;
    *result = made;
    return RIND_OK;
}

/* ---- spans ---- */

static rind_status message_attributes(struct rind_ctx *ctx, const struct rind_span *span,
                                      Otlp__Span *made)
{
    struct message_list list;
    RIND_TRY(message_list_init(ctx, &list, span->attribute_count + 1));
    for (size_t i = 0; i < span->attribute_count; i++) {
        const struct rind_span_attribute *attribute = &span->attributes[i];
        RIND_TRY(attribute->is_text
                     ? message_put_text(ctx, &list, attribute->key, attribute->text)
                     : message_put_number(ctx, &list, attribute->key, attribute->number));
    }
    if (span->error != NULL) {
        RIND_TRY(message_put_text(ctx, &list, "error.type", span->error));
    }
    made->attributes = list.items;
    made->n_attributes = list.count;
    return RIND_OK;
}

static rind_status message_span(struct rind_ctx *ctx, const struct rind_finished_span *finished,
                                Otlp__Span **result)
{
    const struct rind_span *span = &finished->span;
    Otlp__Span *made = rind_ctx_alloc(ctx, sizeof(*made));
    if (made == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    otlp__span__init(made);
    made->trace_id = rind_proto_bytes(RIND_SLICE_OF(span->trace.trace_id));
    made->span_id = rind_proto_bytes(RIND_SLICE_OF(span->trace.span_id));
    if (span->has_parent) {
        made->parent_span_id = rind_proto_bytes(RIND_SLICE_OF(span->parent_id));
    }
    made->name = rind_proto_text(span->name);
    made->kind = (int32_t)span->kind;
    uint64_t duration_ns = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;
    made->start_time_unix_nano = finished->end_unix_ns - duration_ns;
    made->end_time_unix_nano = finished->end_unix_ns;
    RIND_TRY(message_attributes(ctx, span, made));
    if (span->error != NULL) {
        Otlp__Status *status = rind_ctx_alloc(ctx, sizeof(*status));
        if (status == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        otlp__status__init(status);
        status->code = MESSAGE_STATUS_ERROR;
        made->status = status;
    }
    *result = made;
    return RIND_OK;
}

static bool message_is_of(const struct rind_span *span, const char *service)
{
    return service == NULL ? span->service == NULL
                           : span->service != NULL && strcmp(span->service, service) == 0;
}

/* All spans of one service; `*result` is NULL if there are none. */
static rind_status message_service(struct rind_ctx *ctx, const struct rind_trace_resource *resource,
                                   const char *service, const struct rind_finished_span *spans,
                                   size_t count, Otlp__ResourceSpans **result)
{
    Otlp__ResourceSpans *made = rind_ctx_alloc(ctx, sizeof(*made));
    Otlp__ScopeSpans *scoped = rind_ctx_alloc(ctx, sizeof(*scoped));
    Otlp__ScopeSpans **scopes = rind_ctx_alloc(ctx, sizeof(*scopes));
    Otlp__Scope *scope = rind_ctx_alloc(ctx, sizeof(*scope));
    Otlp__Span **items = rind_ctx_alloc_array(ctx, count, sizeof(*items));
    if (made == NULL || scoped == NULL || scopes == NULL || scope == NULL || items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    otlp__resource_spans__init(made);
    otlp__scope_spans__init(scoped);
    otlp__scope__init(scope);
    scope->name = rind_proto_text(MESSAGE_SCOPE);
    scope->version = rind_proto_text(rind_build_info()->version);
    scoped->scope = scope;
    scoped->spans = items;
    for (size_t i = 0; i < count; i++) {
        if (message_is_of(&spans[i].span, service)) {
            RIND_TRY(message_span(ctx, &spans[i], &items[scoped->n_spans]));
            scoped->n_spans++;
        }
    }
    *result = NULL;
    if (scoped->n_spans > 0) {
        RIND_TRY(message_resource(ctx, resource, service, &made->resource));
        scopes[0] = scoped;
        made->scope_spans = scopes;
        made->n_scope_spans = 1;
        *result = made;
    }
    return RIND_OK;
}

rind_status rind_trace_message(struct rind_ctx *ctx, const struct rind_trace_resource *resource,
                               const struct rind_finished_span *spans, size_t count,
                               Otlp__ExportRequest *request)
{
    const char *services[MESSAGE_SERVICES_MAX] = {NULL, NULL};
    Otlp__ResourceSpans **made =
        rind_ctx_alloc_array(ctx, MESSAGE_SERVICES_MAX, sizeof(Otlp__ResourceSpans *));
    if (made == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        services[1] = spans[i].span.service != NULL ? spans[i].span.service : services[1];
    }
    otlp__export_request__init(request);
    request->resource_spans = made;
    for (size_t i = 0; i < (services[1] != NULL ? 2u : 1u); i++) {
        Otlp__ResourceSpans *one;
        RIND_TRY(message_service(ctx, resource, services[i], spans, count, &one));
        if (one != NULL) {
            made[request->n_resource_spans++] = one;
        }
    }
    return RIND_OK;
}
