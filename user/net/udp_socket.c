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
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = port };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), off = 0;

	memcpy(&to.sin6_addr, &a->addr, sizeof(to.sin6_addr));
	if (fd >= 0 &&
	    (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	     (device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device))) ||
	     connect(fd, (struct sockaddr *)&to, sizeof(to)))) {
		close(fd);
		return -1;
	}
	return fd;
}
