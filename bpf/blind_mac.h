/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay: for which site a handshake message is, by its mac1: of those alone to which its sender may talk. Part of blind.h.
 */
#ifndef WGXDP_BLIND_MAC_H
#define WGXDP_BLIND_MAC_H

#include "blind_index.h"

/* The next site: 1: the message is for it; or s->from may not talk to it */
static long blind_try(__u32 i, void *none)
{
	struct blind_scratch *b = blind_scratch_find();
	struct guard_scratch *s = guard_scratch_find();
	struct blind_site *site;

	if (!b || !s)
		return 1;
	b->zero = b->first + i;
	site = bpf_map_lookup_elem(&blind_sites, &b->zero);
	if (!site)
		return 1;
	if (!b->single && !(site->may[b->from / 64 & (BLIND_SITES_MAX / 64 - 1)] >> (b->from & 63) & 1))
		return 0;
	s->tried++;
	if (!mac1_fits(s, site->mac1))
		return 0;
	b->to = b->first + i;
	b->answer = 1;
	return 1;
}

INLINE bool blind_fits(struct blind_scratch *b, __u32 number)
{
	b->first = number;
	b->single = 1;
	b->answer = 0;
	bpf_loop(1, blind_try, NULL, 0);
	return b->answer;
}

/* One of those that b->from may talk to */
INLINE bool blind_fits_any(struct blind_scratch *b)
{
	struct blind_state *state = blind_state_find();

	b->first = 1;
	b->single = 0;
	b->answer = 0;
	if (state && state->sites > 1)
		bpf_loop(state->sites - 1, blind_try, NULL, 0);
	return b->answer;
}

INLINE bool blind_begin(struct blind_scratch *b, struct guard_scratch *s)
{
	s->known = b->from;
	s->now = b->now;
	return mac1_begin(s);
}

#endif
