/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step enter(), for unusual packets: skips IPv4 options and IPv6 extension headers up to UDP.
 * parse.h, icmp/ and relay/policy.h use it. Also reads and writes bytes beyond the reach of at().
 */
#pragma once

#include "step.h"

#define EXTENSIONS_MAX 8	/* most extension headers; RFC 8200 section 4.1 lists seven */
#define EXTENSIONS_LEN 1024		/* longest chain of extension headers, in bytes */
/* Option types of source routes (RFC 791); packets with them are passed up. */
#define OPTION_LSRR 131
#define OPTION_SSRR 137

/* Copies n bytes from offset `off` of the packet. Returns 0 or a negative value. */
INLINE int plane_read(struct pkt *p, __u32 off, void *to, __u32 n)
{
#ifdef WGXDP_HOST
	return host_read(p->ctx, off, to, n);
#else
	return p->plane == PLANE_XDP ? bpf_xdp_load_bytes(p->ctx, off, to, n) :
				       bpf_skb_load_bytes(p->ctx, off, to, n);
#endif
}

/* Writes n bytes at offset `off` of the packet. Returns 0 or a negative value. If off is even, the
 * helper also keeps the skb's checksum (CHECKSUM_COMPLETE) correct. */
INLINE int plane_write(struct pkt *p, __u32 off, const void *from, __u32 n)
{
#ifdef WGXDP_HOST
	return host_write(p->ctx, off, from, n);
#else
	return p->plane == PLANE_XDP ?
		       bpf_xdp_store_bytes(p->ctx, off, (void *)from, n) :
		       bpf_skb_store_bytes(p->ctx, off, from, n, BPF_F_RECOMPUTE_CSUM);
#endif
}

/* Returns the length of the IPv4 header at l3, of which version_ihl is the first byte; 0:
 * malformed, or with source route options. The barrier keeps the position in the map, so that the
 * verifier walks each round of the loop in the same state. */
INLINE __u32 ipv4_walk(struct pkt *p, __u32 l3, __u8 version_ihl)
{
	struct walk *walk = &p->s->walk;
	__u8 option[2];

	walk->fragment = (version_ihl & 15) * 4;
	walk->off = sizeof(struct iphdr);
	if (version_ihl >> 4 != 4 || walk->fragment < sizeof(struct iphdr))
		return 0;
	for (int i = 0; i < 40; i++) {
		barrier();
		if (walk->off >= walk->fragment)
			break;
		if (plane_read(p, l3 + walk->off, option, 2))
			return 0;
		if (!option[0])				/* option 0: the end of the list */
			return walk->fragment;
		if (option[0] == 1) {			/* option 1: no-operation, a single byte */
			walk->off++;
			continue;
		}
		if (option[0] == OPTION_LSRR || option[0] == OPTION_SSRR || option[1] < 2)
			return 0;
		walk->off += option[1];
	}
	return walk->off > walk->fragment ? 0 : walk->fragment;
}

INLINE bool is_extension(__u8 type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_DSTOPTS || type == IPPROTO_ROUTING ||
	       type == IPPROTO_FRAGMENT;
}

/* Skips one extension header. Returns 1 if another may follow, 0 at the end, or NOT_OURS. */
INLINE int ipv6_walk_one(struct pkt *p, struct walk *walk)
{
	bool fragment = walk->type == IPPROTO_FRAGMENT, later;
	__u8 h[4];

	if (walk->off >= EXTENSIONS_LEN || plane_read(p, walk->from + walk->off, h, 4))
		return NOT_OURS;
	later = fragment && (h[2] || h[3] & 0xf8);
	if (walk->type == IPPROTO_ROUTING && h[3])	/* the routing header has segments left */
		return NOT_OURS;
	walk->off += fragment ? 8 : 8 + h[1] * 8;
	/* If neither, it is an atomic fragment, that is a whole packet. */
	if (later || (fragment && h[3] & 1)) {
		if (walk->fragment)
			return NOT_OURS;	/* a fragment within a fragment */
		walk->fragment = walk->off;
	}
	if (later)
		return 0;
	walk->type = h[0];
	return is_extension(h[0]);
}

/* Walks the extension headers behind the IPv6 header at s->walk.from; s->walk.type is the first
 * one's type. Returns 0, or NOT_OURS if they are too many, too long or truncated. */
INLINE int ipv6_walk_step(struct pkt *p)
{
	struct walk *walk = &p->s->walk;
	int rc;

	walk->off = sizeof(struct ipv6hdr);
	walk->fragment = 0;
	if (!is_extension(walk->type))
		return 0;
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		barrier();
		rc = ipv6_walk_one(p, walk);
		if (rc <= 0)
			return rc;
	}
	return NOT_OURS;
}
CALLED_STEP(true, ipv6_walk)

/* Sets s->l4 to the UDP header, or to the payload of a later fragment. Sets s->fragment, which
 * pull_fragment() completes. s->walk.type: the first byte of an IPv4 header, or IPv6's next
 * header. */
INLINE int pull_extensions_step(struct pkt *p)
{
	struct walk *walk = &p->s->walk;
	__u32 len;

	if (p->s->family == FAMILY_IPV4) {
		len = ipv4_walk(p, p->s->l3, walk->type);
		p->s->l4 = p->s->l3 + len;
		return len ? 0 : NOT_OURS;
	}
	walk->from = p->s->l3;
	if (ipv6_walk(p) || walk->off > EXTENSIONS_LEN + sizeof(struct ipv6hdr) ||
	    (walk->type != IPPROTO_UDP && walk->type != IPPROTO_FRAGMENT))
		return NOT_OURS;
	p->s->l4 = p->s->l3 + walk->off;
	p->s->fragment = walk->fragment;
	return 0;
}
CALLED_STEP(true, pull_extensions)
