/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports two kinds of packets for this host to the daemon, if the switch with_notify is on.
 * verdict calls it for packets that are not ours:
 * - a handshake initiation to a port of our own WireGuard, with a valid mac1. One with a wrong mac1
 *   is not charged to the limit of reports.
 * - a knock: a UDP packet with a TTL or hop limit of 1 to one of KNOCK_PORTS, as traceroute sends
 *   it.
 *
 * The packet is passed up in any case. The daemon verifies what it receives.
 *
 * Runs after verdict() (verdict.h), for packets that the kernel gets next.
 * Reads:  the packet; the maps notify_filter, links.
 * Writes: s->guard; the maps budgets, failed; the ring notifications.
 */
#pragma once

#include "extensions.h"
#include "guard/mac.h"
#include "link.h"
#include "plane/vlan.h"

#ifdef WGXDP_HOST
INLINE void notify_daemon(struct pkt *p)
{
}
#else
/* Returns whether a packet is an initiation or a knock for this host; NOTIFY_KINDS: neither. type:
 * the message's first word if it has an initiation's length, otherwise 0. *at, for an initiation:
 * index of its port in struct notify_filter. */
INLINE __u32 notify_kind(const struct notify_filter *f, __be16 dport, __u32 ttl, __u32 type,
			 __u32 *at)
{
	for (int i = 0; i < NOTIFY_PORTS; i++) {
		if (f->ports[i] && f->ports[i] == dport && type == bpf_htonl(1 << 24)) {
			*at = i;
			return NOTIFY_INITIATION;
		}
		if (f->knocks[i] && ttl <= 1 &&
		    (__u32)(bpf_ntohs(dport) - f->knocks[i]) < KNOCK_PORTS)
			return NOTIFY_KNOCK;
	}
	return NOTIFY_KINDS;
}

/* Charges one report to this CPU's budget for the present second. Returns false if the budget is
 * used up. */
INLINE bool notify_charge(__u32 kind)
{
	__u64 second = bpf_jiffies64() / tick_rate;
	__u32 zero = 0;
	struct budgets *budget = bpf_map_lookup_elem(&budgets, &zero);
	struct notify_budget *b;

	if (!budget || kind >= NOTIFY_KINDS)
		return false;
	b = &budget->notify;
	if (b->second[kind] != second) {
		b->second[kind] = second;
		b->count[kind] = 0;
	}
	return b->count[kind]++ < NOTIFY_BUDGET;
}

struct notify_ip {
	/* ttl: also the hop limit of IPv6. len: of the IP header, in bytes. */
	__u32 family, ttl, len;
};

/* Returns false unless the packet is an unfragmented UDP packet without IPv6 extension headers, and
 * its length has room for the UDP header. */
INLINE bool notify_parse(struct notify_ip *ip, const __u8 head[12])
{
	if (head[0] >> 4 == 6 && head[6] == IPPROTO_UDP) {
		*ip = (struct notify_ip){ FAMILY_IPV6, head[7], sizeof(struct ipv6hdr) };
		return (head[4] << 8 | head[5]) >= sizeof(struct udphdr);
	}
	*ip = (struct notify_ip){ FAMILY_IPV4, head[8], (head[0] & 15) * 4 };
	return head[0] >> 4 == 4 && ip->len >= sizeof(struct iphdr) && head[9] == IPPROTO_UDP &&
	       !(head[6] & 0x3f) && !head[7] &&
	       (head[2] << 8 | head[3]) >= ip->len + sizeof(struct udphdr);
}

/* Parses the packet again, because keeping what parse() found would cost stack. l3: offset of the
 * IP header. Returns 1 if the packet is to be reported, with addresses, ports and message in
 * s->guard; otherwise 0. */
INLINE int notify_read(struct pkt *p, __u32 l3, __u32 ifindex)
{
	struct { __be16 sport, dport, len, check; } udp;
	__u32 zero = 0, type = 0, at = 0, kind, message;
	struct guard_work *s = &p->s->guard;
	const struct notify_filter *filter = bpf_map_lookup_elem(&notify_filter, &zero);
	__u8 head[12];
	struct notify_ip ip;

	if (!filter || plane_read(p, l3, head, sizeof(head)) || !notify_parse(&ip, head) ||
	    plane_read(p, l3 + ip.len, &udp, sizeof(udp)))
		return 0;
	message = l3 + ip.len + sizeof(udp);
	if (udp.len == bpf_htons(sizeof(udp) + INITIATION_BYTES))
		plane_read(p, message, &type, sizeof(type));
	kind = notify_kind(filter, udp.dport, ip.ttl, type, &at);
	/* s->message holds the IP header until the message itself is read. */
	if (kind == NOTIFY_KINDS ||
	    plane_read(p, l3, s->message, ip.family == FAMILY_IPV4 ? sizeof(struct iphdr) :
								     sizeof(struct ipv6hdr)))
		return 0;
	s->local = ip.family == FAMILY_IPV4 ? addr_from4(load_word(__be32, s->message + 16)) :
					      addr_load(s->message + 24);
	s->client.addr = ip.family == FAMILY_IPV4 ? addr_from4(load_word(__be32, s->message + 12)) :
						    addr_load(s->message + 8);
	s->client.port = udp.sport;
	s->local_port = udp.dport;
	s->ifindex = ifindex;
	s->place = at;
	s->kind = kind == NOTIFY_INITIATION ? MESSAGE_INITIATION : 0;
	p->s->family = ip.family;
	return kind == NOTIFY_KNOCK || !plane_read(p, message, s->message, INITIATION_BYTES);
}

INLINE int notify_from_xdp(struct pkt *p)
{
	__u32 l3 = ETH_HLEN;
	__be16 type;

	for (int tags = 0; tags < 3; tags++, l3 += sizeof(struct vlan_tag)) {
		if (plane_read(p, l3 - sizeof(type), &type, sizeof(type)))
			return 0;
		if (!is_vlan(type))
			break;
	}
	return notify_read(p, l3, ((struct xdp_md *)p->ctx)->ingress_ifindex);
}

/* Called on tc. If XDP has not seen the packet, reads it as notify_read() does, and returns its
 * result; otherwise returns 0. */
INLINE int notify_from_tc(struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;
	const struct link *link = link_find(skb->ifindex);

	if (!link || link->flags & (LINK_NATIVE | LINK_GENERIC))
		return 0;
	return notify_read(p, p->s->bare ? 0 : ETH_HLEN, skb->ingress_ifindex);
}

INLINE int notify_packet_step(struct pkt *p)
{
	return p->plane == PLANE_XDP ? notify_from_xdp(p) : notify_from_tc(p);
}
CALLED_STEP(with_notify, notify_packet)

/* Checks mac1 of the initiation in s->guard with the key of notify_filter.mac1[s->guard.place].
 * Returns 0 or a reason. */
INLINE int notify_mac1_step(struct pkt_state *state)
{
	struct guard_work *s = &state->guard;
	__u32 zero = 0, at = s->place;
	const struct notify_filter *f = bpf_map_lookup_elem(&notify_filter, &zero);
	bool fits;

	s->known = false;
	s->failed = NOT_FAILED;
	s->now = bpf_jiffies64();
	if (!f || at >= NOTIFY_PORTS || !mac1_begin(s))
		return -DROP_guard_busy;
	s->tried = 1;
	fits = mac1_fits(s, f->mac1[at]);
	mac1_end(s);
	if (fits)
		return 0;
	remember_failed(s->hash, s->now);
	return -DROP_guard_mac1;
}
STATE_STEP(with_notify, notify_mac1)

/* Reports the packet in s->guard to the daemon. */
INLINE int notify_send_step(struct pkt_state *state)
{
	struct guard_work *s = &state->guard;
	__u32 kind = s->kind == MESSAGE_INITIATION ? NOTIFY_INITIATION : NOTIFY_KNOCK;
	struct notification *n;

	if (!notify_charge(kind))
		return 0;
	n = bpf_ringbuf_reserve(&notifications, sizeof(*n), 0);
	if (!n)
		return 0;
	n->src = s->client.addr;
	n->dst = s->local;
	n->sport = s->client.port;
	n->dport = s->local_port;
	n->family = state->family;
	n->kind = kind;
	n->pad[0] = n->pad[1] = 0;
	n->ifindex = s->ifindex;
	memcpy(n->message, s->message, INITIATION_BYTES);
	bpf_ringbuf_submit(n, 0);
	return 0;
}
STATE_STEP(with_notify, notify_send)

/* Reports an initiation or a knock for this host. The three steps are called one after the other,
 * because each needs much stack. */
INLINE void notify_daemon(struct pkt *p)
{
	if (with_notify && notify_packet(p) == 1 &&
	    (p->s->guard.kind != MESSAGE_INITIATION || !notify_mac1(p->s)))
		notify_send(p->s);
}
#endif
