/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step enter(), second part: parses Ethernet, IPv4 or IPv6, then UDP, or an ICMP error and the
 * packet that it quotes. Each pull_ function checks one header, stores what later steps need, and
 * returns what follows.
 *
 * Runs after pull_link() (pipeline.h), and before find() (service.h) or site_way().
 * Reads:  the packet; for a later fragment the map frags.
 * Writes: s->family, l4, len, ttl, tos, flowinfo, addresses, ports, checksums, fragment,
 *         pending_reason; s->quote.
 */
#pragma once

#include "fragment/fragment.h"
#include "icmp/icmp.h"

/* Further results of enter(). */
#define IS_ICMP 1		/* result: pull_quote() continues */
#define IS_OVERLAY 2		/* result: site_way() continues */

INLINE int pull_eth(struct pkt *p, __be16 *ret_proto)
{
	const struct ethhdr *eth = at(p, 0, sizeof(*eth));

	if (!eth)
		return NOT_OURS;
	*ret_proto = load_word(__be16, (void *)eth + offsetof(struct ethhdr, h_proto));
	p->s->l3 = sizeof(*eth);
	return 0;
}

/* Skips options, extension headers and fragment headers. type: for IPv4 the header's first byte
 * (version and length), for IPv6 its next header. */
INLINE int pull_rest(struct pkt *p, __u8 type)
{
	p->s->walk.type = type;
	return pull_extensions(p) ?: plane(p, reach) ?: pull_fragment(p);
}

/* Returns 0 if UDP or a later fragment follows, IS_ICMP, or NOT_OURS. */
INLINE int pull_ipv4(struct pkt *p)
{
	const struct iphdr *ip = at(p, p->s->l3, sizeof(*ip));
	__u16 fragment;
	__u8 version_ihl;

	if (!ip)
		return NOT_OURS;
	version_ihl = *(__u8 *)ip;
	fragment = ip->frag_off & bpf_htons(0x3fff);
	if (unlikely(ip->protocol != IPPROTO_UDP) &&
	    (ip->protocol != IPPROTO_ICMP || fragment & bpf_htons(0x1fff)))
		return NOT_OURS;
	p->s->family = p->s->leaves = FAMILY_IPV4;
	p->s->ttl = ip->ttl;
	p->s->tos = ip->tos;
	p->s->len = bpf_ntohs(ip->tot_len);
	p->s->src = addr_from4(ip->saddr);
	p->s->dst = addr_from4(ip->daddr);
	p->s->pseudo = csum_pseudo4(ip->saddr, ip->daddr);
	p->s->l4 = p->s->l3 + sizeof(*ip);
	if (unlikely(ip->protocol != IPPROTO_UDP)) {
		if (fragment)
			pkt_set_pending(p, PASS_fragment);
		return IS_ICMP;
	}
	if (unlikely((version_ihl ^ 0x45) | fragment))
		return pull_rest(p, version_ihl);
	return 0;
}

/* Returns the next header type of the IPv6 header, or NOT_OURS. */
INLINE int pull_ipv6_header(struct pkt *p)
{
	const struct ipv6hdr *ip = at(p, p->s->l3, sizeof(*ip));
	__u8 next;

	if (!ip || *(__u8 *)ip >> 4 != 6)
		return NOT_OURS;
	next = ip->nexthdr;
	p->s->family = p->s->leaves = FAMILY_IPV6;
	p->s->ttl = ip->hop_limit;
	p->s->tos = bpf_ntohs(*(__be16 *)ip) >> 4;
	p->s->flowinfo = *(__be32 *)ip & bpf_htonl(0x0fffffff);
	p->s->len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	p->s->src = addr_load(&ip->saddr);
	p->s->dst = addr_load(&ip->daddr);
	p->s->pseudo = csum_pseudo6(ip);
	p->s->l4 = p->s->l3 + sizeof(*ip);
	return next;
}

INLINE int pull_ipv6(struct pkt *p)
{
	int next = pull_ipv6_header(p);

	if (next < 0)
		return next;
	if (next == IPPROTO_ICMPV6)
		return IS_ICMP;
	return likely(next == IPPROTO_UDP) ? 0 : is_extension(next) ? pull_rest(p, next) : NOT_OURS;
}

/* Reads ports and checksum. If lengths contradict each other, PASS_malformed becomes pending
 * (pkt_set_pending()). A packet without a whole UDP header is ours only if it is a tiny first
 * fragment. */
INLINE int pull_udp(struct pkt *p)
{
	const struct udphdr *udp = at(p, p->s->l4, sizeof(*udp));
	/* Wraps around if the IP packet ends before the UDP header; the next check finds that. */
	__u32 payload = p->s->len - (p->s->l4 - p->s->l3);
	__u32 len;

	if (unlikely(!udp || payload < sizeof(*udp) || payload > 0xffff))
		return fragment_check_tiny(p);
	len = bpf_ntohs(udp->len);
	if (unlikely(len < sizeof(*udp) || (len > payload && !p->s->fragment)))
		pkt_set_pending(p, PASS_malformed);
	p->s->sport = udp->source;
	p->s->dport = udp->dest;
	p->s->checksum = udp->check;
	p->s->partial = csum_compare(udp->check,
				     p->s->pseudo + udp->len + bpf_htons(IPPROTO_UDP));
	p->s->segment_len = p->s->len;
	return 0;
}

/* Parses the headers of a packet. Returns 0 or NOT_OURS. Other faults become pending, because they
 * count only if the packet belongs to a service. */
INLINE int parse(struct pkt *p, __be16 proto)
{
	int rc = proto == bpf_htons(ETH_P_IP) ? pull_ipv4(p) :
		 proto == bpf_htons(ETH_P_IPV6) ? pull_ipv6(p) : NOT_OURS;

	if (unlikely(rc == IS_ICMP))
		rc = pull_quote(p);
	else if (!rc)
		rc = is_later(p) ? fragment_find(p) : pull_udp(p);
	if (!rc && unlikely(!plane(p, whole)))
		pkt_set_pending(p, PASS_malformed);
	return rc;
}
