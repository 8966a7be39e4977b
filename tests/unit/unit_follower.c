// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lock shows that a daemon runs as long as it does, also if it ends before its children.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "instance/follower.h"

/* A process locks a file, forks a child, and ends. Returns after how many ms another process locks the file; -1: it cannot.
 * leaves: the process unlocks the file before it ends. ms: how long the child lives */
static int locked_after(bool leaves, int ms)
{
	FILE *file = tmpfile();
	char path[64];
	struct timespec begin, end;
	pid_t process;
	int fd, rc;

	assert_non_null(file);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	process = fork();
	if (!process) {
		fd = open(path, O_RDWR);
		rc = follower_hold(fd);
		if (!fork()) {
			usleep(ms * 1000);
			_exit(0);
		}
		if (leaves)
			follower_leave(fd);
		_exit(rc != 0);
	}
	assert_int_equal(waitpid(process, &rc, 0), process);
	assert_int_equal(rc, 0);
	fd = open(path, O_RDWR);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	rc = follower_hold(fd);
	clock_gettime(CLOCK_MONOTONIC, &end);
	close(fd);
	fclose(file);
	return rc ? -1 : (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

/* A child that outlives the daemon keeps no new daemon from starting */
static void children_share_the_lock(void **state)
{
	int waited = locked_after(false, 300);

	assert_true(waited >= 100 && waited <= 1000);
	assert_int_equal(locked_after(false, 5000), -1);
	assert_true(locked_after(true, 5000) < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(children_share_the_lock) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
