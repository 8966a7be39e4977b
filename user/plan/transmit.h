/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which devices can transmit from XDP, and what would enable the others. Included by dataplane and
 * instance.
 */
#pragma once
#include "plan/plan.h"

/* Returns LINK_XDP_SENDS and LINK_XDP_SENDS_FRAGS, as far as they hold for the device now; -errno
 * if the kernel could not be asked (unasked()). native: our XDP is attached in native mode, which
 * some drivers need before they transmit. Uses the kernel's xdp_features (6.3 and later), otherwise
 * a list of drivers. A bond sends by its ports. ret_hint: what would enable it; NULL: nothing
 * known. */
int transmit_flags(const struct host *h, const struct nl_link *link, bool native,
		   const char **ret_hint);

/* Parts of it, for tests: whether Linux 6.1's driver of this name transmits, and the flags from the
 * kernel's xdp_features. */
bool transmit_is_known(const char *driver);
__u16 transmit_by_features(__u64 features, const char *driver);
