/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens a socket for datagrams to one address, and reads the ICMP errors about what sockets send.
 */
#pragma once
#include <time.h>
#include <linux/errqueue.h>
#include <sys/socket.h>
#include "lib/addr.h"

/* Opens a non-blocking UDP socket of the address's family, because the kernel may be without IPv6.
 * It is connected to the address and port. device: the only device that it may use; NULL: any.
 * Returns its fd, or -1 and sets errno. */
int udp_socket(const struct address *a, __be16 port, const char *device);
/* Lets a socket of this family keep the ICMP errors about what it sends in its error queue (ip(7),
 * IP_RECVERR). Returns 0, or -1 and sets errno. */
int socket_keep_errors(int fd, __u8 family);
/* Returns the error in a message that was received from an error queue (MSG_ERRQUEUE), or NULL. */
const struct sock_extended_err *socket_error(struct msghdr *m);
