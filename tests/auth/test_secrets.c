/* test_secrets.c - the secrets file, and reloading it behind readers' backs. */
#include "auth/auth.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "support/test.h"

#define ENTRY(version)                                                                             \
    "\"" version "\":{\"data\":\"key " version "\",\"encoding\":\"UTF8\","                         \
    "\"algorithm\":\"HmacSha256\"}"

#define WAIT_MS 20000u

struct world {
    struct rind_arena arena;
    struct rind_ctx ctx;
    char path[64];
};

static uint8_t arena_memory[64 * 1024];

static int setup(void **state)
{
    static struct world world;
    rind_arena_init(&world.arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(&world.ctx, &world.arena);
    strcpy(world.path, "/tmp/rind-test-secrets-XXXXXX");
    int fd = mkstemp(world.path);
    assert_true(fd >= 0);
    close(fd);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    unlink(world->path);
    return 0;
}

/* Replaces the file whole, as operators' tools do. */
static void put(const struct world *world, const char *text)
{
    char next[80];
    snprintf(next, sizeof(next), "%s.next", world->path);
    FILE *file = fopen(next, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, world->path), 0);
}

static rind_status load(struct world *world, struct rind_secret_map **map)
{
    struct rind_secrets_source source;
    assert_true(rind_is_ok(rind_secrets_file_source(&world->ctx, world->path, &source)));
    assert_int_equal(source.interval_ms, 5000);
    rind_status status = source.load(source.self, &world->ctx, map);
    source.close(source.self);
    return status;
}

static void a_file_of_one_three_and_no_versions_is_read(void **state)
{
    struct world *world = *state;
    struct rind_secret_map *map = NULL;
    put(world,
        "{\"a\":{" ENTRY("7") "},\"b\":{" ENTRY("1") "," ENTRY("2") "," ENTRY("10") "},\"c\":{}}");
    assert_true(rind_is_ok(load(world, &map)));
    assert_int_equal(rind_secret_map_count(map), 4);
    assert_true(
        rind_slice_is_text(rind_secret_map_find_latest(map, rind_slice_text("b"))->data, "key 10"));
    assert_null(rind_secret_map_find_latest(map, rind_slice_text("c")));
    rind_secret_map_free(map);
}

static void mistakes_in_a_file_name_its_path(void **state)
{
    static const char *const bad[] = {
        "",
        "not json",
        "[]",
        "{\"a\":7}",
        "{\"a\":{\"one\":{\"data\":\"\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}}}",
        "{\"a\":{\"\":{\"data\":\"\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}}}",
        "{\"a\":{\"-1\":{\"data\":\"\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}}}",
        "{\"a\":{\"18446744073709551616\":{\"data\":\"\",\"encoding\":\"UTF8\",\"algorithm\":"
        "\"HmacSha256\"}}}",
        "{\"a\":{\"1\":{\"data\":\"\",\"encoding\":\"UTF9\",\"algorithm\":\"HmacSha256\"}}}",
        "{\"a\":{\"1\":{\"data\":\"\",\"encoding\":\"UTF8\",\"algorithm\":\"Hmac\"}}}",
        "{\"a\":{" ENTRY("1") "," ENTRY("01") "}}",
        "{\"a\":{" ENTRY("1") "}} x",
    };
    struct world *world = *state;
    char prefix[128];
    snprintf(prefix, sizeof(prefix), "failed to read secrets from \"%s\": ", world->path);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rind_secret_map *map = NULL;
        put(world, bad[i]);
        assert_false(rind_is_ok(load(world, &map)));
        assert_null(map);
        if (strncmp(world->ctx.sentence, prefix, strlen(prefix)) != 0) {
            fail_msg("%s: %s", bad[i], world->ctx.sentence);
        }
    }
}

static void bad_hex_in_a_file_has_its_own_sentence(void **state)
{
    struct world *world = *state;
    struct rind_secret_map *map = NULL;
    put(world,
        "{\"a\":{\"1\":{\"data\":\"0g\",\"encoding\":\"Hex\",\"algorithm\":\"HmacSha256\"}}}");
    assert_false(rind_is_ok(load(world, &map)));
    assert_string_equal(world->ctx.sentence,
                        "failed to parse json secret: InvalidDataForEncoding; the data of a, "
                        "version 1, is not what its encoding says");
}

static void a_missing_file_is_an_error_with_its_path(void **state)
{
    struct world *world = *state;
    struct rind_secret_map *map = NULL;
    unlink(world->path);
    assert_true(rind_is(load(world, &map), RIND_E_NOT_FOUND));
    assert_non_null(strstr(world->ctx.sentence, world->path));
    assert_non_null(strstr(world->ctx.sentence, "there is no file"));
}

static void an_unchanged_file_is_not_parsed_again(void **state)
{
    struct world *world = *state;
    struct rind_secrets_source source;
    struct rind_secret_map *map = NULL;
    put(world, "{\"a\":{" ENTRY("1") "}}");
    assert_true(rind_is_ok(rind_secrets_file_source(&world->ctx, world->path, &source)));
    assert_true(rind_is_ok(source.load(source.self, &world->ctx, &map)));
    assert_non_null(map);
    rind_secret_map_free(map);
    assert_true(rind_is_ok(source.load(source.self, &world->ctx, &map)));
    assert_null(map);
    put(world, "{\"a\":{" ENTRY("2") "}}");
    assert_true(rind_is_ok(source.load(source.self, &world->ctx, &map)));
    assert_non_null(map);
    rind_secret_map_free(map);
    source.close(source.self);
}

static bool has_version(struct rind_secrets *secrets, uint64_t version)
{
    struct rind_published_ref ref = rind_secrets_acquire(secrets);
    bool has = rind_secret_map_find_tenant_key(ref.value, rind_slice_text("a"), version) != NULL;
    rind_secrets_release(secrets, ref);
    return has;
}

static void wait_for_version(struct rind_secrets *secrets, uint64_t version, bool expected)
{
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (has_version(secrets, version) != expected) {
        assert_false(rind_deadline_has_expired(deadline));
        usleep(1000);
    }
}

struct counting_source {
    struct rind_secrets_source inner;
    atomic_uint load_count;
};

static rind_status counting_load(void *self, struct rind_ctx *ctx, struct rind_secret_map **map)
{
    struct counting_source *source = self;
    rind_status status = source->inner.load(source->inner.self, ctx, map);
    source->load_count++;
    return status;
}

static void counting_close(void *self)
{
    struct counting_source *source = self;
    source->inner.close(source->inner.self);
}

static void edits_take_effect_and_a_broken_file_changes_nothing(void **state)
{
    struct world *world = *state;
    static struct counting_source counting;
    struct rind_secrets *secrets = NULL;
    put(world, "{\"tenant-a\":{" ENTRY("1") "}}");
    assert_true(rind_is_ok(rind_secrets_file_source(&world->ctx, world->path, &counting.inner)));
    struct rind_secrets_source source = {
        .self = &counting, .load = counting_load, .close = counting_close, .interval_ms = 2};
    assert_true(rind_is_ok(rind_secrets_open(&world->ctx, source, NULL, &secrets)));
    assert_true(has_version(secrets, 1));
    assert_false(has_version(secrets, 2));

    put(world, "{\"tenant-a\":{" ENTRY("1") "," ENTRY("2") "}}");
    wait_for_version(secrets, 2, true);
    assert_true(has_version(secrets, 1));

    put(world, "{\"tenant-a\":{");
    unsigned count = counting.load_count;
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (counting.load_count < count + 3) { /* at least two loads saw the broken file */
        assert_false(rind_deadline_has_expired(deadline));
        usleep(1000);
    }
    assert_true(has_version(secrets, 1));
    assert_true(has_version(secrets, 2));

    put(world, "{\"tenant-a\":{" ENTRY("2") "}}");
    wait_for_version(secrets, 1, false);
    assert_true(has_version(secrets, 2));
    rind_secrets_close(secrets);
}

static void a_borrowed_map_outlives_its_replacement(void **state)
{
    struct world *world = *state;
    struct rind_secrets *secrets = NULL;
    struct rind_secrets_source source;
    put(world, "{\"tenant-a\":{" ENTRY("1") "}}");
    assert_true(rind_is_ok(rind_secrets_file_source(&world->ctx, world->path, &source)));
    source.interval_ms = 2;
    assert_true(rind_is_ok(rind_secrets_open(&world->ctx, source, NULL, &secrets)));
    struct rind_published_ref old = rind_secrets_acquire(secrets);
    put(world, "{\"tenant-a\":{" ENTRY("2") "}}");
    wait_for_version(secrets, 2, true);
    assert_non_null(rind_secret_map_find_tenant_key(old.value, rind_slice_text("a"), 1));
    assert_null(rind_secret_map_find_tenant_key(old.value, rind_slice_text("a"), 2));
    rind_secrets_release(secrets, old);
    rind_secrets_close(secrets);
}

static void opening_fails_when_the_first_load_does(void **state)
{
    struct world *world = *state;
    struct rind_secrets *secrets = NULL;
    struct rind_secrets_source source;
    put(world, "nonsense");
    assert_true(rind_is_ok(rind_secrets_file_source(&world->ctx, world->path, &source)));
    assert_false(rind_is_ok(rind_secrets_open(&world->ctx, source, NULL, &secrets)));
    assert_null(secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_one_three_and_no_versions_is_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(mistakes_in_a_file_name_its_path, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_hex_in_a_file_has_its_own_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_file_is_an_error_with_its_path, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unchanged_file_is_not_parsed_again, setup, teardown),
        cmocka_unit_test_setup_teardown(edits_take_effect_and_a_broken_file_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_borrowed_map_outlives_its_replacement, setup, teardown),
        cmocka_unit_test_setup_teardown(opening_fails_when_the_first_load_does, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
