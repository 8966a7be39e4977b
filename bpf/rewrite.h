/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step leave(), for a packet without a flow: rewrites one address, one port, the TTL and the
 * checksums. User space has computed the checksum difference of the addresses, so IPv4 and IPv6
 * share this code. (flow/flow.h rewrites the packets of flows.)
 *
 * Runs after ready() (pipeline.h), and before the plane's send.
 * Reads:  s->service, direction, ttl, l3, l4.
 * Writes: the packet. The plane updates the UDP checksum, as the last write.
 */
#pragma once

#include "plane/plane.h"

/* Rewrites the packet. Fails only if headers that resolve() saw are gone. After a failure the
 * packet is dropped, because it may be half rewritten. */
INLINE int rewrite(struct pkt *p)
{
	bool original = p->s->direction == DIRECTION_ORIGINAL;
	struct addr to = addr_load(&p->s->service.to);
	struct udphdr *udp = NULL;

	if (p->s->family == FAMILY_IPV4) {
		struct iphdr *ip = at(p, p->s->l3, sizeof(*ip));

		if (unlikely(!ip))
			return -DROP_send_failed;
		if (original)
			ip->daddr = addr_to4(to);
		else
			ip->saddr = addr_to4(to);
		ip->ttl = p->s->ttl - 1;
		ip->check = csum_add(ip->check, p->s->service.delta + (__u16)~bpf_htons(0x0100));
	} else {
		struct ipv6hdr *ip = at(p, p->s->l3, sizeof(*ip));

		if (unlikely(!ip))
			return -DROP_send_failed;
		addr_store(original ? &ip->daddr : &ip->saddr, to);
		ip->hop_limit = p->s->ttl - 1;
	}
	if (!is_later(p)) {
		udp = at(p, p->s->l4, sizeof(*udp));
		if (unlikely(!udp))
			return -DROP_send_failed;
		if (original)
			udp->dest = p->s->service.port;
		else
			udp->source = p->s->service.port;
	}
	plane(p, rewrite_checksum, udp,
	      (__u16)~(original ? p->s->dport : p->s->sport) + p->s->service.port);
	return 0;
}
