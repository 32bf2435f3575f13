/* test_software_parts.c - versions of SDKs, secrets in a text, and the command line. */
#include "auth/auth.h"
#include "software/endpoints.h"
#include "software/sdk_version.h"
#include "software/software.h"
#include "support/test.h"

static uint8_t arena_memory[65536];

static struct rind_ctx *make_ctx(void)
{
    static struct rind_arena arena;
    static struct rind_ctx ctx;
    rind_arena_init(&arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(&ctx, &arena);
    return &ctx;
}

static void versions_are_read_leniently(void **state)
{
    (void)state;
    static const char *const accepted[] = {
        "0.2",    "0.2.0",     "v0.2.0",      "0.3.7", "1",    "v1",   "1.0",
        "10.0.1", "0.2.0-rc1", "0.2.0+build", "0.2-a", "02.1", "0.10", "0.2.0-a.b+c.d"};
    static const char *const refused[] = {"",
                                          "v",
                                          "0",
                                          "0.1",
                                          "0.1.9",
                                          "0.2.",
                                          "0.2.0.0",
                                          "x",
                                          "vv1",
                                          " 0.2.0",
                                          "0.2.0 ",
                                          "-1",
                                          "0.2.0-",
                                          "0.2.0+",
                                          "0.2.0-.",
                                          "V1",
                                          "18446744073709551616"};
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (!rind_software_sdk_is_accepted(rind_slice_text(accepted[i]))) {
            fail_msg("'%s' is refused", accepted[i]);
        }
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (rind_software_sdk_is_accepted(rind_slice_text(refused[i]))) {
            fail_msg("'%s' is accepted", refused[i]);
        }
    }
}

static void secrets_of_a_text_are_keys_or_objects(void **state)
{
    (void)state;
    struct rind_ctx *ctx = make_ctx();
    struct rind_secret_map *map;
    const char *text = "{\"acme\":{\"1\":\"a raw key\",\"7\":"
                       "\"{\\\"data\\\":\\\"6162\\\",\\\"encoding\\\":\\\"Hex\\\","
                       "\\\"algorithm\\\":\\\"HmacSha256\\\"}\",\"8\":\"[1]\"},\"test-b\":{}}";
    assert_true(rind_is_ok(rind_software_secrets_parse(ctx, rind_slice_text(text), &map)));
    assert_int_equal(rind_secret_map_count(map), 3);
    struct rind_slice name = rind_slice_text("jb-sw-tenant-acme");
    const struct rind_secret *secret = rind_secret_map_find(map, name, 1);
    assert_true(secret->is_raw);
    assert_true(rind_slice_is_text(secret->data, "a raw key"));
    secret = rind_secret_map_find(map, name, 7);
    assert_false(secret->is_raw);
    assert_true(rind_slice_is_text(secret->data, "ab"));
    assert_true(rind_secret_map_find(map, name, 8)->is_raw);
    rind_secret_map_free(map);
}

static void mistakes_in_a_text_of_secrets_are_named(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{",
        "{\"acme\":\"key\"}",
        "{\"acme\":{\"x\":\"key\"}}",
        "{\"acme\":{\"\":\"key\"}}",
        "{\"acme\":{\"18446744073709551616\":\"key\"}}",
        "{\"acme\":{\"1\":5}}",
        "{\"acme\":{\"1\":\"a\",\"1\":\"b\"}}",
        "{\"acme\":{\"1\":\"a\",\"01\":\"b\"}}",
        /* Objects with mistakes are not keys: what they hold might be public. */
        "{\"acme\":{\"1\":\"{}\"}}",
        ("{\"acme\":{\"1\":\"{\\\"data\\\":\\\"zz\\\",\\\"encoding\\\":\\\"Hex\\\","
         "\\\"algorithm\\\":\\\"HmacSha256\\\"}\"}}"),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rind_ctx *ctx = make_ctx();
        struct rind_secret_map *map;
        if (rind_is_ok(rind_software_secrets_parse(ctx, rind_slice_text(texts[i]), &map))) {
            fail_msg("%s is accepted", texts[i]);
        }
        assert_true(ctx->sentence[0] != '\0');
    }
}

/* ---- the command line ---- */

static bool check(const char *const *arguments, struct rind_software_command *command,
                  int *exit_status)
{
    char copies[8][64];
    char *argv[9] = {0};
    int argc = 0;
    struct rind_ctx *ctx = make_ctx();
    enum rind_flags_outcome outcome;
    for (; arguments[argc] != NULL; argc++) {
        (void)snprintf(copies[argc], sizeof(copies[argc]), "%s", arguments[argc]);
        argv[argc] = copies[argc];
    }
    rind_software_command_init(command);
    rind_software_command_translate(command, argc, argv);
    assert_true(rind_is_ok(rind_flags_parse(ctx, &command->command, argc, argv, &outcome)));
    return rind_is_ok(rind_software_command_check(ctx, command, exit_status));
}

static void faults_have_the_exit_statuses_of_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[8];
        int exit_status; /* 0: fine */
    } cases[] = {
        {{"p", NULL}, 0},
        {{"p", "-id", "2f8b1c5e00d14aa3b1f0c2d3e4f50617", "-port", "9000", NULL}, 0},
        {{"p", "--id=2F8B1C5E00D14AA3B1F0C2D3E4F50617", "--provider", "MEMORY", NULL}, 0},
        {{"p", "-id=2f8b1c5e00d14aa3b1f0c2d3e4f50617", "-port=9000", "-provider=memory", NULL}, 0},
        {{"p", "-id=2f8b", NULL}, 3},
        {{"p", "--id", "xyz", NULL}, 2},
        {{"p", "--id", "2f8", NULL}, 2},
        {{"p", "--id", "2f8b", NULL}, 3},
        {{"p", "--id", "2f8b1c5e00d14aa3b1f0c2d3e4f5061700", NULL}, 3},
        {{"p", "--store", "lmdb:/x", NULL}, 3},
        {{"p", "--port", "65536", NULL}, 4},
        {{"p", "--port", "", NULL}, 4},
        {{"p", "--port", "80x", NULL}, 4},
        {{"p", "--port", "-1", NULL}, 4},
        {{"p", "-provider", "aws", NULL}, 5},
        {{"p", "-provider", "mongo", NULL}, 5},
        {{"p", "--provider", "gcp", NULL}, 6}, /* whose project? */
        {{"p", "--provider", "gcp", "--bigtable-project=p", NULL}, 6},
        {{"p", "--store", "bigtable", "--bigtable-project=p", NULL}, 6},
        {{"p", "--provider", "gcp", "--bigtable-project=p", "--bigtable-instance=i", NULL}, 3},
        {{"p", "--provider", "gcp", "--store", "memory:", NULL}, 5},
        {{"p", "--events", "pubsub", NULL}, 6},
        {{"p", "--events", "pubsub", "--pubsub-project", "p", NULL}, 0},
        {{"p", "--pubsub-url", "http://127.0.0.1:1", NULL}, 6},
        {{"p", "--provider", "memory", "--store", "lmdb:/x", NULL}, 5},
        {{"p", "--tls-cert", "x", NULL}, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_software_command command;
        int exit_status = 0;
        if (check(cases[i].arguments, &command, &exit_status)) {
            exit_status = 0;
        }
        if (exit_status != cases[i].exit_status) {
            fail_msg("case %zu: %d instead of %d", i, exit_status, cases[i].exit_status);
        }
    }
}

static void where_events_go_follows_from_where_records_are(void **state)
{
    (void)state;
    static const char id[] = "--id=2f8b1c5e00d14aa3b1f0c2d3e4f50617";
    static const struct {
        const char *arguments[8];
        enum rind_software_events_kind kind;
        bool is_google;
    } cases[] = {
        {{"p", NULL}, RIND_SOFTWARE_EVENTS_MEMORY, false},
        {{"p", "--events=none", NULL}, RIND_SOFTWARE_EVENTS_NONE, false},
        {{"p", id, "--store=lmdb:/x", NULL}, RIND_SOFTWARE_EVENTS_NONE, false},
        {{"p", id, "--store=lmdb:/x", "--events=memory", NULL}, RIND_SOFTWARE_EVENTS_MEMORY, false},
        {{"p", id, "--store=lmdb:/x", "--pubsub-url=http://127.0.0.1:1", "--pubsub-project=p",
          NULL},
         RIND_SOFTWARE_EVENTS_PUBSUB,
         false},
        {{"p", id, "-provider", "GCP", "--bigtable-project=p", "--bigtable-instance=i", NULL},
         RIND_SOFTWARE_EVENTS_PUBSUB,
         true},
        {{"p", id, "--store=bigtable", "--bigtable-project=p", "--bigtable-instance=i", NULL},
         RIND_SOFTWARE_EVENTS_PUBSUB,
         true},
        {{"p", id, "--store=bigtable", "--bigtable-project=p", "--bigtable-instance=i",
          "--events=none", NULL},
         RIND_SOFTWARE_EVENTS_NONE,
         true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_software_command command;
        int exit_status = 0;
        assert_true(check(cases[i].arguments, &command, &exit_status));
        assert_int_equal(command.events_kind, cases[i].kind);
        assert_int_equal(command.is_google, cases[i].is_google);
        assert_true(cases[i].kind != RIND_SOFTWARE_EVENTS_PUBSUB ||
                    strcmp(command.pubsub_project, "p") == 0);
    }
}

static void without_an_id_it_is_random(void **state)
{
    (void)state;
    static const char *const arguments[] = {"p", NULL};
    struct rind_software_command one;
    struct rind_software_command two;
    int exit_status;
    assert_true(check(arguments, &one, &exit_status));
    assert_true(check(arguments, &two, &exit_status));
    assert_false(rind_realm_id_equal(&one.realm, &two.realm));
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(versions_are_read_leniently),
        cmocka_unit_test(secrets_of_a_text_are_keys_or_objects),
        cmocka_unit_test(mistakes_in_a_text_of_secrets_are_named),
        cmocka_unit_test(faults_have_the_exit_statuses_of_the_specification),
        cmocka_unit_test(where_events_go_follows_from_where_records_are),
        cmocka_unit_test(without_an_id_it_is_random),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
