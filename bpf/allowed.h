/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What passed between sites by the policy's lists a moment ago: its replies may pass, and errors about it. Remembered by tags, a
 * hash that nobody without the secret can make collide; buckets of a cache line, in which the oldest gives way.
 */
#ifndef WGXDP_ALLOWED_H
#define WGXDP_ALLOWED_H

#include "table.h"

INLINE __u64 tag_pair(__u64 word, const __u32 *keys)
{
	return (__u64)((__u32)word + keys[0]) * ((__u32)(word >> 32) + keys[1]);
}

/* NH (RFC 4418 5.2.2) over five words, twice, with keys that are shifted by four (Toeplitz): of two tuples that somebody
 * chose, both sums are the same once in 2^64 */
INLINE __u64 allowed_tag(const struct policy *policy, struct addr src, struct addr dst, __be16 sport, __be16 dport,
			 __u8 protocol)
{
	const __u32 *k = policy->keys;
	__u64 last = (__u64)protocol << 32 | (__u32)(__u16)dport << 16 | (__u16)sport;
	__u64 a = tag_pair(src.q[0], k) + tag_pair(src.q[1], k + 2) + tag_pair(dst.q[0], k + 4) + tag_pair(dst.q[1], k + 6) +
		  tag_pair(last, k + 8);
	__u64 b = tag_pair(src.q[0], k + 4) + tag_pair(src.q[1], k + 6) + tag_pair(dst.q[0], k + 8) +
		  tag_pair(dst.q[1], k + 10) + tag_pair(last, k + 12);

	return a * policy->factors[0] + b * policy->factors[1];
}

INLINE struct allowed_bucket *allowed_bucket(__u64 tag)
{
	__u32 home = tag >> 40 & allowed_mask;

	return bpf_map_lookup_elem(&allowed, &home);
}

/* A tag's place in its bucket, and until when it is good there: 0: nowhere. No branches: the verifier would walk what follows
 * once for each place. */
INLINE __u64 allowed_find(const struct allowed_bucket *bucket, __u64 tag, __u32 *ret_place)
{
	__u64 until = 0, place = 0;

#pragma unroll
	for (int i = 0; i < ALLOWED_WAYS; i++) {
		__u64 same = is_zero(read_once(bucket->way[i].tag) ^ tag);

		opaque(same);
		until += same * (read_once(bucket->way[i].until) - until);
		place += same * (i - place);
	}
	*ret_place = place & (ALLOWED_WAYS - 1);
	return until;
}

/* 1 or 0 */
INLINE __u64 allowed_known(__u64 tag)
{
	const struct allowed_bucket *bucket = allowed_bucket(tag);
	__u32 place;

	return bucket ? below(bpf_jiffies64(), allowed_find(bucket, tag, &place)) : 0;
}

/* Called when a packet is about to be sent that passed under this tag. No store, usually: what is fresh stays. */
INLINE void allowed_remember(__u64 tag)
{
	struct allowed_bucket *bucket = allowed_bucket(tag);
	__u64 now = bpf_jiffies64(), oldest, until, place = 0;
	__u32 found;

	if (!bucket)
		return;
	until = allowed_find(bucket, tag, &found);
	if (until > now + (ALLOWED_SECONDS - 1) * tick_rate)
		return;
	if (until) {
		bucket->way[found & (ALLOWED_WAYS - 1)].until = now + ALLOWED_SECONDS * tick_rate;
		return;
	}
	oldest = bucket->way[0].until;
#pragma unroll
	for (int i = 1; i < ALLOWED_WAYS; i++) {
		__u64 is_older = below(bucket->way[i].until, oldest);

		opaque(is_older);
		oldest += is_older * (bucket->way[i].until - oldest);
		place += is_older * (i - place);
	}
	place &= ALLOWED_WAYS - 1;
	bucket->way[place].tag = tag;
	bucket->way[place].until = now + ALLOWED_SECONDS * tick_rate;
}

#endif
