/* credentials.c - see credentials.h. */
#include "cloud/credentials.h"

#include <stdlib.h>

#include "base/wipe.h"

#define CREDENTIALS_FILE_VARIABLE "GOOGLE_APPLICATION_CREDENTIALS"
#define CREDENTIALS_FILE_SIZE_BYTES_MAX 65536u /* a service account's is 2.5 KiB */

/* The kinds of file that gRPC's own credentials understand. */
static const char *const credentials_types[] = {"service_account", "authorized_user",
                                                "external_account"};

static rind_status credentials_check_type(struct rind_ctx *ctx, const char *path,
                                          const json_t *root)
{
    const json_t *type = json_object_get(root, "type");
    const char *text = json_string_value(type);
    for (size_t i = 0; text != NULL && i < sizeof(credentials_types) / sizeof(*credentials_types);
         i++) {
        if (strcmp(text, credentials_types[i]) == 0) {
            return RIND_OK;
        }
    }
    return rind_fail(ctx, RIND_E_AUTH,
                     "the file that " CREDENTIALS_FILE_VARIABLE " names, %.200s, is no key of a "
                     "service account or user: make one with gcloud iam service-accounts keys "
                     "create",
                     path);
}

/*
 * A file that is named but of no use must not silently give way to the next kind of credentials:
 * the process would act as somebody else. gRPC does not say what is wrong with it; we do.
 */
static rind_status credentials_check_file(struct rind_ctx *ctx, const char *path, void *memory)
{
    struct rind_arena arena;
    struct rind_ctx reading;
    rind_arena_init(&arena, memory, 2 * CREDENTIALS_FILE_SIZE_BYTES_MAX);
    rind_ctx_init(&reading, &arena);
    struct rind_slice bytes;
    rind_status status = rind_file_read(&reading, path, CREDENTIALS_FILE_SIZE_BYTES_MAX, &bytes);
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_AUTH,
                 "reading the file that " CREDENTIALS_FILE_VARIABLE " names: %.300s",
                 reading.sentence);
    json_t *root = NULL;
    status = rind_json_parse(&reading, bytes, "credentials", &root);
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_AUTH,
                 "the file that " CREDENTIALS_FILE_VARIABLE " names, %.200s, is not JSON", path);
    status = credentials_check_type(ctx, path, root);
    json_decref(root);
    return status;
}

static rind_status credentials_check(struct rind_ctx *ctx)
{
    const char *path = getenv(CREDENTIALS_FILE_VARIABLE);
    if (path == NULL || path[0] == '\0') {
        return RIND_OK;
    }
    size_t size = 2 * CREDENTIALS_FILE_SIZE_BYTES_MAX;
    void *memory = malloc(size);
    RIND_REQUIRE(ctx, memory != NULL, RIND_E_LIMIT, "no memory to read credentials");
    rind_status status = credentials_check_file(ctx, path, memory);
    rind_wipe(memory, size);
    free(memory);
    return status;
}

rind_status rind_credentials_make(struct rind_ctx *ctx, enum rind_channel_security security,
                                  const char *service, grpc_channel_credentials **credentials)
{
    grpc_channel_credentials *made = NULL;
    switch (security) {
    case RIND_CHANNEL_PLAIN:
        made = grpc_insecure_credentials_create();
        break;
    case RIND_CHANNEL_TLS:
        made = grpc_ssl_credentials_create(NULL, NULL, NULL, NULL);
        break;
    case RIND_CHANNEL_GOOGLE:
        RIND_TRY(credentials_check(ctx));
        made = grpc_google_default_credentials_create(NULL);
        RIND_REQUIRE(
            ctx, made != NULL, RIND_E_AUTH,
            "%s needs Google credentials and there are none: set " CREDENTIALS_FILE_VARIABLE
            " to a service account's key file, run gcloud auth application-default login, "
            "or run on a Google Cloud machine with a service account",
            service);
        break;
    }
    RIND_REQUIRE(ctx, made != NULL, RIND_E_AUTH, "no TLS for %s: no root certificates are found",
                 service);
    *credentials = made;
    return RIND_OK;
}
