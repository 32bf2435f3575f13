/*
 * test_events.c - what a user does is what the tenant reads: a realm of real processes on the
 * embedded store, the in-memory Pub/Sub, rind-tenant-log, and `rind tenant-log` to read it.
 */
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "cli/realm/child.h"
#include "emulators/emulator.h"
#include "integration/real_realm.h"
#include "support/test.h"

#define PIN "2580"
#define WRONG_PIN "0000"
#define INFO "info"
#define USER "ada"
#define LINES_MAX 16u

struct world {
    struct emulator pubsub;
    struct real_realm realm;
    struct rind_child service;
    char url[RIND_URL_SIZE_MAX];
    char realm_hex[RIND_HEX_SIZE(16)];
};

static const char *bin_directory(void)
{
    const char *bin = getenv("RIND_BIN_DIR");
    return bin != NULL ? bin : "bin";
}

/* Waits until the file has a line with `start`, and copies what follows up to a quote. */
static void await_text(struct world *world, const char *path, const char *start, char *text,
                       size_t size)
{
    static char content[65536];
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    while (true) {
        FILE *file = fopen(path, "r");
        size_t length = file != NULL ? fread(content, 1, sizeof(content) - 1, file) : 0;
        if (file != NULL) {
            fclose(file);
        }
        content[length] = '\0';
        const char *at = strstr(content, start);
        if (at != NULL && strchr(at + strlen(start), '"') != NULL) {
            at += strlen(start);
            snprintf(text, size, "%.*s", (int)strcspn(at, "\""), at);
            return;
        }
        assert_false(rind_deadline_has_expired(deadline));
        real_pause_ms(&world->realm, 20);
    }
}

static void start_service(struct world *world)
{
    struct rind_child *service = &world->service;
    char address[RIND_ADDRESS_TEXT_SIZE];
    snprintf(service->name, sizeof(service->name), "tenant-log");
    snprintf(service->program, sizeof(service->program), "%s/rind-tenant-log", bin_directory());
    snprintf(service->log_file, sizeof(service->log_file), "%s/tenant-log.log",
             world->pubsub.folder);
    rind_child_add(service, "-id=%s", world->realm_hex);
    rind_child_add(service, "-port=0");
    rind_child_add(service, "--listen=127.0.0.1");
    rind_child_add(service, "--project=prj");
    rind_child_add(service, "--pubsub-url=%s", world->pubsub.url.text);
    rind_child_add(service, "--secrets-file=%s", world->realm.local.secrets_file);
    assert_true(rind_is_ok(rind_child_start(&world->realm.ctx, service)));
    await_text(world, service->log_file, "ready: ", address, sizeof(address));
    snprintf(world->url, sizeof(world->url), "http://%s/", address);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    emulator_open(&world->pubsub, "pubsub");
    setenv("PUBSUB_EMULATOR_HOST", world->pubsub.address, 1); /* for the agents */
    real_open(&world->realm, 1, 1, 1);
    unsetenv("PUBSUB_EMULATOR_HOST");
    rind_hex_encode(rind_realm_id_slice(real_id(&world->realm)), world->realm_hex);
    start_service(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rind_child_signal(&world->service, SIGTERM);
    assert_true(rind_child_wait(&world->service, rind_deadline_in_ms(REAL_PATIENCE_MS)));
    unlink(world->service.log_file);
    real_close(&world->realm);
    emulator_close(&world->pubsub);
    free(world);
    return 0;
}

/* Runs the command once and appends the lines it prints; false if it failed. */
static bool read_log(struct world *world, const char *flags, char lines[LINES_MAX][512],
                     size_t *count)
{
    char command[4096];
    char line[512];
    snprintf(command, sizeof(command),
             "'%s/rind' tenant-log --url '%s' --secrets-file '%s' --tenant %s --realm %s %s",
             bin_directory(), world->url, world->realm.local.secrets_file, RIND_LOCAL_TENANT,
             world->realm_hex, flags);
    FILE *stream = popen(command, "r"); /* NOLINT: paths are ours */
    assert_non_null(stream);
    while (fgets(line, sizeof(line), stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        assert_true(*count < LINES_MAX);
        snprintf(lines[(*count)++], 512, "%s", line);
    }
    return pclose(stream) == 0;
}

/* Reads with acknowledgements until there are so many events. */
static void await_events(struct world *world, char lines[LINES_MAX][512], size_t wanted)
{
    size_t count = 0;
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    while (count < wanted) {
        assert_false(rind_deadline_has_expired(deadline));
        assert_true(read_log(world, "--ack --json", lines, &count));
    }
    assert_int_equal(count, wanted);
}

/* How many of the lines have all that belongs to that event of USER. */
static unsigned count_events(char lines[LINES_MAX][512], size_t count, const char *what)
{
    static const char who[] = RIND_LOCAL_TENANT ":" USER;
    uint8_t hash[crypto_hash_sha256_BYTES];
    char hash_hex[RIND_HEX_SIZE(crypto_hash_sha256_BYTES)];
    char wanted[256];
    unsigned found = 0;
    crypto_hash_sha256(hash, (const uint8_t *)who, sizeof(who) - 1);
    rind_hex_encode(RIND_SLICE_OF(hash), hash_hex);
    snprintf(wanted, sizeof(wanted), "\"user_id\":\"%s\",\"event\":%s}", hash_hex, what);
    for (size_t i = 0; i < count; i++) {
        found += strstr(lines[i], wanted) != NULL ? 1 : 0;
    }
    return found;
}

static enum rind_error recover(struct real_user *user, const char *pin)
{
    struct rind_failure failure;
    struct rind_recovered recovered;
    enum rind_error error =
        rind_user_recover(user->user, RIND_TEXT(pin), RIND_TEXT(INFO), &recovered, &failure);
    rind_recovered_wipe(&recovered);
    return error;
}

static void a_tenant_reads_what_its_user_did(void **state)
{
    struct world *world = *state;
    struct real_user user;
    struct rind_failure failure;
    char lines[LINES_MAX][512];
    real_user_open(&user, &world->realm, USER);
    assert_int_equal(rind_user_register(user.user, RIND_TEXT(PIN), RIND_TEXT("secret"),
                                        RIND_TEXT(INFO), 42, &failure),
                     RIND_ERROR_NONE);
    assert_int_equal(recover(&user, WRONG_PIN), RIND_ERROR_INVALID_PIN);
    assert_int_equal(recover(&user, PIN), RIND_ERROR_NONE);
    assert_int_equal(rind_user_delete(user.user, &failure), RIND_ERROR_NONE);
    real_user_close(&user);

    await_events(world, lines, 5);
    assert_int_equal(count_events(lines, 5, "\"registered\""), 1);
    assert_int_equal(count_events(lines, 5, "\"guess_used\",\"num_guesses\":42,\"guess_count\":1"),
                     1);
    assert_int_equal(count_events(lines, 5, "\"guess_used\",\"num_guesses\":42,\"guess_count\":2"),
                     1);
    assert_int_equal(count_events(lines, 5, "\"share_recovered\""), 1);
    assert_int_equal(count_events(lines, 5, "\"deleted\""), 1);
}

static void without_its_event_nothing_is_said_to_have_happened(void **state)
{
    struct world *world = *state;
    struct real_user user;
    char lines[LINES_MAX][512];
    real_user_open(&user, &world->realm, USER);
    emulator_set_faults(&world->pubsub, "Publish 7\n"); /* access was taken away */
    assert_int_equal(real_user_register(&user), RIND_ERROR_TRANSIENT);
    emulator_set_faults(&world->pubsub, "");
    assert_int_equal(real_user_register(&user), RIND_ERROR_NONE);
    real_user_close(&user);
    await_events(world, lines, 1);
    assert_int_equal(count_events(lines, 1, "\"registered\""), 1);
}

static void who_may_not_read_is_told_why(void **state)
{
    struct world *world = *state;
    char lines[LINES_MAX][512];
    size_t count = 0;
    assert_false(read_log(world, "--token abc 2>&1", lines, &count));
    assert_int_equal(count, 1);
    assert_non_null(strstr(lines[0], "give --token, or --secrets-file"));
    count = 0;
    assert_false(read_log(world, "--url http://127.0.0.1:1/ 2>&1", lines, &count));
    assert_int_equal(count, 1);
    assert_non_null(strstr(lines[0], "http://127.0.0.1:1/tenant_log does not answer"));
    count = 0;
    assert_false(read_log(world, "--realm 00000000000000000000000000000000 2>&1", lines, &count));
    assert_int_equal(count, 1);
    assert_non_null(strstr(lines[0], "jwt claims contains invalid 'aud' field"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_reads_what_its_user_did),
        cmocka_unit_test(without_its_event_nothing_is_said_to_have_happened),
        cmocka_unit_test(who_may_not_read_is_told_why),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
