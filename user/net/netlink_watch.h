/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports which of the kernel's tables changed, but not which entries. The daemon, which uses this,
 * then reads the whole table.
 */
#pragma once

enum nl_change {
	NL_LINKS = 1 << 0,
	NL_ADDRESSES = 1 << 1,
	NL_ROUTES = 1 << 2,		/* routes, rules, next hops, or the sysctl forwarding */
	NL_NEIGHBOURS = 1 << 3,
	NL_QDISCS = 1 << 4, /* an ingress or clsact qdisc or one of its filters was removed */
	NL_ALL = (1 << 5) - 1,
};

/* Opens a socket that is readable after changes of these tables. Returns its fd or -errno. */
int nl_watch(void);
/* Reads the pending messages and returns which tables changed, as bits of enum nl_change. Returns
 * NL_ALL if the kernel had to drop messages. */
unsigned int nl_watch_read(int fd);
