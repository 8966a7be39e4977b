/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The source addresses that a link accepts. User space writes these maps, the programs read them
 * (bpf/link.h). Part of abi.h.
 */
#ifndef WGXDP_ABI_SOURCES_H
#define WGXDP_ABI_SOURCES_H

/* sources: ARRAY, indexed by struct link .sources. An element lists the allowed prefixes of a lan,
 * or the refused prefixes of a wan. An unused place has address bits outside its mask, so it
 * matches nothing. User space never changes the list of a link in place: it writes a new one and
 * then changes the index. */
#define SOURCES_GROUP 8
#define SOURCES_GROUPS 2
struct prefix4 {
	__be32 addr, mask;
};
struct prefix6 {
	struct addr addr, mask;
};
struct sources {
	/* Groups of SOURCES_GROUP prefixes in use, per family. */
	__u32 groups4, groups6;
	__u8 pad[56];
	struct prefix4 ipv4[SOURCES_GROUP * SOURCES_GROUPS];
	struct prefix6 ipv6[SOURCES_GROUP * SOURCES_GROUPS];
};

/* source_trie: LPM_TRIE, key -> __u8 1. prefixlen includes the 32 bits of .id; for IPv4 it also
 * includes the 96 bits in front of the address. */
struct source_key {
	__u32 prefixlen;
	/* Index of the list in the map sources (struct link .sources), in network byte order. */
	__be32 id;
	struct addr addr;
};

/* source_hints: ARRAY, indexed like sources, for the express path. Many addresses share a bit. If
 * the bit is 1, none of them is martian (is_martian() in bpf/link.h), and no prefix in the list or
 * the trie covers one of them. If it is 0, the express path must search the list. */
struct source_hints {
	__u64 ipv4[64];			/* indexed by source_hint4() */
	/* Both bits must be 1: that in short6, for prefixes shorter than /48, indexed by
	 * source_hint6_short(), and that in long6, for others, indexed by source_hint6_long(). */
	__u64 short6[4], long6[8];
};

/* Returns the index in .ipv4 for an IPv4 address in host order. */
static inline __u32 source_hint4(__u32 a)
{
	return a >> 20;
}

/* Returns the index in .short6. top: first 64 bits of an IPv6 address, in host order. */
static inline __u32 source_hint6_short(__u64 top)
{
	return top >> 56;
}

/* Returns the index in .long6. top: first 64 bits of an IPv6 address, in host order. */
static inline __u32 source_hint6_long(__u64 top)
{
	return (top >> 16) * 0x9e3779b97f4a7c15ULL >> 55;
}

static inline int source_hint_is_set(const __u64 *bits, __u32 bit)
{
	return bits[bit / 64] >> bit % 64 & 1;
}

/* Returns whether the hints exclude an address. top: an IPv4 address, or the first 64 bits of an
 * IPv6 address, in host order. */
static inline int source_hints_exclude(const struct source_hints *h, __u64 top, int is_ipv6)
{
	if (!is_ipv6)
		return source_hint_is_set(h->ipv4, source_hint4(top));
	return source_hint_is_set(h->short6, source_hint6_short(top)) &
	       source_hint_is_set(h->long6, source_hint6_long(top));
}

/* Clears n bits of an array of words, from number `first` on. */
static inline void source_hint_clear(__u64 *bits, __u32 first, __u32 n)
{
	for (__u32 i = first; i < first + n; i++)
		bits[i / 64] &= ~(1ULL << i % 64);
}

/* Clears the bits of all addresses in an IPv4 prefix. top: its first address in host order; len:
 * its length in bits. */
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

/* Begins with no prefixes: clears the bits of martian addresses (is_martian() in bpf/link.h), and
 * sets all others. */
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
