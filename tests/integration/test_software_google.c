/*
 * test_software_google.c - rind-software-realm --provider gcp as a process, between the emulators
 * of Bigtable, Pub/Sub and Secret Manager, and the client library (spec 05 section 13).
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/realm/child.h"
#include "cli/token_maker.h"
#include "emulators/bigtable_emulator.h"
#include "emulators/emulator.h"
#include "rind/rind.h"
#include "support/test.h"

#define TENANT "test-acme"
#define REALM_HEX "2f8b1c5e00d14aa3b1f0c2d3e4f50617"
#define PIN "2580"
#define WRONG_PIN "0000"
#define INFO "info"
#define PATIENCE_MS 60000u
#define LINES_MAX 32u
#define LINE_SIZE 512u
#define GUESSERS 8u
#define GUESSES 40u

/* Version 9 is only in our file: nobody at Google's has heard of it. */
#define KEY(version)                                                                               \
    "\"" version "\":{\"data\":\"a key\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}"
#define FILE_OF(version) "{\"jb-sw-tenant-" TENANT "\":{" KEY(version) "}}"
#define GOOGLES                                                                                    \
    "{\"prj\":{\"jb-sw-tenant-" TENANT "\":{\"versions\":{\"1\":{\"payload\":\"{"                  \
    "\\\"data\\\":\\\"a key\\\",\\\"encoding\\\":\\\"UTF8\\\","                                    \
    "\\\"algorithm\\\":\\\"HmacSha256\\\"}\"}}}}}"

struct world {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct bigtable_emulator bigtable;
    struct emulator pubsub;
    struct emulator secrets;
    struct rind_child service;
    struct rind_stopper pause; /* never set: only its deadline is of interest */
    char secrets_file[128];
    char unknown_file[128];
    char url[RIND_URL_SIZE_MAX];
    struct rind_configuration *configuration;
    struct rind_https *https;
};

struct user {
    struct world *world;
    const char *name;
    struct rind_token_maker *maker;
    struct rind_user *user;
    struct rind_thread thread;
    enum rind_error error;
};

static const char *bin_directory(void)
{
    const char *bin = getenv("RIND_BIN_DIR");
    return bin != NULL ? bin : "bin";
}

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* ---- the realm ---- */

static void await_ready(struct world *world)
{
    static char content[65536];
    struct rind_deadline deadline = rind_deadline_in_ms(PATIENCE_MS);
    while (true) {
        FILE *file = fopen(world->service.log_file, "r");
        size_t length = file != NULL ? fread(content, 1, sizeof(content) - 1, file) : 0;
        if (file != NULL) {
            (void)fclose(file);
        }
        content[length] = '\0';
        const char *at = strstr(content, "ready: ");
        if (at != NULL && strchr(at, '"') != NULL) {
            at += strlen("ready: ");
            (void)snprintf(world->url, sizeof(world->url), "http://%.*s/", (int)strcspn(at, "\""),
                           at);
            return;
        }
        if (rind_deadline_has_expired(deadline) ||
            !rind_is_ok(rind_child_check(&world->ctx, &world->service))) {
            fail_msg("not ready: %s", content);
        }
        (void)rind_stopper_wait(&world->pause, rind_deadline_in_ms(10));
    }
}

static void open_configuration(struct world *world)
{
    char why[RIND_SENTENCE_SIZE];
    struct rind_realm realm = {.address = world->url};
    assert_true(rind_hex_decode(rind_slice_text(REALM_HEX), realm.id, sizeof(realm.id)));
    world->configuration =
        rind_configuration_new(&realm, 1, 1, 1, RIND_PIN_HASHING_FAST_INSECURE, why);
    assert_non_null(world->configuration);
}

/* The program is started as deployed software realms are: -provider and the environment. */
static void start_realm(struct world *world)
{
    struct rind_child *service = &world->service;
    *service = (struct rind_child){.name = "software"};
    (void)snprintf(service->program, sizeof(service->program), "%s/rind-software-realm",
                   bin_directory());
    (void)snprintf(service->log_file, sizeof(service->log_file), "%s/software.log",
                   world->pubsub.folder);
    (void)unlink(service->log_file);
    rind_child_add(service, "-provider");
    rind_child_add(service, "gcp");
    rind_child_add(service, "--listen=127.0.0.1:0");
    rind_child_add(service, "--secrets-manager-url=%s", world->secrets.url.text);
    assert_true(rind_is_ok(rind_child_start(&world->ctx, service)));
    await_ready(world);
    open_configuration(world);
}

static void stop_realm(struct world *world)
{
    rind_child_signal(&world->service, SIGTERM);
    assert_true(rind_child_wait(&world->service, rind_deadline_in_ms(PATIENCE_MS)));
    rind_configuration_free(world->configuration);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    const struct rind_https_options https = {.is_plain_http_allowed = true};
    char why[RIND_SENTENCE_SIZE];
    assert_non_null(world);
    assert_true(rind_is_ok(rind_arena_map(NULL, 16u << 20, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    assert_true(rind_is_ok(rind_stopper_init(&world->ctx, &world->pause)));
    bigtable_emulator_start(&world->bigtable, 0);
    emulator_open(&world->pubsub, "pubsub");
    emulator_open(&world->secrets, "secretmanager");
    emulator_set_secrets(&world->secrets, GOOGLES);
    (void)snprintf(world->secrets_file, sizeof(world->secrets_file), "%s/known.json",
                   world->pubsub.folder);
    (void)snprintf(world->unknown_file, sizeof(world->unknown_file), "%s/unknown.json",
                   world->pubsub.folder);
    put_file(world->secrets_file, FILE_OF("1"));
    put_file(world->unknown_file, FILE_OF("9"));
    (void)setenv("BIGTABLE_EMULATOR_HOST", world->bigtable.address, 1);
    (void)setenv("PUBSUB_EMULATOR_HOST", world->pubsub.address, 1);
    (void)setenv("GCP_PROJECT_ID", "prj", 1);
    (void)setenv("BIGTABLE_INSTANCE_ID", "inst", 1);
    (void)setenv("REALM_ID", REALM_HEX, 1);
    start_realm(world);
    world->https = rind_https_new(&https, why);
    assert_non_null(world->https);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    stop_realm(world);
    (void)unlink(world->service.log_file);
    (void)unlink(world->secrets_file);
    (void)unlink(world->unknown_file);
    rind_https_free(world->https);
    bigtable_emulator_stop(&world->bigtable);
    emulator_close(&world->secrets);
    emulator_close(&world->pubsub);
    rind_stopper_fini(&world->pause);
    rind_arena_unmap(world->arena);
    free(world);
    return 0;
}

/* ---- users ---- */

static bool user_token(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                       size_t jwt_size)
{
    const struct user *user = self;
    uint8_t memory[8192];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_realm_id id;
    struct rind_slice token;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    memcpy(id.bytes, realm_id, sizeof(id.bytes));
    if (!rind_is_ok(
            rind_token_maker_make(&ctx, user->maker, &id, rind_slice_text(user->name), &token)) ||
        token.length >= jwt_size) {
        return false;
    }
    memcpy(jwt, token.data, token.length + 1);
    return true;
}

static void user_open(struct user *user, struct world *world, const char *name, const char *keys)
{
    char why[RIND_SENTENCE_SIZE];
    *user = (struct user){.world = world, .name = name};
    if (!rind_is_ok(rind_token_maker_open_software(&world->ctx, keys, rind_slice_text(TENANT),
                                                   &user->maker))) {
        fail_msg("%s", world->ctx.sentence);
    }
    const struct rind_user_options options = {.configuration = world->configuration,
                                              .token_get = user_token,
                                              .token_self = user,
                                              .transport = rind_https_transport(world->https)};
    user->user = rind_user_new(&options, why);
    assert_non_null(user->user);
}

static void user_close(struct user *user)
{
    rind_user_free(user->user);
    rind_token_maker_close(user->maker);
}

static enum rind_error user_register(struct user *user)
{
    struct rind_failure failure;
    return rind_user_register(user->user, RIND_TEXT(PIN), RIND_TEXT("secret"), RIND_TEXT(INFO),
                              GUESSES, &failure);
}

static enum rind_error user_recover(struct user *user, const char *pin, uint16_t *guesses_remaining)
{
    struct rind_failure failure = {0};
    struct rind_recovered recovered;
    enum rind_error error =
        rind_user_recover(user->user, RIND_TEXT(pin), RIND_TEXT(INFO), &recovered, &failure);
    if (error == RIND_ERROR_NONE) {
        assert_int_equal(recovered.secret_size, strlen("secret"));
        assert_memory_equal(recovered.secret, "secret", recovered.secret_size);
    }
    rind_recovered_wipe(&recovered);
    if (guesses_remaining != NULL) {
        *guesses_remaining = failure.guesses_remaining;
    }
    return error;
}

/* ---- events ---- */

/* Reads and acknowledges what there is until there are `wanted` lines. */
static void await_events(struct world *world, char lines[LINES_MAX][LINE_SIZE], size_t wanted)
{
    char command[4096];
    size_t count = 0;
    struct rind_deadline deadline = rind_deadline_in_ms(PATIENCE_MS);
    (void)snprintf(command, sizeof(command),
                   "'%s/rind' tenant-log --url '%s' --software --secrets-file '%s' --tenant " TENANT
                   " --realm " REALM_HEX " --ack --json",
                   bin_directory(), world->url, world->secrets_file);
    while (count < wanted) {
        assert_false(rind_deadline_has_expired(deadline));
        FILE *stream = popen(command, "r"); /* NOLINT: paths are ours */
        assert_non_null(stream);
        while (count < LINES_MAX && fgets(lines[count], LINE_SIZE, stream) != NULL) {
            count++;
        }
        assert_int_equal(pclose(stream), 0);
    }
    assert_int_equal(count, wanted);
}

static unsigned count_lines(char lines[LINES_MAX][LINE_SIZE], size_t count, const char *part)
{
    unsigned found = 0;
    for (size_t i = 0; i < count; i++) {
        found += strstr(lines[i], part) != NULL ? 1 : 0;
    }
    return found;
}

/* ---- the cases ---- */

static void a_tenant_reads_what_its_user_did(void **state)
{
    struct world *world = *state;
    struct user ada;
    struct rind_failure failure;
    char lines[LINES_MAX][LINE_SIZE];
    uint16_t left;
    user_open(&ada, world, "ada", world->secrets_file);
    assert_int_equal(user_recover(&ada, PIN, NULL), RIND_ERROR_NOT_REGISTERED);
    assert_int_equal(user_register(&ada), RIND_ERROR_NONE);
    assert_int_equal(user_recover(&ada, WRONG_PIN, &left), RIND_ERROR_INVALID_PIN);
    assert_int_equal(left, GUESSES - 1);
    assert_int_equal(user_recover(&ada, PIN, NULL), RIND_ERROR_NONE);
    assert_int_equal(rind_user_delete(ada.user, &failure), RIND_ERROR_NONE);
    assert_int_equal(user_recover(&ada, PIN, NULL), RIND_ERROR_NOT_REGISTERED);
    user_close(&ada);
    await_events(world, lines, 5);
    assert_int_equal(count_lines(lines, 5, "\"event\":\"registered\""), 1);
    assert_int_equal(count_lines(lines, 5, "\"num_guesses\":40,\"guess_count\":1}"), 1);
    assert_int_equal(count_lines(lines, 5, "\"num_guesses\":40,\"guess_count\":2}"), 1);
    assert_int_equal(count_lines(lines, 5, "\"event\":\"share_recovered\""), 1);
    assert_int_equal(count_lines(lines, 5, "\"event\":\"deleted\""), 1);
}

static void guess(void *self)
{
    struct user *user = self;
    user->error = user_recover(user, WRONG_PIN, NULL);
}

static void guesses_at_once_are_each_counted(void **state)
{
    struct world *world = *state;
    struct user users[GUESSERS];
    char lines[LINES_MAX][LINE_SIZE];
    char counted[64];
    uint16_t left;
    for (unsigned i = 0; i < GUESSERS; i++) {
        user_open(&users[i], world, "bob", world->secrets_file);
    }
    assert_int_equal(user_register(&users[0]), RIND_ERROR_NONE);
    for (unsigned i = 0; i < GUESSERS; i++) {
        assert_true(rind_is_ok(
            rind_thread_start(&world->ctx, &users[i].thread, "guesser", guess, &users[i])));
    }
    for (unsigned i = 0; i < GUESSERS; i++) {
        rind_thread_join(&users[i].thread);
        /* Each conflict is somebody else's guess, so nobody has more of them than tries. */
        assert_int_equal(users[i].error, RIND_ERROR_INVALID_PIN);
    }
    assert_int_equal(user_recover(&users[0], WRONG_PIN, &left), RIND_ERROR_INVALID_PIN);
    assert_int_equal(left, GUESSES - GUESSERS - 1);
    for (unsigned i = 0; i < GUESSERS; i++) {
        user_close(&users[i]);
    }
    await_events(world, lines, 1 + GUESSERS + 1);
    for (unsigned i = 1; i <= GUESSERS + 1; i++) {
        (void)snprintf(counted, sizeof(counted), "\"guess_count\":%u}", i);
        assert_int_equal(count_lines(lines, 1 + GUESSERS + 1, counted), 1);
    }
}

static void without_its_event_a_guess_is_counted_and_nothing_answered(void **state)
{
    struct world *world = *state;
    struct user eve;
    char lines[LINES_MAX][LINE_SIZE];
    uint16_t left;
    user_open(&eve, world, "eve", world->secrets_file);
    assert_int_equal(user_register(&eve), RIND_ERROR_NONE);
    emulator_set_faults(&world->pubsub, "Publish 7\n"); /* access was taken away */
    assert_int_equal(user_recover(&eve, PIN, NULL), RIND_ERROR_TRANSIENT);
    emulator_set_faults(&world->pubsub, "");
    assert_int_equal(user_recover(&eve, WRONG_PIN, &left), RIND_ERROR_INVALID_PIN);
    assert_int_equal(left, GUESSES - 2);
    user_close(&eve);
    await_events(world, lines, 2);
    assert_int_equal(count_lines(lines, 2, "\"guess_count\":2}"), 1);
}

static void only_a_key_that_google_has_opens_the_realm(void **state)
{
    struct world *world = *state;
    struct user mallory;
    user_open(&mallory, world, "mallory", world->unknown_file);
    emulator_set_faults(&world->secrets, "AccessSecretVersion 7\n");
    assert_int_equal(user_register(&mallory), RIND_ERROR_TRANSIENT); /* it may be a good one */
    emulator_set_faults(&world->secrets, "");
    assert_int_equal(user_register(&mallory), RIND_ERROR_INVALID_AUTH);
    user_close(&mallory);
}

static void records_that_are_lost_are_an_error_until_the_realm_is_started_again(void **state)
{
    struct world *world = *state;
    struct user ida;
    unsigned port = world->bigtable.port;
    user_open(&ida, world, "ida", world->secrets_file);
    assert_int_equal(user_register(&ida), RIND_ERROR_NONE);
    bigtable_emulator_stop(&world->bigtable);
    bigtable_emulator_start(&world->bigtable, port);
    /* Not "not registered", which would tell the client to forget its share. */
    assert_int_equal(user_recover(&ida, PIN, NULL), RIND_ERROR_TRANSIENT);
    assert_int_equal(user_register(&ida), RIND_ERROR_TRANSIENT);
    user_close(&ida);
    stop_realm(world);
    start_realm(world);
    user_open(&ida, world, "ida", world->secrets_file);
    assert_int_equal(user_recover(&ida, PIN, NULL), RIND_ERROR_NOT_REGISTERED);
    assert_int_equal(user_register(&ida), RIND_ERROR_NONE);
    assert_int_equal(user_recover(&ida, PIN, NULL), RIND_ERROR_NONE);
    user_close(&ida);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_reads_what_its_user_did),
        cmocka_unit_test(guesses_at_once_are_each_counted),
        cmocka_unit_test(without_its_event_a_guess_is_counted_and_nothing_answered),
        cmocka_unit_test(only_a_key_that_google_has_opens_the_realm),
        cmocka_unit_test(records_that_are_lost_are_an_error_until_the_realm_is_started_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
