/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * IPv4 options and IPv6 extension headers: the way past them to UDP. Written once; each plane wraps it in a global function,
 * so that the verifier walks it once and not on every path of the pipeline.
 */
#ifndef WGXDP_EXTENSIONS_H
#define WGXDP_EXTENSIONS_H

#include "pkt.h"

#define EXTENSIONS_MAX 8		/* IPv6 headers passed by: RFC 8200 4.1 names seven */
#define EXTENSIONS_LEN 1024		/* bytes passed by */
#define EXTENSION_FRAGMENT (1 << 16)	/* in the answer, times: where the piece behind a fragment header begins */
#define OPTION_LSRR 131			/* RFC 791: source routes are not for us to follow */
#define OPTION_SSRR 137

/* plane_read(): n bytes of the packet from off on; 0 or negative. The plane is a constant. */
INLINE int plane_read(void *ctx, enum plane plane, __u32 off, void *to, __u32 n)
{
#ifdef WGXDP_HOST
	return host_read(ctx, off, to, n);
#else
	return plane == PLANE_XDP ? bpf_xdp_load_bytes(ctx, off, to, n) : bpf_skb_load_bytes(ctx, off, to, n);
#endif
}

/* The length of the IPv4 header at l3, or 0 where it is none or has options that a router must act upon */
INLINE int ipv4_walk(void *ctx, enum plane plane, __u32 l3, __u8 version_ihl)
{
	__u32 len = (version_ihl & 15) * 4, off = sizeof(struct iphdr);

	if (version_ihl >> 4 != 4 || len < sizeof(struct iphdr))
		return 0;
	for (int i = 0; i < 40 && off < len; i++) {
		__u8 option[2] = { 0, 0 };
		__u64 single, bad;

		if (plane_read(ctx, plane, l3 + off, option, 2))
			return 0;
		if (!option[0])				/* end of the list */
			break;
		single = is_zero(option[0] ^ 1);	/* no operation */
		bad = is_zero(option[0] ^ OPTION_LSRR) | is_zero(option[0] ^ OPTION_SSRR) | below(option[1], 2);
		if (bad & ~single)
			return 0;
		off += single + (1 - single) * option[1];
	}
	if (off > len)
		return 0;
	return len;
}

INLINE __u64 is_extension(__u8 type)
{
	return is_zero(type ^ IPPROTO_HOPOPTS) | is_zero(type ^ IPPROTO_DSTOPTS) | is_zero(type ^ IPPROTO_ROUTING) |
	       is_zero(type ^ IPPROTO_FRAGMENT);
}

/* The offset from l3 of the header behind extension headers of which the first is of type *next, which becomes its type; of a
 * later fragment that of its piece, and *next is IPPROTO_FRAGMENT; with EXTENSION_FRAGMENT times the offset of a piece. Or 0: cut
 * short, too many, a fragment of a fragment, or a route with segments left. */
INLINE int ipv6_walk(void *ctx, enum plane plane, __u32 l3, __u8 *next)
{
	__u32 off = sizeof(struct ipv6hdr), piece = 0;
	__u8 type = *next;

	if (!is_extension(type))
		return off;
	for (int i = 0; i < EXTENSIONS_MAX && off < EXTENSIONS_LEN; i++) {
		__u8 h[4] = { 0 };
		__u64 is_fragment = is_zero(type ^ IPPROTO_FRAGMENT), is_route = is_zero(type ^ IPPROTO_ROUTING), later, is_piece;

		if (plane_read(ctx, plane, l3 + off, h, 4))
			return 0;
		later = is_fragment & (1 - is_zero(h[2] | (h[3] & 0xf8)));
		is_piece = later | (is_fragment & h[3]);	/* else an atomic fragment, which is whole */
		if ((is_route & (1 - is_zero(h[3]))) | (is_piece & (1 - is_zero(piece))))
			return 0;
		off += 8 + (1 - is_fragment) * h[1] * 8;
		piece += (is_piece & 1) * off;
		type = h[0];
		if (later || !is_extension(type)) {
			*next = later ? IPPROTO_FRAGMENT : type;
			return off | piece * EXTENSION_FRAGMENT;
		}
	}
	return 0;
}

/* The same to UDP, or past IPv4's options. first: IPv4's byte of version and length, or IPv6's next header */
INLINE int extensions_walk(void *ctx, enum plane plane, __u32 l3, __u32 family, __u32 first)
{
	__u8 next = first;
	int answer;

	if (family == FAMILY_IPV4)
		return ipv4_walk(ctx, plane, l3, first);
	answer = ipv6_walk(ctx, plane, l3, &next);
	return next == IPPROTO_UDP || next == IPPROTO_FRAGMENT ? answer : 0;
}

/* What the walk's answer means to the packet */
INLINE int extensions_take(struct pkt *p, int answer)
{
	__u32 off = answer & 0xffff;

	if (answer <= 0 || off > EXTENSIONS_LEN + sizeof(struct ipv6hdr))
		return NOT_OURS;
	p->fragment = answer / EXTENSION_FRAGMENT;	/* pull_fragment() makes it whole */
	p->l4 = p->l3 + off;
	return 0;
}

#endif
