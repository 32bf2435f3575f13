/*
 * librind.c - librind through a realm's whole life, as the public SDK goes through it in sdk.js.
 *
 * Run by `rind demo --demo`, with its arguments; then one word says what to do:
 *   life      all of it (the default)
 *   register  leaves a secret for another client
 *   recover   finds the secret that another client left
 * Links the shared library alone, with its installed header.
 */
#include <inttypes.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <rind/rind.h>

#define SHARED_PIN "2468"
#define SHARED_SECRET "left by the other client"
#define TOKENS_MAX 8

struct arguments {
    const char *configuration;
    const char *tokens;
    const char *certificate;
    const char *task;
};

/* What every step needs. Its own transport lets a step change what is sent. */
struct world {
    struct rind_configuration *configuration;
    struct rind_auth_token tokens[TOKENS_MAX];
    size_t token_count;
    struct rind_https *https;
    struct rind_transport direct;
    const char *announced_version; /* NULL: as the library says */
};

static const struct rind_bytes info = {"conformance", 11};

static void check(bool is_so, const char *sentence)
{
    printf("%s: %s\n", is_so ? "ok" : "FAILED", sentence);
    if (!is_so) {
        exit(1);
    }
}

static _Noreturn void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "error: %s: %s\n", what, why);
    exit(1);
}

/* ---- setting up ---- */

static void write_pem(const char *der_file, char *pem_file)
{
    FILE *in = fopen(der_file, "re");
    X509 *certificate = in == NULL ? NULL : d2i_X509_fp(in, NULL);
    int fd = mkstemp(pem_file);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (certificate == NULL || out == NULL || PEM_write_X509(out, certificate) != 1) {
        die(der_file, "not a certificate in DER");
    }
    (void)fclose(in);
    (void)fclose(out);
    X509_free(certificate);
}

static void read_tokens(struct world *world, const json_t *tokens)
{
    for (size_t r = 0; r < rind_configuration_realm_count(world->configuration); r++) {
        const struct rind_realm *realm = rind_configuration_realm(world->configuration, r);
        char id[2 * RIND_REALM_ID_SIZE + 1];
        for (size_t i = 0; i < RIND_REALM_ID_SIZE; i++) {
            (void)snprintf(id + 2 * i, 3, "%02x", realm->id[i]);
        }
        const char *jwt = json_string_value(json_object_get(tokens, id));
        if (jwt == NULL || world->token_count == TOKENS_MAX) {
            die(id, "no token for this realm, or too many");
        }
        struct rind_auth_token *token = &world->tokens[world->token_count++];
        memcpy(token->realm_id, realm->id, RIND_REALM_ID_SIZE);
        token->jwt = jwt;
    }
}

/* Sends as the library does, but for the version it announces. */
static void send_changed(void *self, const struct rind_transport_request *request,
                         struct rind_transport_response *response)
{
    const struct world *world = self;
    struct rind_transport_header headers[16];
    struct rind_transport_request changed = *request;
    if (request->header_count > 16) {
        die("transport", "more headers than expected");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] = request->headers[i];
        if (world->announced_version != NULL &&
            strcasecmp(headers[i].name, "X-Juicebox-Version") == 0) {
            headers[i].value = world->announced_version;
        }
    }
    changed.headers = headers;
    world->direct.send(world->direct.self, &changed, response);
}

static struct rind_user *open_user(struct world *world)
{
    char why[RIND_SENTENCE_SIZE];
    const struct rind_user_options options = {
        .configuration = world->configuration,
        .tokens = world->tokens,
        .token_count = world->token_count,
        .transport = {.send = send_changed, .self = world},
    };
    struct rind_user *user = rind_user_new(&options, why);
    if (user == NULL) {
        die("rind_user_new", why);
    }
    return user;
}

/* ---- steps ---- */

static void register_secret(struct rind_user *user, const char *pin, struct rind_bytes secret,
                            uint16_t num_guesses)
{
    struct rind_failure failure;
    if (rind_user_register(user, RIND_TEXT(pin), secret, info, num_guesses, &failure) !=
        RIND_ERROR_NONE) {
        die("register", failure.sentence);
    }
}

static bool recovers(struct rind_user *user, const char *pin, struct rind_bytes secret)
{
    struct rind_recovered recovered;
    struct rind_failure failure;
    bool is_same =
        rind_user_recover(user, RIND_TEXT(pin), info, &recovered, &failure) == RIND_ERROR_NONE &&
        recovered.secret_size == secret.size &&
        (secret.size == 0 || memcmp(recovered.secret, secret.data, secret.size) == 0);
    rind_recovered_wipe(&recovered);
    return is_same;
}

static bool fails(struct rind_user *user, const char *pin, enum rind_error error, int remaining)
{
    struct rind_recovered recovered;
    struct rind_failure failure;
    enum rind_error got = rind_user_recover(user, RIND_TEXT(pin), info, &recovered, &failure);
    rind_recovered_wipe(&recovered);
    if (got != error) {
        printf("   got %s: %s\n", rind_error_name(got), failure.sentence);
    }
    return got == error && (remaining < 0 || failure.guesses_remaining == remaining);
}

static void delete_user(struct rind_user *user)
{
    struct rind_failure failure;
    if (rind_user_delete(user, &failure) != RIND_ERROR_NONE) {
        die("delete", failure.sentence);
    }
}

static void live(struct world *world)
{
    uint8_t longest[RIND_SECRET_SIZE_MAX];
    for (size_t i = 0; i < sizeof(longest); i++) {
        longest[i] = (uint8_t)i;
    }
    const struct rind_bytes secret = {longest, sizeof(longest)};
    struct rind_user *user = open_user(world);
    delete_user(user);
    check(fails(user, "1234", RIND_ERROR_NOT_REGISTERED, -1), "not registered");
    register_secret(user, "1234", secret, 3);
    check(recovers(user, "1234", secret), "a secret of 128 bytes comes back");
    struct rind_user *other = open_user(world);
    check(recovers(other, "1234", secret), "and to a new client");
    rind_user_free(other);
    check(fails(user, "9", RIND_ERROR_INVALID_PIN, 2), "wrong pin, 2 guesses remaining");
    check(recovers(user, "1234", secret), "the right pin gives the guess back");
    check(fails(user, "9", RIND_ERROR_INVALID_PIN, 2), "wrong pin, 2 guesses remaining");
    check(fails(user, "9", RIND_ERROR_INVALID_PIN, 1), "wrong pin, 1 guess remaining");
    check(fails(user, "9", RIND_ERROR_INVALID_PIN, 0), "wrong pin, none remaining");
    check(fails(user, "1234", RIND_ERROR_INVALID_PIN, 0), "locked, even with the right pin");
    register_secret(user, "1", (struct rind_bytes){NULL, 0}, 1);
    check(recovers(user, "1", (struct rind_bytes){NULL, 0}), "re-registered: an empty secret");
    delete_user(user);
    check(fails(user, "1", RIND_ERROR_NOT_REGISTERED, -1), "deleted");
    rind_user_free(user);
}

static void be_refused(struct world *world)
{
    struct rind_failure failure;
    struct rind_auth_token good[TOKENS_MAX];
    char broken[RIND_TOKEN_SIZE_MAX];
    memcpy(good, world->tokens, sizeof(good));
    (void)snprintf(broken, sizeof(broken), "%s", good[0].jwt);
    broken[strlen(broken) - 1] ^= 1;
    const char *const tokens[] = {broken, "not a token", ""};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        for (size_t t = 0; t < world->token_count; t++) {
            world->tokens[t].jwt = tokens[i]; /* of all realms: the threshold may bear one */
        }
        struct rind_user *user = open_user(world);
        check(fails(user, "1", RIND_ERROR_INVALID_AUTH, -1), "a token that is none is refused");
        check(rind_user_register(user, RIND_TEXT("1"), RIND_TEXT("s"), info, 1, &failure) ==
                  RIND_ERROR_INVALID_AUTH,
              "for register too");
        check(rind_user_delete(user, &failure) == RIND_ERROR_INVALID_AUTH, "and for delete");
        rind_user_free(user);
    }
    memcpy(world->tokens, good, sizeof(good));

    world->announced_version = "0.1.9"; /* too old for both kinds of realms */
    struct rind_user *old = open_user(world);
    check(fails(old, "1", RIND_ERROR_UPGRADE_REQUIRED, -1), "an old version is told to upgrade");
    rind_user_free(old);
    world->announced_version = NULL;
}

static void run(struct world *world, const char *task)
{
    const struct rind_bytes shared = RIND_TEXT(SHARED_SECRET);
    if (strcmp(task, "life") == 0) {
        live(world);
        be_refused(world);
        return;
    }
    struct rind_user *user = open_user(world);
    if (strcmp(task, "register") == 0) {
        register_secret(user, SHARED_PIN, shared, 3);
        check(true, "librind leaves a secret");
    } else if (strcmp(task, "recover") == 0) {
        check(recovers(user, SHARED_PIN, shared), "librind finds the other client's secret");
        check(fails(user, "9", RIND_ERROR_INVALID_PIN, 2), "and its guesses are counted");
        check(recovers(user, SHARED_PIN, shared), "the right pin gives the guess back");
    } else {
        die(task, "not a task: life, register or recover");
    }
    rind_user_free(user);
}

static struct arguments parse(int argc, char **argv)
{
    struct arguments arguments = {.task = "life"};
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--configuration") == 0     ? &arguments.configuration
                             : strcmp(argv[i], "--auth-tokens") == 0     ? &arguments.tokens
                             : strcmp(argv[i], "--tls-certificate") == 0 ? &arguments.certificate
                                                                         : NULL;
        if (value == NULL) {
            arguments.task = argv[i];
        } else if (i + 1 < argc) {
            *value = argv[++i];
        }
    }
    if (arguments.configuration == NULL || arguments.tokens == NULL ||
        arguments.certificate == NULL) {
        die("usage", "--configuration JSON --auth-tokens JSON --tls-certificate FILE.der [TASK]");
    }
    return arguments;
}

int main(int argc, char **argv)
{
    struct arguments arguments = parse(argc, argv);
    struct world world = {0};
    char why[RIND_SENTENCE_SIZE];
    char pem_file[] = "/tmp/rind-librind-XXXXXX";
    write_pem(arguments.certificate, pem_file);
    const struct rind_https_options options = {.ca_file = pem_file};
    json_t *tokens = json_loads(arguments.tokens, 0, NULL);
    world.configuration = rind_configuration_parse(arguments.configuration, why);
    world.https = rind_https_new(&options, why);
    if (tokens == NULL || world.configuration == NULL || world.https == NULL) {
        die("arguments", why);
    }
    read_tokens(&world, tokens);
    world.direct = rind_https_transport(world.https);
    run(&world, arguments.task);
    rind_https_free(world.https);
    rind_configuration_free(world.configuration);
    json_decref(tokens);
    (void)unlink(pem_file);
    return 0;
}
