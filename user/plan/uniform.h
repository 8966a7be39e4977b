/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * uniform: which prefixes have one next hop for all of their addresses, from the kernel's routes and rules: what the map of
 * this name holds (bpf/fib.h). Where anything but the destination decides, nothing is uniform.
 */
#pragma once
#include "plan/plan.h"

struct uniform_hop {
	__u8 family;
	__u32 oif;
	struct addr via;		/* zero: on the link, of an L3 device */
};

struct uniform {
	struct uniform_row rows[UNIFORM_BLOCKS * UNIFORM_ROWS];
	size_t n_blocks;
	struct uniform_hop hops[NEXTHOP_UNIFORM];	/* by the answer in a row; the first is none */
	size_t n_hops;
};

/* Makes *ret (for free()) of the host's routes. 0 or -ENOMEM. What does not fit is left to the FIB. */
int uniform_make(const struct host *h, struct uniform **ret);
/* What the map would answer for an address: an index of hops, 0: ask the FIB */
__u32 uniform_answer(const struct uniform *u, const struct address *a);
