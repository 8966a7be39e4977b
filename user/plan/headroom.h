/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds drivers that leave no headroom, so that XDP cannot lengthen a header. Other drivers leave
 * 192 bytes or more. NAT64 adds 20 bytes to the IPv4 header, 28 if it adds a fragment header.
 * Included by instance and cmd.
 */
#pragma once
#include <stdio.h>
#include "plan/plan.h"

/* How to ask the driver: nl_ethtool(), or a unit test's fake. */
extern int (*headroom_ask)(const char *ifname, void *command);

/* Whether the driver is known to leave no headroom: Intel's (igb, ixgbe, ixgbevf, i40e, iavf, ice)
 * while their private flag `legacy-rx` is on. */
bool headroom_lacks(const char *ifname);

/* Prints `between` and a hint for a nic, or for each port of a bond, that has no headroom. Prints
 * nothing for others. */
void headroom_hint(const struct host *h, const struct plan_nic *nic, const char *between,
		   FILE *out);

/* Logs that hint as a warning if a port of the nic lengthens packets. */
void headroom_warn(const struct plan *p, const struct host *h, const struct plan_nic *nic);
