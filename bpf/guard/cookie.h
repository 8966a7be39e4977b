/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard's cookie challenge (WireGuard's whitepaper, section 5.4.7). While there are too many
 * initiations, a client must repeat its initiation with a cookie, which the daemon sends to its
 * address and port. The content of the cookie is our own. make.h calls cookie_admits().
 */
#pragma once

#include "guard/check.h"
#include "limit.h"

LEARNED_FIND(with_guards, challenged, COOKIE_SECONDS)
LEARNED_LIMIT(with_guards, guard_sources)

#define INITIATION_MAC2 132
#define COOKIE_COST 5			/* price of checking a cookie, in BLAKE2s compressions */

/* Returns whether mac2 of s->message was made with the cookie that this secret yields for
 * s->client. noinline, because of its two calls. */
static __attribute__((noinline)) __u32 mac2_fits(struct guard_work *s,
						 const struct cookie_key *secret)
{
	struct blake2s_work *cookie = &s->work[0], *mac = &s->work[1];

	memcpy(cookie->h, secret->h, sizeof(cookie->h));
	block_words(cookie->m, s->client.addr.b, 4);
	cookie->m[4] = bpf_ntohs(s->client.port);
	blake2s_compress(cookie, BLAKE2S_BLOCK + COOKIE_INPUT, 1);
	cookie_mac_begin(mac->h);
	block_words(mac->m, (const __u8 *)cookie->h, 0);
#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++)
		mac->m[i] = cookie->h[i];
	blake2s_compress(mac, BLAKE2S_BLOCK, 0);
	block_words(mac->m, s->message, 16);
	blake2s_compress(mac, BLAKE2S_BLOCK + 64, 0);
	block_words(mac->m, s->message + 64, 16);
	blake2s_compress(mac, BLAKE2S_BLOCK + 128, 0);
	block_words(mac->m, s->message + 128, WORDS(INITIATION_MAC2 - 128));
	blake2s_compress(mac, BLAKE2S_BLOCK + INITIATION_MAC2, 1);
	return !mac_compare(mac->h, s->message + INITIATION_MAC2);
}

INLINE bool has_cookie(struct guard_work *s, const struct cookies *c)
{
	return mac2_fits(s, &c->secret[0]) || mac2_fits(s, &c->secret[1]);
}

/* Returns whether an initiation may have a cookie of the backend. If the backend itself has
 * challenged the client, the client uses the backend's cookie, because WireGuard keeps only one per
 * peer. wgxdp cannot verify that cookie. So wgxdp accepts any mac2 from such a client, up to the
 * limit of a source, and up to the rate `above` for all of them together. An attacker can forge the
 * source, so these initiations have a limit of their own. guard_sources holds the limit of all of
 * them under address 0. */
INLINE bool has_other_cookie(struct pkt_state *state, const struct guard *g, __u64 now)
{
	const __u8 *mac2 = state->guard.message + INITIATION_MAC2;
	struct client_key *key;

	if (!(load_word(__u64, mac2) | load_word(__u64, mac2 + 8)))
		return false;
	learned_key(state)->client = state->guard.client;
	if (!challenged_find(state))
		return false;
	key = &learned_key(state)->client;
	key->addr = guard_source(&state->guard.client.addr);
	key->id = state->guard.client.id;
	key->what = LIMITED_COOKIES;
	if (!guard_sources_charge(state, now << GUARD_TICK, g->source_each, g->source_burst))
		return false;
	learned_key(state)->client.id = state->guard.client.id;
	return guard_sources_charge(state, now << GUARD_TICK, g->challenge_each,
				    g->challenge_burst);
}

INLINE void challenge_send(const struct guard_work *s)
{
	struct challenge *c = bpf_ringbuf_reserve(&challenges, sizeof(*c), 0);

	if (!c)
		return;
	c->client = s->client.addr;
	c->local = s->local;
	c->client_port = s->client.port;
	c->local_port = s->local_port;
	c->ifindex = s->ifindex;
	c->id = s->client.id;
	c->key = s->key + s->tried - 1;
	c->index = load_word(__u32, s->message + 4);
	memcpy(c->mac1, s->message + INITIATION_MAC1, MAC_LEN);
	bpf_ringbuf_submit(c, 0);
}

/* Decides whether an initiation with a valid mac1 passes the challenge. While no daemon answers
 * challenges, initiations up to the rate `above` pass. Returns 0 or a reason. */
INLINE int cookie_admits(struct pkt_state *at, const struct guard *g, __u64 now)
{
	struct guard_work *s = &at->guard;
	struct guard_state *state = bpf_map_lookup_elem(&guard_state, &s->id);
	__u32 zero = 0;
	const struct cookies *c = bpf_map_lookup_elem(&cookies, &zero);
	bool above;

	if (!(g->flags & GUARD_CHALLENGE) || !state || !c)
		return 0;
	above = !limit_charge(&state->challenge_until, g->challenge_each, g->challenge_burst,
			      now << GUARD_TICK);
	if (above)
		state->challenging = now + tick_rate;
	if (now >= state->challenging || has_other_cookie(at, g, now))
		return 0;
	if (now >= c->alive)
		return above ? -DROP_guard_unanswered : 0;
	if (!guard_may_spend(s))
		return -DROP_guard_busy;
	guard_spent(s, 2 * COOKIE_COST);
	s->proven = has_cookie(s, c);
	if (s->proven)
		return 0;
	challenge_send(s);
	return -DROP_guard_challenged;
}
