/*
 * test_decode.c - what both decoders accept and refuse, rule by rule
 * (docs/spec/01-client-protocol.md section 2.2, docs/spec/02-hsm-core.md sections 2.2 and 18).
 */
#include "fixture.h"
#include "support/vectors.h"

/* A message with one field of each kind that a client meets. */
struct sample {
    uint16_t number;
    uint8_t fixed[2];
    struct rind_slice bytes;
    struct rind_slice text;
    bool flag;
    bool has_maybe;
    uint64_t maybe;
};

static const struct rind_schema bytes2_schema = RIND_SCHEMA_BYTES_FIXED(2);
static const struct rind_schema bytes4_schema = RIND_SCHEMA_BYTES(4);
static const struct rind_schema text4_schema = RIND_SCHEMA_TEXT(4);
static const struct rind_schema small_schema =
    RIND_SCHEMA_INTEGER(RIND_KIND_U16, uint16_t, 1, 1000);

static const struct rind_field sample_fields[] = {
    RIND_FIELD_NAMED("n", struct sample, number, small_schema),
    RIND_FIELD_NAMED("f", struct sample, fixed, bytes2_schema),
    RIND_FIELD_NAMED("b", struct sample, bytes, bytes4_schema),
    RIND_FIELD_NAMED("t", struct sample, text, text4_schema),
    RIND_FIELD_NAMED("x", struct sample, flag, rind_bool_schema),
    RIND_FIELD_OPTIONAL_NAMED("m", struct sample, maybe, rind_u64_schema),
};
static const struct rind_schema sample_schema = RIND_SCHEMA_STRUCT(struct sample, sample_fields);

/* Decodes hex from memory that ends where the input ends, so that ASan sees one byte too many. */
static rind_status decode_hex(struct fixture *fixture, enum rind_wire_profile profile,
                              const struct rind_schema *schema, const char *hex, void *value)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    assert_true(rind_hex_decode(rind_slice_text(hex), bytes, size));
    struct rind_slice copy;
    assert_true(rind_arena_copy(&fixture->arena, rind_slice_make(bytes, size), &copy));
    alignas(max_align_t) uint8_t scratch[VALUE_SIZE_MAX];
    rind_status status =
        rind_wire_decode(&fixture->ctx, profile, schema, rind_slice_make(bytes, size), scratch);
    free(bytes);
    if (value != NULL) {
        rind_status again = rind_wire_decode(&fixture->ctx, profile, schema, copy, value);
        assert_int_equal(again.code, status.code);
    }
    return status;
}

#define ASSERT_CODE(profile, hex, expected)                                                        \
    assert_int_equal(decode_hex(*state, profile, &sample_schema, hex, NULL).code, expected)
#define ACCEPTED(profile, hex) ASSERT_CODE(profile, hex, RIND_E_OK)
#define REFUSED(profile, hex) ASSERT_CODE(profile, hex, RIND_E_DECODE)

/* The fields of a good sample, to be put together in wrong ways. */
#define FIELD_N "616e05"
#define FIELD_F "6166420102"
#define FIELD_B "6162430a0b0c"
#define FIELD_T "61746161"
#define FIELD_X "6178f5"
#define FIELD_M "616d07"
#define ALL FIELD_N FIELD_F FIELD_B FIELD_T FIELD_X FIELD_M

static void fields_land_in_the_struct(void **state)
{
    struct sample sample;
    assert_true(
        rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &sample_schema, "a6" ALL, &sample)));
    assert_int_equal(sample.number, 5);
    assert_memory_equal(sample.fixed, "\x01\x02", 2);
    assert_true(rind_slice_is_text(sample.bytes, "\x0a\x0b\x0c"));
    assert_true(rind_slice_is_text(sample.text, "a"));
    assert_true(sample.flag);
    assert_true(sample.has_maybe);
    assert_int_equal(sample.maybe, 7);
}

static void key_order_is_free(void **state)
{
    ACCEPTED(RIND_WIRE_STRICT, "a6" FIELD_M FIELD_X FIELD_T FIELD_B FIELD_F FIELD_N);
    ACCEPTED(RIND_WIRE_LENIENT, "a6" FIELD_X FIELD_M FIELD_B FIELD_T FIELD_N FIELD_F);
}

static void optional_reads_as_absent_when_null_or_missing(void **state)
{
    static const char *const inputs[] = {
        "a5" FIELD_N FIELD_F FIELD_B FIELD_T FIELD_X,
        "a6" FIELD_N FIELD_F FIELD_B FIELD_T FIELD_X "616df6",
        "a6" FIELD_N FIELD_F FIELD_B FIELD_T FIELD_X "616df816",
    };
    for (size_t i = 0; i < 3; i++) {
        struct sample sample;
        assert_true(
            rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &sample_schema, inputs[i], &sample)));
        assert_false(sample.has_maybe);
    }
}

static void required_field_must_be_there_and_not_null(void **state)
{
    REFUSED(RIND_WIRE_STRICT, "a5" FIELD_F FIELD_B FIELD_T FIELD_X FIELD_M);
    REFUSED(RIND_WIRE_LENIENT, "a5" FIELD_N FIELD_F FIELD_B FIELD_T FIELD_M);
    REFUSED(RIND_WIRE_STRICT, "a6616ef6" FIELD_F FIELD_B FIELD_T FIELD_X FIELD_M);
    REFUSED(RIND_WIRE_STRICT, "a0");
}

static void duplicate_field_is_refused(void **state)
{
    REFUSED(RIND_WIRE_STRICT, "a7" ALL FIELD_N);
    REFUSED(RIND_WIRE_LENIENT, "a7" ALL FIELD_M);
    REFUSED(RIND_WIRE_STRICT, "a7616df6" ALL); /* a null counts too */
}

static void unknown_keys_are_skipped_with_their_values(void **state)
{
    ACCEPTED(RIND_WIRE_STRICT, "a761758201a1016161" ALL);
    ACCEPTED(RIND_WIRE_STRICT, "a76175a1820102f6" ALL); /* any key inside what is ignored */
    ACCEPTED(RIND_WIRE_LENIENT, "a7617501" ALL);
    ACCEPTED(RIND_WIRE_STRICT, "a8617501617502" ALL); /* even twice */
    REFUSED(RIND_WIRE_STRICT, "a76175" ALL);
}

static void keys_may_be_byte_strings_but_nothing_else(void **state)
{
    ACCEPTED(RIND_WIRE_STRICT, "a6416e05" FIELD_F FIELD_B FIELD_T FIELD_X FIELD_M);
    ACCEPTED(RIND_WIRE_STRICT, "a7417501" ALL);
    REFUSED(RIND_WIRE_STRICT, "a70101" ALL);
    REFUSED(RIND_WIRE_LENIENT, "a78001" ALL);
    REFUSED(RIND_WIRE_LENIENT, "a6416e05416e05" FIELD_F FIELD_B FIELD_T FIELD_X);
    REFUSED(RIND_WIRE_LENIENT, "a67f616eff05" FIELD_F FIELD_B FIELD_T FIELD_X FIELD_M);
}

static void keys_and_text_must_be_utf8(void **state)
{
    REFUSED(RIND_WIRE_STRICT, "a761ff01" ALL);
    REFUSED(RIND_WIRE_STRICT, "a6" FIELD_N FIELD_F FIELD_B "617461ff" FIELD_X FIELD_M);
    REFUSED(RIND_WIRE_STRICT, "a76175"
                              "61ff" ALL);
    ACCEPTED(RIND_WIRE_STRICT, "a6" FIELD_N FIELD_F FIELD_B "617463e282ac" FIELD_X FIELD_M);
    REFUSED(RIND_WIRE_STRICT, "a6" FIELD_N FIELD_F FIELD_B "617463eda080" FIELD_X FIELD_M);
    REFUSED(RIND_WIRE_STRICT, "a6" FIELD_N FIELD_F FIELD_B "617462c080" FIELD_X FIELD_M);
    REFUSED(RIND_WIRE_STRICT, "a6" FIELD_N FIELD_F FIELD_B "617464f4908080" FIELD_X FIELD_M);
    ACCEPTED(RIND_WIRE_STRICT, "a6" FIELD_N FIELD_F FIELD_B "617464f48fbfbf" FIELD_X FIELD_M);
}

static void key_length_limit_holds_on_both_sides(void **state)
{
    static char hex[2 * (RIND_WIRE_KEY_SIZE_MAX + 100)];
    for (size_t extra = 0; extra < 2; extra++) {
        size_t length = RIND_WIRE_KEY_SIZE_MAX + extra;
        int used = snprintf(hex, sizeof(hex), "a779%04zx", length);
        for (size_t i = 0; i < length; i++) {
            memcpy(hex + used + 2 * i, "61", 2);
        }
        strcpy(hex + used + 2 * length, "01" ALL);
        ASSERT_CODE(RIND_WIRE_STRICT, hex, extra == 0 ? RIND_E_OK : RIND_E_DECODE);
        ASSERT_CODE(RIND_WIRE_LENIENT, hex, extra == 0 ? RIND_E_OK : RIND_E_DECODE);
    }
}

#define WITH_N(n) "a6616e" n FIELD_F FIELD_B FIELD_T FIELD_X FIELD_M
#define WITH_F(f) "a66166" f FIELD_N FIELD_B FIELD_T FIELD_X FIELD_M
#define WITH_B(b) "a66162" b FIELD_N FIELD_F FIELD_T FIELD_X FIELD_M
#define WITH_T(t) "a66174" t FIELD_N FIELD_F FIELD_B FIELD_X FIELD_M
#define WITH_X(x) "a66178" x FIELD_N FIELD_F FIELD_B FIELD_T FIELD_M
#define WITH_U(u) "a76175" u ALL

static void integers_may_be_longer_than_needed_but_not_out_of_range(void **state)
{
    ACCEPTED(RIND_WIRE_STRICT, WITH_N("1805"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_N("1b0000000000000005"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_N("01"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_N("1903e8"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("00"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("1903e9"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("1a00010005")); /* 5 modulo 2^16 */
    REFUSED(RIND_WIRE_STRICT, WITH_N("1b0000000100000005"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("24"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("f90000"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("6135"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("1c"));
    REFUSED(RIND_WIRE_LENIENT, WITH_N("1f"));
}

static void bignums_are_integers_for_the_lenient_decoder_only(void **state)
{
    ACCEPTED(RIND_WIRE_LENIENT, WITH_N("c24105"));
    ACCEPTED(RIND_WIRE_LENIENT, WITH_N("c24a00000000000000000005"));
    ACCEPTED(RIND_WIRE_LENIENT, WITH_N("d8ffc605"));
    REFUSED(RIND_WIRE_LENIENT, WITH_N("c249010000000000000005"));
    REFUSED(RIND_WIRE_LENIENT, WITH_N("c24203e9"));
    REFUSED(RIND_WIRE_LENIENT, WITH_N("c34105"));
    REFUSED(RIND_WIRE_LENIENT, WITH_N("c205"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("c24105"));
    REFUSED(RIND_WIRE_STRICT, WITH_N("c605"));
}

static void fixed_bytes_must_have_the_exact_length(void **state)
{
    ACCEPTED(RIND_WIRE_STRICT, WITH_F("820102"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_F("98021801190002"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_F("58020102"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_F("5b00000000000000020102"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("4101"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("43010203"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("8101"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("83010203"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("8201190100"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("820120"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("620102"));
    REFUSED(RIND_WIRE_STRICT, WITH_F("a10102"));
    REFUSED(RIND_WIRE_LENIENT, WITH_F("c2420102"));
}

static void variable_bytes_may_be_an_array_up_to_the_limit(void **state)
{
    struct sample sample;
    assert_true(rind_is_ok(
        decode_hex(*state, RIND_WIRE_STRICT, &sample_schema, WITH_B("84000118ff02"), &sample)));
    assert_true(rind_slice_equal(sample.bytes, rind_slice_make("\x00\x01\xff\x02", 4)));
    ACCEPTED(RIND_WIRE_STRICT, WITH_B("80"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_B("40"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_B("4401020304"));
    ASSERT_CODE(RIND_WIRE_STRICT, WITH_B("450102030405"), RIND_E_LIMIT);
    ASSERT_CODE(RIND_WIRE_STRICT, WITH_B("850102030405"), RIND_E_LIMIT);
    REFUSED(RIND_WIRE_STRICT, WITH_B("81190100"));
    REFUSED(RIND_WIRE_STRICT, WITH_B("6161"));
    REFUSED(RIND_WIRE_LENIENT, WITH_B("c240"));
}

static void text_has_a_limit(void **state)
{
    ACCEPTED(RIND_WIRE_STRICT, WITH_T("6461616161"));
    ASSERT_CODE(RIND_WIRE_STRICT, WITH_T("656161616161"), RIND_E_LIMIT);
    REFUSED(RIND_WIRE_STRICT, WITH_T("4161"));
    ACCEPTED(RIND_WIRE_LENIENT, WITH_T("c16161"));
    REFUSED(RIND_WIRE_STRICT, WITH_T("c16161"));
}

static void booleans_have_two_forms_each(void **state)
{
    ACCEPTED(RIND_WIRE_STRICT, WITH_X("f4"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_X("f814"));
    ACCEPTED(RIND_WIRE_STRICT, WITH_X("f815"));
    REFUSED(RIND_WIRE_STRICT, WITH_X("f6"));
    REFUSED(RIND_WIRE_STRICT, WITH_X("f7"));
    REFUSED(RIND_WIRE_STRICT, WITH_X("01"));
    REFUSED(RIND_WIRE_STRICT, WITH_X("f90014"));
    REFUSED(RIND_WIRE_LENIENT, WITH_X("ff"));
}

static void strict_decoder_refuses_what_its_column_refuses_even_in_ignored_fields(void **state)
{
    static const char *const lenient_only[] = {
        WITH_U("f90000"),   WITH_U("fa00000000"), WITH_U("fb0000000000000000"),
        WITH_U("f7"),       WITH_U("c000"),       WITH_U("c24101"),
        WITH_U("5f4101ff"), WITH_U("7f6161ff"),   WITH_U("9f01ff"),
        WITH_U("bf0102ff"), WITH_U("9fff"),       WITH_U("bfff"),
    };
    for (size_t i = 0; i < sizeof(lenient_only) / sizeof(lenient_only[0]); i++) {
        REFUSED(RIND_WIRE_STRICT, lenient_only[i]);
        ACCEPTED(RIND_WIRE_LENIENT, lenient_only[i]);
    }
    static const char *const neither[] = {
        WITH_U("e0"),       WITH_U("f8ff"),     WITH_U("ff"),         WITH_U("fc"),
        WITH_U("81ff"),     WITH_U("a1ff"),     WITH_U("a101ff"),     WITH_U("bf01ff"),
        WITH_U("5f6161ff"), WITH_U("7f4161ff"), WITH_U("5f5f41ffff"), WITH_U("7f61ffff"),
        WITH_U("1f"),       WITH_U("3f"),       WITH_U("df"),         WITH_U("c0ff"),
    };
    for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++) {
        REFUSED(RIND_WIRE_STRICT, neither[i]);
        REFUSED(RIND_WIRE_LENIENT, neither[i]);
    }
}

static void lenient_decoder_reads_indefinite_lengths(void **state)
{
    struct sample sample;
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_LENIENT, &sample_schema,
                                      "bf" FIELD_N "61665f41014102ff"
                                      "61625f4101404202"
                                      "03ff"
                                      "61747f61616162ff" FIELD_X FIELD_M "ff",
                                      &sample)));
    assert_memory_equal(sample.fixed, "\x01\x02", 2);
    assert_true(rind_slice_is_text(sample.bytes, "\x01\x02\x03"));
    assert_true(rind_slice_is_text(sample.text, "ab"));
    ACCEPTED(RIND_WIRE_LENIENT, WITH_F("9f0102ff"));
    ACCEPTED(RIND_WIRE_LENIENT, WITH_B("9f0102ff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_F("5f410142"
                                      "0203ff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_F("9f010203ff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_F("9f01ff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_B("5f4502030405"
                                      "06ff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_B("5f6161ff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_B("5f5f4101ffff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_T("7f4161ff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_T("7f61ffff"));
    REFUSED(RIND_WIRE_LENIENT, WITH_T("7f656161616161ff"));
    REFUSED(RIND_WIRE_LENIENT, "a161665f");
    REFUSED(RIND_WIRE_LENIENT, "a161665f4a01");
    REFUSED(RIND_WIRE_LENIENT, "bf" ALL);
    REFUSED(RIND_WIRE_STRICT, "bf" ALL "ff");
}

static void declared_lengths_beyond_the_input_allocate_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const char *const inputs[] = {
        WITH_B("5bffffffffffffffff"), WITH_B("9bffffffffffffffff"), WITH_F("9bffffffffffffffff"),
        WITH_U("9bffffffffffffffff"), WITH_U("bbffffffffffffffff"), WITH_T("7bffffffffffffffff"),
        WITH_U("bb8000000000000000"),
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        for (int profile = RIND_WIRE_STRICT; profile <= RIND_WIRE_LENIENT; profile++) {
            size_t before = fixture->arena.used;
            REFUSED((enum rind_wire_profile)profile, inputs[i]);
            assert_true(fixture->arena.used <= before + strlen(inputs[i]) / 2 + 64);
        }
    }
}

static void declared_counts_beyond_the_input_allocate_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_id_list list;
    static const uint8_t input[] = {0x98, RIND_WIRE_CONFIGURATION_MAX, 0x50};
    assert_true(rind_is(rind_wire_decode_strict(&fixture->ctx, &rind_hsm_id_list_schema,
                                                RIND_SLICE_OF(input), &list),
                        RIND_E_DECODE));
    assert_int_equal(fixture->arena.used, 0);
}

static void structs_must_be_maps(void **state)
{
    REFUSED(RIND_WIRE_STRICT, "86054201024301020361"
                              "61f507");
    REFUSED(RIND_WIRE_STRICT, "01");
    REFUSED(RIND_WIRE_STRICT, "");
    REFUSED(RIND_WIRE_LENIENT, "f6");
    ACCEPTED(RIND_WIRE_LENIENT, "d9d9f7a6" ALL);
    REFUSED(RIND_WIRE_STRICT, "d9d9f7a6" ALL);
}

static void bytes_after_the_item_are_ignored_except_in_our_own_files(void **state)
{
    struct fixture *fixture = *state;
    struct sample sample;
    uint8_t bytes[64];
    const char *hex = "a6" ALL "ff";
    size_t size = strlen(hex) / 2;
    assert_true(rind_hex_decode(rind_slice_text(hex), bytes, size));
    ACCEPTED(RIND_WIRE_STRICT, hex);
    ACCEPTED(RIND_WIRE_LENIENT, hex);
    assert_true(rind_is(rind_wire_decode_whole(&fixture->ctx, &sample_schema,
                                               rind_slice_make(bytes, size), &sample),
                        RIND_E_DECODE));
    assert_true(rind_is_ok(rind_wire_decode_whole(&fixture->ctx, &sample_schema,
                                                  rind_slice_make(bytes, size - 1), &sample)));
}

static void failed_decode_wipes_the_value_and_names_the_field(void **state)
{
    struct fixture *fixture = *state;
    struct sample sample;
    memset(&sample, 0xaa, sizeof(sample));
    assert_true(
        rind_is(decode_hex(fixture, RIND_WIRE_STRICT, &sample_schema,
                           "a6" FIELD_N FIELD_B FIELD_T FIELD_X FIELD_M "61664101", &sample),
                RIND_E_DECODE));
    assert_true(rind_ct_is_zero(&sample, sizeof(sample)));
    assert_non_null(strstr(fixture->ctx.sentence, "\"f\""));
    assert_non_null(strstr(fixture->ctx.sentence, "wrong length"));
}

/* --- Enumerations --- */

#define RECOVER3 "685265636f76657233"
#define RECOVER3_FIELDS                                                                            \
    "a26776657273696f6e5000000000000000000000000000000000"                                         \
    "6e756e6c6f636b5f6b65795f74616750"                                                             \
    "00000000000000000000000000000000"

#define REQUEST_CODE(profile, hex)                                                                 \
    decode_hex(*state, profile, &rind_secrets_request_schema, hex, NULL).code

static void alternatives_are_text_or_a_map_of_one_entry(void **state)
{
    struct rind_secrets_request request;
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &rind_secrets_request_schema,
                                      "a1" RECOVER3 RECOVER3_FIELDS, &request)));
    assert_int_equal(request.kind, RIND_SECRETS_REQUEST_RECOVER3);
    assert_int_equal(REQUEST_CODE(RIND_WIRE_STRICT, "69526567697374657231"), RIND_E_OK);
    static const char *const refused[] = {
        RECOVER3, /* data is missing */
        "a1"
        "69526567697374657231"
        "f6",                                   /* no data was expected */
        "49526567697374657231",                 /* bare name as bytes */
        "a2" RECOVER3 RECOVER3_FIELDS "617801", /* two entries */
        "a0",
        "bf" RECOVER3 RECOVER3_FIELDS "ff",
        "a1" RECOVER3 "82"
        "5000000000000000000000000000000000"
        "5000000000000000000000000000000000",
        "69526567697374657234", /* unknown */
        "69726567697374657231", /* wrong case */
        "a101" RECOVER3_FIELDS,
        "81685265636f76657233",
        "01",
        "f6",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(REQUEST_CODE(RIND_WIRE_STRICT, refused[i]), RIND_E_DECODE);
        assert_int_equal(REQUEST_CODE(RIND_WIRE_LENIENT, refused[i]), RIND_E_DECODE);
    }
    /* The name as a byte string is fine where it is a key. */
    assert_int_equal(REQUEST_CODE(RIND_WIRE_STRICT, "a1485265636f76657233" RECOVER3_FIELDS),
                     RIND_E_OK);
    assert_int_equal(REQUEST_CODE(RIND_WIRE_LENIENT, "c0a1c1" RECOVER3 RECOVER3_FIELDS), RIND_E_OK);
    assert_int_equal(REQUEST_CODE(RIND_WIRE_LENIENT, "a1" RECOVER3 "c0" RECOVER3_FIELDS),
                     RIND_E_DECODE);
}

static void verdicts_of_the_recorded_decode_cases_hold(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("client-protocol-cbor.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "decode_cases"), index, sample)
    {
        const char *name = rind_vectors_text(sample, "name");
        bool is_request = strcmp(rind_vectors_text(sample, "decode_as"), "SecretsRequest") == 0;
        const struct rind_schema *schema =
            is_request ? &rind_secrets_request_schema : &rind_client_request_schema;
        bool strict = strcmp(rind_vectors_text(sample, "strict_realm_decoder"), "accept") == 0;
        bool lenient = strcmp(rind_vectors_text(sample, "lenient_client_decoder"), "accept") == 0;
        if (strcmp(name, "unit variant in map form") == 0 ||
            strcmp(name, "struct variant given as array") == 0) {
            /* 01 section 2.2 rule 10: never sent, need not be reproduced; 02 section 2.2: must be
             * rejected. */
            strict = lenient = false;
        }
        if (strcmp(name, "blinded input not a group element") == 0) {
            strict = lenient = true; /* judged where it is used: wire/client.h */
        }
        const char *hex = rind_vectors_text(sample, "cbor");
        if (rind_is_ok(decode_hex(fixture, RIND_WIRE_STRICT, schema, hex, NULL)) != strict ||
            rind_is_ok(decode_hex(fixture, RIND_WIRE_LENIENT, schema, hex, NULL)) != lenient) {
            fail_msg("verdict differs: %s", name);
        }
    }
    assert_int_equal(index, 41);
    json_decref(file);
}

static void scalars_must_be_below_the_group_order(void **state)
{
    static const struct {
        const char *hex;
        bool is_scalar;
    } cases[] = {
        {"58200000000000000000000000000000000000000000000000000000000000000000", true},
        {"5820ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", true},
        {"5820edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", false},
        {"5820eed3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", false},
        {"5820ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0f", true},
        {"582000d4f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", false},
        {"5820ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rind_status status =
            decode_hex(*state, RIND_WIRE_STRICT, &rind_scalar_schema, cases[i].hex, NULL);
        assert_int_equal(rind_is_ok(status), cases[i].is_scalar);
    }
}

/* --- Nesting --- */

/* A list of such lists: as deep as one likes. */
struct nest {
    struct nest *items;
    size_t count;
};
static const struct rind_schema nest_schema = {
    .name = "nest",
    .kind = RIND_KIND_LIST,
    .size = sizeof(struct nest),
    .max = 2,
    .element = &nest_schema,
    .element_size = sizeof(struct nest),
};

/* Text of `count` times `piece`, then `end`. */
static const char *repeat(char *text, size_t count, const char *piece, const char *end)
{
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(text, piece);
    }
    return strcat(text, end);
}

static void typed_nesting_ends_at_16(void **state)
{
    char hex[256];
    assert_true(rind_is_ok(
        decode_hex(*state, RIND_WIRE_STRICT, &nest_schema, repeat(hex, 15, "81", "80"), NULL)));
    assert_true(rind_is(
        decode_hex(*state, RIND_WIRE_STRICT, &nest_schema, repeat(hex, 16, "81", "80"), NULL),
        RIND_E_DECODE));
}

static void ignored_nesting_ends_at_16_or_256(void **state)
{
    char head[64] = "a76175";
    char hex[2048];
    char all[2048];
    static const struct {
        enum rind_wire_profile profile;
        const char *level;
        size_t count;
        enum rind_code code;
    } cases[] = {
        {RIND_WIRE_STRICT, "81", 15, RIND_E_OK}, /* and the struct around them */
        {RIND_WIRE_STRICT, "81", 16, RIND_E_DECODE},   {RIND_WIRE_STRICT, "a101", 15, RIND_E_OK},
        {RIND_WIRE_STRICT, "a101", 16, RIND_E_DECODE}, {RIND_WIRE_LENIENT, "81", 255, RIND_E_OK},
        {RIND_WIRE_LENIENT, "81", 256, RIND_E_DECODE}, {RIND_WIRE_LENIENT, "c0", 255, RIND_E_OK},
        {RIND_WIRE_LENIENT, "c0", 256, RIND_E_DECODE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(all, sizeof(all), "%s%s" ALL, head,
                       repeat(hex, cases[i].count, cases[i].level, "00"));
        ASSERT_CODE(cases[i].profile, all, cases[i].code);
    }
}

/* "Leaf", {"Down": [...]} with two levels, or {"Box": {"f": bytes}} with two and perhaps one. */
struct deep;
RIND_LIST_TYPE(deep_list, struct deep);
enum deep_kind { DEEP_LEAF = 1, DEEP_DOWN, DEEP_BOX };
struct deep_box {
    uint8_t f[2];
};
struct deep {
    enum deep_kind kind;
    union {
        struct deep_list down;
        struct deep_box box;
    };
};
static const struct rind_field deep_box_fields[] = {
    RIND_FIELD(struct deep_box, f, bytes2_schema),
};
static const struct rind_schema deep_box_schema =
    RIND_SCHEMA_STRUCT(struct deep_box, deep_box_fields);
static const struct rind_schema deep_schema;
static const struct rind_schema deep_list_schema = {
    .name = "deep list",
    .kind = RIND_KIND_LIST,
    .size = sizeof(struct deep_list),
    .max = 4,
    .element = &deep_schema,
    .element_size = sizeof(struct deep),
};
static const struct rind_field deep_variants[] = {
    RIND_VARIANT_UNIT("Leaf"),
    RIND_VARIANT("Down", struct deep, down, deep_list_schema),
    RIND_VARIANT("Box", struct deep, box, deep_box_schema),
};
static const struct rind_schema deep_schema = RIND_SCHEMA_ENUM(struct deep, deep_variants);

static void bare_alternative_needs_a_level_too(void **state)
{
    char hex[1024];
    const char *down = "a164446f776e81";
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &deep_schema,
                                      repeat(hex, 7, down, "644c656166"), NULL)));
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &deep_schema,
                                      repeat(hex, 7, down, "a164446f776e80"), NULL)));
    assert_true(rind_is(decode_hex(*state, RIND_WIRE_STRICT, &deep_schema,
                                   repeat(hex, 8, down, "644c656166"), NULL),
                        RIND_E_DECODE));
}

static void array_in_place_of_bytes_needs_a_level_too(void **state)
{
    char hex[1024];
    const char *down = "a164446f776e81";
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &deep_schema,
                                      repeat(hex, 7, down, "a163426f78a16166420102"), NULL)));
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &deep_schema,
                                      repeat(hex, 6, down, "a163426f78a16166820102"), NULL)));
    assert_true(rind_is(decode_hex(*state, RIND_WIRE_STRICT, &deep_schema,
                                   repeat(hex, 7, down, "a163426f78a16166820102"), NULL),
                        RIND_E_DECODE));
}

/* --- Lists, tuples, maps, durations --- */

static void list_limit_holds_on_both_sides(void **state)
{
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &nest_schema, "828080", NULL)));
    assert_true(rind_is(decode_hex(*state, RIND_WIRE_STRICT, &nest_schema, "83808080", NULL),
                        RIND_E_LIMIT));
    assert_true(
        rind_is(decode_hex(*state, RIND_WIRE_STRICT, &nest_schema, "8280", NULL), RIND_E_DECODE));
    assert_true(
        rind_is(decode_hex(*state, RIND_WIRE_STRICT, &nest_schema, "a0", NULL), RIND_E_DECODE));
}

static void tuple_must_have_exactly_its_items(void **state)
{
    struct rind_hsm_metric metric;
    assert_true(rind_is_ok(
        decode_hex(*state, RIND_WIRE_STRICT, &rind_hsm_metric_schema, "82616105", &metric)));
    assert_int_equal(metric.nanos, 5);
    static const char *const refused[] = {"816161", "8361610506", "80", "a1616105", "82056161"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_true(
            rind_is(decode_hex(*state, RIND_WIRE_STRICT, &rind_hsm_metric_schema, refused[i], NULL),
                    RIND_E_DECODE));
    }
}

static void duration_nanoseconds_carry_into_seconds(void **state)
{
    struct rind_duration duration;
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_LENIENT, &rind_duration_schema,
                                      "a2647365637301656e616e6f731ab2d05e00", &duration)));
    assert_int_equal(duration.secs, 4); /* 1 s and 3 * 10^9 ns */
    assert_int_equal(duration.nanos, 0);
    assert_true(
        rind_is_ok(decode_hex(*state, RIND_WIRE_LENIENT, &rind_duration_schema,
                              "a264736563731bffffffffffffffff656e616e6f731a3b9ac9ff", &duration)));
    assert_true(rind_is(decode_hex(*state, RIND_WIRE_LENIENT, &rind_duration_schema,
                                   "a264736563731bffffffffffffffff656e616e6f731a3b9aca00", NULL),
                        RIND_E_DECODE));
}

static void bit_vector_of_absurd_length_decodes_for_verification_to_refuse(void **state)
{
#define BITS                                                                                       \
    "64626974735820"                                                                               \
    "ff00000000000000000000000000000000000000000000000000000000000000"
    struct rind_bit_vector vector;
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &rind_bit_vector_schema,
                                      "a2636c656e190101" BITS, &vector)));
    assert_int_equal(vector.length, 257);
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &rind_bit_vector_schema,
                                      "a2636c656e1bffffffffffffffff" BITS, &vector)));
    assert_int_equal(vector.length, UINT16_MAX);
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &rind_bit_vector_schema,
                                      "a2636c656e00" BITS, &vector)));
}

static void raw_items_are_borrowed_verbatim_and_checked(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_response_envelope envelope;
    /* {"res": [5 as 18 05], "metrics": []} */
    const uint8_t bytes[] = {0xa2, 0x63, 'r', 'e', 's', 0x81, 0x18, 0x05, 0x67,
                             'm',  'e',  't', 'r', 'i', 'c',  's',  0x80};
    struct rind_slice input = RIND_SLICE_OF(bytes);
    assert_true(rind_is_ok(rind_wire_decode_strict(
        &fixture->ctx, &rind_hsm_response_envelope_schema, input, &envelope)));
    assert_ptr_equal(envelope.res.data, bytes + 5);
    assert_int_equal(envelope.res.length, 3);
    assert_true(rind_is(decode_hex(fixture, RIND_WIRE_STRICT, &rind_hsm_response_envelope_schema,
                                   "a263726573c000676d65747269637380", NULL),
                        RIND_E_DECODE));
}

static void raw_items_have_a_limit(void **state)
{
    static const struct rind_schema raw3_schema = RIND_SCHEMA_RAW(3);
    assert_true(rind_is_ok(decode_hex(*state, RIND_WIRE_STRICT, &raw3_schema, "820102", NULL)));
    assert_true(rind_is(decode_hex(*state, RIND_WIRE_STRICT, &raw3_schema, "83010203", NULL),
                        RIND_E_LIMIT));
}

static void profiles_have_functions_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    struct rind_handshake_request request;
    static const uint8_t tagged[] = {0x19, 0xff};
    static const uint8_t tagged_integer[] = {0xc6, 0x05};
    uint64_t number = 0;
    assert_true(rind_is_ok(rind_wire_decode_lenient(&fixture->ctx, &rind_u64_schema,
                                                    RIND_SLICE_OF(tagged_integer), &number)));
    assert_int_equal(number, 5);
    assert_true(rind_is(rind_wire_decode_strict(&fixture->ctx, &rind_u64_schema,
                                                RIND_SLICE_OF(tagged_integer), &number),
                        RIND_E_DECODE));
    assert_true(rind_is(rind_wire_decode_lenient(&fixture->ctx, &rind_handshake_request_schema,
                                                 RIND_SLICE_OF(tagged), &request),
                        RIND_E_DECODE));
}

static void arena_that_is_too_small_is_an_ordinary_error(void **state)
{
    (void)state;
    static const uint8_t input[] = {0x82, 0x81, 0x80, 0x80};
    alignas(max_align_t) uint8_t memory[256];
    size_t failures = 0;
    for (size_t size = 0; size <= sizeof(memory); size++) {
        struct rind_arena arena;
        struct rind_ctx ctx;
        struct nest value;
        rind_arena_init(&arena, memory, size);
        rind_ctx_init(&ctx, &arena);
        rind_status status =
            rind_wire_decode_strict(&ctx, &nest_schema, RIND_SLICE_OF(input), &value);
        assert_true(rind_is_ok(status) || rind_is(status, RIND_E_LIMIT));
        failures += rind_is(status, RIND_E_LIMIT);
    }
    assert_true(failures > 0 && failures < sizeof(memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_land_in_the_struct),
        TEST(key_order_is_free),
        TEST(optional_reads_as_absent_when_null_or_missing),
        TEST(required_field_must_be_there_and_not_null),
        TEST(duplicate_field_is_refused),
        TEST(unknown_keys_are_skipped_with_their_values),
        TEST(keys_may_be_byte_strings_but_nothing_else),
        TEST(keys_and_text_must_be_utf8),
        TEST(key_length_limit_holds_on_both_sides),
        TEST(integers_may_be_longer_than_needed_but_not_out_of_range),
        TEST(bignums_are_integers_for_the_lenient_decoder_only),
        TEST(fixed_bytes_must_have_the_exact_length),
        TEST(variable_bytes_may_be_an_array_up_to_the_limit),
        TEST(text_has_a_limit),
        TEST(booleans_have_two_forms_each),
        TEST(strict_decoder_refuses_what_its_column_refuses_even_in_ignored_fields),
        TEST(lenient_decoder_reads_indefinite_lengths),
        TEST(declared_lengths_beyond_the_input_allocate_nothing),
        TEST(declared_counts_beyond_the_input_allocate_nothing),
        TEST(structs_must_be_maps),
        TEST(bytes_after_the_item_are_ignored_except_in_our_own_files),
        TEST(failed_decode_wipes_the_value_and_names_the_field),
        TEST(alternatives_are_text_or_a_map_of_one_entry),
        TEST(verdicts_of_the_recorded_decode_cases_hold),
        TEST(scalars_must_be_below_the_group_order),
        TEST(typed_nesting_ends_at_16),
        TEST(ignored_nesting_ends_at_16_or_256),
        TEST(bare_alternative_needs_a_level_too),
        TEST(array_in_place_of_bytes_needs_a_level_too),
        TEST(list_limit_holds_on_both_sides),
        TEST(tuple_must_have_exactly_its_items),
        TEST(duration_nanoseconds_carry_into_seconds),
        TEST(bit_vector_of_absurd_length_decodes_for_verification_to_refuse),
        TEST(raw_items_are_borrowed_verbatim_and_checked),
        TEST(raw_items_have_a_limit),
        TEST(profiles_have_functions_of_their_own),
        TEST(arena_that_is_too_small_is_an_ordinary_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
