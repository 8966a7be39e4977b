/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard's CPU budget: how much hashing each CPU may still do, and which sources have wasted
 * some lately by a wrong mac1. mac.h and cookie.h include it. This header writes the maps
 * budgets and failed.
 */
#pragma once

#include "learned.h"

/* Refills a budget for `ticks` jiffies that have passed. A budget holds at most what it gets in an
 * eighth of a second. */
INLINE void budget_fill(__s64 *left, __u64 ticks, __u64 a_second)
{
	*left += ticks * a_second / tick_rate;
	if (*left > (__s64)a_second / 8)
		*left = a_second / 8;
}

/* FAILED: the source has sent more wrong mac1s than its share. FAILED_KNOWN: so has it, but a
 * backend has answered it, so it may use the budget of such clients first. */
enum failed_kind { NOT_FAILED, FAILED, FAILED_KNOWN };

/* Returns the budget that pays for this client's message. Clients that a backend has answered use
 * their own budget first, and then that of sources that sent too many wrong mac1s. Other clients
 * use that of new clients, or that of such sources if they are one. */
INLINE __s64 *guard_budget_left(const struct guard_work *s, __u64 now)
{
	__u32 zero = 0;
	struct budgets *budget = bpf_map_lookup_elem(&budgets, &zero);
	struct guard_budget *b;
	__u64 ticks;

	if (!budget)
		return NULL;
	b = &budget->guard;
	ticks = now - b->since;
	if (ticks) {
		if (ticks > tick_rate / 8)
			ticks = tick_rate / 8;
		b->since = now;
		budget_fill(&b->left[0], ticks, BUDGET_UNKNOWN);
		budget_fill(&b->left[1], ticks, BUDGET_KNOWN);
		budget_fill(&b->left[2], ticks, BUDGET_FAILED);
	}
	if (s->known && s->failed != FAILED && b->left[1] > 0)
		return &b->left[1];
	return s->known || s->failed ? &b->left[2] : &b->left[0];
}

/* Returns the source to which a client belongs: an IPv4 address or an IPv6 /64. */
INLINE struct addr guard_source(const struct addr *client)
{
	bool ipv4 = !client->q[0] && client->w[2] == bpf_htonl(0xffff);

	return (struct addr){ .q = { client->q[0], ipv4 ? client->q[1] : 0 } };
}

INLINE __u64 source_hash(const struct addr *source)
{
	__u64 h = source->q[0] * hash_key0 + source->q[1] * hash_key1;

	h = (h ^ h >> 32) * 0x9fb21c651e98df25ULL;
	return h ^ h >> 32;
}

/* ---- sources of wrong mac1s ----
 *
 * Anyone can send a wrong mac1 with a forged source address. So each source has a share:
 * FAILED_SHARE wrong mac1s at once, and again in FAILED_SECONDS, are paid from the common budget.
 * Only messages of a source that is beyond its share are paid from a budget that all such sources
 * have together. */
#define FAILED_EACH_TICKS (FAILED_SECONDS * tick_rate / FAILED_SHARE ?: 1)

/* Returns the place of a source in the map failed. At that place, the high half of its hash
 * identifies the source. */
INLINE struct failed *failed_place(__u64 hash)
{
	__u32 place = hash % FAILED_PLACES;

	return bpf_map_lookup_elem(&failed, &place);
}

TABLE_READ __u32 has_failed(__u64 hash, __u64 now)
{
	const struct failed *f = failed_place(hash);
	__u64 found = 0;

#pragma clang loop unroll(full)
	for (int i = 0; f && i < FAILED_EACH; i++) {
		__u32 left = f->of[i] - now;

		/* A larger distance is a time long ago, before jiffies wrapped around. */
		left -= (FAILED_SHARE - 1) * FAILED_EACH_TICKS + 1;
		found |= learned_none(f->of[i] >> 32 ^ hash >> 32) &
			 learned_less(left, FAILED_EACH_TICKS);
	}
	return found;
}

/* Charges one wrong mac1 to the share of its source. A new source replaces the entry whose share
 * will be whole again first. */
TABLE_READ __u32 remember_failed(__u64 hash, __u64 now)
{
	struct failed *f = failed_place(hash);
	__u64 least = 1ULL << 32, used = 0, most = FAILED_SHARE * FAILED_EACH_TICKS, at = 0;

	if (!f)
		return 0;
#pragma clang loop unroll(full)
	for (__u64 i = 0; i < FAILED_EACH; i++) {
		/* Jiffies until the share is whole again; a larger number: it is whole. */
		__u64 left = (__u32)(f->of[i] - now), better;
		__u64 other = 1 - learned_none(f->of[i] >> 32 ^ hash >> 32);

		left *= learned_less(left, most + 1);
		used += (1 - other) * (left - used);
		left = other * (left + 1);	/* 0: the entry of this source */
		better = learned_less(left, least);
		at += better * (i - at);
		least += better * (left - least);
	}
	used += FAILED_EACH_TICKS;
	f->of[at & (FAILED_EACH - 1)] = hash >> 32 << 32 |
					(__u32)(now + (used < most ? used : most));
	return 0;
}

/* Called before hashing: returns whether the budget allows it. A caller that knows the sender by
 * more than its address sets s->failed before. */
INLINE bool guard_may_spend(struct guard_work *s)
{
	const __s64 *left;

	if (!s->failed && has_failed(s->hash, s->now))
		s->failed = s->known ? FAILED_KNOWN : FAILED;
	left = guard_budget_left(s, s->now);
	return left && *left > 0;
}

/* Called after hashing: charges the compressions to the budget. */
INLINE void guard_spent(struct guard_work *s, __u32 compressions)
{
	__s64 *left = guard_budget_left(s, s->now);

	if (left)
		*left -= compressions;
}
