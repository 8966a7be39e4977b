/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One process at a time saves the sites of the blind relay, whole or not at all, and the daemon tries again soon if
 * fork() fails (user/daemon/blind_save.c). There are no maps, and one site, which has number 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/blind_sites.h"
#include "dataplane/control.h"
#include "lib/file.h"

#define SLOW_MS 200			/* time that a child needs to write the file */

static char directory[] = "/tmp/unit_blind_saver.XXXXXX", path[64], beside[64];
static uv_loop_t loop;
static struct config config = { .blind = { .device = "wg-none" } };
static struct sites *sites;
static struct saver saver;
static pid_t daemon_process;
static int forks, forks_to_fail, syncs;

void control_routing_changed(const char *instance, bool routes)
{
}

pid_t __real_fork(void);
pid_t __wrap_fork(void)
{
	forks++;
	if (!forks_to_fail)
		return __real_fork();
	forks_to_fail--;
	errno = EAGAIN;
	return -1;
}

/* The disk needs its time for each file, and more for the daemon's. The contents must be there before the new file
 * replaces the old one. */
int __wrap_fsync(int fd)
{
	struct stat old = { 0 }, new;

	assert_int_equal(fstat(fd, &new), 0);
	assert_true(new.st_size > 0);
	assert_true(stat(path, &old) || old.st_ino != new.st_ino);
	syncs++;
	usleep((getpid() == daemon_process ? 3 : 1) * SLOW_MS * 1000);
	return 0;
}

static int setup(void **state)
{
	daemon_process = getpid();
	assert_non_null(mkdtemp(directory));
	setenv("STATE_DIRECTORY", directory, 1);
	snprintf(path, sizeof(path), "%s/none/blind", directory);
	assert_in_range(snprintf(beside, sizeof(beside), "%s.new", path), 1, sizeof(beside) - 1);
	uv_loop_init(&loop);
	sites = calloc(1, sizeof(*sites));
	sites->instance = "none";
	sites->config = &config;
	sites->room = 2;
	memset(sites->fds, -1, sizeof(sites->fds));
	strcpy(sites->known[1].name, "a");
	memset(&sites->known[1].key, 'A', sizeof(sites->known[1].key));
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(directory);
	free(sites);
	return uv_loop_close(&loop);
}

/* The site is at 10.7.1.N. */
static void site_is_at(__u8 n)
{
	sites->known[1].last = (struct address){ .addr = { { .b = { [10] = 0xff, 0xff, 10, 7, 1, n } } },
						 .family = FAMILY_IPV4 };
	sites->known[1].last_port = htons(51820);
}

static bool is_saved_at(const char *endpoint)
{
	char *text = NULL;
	bool is;
	size_t n;

	if (file_read(path, 10000, &text, &n))
		return false;
	is = strstr(text, endpoint);
	free(text);
	return is;
}

/* After a child that could not begin, the next call begins another one. */
static void fork_fails(void **state)
{
	saver = (struct saver){ .loop = &loop, .sites = sites };
	site_is_at(1);
	forks = 0;
	forks_to_fail = 1;
	saver_begin(&saver);
	assert_int_equal(forks, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_null(saver.child);
	for (int i = 0; i < 100 && forks < 2; i++) {	/* later on a machine that was busy when the first one failed */
		usleep(100000);
		saver_begin(&saver);
	}
	assert_int_equal(forks, 2);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(is_saved_at("10.7.1.1:51820"));
	assert_null(saver.child);
}

/* The daemon ends while a child writes the file. */
static void saves_now(void **state)
{
	saver = (struct saver){ .loop = &loop, .sites = sites };
	unlink(path);
	site_is_at(2);
	saver_begin(&saver);
	for (int i = 0; i < 500 && access(beside, F_OK); i++)
		usleep(10000);
	site_is_at(3);
	syncs = 0;
	assert_int_equal(saver_now(&saver), 0);
	assert_int_equal(syncs, 1);	/* after a power cut the file must not be empty */
	assert_null(saver.child);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(is_saved_at("10.7.1.3:51820"));
	assert_int_equal(access(beside, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_fails),
		cmocka_unit_test(saves_now),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
