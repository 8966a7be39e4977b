// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A new running configuration that the daemon cannot read is read again by the next pass, and never replaced by the
 * former one.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/daemon.h"
#include "dataplane/control.h"
#include "dataplane/pins.h"
#include "instance/follower.h"
#include "instance/run_state.h"
#include "instance/source.h"
#include "lib/paths.h"

static char directory[64];
static __u32 text;			/* id of the running text */
static int read_rc;			/* result of reading the running text */
static int writes;			/* how often running.yaml was written */

/* ---- what the state asks ---- */

void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	snprintf(path, RUN_STATE_PATH_LEN, "%s/%s", directory, name);
}

int pins_exist(const char *instance)
{
	return 1;
}

__u32 config_text_id(const char *instance)
{
	return text;
}

int run_state_read(const char *instance, struct config **ret)
{
	if (!read_rc)
		*ret = calloc(1, sizeof(**ret));
	return read_rc;
}

int run_state_write(const char *instance, const struct config *c)
{
	writes++;
	return 0;
}

int running_read(const char *instance, struct config **ret)
{
	return run_state_read(instance, ret);
}

int follower_hold(int fd)
{
	return 0;
}

bool follower_is_dismissed(int fd)
{
	return false;
}

int source_file_changed(const char *instance, const char *file)
{
	return -ENOENT;
}

bool try_runs(const char *instance)
{
	return false;
}

/* ---- the tests ---- */

static int open_file(const char *name)
{
	char path[RUN_STATE_PATH_LEN];
	int fd;

	run_state_path(path, "test", name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void remove_named(const char *name)
{
	char path[RUN_STATE_PATH_LEN];

	run_state_path(path, "test", name);
	unlink(path);
}

/* Begins with a running configuration that the daemon has read. */
static struct daemon_state begin(void)
{
	struct daemon_state s = { .instance = "test", .file = "/wgxdp.yaml" };

	strcpy(directory, "/tmp/unit_daemon_state.XXXXXX");
	assert_non_null(mkdtemp(directory));
	s.lock_fd = open_file("daemon");
	close(open_file("running.yaml"));
	text = 1;
	read_rc = writes = 0;
	daemon_state_take(&s, calloc(1, sizeof(struct config)));
	assert_false(daemon_state_changed(&s));
	return s;
}

static void end(struct daemon_state *s)
{
	config_free(s->config);
	close(s->lock_fd);
	remove_named("daemon");
	remove_named("running.yaml");
	rmdir(directory);
}

static void read_after_failure(void **state)
{
	struct daemon_state s = begin();
	const struct config *former = s.config;

	text = 2;
	read_rc = -EIO;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(daemon_state_read(&s), -EIO);
		assert_true(daemon_state_changed(&s));
		assert_ptr_equal(s.config, former);
	}
	read_rc = 0;
	assert_int_equal(daemon_state_read(&s), 1);
	assert_ptr_not_equal(s.config, former);
	assert_false(daemon_state_changed(&s));
	end(&s);
}

static void not_written_after_failure(void **state)
{
	struct daemon_state s = begin();

	text = 2;
	read_rc = -EIO;
	remove_named("running.yaml");
	assert_int_equal(daemon_state_read(&s), -EIO);
	assert_int_equal(writes, 0);
	read_rc = -ENOENT;		/* the text is gone too */
	assert_int_equal(daemon_state_read(&s), 1);
	assert_int_equal(writes, 1);
	end(&s);
}

/* Another user who may open the file can lock it, and then no daemon starts. */
static void closed_to_others(void **state)
{
	struct daemon_state s = begin(), next = { .instance = "test", .file = "/wgxdp.yaml" };
	struct stat st;
	bool again;

	assert_int_equal(fchmod(s.lock_fd, 0644), 0);	/* as former versions made it */
	assert_int_equal(daemon_state_hold(&next, &again), 0);
	assert_int_equal(fstat(next.lock_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(next.lock_fd);
	remove_named("daemon");
	umask(022);
	assert_int_equal(daemon_state_hold(&next, &again), 0);
	assert_int_equal(fstat(next.lock_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(next.lock_fd);
	end(&s);
}

static void set_time(int fd, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	assert_int_equal(futimens(fd, times), 0);
}

/* A daemon that starts again notices that the symbolic link with its name leads to another file, even to an older one. */
static void link_changed(void **state)
{
	struct daemon_state s = begin(), next = { .instance = "test" };
	char name[RUN_STATE_PATH_LEN], path[RUN_STATE_PATH_LEN];
	int old = open_file("old.yaml"), runs = open_file("running.yaml");
	bool again;

	run_state_path(path, "test", "old.yaml");
	run_state_path(name, "test", "wgxdp.yaml");
	set_time(old, 1000);
	assert_int_equal(symlink("old.yaml", name), 0);
	s.file = next.file = name;
	daemon_state_take(&s, calloc(1, sizeof(struct config)));
	set_time(runs, time(NULL) + 100);
	assert_int_equal(daemon_state_hold(&next, &again), 0);
	assert_true(again);
	close(next.lock_fd);
	set_time(runs, 2000);		/* the link is younger */
	assert_int_equal(daemon_state_hold(&next, &again), 0);
	assert_false(again);
	close(next.lock_fd);
	close(old);
	close(runs);
	remove_named("old.yaml");
	remove_named("wgxdp.yaml");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_to_others),
		cmocka_unit_test(link_changed),
		cmocka_unit_test(read_after_failure),
		cmocka_unit_test(not_written_after_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
