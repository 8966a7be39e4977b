/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * parse: Ethernet → IPv4 | IPv6 → UDP, or an ICMP error and what it quotes. Each pull_ checks its header, keeps what later
 * steps need, and says where the next one begins. Options and extension headers are rare: a global function walks them; so are
 * fragments (fragment.h).
 */
#ifndef WGXDP_PARSE_H
#define WGXDP_PARSE_H

#include "fragment.h"
#include "icmp.h"

INLINE int pull_eth(struct pkt *p, __be16 *ret_proto)
{
	const struct ethhdr *eth = at(p, 0, sizeof(*eth));

	if (!eth)
		return NOT_OURS;
	*ret_proto = load_word(__be16, (void *)eth + offsetof(struct ethhdr, h_proto));
	p->l3 = sizeof(*eth);
	return 0;
}

/* What few packets have: options, extension headers, and being a fragment. first: IPv4's byte of version and length, or IPv6's
 * next header */
INLINE int pull_rest(struct pkt *p, __u8 first)
{
	return plane(p, pull_extensions, first) ?: pull_fragment(p);
}

INLINE int pull_ipv4(struct pkt *p)
{
	const struct iphdr *ip = at(p, p->l3, sizeof(*ip));
	__u16 fragment;
	__u8 version_ihl;

	if (!ip)
		return NOT_OURS;
	version_ihl = *(__u8 *)ip;
	fragment = ip->frag_off & bpf_htons(0x3fff);
	if (ip->protocol != IPPROTO_UDP && (ip->protocol != IPPROTO_ICMP || fragment & bpf_htons(0x1fff)))
		return NOT_OURS;
	p->family = p->leaves = FAMILY_IPV4;
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	p->len = bpf_ntohs(ip->tot_len);
	p->src = addr_from4(ip->saddr);
	p->dst = addr_from4(ip->daddr);
	p->pseudo = csum_pseudo4(ip->saddr, ip->daddr);
	p->l4 = p->l3 + sizeof(*ip);
	if (ip->protocol != IPPROTO_UDP) {
		pkt_hold(p, PASS_fragment, !!fragment);
		return IS_ICMP;
	}
	if (__builtin_expect((version_ihl ^ 0x45) | fragment, 0))
		return pull_rest(p, version_ihl);
	return 0;
}

/* The type of the header behind it, or NOT_OURS */
INLINE int pull_ipv6_header(struct pkt *p)
{
	const struct ipv6hdr *ip = at(p, p->l3, sizeof(*ip));
	__u8 next;

	if (!ip || *(__u8 *)ip >> 4 != 6)
		return NOT_OURS;
	next = ip->nexthdr;
	p->family = p->leaves = FAMILY_IPV6;
	p->ttl = ip->hop_limit;
	p->tos = bpf_ntohs(*(__be16 *)ip) >> 4;
	p->len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	p->src = addr_load(&ip->saddr);
	p->dst = addr_load(&ip->daddr);
	p->pseudo = csum_pseudo6(ip);
	p->l4 = p->l3 + sizeof(*ip);
	return next;
}

INLINE int pull_ipv6(struct pkt *p)
{
	int next = pull_ipv6_header(p);

	if (next < 0)
		return next;
	if (next == IPPROTO_ICMPV6)
		return IS_ICMP;
	if (next != IPPROTO_UDP)
		return pull_rest(p, next);
	return 0;
}

INLINE int pull_udp(struct pkt *p)
{
	const struct udphdr *udp;
	__u64 payload, len, wrong;

	udp = at(p, p->l4, sizeof(*udp));
	if (!udp)
		return fragment_tiny(p);
	len = bpf_ntohs(udp->len);
	payload = p->len - (p->l4 - p->l3);	/* far too large where there is none */
	if (payload - sizeof(*udp) > 0xffff)
		return fragment_tiny(p);
	/* below a header, or, where it is all there, above the payload */
	wrong = (len - sizeof(*udp)) | ((payload - len) & (p->fragment - 1));
	opaque(wrong);
	pkt_hold(p, PASS_malformed, wrong >> 63);
	p->sport = udp->source;
	p->dport = udp->dest;
	p->checksum = udp->check;
	p->partial = csum_compare(udp->check, p->pseudo + udp->len + bpf_htons(IPPROTO_UDP));
	p->segment_len = p->len;
	return 0;
}

/* 0 or NOT_OURS; what is wrong with a packet that may be ours is held */
INLINE int parse(struct pkt *p, __be16 proto)
{
	int rc = proto == bpf_htons(ETH_P_IP) ? pull_ipv4(p) :
		 proto == bpf_htons(ETH_P_IPV6) ? pull_ipv6(p) : NOT_OURS;

	if (rc == IS_ICMP) {
		rc = pull_quote(p);
	} else if (!rc) {
		p->l4 = p->l3 + (blur(p, p->l4 - p->l3) & 0x7ff);
		rc = is_later(p) ? fragment_find(p) : pull_udp(p);
	}
	if (!rc)
		pkt_hold(p, PASS_malformed, !plane(p, whole));
	return rc;
}

#endif
