/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names for what the maps hold, as `show`, metrics, monitor and doctor print them. Included there.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

const char *reason_name(__u16 reason);
const char *reason_text(__u16 reason);	/* its meaning */
bool reason_drops(__u16 reason);	/* true: it drops the packet; false: it passes it up */
const char *direction_name(__u32 direction);
/* Returns "native", "generic" or "tc", from the nics that carry a logical link: itself, its VLAN's
 * port or its bridge's ports. */
const char *mode_of_link(const struct link *links, size_t n, const struct link *link);
