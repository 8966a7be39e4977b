/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counts a packet for its pair of sites.
 *
 * Runs in the step blind_commit() (blind.h), just before the packet is sent.
 * Reads:  s->flow.id (the sending site), flow.backend (the receiving one), segments.
 * Writes: s->blind.total; the map blind_totals.
 */
#pragma once

#include "plane/plane.h"

/* Returns this CPU's counters of packets from one site to another, and takes free ones for a new
 * pair. *ret: their index in blind_totals. NULL: the map has no elements. */
INLINE struct blind_total *blind_total_find(__u32 from, __u32 to, __u32 *ret)
{
	__u32 home = blind_total_home(from, to, blind_totals_mask);
	struct blind_total *total;

	for (__u32 i = 0; i < BLIND_TOTAL_TRIES; i++) {
		__u32 at = (home + i) & blind_totals_mask;

		total = at ? bpf_map_lookup_elem(&blind_totals, &at) : NULL;
		if (total && !total->from) {
			total->to = to;
			total->from = from;
		}
		if (total && total->from == from && total->to == to) {
			*ret = at;
			return total;
		}
	}
	*ret = 0;
	return bpf_map_lookup_elem(&blind_totals, ret);
}

INLINE int blind_count_step(struct pkt_state *s)
{
	struct blind_total *total = blind_total_find(s->flow.id, s->flow.backend, &s->blind.total);

	if (!total)
		return 0;
	total->packets += s->segments;
	total->bytes += segments_bytes(s);
	return 0;
}
STATE_STEP(with_blind, blind_count)
