/* Configurations: JSON, rules, addresses. */
#include "client/client.h"

#include <string.h>

#include "client/address.h"
#include "client/configuration.h"
#include "client/json_members.h"
#include "support/test.h"
#include "support/vectors.h"

static void every_case_of_the_vectors_is_taken_or_refused_as_it_says(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-config.json");
    json_t *cases = rind_vectors_get(root, "cases");
    assert_int_equal(json_array_size(cases), 41);
    size_t index;
    json_t *vector;
    json_array_foreach(cases, index, vector)
    {
        char why[RIND_SENTENCE_SIZE] = "";
        bool is_parsed = strcmp(rind_vectors_text(vector, "parse"), "ok") == 0;
        bool is_checked = strcmp(rind_vectors_text(vector, "check"), "ok") == 0;
        bool has_low_register =
            strcmp(rind_vectors_text(vector, "name"), "register 1 < recover 2") == 0;
        struct rind_configuration *configuration =
            rind_configuration_parse(rind_vectors_text(vector, "json"), why);
        /* Stricter than the reference on purpose: 01 section 22 item 6. */
        if ((configuration != NULL) != (is_parsed && is_checked && !has_low_register)) {
            fail_msg("%s: %s", rind_vectors_text(vector, "name"), why);
        }
        assert_int_equal(why[0] != '\0', configuration == NULL);
        rind_configuration_free(configuration);
    }
    json_decref(root);
}

static void a_printed_configuration_is_in_normal_form_and_reads_back_equal(void **state)
{
    (void)state;
    const char *json = " {\"x\": 1, \"pin_hashing_mode\": \"FastInsecure\", \"realms\": ["
                       "{\"address\": \"HTTPS://B.Example:443\", \"id\": "
                       "\"FF020304-0506-0708-090A-0B0C0D0E0F10\"},"
                       "{\"id\": \"0102030405060708090a0b0c0d0e0f10\", \"public_key\": "
                       "\"ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB\","
                       "\"address\": \"http://a.example:80/x/\"}],"
                       "\"recover_threshold\": 2, \"register_threshold\": 2}";
    const char *expected =
        "{\n  \"realms\": [\n    {\n      \"id\": \"ff02030405060708090a0b0c0d0e0f10\",\n"
        "      \"address\": \"https://b.example/\"\n    },\n    {\n"
        "      \"id\": \"0102030405060708090a0b0c0d0e0f10\",\n"
        "      \"address\": \"http://a.example/x/\",\n"
        "      \"public_key\": "
        "\"abababababababababababababababababababababababababababababababab\"\n    }\n  ],\n"
        "  \"register_threshold\": 2,\n  \"recover_threshold\": 2,\n"
        "  \"pin_hashing_mode\": \"FastInsecure\"\n}";
    struct rind_configuration *configuration = rind_configuration_parse(json, NULL);
    assert_non_null(configuration);
    char *printed = rind_configuration_print(configuration);
    assert_string_equal(printed, expected);
    struct rind_configuration *again = rind_configuration_parse(printed, NULL);
    assert_true(rind_configuration_equal(configuration, again));
    assert_int_equal(rind_configuration_realm_count(again), 2);
    assert_true(rind_configuration_realm(again, 1)->has_public_key);
    assert_null(rind_configuration_realm(again, 2));
    /* Shares go by id, not by place. */
    struct rind_realm_id id;
    memcpy(id.bytes, rind_configuration_realm(again, 1)->id, sizeof(id.bytes));
    assert_int_equal(rind_configuration_share_index(again, &id), 1);
    memcpy(id.bytes, rind_configuration_realm(again, 0)->id, sizeof(id.bytes));
    assert_int_equal(rind_configuration_share_index(again, &id), 2);
    id.bytes[0] ^= 1;
    assert_int_equal(rind_configuration_share_index(again, &id), 0);
    free(printed);
    rind_configuration_free(configuration);
    rind_configuration_free(again);
}

static void configurations_are_equal_only_in_all_members_and_the_order_of_realms(void **state)
{
    (void)state;
    struct rind_realm realms[2] = {{.id = {1}, .address = "https://a.example"},
                                   {.id = {2}, .address = "https://b.example"}};
    struct rind_realm swapped[2] = {realms[1], realms[0]};
    struct rind_configuration *a =
        rind_configuration_new(realms, 2, 2, 2, RIND_PIN_HASHING_STANDARD_2019, NULL);
    struct rind_configuration *same =
        rind_configuration_new(realms, 2, 2, 2, RIND_PIN_HASHING_STANDARD_2019, NULL);
    struct rind_configuration *other_order =
        rind_configuration_new(swapped, 2, 2, 2, RIND_PIN_HASHING_STANDARD_2019, NULL);
    struct rind_configuration *other_mode =
        rind_configuration_new(realms, 2, 2, 2, RIND_PIN_HASHING_FAST_INSECURE, NULL);
    struct rind_configuration *fewer =
        rind_configuration_new(realms, 1, 1, 1, RIND_PIN_HASHING_STANDARD_2019, NULL);
    assert_true(rind_configuration_equal(a, same));
    assert_false(rind_configuration_equal(a, other_order));
    assert_false(rind_configuration_equal(a, other_mode));
    assert_false(rind_configuration_equal(a, fewer));
    assert_false(rind_configuration_equal(a, NULL));
    assert_false(rind_configuration_equal(NULL, a));
    assert_true(rind_configuration_equal(NULL, NULL));
    realms[1].has_public_key = true;
    struct rind_configuration *hardware =
        rind_configuration_new(realms, 2, 2, 2, RIND_PIN_HASHING_STANDARD_2019, NULL);
    assert_false(rind_configuration_equal(a, hardware));
    rind_configuration_free(a);
    rind_configuration_free(same);
    rind_configuration_free(other_order);
    rind_configuration_free(other_mode);
    rind_configuration_free(fewer);
    rind_configuration_free(hardware);
}

static void request_urls_are_joined_as_the_vectors_say(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-config.json");
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(root, "url_join"), index, vector)
    {
        char why[RIND_SENTENCE_SIZE] = "";
        char *normal = rind_sdk_address_normalise(rind_vectors_text(vector, "address"), why);
        if (normal == NULL) {
            fail_msg("%s: %s", rind_vectors_text(vector, "address"), why);
        }
        char *url = rind_sdk_address_request_url(normal);
        assert_string_equal(url, rind_vectors_text(vector, "request_url"));
        char *again = rind_sdk_address_normalise(normal, why);
        assert_string_equal(again, normal);
        free(again);
        free(url);
        free(normal);
    }
    assert_int_equal(index, 17);
    json_decref(root);
}

static void other_schemes_and_user_information_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "https://",
                                      "ftp://h.example/",
                                      "file:///etc/passwd",
                                      "https://u:p@h.example/",
                                      "h.example",
                                      "//h",
                                      "https://h:99999/",
                                      "javascript:alert(1)",
                                      "https:/h/",
                                      "https:h",
                                      "https:\\\\h\\",
                                      "https://h h/",
                                      "https://h\th/",
                                      "https://%7Fh/", /* what WHATWG forbids in a host */
                                      "https://a%25b/",
                                      "https://a|b/",
                                      "https://a^b/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char why[RIND_SENTENCE_SIZE] = "";
        char *normal = rind_sdk_address_normalise(bad[i], why);
        if (normal != NULL) {
            fail_msg("%s was taken as %s", bad[i], normal);
        }
        assert_true(why[0] != '\0');
    }
}

static void limits_on_realms_and_thresholds_hold_on_both_sides(void **state)
{
    (void)state;
    static struct rind_realm realms[RIND_REALMS_MAX + 1];
    for (size_t i = 0; i <= RIND_REALMS_MAX; i++) {
        realms[i] = (struct rind_realm){.id = {(uint8_t)(i >> 8), (uint8_t)i},
                                        .address = "https://h.example"};
    }
    for (size_t count = 0; count <= RIND_REALMS_MAX + 1; count += count < 6 ? 1 : 125) {
        for (uint32_t recover = 0; recover <= count + 1; recover++) {
            for (uint32_t reg = recover > 0 ? recover - 1 : 0;
                 reg <= count + 1 && reg < recover + 3; reg++) {
                struct rind_configuration *configuration = rind_configuration_new(
                    realms, count, reg, recover, RIND_PIN_HASHING_FAST_INSECURE, NULL);
                bool is_valid = count >= 1 && count <= RIND_REALMS_MAX && recover > count / 2 &&
                                recover <= count && reg >= recover && reg <= count;
                assert_int_equal(configuration != NULL, is_valid);
                rind_configuration_free(configuration);
            }
        }
    }
}

static void repeated_members_are_found_at_their_depth_only(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    assert_false(rind_sdk_json_has_duplicate("{\"a\":1,\"b\":\"a\"}", 1, names, 2));
    assert_true(rind_sdk_json_has_duplicate("{\"a\":1,\"b\":2,\"a\":1}", 1, names, 2));
    assert_true(rind_sdk_json_has_duplicate("{\"a\":1,\"\\u0061\" :1}", 1, names, 2));
    assert_false(rind_sdk_json_has_duplicate("{\"a\":{\"a\":1},\"c\":[{\"a\":1}]}", 1, names, 2));
    assert_false(
        rind_sdk_json_has_duplicate("{\"c\":1,\"c\":1,\"a\":\"\\\"a\\\":1\"}", 1, names, 2));
    assert_false(rind_sdk_json_has_duplicate("{\"x\":[{\"a\":1},{\"a\":2}]}", 3, names, 2));
    assert_true(rind_sdk_json_has_duplicate("{\"x\":[{\"a\":1},{\"a\":2,\"a\":3}]}", 3, names, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_of_the_vectors_is_taken_or_refused_as_it_says),
        cmocka_unit_test(a_printed_configuration_is_in_normal_form_and_reads_back_equal),
        cmocka_unit_test(configurations_are_equal_only_in_all_members_and_the_order_of_realms),
        cmocka_unit_test(request_urls_are_joined_as_the_vectors_say),
        cmocka_unit_test(other_schemes_and_user_information_are_refused),
        cmocka_unit_test(limits_on_realms_and_thresholds_hold_on_both_sides),
        cmocka_unit_test(repeated_members_are_found_at_their_depth_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
