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
	struct addr via;		/* gateway; zero: the address itself, on an L3 device */
};

struct uniform {
	struct uniform_row rows[UNIFORM_BLOCKS * UNIFORM_ROWS];
	size_t n_blocks;
	/* Next hops, indexed by the values in `rows`. hops[0] is unused: 0 means "ask the FIB". */
	struct uniform_hop hops[NEXTHOP_UNIFORM];
	size_t n_hops;
};

/* Makes a struct uniform from the host's routes, one block after the other. Prefixes that find no
 * room in it are left to the FIB. uniform_begin() copies what it needs of the host. uniform_next()
 * fills the next block and stores its number, or returns false if all are filled. uniform_end()
 * frees everything, also what uniform_of() returns. */
struct uniform_work;
struct uniform_work *uniform_begin(const struct host *h);
bool uniform_next(struct uniform_work *w, __u32 *ret_block);
const struct uniform *uniform_of(const struct uniform_work *w);
void uniform_end(struct uniform_work *w);
