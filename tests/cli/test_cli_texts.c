/* test_cli_texts.c - what operators type and read: ids, record ids, dates, tables (spec 08 §14). */
#include "cli/dates.h"
#include "cli/ids.h"
#include "cli/text_table.h"
#include "support/test.h"

static uint8_t memory[1u << 20];
static struct rind_arena arena;
static struct rind_ctx ctx;

static int setup(void **state)
{
    (void)state;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    return 0;
}

/* ---- record ids ---- */

static void assert_record_id(const char *text, uint8_t first, uint8_t second, uint8_t rest)
{
    struct rind_record_id id;
    assert_true(rind_is_ok(rind_cli_parse_record_id(&ctx, text, &id)));
    assert_int_equal(id.bytes[0], first);
    assert_int_equal(id.bytes[1], second);
    for (size_t i = 2; i < sizeof(id.bytes); i++) {
        assert_int_equal(id.bytes[i], rest);
    }
}

static void a_short_record_id_ends_in_00_or_ff_which_is_repeated(void **state)
{
    (void)state;
    struct rind_record_id id;
    assert_record_id("2000", 0x20, 0x00, 0x00);
    assert_record_id("7fff", 0x7f, 0xff, 0xff);
    assert_record_id("00", 0x00, 0x00, 0x00);
    assert_record_id("ff", 0xff, 0xff, 0xff);
    assert_record_id("7FFF", 0x7f, 0xff, 0xff);
    static const char *const bad[] = {"22", "", "0", "zz", "200", "0x00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(rind_is(rind_cli_parse_record_id(&ctx, bad[i], &id), RIND_E_INVALID));
    }
    char full[66];
    memset(full, '2', 64);
    full[64] = '\0';
    assert_record_id(full, 0x22, 0x22, 0x22);
    memset(full, '0', 66);
    full[65] = '\0';
    assert_true(rind_is(rind_cli_parse_record_id(&ctx, full, &id), RIND_E_INVALID));
}

static void a_range_the_wrong_way_round_is_refused(void **state)
{
    (void)state;
    struct rind_owned_range range;
    assert_true(rind_is_ok(rind_cli_parse_range(&ctx, "2000", "2000", &range)));
    assert_true(rind_is(rind_cli_parse_range(&ctx, "80", "7fff", &range), RIND_E_INVALID));
    assert_true(rind_is(rind_cli_parse_range(&ctx, "8000", "7fff", &range), RIND_E_INVALID));
}

/* ---- ids ---- */

static struct rind_hsm_status_response statuses[2];
static struct rind_cluster_hsm hsms[2];
static struct rind_group_status groups[2];

static struct rind_cluster_hsm_list two_hsms(void)
{
    memset(statuses, 0, sizeof(statuses));
    memset(groups, 0, sizeof(groups));
    for (size_t i = 0; i < 2; i++) {
        memset(&statuses[i].id, (int)(0x10 + i), 16);
        statuses[i].has_realm = true;
        memset(&statuses[i].realm.id, 0xab, 16);
        memset(&groups[i].id, 0xcc, 16);
        groups[i].id.bytes[15] = (uint8_t)i;
        statuses[i].realm.groups.items = &groups[i];
        statuses[i].realm.groups.count = 1;
        hsms[i] = (struct rind_cluster_hsm){.status = &statuses[i]};
    }
    return (struct rind_cluster_hsm_list){.items = hsms, .count = 2};
}

static void a_prefix_finds_the_only_id_that_begins_so(void **state)
{
    (void)state;
    struct rind_cluster_hsm_list list = two_hsms();
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_hsm_id hsm;
    assert_true(rind_is_ok(rind_cli_resolve_realm(&ctx, list, "", &realm)));
    assert_true(rind_is_ok(rind_cli_resolve_realm(&ctx, list, "AB", &realm)));
    assert_true(rind_is_ok(rind_cli_resolve_hsm(&ctx, list, "11", &hsm)));
    assert_int_equal(hsm.bytes[15], 0x11);
    assert_true(
        rind_is_ok(rind_cli_resolve_group(&ctx, list, "cccccccccccccccccccccccccccccc01", &group)));
    assert_int_equal(group.bytes[15], 1);
}

static void no_and_several_matches_are_told_apart(void **state)
{
    (void)state;
    struct rind_cluster_hsm_list list = two_hsms();
    struct rind_group_id group;
    assert_true(rind_is(rind_cli_resolve_group(&ctx, list, "dd", &group), RIND_E_NOT_FOUND));
    assert_string_equal(ctx.sentence, "resolving a group id: no item with that ID; 'rind agents' "
                                      "shows all there are");
    assert_true(rind_is(rind_cli_resolve_group(&ctx, list, "cccc", &group), RIND_E_INVALID));
    assert_string_equal(ctx.sentence, "resolving a group id: ambiguous ID: 2 or more items share "
                                      "that prefix");
}

static void what_cannot_begin_an_id_is_refused_before_anybody_is_asked(void **state)
{
    (void)state;
    assert_true(rind_is_ok(rind_cli_check_prefix(&ctx, "realm", "")));
    assert_true(
        rind_is_ok(rind_cli_check_prefix(&ctx, "realm", "00112233445566778899aabbccddeeff")));
    assert_true(rind_is(rind_cli_check_prefix(&ctx, "realm", "abc"), RIND_E_INVALID));
    assert_true(rind_is(rind_cli_check_prefix(&ctx, "realm", "zz"), RIND_E_INVALID));
    assert_true(rind_is(rind_cli_check_prefix(&ctx, "realm", "00112233445566778899aabbccddeeff00"),
                        RIND_E_INVALID));
}

/* ---- dates ---- */

static void assert_date_fault(const char *text, const char *sentence)
{
    uint64_t unix_ms;
    assert_true(rind_is(rind_cli_parse_date(&ctx, text, &unix_ms), RIND_E_INVALID));
    assert_string_equal(ctx.sentence, sentence);
}

static void dates_are_checked_in_the_specified_order(void **state)
{
    (void)state;
    uint64_t unix_ms;
    assert_true(rind_is_ok(rind_cli_parse_date(&ctx, " 2024-02-29\n", &unix_ms)));
    assert_true(unix_ms == 1709164800000u);
    assert_true(rind_is_ok(rind_cli_parse_date(&ctx, "2024/02/29", &unix_ms)));
    assert_date_fault("2024-2-29", "Invalid date format: expecting yyyy-mm-dd");
    assert_date_fault("", "Invalid date format: expecting yyyy-mm-dd");
    assert_date_fault("x024-y2-z9", "couldn't parse year: 'x024' is no number");
    assert_date_fault("2024-y2-z9", "couldn't parse month: 'y2' is no number");
    assert_date_fault("2024-02-z9", "couldn't parse day: 'z9' is no number");
    assert_date_fault("2023-02-29", "'2023-02-29' is not a valid date");
    assert_date_fault("2023-13-01", "'2023-13-01' is not a valid date");
    assert_date_fault("2023-00-01", "'2023-00-01' is not a valid date");
}

static void months_begin_and_end_at_midnight_utc(void **state)
{
    (void)state;
    char text[RIND_CLI_TIME_TEXT_SIZE];
    uint64_t january_2024_ms = 1704067200000u + 3600000u;
    struct rind_cli_period this_month = rind_cli_month(january_2024_ms, 0);
    assert_string_equal(rind_cli_time_text(this_month.start_unix_ms, text),
                        "2024-01-01 00:00:00 UTC");
    assert_string_equal(rind_cli_time_text(this_month.end_unix_ms, text),
                        "2024-02-01 00:00:00 UTC");
    struct rind_cli_period last_month = rind_cli_month(january_2024_ms, 1);
    assert_string_equal(rind_cli_time_text(last_month.start_unix_ms, text),
                        "2023-12-01 00:00:00 UTC");
    assert_true(last_month.end_unix_ms == this_month.start_unix_ms);
}

/* ---- tables ---- */

static void a_table_is_as_wide_as_its_widest_cells(void **state)
{
    (void)state;
    static const char expected[] = "+---------------------------+\n"
                                   "| a      be    a long title |\n"
                                   "+---------------------------+\n"
                                   "| one    two   three        |\n"
                                   "| seven        nine         |\n"
                                   "+---------------------------+\n";
    struct rind_text_table table = {0};
    rind_text_table_add_column(&table, "a", false);
    rind_text_table_add_column(&table, "be", false);
    rind_text_table_add_column(&table, "a long title", false);
    assert_true(rind_is_ok(rind_text_table_add_row(&ctx, &table)));
    rind_text_table_set(&table, 0, "one");
    rind_text_table_set(&table, 1, "two");
    rind_text_table_set(&table, 2, "three");
    assert_true(rind_is_ok(rind_text_table_add_row(&ctx, &table)));
    rind_text_table_set(&table, 0, "seven");
    rind_text_table_set(&table, 1, "    "); /* what the example's empty cell must be made of */
    rind_text_table_set(&table, 2, "nine");
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    rind_text_table_print(&table, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(printed, expected);
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_short_record_id_ends_in_00_or_ff_which_is_repeated, setup),
        cmocka_unit_test_setup(a_range_the_wrong_way_round_is_refused, setup),
        cmocka_unit_test_setup(a_prefix_finds_the_only_id_that_begins_so, setup),
        cmocka_unit_test_setup(no_and_several_matches_are_told_apart, setup),
        cmocka_unit_test_setup(what_cannot_begin_an_id_is_refused_before_anybody_is_asked, setup),
        cmocka_unit_test_setup(dates_are_checked_in_the_specified_order, setup),
        cmocka_unit_test_setup(months_begin_and_end_at_midnight_utc, setup),
        cmocka_unit_test_setup(a_table_is_as_wide_as_its_widest_cells, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
