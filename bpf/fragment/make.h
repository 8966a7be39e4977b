/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step leave(), tc only: fragments a packet. The step saves the packet's payload, and then
 * writes each fragment over the packet in turn. All fragments except the last leave as clones. The
 * loops keep their state in the map `fragment_area`, so that the verifier walks each loop body
 * once. too_big.h calls make_fragments(). Also flow/nat64.h and icmp/send.h use sum_bytes().
 */
#pragma once

#include "fragment/fragment.h"

#define IP_MF bpf_htons(0x2000)
#define OPTIONS_MAX 40
#define SUM_BYTES 512			/* bytes that one round of bpf_loop() sums */

#ifdef WGXDP_HOST
/* Hook for tests, which is called for each copy of a packet that the program sends. */
HOST_SHARED void (*host_cloned)(const struct host_packet *packet, __u32 egress);

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

INLINE __u64 bpf_csum_diff(const void *none, __u32 zero, const __be32 *of, __u32 size, __u32 seed)
{
	__u64 sum = seed;

	for (; size; size -= 4)
		sum += *of++;
	return sum % 0xffff;
}
#endif

INLINE struct fragment_area *fragment_area_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fragment_area, &zero);
}

/* ---- checksums over more bytes than fit the stack ---- */

/* One round: adds the bytes at offset a->l3, of which a->rest remain, to a->sum. Returns 0 to
 * continue, 1 to stop. */
INLINE long sum_chunk(struct pkt *p)
{
	struct fragment_area *a = fragment_area_find();
	__u32 n;

	if (!a)
		return 1;
	n = a->rest < SUM_BYTES ? a->rest : SUM_BYTES;
	__builtin_memset(a->stash, 0, SUM_BYTES);
	if (!n || plane_read(p, a->l3, a->stash, bounded(n, SUM_BYTES)))
		return 1;
	a->sum += bpf_csum_diff(NULL, 0, (void *)a->stash, SUM_BYTES, 0);
	a->l3 += n;
	a->rest -= n;
	return 0;
}

static long sum_chunk_tc(__u32 i, void **ctx)
{
	struct pkt p = { .ctx = *ctx, .plane = PLANE_TC };

	return sum_chunk(&p);
}

static long sum_chunk_xdp(__u32 i, void **ctx)
{
	struct pkt p = { .ctx = *ctx, .plane = PLANE_XDP };

	return sum_chunk(&p);
}

/* Adds the unfolded sum of len bytes at `off` to *sum. Returns 0 or a negative value. It uses
 * bpf_loop(), because the verifier of Linux 6.1 would walk each round of a plain loop. The callback
 * gets the address of a copy of p->ctx: with that of p->ctx itself, clang would no longer know that
 * p->plane is constant. */
INLINE int sum_bytes(struct pkt *p, __u32 off, __u32 len, __u64 *sum)
{
	struct fragment_area *a = fragment_area_find();
	void *ctx = p->ctx;

	if (!a)
		return -1;
	a->l3 = off;
	a->rest = len;
	a->sum = *sum;
	if (p->plane == PLANE_XDP)
		bpf_loop(FRAGMENTED_LEN / SUM_BYTES, sum_chunk_xdp, &ctx, 0);
	else
		bpf_loop(FRAGMENTED_LEN / SUM_BYTES, sum_chunk_tc, &ctx, 0);
	*sum = a->sum;
	return a->rest ? -1 : 0;
}

/* ---- headers of the fragments ---- */

/* Callback of bpf_loop() for byte i of the options. As in the kernel, options without the copied
 * flag (RFC 791 section 3.1) become no-operations in later fragments. */
static long replace_option(__u32 i, void *none)
{
	struct fragment_area *a = fragment_area_find();
	__u32 at = sizeof(struct iphdr) + i, shift = i & 1 ? 0 : 8;
	__u8 option;

	if (!a || i >= OPTIONS_MAX || at >= a->header)
		return 1;
	option = a->ip[1][at];
	if (at == a->option) {
		if (!option)			/* end of the list */
			return 1;
		a->option_goes = !(option >> 7);
		a->option += option == 1 ? 1 : a->ip[1][at + 1];
	}
	if (a->option_goes) {
		a->ip[1][at] = 1;
		a->option_delta += (0xffff ^ option << shift) + (1 << shift);
	}
	return 0;
}

INLINE void replace_options(struct fragment_area *a)
{
	struct iphdr *ip = (void *)a->ip[1];

	if (a->header <= sizeof(*ip) || a->ip[0][0] >> 4 != 4)
		return;
	a->option = sizeof(*ip);
	a->option_delta = 0;
	bpf_loop(OPTIONS_MAX, replace_option, NULL, 0);
	ip->check = csum_add(ip->check, bpf_htons(csum_fold(a->option_delta)));
}

/* Completes the header of a fragment (RFC 8200 section 4.5) whose n bytes of payload begin at
 * `start`. */
INLINE void complete_header6(const struct fragment_area *a, struct ipv6hdr *ip, __u32 start,
			     __u32 n, bool more)
{
	struct fragment_header *f = (void *)(ip + 1);

	ip->payload_len = bpf_htons(sizeof(*f) + n);
	f->offset = bpf_htons((a->frag_off + start) | more);
}

INLINE void complete_header4(const struct fragment_area *a, struct iphdr *ip, __u32 start,
			     __u32 n, bool more)
{
	__be16 len = bpf_htons(a->header + n), frag_off = bpf_htons(a->frag_off + start / 8);

	if (more)
		frag_off |= IP_MF;
	ip->check = csum_add(ip->check, (__u16)~ip->tot_len + len + (__u16)~ip->frag_off +
					frag_off);
	ip->tot_len = len;
	ip->frag_off = frag_off;
}

/* Writes fragment i over the packet, and sends it unless it is the last one. Returns 0 to continue,
 * 1 to stop. */
static long make_fragment(__u32 i, void **ctx)
{
	struct pkt p = { .ctx = *ctx, .plane = PLANE_TC };
	struct fragment_area *a = fragment_area_find();
	__u32 start, step, n, header;
	struct iphdr *ip;

	if (!a)
		return 1;
	header = a->header;
	step = a->step;
	n = a->rest;
	start = a->len - n;
	if (n > step)
		n = step;
	if (start >= FRAGMENTED_LEN || !n || n > FRAGMENT_MAX || header < sizeof(*ip) ||
	    header > sizeof(*ip) + OPTIONS_MAX)
		return 1;
	if ((!i || n < step) && bpf_skb_change_tail(p.ctx, a->l3 + header + n, 0))
		return 1;
	if ((i || a->shift) &&
	    plane_write(&p, a->l3 + header, a->stash + start, bounded(n, FRAGMENT_ROOM)))
		return 1;
	ip = (void *)a->ip[i ? 1 : 0];
	if (ip->version == 6)
		complete_header6(a, (void *)ip, start, n, a->rest > n);
	else
		complete_header4(a, ip, start, n, a->rest > n);
	if (plane_write(&p, a->l3, ip, bounded(header, sizeof(a->ip[0]))))
		return 1;
	if (a->rest == n || a->first_alone) {
		a->rest = 0;
		return 1;
	}
	if (bpf_clone_redirect(p.ctx, a->ifindex, 0) < 0)
		return 1;
	a->rest -= n;
	return 0;
}

/* Reads the IP header in a->ip[0]. Sets a->header to the header length of the fragments, and
 * a->frag_off to the packet's own fragment offset. Returns the number of payload bytes. */
INLINE __u32 read_header4(struct fragment_area *a)
{
	const struct iphdr *ip = (void *)a->ip[0];

	a->header = (a->ip[0][0] & 15) * 4;
	a->shift = 0;
	a->frag_off = bpf_ntohs(ip->frag_off);
	return bpf_ntohs(ip->tot_len) - a->header;
}

INLINE __u32 read_header6(struct fragment_area *a)
{
	struct ipv6hdr *ip = (void *)a->ip[0];
	struct fragment_header *f = (void *)(ip + 1);
	__u32 len = bpf_ntohs(ip->payload_len);

	a->header = sizeof(*ip) + sizeof(*f);
	a->shift = ip->nexthdr == IPPROTO_FRAGMENT ? 0 : sizeof(*f);
	if (a->shift) {
		f->next = ip->nexthdr;
		f->zero = 0;
		f->offset = 0;
		f->id = a->ident;
		ip->nexthdr = IPPROTO_FRAGMENT;
	}
	a->frag_off = bpf_ntohs(f->offset);
	return len - sizeof(*f) + a->shift;
}

/* Fragments the packet, whose headers are rewritten already, and sends all fragments but the last,
 * which takes the packet's place. first_alone: instead the first takes it, and nothing else is
 * sent. Returns 0 or a negative value. */
INLINE int make_fragments(struct pkt *p, __u32 ifindex, bool first_alone)
{
	struct fragment_area *a = fragment_area_find();
	void *ctx = p->ctx;
	__u32 len;

	if (!a || plane_read(p, p->s->l3, a->ip[0], sizeof(struct iphdr) + OPTIONS_MAX))
		return -1;
	len = a->ip[0][0] >> 4 == 6 ? read_header6(a) : read_header4(a);
	if (len - 1 >= FRAGMENTED_LEN || plane_read(p, p->s->l3 + a->header - a->shift, a->stash,
						    bounded(len, FRAGMENT_ROOM)))
		return -1;
	a->l3 = p->s->l3;
	a->len = a->rest = len;
	a->step = p->s->fragment_size;
	a->ifindex = ifindex;
	a->first_alone = first_alone;
	memcpy(a->ip[1], a->ip[0], sizeof(a->ip[1]));
	replace_options(a);
	bpf_loop(FRAGMENTED_LEN / 8, make_fragment, &ctx, 0);
	return a->rest ? -1 : 0;
}
