/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memo of the express path (include/abi_express.h): what a packet is looked up by, where an
 * entry is, and until when it is valid.
 *
 * Each CPU has a memo of its own, so an entry does not change while it is read.
 */
#pragma once

#include "step.h"

/* Each copy of the express path has a constant p->uses. Only USES_ALL asks the switches. */
#define uses_flows(p) ((p)->uses == USES_ALL ? with_flows : (p)->uses != USES_ADDRESSES)
#define uses_blind(p) ((p)->uses == USES_ALL ? with_blind : (p)->uses == USES_BLIND)
/* Entries count the packets of flows. */
#define uses_counts(p) ((p)->uses == USES_FLOWS || ((p)->uses == USES_ALL && with_counts))
#define with_counts (with_flows && !with_rates && !with_blind)
#define uses(p, what) ((p)->uses == USES_ALL && with_##what)

/* ---- words, by the order of their bytes in memory ---- */

/* WORD() is a word with a value of this type at byte n; BYTES() reads such a value. FIRST() and
 * LAST() remove the first, or the last, two bytes of a word, and free two at its other end. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD_SHIFT(type, n) (8 * (n))
#define FIRST(word) ((word) >> 16)
#define LAST(word) ((word) << 16)
#else
#define WORD_SHIFT(type, n) (64 - 8 * ((n) + sizeof(type)))
#define FIRST(word) ((word) << 16)
#define LAST(word) ((word) >> 16)
#endif
#define WORD(type, value, n) ((__u64)(type)(value) << WORD_SHIFT(type, n))
#define BYTES(type, word, n) ((type)((word) >> WORD_SHIFT(type, n)))

/* ---- the key ----
 *
 *	IPv4  .from: source, first half of the destination, ifindex
 *	      .to: flags, second half of the destination, source port, destination port
 *	IPv6  .from: first half of the source
 *	      .to: flags, ifindex, source port, destination port
 *
 * Flags: the VLAN id, and the bits below. Without its client, a key is a listener's. */
#define KEY_LISTENER (1 << 12)
#define KEY_IPV6 (1 << 13)
#define KEY_TAGGED (1 << 14)

/* Adds to a key what is not in the packet's IP and UDP headers. */
INLINE void express_complete(struct express_key *k, __u32 ifindex, __u32 flags, bool ipv4)
{
	if (flags & KEY_LISTENER) {
		k->from = ipv4 ? k->from & WORD(__u16, -1, 4) : 0;
		k->source = 0;
		k->to &= ~WORD(__u16, -1, 4);
	}
	if (ipv4)
		k->from |= WORD(__u16, ifindex, 6);
	else
		k->to |= WORD(__u16, ifindex, 2);
	k->to |= WORD(__u16, flags, 0);
}

/* ---- what a CPU knows ---- */

/* Returns what this CPU knows; NULL: it has no place. */
INLINE struct express_cpu *express_cpu(void)
{
#ifdef WGXDP_HOST
	return host_section(&express_cpus);
#else
	struct express_cpu *all = express_cpus;
	__u32 cpu = bpf_get_smp_processor_id(), place = cpu & (EXPRESS_CPUS - 1);

	barrier_var(all);	/* otherwise clang adds the index to an address that it knows */
	barrier_var(place);	/* otherwise clang drops the mask, which Linux 6.1 needs */
	return likely(cpu < EXPRESS_CPUS) ? &all[place] : NULL;
#endif
}

/* Returns the ifindex and our MAC address, the first six bytes of the frame, in one word. */
INLINE __u64 express_mac(const void *eth, __u32 ifindex)
{
	return LAST(load_word(__u64, eth)) | WORD(__u16, ifindex, 0);
}

/* Returns the present generation. Entries of other generations are invalid: they were decided
 * before routes or the configuration changed. */
INLINE __u32 express_generation(void)
{
	return read_once(control_find()->generation);
}

/* The same before the pipeline decides, which must not read anything before this. */
INLINE __u32 express_generation_first(void)
{
#if defined(WGXDP_HOST) || defined(__TARGET_ARCH_x86)
	return express_generation();
#else
	return __sync_fetch_and_add(&control_find()->generation, 0);
#endif
}

/* Returns which VLAN of its device a packet belongs to. flags: of its key. */
INLINE __u16 express_vlan_of(__u32 flags)
{
	return flags & (KEY_TAGGED | 0xfff);
}

/* Returns the place of a device, or of its VLAN, which another one may have. */
INLINE struct express_device *express_device(struct express_cpu *cpu, __u32 ifindex, __u32 flags)
{
	return &cpu->device[(ifindex + express_vlan_of(flags)) & (EXPRESS_DEVICES - 1)];
}

INLINE bool memo_is_good(const struct memo *e, __u64 now, __u32 generation)
{
	return e->generation == generation && now < e->until;
}

/* Returns the index of a key's bucket. *ret_way: the line where the search begins. The upper bits
 * of the hash depend on all bits of the key. */
INLINE __u32 memo_place(const struct express_device *d, const struct express_key *k, bool ipv4,
			__u32 *ret_way)
{
	__u64 hash = k->from * d->key[0] + (k->to + k->index) * d->key[1];

	if (!ipv4)
		hash += (k->source ^ k->destination[0]) * (d->key[0] << 1 ^ d->key[1]) +
			k->destination[1] * (d->key[1] << 1 ^ d->key[0]);
	hash >>= d->shift;
	*ret_way = hash & (MEMO_WAYS - 1);
	return d->first + (__u32)(hash / MEMO_WAYS);
}

INLINE bool memo_matches(const struct memo *e, const struct memo_more *more,
			 const struct express_key *k, bool ipv4, bool blind)
{
	if (e->from != k->from || e->to != k->to || (blind && e->index != k->index))
		return false;
	return ipv4 || !((e->source ^ k->source) | (more->destination[0] ^ k->destination[0]) |
			 (more->destination[1] ^ k->destination[1]));
}

/* Returns the entry with this key at the place from memo_place(), valid or not, and sets *ret_more
 * to the line after it. Returns NULL if there is none. */
INLINE struct memo *memo_find(const struct pkt *p, __u32 place, __u32 way,
			      const struct express_key *k, bool ipv4, struct memo_more **ret_more)
{
	__u32 i;
	struct memo_bucket *b = bpf_map_lookup_elem(&memo, &place);

	if (unlikely(!b))
		return NULL;
#pragma unroll
	for (i = 0; i < MEMO_WAYS; i += ipv4 ? 1 : 2) {
		__u32 line = ((ipv4 ? way : way & 2) ^ i) & (MEMO_WAYS - 1);
		struct memo *e = &b->way[line];

		*ret_more = &b->more[line | 1];
		if (memo_matches(e, *ret_more, k, ipv4, uses_blind(p)))
			return e;
	}
	return NULL;
}
