/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A library is opened when it is needed, and the error about one that is missing, left out or of another version
 * names it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lib/library.h"

struct library_functions {
	const char *(*zlibVersion)(void);
	unsigned long (*zlibCompileFlags)(void);
};

static const struct library zlib = { "libz.so.1", "zlib1g" };
static const struct library_function list[] = { LIBRARY_FUNCTION(zlibVersion) LIBRARY_FUNCTION(zlibCompileFlags) };

static void opens(void **state)
{
	struct library_functions z = { 0 }, filled;
	char why[LIBRARY_WHY_LEN] = "nothing";

	assert_int_equal(LIBRARY_OPEN(&zlib, list, &z, why), 0);
	assert_int_equal(*z.zlibVersion(), '1');
	assert_non_null(z.zlibCompileFlags);
	filled = z;
	assert_int_equal(LIBRARY_OPEN(&zlib, list, &z, why), 0);
	assert_memory_equal(&z, &filled, sizeof(z));
	assert_int_equal(library_open(&zlib, NULL, 0, NULL, why), 0);
	assert_string_equal(why, "nothing");
}

static void is_missing(void **state)
{
	static const struct library first = { "libnowhere-first.so.1", "libnowhere1" }, second = { "libnowhere-second.so.1", "" };
	struct library_functions z = { 0 };
	char why[LIBRARY_WHY_LEN], other[LIBRARY_WHY_LEN];

	assert_int_not_equal(LIBRARY_OPEN(&first, list, &z, why), 0);
	assert_int_not_equal(library_open(&second, NULL, 0, NULL, other), 0);
	assert_null(z.zlibVersion);
	assert_ptr_equal(strstr(why, "libnowhere-first.so.1: "), why);
	assert_null(strstr(why + 1, "libnowhere-first"));
	assert_string_equal(strrchr(why, ':'), ": install the package libnowhere1");
	assert_ptr_equal(strstr(other, "libnowhere-second.so.1: "), other);
	assert_string_equal(strrchr(other, ':'), ": install the package that contains it");
}

static void is_left_out(void **state)
{
	static const struct library none = { NULL, "libnowhere" };
	char why[LIBRARY_WHY_LEN];

	assert_int_not_equal(library_open(&none, NULL, 0, NULL, why), 0);
	assert_string_equal(why, "this program was built without libnowhere");
}

/* Incomplete function pointers are not used: the next call tries again */
static void is_another_version(void **state)
{
	static const struct library_function newer[] = { { "zlibVersion", 0 }, { "zlib_function_of_2050", sizeof(void *) } };
	struct library_functions z = { 0 };
	char why[LIBRARY_WHY_LEN];

	for (int i = 0; i < 2; i++) {
		*why = '\0';
		assert_int_not_equal(LIBRARY_OPEN(&zlib, newer, &z, why), 0);
		assert_non_null(strstr(why, "zlib_function_of_2050"));
		assert_non_null(strstr(why, "zlib1g"));
	}
	assert_null(z.zlibCompileFlags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens), cmocka_unit_test(is_missing), cmocka_unit_test(is_left_out), cmocka_unit_test(is_another_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
