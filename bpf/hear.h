/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hear: of what is for this host itself, and goes up untouched whatever happens here, the daemon is told two things: a handshake
 * initiation that came to the port of our own WireGuard, and a knock: UDP with a TTL or hop limit of 1 to one of KNOCK_PORTS, which
 * is what traceroute sends. Only where the switch with_hearing is on. Nothing is believed: the daemon checks.
 */
#ifndef WGXDP_HEAR_H
#define WGXDP_HEAR_H

#include "maps.h"

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

/* l3, l4: where the headers are. load(ctx, off, to, n) as bpf_skb_load_bytes. */
#define HEAR(name, context, load) \
	__attribute__((noinline)) int name(context *ctx, __u32 l3, __u32 l4, __u32 family, __u32 ttl) \
	{ \
		struct { __be16 sport, dport, len, check; } udp; \
		__u32 zero = 0, type = 0, kind, n = family == FAMILY_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr); \
		const struct hearing *listens = bpf_map_lookup_elem(&hearing, &zero); \
		struct heard *h; \
		\
		if (!listens || load(ctx, l4, &udp, sizeof(udp))) \
			return 0; \
		if (udp.len == bpf_htons(sizeof(udp) + INITIATION_BYTES)) \
			load(ctx, l4 + sizeof(udp), &type, sizeof(type)); \
		kind = hear_kind(listens, udp.dport, ttl, type); \
		if (kind == HEARD_KINDS || !hear_may(kind)) \
			return 0; \
		h = bpf_ringbuf_reserve(&heard, sizeof(*h), 0); \
		if (!h) \
			return 0; \
		/* the header's room is the message's until that is loaded */ \
		if (load(ctx, l3, h->message, n & 63) || n > INITIATION_BYTES) { \
			bpf_ringbuf_discard(h, 0); \
			return 0; \
		} \
		hear_addresses(h, h->message, family); \
		h->sport = udp.sport; \
		h->dport = udp.dport; \
		h->family = family; \
		h->kind = kind; \
		h->pad[0] = h->pad[1] = 0; \
		h->ifindex = HEAR_IFINDEX(ctx); \
		if (kind == HEARD_INITIATION && load(ctx, l4 + sizeof(udp), h->message, INITIATION_BYTES)) { \
			bpf_ringbuf_discard(h, 0); \
			return 0; \
		} \
		bpf_ringbuf_submit(h, 0); \
		return 0; \
	}

#define HEAR_IFINDEX(ctx) ((ctx)->ingress_ifindex)
HEAR(xdp_hear, struct xdp_md, bpf_xdp_load_bytes)
HEAR(tc_hear, struct __sk_buff, bpf_skb_load_bytes)

/* Of a packet of nobody's; tc hears what XDP did not see */
INLINE void hear(const struct pkt *p)
{
	if (!with_hearing || !p->dport || p->quote || p->fragment)
		return;
	if (p->plane == PLANE_XDP)
		xdp_hear(p->ctx, p->l3, p->l4, p->family, p->ttl);
	else if (!(p->link->flags & (LINK_NATIVE | LINK_GENERIC)))
		tc_hear(p->ctx, p->l3, p->l4, p->family, p->ttl);
}
#endif

#endif
