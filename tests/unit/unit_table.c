/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A row of a table is reused only after the grace period, also where membarrier(2) is refused
 * (user/dataplane/table.c). This file answers the call. unit_bpf.c has the table.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "dataplane/table.h"

static int refuses, asked;

/* In place of libc's function. */
long syscall(long number, ...)
{
	va_list args;
	int command;

	va_start(args, number);
	command = va_arg(args, int);
	va_end(args);
	assert_int_equal(number, SYS_membarrier);
	assert_int_equal(command, MEMBARRIER_CMD_GLOBAL);
	asked++;
	errno = refuses;
	return refuses ? -1 : 0;
}

static long grace_ms(void)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	table_grace();
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
}

/* Kernels with nohz_full CPUs return EINVAL, those without membarrier ENOSYS, seccomp filters EPERM. */
static void test_refused(void **state)
{
	static const int errors[] = { EINVAL, ENOSYS, EPERM };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		refuses = errors[i];
		assert_true(grace_ms() >= 20);
	}
	assert_int_equal(asked, 3);
}

/* One of several calls takes no time, however busy the machine is. */
static void test_accepted(void **state)
{
	long least = 1000;

	refuses = 0;
	for (int i = 0; i < 50; i++) {
		long ms = grace_ms();

		least = ms < least ? ms : least;
	}
	assert_true(least < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
