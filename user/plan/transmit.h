/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Determines which devices can transmit packets from XDP (XDP_REDIRECT), and what would enable the
 * others. dataplane/, instance/ and cmd/ include it.
 */
#pragma once
#include <stdio.h>
#include "plan/plan.h"

/* Returns those of LINK_XDP_SENDS and LINK_XDP_SENDS_FRAGS that apply to the device now, or -errno
 * if the kernel could not be asked (is_resource_error()). It uses the kernel's xdp_features (6.3
 * and later), or else a list of drivers; a bond can do what its ports can. native: our XDP is
 * attached in native mode, which some drivers need before they transmit. *ret_hint: what would
 * enable transmitting, or NULL. */
int transmit_flags(const struct host *h, const struct nl_link *link, bool native,
		   const char **ret_hint);

/* Parts of transmit_flags(), for tests: whether the driver of this name transmits in Linux 6.1, and
 * the flags that follow from xdp_features. */
bool transmit_is_known(const char *driver);
__u16 transmit_by_features(__u64 features, const char *driver);

/* ---- headroom: some drivers leave none in front of the packet, so that XDP cannot lengthen a
 * header. Others leave 192 bytes or more. NAT64 makes the IP header 20 bytes longer, or 28 with a
 * fragment header. ---- */

/* Function that asks the driver: nl_ethtool(). Unit tests replace it. */
extern int (*headroom_ask)(const char *ifname, void *command);

/* Returns whether the driver is known to leave no headroom: Intel's drivers (igb, ixgbe, ixgbevf,
 * i40e, iavf, ice) while their private flag `legacy-rx` is on. */
bool headroom_lacks(const char *ifname);

/* Prints `between` and a hint for a nic without headroom, or for each such port of a bond. */
void headroom_hint(const struct host *h, const struct plan_nic *nic, const char *between,
		   FILE *out);

/* Prints the hint as a warning if a port of the nic lengthens packets. */
void headroom_warn(const struct plan *p, const struct host *h, const struct plan_nic *nic);
