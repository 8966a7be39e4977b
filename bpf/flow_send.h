/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet of a flow on its way out: flows are made, clocks set, headers rewritten. Part of pipeline.h.
 */
#ifndef WGXDP_FLOW_SEND_H
#define WGXDP_FLOW_SEND_H

#include "flow.h"
#include "flow_quote.h"

/* Before anything is remembered or made */
INLINE int flow_admits(struct pkt *p)
{
	p->family = blur(p, p->family);		/* what follows is walked once, however it was found */
	p->leaves = blur(p, p->leaves);
	p->direction = blur(p, p->direction);
	p->l3 = within(blur(p, p->l3), 5);
	p->l4 = within(blur(p, p->l4), 12);
	p->fragment = blur(p, p->fragment);
	p->checksum = blur(p, p->checksum);
	p->segments = blur(p, p->segments);
	if (!p->way || !is_across(p))
		return 0;
	return p->quote ? flow_quote_kind(p->family) : across_admits(p);
}

/* When it is about to be sent: a flow is made, or its clock set, no more than once a second */
INLINE int flow_commit(struct pkt *p)
{
	struct flow *flow = p->flow;
	__u64 now;

	p->l3 = within(blur(p, p->l3), 5);	/* wherever it is by now */
	p->l4 = within(blur(p, p->l4), 12);
	if (!p->way)
		return 0;
	if (p->way->way.is_new)
		return flow_make();
	if (!flow || p->quote)
		return 0;
	flow->packets += p->segments;
	flow->bytes += p->len;
	now = bpf_jiffies64();
	if (now - flow->seen < tick_rate)
		return 0;
	flow->seen = now;
	return flow->armed ? 0 : flow_make();
}

INLINE int flow_rewrite_ip(struct pkt *p, const struct flow_way *way)
{
	if (p->family == FAMILY_IPV4) {
		struct iphdr *ip = at(p, within(p->l3, 5), sizeof(*ip));

		if (!ip)
			return -DROP_send_failed;
		ip->saddr = addr_to4(way->src);
		ip->daddr = addr_to4(way->dst);
		ip->ttl = p->ttl - 1;
		ip->check = csum_add(ip->check, way->delta + (__u16)~bpf_htons(0x0100));
	} else {
		struct ipv6hdr *ip = at(p, within(p->l3, 5), sizeof(*ip));

		if (!ip)
			return -DROP_send_failed;
		addr_store(&ip->saddr, way->src);
		addr_store(&ip->daddr, way->dst);
		ip->hop_limit = p->ttl - 1;
	}
	return 0;
}

/* As rewrite(), both addresses and ports */
INLINE int flow_rewrite(struct pkt *p)
{
	const struct flow_way *way = &p->way->way;
	struct udphdr *udp = NULL;
	int rc;

	if (p->quote)
		return (is_across(p) ? flow_quote_prepare_across() : flow_quote_prepare()) || plane(p, flow_quote) ? -DROP_send_failed : 0;
	if (is_across(p))
		return plane(p, across) ? -DROP_send_failed : 0;
	p->delta = way->delta;
	rc = flow_rewrite_ip(p, way);
	if (rc)
		return rc;
	if (!is_later(p)) {
		udp = at(p, within(p->l4, 12), sizeof(*udp));
		if (!udp)
			return -DROP_send_failed;
		udp->source = way->sport;
		udp->dest = way->dport;
	}
	plane(p, rewrite_checksum, udp, (__u16)~p->sport + way->sport + (__u16)~p->dport + way->dport);
	return 0;
}

#endif
