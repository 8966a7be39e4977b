/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet of the blind relay that is about to be sent: what it says is learnt, and it is counted. XDP may leave that to tc. Part of
 * pipeline.h.
 */
#ifndef WGXDP_BLIND_SEND_H
#define WGXDP_BLIND_SEND_H

#include "blind.h"

INLINE void blind_count(const struct pkt *p)
{
	struct blind_state *state = blind_state_find();
	struct blind_total *total;
	__u32 at;

	if (!state)
		return;
	at = p->way->id * state->room + p->way->backend;
	total = bpf_map_lookup_elem(&blind_totals, &at);
	if (!total)
		return;
	total->packets += p->segments;
	total->bytes += segments_bytes(p);
}

/* 0 or a reason */
INLINE int blind_commit(const struct pkt *p)
{
	struct blind_scratch *b = blind_scratch_find();
	int rc = 0;

	if (!b || !p->way)
		return -DROP_guard_busy;
	if (b->make)
		rc = b->make == MESSAGE_DATA ? blind_confirm_data() : blind_make();
	if (rc < 0)
		return rc;
	blind_count(p);
	return 0;
}

#endif
