/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay: what few packets are: handshake messages, and what is of no session that its sender has. Global functions that need no
 * packet: what it says is in guard_scratch. Part of blind.h.
 */
#ifndef WGXDP_BLIND_MAKE_H
#define WGXDP_BLIND_MAKE_H

#include "blind_mac.h"

/* For our own WireGuard, from where no site is: perhaps one will be there then. No sooner than `after` jiffies since the last one */
INLINE void blind_tell(const struct blind_scratch *b, __u32 after)
{
	struct signal signal = { .kind = SIGNAL_MOVED, .jiffies = b->now };
	struct blind_state *state = blind_state_find();

	if (b->from || !state || b->now - state->told < after)
		return;
	state->told = b->now;
	bpf_ringbuf_output(&signals, &signal, sizeof(signal), 0);
}

INLINE int blind_up(const struct blind_scratch *b)
{
	blind_tell(b, 1);
	return NOT_OURS;
}

/* What nobody knows: our own WireGuard looks at it, but not at all of it. It may be of a session that is older than what we know. */
INLINE int blind_stray(const struct blind_scratch *b)
{
	struct blind_state *state = blind_state_find();
	__u64 each = ((__u64)tick_rate << GUARD_TICK) / BLIND_STRAYS;

	if (!state || !limit_take(&state->limit, each, BLIND_STRAYS, b->now << GUARD_TICK))
		return -DROP_blind_limited;
	blind_tell(b, tick_rate / 20);
	return NOT_OURS;
}

INLINE bool blind_is_known(__u32 number)
{
	const struct blind_site *site = bpf_map_lookup_elem(&blind_sites, &number);

	return site && site->place[site->now & 1].family;
}

INLINE int blind_initiation(struct blind_scratch *b, struct guard_scratch *s)
{
	if (blind_fits(b, 0))
		return blind_up(b);
	if (!b->from) {
		remember_failed(s->hash, s->now);
		return -DROP_guard_mac1;
	}
	if (!blind_fits_any(b) || b->to == b->from)
		return -DROP_guard_mac1;
	b->waits = !blind_is_known(b->to);
	return b->to;
}

INLINE int blind_response(struct blind_scratch *b, struct guard_scratch *s)
{
	__u64 value;

	b->receiver = load_word(__u32, s->message + 8);
	b->waits = 0;
	value = b->from ? session_value(b->from, b->receiver, b->now) : 0;
	if (!value)
		return blind_fits(b, 0) ? blind_up(b) : -DROP_guard_mac1;
	if (!(value & BLIND_INITIATED))
		return -DROP_blind_stranger;
	if (value & BLIND_CONFIRMED && BLIND_UNTIL(value) - b->now < (BLIND_SECONDS - BLIND_ANSWER_SECONDS) * tick_rate)
		return -DROP_blind_refused;	/* it was answered long ago: each initiation has an index of its own */
	return blind_fits(b, BLIND_ORIGIN(value)) ? b->to : -DROP_guard_mac1;
}

/* An initiation or response in guard_scratch, from b->from: the site that it goes to, NOT_OURS, or a reason */
__attribute__((noinline)) int blind_handshake(void)
{
	struct blind_scratch *b = blind_scratch_find();
	struct guard_scratch *s = guard_scratch_find();
	struct blind_state *state = blind_state_find();
	int rc;

	if (!b || !s || !state)
		return -DROP_guard_busy;
	if (!state->sites)
		return blind_up(b);		/* nobody's key is known yet, not even our own */
	b->to = 0;
	b->index = load_word(__u32, s->message + 4);
	if (!blind_begin(b, s))
		return -DROP_guard_busy;
	rc = s->kind == MESSAGE_INITIATION ? blind_initiation(b, s) : blind_response(b, s);
	mac1_end(s);
	return rc;
}

/* Asks the site that data of one of its sessions comes from elsewhere, no more than once a second */
INLINE void blind_challenge(const struct blind_scratch *b, __u32 number, const struct client_key *from, __u8 family)
{
	struct signal signal = { .kind = SIGNAL_CHALLENGE, .site = number, .jiffies = b->now };
	struct blind_site *site = bpf_map_lookup_elem(&blind_sites, &number);
	struct blind_state *state = blind_state_find();
	__u64 before;

	if (!site || !state || site->place[site->now & 1].family != family)
		return;
	before = site->challenged;
	if (b->now < before + tick_rate || __sync_val_compare_and_swap(&site->challenged, before, b->now) != before)
		return;
	site->asked = 0;
	site->candidate = from->addr;
	site->candidate_port = from->port;
	site->challenges++;
	__sync_fetch_and_add(&state->challenges, 1);
	bpf_ringbuf_output(&signals, &signal, sizeof(signal), 0);
}

/* Data, or a cookie, of no session that its sender has with a site: NOT_OURS or a reason. seen: XDP has let it up, and counted it;
 * foreign: a site may be where it comes from */
__attribute__((noinline)) int blind_other(__u32 family, __u32 data, __u32 seen, __u32 foreign)
{
	struct blind_scratch *b = blind_scratch_find();
	struct guard_scratch *s = guard_scratch_find();
	__u64 hint;

	if (!b || !s)
		return -DROP_guard_busy;
	if (session_value(0, b->index, b->now))
		return blind_up(b);
	if (!data)
		return seen ? NOT_OURS : blind_stray(b);
	if (b->from)
		return NOT_OURS;
	hint = hint_value(b->index, b->now);
	if (!hint)
		return seen ? NOT_OURS : blind_stray(b);
	if (foreign)
		blind_challenge(b, BLIND_ORIGIN(hint), &s->client, family);
	return -DROP_blind_stranger;
}

#endif
