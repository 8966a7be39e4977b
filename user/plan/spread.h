/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads from ethtool how a device distributes received packets over its queues, and so over CPUs.
 * doctor/ includes it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>

enum {
	/* Native XDP leaves only half of the queues for receiving; it sends by the others. */
	SPREAD_HALF = 1 << 0,
	/* XDP on CPU n sends by queue n, and loses packets if there is no such queue. */
	SPREAD_EVERY_CPU = 1 << 1,
	/* While XDP is attached, the driver refuses another number of queues. */
	SPREAD_DETACH = 1 << 2,
	SPREAD_FIXED = 1 << 3,		/* the driver cannot change which fields the nic hashes */
};

struct spread {
	__u32 queues;			/* receive queues in use; 0: not reported */
	__u32 most;			/* receive queues at most; 0: not reported */
	/* Queues to which the RSS indirection table sends packets; 0: not reported. */
	__u32 table;
	bool combined;			/* ethtool sets receive and send queues together */
	/* For IPv4 and IPv6: UDP packets between two hosts all go to one queue. */
	bool addresses[2];
	unsigned int traits;		/* SPREAD_*, known by the driver's name */
};

/* Reads how a device spreads packets over queues; values that the driver does not report are 0. */
void spread_read(const char *ifname, struct spread *ret);

/* Returns how many queues the device should have on a host with this many CPUs. native: XDP runs,
 * or will run, in native mode. */
__u32 spread_wanted(const struct spread *s, __u32 cpus, bool native);

/* Calls ethtool's ioctl; unit tests replace it. */
extern int (*spread_ask)(const char *ifname, void *command);
