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
	struct blake2s_work *w;
	bool fits;

	if (!b || !s)
		return 1;
	b->zero = b->first + i;
	site = bpf_map_lookup_elem(&blind_sites, &b->zero);
	if (!site)
		return 1;
	if (!b->single && !(site->may[b->from / 64 & (BLIND_SITES_MAX / 64 - 1)] >> (b->from & 63) & 1))
		return 0;
	s->tried++;
	w = s->work;
	memcpy(w->h, site->mac1, sizeof(w->h));
	if (s->kind == MESSAGE_INITIATION) {
		blake2s_compress(&w[0], BLAKE2S_BLOCK + 64, 0);
		memcpy(w[1].h, w[0].h, sizeof(w->h));
		blake2s_compress(&w[1], BLAKE2S_BLOCK + INITIATION_MAC1, 1);
		fits = mac_is(w[1].h, s->message + INITIATION_MAC1);
	} else {
		blake2s_compress(&w[0], BLAKE2S_BLOCK + RESPONSE_MAC1, 1);
		fits = mac_is(w[0].h, s->message + RESPONSE_MAC1);
	}
	if (!fits)
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
	struct addr source = guard_source(&s->client.addr);

	s->hash = source_hash(&source);
	s->known = b->from;
	s->now = b->now;
	s->tried = 0;
	block_words(s->work[0].m, s->message, WORDS(s->kind == MESSAGE_INITIATION ? 64 : RESPONSE_MAC1));
	block_words(s->work[1].m, s->message + 64, WORDS(INITIATION_MAC1 - 64));
	return guard_may_spend(s);
}

#endif
