/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the prefixes whose addresses all have the same next hop, from the kernel's routes and
 * rules, for the map `uniform` (bpf/fib.h). The data path then needs no FIB lookup for them. If a
 * rule depends on more than the destination, no prefix is uniform. dataplane/ includes it.
 */
#pragma once
#include "plan/plan.h"

struct uniform_hop {
	__u8 family;
	__u32 oif;
	struct addr via;		/* gateway; zero: none, on an L3 device */
};

struct uniform {
	struct uniform_row rows[UNIFORM_BLOCKS * UNIFORM_ROWS];
	size_t n_blocks;
	/* Next hops, indexed by the value in `rows`. Value 0 means "ask the FIB". */
	struct uniform_hop hops[NEXTHOP_UNIFORM];
	size_t n_hops;
};

/* Makes *ret from the host's routes; the caller frees it. Prefixes for which there is no room are
 * left to the FIB. Returns 0 or -ENOMEM. */
int uniform_make(const struct host *h, struct uniform **ret);
/* Returns the value that the map has for an address: an index in hops, or 0 for "ask the FIB". */
__u32 uniform_answer(const struct uniform *u, const struct address *a);
