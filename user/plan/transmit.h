/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which devices can transmit from XDP, and what would make one that cannot able to.
 */
#pragma once
#include "plan/plan.h"

/* LINK_XDP_SENDS and LINK_XDP_SENDS_FRAGS as far as they hold for the device now; native: our XDP is attached to it in native
 * mode, which some drivers want before they transmit. The kernel's xdp_features where it tells them (6.3 and later), else a
 * list of drivers; a bond sends by its ports. -errno: the kernel could not be asked (is_resource_error()). ret_hint: what to do where
 * they do not hold; NULL where nothing is known. */
int transmit_flags(const struct host *h, const struct nl_link *link, bool native, const char **ret_hint);

/* Parts of it: whether Linux 6.1's driver of this name transmits; and the flags that the kernel's xdp_features give a driver. */
bool transmit_is_known(const char *driver);
__u16 transmit_by_features(__u64 features, const char *driver);
