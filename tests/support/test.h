/* test.h - cmocka with the headers that it wants before itself. Include this instead of cmocka.h.
 */
#ifndef RIND_TESTS_SUPPORT_TEST_H
#define RIND_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#endif
