/* test_secrets_manager.c - secrets from Secret Manager: what is loaded, kept, left out, refreshed.
 */
#include "auth/auth.h"

#include <string.h>

#include "emulators/emulator.h"
#include "host/host.h"
#include "support/test.h"

#define WAIT_MS 30000u
#define KIND "\"labels\":{\"kind\":\"tenant_auth_key\"}"
#define RECORD_ID_KIND "\"labels\":{\"kind\":\"record_id_randomization_key\"}"
#define KEY(text)                                                                                  \
    "\"{\\\"data\\\":\\\"" text                                                                    \
    "\\\",\\\"encoding\\\":\\\"UTF8\\\",\\\"algorithm\\\":\\\"HmacSha256\\\"}\""

struct world {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct emulator emulator;
    struct rind_secrets_source source;
    struct rind_secret_map *map;
    struct rind_secret_manager_flags flags;
    struct rind_secret_manager_options options;
};

static void open_source(struct world *world)
{
    world->flags =
        (struct rind_secret_manager_flags){.url = world->emulator.url, .is_url_given = true};
    world->options = (struct rind_secret_manager_options){.project = "prj", .flags = &world->flags};
    if (!rind_is_ok(rind_secrets_manager_source(&world->ctx, &world->options, &world->source))) {
        fail_msg("%s", world->ctx.sentence);
    }
}

static struct world *world_new(const char *page)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    assert_true(rind_is_ok(rind_arena_map(NULL, 16u << 20, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    emulator_open_pages(&world->emulator, "secretmanager", page);
    open_source(world);
    return world;
}

static int setup(void **state)
{
    *state = world_new("25000");
    return 0;
}

static int setup_small_pages(void **state)
{
    *state = world_new("2");
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rind_secret_map_free(world->map);
    if (world->source.close != NULL) {
        world->source.close(world->source.self);
    }
    emulator_close(&world->emulator);
    rind_arena_unmap(world->arena);
    free(world);
    return 0;
}

static rind_status try_load(struct world *world)
{
    rind_secret_map_free(world->map);
    world->map = NULL;
    return world->source.load(world->source.self, &world->ctx, &world->map);
}

static void load(struct world *world)
{
    if (!rind_is_ok(try_load(world))) {
        fail_msg("%s", world->ctx.sentence);
    }
}

static const struct rind_secret *find(struct world *world, const char *name, uint64_t version)
{
    assert_non_null(world->map);
    return rind_secret_map_find(world->map, rind_slice_text(name), version);
}

static void a_secret_needs_the_right_name_and_the_right_label(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(
        &world->emulator,
        "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{\"7\":{\"payload\":" KEY(
            "k") "}}},"
                 "\"tenant-bare\":{\"versions\":{\"1\":{\"payload\":" KEY(
                     "k") "}}},"
                          "\"tenant-wrong\":{" RECORD_ID_KIND
                          ",\"versions\":{\"1\":{\"payload\":" KEY(
                              "k") "}}},"
                                   "\"other\":{" KIND ",\"versions\":{\"1\":{\"payload\":" KEY(
                                       "k") "}}},"
                                            "\"record-id-randomization\":{" RECORD_ID_KIND
                                            ",\"versions\":{\"1\":{\"payload\":" KEY("k") "}}}}}");
    load(world);
    assert_int_equal(rind_secret_map_count(world->map), 2);
    assert_non_null(find(world, "tenant-acme", 7)->token_key);
    assert_non_null(find(world, "record-id-randomization", 1));
}

static void only_enabled_versions_are_loaded(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(&world->emulator,
                         "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                         "\"1\":{\"payload\":" KEY(
                             "one") ",\"state\":\"DISABLED\"},"
                                    "\"2\":{\"payload\":" KEY(
                                        "two") "},"
                                               "\"latest\":{\"payload\":" KEY(
                                                   "no number") "},"
                                                                "\"3\":{\"no_payload\":true}}}}}");
    load(world);
    assert_int_equal(rind_secret_map_count(world->map), 1);
    assert_true(rind_slice_is_text(find(world, "tenant-acme", 2)->data, "two"));
}

static void a_payload_that_is_no_secret_object_is_a_raw_key(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(
        &world->emulator,
        "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
        "\"1\":{\"payload\":\"just bytes\"},"
        "\"2\":{\"payload\":\"{\\\"data\\\":\\\"0g\\\",\\\"encoding\\\":\\\"Hex\\\","
        "\\\"algorithm\\\":\\\"HmacSha256\\\"}\"},"
        "\"3\":{\"payload\":\"{\\\"a\\\":1}\"}}}}}");
    load(world);
    for (uint64_t version = 1; version <= 3; version++) {
        const struct rind_secret *secret = find(world, "tenant-acme", version);
        assert_non_null(secret);
        assert_true(secret->is_raw);
        assert_non_null(secret->token_key);
    }
    assert_true(rind_slice_is_text(find(world, "tenant-acme", 1)->data, "just bytes"));
}

static void what_claims_to_be_a_public_key_is_never_a_raw_key(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(
        &world->emulator,
        "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
        "\"1\":{\"payload\":\"{\\\"data\\\":\\\"0g\\\",\\\"encoding\\\":\\\"Hex\\\","
        "\\\"algorithm\\\":\\\"RsaPkcs1Sha256\\\"}\"},"
        "\"2\":{\"payload\":\"{\\\"data\\\":\\\"0a\\\",\\\"encoding\\\":\\\"Hex\\\","
        "\\\"algorithm\\\":\\\"Edwards25519\\\"}\"},"
        "\"3\":{\"payload\":" KEY("good") "}}}}}");
    load(world);
    assert_null(find(world, "tenant-acme", 1));
    assert_null(find(world, "tenant-acme", 2)->token_key); /* no such key: never verifies */
    assert_non_null(find(world, "tenant-acme", 3)->token_key);
}

static void lists_are_read_page_by_page(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(&world->emulator,
                         "{\"prj\":{\"tenant-a\":{" KIND ",\"versions\":{\"1\":{\"payload\":" KEY(
                             "k") "},"
                                  "\"2\":{\"payload\":" KEY("k") "},\"3\":{\"payload\":" KEY("k") "},\"4\":{\"payload\":" KEY(
                                      "k") "},\"5\":{\"payload\":" KEY("k") "}}},"
                                                                            "\"tenant-b\":{" KIND
                                                                            ",\"versions\":{\"1\":{"
                                                                            "\"payload\":" KEY(
                                                                                "k") "}}},"
                                                                                     "\"tenant-c\":"
                                                                                     "{" KIND
                                                                                     ",\"versions\""
                                                                                     ":{\"1\":{"
                                                                                     "\"payload\""
                                                                                     ":" KEY(
                                                                                         "k") "}}}}"
                                                                                              "}");
    load(world);
    assert_int_equal(rind_secret_map_count(world->map), 7);
    assert_int_equal(emulator_count(&world->emulator, "ListSecrets"), 2);
    assert_int_equal(emulator_count(&world->emulator, "ListSecretVersions"), 5);
}

static void payloads_are_asked_for_once(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(&world->emulator,
                         "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                         "\"1\":{\"payload\":" KEY("one") ",\"created\":1000}}}}}");
    load(world);
    load(world);
    assert_null(world->map); /* nothing has changed */
    emulator_set_secrets(
        &world->emulator,
        "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
        "\"1\":{\"payload\":" KEY("one") ",\"created\":1000},"
                                         "\"2\":{\"payload\":" KEY("two") ",\"created\":2000}}}}}");
    load(world);
    assert_int_equal(emulator_count(&world->emulator, "AccessSecretVersion"), 2);
    assert_true(rind_slice_is_text(find(world, "tenant-acme", 1)->data, "one"));
    assert_true(rind_slice_is_text(find(world, "tenant-acme", 2)->data, "two"));
}

static void a_disabled_version_is_gone_with_the_next_load(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(
        &world->emulator,
        "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
        "\"1\":{\"payload\":" KEY("one") ",\"created\":1000},"
                                         "\"2\":{\"payload\":" KEY("two") ",\"created\":2000}}}}}");
    load(world);
    emulator_set_secrets(
        &world->emulator,
        "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
        "\"1\":{\"payload\":" KEY("one") ",\"created\":1000,\"state\":\"DISABLED\"},"
                                         "\"2\":{\"payload\":" KEY("two") ",\"created\":2000}}}}}");
    load(world);
    assert_null(find(world, "tenant-acme", 1));
    assert_non_null(find(world, "tenant-acme", 2));
    emulator_set_secrets(&world->emulator, "{\"prj\":{}}");
    load(world);
    assert_int_equal(rind_secret_map_count(world->map), 0);
}

static void a_secret_that_was_made_again_has_its_new_payload(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(&world->emulator,
                         "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                         "\"1\":{\"payload\":" KEY("old") ",\"created\":1000}}}}}");
    load(world);
    emulator_set_secrets(&world->emulator,
                         "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                         "\"1\":{\"payload\":" KEY("new") ",\"created\":5000}}}}}");
    load(world);
    assert_true(rind_slice_is_text(find(world, "tenant-acme", 1)->data, "new"));
}

static void a_failed_load_keeps_what_was_known(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(&world->emulator,
                         "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                         "\"1\":{\"payload\":" KEY("one") ",\"created\":1000}}}}}");
    load(world);
    emulator_set_secrets(
        &world->emulator,
        "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
        "\"1\":{\"payload\":" KEY("one") ",\"created\":1000},"
                                         "\"2\":{\"payload\":" KEY("two") ",\"created\":2000}}}}}");
    emulator_set_faults(&world->emulator, "AccessSecretVersion 7\n");
    assert_true(rind_is(try_load(world), RIND_E_DENIED));
    assert_null(world->map);
    emulator_set_faults(&world->emulator, "");
    load(world);
    assert_true(rind_slice_is_text(find(world, "tenant-acme", 1)->data, "one"));
    assert_int_equal(emulator_count(&world->emulator, "AccessSecretVersion"), 3);
}

static void transient_errors_are_tried_again(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(&world->emulator, "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                                           "\"1\":{\"payload\":" KEY("one") "}}}}}");
    emulator_set_faults(&world->emulator, "ListSecrets 14 once\nListSecretVersions 8 once\n"
                                          "AccessSecretVersion 13 after once\n");
    load(world);
    assert_int_equal(rind_secret_map_count(world->map), 1);
}

static void a_project_without_access_is_named(void **state)
{
    struct world *world = *state;
    emulator_set_secrets(&world->emulator, "{\"other\":{}}");
    assert_true(rind_is(try_load(world), RIND_E_DENIED));
    assert_non_null(strstr(world->ctx.sentence, "Secret Manager"));
    assert_non_null(strstr(world->ctx.sentence, "projects/prj"));
}

static void a_damaged_payload_is_not_taken(void **state)
{
    struct world *world = *state;
    struct rind_secret_manager *manager;
    struct rind_slice payload;
    emulator_set_secrets(&world->emulator,
                         "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                         "\"1\":{\"payload\":" KEY("one") ",\"bad_checksum\":true}}}}}");
    assert_true(rind_is_ok(rind_secret_manager_open(&world->ctx, &world->options, &manager)));
    assert_false(rind_is_ok(rind_secret_manager_access(
        &world->ctx, manager, "projects/prj/secrets/tenant-acme/versions/1",
        rind_deadline_in_ms(200), &payload)));
    assert_non_null(strstr(world->ctx.sentence, "checksum"));
    rind_secret_manager_close(manager);
}

static void the_checksum_is_crc32c(void **state)
{
    (void)state;
    assert_int_equal(rind_secret_manager_checksum(rind_slice_text("123456789")), 0xe3069283u);
    assert_int_equal(rind_secret_manager_checksum(rind_slice_text("")), 0);
}

static void names_and_versions_are_parts_of_resource_names(void **state)
{
    (void)state;
    struct rind_slice name;
    uint64_t version;
    const char *resource = "projects/123/secrets/tenant-acme/versions/18446744073709551615";
    assert_true(rind_secret_manager_secret_of(resource, &name));
    assert_true(rind_slice_is_text(name, "tenant-acme"));
    assert_true(rind_secret_manager_version_of(resource, &version));
    assert_true(version == UINT64_MAX);
    assert_true(rind_secret_manager_secret_of("projects/123/secrets/x", &name));
    assert_true(rind_slice_is_text(name, "x"));
    static const char *const no_version[] = {
        "projects/123/secrets/x/versions/latest", "projects/123/secrets/x/versions/",
        "projects/123/secrets/x/versions/18446744073709551616", "projects/123/secrets/x", ""};
    for (size_t i = 0; i < sizeof(no_version) / sizeof(no_version[0]); i++) {
        assert_false(rind_secret_manager_version_of(no_version[i], &version));
    }
    assert_false(rind_secret_manager_secret_of("projects/123/secrets/", &name));
    assert_false(rind_secret_manager_secret_of("projects/123", &name));
}

/* --- refreshing --- */

static bool has_version(struct rind_secrets *secrets, uint64_t version)
{
    struct rind_published_ref ref = rind_secrets_acquire(secrets);
    bool has = rind_secret_map_find_tenant_key(ref.value, rind_slice_text("acme"), version) != NULL;
    rind_secrets_release(secrets, ref);
    return has;
}

static void await_version(struct rind_secrets *secrets, uint64_t version, bool is_wanted)
{
    struct rind_stopper never;
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    assert_true(rind_is_ok(rind_stopper_init(NULL, &never)));
    while (has_version(secrets, version) != is_wanted) {
        assert_false(rind_deadline_has_expired(deadline));
        (void)rind_stopper_wait(&never, rind_deadline_in_ms(5));
    }
    rind_stopper_fini(&never);
}

static struct rind_secrets *open_refreshing(struct world *world)
{
    struct rind_secrets *secrets;
    struct rind_secrets_source source = world->source;
    assert_int_equal(source.interval_ms, 60000);
    source.interval_ms = 10;
    world->source = (struct rind_secrets_source){0}; /* now theirs */
    emulator_set_secrets(&world->emulator, "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                                           "\"1\":{\"payload\":" KEY("one") "}}}}}");
    if (!rind_is_ok(rind_secrets_open(&world->ctx, source, NULL, &secrets))) {
        fail_msg("%s", world->ctx.sentence);
    }
    assert_true(has_version(secrets, 1));
    return secrets;
}

static void keys_are_rotated_without_a_restart_even_after_an_outage(void **state)
{
    struct world *world = *state;
    struct rind_secrets *secrets = open_refreshing(world);
    emulator_set_faults(&world->emulator, "ListSecrets 7\n");
    emulator_set_secrets(&world->emulator, "{\"prj\":{\"tenant-acme\":{" KIND ",\"versions\":{"
                                           "\"2\":{\"payload\":" KEY("two") "}}}}}");
    unsigned asked = emulator_count(&world->emulator, "ListSecrets");
    while (emulator_count(&world->emulator, "ListSecrets") < asked + 3) {
        assert_true(has_version(secrets, 1)); /* the last good map stays */
    }
    assert_false(has_version(secrets, 2));
    emulator_set_faults(&world->emulator, "");
    await_version(secrets, 2, true);
    await_version(secrets, 1, false);
    rind_secrets_close(secrets);
}

static void closing_does_not_wait_for_a_service_that_is_away(void **state)
{
    struct world *world = *state;
    struct rind_secrets *secrets = open_refreshing(world);
    emulator_set_faults(&world->emulator, "ListSecrets 14\n");
    unsigned asked = emulator_count(&world->emulator, "ListSecrets");
    while (emulator_count(&world->emulator, "ListSecrets") < asked + 5) {
    }
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_secrets_close(secrets);
    assert_true(rind_clock_monotonic_ns() - start_ns < 60 * RIND_NS_PER_S); /* retries take 120 s */
}

static void nobody_there_is_an_error_with_a_remedy(void **state)
{
    struct world *world = *state;
    struct rind_secrets_source source;
    struct rind_secret_manager_flags flags = {.is_url_given = true,
                                              .google = {.connect_timeout_ns = 200000000}};
    assert_true(
        rind_is_ok(rind_url_parse(&world->ctx, rind_slice_text("http://127.0.0.1:1"), &flags.url)));
    const struct rind_secret_manager_options options = {.project = "prj", .flags = &flags};
    assert_true(
        rind_is(rind_secrets_manager_source(&world->ctx, &options, &source), RIND_E_UNAVAILABLE));
    assert_non_null(strstr(world->ctx.sentence, "--secrets-manager-url"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_needs_the_right_name_and_the_right_label),
        TEST(only_enabled_versions_are_loaded),
        TEST(a_payload_that_is_no_secret_object_is_a_raw_key),
        TEST(what_claims_to_be_a_public_key_is_never_a_raw_key),
        cmocka_unit_test_setup_teardown(lists_are_read_page_by_page, setup_small_pages, teardown),
        TEST(payloads_are_asked_for_once),
        TEST(a_disabled_version_is_gone_with_the_next_load),
        TEST(a_secret_that_was_made_again_has_its_new_payload),
        TEST(a_failed_load_keeps_what_was_known),
        TEST(transient_errors_are_tried_again),
        TEST(a_project_without_access_is_named),
        TEST(a_damaged_payload_is_not_taken),
        TEST(the_checksum_is_crc32c),
        TEST(names_and_versions_are_parts_of_resource_names),
        TEST(keys_are_rotated_without_a_restart_even_after_an_outage),
        TEST(closing_does_not_wait_for_a_service_that_is_away),
        TEST(nobody_there_is_an_error_with_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
