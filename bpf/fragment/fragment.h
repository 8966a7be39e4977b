/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The steps enter() and ready(), for fragments. Each is forwarded by itself, without reassembly.
 * Only the first fragment of a datagram has the UDP header. When it is sent, the map `frags`
 * remembers its ports for two seconds. A later fragment with such an entry is handled like its
 * first one; a later fragment without one is passed up. (too_big.h and make.h fragment packets that
 * exceed the MTU.)
 *
 * Runs after pull_extensions() (extensions.h) and before find(); and in ready().
 * Reads:  s->family, l3, l4, len; the map frags.
 * Writes: s->fragment, ports, pending_reason, datagram, learned; in ready the map frags.
 */
#pragma once

#include "learned_steps.h"
#include "plane/plane.h"

LEARNED_FIND(true, frags, FRAGMENT_SECONDS)
LEARNED_STORE(true, frags, FRAGMENT_SECONDS)

struct fragment_header {		/* IPv6 fragment header, RFC 8200 section 4.5 */
	__u8 next, zero;
	__be16 offset;
	__be32 id;
};

/* Returns the offset of the fragment header whose payload starts at `start`. */
INLINE __u32 fragment_header_at(const struct pkt *p, __u32 start)
{
	return p->s->l3 + ((start - sizeof(struct fragment_header)) & 0x7ff);
}

/* Completes s->fragment, after options or extension headers were skipped. For IPv6, s->fragment
 * holds the offset of the payload or 0 until then. */
INLINE int pull_fragment(struct pkt *p)
{
	const struct fragment_header *h;
	const struct iphdr *ip;
	__u32 start = p->s->fragment, size, offset;

	if (p->s->family == FAMILY_IPV4) {
		start = p->s->l4 - p->s->l3;
		ip = at(p, p->s->l3, sizeof(*ip));
		if (!ip)
			return NOT_OURS;
		offset = (bpf_ntohs(ip->frag_off) & 0x1fff) << 3 |
			 (bpf_ntohs(ip->frag_off) & 0x2000) / 0x2000;
	} else if (start) {
		h = at(p, fragment_header_at(p, start), sizeof(*h));
		if (!h)
			return NOT_OURS;
		offset = bpf_ntohs(h->offset) & 0xfff9;
	} else {
		return 0;
	}
	p->s->fragment = fragment_word(offset, start);
	/* May wrap around below 0; the next check finds that. */
	size = p->s->len - start;
	/* All fragments except the last one have a multiple of 8 bytes, and none ends beyond
	 * 65,535. */
	if ((offset & 1 && size & 7) ||
	    (offset && (size - 1 > 0xffff || (offset & ~7U) + size > 0xffff)))
		pkt_set_pending(p, PASS_malformed);
	return 0;
}

/* Sets s->learned.key for the datagram to which the fragment belongs. Returns false if the header
 * is not in the linear part. */
INLINE bool fragment_set_key(struct pkt *p)
{
	bool ipv4 = p->s->family == FAMILY_IPV4;
	const struct fragment_header *h =
		at(p, ipv4 ? p->s->l3 : fragment_header_at(p, fragment_start(p)), sizeof(*h));
	struct fragment_key *key = &learned_key(p->s)->fragment;

	if (!h)
		return false;
	key->src = p->s->src;
	key->dst = p->s->dst;
	/* Identification: bytes 4 to 7 of the IPv4 header, or of the fragment header. */
	key->id = p->s->datagram = ipv4 ? h->id & bpf_htonl(0xffff0000) : h->id;
	key->ifindex = p->s->ifindex;
	return true;
}

/* Gives a later fragment the ports of the first fragment. Returns 0 or NOT_OURS. */
INLINE int fragment_find(struct pkt *p)
{
	const struct fragment *first = &p->s->learned.value.fragment;

	if (!fragment_set_key(p) || !frags_find(p->s))
		return NOT_OURS;
	p->s->sport = first->sport;
	p->s->dport = first->dport;
	p->s->checksum = 0;
	p->s->segment_len = p->s->len;
	if (fragment_offset(p) < first->end)
		pkt_set_pending(p, DROP_overlapping_fragment);
	return 0;
}

/* Handles a packet without a whole UDP header. If it is a first fragment that ends behind the
 * ports, it may be meant to evade filters (RFC 1858), so tiny_fragment becomes pending. Any other
 * packet is not ours. */
INLINE int fragment_check_tiny(struct pkt *p)
{
	const struct udphdr *udp = at(p, p->s->l4, offsetof(struct udphdr, len));
	__u32 payload = p->s->len - (p->s->l4 - p->s->l3);

	if (!p->s->fragment || !udp || payload < offsetof(struct udphdr, len) ||
	    payload >= sizeof(*udp))
		return NOT_OURS;
	p->s->sport = udp->source;
	p->s->dport = udp->dest;
	p->s->pending_reason = DROP_tiny_fragment;
	return 0;
}

/* Called when a first fragment is about to be sent: remembers it, instead of an earlier first
 * fragment of the same datagram. Either of them may be forged, so neither has precedence. */
INLINE int fragment_remember(struct pkt *p)
{
	struct fragment *value;

	if (likely(fragment_offset(p) != 1))
		return 0;
	value = &learned_value(p->s, LEARNED_HALF, FRAGMENT_SECONDS)->fragment;
	value->sport = p->s->sport;
	value->dport = p->s->dport;
	value->end = p->s->len - fragment_start(p);
	/* If another CPU is writing the entry, XDP leaves the packet to tc. */
	return fragment_set_key(p) && frags_store(p->s) ? 0 : -PASS_fragment;
}
