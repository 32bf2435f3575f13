/* token.c - `rind token create|validate|random`: tokens with keys given as hex (spec 01 section
 * 15). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "cli/command.h"

#define TOKEN_KEY_SIZE_MAX 8192u /* a PKCS#8 RSA key of 16384 bits and more */

static const char *const token_algorithms[] = {"RS256", "HS256", "EdDSA", NULL};
static const char *const token_scopes[] = {"user", "audit", NULL};

struct token_options {
    const char *user;
    const char *tenant;
    const char *realm;
    const char *key;
    uint64_t version;
    const char *algorithm;
    const char *scope;
    const char *token;
};

/* ---- what create and validate have in common ---- */

static rind_status token_read_key(struct rind_ctx *ctx, const struct token_options *options,
                                  struct rind_slice *bytes)
{
    size_t size = strlen(options->key) / 2;
    RIND_REQUIRE(ctx, size <= TOKEN_KEY_SIZE_MAX, RIND_E_INVALID, "the key is longer than %u bytes",
                 TOKEN_KEY_SIZE_MAX);
    uint8_t *key = rind_ctx_alloc(ctx, size + 1);
    RIND_REQUIRE(ctx, key != NULL, RIND_E_LIMIT, "no memory for the key");
    RIND_REQUIRE(ctx,
                 strlen(options->key) % 2 == 0 &&
                     rind_hex_decode(rind_slice_text(options->key), key, size),
                 RIND_E_INVALID, "the key is no hex; 'rind token random' makes one");
    *bytes = rind_slice_make(key, size);
    return RIND_OK;
}

static rind_status token_read_realm(struct rind_ctx *ctx, const struct token_options *options,
                                    struct rind_realm_id *realm)
{
    RIND_REQUIRE(ctx, rind_realm_id_parse(rind_slice_text(options->realm), realm), RIND_E_INVALID,
                 "'%.80s' is no realm id of 32 hex digits", options->realm);
    return RIND_OK;
}

static enum rind_token_algorithm token_algorithm(const struct token_options *options)
{
    enum rind_token_algorithm algorithm = RIND_TOKEN_HS256;
    bool is_found = rind_token_algorithm_find(rind_slice_text(options->algorithm), &algorithm);
    RIND_ASSERT(is_found); /* one of `token_algorithms` */
    return algorithm;
}

/* The rows of create, validate and random are subsets of these, in this order. */
enum token_rows { TOKEN_ROWS_RANDOM = 1, TOKEN_ROWS_CREATE = 7, TOKEN_ROWS_VALIDATE = 7 };

static bool token_parse(struct rind_cli *cli, const struct rind_command *text, size_t row_count,
                        const struct rind_flag *last, int argc, char *const *argv,
                        struct token_options *options, int *exit_status)
{
    struct rind_flag flags[] = {
        {.name = "algorithm",
         .letter = 'a',
         .kind = RIND_FLAG_CHOICE,
         .choices = token_algorithms,
         .is_required = true,
         .help = "Signature algorithm.",
         .value = &options->algorithm},
        {.name = "user",
         .letter = 'u',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "User whom the token is for.",
         .value = &options->user},
        {.name = "tenant",
         .letter = 't',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Tenant that issues it.",
         .value = &options->tenant},
        {.name = "realm",
         .letter = 'r',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Realm id of 32 hex digits; dashes are ignored.",
         .value = &options->realm},
        {.name = "key",
         .letter = 'k',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Key in hex: HS256 as it is, otherwise DER (PKCS#8 to create, "
                 "SubjectPublicKeyInfo to validate). Others on this machine can see it.",
         .value = &options->key},
        {.name = "version",
         .letter = 'v',
         .kind = RIND_FLAG_U64,
         .is_required = true,
         .help = "Version of the key.",
         .value = &options->version},
        {0},
    };
    if (last != NULL) {
        flags[row_count - 1] = *last;
    }
    const struct rind_flag_table tables[] = {{NULL, flags, row_count}};
    struct rind_command command = *text;
    command.tables = tables;
    command.table_count = 1;
    return rind_cli_flags(cli, &command, argc, argv, exit_status);
}

/* ---- create ---- */

static rind_status token_create(struct rind_cli *cli, const struct token_options *options)
{
    struct rind_ctx *ctx = &cli->ctx;
    struct rind_token_grant grant = {.tenant = rind_slice_text(options->tenant),
                                     .user = rind_slice_text(options->user),
                                     .key_version = options->version};
    bool is_scope = rind_token_scope_find(rind_slice_text(options->scope), &grant.scope);
    RIND_ASSERT(is_scope); /* one of `token_scopes` */
    RIND_TRY(token_read_realm(ctx, options, &grant.realm));
    struct rind_slice bytes;
    struct rind_slice token;
    struct rind_token_key *key;
    RIND_TRY(token_read_key(ctx, options, &bytes));
    RIND_TRY(rind_token_key_new_signing(ctx, token_algorithm(options), bytes, &key));
    rind_status created = rind_token_create(ctx, &grant, key, rind_clock_unix_ms(), &token);
    rind_token_key_free(key);
    RIND_TRY(created);
    (void)printf("%.*s\n", (int)token.length, (const char *)token.data);
    return RIND_OK;
}

int rind_cli_token_create(struct rind_cli *cli, int argc, char *const *argv)
{
    static const struct rind_command text = {
        .program = "rind token create",
        .about = "Makes a token, valid for ten minutes, with a signing key given in hex.",
        .example = "rind token create -t acme -u mario -r 2f8b... -a HS256 -k 302e... -v 1"};
    struct token_options options = {0};
    const struct rind_flag scope = {.name = "scope",
                                    .letter = 's',
                                    .kind = RIND_FLAG_CHOICE,
                                    .choices = token_scopes,
                                    .fallback = "user",
                                    .help = "What the token is for.",
                                    .value = &options.scope};
    int exit_status;
    if (!token_parse(cli, &text, TOKEN_ROWS_CREATE, &scope, argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, token_create(cli, &options));
}

/* ---- validate ---- */

/* What people read of a check: errors to stderr, warnings to stdout. */
struct token_findings {
    const struct token_options *options;
    unsigned errors;
};

static void token_error(struct token_findings *findings, const char *text)
{
    findings->errors++;
    (void)fprintf(stderr, "ERROR: %s\n", text);
}

static void token_check_key_id(struct rind_ctx *ctx, struct rind_slice token,
                               struct token_findings *findings)
{
    struct rind_token_key_id key_id;
    enum rind_token_fault fault;
    if (!rind_is_ok(rind_token_read_key_id(ctx, token, &key_id, &fault))) {
        token_error(findings, ctx->sentence);
        return;
    }
    if (!rind_slice_is_text(key_id.tenant, findings->options->tenant)) {
        (void)printf("WARNING: the key id names another tenant than --tenant\n");
    }
    if (key_id.version != findings->options->version) {
        (void)printf("WARNING: the key id has version %" PRIu64 ", not %" PRIu64 "\n",
                     key_id.version, findings->options->version);
    }
}

static void token_warn_claims(const struct rind_token_claims *claims,
                              const struct token_options *options)
{
    if (!rind_slice_is_text(claims->issuer, options->tenant)) {
        (void)printf("WARNING: the issuer is not --tenant\n");
    }
    if (!rind_slice_is_text(claims->subject, options->user)) {
        (void)printf("WARNING: the subject is not --user\n");
    }
    if (claims->scope == RIND_TOKEN_SCOPE_NONE) {
        (void)printf("WARNING: the token has no scope\n");
    }
}

/* A key id whose tenant is not the issuer is an error here, as it is for a realm. */
static rind_status token_validate(struct rind_cli *cli, const struct token_options *options)
{
    struct rind_ctx *ctx = &cli->ctx;
    struct rind_token_check check = {.requirement = RIND_TOKEN_REQUIRE_ANY_OR_MISSING,
                                     .now_unix_ms = rind_clock_unix_ms()};
    struct token_findings findings = {.options = options};
    struct rind_slice bytes;
    struct rind_slice token = rind_slice_text(options->token);
    struct rind_token_key *key;
    struct rind_token_claims claims;
    enum rind_token_fault fault = RIND_TOKEN_FAULT_NONE;
    RIND_TRY(token_read_realm(ctx, options, &check.realm));
    RIND_TRY(token_read_key(ctx, options, &bytes));
    RIND_TRY(rind_token_key_new_verifying(ctx, token_algorithm(options), bytes, &key));
    check.key = key;
    rind_status valid = rind_token_validate(ctx, token, &check, &claims, &fault);
    rind_token_key_free(key);
    if (rind_is_ok(valid)) {
        token_warn_claims(&claims, options);
    } else {
        token_error(&findings, ctx->sentence);
    }
    if (fault != RIND_TOKEN_FAULT_KEY_ID) {
        token_check_key_id(ctx, token, &findings);
    }
    RIND_REQUIRE(ctx, findings.errors == 0, RIND_E_AUTH, "the token is not valid");
    (void)printf("Token is valid!\n");
    return RIND_OK;
}

int rind_cli_token_validate(struct rind_cli *cli, int argc, char *const *argv)
{
    static const struct rind_command text = {
        .program = "rind token validate",
        .about = "Checks a token as a realm does, with a verification key given in hex. Exit "
                 "status 0 if it is valid, even with warnings.",
        .example = "rind token validate -t acme -u mario -r 2f8b... -a HS256 -k 302e... -v 1 "
                   "-j eyJh..."};
    struct token_options options = {0};
    const struct rind_flag token = {.name = "token",
                                    .letter = 'j',
                                    .kind = RIND_FLAG_TEXT,
                                    .is_required = true,
                                    .help = "Token to check.",
                                    .value = &options.token};
    int exit_status;
    if (!token_parse(cli, &text, TOKEN_ROWS_VALIDATE, &token, argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, token_validate(cli, &options));
}

/* ---- random ---- */

static void token_print_hex(const char *label, struct rind_slice bytes)
{
    (void)printf("%s", label);
    for (size_t i = 0; i < bytes.length; i++) {
        (void)printf("%02x", bytes.data[i]);
    }
    (void)printf("\n");
}

static rind_status token_random(struct rind_cli *cli, const struct token_options *options)
{
    struct rind_slice signing;
    struct rind_slice verification;
    enum rind_token_algorithm algorithm = token_algorithm(options);
    RIND_TRY(rind_token_key_generate(&cli->ctx, algorithm, &signing, &verification));
    if (algorithm == RIND_TOKEN_HS256) {
        token_print_hex("", signing);
    } else {
        token_print_hex("private key: ", signing);
        token_print_hex("public key: ", verification);
    }
    return RIND_OK;
}

int rind_cli_token_random(struct rind_cli *cli, int argc, char *const *argv)
{
    static const struct rind_command text = {
        .program = "rind token random",
        .about = "Makes a random key for tokens and prints it in hex; RS256 and EdDSA keys as a "
                 "private and a public one.",
        .example = "rind token random --algorithm EdDSA"};
    struct token_options options = {0};
    int exit_status;
    if (!token_parse(cli, &text, TOKEN_ROWS_RANDOM, NULL, argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, token_random(cli, &options));
}
