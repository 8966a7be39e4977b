/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon tells the service manager what it should, in the watchdog's time, and takes the sockets that the service
 * manager passes. The manager's socket has a path or an abstract name.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/notify.h"

struct manager {
	int fd;
	struct sockaddr_un at;
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];	/* as in $NOTIFY_SOCKET */
};

/* name is a path, or begins with @. n < strlen: for a name without room for a terminating zero */
static void listen_at(struct manager *m, const char *name)
{
	size_t n = strlen(name);

	*m = (struct manager){ .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), .at.sun_family = AF_UNIX };
	assert_true(m->fd >= 0 && n <= sizeof(m->at.sun_path));
	memcpy(m->at.sun_path, name, n);
	memcpy(m->name, name, n);
	if (*name == '@')
		*m->at.sun_path = '\0';
	assert_int_equal(bind(m->fd, (struct sockaddr *)&m->at, offsetof(struct sockaddr_un, sun_path) + n + (*name == '/')), 0);
	setenv("NOTIFY_SOCKET", m->name, 1);
}

static const char *receive(const struct manager *m)
{
	static char text[256];
	ssize_t n = recv(m->fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void stop_listening(const struct manager *m)
{
	close(m->fd);
	if (*m->at.sun_path)
		unlink(m->at.sun_path);
}

static void receives_all(const struct manager *m)
{
	unsigned long long usec;
	char more;

	notify_ready();
	assert_string_equal(receive(m), "READY=1");
	notify_alive();
	assert_string_equal(receive(m), "WATCHDOG=1");
	notify_reloading();
	assert_int_equal(sscanf(receive(m), "RELOADING=1\nMONOTONIC_USEC=%llu%c", &usec, &more), 1);
	assert_true(usec);
	notify_stopping();
	assert_string_equal(receive(m), "STOPPING=1");
	assert_string_equal(receive(m), "");
}

static void by_path(void **state)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)], directory[] = "/tmp/unit_notify.XXXXXX";
	struct manager m;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	listen_at(&m, path);
	receives_all(&m);
	stop_listening(&m);
	notify_ready();			/* no reader any more: it returns */
	rmdir(directory);
}

static void by_abstract_name(void **state)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct manager m, longer;

	snprintf(name, sizeof(name), "@unit_notify.%d", getpid());
	listen_at(&m, name);
	receives_all(&m);
	memset(name + strlen(name), 'x', sizeof(name) - 1 - strlen(name));	/* fills the whole address, without a zero at the end */
	name[sizeof(name) - 1] = '\0';
	listen_at(&longer, name);
	receives_all(&longer);
	assert_string_equal(receive(&m), "");
	stop_listening(&longer);
	stop_listening(&m);
}

static void by_nothing(void **state)
{
	char name[200] = "@", shorter[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "";
	struct manager m;

	/* A listener at the beginning of the name: it would receive messages to a truncated name */
	memset(name + 1, 'x', sizeof(name) - 2);
	memcpy(shorter, name, sizeof(shorter) - 1);
	listen_at(&m, shorter);
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	setenv("NOTIFY_SOCKET", name, 1);	/* longer than an address */
	notify_ready();
	*name = '/';
	setenv("NOTIFY_SOCKET", name, 1);
	notify_ready();
	for (const char *const *other = (const char *const[]){ "", "/", "@", "vsock:2:1234", "relative", NULL }; *other; other++) {
		setenv("NOTIFY_SOCKET", *other, 1);
		notify_ready();
	}
	assert_string_equal(receive(&m), "");
	stop_listening(&m);
}

static void set(const char *usec, const char *pid)
{
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	else
		unsetenv("WATCHDOG_USEC");
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	else
		unsetenv("WATCHDOG_PID");
}

static void period(void **state)
{
	char own[16], other[16];

	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(other, sizeof(other), "%d", getppid());
	set(NULL, NULL);
	assert_int_equal(notify_period(), 0);
	set("30000000", NULL);
	assert_int_equal(notify_period(), 30000);
	set("30000000", own);
	assert_int_equal(notify_period(), 30000);
	set("30000000", other);		/* a child of the daemon, or a wrapper */
	assert_int_equal(notify_period(), 0);
	set("30000000", "");
	assert_int_equal(notify_period(), 0);
	for (const char *const *none = (const char *const[]){ "", "0", "-1", "+5", "x", "30s", "18446744073709551615",
							      "99999999999999999999", NULL }; *none; none++) {
		set(*none, own);
		assert_int_equal(notify_period(), 0);
	}
}

/* Sets the variables of a service manager, and returns the number of sockets that are taken. */
static unsigned int take(const char *pid, const char *fds)
{
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", fds, 1);
	setenv("LISTEN_FDNAMES", "wgxdp-exporter.socket", 1);
	return notify_sockets();
}

static void sockets(void **state)
{
	char own[16], other[16];
	int first = dup2(STDERR_FILENO, NOTIFY_FIRST_SOCKET), second = dup2(STDERR_FILENO, NOTIFY_FIRST_SOCKET + 1);

	assert_true(first == NOTIFY_FIRST_SOCKET && second == NOTIFY_FIRST_SOCKET + 1);
	close(NOTIFY_FIRST_SOCKET + 2);
	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(other, sizeof(other), "%d", getppid());
	assert_int_equal(notify_sockets(), 0);
	assert_int_equal(take(other, "2"), 0);
	assert_int_equal(take("", "2"), 0);
	assert_int_equal(fcntl(first, F_GETFD), 0);
	for (const char *const *none = (const char *const[]){ "", "0", "-1", "+2", "x", "2 ", "99999999999999999999", NULL }; *none; none++)
		assert_int_equal(take(own, *none), 0);
	assert_int_equal(take(own, "1"), 1);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(second, F_GETFD), 0);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
	assert_int_equal(notify_sockets(), 0);
	assert_int_equal(take(own, "2"), 2);
	assert_int_equal(fcntl(second, F_GETFD), FD_CLOEXEC);
	assert_int_equal(take(own, "4294967295"), 2);	/* no more than are open */
	close(first);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_path), cmocka_unit_test(by_abstract_name), cmocka_unit_test(by_nothing), cmocka_unit_test(period), cmocka_unit_test(sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
