/* test_values.c - what operators and peers write: durations, sizes, addresses, URLs. */
#include <string.h>

#include "base/base.h"
#include "host/host.h"
#include "support/test.h"
#include "support/vectors.h"

static void durations_parse_as_the_vectors_say(void **state)
{
    (void)state;
    json_t *vectors = rind_vectors_load("cloud-services.json");
    json_t *rows = json_object_get(vectors, "durations");
    assert_true(json_array_size(rows) > 0);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const char *text = json_string_value(json_object_get(row, "in"));
        const char *error = json_string_value(json_object_get(row, "error"));
        uint64_t ns = 0;
        struct rind_ctx ctx;
        rind_ctx_init(&ctx, NULL);
        rind_status status = rind_duration_parse(&ctx, rind_slice_text(text), &ns);
        if (error == NULL) {
            assert_true(rind_is_ok(status));
            assert_int_equal(ns, json_integer_value(json_object_get(row, "ns")));
        } else {
            assert_true(rind_is(status, RIND_E_INVALID));
            assert_non_null(strstr(ctx.sentence, error));
        }
    }
    json_decref(vectors);
}

static void a_bad_duration_gets_the_specified_sentence(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    uint64_t ns = 77;
    rind_ctx_init(&ctx, NULL);
    assert_false(rind_is_ok(rind_duration_parse(&ctx, rind_slice_text("x"), &ns)));
    assert_string_equal(ctx.sentence, "error parsing number in duration");
    assert_false(rind_is_ok(rind_duration_parse(&ctx, rind_slice_text("1000"), &ns)));
    assert_string_equal(ctx.sentence,
                        "error parsing unit in duration (valid units are: ns, \xc2\xb5s/us, ms, s, "
                        "m/min, h/hr, d/day)");
    assert_false(rind_is_ok(rind_duration_parse(&ctx, rind_slice_text("."), &ns)));
    assert_false(rind_is_ok(rind_duration_parse(&ctx, rind_slice_text(". s"), &ns)));
    assert_false(rind_is_ok(rind_duration_parse(&ctx, rind_slice_text("999999999999 d"), &ns)));
    assert_int_equal(ns, 77);
}

static void all_units_are_known_and_fractions_round_to_nanoseconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {
        {"1ns", 1},
        {"1 min", 60000000000},
        {"2hr", 7200000000000},
        {"1 day", 86400000000000},
        {"3days", 259200000000000},
        {"0s", 0},
        {"1.4ns", 1},
        {"1.5ns", 2},
        {"1. s", 1000000000},
        {"0.000000001s", 1},
        {"36525d", 3155760000000000000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ns = 1234;
        assert_true(rind_is_ok(rind_duration_parse(NULL, rind_slice_text(cases[i].text), &ns)));
        assert_true(ns == cases[i].ns);
    }
}

static void a_formatted_duration_parses_back(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {{0, "0s"},
                 {1, "1ns"},
                 {1500, "1500ns"},
                 {1000000, "1ms"},
                 {20000000000, "20s"},
                 {90000000000, "90s"},
                 {60000000000, "1m"},
                 {86400000000000, "1d"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[RIND_DURATION_TEXT_SIZE];
        uint64_t ns = 99;
        rind_duration_format(cases[i].ns, text);
        assert_string_equal(text, cases[i].text);
        assert_true(rind_is_ok(rind_duration_parse(NULL, rind_slice_text(text), &ns)));
        assert_true(ns == cases[i].ns);
    }
}

static void sizes_have_binary_units_and_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"1", 1},
                {"5B", 5},
                {"1K", 1024},
                {"64MiB", 67108864},
                {"8191PiB", 0},
                {"2TiB", 2199023255552},
                {"9223372036854775807", INT64_MAX}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t bytes = 1;
        rind_status status = rind_size_parse(NULL, rind_slice_text(good[i].text), &bytes);
        bool is_known = strstr(good[i].text, "PiB") == NULL;
        assert_int_equal(rind_is_ok(status), is_known);
        assert_true(!is_known || bytes == good[i].bytes);
    }
    static const char *const bad[] = {"",    "-1", "1.5K",       " 1",
                                      "1 K", "K",  "8388608TiB", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes;
        assert_true(
            rind_is(rind_size_parse(NULL, rind_slice_text(bad[i]), &bytes), RIND_E_INVALID));
    }
}

static void addresses_are_ip_and_port_only(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:8082", "[::1]:443", "0.0.0.0:0",
                                       "[2001:db8::7]:65535"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct rind_address address;
        char text[RIND_ADDRESS_TEXT_SIZE];
        assert_true(rind_is_ok(rind_address_parse(NULL, rind_slice_text(good[i]), &address)));
        rind_address_format(&address, text);
        assert_string_equal(text, good[i]);
    }
    static const char *const bad[] = {
        "",       "127.0.0.1",      "localhost:80", "127.0.0.1:", "1.2.3.4:-1", "1.2.3.4:65536",
        "::1:80", "[127.0.0.1]:80", "[::1:80",      "1.2.3:80",   ":80",        "1.2.3.4:8o"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rind_ctx ctx;
        struct rind_address address;
        rind_ctx_init(&ctx, NULL);
        assert_false(rind_is_ok(rind_address_parse(&ctx, rind_slice_text(bad[i]), &address)));
        assert_non_null(strstr(ctx.sentence, "IP:port"));
    }
}

static void unix_sockets_have_a_bounded_path(void **state)
{
    (void)state;
    struct rind_address address;
    char text[RIND_ADDRESS_TEXT_SIZE];
    char path[200];
    assert_true(rind_is_ok(rind_address_unix(NULL, "/run/datadog/dsd.socket", &address)));
    rind_address_format(&address, text);
    assert_string_equal(text, "unix:/run/datadog/dsd.socket");
    memset(path, 'p', sizeof(path));
    path[107] = '\0';
    assert_true(rind_is_ok(rind_address_unix(NULL, path, &address)));
    path[107] = 'p';
    path[108] = '\0';
    assert_true(rind_is(rind_address_unix(NULL, path, &address), RIND_E_INVALID));
    assert_true(rind_is(rind_address_unix(NULL, "", &address), RIND_E_INVALID));
}

static void urls_are_normalised(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *normal;
        uint16_t port;
        const char *path;
    } cases[] = {
        {"http://127.0.0.1:8082", "http://127.0.0.1:8082/", 8082, "/"},
        {"HTTP://Example.COM:80/a", "http://example.com/a", 80, "/a"},
        {"https://example.com:443", "https://example.com/", 443, "/"},
        {"https://example.com:8443/x/./y/../z?q=1#f", "https://example.com:8443/x/z?q=1", 8443,
         "/x/z?q=1"},
        {"http://[::0001]:80/", "http://[::1]/", 80, "/"},
        {"http://h/a b", "http://h/a%20b", 80, "/a%20b"},
        {"http://h/../../x", "http://h/x", 80, "/x"},
        {"http://h?x", "http://h/?x", 80, "/?x"},
        {"http://h/a/..", "http://h/", 80, "/"},
        {"http://h/a\\.\\..\\b", "http://h/b", 80, "/b"},
        {"http://h:/", "http://h/", 80, "/"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_url url;
        assert_true(rind_is_ok(rind_url_parse(NULL, rind_slice_text(cases[i].text), &url)));
        assert_string_equal(url.text, cases[i].normal);
        assert_string_equal(rind_url_path(&url), cases[i].path);
        assert_int_equal(url.port, cases[i].port);
        struct rind_url again;
        assert_true(rind_is_ok(rind_url_parse(NULL, rind_slice_text(url.text), &again)));
        assert_string_equal(again.text, url.text);
    }
    static const char *const bad[] = {"",
                                      "example.com",
                                      "ftp://x/",
                                      "http://",
                                      "http:///x",
                                      "http://u:p@h/",
                                      "http://h:70000/",
                                      "http://h:x/",
                                      "http://[::1",
                                      "http://[zz]/",
                                      "http://a b/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rind_url url;
        assert_false(rind_is_ok(rind_url_parse(NULL, rind_slice_text(bad[i]), &url)));
    }
}

static void joining_replaces_what_follows_the_last_slash(void **state)
{
    (void)state;
    static const struct {
        const char *base;
        const char *path;
        const char *joined;
    } cases[] = {
        {"http://127.0.0.1:8082", "app", "http://127.0.0.1:8082/app"},
        {"http://h/a/b", "app", "http://h/a/app"},
        {"http://h/a/b/", "transfer/in", "http://h/a/b/transfer/in"},
        {"http://h/a/b?x=/y", "/req", "http://h/req"},
        {"http://h/a/b?x=/y", "req", "http://h/a/req"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_url base;
        struct rind_url joined;
        assert_true(rind_is_ok(rind_url_parse(NULL, rind_slice_text(cases[i].base), &base)));
        assert_true(rind_is_ok(rind_url_join(NULL, &base, cases[i].path, &joined)));
        assert_string_equal(joined.text, cases[i].joined);
    }
}

static void a_url_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    char text[RIND_URL_SIZE_MAX + 2] = "http://h/";
    struct rind_url url;
    size_t head = strlen(text);
    memset(text + head, 'a', RIND_URL_SIZE_MAX - 2 - head);
    assert_true(rind_is_ok(rind_url_parse(NULL, rind_slice_text(text), &url)));
    text[RIND_URL_SIZE_MAX - 2] = 'a';
    text[RIND_URL_SIZE_MAX - 1] = 'a';
    assert_true(rind_is(rind_url_parse(NULL, rind_slice_text(text), &url), RIND_E_LIMIT));
    memset(text + head, '<', 900); /* three characters each once escaped */
    text[head + 900] = '\0';
    assert_true(rind_is(rind_url_parse(NULL, rind_slice_text(text), &url), RIND_E_LIMIT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_parse_as_the_vectors_say),
        cmocka_unit_test(a_bad_duration_gets_the_specified_sentence),
        cmocka_unit_test(all_units_are_known_and_fractions_round_to_nanoseconds),
        cmocka_unit_test(a_formatted_duration_parses_back),
        cmocka_unit_test(sizes_have_binary_units_and_a_limit),
        cmocka_unit_test(addresses_are_ip_and_port_only),
        cmocka_unit_test(unix_sockets_have_a_bounded_path),
        cmocka_unit_test(urls_are_normalised),
        cmocka_unit_test(joining_replaces_what_follows_the_last_slash),
        cmocka_unit_test(a_url_beyond_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
