/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports two kinds of packets for this host to the daemon, if the switch with_hearing is on.
 * verdict calls it for packets that are not ours:
 * - a handshake initiation to a port of our own WireGuard, with a valid mac1. One with a wrong mac1
 *   is not charged to the limit of reports.
 * - a knock: a UDP packet with a TTL or hop limit of 1 to one of KNOCK_PORTS, as traceroute sends
 *   it.
 *
 * The packet is passed up in any case. The daemon verifies what it receives.
 *
 * Runs after verdict() (verdict.h), for packets that the kernel gets next.
 * Reads:  the packet; the maps hearing, links.
 * Writes: s->guard; the maps hear_budget, guard_budget, failed; the ring heard.
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
/* Returns the kind of the packet, or HEARD_KINDS for neither. type: the first word of the message
 * if it has the length of an initiation, otherwise 0. For an initiation, sets *at to the index of
 * the port in struct hearing. */
INLINE __u32 hear_kind(const struct hearing *h, __be16 dport, __u32 ttl, __u32 type, __u32 *at)
{
	for (int i = 0; i < HEAR_PORTS; i++) {
		if (h->ports[i] && h->ports[i] == dport && type == bpf_htonl(1 << 24)) {
			*at = i;
			return HEARD_INITIATION;
		}
		if (h->knocks[i] && ttl <= 1 &&
		    (__u32)(bpf_ntohs(dport) - h->knocks[i]) < KNOCK_PORTS)
			return HEARD_KNOCK;
	}
	return HEARD_KINDS;
}

/* Charges one report to this CPU's budget for the present second. Returns false if the budget is
 * used up. */
INLINE bool hear_take_budget(__u32 kind)
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

struct hear_ip {
	/* IP family, TTL or hop limit, and length of the IP header in bytes. */
	__u32 family, ttl, len;
};

/* Returns false unless the packet is an unfragmented UDP packet without IPv6 extension headers. */
INLINE bool hear_parse(struct hear_ip *ip, const __u8 head[12])
{
	if (head[0] >> 4 == 6 && head[6] == IPPROTO_UDP) {
		*ip = (struct hear_ip){ FAMILY_IPV6, head[7], sizeof(struct ipv6hdr) };
		return true;
	}
	*ip = (struct hear_ip){ FAMILY_IPV4, head[8], (head[0] & 15) * 4 };
	return head[0] >> 4 == 4 && ip->len >= sizeof(struct iphdr) && head[9] == IPPROTO_UDP &&
	       !(head[6] & 0x3f) && !head[7];
}

/* Parses the packet again, because keeping the results of parse() for this would cost stack. l3:
 * offset of the IP header. Returns 1 if the packet is of either kind, with its addresses, ports and
 * message in s->guard; otherwise 0. */
INLINE int hear_read(struct pkt *p, __u32 l3, __u32 ifindex)
{
	struct { __be16 sport, dport, len, check; } udp;
	__u32 zero = 0, type = 0, at = 0, kind, message;
	struct guard_work *s = &p->s->guard;
	const struct hearing *listens = bpf_map_lookup_elem(&hearing, &zero);
	__u8 head[12];
	struct hear_ip ip;

	if (!listens || plane_read(p, l3, head, sizeof(head)) || !hear_parse(&ip, head) ||
	    plane_read(p, l3 + ip.len, &udp, sizeof(udp)))
		return 0;
	message = l3 + ip.len + sizeof(udp);
	if (udp.len == bpf_htons(sizeof(udp) + INITIATION_BYTES))
		plane_read(p, message, &type, sizeof(type));
	kind = hear_kind(listens, udp.dport, ip.ttl, type, &at);
	/* s->message holds the IP header until the message itself is read. */
	if (kind == HEARD_KINDS ||
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
	s->kind = kind == HEARD_INITIATION ? MESSAGE_INITIATION : 0;
	p->s->family = ip.family;
	return kind == HEARD_KNOCK || !plane_read(p, message, s->message, INITIATION_BYTES);
}

INLINE int hear_from_xdp(struct pkt *p)
{
	__u32 l3 = ETH_HLEN;
	__be16 type;

	for (int tags = 0; tags < 3; tags++, l3 += sizeof(struct vlan_tag)) {
		if (plane_read(p, l3 - sizeof(type), &type, sizeof(type)))
			return 0;
		if (!is_vlan(type))
			break;
	}
	return hear_read(p, l3, ((struct xdp_md *)p->ctx)->ingress_ifindex);
}

/* Is called on tc. If XDP did not see the packet, it reads the packet and returns the result of
 * hear_read(). Otherwise it returns 0. */
INLINE int hear_from_tc(struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;
	const struct link *link = link_find(skb->ifindex);

	if (!link || link->flags & (LINK_NATIVE | LINK_GENERIC))
		return 0;
	return hear_read(p, p->s->bare ? 0 : ETH_HLEN, skb->ingress_ifindex);
}

INLINE int hear_packet_step(struct pkt *p)
{
	return p->plane == PLANE_XDP ? hear_from_xdp(p) : hear_from_tc(p);
}
CALLED_STEP(with_hearing, hear_packet)

/* Checks mac1 of the initiation in s->guard with the key of hearing.mac1[s->guard.place]. Returns 0
 * or a reason. */
INLINE int hear_mac1_step(struct pkt_state *state)
{
	struct guard_work *s = &state->guard;
	__u32 zero = 0, at = s->place;
	const struct hearing *h = bpf_map_lookup_elem(&hearing, &zero);
	bool fits;

	s->known = false;
	s->failed = NOT_FAILED;
	s->now = bpf_jiffies64();
	if (!h || at >= HEAR_PORTS || !mac1_begin(s))
		return -DROP_guard_busy;
	s->tried = 1;
	fits = mac1_fits(s, h->mac1[at]);
	mac1_end(s);
	if (fits)
		return 0;
	remember_failed(s->hash, s->now);
	return -DROP_guard_mac1;
}
STATE_STEP(with_hearing, hear_mac1)

/* Reports the packet in s->guard to the daemon. */
INLINE int hear_tell_step(struct pkt_state *state)
{
	struct guard_work *s = &state->guard;
	__u32 kind = s->kind == MESSAGE_INITIATION ? HEARD_INITIATION : HEARD_KNOCK;
	struct heard *h;

	if (!hear_take_budget(kind))
		return 0;
	h = bpf_ringbuf_reserve(&heard, sizeof(*h), 0);
	if (!h)
		return 0;
	h->src = s->client.addr;
	h->dst = s->local;
	h->sport = s->client.port;
	h->dport = s->local_port;
	h->family = state->family;
	h->kind = kind;
	h->pad[0] = h->pad[1] = 0;
	h->ifindex = s->ifindex;
	memcpy(h->message, s->message, INITIATION_BYTES);
	bpf_ringbuf_submit(h, 0);
	return 0;
}
STATE_STEP(with_hearing, hear_tell)

/* Reports the packet if it is one of the two kinds. These are three steps, called one after the
 * other, because each needs much stack. */
INLINE void notify_daemon(struct pkt *p)
{
	if (with_hearing && hear_packet(p) == 1 &&
	    (p->s->guard.kind != MESSAGE_INITIATION || !hear_mac1(p->s)))
		hear_tell(p->s);
}
#endif
