/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A socket for datagrams to one place.
 */
#pragma once
#include "lib/addr.h"

/* Of either family; device: only by that one, or NULL. It does not block. Its fd, or -1 */
int udp_socket(const struct address *a, __be16 port, const char *device);
