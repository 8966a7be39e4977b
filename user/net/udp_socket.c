/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements udp_socket.h.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "net/udp_socket.h"

int udp_socket(const struct address *a, __be16 port, const char *device)
{
	struct sockaddr_in6 to;
	socklen_t len = address_to_socket(a, port, 0, &to);
	int fd = socket(to.sin6_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    ((device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device))) ||
	     connect(fd, (struct sockaddr *)&to, len))) {
		close(fd);
		return -1;
	}
	return fd;
}
