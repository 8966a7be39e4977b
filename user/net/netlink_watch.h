/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What changes in the kernel's tables, as rtnetlink tells it: only that it did, for what it is now is then read in whole.
 */
#pragma once

enum nl_change {
	NL_LINKS = 1 << 0,
	NL_ADDRESSES = 1 << 1,
	NL_ROUTES = 1 << 2,		/* and rules, and next-hop objects */
	NL_NEIGHBOURS = 1 << 3,
	NL_QDISCS = 1 << 4,		/* a qdisc at a device's ingress went, or a filter of one */
	NL_ALL = (1 << 5) - 1,
};

/* A socket that becomes readable when something changes. fd, or -errno. */
int nl_watch(void);
/* Takes what there is; which tables changed (enum nl_change). Everything where the kernel had no room for its messages. */
unsigned int nl_watch_read(int fd);
