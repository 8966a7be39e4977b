/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hear: of what is for this host itself, and goes up untouched whatever happens here, the daemon is told two things: a handshake
 * initiation that came to the port of our own WireGuard, and a knock: UDP with a TTL or hop limit of 1 to one of KNOCK_PORTS, which
 * is what traceroute sends. Only where the switch with_hearing is on. Nothing is believed: the daemon checks.
 */
#ifndef WGXDP_HEAR_H
#define WGXDP_HEAR_H

#include "extensions.h"
#include "link.h"
#include "vlan.h"

#ifdef WGXDP_HOST
INLINE void hear(const struct pkt *p)
{
}
#else
/* The kind of what this is, or HEARD_KINDS. type: of a message as long as an initiation, or 0 */
INLINE __u32 hear_kind(const struct hearing *h, __be16 dport, __u32 ttl, __u32 type)
{
	for (int i = 0; i < HEAR_PORTS; i++) {
		if (h->ports[i] && h->ports[i] == dport && type == bpf_htonl(1 << 24))
			return HEARD_INITIATION;
		if (h->knocks[i] && ttl <= 1 && (__u32)(bpf_ntohs(dport) - h->knocks[i]) < KNOCK_PORTS)
			return HEARD_KNOCK;
	}
	return HEARD_KINDS;
}

INLINE bool hear_may(__u32 kind)
{
	__u64 second = bpf_jiffies64() / tick_rate;
	__u32 zero = 0;
	struct hear_budget *b = bpf_map_lookup_elem(&hear_budget, &zero);

	if (!b || kind >= HEARD_KINDS)
		return false;
	if (b->second[kind] != second) {
		b->second[kind] = second;
		b->told[kind] = 0;
	}
	return b->told[kind]++ < HEAR_BUDGET;
}

INLINE void hear_addresses(struct heard *h, const void *ip, __u32 family)
{
	h->src = family == FAMILY_IPV4 ? addr_from4(load_word(__be32, ip + 12)) : addr_load(ip + 8);
	h->dst = family == FAMILY_IPV4 ? addr_from4(load_word(__be32, ip + 16)) : addr_load(ip + 24);
}

/* What IP says of itself: 0 where that is no whole UDP datagram, or behind extension headers */
struct hear_ip {
	__u32 family, ttl, len;		/* of the header */
};

INLINE int hear_parse(struct hear_ip *ip, const __u8 head[12])
{
	if (head[0] >> 4 == 6 && head[6] == IPPROTO_UDP) {
		*ip = (struct hear_ip){ FAMILY_IPV6, head[7], sizeof(struct ipv6hdr) };
		return 1;
	}
	*ip = (struct hear_ip){ FAMILY_IPV4, head[8], (head[0] & 15) * 4 };
	return head[0] >> 4 == 4 && ip->len >= sizeof(struct iphdr) && head[9] == IPPROTO_UDP && !(head[6] & 0x3f) && !head[7];
}

/* It looks at the packet anew, for what the pipeline has found out would be kept for this alone. l3: where IP begins */
INLINE int hear_at(void *ctx, enum plane plane, __u32 l3, __u32 ifindex)
{
	struct { __be16 sport, dport, len, check; } udp;
	__u32 zero = 0, type = 0, kind;
	const struct hearing *listens = bpf_map_lookup_elem(&hearing, &zero);
	__u8 head[12];
	struct hear_ip ip;
	struct heard *h;

	if (!listens || plane_read(ctx, plane, l3, head, sizeof(head)) || !hear_parse(&ip, head) ||
	    plane_read(ctx, plane, l3 + ip.len, &udp, sizeof(udp)))
		return 0;
	if (udp.len == bpf_htons(sizeof(udp) + INITIATION_BYTES))
		plane_read(ctx, plane, l3 + ip.len + sizeof(udp), &type, sizeof(type));
	kind = hear_kind(listens, udp.dport, ip.ttl, type);
	if (kind == HEARD_KINDS || !hear_may(kind))
		return 0;
	h = bpf_ringbuf_reserve(&heard, sizeof(*h), 0);
	if (!h)
		return 0;
	/* the header's room is the message's until that is loaded */
	if (plane_read(ctx, plane, l3, h->message, ip.family == FAMILY_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr))) {
		bpf_ringbuf_discard(h, 0);
		return 0;
	}
	hear_addresses(h, h->message, ip.family);
	h->sport = udp.sport;
	h->dport = udp.dport;
	h->family = ip.family;
	h->kind = kind;
	h->pad[0] = h->pad[1] = 0;
	h->ifindex = ifindex;
	if (kind == HEARD_INITIATION && plane_read(ctx, plane, l3 + ip.len + sizeof(udp), h->message, INITIATION_BYTES)) {
		bpf_ringbuf_discard(h, 0);
		return 0;
	}
	bpf_ringbuf_submit(h, 0);
	return 0;
}

__attribute__((noinline)) int xdp_hear(struct xdp_md *ctx)
{
	__u32 l3 = ETH_HLEN;
	__be16 type;

	for (int tags = 0; tags < 3; tags++, l3 += sizeof(struct vlan_tag)) {
		if (plane_read(ctx, PLANE_XDP, l3 - sizeof(type), &type, sizeof(type)))
			return 0;
		if (!is_vlan(type))
			break;
	}
	return hear_at(ctx, PLANE_XDP, l3, ctx->ingress_ifindex);
}

/* Where XDP has not heard it */
INLINE bool tc_hears(const struct __sk_buff *ctx)
{
	const struct link *link = link_find(ctx->ifindex);

	return link && !(link->flags & (LINK_NATIVE | LINK_GENERIC));
}

__attribute__((noinline)) int tc_hear(struct __sk_buff *ctx)
{
	return tc_hears(ctx) && hear_at(ctx, PLANE_TC, ETH_HLEN, ctx->ingress_ifindex);
}

__attribute__((noinline)) int tc_hear_bare(struct __sk_buff *ctx)
{
	return tc_hears(ctx) && hear_at(ctx, PLANE_TC, 0, ctx->ingress_ifindex);
}

/* Of a packet of nobody's; tc hears what XDP did not see */
INLINE void hear(const struct pkt *p)
{
	if (!with_hearing)
		return;
	if (p->plane == PLANE_XDP)
		xdp_hear(p->ctx);
	else
		p->bare ? tc_hear_bare(p->ctx) : tc_hear(p->ctx);
}
#endif

#endif
