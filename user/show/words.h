/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The words for what the maps hold, as `show` and the metrics say them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

const char *reason_name(__u16 reason);
const char *reason_text(__u16 reason);	/* what it means */
bool reason_drops(__u16 reason);	/* it ends a packet; else it passes it up */
const char *direction_name(__u32 direction);
/* native, generic or tc: by the nics that carry a logical link, its own, its VLAN's port's, its bridge's ports' */
const char *mode_of_link(const struct link *links, size_t n, const struct link *link);
