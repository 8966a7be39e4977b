/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which sources a link accepts. Part of abi.h. User space writes, the data path reads.
 */
#ifndef WGXDP_ABI_SOURCES_H
#define WGXDP_ABI_SOURCES_H

/* sources: ARRAY. On a lan the allowed prefixes, on a wan the refused ones. An unused place has an
 * addr that its mask cannot give, so it matches nothing. A link's list is never changed in place: a
 * new one is written beside it. */
#define SOURCES_GROUP 8
#define SOURCES_GROUPS 2
struct prefix4 {
	__be32 addr, mask;
};
struct prefix6 {
	struct addr addr, mask;
};
struct sources {
	__u32 groups4, groups6;		/* groups of SOURCES_GROUP in use */
	__u8 pad[56];
	struct prefix4 ipv4[SOURCES_GROUP * SOURCES_GROUPS];
	struct prefix6 ipv6[SOURCES_GROUP * SOURCES_GROUPS];
};

/* source_trie: LPM_TRIE, key -> __u8 1. prefixlen counts from id: 32 + bits of the address (96 more
 * for IPv4). */
struct source_key {
	__u32 prefixlen;
	__be32 id;			/* struct link .sources */
	struct addr addr;
};

/* source_hints: ARRAY, beside sources: for the express path. Many addresses share a bit. If it is
 * 1, none of them is martian (bpf/link.h), and no prefix of the list, nor of what is in the trie,
 * covers one. Without a hint, sources must be asked. */
struct source_hints {
	__u64 ipv4[64];			/* by source_hint4() */
	/* both must be 1: for prefixes shorter than /48, by source_hint6_short(); for the others,
	 * by source_hint6_long() */
	__u64 short6[4], long6[8];
};

/* Returns the bit in ipv4. a: the address in host order */
static inline __u32 source_hint4(__u32 a)
{
	return a >> 20;
}

/* Returns the bit in short6. top: the address' first 64 bits in host order */
static inline __u32 source_hint6_short(__u64 top)
{
	return top >> 56;
}

/* The same in long6 */
static inline __u32 source_hint6_long(__u64 top)
{
	return (top >> 16) * 0x9e3779b97f4a7c15ULL >> 55;
}

static inline int source_hint_is_set(const __u64 *bits, __u32 bit)
{
	return bits[bit / 64] >> bit % 64 & 1;
}

/* Clears n bits from the first on */
static inline void source_hint_clear(__u64 *bits, __u32 first, __u32 n)
{
	for (__u32 i = first; i < first + n; i++)
		bits[i / 64] &= ~(1ULL << i % 64);
}

/* Clears what a prefix covers. top: as above, of its first address; len: its length in bits */
static inline void source_hints_add4(struct source_hints *h, __u32 top, __u32 len)
{
	source_hint_clear(h->ipv4, source_hint4(top), len < 12 ? 1U << (12 - len) : 1);
}

static inline void source_hints_add6(struct source_hints *h, __u64 top, __u32 len)
{
	if (len >= 48)
		source_hint_clear(h->long6, source_hint6_long(top), 1);
	else
		source_hint_clear(h->short6, source_hint6_short(top),
				  len < 8 ? 1U << (8 - len) : 1);
}

/* Begins a list: what is_martian() of bpf/link.h refuses is cleared, nothing else */
static inline void source_hints_begin(struct source_hints *h)
{
	for (int i = 0; i < 64; i++)
		h->ipv4[i] = ~0ULL;
	for (int i = 0; i < 4; i++)
		h->short6[i] = ~0ULL;
	for (int i = 0; i < 8; i++)
		h->long6[i] = ~0ULL;
	source_hints_add4(h, 0, 8);
	source_hints_add4(h, 127U << 24, 8);
	source_hints_add4(h, 224U << 24, 3);
	source_hints_add6(h, 0, 64);
	source_hints_add6(h, 0xfe80ULL << 48, 10);
	source_hints_add6(h, 0xffULL << 56, 8);
}

#endif
