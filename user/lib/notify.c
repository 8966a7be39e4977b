/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements notify.h: the protocol of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "lib/notify.h"

/* Reads the service manager's address from $NOTIFY_SOCKET: a path, or '@' and an abstract name.
 * Returns its length; 0: there is none, or one of another kind (vsock:). */
static socklen_t manager_address(struct sockaddr_un *ret)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t n = name ? strlen(name) : 0;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n < 2 || (*name != '/' && *name != '@') || n + (*name == '/') > sizeof(ret->sun_path))
		return 0;
	memcpy(ret->sun_path, name, n);
	if (*name == '@')
		*ret->sun_path = '\0';
	return offsetof(struct sockaddr_un, sun_path) + n + (*name == '/');
}

static void send_notification(const char *text)
{
	struct sockaddr_un to;
	socklen_t size = manager_address(&to);
	int fd = size ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (fd < 0)
		return;
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, size);
	close(fd);
}

void notify_ready(void)
{
	send_notification("READY=1");
}

void notify_reloading(void)
{
	char text[64];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 now.tv_sec * 1000000ULL + now.tv_nsec / 1000);
	send_notification(text);
}

void notify_stopping(void)
{
	send_notification("STOPPING=1");
}

void notify_alive(void)
{
	send_notification("WATCHDOG=1");
}

/* Returns the value of a decimal number without a sign, or 0 if the text is not one. */
static unsigned long long parse_number(const char *text)
{
	unsigned long long value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || *end ? 0 : value;
}

/* Reads $WATCHDOG_USEC, unless $WATCHDOG_PID names another process: child processes inherit
 * both. */
__u64 notify_period(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	unsigned long long usec = parse_number(getenv("WATCHDOG_USEC"));

	if (usec == ULLONG_MAX || (pid && parse_number(pid) != (unsigned long long)getpid()))
		return 0;
	return usec / 1000;
}

/* Reads $LISTEN_FDS, unless $LISTEN_PID names another process: then that process gets the
 * sockets. */
unsigned int notify_sockets(void)
{
	bool ours = parse_number(getenv("LISTEN_PID")) == (unsigned long long)getpid();
	unsigned long long n = ours ? parse_number(getenv("LISTEN_FDS")) : 0;
	unsigned int open = 0;

	/* closing at exec fails for a descriptor that is not open, as after a wrong number */
	while (open < n && !fcntl(NOTIFY_FIRST_SOCKET + open, F_SETFD, FD_CLOEXEC))
		open++;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return open;
}
