// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon prints each event, and a warning once while its cause lasts and again when the cause comes back. In
 * rounds, the rounds that have the cause count; outside of them, the time since the last one. A text that a child prints
 * in a round counts as printed by the daemon. A process without memory ends with one line and exit status 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "capture_stderr.h"
#include "lib/log.h"
#include "lib/memory.h"

static time_t now = 1000;		/* seconds since boot */

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	*ret = (struct timespec){ .tv_sec = now };
	return 0;
}

/* Returns whether a warning is printed. */
static bool warns(const char *text)
{
	static struct captured t;

	capture_stderr(&t);
	log_warning("%s", text);
	return *release_stderr(&t);
}

/* Returns whether a warning is printed in a round that has only this one. */
static bool warns_in_round(const char *text)
{
	bool any;

	log_round(true);
	any = warns(text);
	log_round(false);
	return any;
}

static void empty_rounds(int n)
{
	while (n--) {
		log_round(true);
		log_round(false);
	}
}

static void no_memory(void **state)
{
	struct captured t;
	int status;

	assert_ptr_equal(memory_there(state), state);
	capture_stderr(&t);
	if (!fork())
		memory_there(NULL);
	wait(&status);
	assert_string_equal(release_stderr(&t), "wgxdp: error: there is no memory left\n");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void command(void **state)
{
	assert_true(warns("a"));
	assert_true(warns("a"));
}

static void rounds(void **state)
{
	assert_true(warns_in_round("b"));
	for (int i = 0; i < 5; i++) {
		now += 100000;		/* the next round may come after days */
		assert_false(warns_in_round("b"));
	}
	empty_rounds(1);
	assert_true(warns_in_round("b"));
}

/* Timers and answers, while no round comes for days */
static void outside(void **state)
{
	empty_rounds(2);
	assert_true(warns("c"));
	for (int i = 0; i < 5; i++) {
		now += 60;
		assert_false(warns("c"));
	}
	now += 100;
	assert_true(warns("c"));
	assert_true(warns("d"));
	assert_false(warns("c"));
	assert_true(warns_in_round("e"));
	now += 100;
	assert_true(warns("e"));	/* no longer the cause of that round */
	log_again(true);
	assert_true(warns("e"));
	log_again(false);
}

static void child(void **state)
{
	int fd = memfd_create("log", 0), status;
	pid_t process;

	assert_true(warns_in_round("f"));
	process = fork();
	if (!process) {
		log_store(fd);
		_exit(warns_in_round("f") || !warns_in_round("g"));
	}
	assert_int_equal(waitpid(process, &status, 0), process);
	assert_int_equal(status, 0);
	log_take(fd);
	assert_false(warns_in_round("g"));
	log_take(fd);		/* it is empty now */
	log_take(-1);
	empty_rounds(1);
	assert_true(warns_in_round("g"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command), cmocka_unit_test(rounds), cmocka_unit_test(outside),
		cmocka_unit_test(child), cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
