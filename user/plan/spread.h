/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How a device spreads received packets over its queues, and so over the CPUs: as its driver tells ethtool. doctor uses it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>

enum {
	SPREAD_HALF = 1 << 0,		/* native XDP takes as many queues again to send */
	SPREAD_EVERY_CPU = 1 << 1,	/* XDP sends from CPU n by queue n alone: it loses packets that arrive at other CPUs */
	SPREAD_DETACH = 1 << 2,		/* the number of queues cannot change while an XDP program is attached */
	SPREAD_FIXED = 1 << 3,		/* nothing changes which fields are hashed */
};

struct spread {
	__u32 queues;			/* that receive; 0: the driver does not tell */
	__u32 most;			/* that could receive; 0: likewise */
	__u32 table;			/* queues that RSS's indirection table names; 0: likewise */
	bool combined;			/* one number for queues that receive and queues that send */
	bool addresses[2];		/* UDP over IPv4, over IPv6 is hashed by addresses alone, not by ports */
	unsigned int traits;		/* SPREAD_*, by the driver's name */
};

/* Sets ret to what the driver tells, in which zero means that it does not */
void spread_read(const char *ifname, struct spread *ret);

/* How many queues are best on so many CPUs; native: XDP is attached or wanted in the driver */
__u32 spread_wanted(const struct spread *s, __u32 cpus, bool native);

/* Asks ethtool; a test has its own */
extern int (*spread_ask)(const char *ifname, void *command);
