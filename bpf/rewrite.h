/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rewrite: headers as they leave. User space computed the address's checksum difference, so both families share the checksum
 * path; the UDP checksum is the plane's, and its last write.
 */
#ifndef WGXDP_REWRITE_H
#define WGXDP_REWRITE_H

#include "plane.h"

/* After resolve nothing here can fail but what was checked before; a packet for which it does is dropped, never sent half. */
INLINE int rewrite(struct pkt *p)
{
	bool original = p->direction == DIRECTION_ORIGINAL;
	struct udphdr *udp = NULL;

	if (p->family == FAMILY_IPV4) {
		struct iphdr *ip = at(p, p->l3, sizeof(*ip));

		if (!ip)
			return -DROP_send_failed;
		if (original)
			ip->daddr = addr_to4(p->to);
		else
			ip->saddr = addr_to4(p->to);
		ip->ttl = p->ttl - 1;
		ip->check = csum_add(ip->check, p->delta + (__u16)~bpf_htons(0x0100));
	} else {
		struct ipv6hdr *ip = at(p, p->l3, sizeof(*ip));

		if (!ip)
			return -DROP_send_failed;
		addr_store(original ? &ip->daddr : &ip->saddr, p->to);
		ip->hop_limit = p->ttl - 1;
	}
	if (!is_later(p)) {		/* which has no UDP header */
		udp = at(p, p->l4, sizeof(*udp));
		if (!udp)
			return -DROP_send_failed;
		if (original)
			udp->dest = p->to_port;
		else
			udp->source = p->to_port;
	}
	plane(p, rewrite_checksum, udp, (__u16)~(original ? p->dport : p->sport) + p->to_port);
	return 0;
}

#endif
