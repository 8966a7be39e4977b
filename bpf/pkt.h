/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct pkt: what the pipeline knows of a packet. It keeps offsets, not packet pointers: at() alone makes one, checked, so a
 * plane may move the packet at any time.
 */
#ifndef WGXDP_PKT_H
#define WGXDP_PKT_H

#include <stdbool.h>
#include <stddef.h>
#ifdef WGXDP_HOST
#include <arpa/inet.h>
#include <string.h>
#endif
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#ifdef WGXDP_HOST
#define INLINE static inline
#define bpf_htons htons
#define bpf_ntohs ntohs
#define bpf_htonl htonl
#define bpf_ntohl ntohl
#define bpf_cpu_to_be64 htobe64
#define bpf_be64_to_cpu be64toh
#else
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#define INLINE static __always_inline
#define memcpy __builtin_memcpy
#endif
#include "abi.h"
#include "condition.h"

/* A step's answer where the packet is not ours: up, untouched, counted to nobody. Reasons are negative too, and nearer to 0. */
#define NOT_OURS (-REASON_MAX)

struct pkt {
	void *ctx;
	void *data, *end;		/* of the linear part; reloaded by the plane when it moved them */
	enum plane plane;		/* a constant in each entry point: the other planes' code folds away */
	__u32 ifindex;			/* of the logical link that it came in by */
	const struct link *link;
	/* words of 64 bits, for the verifier forgets the bounds of smaller ones when they go to the stack */
	__u64 l3, l4;			/* offsets of the IP and UDP headers from data */
	__u64 len;			/* of the IP packet, by its own header */
	__u64 segments, segment_len;	/* GSO (tc): packets in this one, and the L3 length of the largest; else 1 and len */
	struct addr src, dst;
	__u64 pseudo;			/* sum of both, for the pseudo header */
	__u64 checksum;			/* of the UDP header; 0: none */
	__u64 partial;			/* csum_compare() of UDP's checksum with the pseudo header's */
	__be16 sport, dport;
	__u8 family, ttl, tos;
	bool bare;			/* tc: from an L3 device, without an Ethernet header; a constant in each entry point */
	bool generic;			/* XDP: in generic mode on the port */
	bool through_neighbour;		/* tc: sent by the kernel's neighbour output, which resolves and probes */
	__u64 fragment;			/* 0: none; see fragment_word() */
	__u64 frags;			/* XDP: LINK_XDP_SENDS_FRAGS where it lies in several buffers; else 0 */
	__u64 step;			/* tc: it is cut in pieces of so many bytes behind their IP headers; 0: it is not */
	__u64 held;			/* a bit for each reason that parse found, which counts only if the packet is ours */

	struct quote *quote;		/* an ICMP error about a packet: src, dst and ports are that one's, turned round; else 0 */
	const struct service *service;	/* classify's answer, 0 where not ours; with: */
	__u8 direction;
	struct addr to;			/* what the address (and port) are rewritten to: destination of an original, source of a reply */
	__be16 to_port;
	__u16 delta;			/* checksum difference of that address, new - old */

	bool relay;			/* a constant in each entry point: the relay's steps are in it */
	bool overlay;			/* for a site: its peers count, not a service; and nothing is rewritten */
	bool outside;			/* for a peer's own address, which is not of the overlay: only as an answer */
	__u8 next;			/* type of the header behind IPv6's own */
	__u8 check_at;			/* offset of the checksum in the header at l4 */
	bool silent;			/* no error may be sent about it */
	__u64 peers;			/* their ids, that which it is from in the lower half; 0: nobody. One word: 6.1 has no stack for two */
	const struct peer *peer;	/* the latter, or NULL: it may not go anywhere */
	__u64 tag;			/* to be remembered in allowed when it is sent; 0: nothing is */

	bool flows;			/* a constant in each entry point: the steps of flows are in it */
	__u8 leaves;			/* the family in which it leaves; only with flows: see family_out() */
	struct flow_scratch *way;	/* of a packet of a flow, or of a newcomer, as what it leaves; else NULL */
	struct flow *flow;		/* its flow, or NULL: a newcomer, or who answers one */

	bool guards;			/* a constant in each entry point: the steps of the guard are in it */
	bool blind;			/* likewise: those of the blind relay */
};

/* Words as they stand in a header, whose alignment the kernel's headers understate: else clang goes byte by byte. */
#ifdef WGXDP_HOST
#define load_word(type, from) ({ type word_; memcpy(&word_, from, sizeof(word_)); word_; })
#define store_word(type, to, word) ({ type word_ = (word); memcpy(to, &word_, sizeof(word_)); })
#else
#define load_word(type, from) ({ const void *from_ = (from); *(const type *)from_; })
#define store_word(type, to, word) ({ void *to_ = (to); *(type *)to_ = (word); })
#endif

/* Addresses only ever as their two words: a mixture of widths would be taken apart and put together again */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ADDR_MAPPED 0xffff0000ULL
#define ADDR_IPV4_SHIFT 32
#else
#define ADDR_MAPPED 0xffff00000000ULL
#define ADDR_IPV4_SHIFT 0
#endif

INLINE struct addr addr_from4(__be32 a)
{
	return (struct addr){ .q = { 0, ADDR_MAPPED | (__u64)a << ADDR_IPV4_SHIFT } };
}

INLINE __be32 addr_to4(struct addr a)
{
	return a.q[1] >> ADDR_IPV4_SHIFT;
}

INLINE struct addr addr_load(const void *from)
{
	return (struct addr){ .q = { load_word(__u64, from), load_word(__u64, from + 8) } };
}

INLINE void addr_store(void *to, struct addr a)
{
	store_word(__u64, to, a.q[0]);
	store_word(__u64, to + 8, a.q[1]);
}

/* The Ethernet addresses of the FIB's answer */
INLINE void eth_write(struct ethhdr *eth, const struct bpf_fib_lookup *fib)
{
	store_word(__u32, eth->h_dest, load_word(__u32, fib->dmac));
	store_word(__u16, eth->h_dest + 4, load_word(__u16, fib->dmac + 4));
	store_word(__u32, eth->h_source, load_word(__u32, fib->smac));
	store_word(__u16, eth->h_source + 4, load_word(__u16, fib->smac + 4));
}

/* size bytes at off, or NULL where the linear part ends before */
INLINE void *at(const struct pkt *p, __u64 off, __u32 size)
{
	void *header = p->data + off;

	opaque(header);		/* or clang adds off twice, and the verifier does not see that both are one */
	if (header + size > p->end)
		return NULL;
	opaque(header);		/* or clang makes one value of both answers, and every caller tests twice */
	if (!header)
		__builtin_unreachable();
	return header;
}

INLINE __u8 family_out(const struct pkt *p)
{
	return p->flows ? p->leaves : p->family;
}

/* Whether it changes from IPv4 to IPv6, or back */
INLINE bool is_across(const struct pkt *p)
{
	return p->flows && p->way && p->leaves != p->family;
}

INLINE void pkt_hold(struct pkt *p, enum reason reason, __u64 condition)
{
	p->held |= condition << reason;
}

/* What a fragment is, in one word. Its offset in bytes, and 1 where more follow, as in IPv6's header: 1 a first one, above it a
 * later one; and above these 16 bits where, from l3, the piece begins. */
INLINE __u64 fragment_word(__u64 offset, __u64 start)
{
	return (start << 16 | offset) * (1 - is_zero(offset));
}

INLINE __u32 fragment_offset(const struct pkt *p)
{
	return p->fragment & 0xffff;
}

INLINE __u32 fragment_start(const struct pkt *p)
{
	return p->fragment >> 16 & 0xffff;
}

INLINE bool is_later(const struct pkt *p)
{
	return __builtin_expect(fragment_offset(p) > 1, 0);
}

/* x as it is, but no constant any more to the verifier, which so joins paths that differ in nothing else */
INLINE __u32 blur(const struct pkt *p, __u32 x)
{
	return x | p->link->zero;
}

#endif
