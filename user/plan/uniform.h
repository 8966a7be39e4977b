/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * uniform: prefixes whose addresses all have one next hop, from the kernel's routes and rules, for
 * the map of this name (bpf/fib.h). If a rule looks at more than the destination, no prefix is
 * uniform. Included by dataplane.
 */
#pragma once
#include "plan/plan.h"

struct uniform_hop {
	__u8 family;
	__u32 oif;
	struct addr via;		/* zero: on-link, on an L3 device */
};

struct uniform {
	struct uniform_row rows[UNIFORM_BLOCKS * UNIFORM_ROWS];
	size_t n_blocks;
	struct uniform_hop hops[NEXTHOP_UNIFORM]; /* by answer; the first means "ask the FIB" */
	size_t n_hops;
};

/* Makes *ret (for free()) from the host's routes. What does not fit is left to the FIB. Returns 0
 * or -ENOMEM. */
int uniform_make(const struct host *h, struct uniform **ret);
/* Returns what the map would answer for an address: an index in hops; 0: ask the FIB. */
__u32 uniform_answer(const struct uniform *u, const struct address *a);
