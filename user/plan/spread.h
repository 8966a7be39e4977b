/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How a device spreads received packets over its queues, and so over CPUs, as its driver reports it
 * to ethtool. Included by doctor.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>

enum {
	SPREAD_HALF = 1 << 0,		/* native XDP needs as many queues again to send */
	/* XDP on CPU n sends by queue n: packets on other CPUs are lost */
	SPREAD_EVERY_CPU = 1 << 1,
	SPREAD_DETACH = 1 << 2,		/* the number of queues is fixed while XDP is attached */
	SPREAD_FIXED = 1 << 3,		/* the hashed fields cannot be changed */
};

struct spread {
	__u32 queues;			/* receive queues; 0: not reported */
	__u32 most;			/* maximum of receive queues; 0: not reported */
	__u32 table;			/* queues in RSS's indirection table; 0: not reported */
	bool combined;			/* receive and send queues share one number */
	bool addresses[2];	/* IPv4, IPv6: UDP is hashed by addresses alone, without ports */
	unsigned int traits;		/* SPREAD_*, from the driver's name */
};

/* Reads a device's spread. Zero means that the driver does not report it. */
void spread_read(const char *ifname, struct spread *ret);

/* Returns the best number of queues for that many CPUs. native: XDP is, or will be, attached in the
 * driver. */
__u32 spread_wanted(const struct spread *s, __u32 cpus, bool native);

/* How to ask ethtool; a unit test has a fake. */
extern int (*spread_ask)(const char *ifname, void *command);
