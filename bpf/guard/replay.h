/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard's replay memory: initiations that were forwarded, and the client that sent each. make.h
 * includes it. The remembered initiations are in rows of an array. A seeded hash selects the row,
 * so an attacker cannot tell which initiations share one. If two CPUs write an entry at once, it
 * may mix both. After such a mixture, one replay may pass, or a repeated initiation of the same
 * client may be dropped.
 */
#pragma once

#include "guard/check.h"

INLINE __u64 mac_word(const __u8 *from)
{
	return load_word(__u32, from) | (__u64)load_word(__u32, from + 4) << 32;
}

INLINE __u64 replay_seed(const struct guard_work *s)
{
	struct guard_state *state = bpf_map_lookup_elem(&guard_state, &s->id);

	if (!state)
		return 0;
	if (!state->seed)
		__sync_val_compare_and_swap(&state->seed, 0, (__u64)bpf_get_prandom_u32() << 32 |
							     bpf_get_prandom_u32() | 1);
	return state->seed;
}

/* Returns for how many jiffies the entry is still valid. */
INLINE __u32 replay_left(const struct replay *r, __u64 now)
{
	__u32 left = r->until - (__u32)now;

	return left <= REPLAY_SECONDS * tick_rate ? left : 0;
}

INLINE bool replay_matches(const struct replay *r, const struct guard_work *s)
{
	return r->mac1[0] == mac_word(s->message + INITIATION_MAC1) &&
	       r->mac1[1] == mac_word(s->message + INITIATION_MAC1 + 8) && r->id == s->id;
}

enum replay_found { REPLAY_NEW, REPLAY_SAME_CLIENT, REPLAY_OTHER_CLIENT };

/* Returns whether, and by which client, this initiation was sent before. Sets s->row and s->turn to
 * its entry, or to the entry that will be written. noinline, to have a stack frame of its own. */
static __attribute__((noinline)) __u32 replay_find(struct guard_work *s, __u64 now)
{
	__u64 h = (mac_word(s->message + INITIATION_MAC1) ^ replay_seed(s)) * 0x9fb21c651e98df25ULL;
	const struct replays *row;
	__u32 least = -1;

	s->row = (h >> 32) % REPLAY_ROWS;
	s->turn = 0;
	row = bpf_map_lookup_elem(&replays, &s->row);
#pragma clang loop unroll(full)
	for (__u32 i = 0; row && i < REPLAYS_ROW; i++) {
		const struct replay *r = &row->replay[i];
		__u32 left = replay_left(r, now);

		if (left && replay_matches(r, s)) {
			s->turn = i;
			return addr_same(&r->addr, &s->client.addr) && r->port == s->client.port ?
			       REPLAY_SAME_CLIENT : REPLAY_OTHER_CLIENT;
		}
		if (left < least) {
			least = left;
			s->turn = i;
		}
	}
	return REPLAY_NEW;
}

INLINE void replay_remember(const struct guard_work *s, __u64 now)
{
	struct replays *row = bpf_map_lookup_elem(&replays, &s->row);
	struct replay *r;

	if (!row)
		return;
	r = &row->replay[s->turn & (REPLAYS_ROW - 1)];
	r->mac1[0] = mac_word(s->message + INITIATION_MAC1);
	r->mac1[1] = mac_word(s->message + INITIATION_MAC1 + 8);
	r->addr = s->client.addr;
	r->until = now + REPLAY_SECONDS * tick_rate;
	r->port = s->client.port;
	r->id = s->id;
}
