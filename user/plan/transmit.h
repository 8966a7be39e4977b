/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which devices can transmit from XDP, and what would enable the others. Included by dataplane and
 * instance.
 */
#pragma once
#include <stdio.h>
#include "plan/plan.h"

/* Returns LINK_XDP_SENDS and LINK_XDP_SENDS_FRAGS, as far as they hold for the device now; -errno
 * if the kernel could not be asked (is_resource_error()). native: our XDP is attached in native
 * mode, which some drivers need before they transmit. Uses the kernel's xdp_features (6.3 and
 * later), otherwise a list of drivers. A bond sends by its ports. ret_hint: what would enable it;
 * NULL: nothing known. */
int transmit_flags(const struct host *h, const struct nl_link *link, bool native,
		   const char **ret_hint);

/* Parts of it, for tests: whether Linux 6.1's driver of this name transmits, and the flags from the
 * kernel's xdp_features. */
bool transmit_is_known(const char *driver);
__u16 transmit_by_features(__u64 features, const char *driver);

/* ---- headroom: drivers that leave none, so that XDP cannot lengthen a header. Others leave 192
 * bytes or more. NAT64 adds 20 bytes to the IPv4 header, 28 if it adds a fragment header. ---- */

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
