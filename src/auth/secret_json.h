/* secret_json.h - the JSON object that holds one secret. For secret.c and secrets_file.c only. */
#ifndef RIND_AUTH_SECRET_JSON_H
#define RIND_AUTH_SECRET_JSON_H

#include <jansson.h>

#include "auth/secret.h"

/* Data (in heap memory that the caller wipes and frees) and algorithm of a secret object. */
struct rind_secret_contents {
    enum rind_secret_algorithm algorithm;
    uint8_t *data; /* owned; never NULL */
    size_t length;
};

/*
 * Reads a secret object. RIND_E_INVALID with the sentence InvalidJSON or InvalidDataForEncoding;
 * RIND_E_LIMIT when out of memory.
 */
rind_status rind_secret_object_read(struct rind_ctx *ctx, const json_t *object,
                                    struct rind_secret_contents *contents) RIND_MUST_USE;

/* Parses JSON text that holds secrets; NULL if it is none. Free with rind_secret_json_free. */
json_t *rind_secret_json_parse(struct rind_slice text, json_error_t *error);

/* Wipes all texts in it, then frees it; NULL is fine. */
void rind_secret_json_free(json_t *json);

/* As rind_secret_map_add with the object parsed already. */
rind_status rind_secret_map_add_object(struct rind_secret_map *map, struct rind_ctx *ctx,
                                       struct rind_slice name, uint64_t version,
                                       const json_t *object) RIND_MUST_USE;

#endif
