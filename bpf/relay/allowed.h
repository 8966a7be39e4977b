/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Remembers what the policy let pass between sites lately, so that answers to it and errors about
 * it may pass. The steps site_admit() and site_rewrite() use it. The map `allowed` holds tags,
 * which are hashes with a secret, so an attacker cannot construct collisions. A bucket is one cache
 * line; a new entry displaces the oldest one.
 */
#pragma once

#include "table.h"

INLINE __u64 tag_pair(__u64 word, const __u32 *keys)
{
	return (__u64)((__u32)word + keys[0]) * ((__u32)(word >> 32) + keys[1]);
}

/* Returns the hash of a packet's addresses, ports and protocol by NH (RFC 4418, section 5.2.2).
 * Hashes five words twice, the second time with keys shifted by four (Toeplitz). Two chosen packets
 * have the same two sums with a probability of 2^-64. */
INLINE __u64 allowed_tag(const struct policy *policy, struct addr src, struct addr dst,
			 __be16 sport, __be16 dport, __u8 protocol)
{
	const __u32 *k = policy->keys;
	__u64 last = (__u64)protocol << 32 | (__u32)(__u16)dport << 16 | (__u16)sport;
	__u64 a = tag_pair(src.q[0], k) + tag_pair(src.q[1], k + 2) + tag_pair(dst.q[0], k + 4) +
		  tag_pair(dst.q[1], k + 6) + tag_pair(last, k + 8);
	__u64 b = tag_pair(src.q[0], k + 4) + tag_pair(src.q[1], k + 6) +
		  tag_pair(dst.q[0], k + 8) + tag_pair(dst.q[1], k + 10) + tag_pair(last, k + 12);

	return a * policy->factors[0] + b * policy->factors[1];
}

INLINE struct allowed_bucket *allowed_bucket(__u64 tag)
{
	__u32 home = tag >> 40 & allowed_mask;

	return bpf_map_lookup_elem(&allowed, &home);
}

/* Returns the entry of the tag in the bucket, or NULL. */
INLINE struct allowed *allowed_place(struct allowed_bucket *bucket, __u64 tag)
{
#pragma unroll
	for (int i = 0; i < ALLOWED_WAYS; i++)
		if (read_once(bucket->way[i].tag) == tag)
			return &bucket->way[i];
	return NULL;
}

/* Returns 1 if the tag is valid, otherwise 0. */
TABLE_READ __u64 allowed_known(__u64 tag)
{
	struct allowed_bucket *bucket = allowed_bucket(tag);
	const struct allowed *known = with_relay && bucket ? allowed_place(bucket, tag) : NULL;

	return known && bpf_jiffies64() < read_once(known->until);
}

/* Called when a packet that the policy admitted is about to be sent: stores its tag. An entry that
 * was written recently stays, so usually nothing is written. */
INLINE void allowed_remember(__u64 tag)
{
	struct allowed_bucket *bucket = allowed_bucket(tag);
	__u64 now = bpf_jiffies64();
	struct allowed *place;
	__u32 oldest = 0;

	if (!bucket)
		return;
	place = allowed_place(bucket, tag);
	if (place && place->until > now + (ALLOWED_SECONDS - 1) * tick_rate)
		return;
	if (!place) {
#pragma unroll
		for (int i = 1; i < ALLOWED_WAYS; i++)
			if (bucket->way[i].until <
			    bucket->way[oldest & (ALLOWED_WAYS - 1)].until)
				oldest = i;
		place = &bucket->way[oldest & (ALLOWED_WAYS - 1)];
		place->tag = tag;
	}
	place->until = now + ALLOWED_SECONDS * tick_rate;
}
