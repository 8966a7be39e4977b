/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Determines which devices can transmit packets from XDP (XDP_REDIRECT), and what would enable the
 * others. dataplane/, instance/ and cmd/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include "plan/plan.h"

/* Returns LINK_XDP_SENDS and LINK_XDP_SENDS_FRAGS, as far as they apply to the device now, or
 * -errno if the kernel lacked resources to answer (is_resource_error()). Linux 6.3 and later report
 * this as xdp_features; for older ones a list of drivers decides. A bond can do what its ports can.
 * native: our XDP is attached in native mode, without which some drivers do not transmit.
 * *ret_hint: how to enable transmitting, or NULL. */
int transmit_flags(const struct host *h, const struct nl_link *link, bool native,
		   const char **ret_hint);

/* Parts of transmit_flags(), for tests. The first returns whether the driver transmits in Linux
 * 6.1; the second returns the flags that follow from xdp_features. */
bool transmit_is_known(const char *driver);
__u16 transmit_by_features(__u64 features, const char *driver);

/* ---- headroom: some drivers leave none in front of the packet, so that XDP cannot lengthen a
 * header. Others leave 192 bytes or more. NAT64 makes the IP header 20 bytes longer, or 28 with a
 * fragment header. ---- */

/* Asks the driver, normally nl_ethtool(); unit tests replace it. */
extern int (*headroom_ask)(const char *ifname, void *command);

/* Returns whether the device is known to leave no headroom: this is so for Intel's drivers (igb,
 * ixgbe, ixgbevf, i40e, iavf, ice) while their private flag `legacy-rx` is on. */
bool headroom_lacks(const char *ifname);

/* Prints `between` and a hint for a nic without headroom; likewise for each port of a bond. */
void headroom_hint(const struct host *h, const struct plan_nic *nic, const char *between,
		   FILE *out);

/* Warns about a nic without headroom if NAT64 may lengthen packets of one of its ports. */
void headroom_warn(const struct plan *p, const struct host *h, const struct plan_nic *nic);

/* ---- queues: how a device distributes received packets over its queues, and so over CPUs ---- */

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
