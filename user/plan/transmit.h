/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Determines which devices can transmit packets from XDP (XDP_REDIRECT), and what would enable the
 * others. dataplane/, instance/ and cmd/ include it.
 */
#pragma once
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
