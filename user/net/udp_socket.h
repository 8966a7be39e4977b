/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A socket for datagrams to one address. The daemon uses it.
 */
#pragma once
#include "lib/addr.h"

/* Opens a socket that does not block, for either family. device: only by that one, or NULL. Returns
 * its fd, or -1. */
int udp_socket(const struct address *a, __be16 port, const char *device);
