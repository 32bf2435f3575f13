/* credentials.c - see credentials.h. */
#include "cloud/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cloud/metadata.h"

#define CREDENTIALS_FILE_VARIABLE "GOOGLE_APPLICATION_CREDENTIALS"
#define CREDENTIALS_FILE_SIZE_BYTES_MAX 65536u /* a service account's is 2.5 KiB */

/* Where gcloud auth application-default login puts its file, below the home directory. */
#define CREDENTIALS_GCLOUD_FILE ".config/gcloud/application_default_credentials.json"
#define CREDENTIALS_PATH_SIZE 512u

static grpc_call_credentials *credentials_of_service(const char *text)
{
    return grpc_service_account_jwt_access_credentials_create(text, grpc_max_auth_token_lifetime(),
                                                              NULL);
}

static grpc_call_credentials *credentials_of_user(const char *text)
{
    return grpc_google_refresh_token_credentials_create(text, NULL);
}

static grpc_call_credentials *credentials_of_elsewhere(const char *text)
{
    return grpc_external_account_credentials_create(text, "");
}

/* The kinds of file that gRPC's own credentials understand. */
static const struct credentials_kind {
    const char *type;
    grpc_call_credentials *(*make)(const char *text);
} credentials_kinds[] = {
    {"service_account", credentials_of_service},
    {"authorized_user", credentials_of_user},
    {"external_account", credentials_of_elsewhere},
};

static const struct credentials_kind *credentials_find_kind(const json_t *root)
{
    const char *type = json_string_value(json_object_get(root, "type"));
    for (size_t i = 0; type != NULL && i < sizeof(credentials_kinds) / sizeof(credentials_kinds[0]);
         i++) {
        if (strcmp(type, credentials_kinds[i].type) == 0) {
            return &credentials_kinds[i];
        }
    }
    return NULL;
}

/* Whether gRPC can make credentials of the file's text (which ends with a NUL). */
static rind_status credentials_try(struct rind_ctx *ctx, const char *what, const char *path,
                                   const struct credentials_kind *kind, const char *text)
{
    RIND_REQUIRE(ctx, kind != NULL, RIND_E_AUTH,
                 "%s, %.200s, is no key of a service account or user: make one with gcloud iam "
                 "service-accounts keys create",
                 what, path);
    grpc_call_credentials *made = kind->make(text);
    RIND_REQUIRE(ctx, made != NULL, RIND_E_AUTH,
                 "%s, %.200s, is not whole: something of its key is missing or damaged; make one "
                 "anew with gcloud iam service-accounts keys create",
                 what, path);
    grpc_call_credentials_release(made);
    return RIND_OK;
}

/*
 * A file of no use must not silently give way to the next kind of credentials: the process would
 * act as somebody else, and gRPC goes on like that. Nor does it say what is wrong; we do.
 */
static rind_status credentials_check_in(struct rind_ctx *ctx, const char *what, const char *path,
                                        void *memory)
{
    struct rind_arena arena;
    struct rind_ctx reading;
    rind_arena_init(&arena, memory, 2 * CREDENTIALS_FILE_SIZE_BYTES_MAX);
    rind_ctx_init(&reading, &arena);
    struct rind_slice bytes;
    rind_status status = rind_file_read(&reading, path, CREDENTIALS_FILE_SIZE_BYTES_MAX, &bytes);
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_AUTH,
                 "%s cannot be read: %.300s; name a service account's key file, or none to use "
                 "gcloud's login or this machine's account",
                 what, reading.sentence);
    json_t *root = NULL;
    status = rind_json_parse(&reading, bytes, "credentials", &root);
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_AUTH, "%s, %.200s, is not JSON", what, path);
    status =
        credentials_try(ctx, what, path, credentials_find_kind(root), (const char *)bytes.data);
    json_decref(root);
    return status;
}

static rind_status credentials_check_file(struct rind_ctx *ctx, const char *what, const char *path)
{
    size_t size = 2 * CREDENTIALS_FILE_SIZE_BYTES_MAX;
    void *memory = malloc(size);
    RIND_REQUIRE(ctx, memory != NULL, RIND_E_LIMIT, "no memory to read credentials");
    rind_status status = credentials_check_in(ctx, what, path, memory);
    rind_wipe(memory, size);
    free(memory);
    return status;
}

/* gcloud's file: RIND_E_NOT_FOUND without one. */
static rind_status credentials_check_gcloud(struct rind_ctx *ctx)
{
    const char *home = getenv("HOME");
    char path[CREDENTIALS_PATH_SIZE];
    int length =
        snprintf(path, sizeof(path), "%s/" CREDENTIALS_GCLOUD_FILE, home == NULL ? "" : home);
    RIND_REQUIRE(
        ctx, home != NULL && length > 0 && (size_t)length < sizeof(path) && access(path, F_OK) == 0,
        RIND_E_NOT_FOUND, "there is no file of gcloud's");
    return credentials_check_file(ctx, "gcloud's file", path);
}

rind_status rind_credentials_find(struct rind_ctx *ctx, const char *service,
                                  const struct rind_address *metadata)
{
    const char *named = getenv(CREDENTIALS_FILE_VARIABLE);
    if (named != NULL && named[0] != '\0') {
        return credentials_check_file(ctx, "the file that " CREDENTIALS_FILE_VARIABLE " names",
                                      named);
    }
    struct rind_ctx gcloud;
    rind_ctx_init(&gcloud, NULL);
    rind_status status = credentials_check_gcloud(&gcloud);
    if (rind_is_ok(status) ||
        rind_metadata_is_there(metadata, rind_deadline_in_ms(RIND_METADATA_TIMEOUT_MS))) {
        return RIND_OK; /* nobody named gcloud's file: one of no use gives way */
    }
    RIND_REQUIRE(ctx, rind_is(status, RIND_E_NOT_FOUND), RIND_E_AUTH,
                 "%s needs Google credentials and there are none: %.400s, or run gcloud auth "
                 "application-default login again",
                 service, gcloud.sentence);
    return rind_fail(
        ctx, RIND_E_AUTH,
        "%s needs Google credentials and there are none: set " CREDENTIALS_FILE_VARIABLE
        " to a service account's key file, run gcloud auth application-default "
        "login, or run on a Google Cloud machine with a service account",
        service);
}

static rind_status credentials_of_google(struct rind_ctx *ctx, const char *service,
                                         grpc_channel_credentials **credentials)
{
    struct rind_address metadata;
    RIND_TRY(rind_address_parse(ctx, rind_slice_text(RIND_METADATA_ADDRESS), &metadata));
    RIND_TRY(rind_credentials_find(ctx, service, &metadata));
    *credentials = grpc_google_default_credentials_create(NULL);
    RIND_REQUIRE(ctx, *credentials != NULL, RIND_E_AUTH,
                 "%s needs Google credentials, and those found a moment ago are gone: "
                 "set " CREDENTIALS_FILE_VARIABLE " to a service account's key file",
                 service);
    return RIND_OK;
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
        RIND_TRY(credentials_of_google(ctx, service, &made));
        break;
    }
    RIND_REQUIRE(ctx, made != NULL, RIND_E_AUTH, "no TLS for %s: no root certificates are found",
                 service);
    *credentials = made;
    return RIND_OK;
}
