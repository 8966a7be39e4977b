/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
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

int socket_keep_errors(int fd, __u8 family)
{
	bool ipv4 = family == FAMILY_IPV4;
	int on = 1;

	return setsockopt(fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_RECVERR : IPV6_RECVERR,
			  &on, sizeof(on));
}

const struct sock_extended_err *socket_error(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return (const struct sock_extended_err *)CMSG_DATA(c);
	return NULL;
}
