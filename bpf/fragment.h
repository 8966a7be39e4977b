/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fragments: only the first of a datagram has the UDP header. What it tells is remembered for two seconds when it is sent, and
 * a later one that finds it is classified, and goes, like its first. One that does not is nobody's, and goes up.
 */
#ifndef WGXDP_FRAGMENT_H
#define WGXDP_FRAGMENT_H

#include "plane.h"

#define FRAGMENT_SECONDS 2

struct fragment_header {		/* IPv6's, RFC 8200 4.5 */
	__u8 next, zero;
	__be16 offset;
	__be32 id;
};

/* Where it lies */
INLINE __u64 fragment_header(const struct pkt *p, __u64 start)
{
	return p->l3 + ((start - sizeof(struct fragment_header)) & 0x7ff);
}

/* p->fragment, once the way past options or extension headers is known; of IPv6 it says where the piece begins */
INLINE int pull_fragment(struct pkt *p)
{
	const struct fragment_header *h;
	const struct iphdr *ip;
	__u64 start, size, offset;

	if (p->family == FAMILY_IPV4) {
		start = p->l4 - p->l3;
		ip = at(p, p->l3, sizeof(*ip));
		if (!ip)
			return NOT_OURS;
		offset = (bpf_ntohs(ip->frag_off) & 0x1fff) << 3 | (bpf_ntohs(ip->frag_off) & 0x2000) / 0x2000;
		p->fragment = fragment_word(offset, start);
	} else if (p->fragment) {
		start = p->fragment;
		h = at(p, fragment_header(p, start), sizeof(*h));
		if (!h)
			return NOT_OURS;
		offset = bpf_ntohs(h->offset) & 0xfff9;
		p->fragment = fragment_word(offset, start);
	} else {
		return 0;
	}
	size = p->len - start;		/* only a last piece may end anywhere, and none behind 65,535 */
	pkt_hold(p, PASS_malformed, (offset & (1 - is_zero(size & 7))) |
		 ((1 - is_zero((size - 1) >> 16 | ((offset & ~7ULL) + size) >> 16)) & (1 - is_zero(offset))));
	return 0;
}

/* Keys of 48 bytes are made in a map of their own: the stack is small. */
INLINE struct fragment_scratch *fragment_scratch(const struct pkt *p)
{
	bool ipv4 = p->family == FAMILY_IPV4;
	const struct fragment_header *h = at(p, ipv4 ? p->l3 : fragment_header(p, fragment_start(p)), sizeof(*h));
	__u32 zero = 0, id;
	struct fragment_scratch *s;

	if (!h)
		return NULL;
	id = ipv4 ? h->id & bpf_htonl(0xffff0000) : h->id;	/* bytes 4 to 7 of either header */
	s = bpf_map_lookup_elem(&frag_scratch, &zero);
	if (!s)
		return NULL;
	s->key.src = p->src;
	s->key.dst = p->dst;
	s->key.id = id;
	s->key.ifindex = p->ifindex;
	s->key.family = p->family;
	s->key.protocol = IPPROTO_UDP;
	return s;
}

/* In place of a UDP header, for a later fragment: the ports of its first */
INLINE int fragment_find(struct pkt *p)
{
	struct fragment_scratch *s = fragment_scratch(p);
	const struct fragment *first = s ? bpf_map_lookup_elem(&frags, &s->key) : NULL;

	if (!first || bpf_jiffies64() >= first->until)
		return NOT_OURS;
	p->sport = first->sport;
	p->dport = first->dport;
	p->checksum = blur(p, 0);
	p->segment_len = p->len;
	pkt_hold(p, DROP_overlapping_fragment, below(fragment_offset(p), first->end));
	return 0;
}

/* Without a whole UDP header: a first fragment that shows its ports alone is there to fool filters, all else is nobody's. */
INLINE int fragment_tiny(struct pkt *p)
{
	const struct udphdr *udp = at(p, p->l4, offsetof(struct udphdr, len));
	__u64 payload = p->len - (p->l4 - p->l3);

	if (!p->fragment || !udp || payload < offsetof(struct udphdr, len) || payload >= sizeof(*udp))
		return NOT_OURS;
	p->sport = udp->source;
	p->dport = udp->dest;
	p->held = 1ULL << DROP_tiny_fragment;
	return 0;
}

/* When a first fragment is about to be sent. One that says another thing than an earlier one changes nothing. */
INLINE int fragment_remember(const struct pkt *p)
{
	const struct udphdr *udp;
	struct fragment_scratch *s;
	const struct fragment *known;
	__be16 length;
	__u64 now;

	if (__builtin_expect(fragment_offset(p) != 1, 1))
		return 0;
	udp = at(p, p->l4, sizeof(*udp));
	if (!udp)
		return -PASS_fragment;
	length = udp->len;
	now = bpf_jiffies64();
	s = fragment_scratch(p);
	if (!s)
		return -PASS_fragment;
	s->value = (struct fragment){
		.until = now + FRAGMENT_SECONDS * tick_rate, .sport = p->sport, .dport = p->dport,
		.length = length, .end = p->len - fragment_start(p),
	};
	known = bpf_map_lookup_elem(&frags, &s->key);
	if (known && now < known->until)
		return known->sport == p->sport && known->dport == p->dport && known->length == s->value.length &&
		       known->end == s->value.end ? 0 : -DROP_duplicate_fragment;
	/* XDP leaves it to tc where another CPU was faster */
	return bpf_map_update_elem(&frags, &s->key, &s->value, known ? BPF_ANY : BPF_NOEXIST) ? -PASS_fragment : 0;
}

#endif
