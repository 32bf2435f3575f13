/* test_sdk_version.c - which X-Juicebox-Version values pass (07 section 5). */
#include "balancer/sdk_version.h"

#include "support/test.h"

static void versions_from_0_3_on_are_accepted(void **state)
{
    (void)state;
    static const char *const accepted[] = {
        "0.3.0",
        "0.3.4",
        "0.3.0-alpha",
        "0.3.0-rc.1+x",
        "0.4.0",
        "1.0.0",
        "2.0.0",
        "0.3.0+001",
        "0.3.0-0.a-.--",
        "0.3.0-1a",
        "0.3.99999999999999",
        "0.18446744073709551615.0",
        "0.3.0+a.0b.00",
        "0.3.0--",
    };
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (!rind_sdk_version_is_accepted(rind_slice_text(accepted[i]))) {
            fail_msg("%s is refused", accepted[i]);
        }
    }
}

static void older_or_malformed_versions_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "0.2.99",
        "0.2.0",
        "0.3",
        "",
        "0",
        "0.3.",
        ".3.0",
        "garbage",
        "v0.3.0",
        " 0.3.0",
        "0.3.0 ",
        "00.3.0",
        "0.03.0",
        "0.3.00",
        "0.3.0-",
        "0.3.0+",
        "0.3.0-a..b",
        "0.3.0-01",
        "0.3.0-a.",
        "0.3.0+a..b",
        "0.3.0+a+b",
        "0.3.0.0",
        "0.3.-1",
        "+0.3.0",
        "0.3.0-\xc3\xa9",
        "0.3.0\n",
        "\xff",
        "0.3.18446744073709551616",
        "18446744073709551616.3.0",
        "0.3.0-a_b",
        "0x0.3.0",
        "0,3,0",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (rind_sdk_version_is_accepted(rind_slice_text(refused[i]))) {
            fail_msg("%s is accepted", refused[i]);
        }
    }
    assert_false(rind_sdk_version_is_accepted(rind_slice_make(NULL, 0)));
    assert_false(rind_sdk_version_is_accepted(rind_slice_make("0.3.0\0", 6)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_from_0_3_on_are_accepted),
        cmocka_unit_test(older_or_malformed_versions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
