/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a driver leaves room in front of packets, in which XDP makes a header longer: those that do leave 192 bytes and more, and a
 * header of IPv6 is 20 longer than one of IPv4, 28 with that of a fragment.
 */
#pragma once
#include <stdio.h>
#include "plan/plan.h"

/* By what a driver is asked: nl_ethtool(), or a test's */
extern int (*headroom_ask)(const char *ifname, void *command);

/* Whether it is known to leave none: Intel's (igb, ixgbe, ixgbevf, i40e, iavf, ice) while their private flag `legacy-rx` is on */
bool headroom_lacks(const char *ifname);

/* What to say, behind `between`, of a nic where packets get longer: of a bond of each of its ports. Nothing where there is room. */
void headroom_hint(const struct host *h, const struct plan_nic *nic, const char *between, FILE *out);

/* Warns of that, if packets get longer on some port of the nic */
void headroom_warn(const struct plan *p, const struct host *h, const struct plan_nic *nic);
