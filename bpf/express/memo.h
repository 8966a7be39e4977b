/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memo of the express path (include/abi_express.h), and the key by which a packet is looked up
 * in it. express_read() reads the headers of a usual, complete packet with one bounds check.
 *
 * Each CPU has a memo of its own, so an entry does not change while it is read.
 */
#pragma once

#include "guard/message.h"
#include "plane/plane.h"

/* Each copy of the express path has a constant p->uses. Only USES_ALL asks the switches. */
#define uses_flows(p) ((p)->uses == USES_ALL ? with_flows : (p)->uses != USES_ADDRESSES)
#define uses_blind(p) ((p)->uses == USES_ALL ? with_blind : (p)->uses == USES_BLIND)
/* Entries count the packets of flows. */
#define uses_counts(p) ((p)->uses == USES_FLOWS || ((p)->uses == USES_ALL && with_counts))
#define uses_listeners(p) ((p)->uses == USES_ALL || (p)->uses == USES_ADDRESSES)
#define with_counts (with_flows && !with_rates && !with_blind)
#define uses(p, what) ((p)->uses == USES_ALL && with_##what)

/* ---- words, by the order of their bytes in memory ---- */

/* WORD() is a word with a value of this type at byte n; BYTES() reads such a value. LAST() removes
 * the last two bytes of a word, and frees two at its other end. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD_SHIFT(type, n) (8 * (n))
#define LAST(word) ((word) << 16)
#else
#define WORD_SHIFT(type, n) (64 - 8 * ((n) + sizeof(type)))
#define LAST(word) ((word) >> 16)
#endif
#define WORD(type, value, n) ((__u64)(type)(value) << WORD_SHIFT(type, n))
#define BYTES(type, word, n) ((type)((word) >> WORD_SHIFT(type, n)))

/* ---- the key ----
 *
 *	.from	IPv4: source and destination address; IPv6: first half of the source
 *	.to	source port, destination port, and express_id() with KEY_IPV6 for IPv6
 *
 * In a listener's key the client is 0; in IPv6, .from is ~0. No packet has such a source. */
#define KEY_IPV6 (1 << 13)	/* flags beside the VLAN id */
#define KEY_TAGGED (1 << 14)

/* Returns the part of a key that names the device. vlan: 0, or KEY_TAGGED | the VLAN id. */
INLINE __u64 express_id(__u32 ifindex, __u32 vlan)
{
	return WORD(__u16, ifindex, 4) | WORD(__u16, vlan, 6);
}

/* Adds to a key what is not in the packet's IP and UDP headers, and makes it a listener's. */
INLINE void express_complete(struct express_key *k, __u64 id, bool ipv4, bool listener)
{
	if (listener) {
		k->from = ipv4 ? k->from & WORD(__u32, -1, 4) : ~0ULL;
		k->source = 0;
		k->to = WORD(__u32, BYTES(__u32, k->to, 0) & bpf_htonl(0xffff), 0);
	}
	k->to |= ipv4 ? id : id | WORD(__u16, KEY_IPV6, 6);
}

/* ---- reading a packet ---- */

/* Bytes that a packet must have from 14 bytes before its IP header on: the headers of Ethernet,
 * IPv6 and UDP, and the first 8 bytes of the payload. Every frame with WireGuard data is longer. */
#define EXPRESS_HEAD (sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr) + 8)

/* The first bytes of the headers: EtherType; version, header length (IPv4). */
#define HEAD_IPV4 bpf_htonl(ETH_P_IP << 16 | 0x4500)
#define HEAD_IPV6 bpf_htonl((__u32)ETH_P_IPV6 << 16 | 0x6000)

INLINE __u32 express_udp_at(bool ipv4)
{
	return sizeof(struct ethhdr) + (ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/* Reads an IPv4 header without options, of a whole packet. head: 14 bytes before it. len: length
 * that the packet must have. Returns whether the express path can send it. */
INLINE bool express_read4(const void *head, __u64 len, struct express_key *k)
{
	__u32 word = load_word(__u32, head + 20);	/* fragment, TTL, protocol */

	k->from = load_word(__u64, head + 26);
	return likely((word & bpf_htonl(0x3fff00ff)) == bpf_htonl(IPPROTO_UDP) &&
		      word & bpf_htonl(0xfe00) &&
		      bpf_ntohs(load_word(__be16, head + 16)) == len);
}

/* The same for an IPv6 header that UDP's follows. */
INLINE bool express_read6(const void *head, __u64 len, struct express_key *k)
{
	__u16 word = load_word(__u16, head + 20);	/* next header, hop limit */

	k->from = load_word(__u64, head + 22);
	k->source = load_word(__u64, head + 30);
	k->destination[0] = load_word(__u64, head + 38);
	k->destination[1] = load_word(__u64, head + 46);
	return likely((word & bpf_htons(0xff00)) == bpf_htons(IPPROTO_UDP << 8) &&
		      word & bpf_htons(0xfe) &&
		      bpf_ntohs(load_word(__be16, head + 18)) + sizeof(struct ipv6hdr) == len);
}

/* Reads a UDP packet if it is whole, without options, extension headers and fragmentation, if it
 * fills the frame, and if its checksum is not partial. len: length from the IP header to the end of
 * the frame. Returns false for any other packet. */
INLINE bool express_read(const void *head, __u64 len, bool ipv4, struct express_key *k)
{
	const struct udphdr *udp = head + express_udp_at(ipv4);
	__u32 udp_len = load_word(__be16, &udp->len);
	__u64 sum;

	if (unlikely(!(ipv4 ? express_read4(head, len, k) : express_read6(head, len, k)) ||
		     bpf_ntohs(udp_len) + express_udp_at(ipv4) - sizeof(struct ethhdr) != len))
		return false;
	k->to = WORD(__u32, load_word(__u32, udp), 0);
	sum = udp_len + bpf_htons(IPPROTO_UDP);
	sum += ipv4 ? csum_pseudo4(read_once(*(const __be32 *)(head + 26)),
				   read_once(*(const __be32 *)(head + 30))) :
		      csum_pseudo6(head + sizeof(struct ethhdr));
	barrier_var(sum);		/* otherwise clang multiplies each part */
	return likely(csum_compare(udp->check, sum) > CSUM_SAME);
}

/* Returns whether the UDP payload is WireGuard data as is_plain_data() defines it. len: of the IP
 * packet. */
INLINE bool express_is_data(const void *head, __u64 len, bool ipv4)
{
	return load_word(__u32, head + express_udp_at(ipv4) + sizeof(struct udphdr)) ==
		       from_le32(MESSAGE_DATA) &&
	       length_fits(MESSAGE_DATA, len + sizeof(struct ethhdr) - express_udp_at(ipv4) -
						 sizeof(struct udphdr));
}

/* ---- what a CPU knows ---- */

/* Returns what this CPU knows; NULL: it has no place. */
INLINE struct express_cpu *express_cpu(void)
{
#ifdef WGXDP_HOST
	return host_section(&express_cpus);
#else
	struct express_cpu *all = express_cpus;
	__u64 cpu = bpf_get_smp_processor_id();

	barrier_var(cpu);	/* so that all 64 bits are compared, which Linux 6.1 needs */
	if (unlikely(cpu >= EXPRESS_CPUS))
		return NULL;
	barrier_var(all);	/* otherwise clang adds the index to an address that it knows */
	all += cpu;
	barrier_var(all);	/* otherwise the caller's test for NULL stays */
	if (!all)
		__builtin_unreachable();
	return all;
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

/* Returns the place of a device, or of its VLAN, which another one may have. */
INLINE struct express_device *express_device(struct express_cpu *cpu, __u32 ifindex, __u32 vlan)
{
	cpu = (void *)cpu + ((ifindex + vlan) & (EXPRESS_DEVICES - 1)) * sizeof(*cpu->device);
	barrier_var(cpu);	/* so that the offset of .device is part of each access */
	return cpu->device;
}

/* Returns the hop at a place of .hop, which an entry has multiplied by its size. */
INLINE struct express_hop *express_hop_at(struct express_cpu *cpu, __u32 hop)
{
	cpu = (void *)cpu + (hop & (EXPRESS_HOPS - 1) * sizeof(*cpu->hop));
	barrier_var(cpu);
	return cpu->hop;
}

/* Returns the index of a key's bucket. *ret_at: IPv4: bit 6 is the line where the search begins.
 * The upper bits of the hash depend on all bits of the key. */
INLINE __u32 memo_place(const struct express_device *d, const struct express_key *k, bool ipv4,
			__u64 *ret_at)
{
	__u64 hash = (k->from + d->key[0]) * (k->to + k->index + d->key[1]);

	if (!ipv4)
		hash += (k->source ^ k->destination[0]) * (d->key[0] << 1 ^ d->key[1]) +
			k->destination[1] * (d->key[1] << 1 ^ d->key[0]);
	hash >>= d->shift;
	*ret_at = hash;
	return d->first + (__u32)(hash / sizeof(struct memo_bucket));
}

/* The second line of an IPv6 entry. */
#define MEMO_MORE(e) ((const struct memo_more *)((e) + 1))

INLINE bool memo_matches(const struct memo *e, const struct memo_more *more,
			 const struct express_key *k, bool ipv4, bool blind)
{
	if (e->from != k->from || e->to != k->to || (blind && e->index != k->index))
		return false;
	return ipv4 || !((e->source ^ k->source) | (more->destination[0] ^ k->destination[0]) |
			 (more->destination[1] ^ k->destination[1]));
}

/* Returns the entry with this key at the place from memo_place(), valid or not. Returns NULL if
 * there is none. *ret_b: the bucket. */
INLINE struct memo *memo_find(const struct pkt *p, __u32 place, __u64 at,
			      const struct express_key *k, bool ipv4, struct memo_bucket **ret_b)
{
	struct memo_bucket *b = bpf_map_lookup_elem(&memo, &place);

	*ret_b = b;
	if (unlikely(!b))
		return NULL;
#pragma unroll
	for (__u32 i = 0; i < MEMO_WAYS; i += ipv4 ? 1 : 2) {
		struct memo *e = (void *)b + (((ipv4 ? at & 0x40 : 0) ^ i * sizeof(*e)) & 0xc0);

		barrier_var(e);		/* otherwise clang computes it again at each use */
		if (memo_matches(e, MEMO_MORE(e), k, ipv4, uses_blind(p)))
			return e;
	}
	return NULL;
}
