/* test_diag.c - CBOR in diagnostic notation, against the notation in the vectors. */
#include "fixture.h"
#include "support/vectors.h"

#define TEXT_SIZE 20000u

static void check_diag(struct rind_slice bytes, const char *expected)
{
    static char text[TEXT_SIZE];
    struct rind_buffer out;
    rind_buffer_init(&out, text, sizeof(text));
    assert_int_equal(rind_diag_print(&out, bytes), bytes.length);
    rind_buffer_append_byte(&out, 0);
    assert_false(out.is_overflown);
    assert_string_equal(text, expected);
}

static size_t check_list(struct fixture *fixture, const json_t *list, const char *diag,
                         const char *cbor)
{
    size_t index;
    json_t *sample;
    json_array_foreach(list, index, sample)
    {
        check_diag(rind_vectors_hex(sample, cbor, &fixture->arena),
                   rind_vectors_text(sample, diag));
    }
    return index;
}

static void notation_is_that_of_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-mac.json");
    assert_int_equal(check_list(fixture, rind_vectors_get(file, "vectors"), "diag", "cbor"), 8);
    json_decref(file);
    file = rind_vectors_load("hsm-types.json");
    assert_int_equal(check_list(fixture, rind_vectors_get(file, "vectors"), "diag", "cbor"), 4);
    json_decref(file);
    file = rind_vectors_load("hsm-rpc.json");
    json_t *samples = rind_vectors_get(file, "samples");
    assert_true(check_list(fixture, samples, "request_diag", "request") > 0);
    size_t index;
    json_t *sample;
    json_array_foreach(samples, index, sample)
    {
        (void)check_list(fixture, rind_vectors_get(sample, "responses"), "diag", "cbor");
    }
    json_decref(file);
}

static void check_hex(const char *hex, const char *expected)
{
    uint8_t bytes[64];
    size_t size = strlen(hex) / 2;
    assert_true(rind_hex_decode(rind_slice_text(hex), bytes, size));
    check_diag(rind_slice_make(bytes, size), expected);
}

static void forms_that_messages_lack_print_too(void **state)
{
    (void)state;
    check_hex("3818", "-25");
    check_hex("3bffffffffffffffff", "-18446744073709551616");
    check_hex("c24105", "2(h'05')");
    check_hex("f7", "undefined");
    check_hex("f4", "false");
    check_hex("f5", "true");
    check_hex("e0", "simple(0)");
    check_hex("f93c00", "float(0x3c00)");
    check_hex("5f41014102ff", "(_ h'01', h'02')");
    check_hex("9f01ff", "[_ 1]");
    check_hex("bf6161a0ff", "{_ \"a\": {}}");
    check_hex("6422095c7f", "\"\\\"\\u0009\\\\\\u007f\"");
    check_hex("80", "[]");
}

static void malformed_input_ends_the_text_with_a_mark(void **state)
{
    (void)state;
    static const char *const inputs[] = {"",
                                         "82",
                                         "8201",
                                         "a161",
                                         "ff",
                                         "81ff",
                                         "5f6161ff",
                                         "61ff",
                                         "bf01ff",
                                         "18",
                                         "1c",
                                         "5bffffffffffffffff",
                                         "bbffffffffffffffff"};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        uint8_t *bytes = malloc(strlen(inputs[i]) / 2 + 1);
        char text[128];
        struct rind_buffer out;
        size_t size = strlen(inputs[i]) / 2;
        assert_true(rind_hex_decode(rind_slice_text(inputs[i]), bytes, size));
        rind_buffer_init(&out, text, sizeof(text));
        assert_int_equal(rind_diag_print(&out, rind_slice_make(bytes, size)), 0);
        rind_buffer_append_byte(&out, 0);
        assert_non_null(strstr(text, "<malformed>"));
        free(bytes);
    }
}

static void depth_and_output_are_bounded(void **state)
{
    (void)state;
    uint8_t nested[RIND_DIAG_DEPTH_MAX + 1];
    memset(nested, 0x81, sizeof(nested));
    nested[RIND_DIAG_DEPTH_MAX] = 0x01;
    char text[256];
    struct rind_buffer out;
    rind_buffer_init(&out, text, sizeof(text));
    assert_int_equal(rind_diag_print(&out, RIND_SLICE_OF(nested)), sizeof(nested));
    nested[RIND_DIAG_DEPTH_MAX] = 0x80;
    rind_buffer_init(&out, text, sizeof(text));
    assert_int_equal(rind_diag_print(&out, RIND_SLICE_OF(nested)), 0);
    for (size_t capacity = 0; capacity < 40; capacity++) {
        rind_buffer_init(&out, text, capacity);
        assert_int_equal(rind_diag_print(&out, RIND_SLICE_OF(nested)), 0);
        assert_true(out.length <= capacity);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notation_is_that_of_the_vectors),
        TEST(forms_that_messages_lack_print_too),
        TEST(malformed_input_ends_the_text_with_a_mark),
        TEST(depth_and_output_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
