/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens a socket for datagrams to one address. The daemon and wireguard.c use it.
 */
#pragma once
#include "lib/addr.h"

/* Opens a non-blocking UDP socket that is connected to an address of either family. device: the
 * only device it may use, or NULL. Returns its fd, or -1. */
int udp_socket(const struct address *a, __be16 port, const char *device);
