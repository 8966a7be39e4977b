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
#else
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#define INLINE static __always_inline
#define memcpy __builtin_memcpy
#endif
#include "abi.h"

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
	__be16 sport, dport;
	__u8 family, ttl, tos;
	bool checksum;			/* the UDP header carries one */
	bool in_frags;			/* XDP: the packet lies in several buffers */
	bool through_neighbour;		/* tc: sent by the kernel's neighbour output, which resolves and probes */
	__u64 held;			/* a bit for each reason that parse found, which counts only if the packet is ours */

	const struct service *service;	/* classify's answer, 0 where not ours; with: */
	__u8 direction;
	struct addr to;			/* what the address (and port) are rewritten to: destination of an original, source of a reply */
	__be16 to_port;
	__u16 delta;			/* checksum difference of that address, new - old */
};

INLINE struct addr addr_from4(__be32 a)
{
	return (struct addr){ .w = { 0, 0, bpf_htonl(0xffff), a } };
}

/* Conditions as numbers, without a branch: the verifier walks all that follows once for each way of a branch whose outcome
 * lingers. 1 or 0; below() for numbers under 2^63. */
#ifdef WGXDP_HOST
#define opaque(x)
#else
#define opaque(x) barrier_var(x)	/* or clang makes a branch of it again */
#endif

INLINE __u64 is_zero(__u64 x)
{
	x = ~x & (x - 1);
	opaque(x);
	return x >> 63;
}

INLINE __u64 below(__u64 a, __u64 b)
{
	a -= b;
	opaque(a);
	return a >> 63;
}

/* size bytes at off, or NULL where the linear part ends before */
INLINE void *at(const struct pkt *p, __u64 off, __u32 size)
{
	void *header = p->data + off;

	opaque(header);		/* or clang adds off twice, and the verifier does not see that both are one */
	return header + size > p->end ? NULL : header;
}

INLINE void pkt_hold(struct pkt *p, enum reason reason, __u64 condition)
{
	p->held |= condition << reason;
}

/* x as it is, but no constant any more to the verifier, which so joins paths that differ in nothing else */
INLINE __u32 blur(const struct pkt *p, __u32 x)
{
	return x | p->link->zero;
}

#endif
