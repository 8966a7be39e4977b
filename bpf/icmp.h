/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ICMP and ICMPv6 errors about packets of ours. What an error quotes, turned round, is a packet of the way on which the error
 * goes: so it is classified and resolved by the same steps, with pull_quote() for pull_udp() and quote_rewrite() for rewrite().
 * Reading and rewriting are global functions, verified once, whose stack is not the main program's.
 */
#ifndef WGXDP_ICMP_H
#define WGXDP_ICMP_H

#include "icmp_read.h"
#include "icmp_rewrite.h"
#include "link.h"

/* Answers of parse's first half */
#define IS_ICMP 1		/* go on with pull_quote() */
#define IS_OVERLAY 2		/* for a site: relay_pipeline() */

#ifdef WGXDP_HOST
INLINE int host_quote_read(struct pkt *p)
{
	return quote_read(p->ctx, p->plane, p->l3, p->family);
}

INLINE int host_quote_write(struct pkt *p)
{
	return quote_write(p->ctx, p->plane, p->l3, p->family);
}
#else
__attribute__((noinline)) int xdp_icmp_read(struct xdp_md *ctx, __u32 l3, __u32 family)
{
	return quote_read(ctx, PLANE_XDP, l3, family);
}

__attribute__((noinline)) int xdp_icmp_write(struct xdp_md *ctx, __u32 l3, __u32 family)
{
	return quote_write(ctx, PLANE_XDP, l3, family);
}

__attribute__((noinline)) int tc_icmp_read(struct __sk_buff *ctx, __u32 l3, __u32 family)
{
	return quote_read(ctx, PLANE_TC, l3, family);
}

__attribute__((noinline)) int tc_icmp_write(struct __sk_buff *ctx, __u32 l3, __u32 family)
{
	return quote_write(ctx, PLANE_TC, l3, family);
}

INLINE int xdp_quote_read(struct pkt *p)
{
	return xdp_icmp_read(p->ctx, p->l3, p->family);
}

INLINE int xdp_quote_write(struct pkt *p)
{
	return xdp_icmp_write(p->ctx, p->l3, p->family);
}

INLINE int tc_quote_read(struct pkt *p)
{
	return tc_icmp_read(p->ctx, p->l3, p->family);
}

INLINE int tc_quote_write(struct pkt *p)
{
	return tc_icmp_write(p->ctx, p->l3, p->family);
}
#endif

/* The quote turned round: who was sent to is who sends. No checksum: that of a datagram is none of this packet's. */
INLINE int pull_quote(struct pkt *p)
{
	int rc = plane(p, quote_read);
	__u32 zero = 0;
	struct quote *q = bpf_map_lookup_elem(&quotes, &zero);

	if (rc || !q)
		return NOT_OURS;
	p->quote = q;
	p->src = q->dst;
	p->dst = q->src;
	p->sport = q->dport;
	p->dport = q->sport;
	p->segment_len = p->len;
	pkt_hold(p, PASS_martian, is_martian(p, q->from));
	return 0;
}

/* Classified as the client's, it still comes from whoever sent it: may he, on this link? */
INLINE int quote_sender(struct pkt *p)
{
	if (__builtin_expect(!p->quote, 1))
		return 0;
	if (p->direction == DIRECTION_ORIGINAL)
		p->src = p->quote->from;
	return 0;
}

/* As rewrite(): what could fail was checked before */
INLINE int quote_rewrite(struct pkt *p)
{
	struct quote *q = p->quote;

	q->to = p->to;
	q->to_port = p->to_port;
	q->original = p->direction == DIRECTION_ORIGINAL;
	return plane(p, quote_write) ? -DROP_send_failed : 0;
}

#endif
