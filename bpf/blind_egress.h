/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What leaves by the blind relay's link with its port: our own WireGuard's. Indices that it gives out are learnt, and the next data for a
 * site that is asked whether it has moved goes, as a copy, where that seems to be now. What is sent stays as it is.
 */
#ifndef WGXDP_BLIND_EGRESS_H
#define WGXDP_BLIND_EGRESS_H

#include "blind.h"

#define COPY_MAX 128			/* bytes of UDP's payload */

struct egress {
	__u32 l3, l4;
	__u8 family;
	__be16 port;			/* of the destination */
	struct addr dst;
};

/* 0: it is UDP from our port */
INLINE int egress_read(struct __sk_buff *ctx, struct egress *e)
{
	const struct link *link = link_find(ctx->ifindex);
	struct iphdr ip4;
	struct ipv6hdr ip6;
	__be16 ports[2];

	e->l3 = link && !(link->flags & LINK_L3) ? ETH_HLEN : 0;
	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(ctx, e->l3, &ip4, sizeof(ip4)) || ip4.protocol != IPPROTO_UDP || ip4.frag_off & bpf_htons(0x3fff))
			return -1;
		e->family = FAMILY_IPV4;
		e->dst = addr_from4(ip4.daddr);
		e->l4 = e->l3 + ip4.ihl * 4;
	} else {
		if (ctx->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(ctx, e->l3, &ip6, sizeof(ip6)) || ip6.nexthdr != IPPROTO_UDP)
			return -1;
		e->family = FAMILY_IPV6;
		e->dst = addr_load(&ip6.daddr);
		e->l4 = e->l3 + sizeof(ip6);
	}
	if (bpf_skb_load_bytes(ctx, e->l4, ports, sizeof(ports)) || ports[0] != blind_port)
		return -1;
	e->port = ports[1];
	return 0;
}

/* Where e says becomes where `to` says, in header and checksum: 0 or negative */
INLINE int egress_turn(struct __sk_buff *ctx, const struct egress *e, const struct addr *to, __be16 port)
{
	__u32 at = e->l3 + (e->family == FAMILY_IPV4 ? offsetof(struct iphdr, daddr) : offsetof(struct ipv6hdr, daddr));
	__u32 check = e->l4 + offsetof(struct udphdr, check), size = e->family == FAMILY_IPV4 ? sizeof(__be32) : sizeof(struct addr);
	__be32 old4 = addr_to4(e->dst), new4 = addr_to4(*to);
	__s64 diff = bpf_csum_diff((__be32 *)&e->dst, sizeof(e->dst), (__be32 *)to, sizeof(*to), 0);

	if (e->family == FAMILY_IPV4 && bpf_l3_csum_replace(ctx, e->l3 + offsetof(struct iphdr, check), old4, new4, sizeof(new4)))
		return -1;
	bpf_l4_csum_replace(ctx, check, 0, diff, BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR);
	bpf_l4_csum_replace(ctx, check, e->port, port, BPF_F_MARK_MANGLED_0 | sizeof(port));
	if (size == sizeof(__be32) ? bpf_skb_store_bytes(ctx, at, &new4, sizeof(new4), 0) : bpf_skb_store_bytes(ctx, at, to, sizeof(*to), 0))
		return -1;
	return bpf_skb_store_bytes(ctx, e->l4 + sizeof(port), &port, sizeof(port), 0);
}

/* The MACs of the way to `to` */
INLINE int egress_macs(struct __sk_buff *ctx, const struct egress *e, const struct addr *to)
{
	struct bpf_fib_lookup fib = { .family = e->family, .l4_protocol = IPPROTO_UDP, .ifindex = ctx->ifindex };
	int rc;

	if (!e->l3)
		return 0;
	if (e->family == FAMILY_IPV4)
		fib.ipv4_dst = addr_to4(*to);
	else
		addr_store(fib.ipv6_dst, *to);
	rc = bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_OUTPUT);
	return rc || bpf_skb_store_bytes(ctx, 0, fib.dmac, ETH_ALEN, 0);
}

/* Data for a site that is asked: a copy of it, once, and no longer than what somebody else may have sent to be sent it */
INLINE void egress_copy(struct __sk_buff *ctx, struct egress *e, struct blind_site *site, __u64 now)
{
	struct egress there = *e;
	__u8 mac[ETH_ALEN];

	if (!site->asked || now - site->challenged > 3 * tick_rate || ctx->len > e->l4 + sizeof(struct udphdr) + COPY_MAX ||
	    __sync_val_compare_and_swap(&site->asked, 1, 0) != 1)
		return;
	there.dst = site->candidate;
	there.port = site->candidate_port;
	if (bpf_skb_load_bytes(ctx, 0, mac, sizeof(mac)))
		return;
	if (!egress_turn(ctx, e, &there.dst, there.port) && !egress_macs(ctx, e, &there.dst))
		bpf_clone_redirect(ctx, ctx->ifindex, 0);
	egress_turn(ctx, &there, &e->dst, e->port);
	if (e->l3)
		bpf_skb_store_bytes(ctx, 0, mac, sizeof(mac), 0);
}

INLINE void blind_egress(struct __sk_buff *ctx)
{
	struct blind_scratch *s = blind_scratch_find();
	struct egress e = { 0 };
	struct blind_site *site;
	__le32 head[2];
	__u32 kind;

	if (!s || egress_read(ctx, &e) || bpf_skb_load_bytes(ctx, e.l4 + sizeof(struct udphdr), head, sizeof(head)))
		return;
	s->now = bpf_jiffies64();
	s->to = blind_site_at(e.dst, e.family, e.port);
	s->index = head[1];
	kind = from_le32(head[0]);
	if (kind == MESSAGE_INITIATION || kind == MESSAGE_RESPONSE) {
		if (s->to && session_value(s->to, s->index, s->now))
			return;			/* of a site, forwarded by the tc plane */
		s->key = BLIND_KEY(0, s->index);
		s->value = BLIND_VALUE(s->now + BLIND_LONGEST_SECONDS * tick_rate, 0, BLIND_CONFIRMED);
		session_put(s);
	} else if (kind == MESSAGE_DATA && s->to && !hint_value(s->index, s->now)) {	/* of a site, forwarded by the tc plane */
		site = bpf_map_lookup_elem(&blind_sites, &s->to);
		if (site)
			egress_copy(ctx, &e, site, s->now);
	}
}

#endif
