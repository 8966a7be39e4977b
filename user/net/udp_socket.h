/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens a socket for datagrams to one address. The daemon and wireguard.c use it.
 */
#pragma once
#include "lib/addr.h"

/* Opens a non-blocking UDP socket of the address's family, because the kernel may be without IPv6.
 * It is connected to the address and port. device: the only device that it may use; NULL: any.
 * Returns its fd, or -1 and sets errno. */
int udp_socket(const struct address *a, __be16 port, const char *device);
