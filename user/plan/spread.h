/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads from ethtool how a device distributes received packets over its queues, and so over CPUs.
 * doctor/ includes it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>

enum {
	/* native XDP needs the same number of queues again for sending */
	SPREAD_HALF = 1 << 0,
	/* XDP on CPU n sends through queue n; packets on CPUs without a queue are lost */
	SPREAD_EVERY_CPU = 1 << 1,
	/* the number of queues cannot be changed while XDP is attached */
	SPREAD_DETACH = 1 << 2,
	SPREAD_FIXED = 1 << 3,		/* the hashed fields cannot be changed */
};

struct spread {
	__u32 queues;			/* receive queues; 0: not reported */
	__u32 most;			/* largest number of receive queues; 0: not reported */
	/* number of queues in the RSS indirection table; 0: not reported */
	__u32 table;
	bool combined;			/* receive and send queues are set by one number */
	/* for IPv4 and IPv6: UDP is hashed by addresses only, without ports */
	bool addresses[2];
	unsigned int traits;		/* SPREAD_* flags, known by the driver's name */
};

/* Reads the spread of a device. A value of zero means that the driver does not report it. */
void spread_read(const char *ifname, struct spread *ret);

/* Returns the best number of queues for this number of CPUs. native: XDP is attached, or will be,
 * in native mode. */
__u32 spread_wanted(const struct spread *s, __u32 cpus, bool native);

/* The function that asks ethtool; unit tests replace it. */
extern int (*spread_ask)(const char *ifname, void *command);
