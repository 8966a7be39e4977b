/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * parse: Ethernet → IPv4 | IPv6 → UDP, or an ICMP error and what it quotes. Each pull_ checks its header, keeps what later
 * steps need, and says where the next one begins. Options and extension headers are rare: a global function walks them.
 */
#ifndef WGXDP_PARSE_H
#define WGXDP_PARSE_H

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

INLINE int pull_ipv4(struct pkt *p)
{
	const struct iphdr *ip = at(p, p->l3, sizeof(*ip));
	__u8 version_ihl;

	if (!ip)
		return NOT_OURS;
	version_ihl = *(__u8 *)ip;
	if (ip->frag_off & bpf_htons(0x1fff))
		return NOT_OURS;
	p->family = FAMILY_IPV4;
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	p->len = bpf_ntohs(ip->tot_len);
	p->src = addr_from4(ip->saddr);
	p->dst = addr_from4(ip->daddr);
	p->pseudo = csum_pseudo4(ip->saddr, ip->daddr);
	pkt_hold(p, PASS_fragment, (bpf_ntohs(ip->frag_off) & 0x2000) / 0x2000);
	p->l4 = p->l3 + sizeof(*ip);
	if (ip->protocol != IPPROTO_UDP)
		return ip->protocol == IPPROTO_ICMP ? IS_ICMP : NOT_OURS;
	if (version_ihl != 0x45)
		return plane(p, pull_extensions, version_ihl);
	return 0;
}

INLINE int pull_ipv6(struct pkt *p)
{
	const struct ipv6hdr *ip = at(p, p->l3, sizeof(*ip));
	__u8 next;

	if (!ip || *(__u8 *)ip >> 4 != 6)
		return NOT_OURS;
	next = ip->nexthdr;
	p->family = FAMILY_IPV6;
	p->ttl = ip->hop_limit;
	p->tos = bpf_ntohs(*(__be16 *)ip) >> 4;
	p->len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	p->src = addr_load(&ip->saddr);
	p->dst = addr_load(&ip->daddr);
	p->pseudo = csum_pseudo6(ip);
	p->l4 = p->l3 + sizeof(*ip);
	if (next == IPPROTO_ICMPV6)
		return IS_ICMP;
	if (next != IPPROTO_UDP)
		return plane(p, pull_extensions, next);
	return 0;
}

INLINE int pull_udp(struct pkt *p)
{
	const struct udphdr *udp;
	__u64 payload, len;

	p->l4 = p->l3 + (blur(p, p->l4 - p->l3) & 0x7ff);
	p->len = blur(p, p->len);
	udp = at(p, p->l4, sizeof(*udp));
	if (!udp)
		return NOT_OURS;
	len = bpf_ntohs(udp->len);
	payload = p->len - (p->l4 - p->l3);	/* far too large where there is none */
	if (payload > 0xffff || payload < sizeof(*udp))
		return NOT_OURS;
	pkt_hold(p, PASS_malformed, below(len, sizeof(*udp)) | (below(payload, len) & ~(p->held >> PASS_fragment)));
	p->sport = udp->source;
	p->dport = udp->dest;
	p->checksum = udp->check;
	p->segment_len = p->len;
	return 0;
}

/* 0 or NOT_OURS; what is wrong with a packet that may be ours is held */
INLINE int parse(struct pkt *p, __be16 proto)
{
	int rc = proto == bpf_htons(ETH_P_IP) ? pull_ipv4(p) :
		 proto == bpf_htons(ETH_P_IPV6) ? pull_ipv6(p) : NOT_OURS;

	rc = rc == IS_ICMP ? pull_quote(p) : rc ?: pull_udp(p);
	if (!rc)
		pkt_hold(p, PASS_malformed, !plane(p, whole));
	return rc;
}

#endif
