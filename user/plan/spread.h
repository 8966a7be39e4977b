/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads from ethtool how a device distributes received packets over its queues, and so over CPUs.
 * doctor/ includes it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>

enum {
	/* Native XDP needs the same number of queues again for sending. */
	SPREAD_HALF = 1 << 0,
	/* XDP on CPU n sends through queue n. Packets on CPUs without a queue are lost. */
	SPREAD_EVERY_CPU = 1 << 1,
	/* The number of queues cannot be changed while XDP is attached. */
	SPREAD_DETACH = 1 << 2,
	SPREAD_FIXED = 1 << 3,		/* the fields that the nic hashes cannot be changed */
};

struct spread {
	__u32 queues;			/* number of receive queues; 0: not reported */
	__u32 most;			/* largest number of receive queues; 0: not reported */
	/* Number of queues in the RSS indirection table; 0: not reported. */
	__u32 table;
	bool combined;			/* a single number sets the receive and the send queues */
	/* For IPv4 and IPv6: the nic hashes UDP by addresses only, without ports. */
	bool addresses[2];
	unsigned int traits;		/* SPREAD_* flags of the driver, by its name */
};

/* Reads the spread of a device. A value of zero means that the driver does not report it. */
void spread_read(const char *ifname, struct spread *ret);

/* Returns the best number of queues for this number of CPUs. native: XDP is attached, or will be,
 * in native mode. */
__u32 spread_wanted(const struct spread *s, __u32 cpus, bool native);

/* Function that asks ethtool. Unit tests replace it. */
extern int (*spread_ask)(const char *ifname, void *command);
