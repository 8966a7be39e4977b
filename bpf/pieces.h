/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How a packet becomes pieces: stashed, each piece is written over it in turn, and all but the last go as clones of it. Part of
 * cut.h. The loops' state is in a map: the verifier so walks each once.
 */
#ifndef WGXDP_PIECES_H
#define WGXDP_PIECES_H

#include "fragment.h"
#include "icmp.h"

#define IP_MF bpf_htons(0x2000)
#define OPTIONS_MAX 40

#ifdef WGXDP_HOST
/* Who wants to see clones */
static void (*host_cloned)(const struct host_packet *packet, __u32 egress) __attribute__((unused));

INLINE int bpf_skb_change_tail(struct host_packet *packet, __u32 len, __u64 flags)
{
	packet->len = packet->linear = len;
	return 0;
}

INLINE int bpf_clone_redirect(struct host_packet *packet, __u32 ifindex, __u64 flags)
{
	if (host_cloned)
		host_cloned(packet, ifindex);
	return host_send_fails ? -ENOMEM : 0;
}

#define bpf_loop(n, step, context, flags) for (__u32 i_ = 0; i_ < (n) && !step(i_, context); i_++)
#endif

/* n as it is, from 1 to most, a power of 2: 6.1's verifier learns nothing from a comparison with 0 */
INLINE __u32 bounded(__u32 n, __u32 most)
{
	opaque(n);
	return ((n - 1) & (most - 1)) + 1;
}

/* Options that are not to be copied (RFC 791 3.1) become no operations, as the kernel does it: byte i of them */
static long cut_option(__u32 i, void *none)
{
	__u32 zero = 0, at = sizeof(struct iphdr) + i, shift = i & 1 ? 0 : 8;
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);
	__u8 option;

	if (!c || i >= OPTIONS_MAX || at >= c->header)
		return 1;
	option = c->ip[1][at];
	if (at == c->option) {
		if (!option)			/* end of the list */
			return 1;
		c->option_goes = !(option >> 7);
		c->option += option == 1 ? 1 : c->ip[1][at + 1];
	}
	if (c->option_goes) {
		c->ip[1][at] = 1;
		c->option_delta += (0xffff ^ option << shift) + (1 << shift);
	}
	return 0;
}

INLINE void cut_options(struct pieces *c)
{
	struct iphdr *ip = (void *)c->ip[1];

	if (c->header <= sizeof(*ip) || c->ip[0][0] >> 4 != 4)
		return;
	c->option = sizeof(*ip);
	c->option_delta = 0;
	bpf_loop(OPTIONS_MAX, cut_option, NULL, 0);
	ip->check = csum_add(ip->check, bpf_htons(csum_fold(c->option_delta)));
}

/* The header of the n bytes from start on: RFC 8200 4.5 */
INLINE void cut_header6(const struct pieces *c, struct ipv6hdr *ip, __u32 start, __u32 n, bool more)
{
	struct fragment_header *f = (void *)(ip + 1);

	ip->payload_len = bpf_htons(sizeof(*f) + n);
	f->offset = bpf_htons((c->frag_off + start) | more);
}

INLINE void cut_header(const struct pieces *c, struct iphdr *ip, __u32 start, __u32 n, bool more)
{
	__be16 len = bpf_htons(c->header + n), frag_off = bpf_htons(c->frag_off + start / 8);

	if (more)
		frag_off |= IP_MF;
	ip->check = csum_add(ip->check, (__u16)~ip->tot_len + len + (__u16)~ip->frag_off + frag_off);
	ip->tot_len = len;
	ip->frag_off = frag_off;
}

/* Writes piece i over the packet, and sends it unless it is the last; 0: go on */
static long cut_piece(__u32 i, void **ctx)
{
	__u32 zero = 0, start, step, n, header;
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);
	struct iphdr *ip;

	if (!c)
		return 1;
	header = c->header;
	step = c->step;
	n = c->rest;
	start = c->len - n;
	if (n > step)
		n = step;
	if (start >= PIECES_LEN || !n || n > PIECE_MAX || header < sizeof(*ip) || header > sizeof(*ip) + OPTIONS_MAX)
		return 1;
	if ((!i || n < step) && bpf_skb_change_tail(*ctx, c->l3 + header + n, 0))
		return 1;
	if ((i || c->shift) && plane_write(*ctx, PLANE_TC, c->l3 + header, c->stash + start, bounded(n, PIECE_ROOM)))
		return 1;
	ip = (void *)c->ip[i ? 1 : 0];
	if (ip->version == 6)
		cut_header6(c, (void *)ip, start, n, c->rest > n);
	else
		cut_header(c, ip, start, n, c->rest > n);
	if (plane_write(*ctx, PLANE_TC, c->l3, ip, header))
		return 1;
	if (c->rest == n || c->first_alone) {
		c->rest = 0;
		return 1;
	}
	if (bpf_clone_redirect(*ctx, c->ifindex, 0) < 0)
		return 1;
	c->rest -= n;
	return 0;
}

/* What the header at c->ip[0] says: its length in pieces, where the packet is in its datagram. How many bytes follow it. */
INLINE __u32 cut_read4(struct pieces *c)
{
	const struct iphdr *ip = (void *)c->ip[0];

	c->header = (c->ip[0][0] & 15) * 4;
	c->shift = 0;
	c->frag_off = bpf_ntohs(ip->frag_off);
	return bpf_ntohs(ip->tot_len) - c->header;
}

INLINE __u32 cut_read6(struct pieces *c)
{
	struct ipv6hdr *ip = (void *)c->ip[0];
	struct fragment_header *f = (void *)(ip + 1);
	__u32 len = bpf_ntohs(ip->payload_len);

	c->header = sizeof(*ip) + sizeof(*f);
	c->shift = ip->nexthdr == IPPROTO_FRAGMENT ? 0 : sizeof(*f);
	if (c->shift) {
		f->next = ip->nexthdr;
		f->zero = 0;
		f->offset = 0;
		f->id = c->ident;
		ip->nexthdr = IPPROTO_FRAGMENT;
	}
	c->frag_off = bpf_ntohs(f->offset);
	return len - sizeof(*f) + c->shift;
}

/* From the packet with its headers for the way out to its last piece (or the first, alone); 0 or negative */
INLINE int cut_all(void *ctx, __u32 l3, __u32 step, __u32 ifindex, __u32 first_alone)
{
	__u32 zero = 0, len;
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);

	if (!c || plane_read(ctx, PLANE_TC, l3, c->ip[0], sizeof(struct iphdr) + OPTIONS_MAX))
		return -1;
	len = c->ip[0][0] >> 4 == 6 ? cut_read6(c) : cut_read4(c);
	if (len - 1 >= PIECES_LEN || plane_read(ctx, PLANE_TC, l3 + c->header - c->shift, c->stash, bounded(len, PIECE_ROOM)))
		return -1;
	c->l3 = l3;
	c->len = c->rest = len;
	c->step = step;
	c->ifindex = ifindex;
	c->first_alone = first_alone;
	memcpy(c->ip[1], c->ip[0], sizeof(c->ip[1]));
	cut_options(c);
	bpf_loop(PIECES_LEN / 8, cut_piece, &ctx, 0);
	return c->rest ? -1 : 0;
}

#ifdef WGXDP_HOST
#define tc_cut cut_all
#define tc_reload(p)
#else
__attribute__((noinline)) int tc_cut(struct __sk_buff *ctx, __u32 l3, __u32 step, __u32 ifindex, __u32 first_alone)
{
	return cut_all(ctx, l3, step, ifindex, first_alone);
}
#endif

#endif
