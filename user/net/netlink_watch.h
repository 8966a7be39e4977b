/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports which of the kernel's tables changed. It does not say what changed: the daemon, which
 * uses this, then reads the whole table.
 */
#pragma once

enum nl_change {
	NL_LINKS = 1 << 0,
	NL_ADDRESSES = 1 << 1,
	NL_ROUTES = 1 << 2,		/* and rules, next hops, whether the kernel forwards */
	NL_NEIGHBOURS = 1 << 3,
	NL_QDISCS = 1 << 4, /* a qdisc at a device's ingress, or one of its filters, went */
	NL_ALL = (1 << 5) - 1,
};

/* Opens a socket that becomes readable when something changes. fd, or -errno. */
int nl_watch(void);
/* Reads all messages and returns which tables changed (enum nl_change). NL_ALL: the kernel had no
 * room for its messages. */
unsigned int nl_watch_read(int fd);
