/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step leave(), tc only: fragments a packet. Its payload is saved, then each fragment is
 * written over the packet in turn. All fragments except the last leave as clones. The loops keep
 * their state in the map `pieces`, so that the verifier walks each loop body once. cut.h calls
 * cut_all(); flow/nat64.h uses sum_bytes().
 */
#pragma once

#include "fragment/fragment.h"

#define IP_MF bpf_htons(0x2000)
#define OPTIONS_MAX 40
#define SUM_BYTES 512			/* number of bytes that a round sums */

#ifdef WGXDP_HOST
/* Hook for tests: it is called for each clone. */
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

INLINE __u64 bpf_csum_diff(const void *none, __u32 zero, const __be32 *of, __u32 size, __u32 seed)
{
	__u64 sum = seed;

	for (; size; size -= 4)
		sum += *of++;
	return sum % 0xffff;
}
#endif

INLINE struct pieces *pieces_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pieces, &zero);
}

/* ---- checksums over more bytes than fit the stack ---- */

/* Adds the next bytes of the packet to c->sum. c->l3 is their offset, and c->rest is the number of
 * bytes left. Returns 0 to continue, 1 to stop. */
INLINE long sum_chunk(struct pkt *p)
{
	struct pieces *c = pieces_find();
	__u32 n;

	if (!c)
		return 1;
	n = c->rest < SUM_BYTES ? c->rest : SUM_BYTES;
	__builtin_memset(c->stash, 0, SUM_BYTES);
	if (!n || plane_read(p, c->l3, c->stash, bounded(n, SUM_BYTES)))
		return 1;
	c->sum += bpf_csum_diff(NULL, 0, (void *)c->stash, SUM_BYTES, 0);
	c->l3 += n;
	c->rest -= n;
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

/* Adds the sum of len bytes at `off` to *sum, not folded. Returns 0 or a negative value. bpf_loop()
 * is used because the verifier of Linux 6.1 would walk each round of a plain loop. The callback
 * gets the address of a copy of p->ctx. With the address of p->ctx itself, clang would no longer
 * know that p->plane is constant. */
INLINE int sum_bytes(struct pkt *p, __u32 off, __u32 len, __u64 *sum)
{
	struct pieces *c = pieces_find();
	void *ctx = p->ctx;

	if (!c)
		return -1;
	c->l3 = off;
	c->rest = len;
	c->sum = *sum;
	if (p->plane == PLANE_XDP)
		bpf_loop(PIECES_LEN / SUM_BYTES, sum_chunk_xdp, &ctx, 0);
	else
		bpf_loop(PIECES_LEN / SUM_BYTES, sum_chunk_tc, &ctx, 0);
	*sum = c->sum;
	return c->rest ? -1 : 0;
}

/* ---- headers of the fragments ---- */

/* Handles byte i of the options; bpf_loop() calls it. As in the kernel, options without the copied
 * flag (RFC 791 section 3.1) become no-operations in later fragments. */
static long cut_option(__u32 i, void *none)
{
	struct pieces *c = pieces_find();
	__u32 at = sizeof(struct iphdr) + i, shift = i & 1 ? 0 : 8;
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

/* Completes the header of a fragment (RFC 8200 section 4.5) whose n bytes of payload begin at
 * `start`. */
INLINE void cut_header6(const struct pieces *c, struct ipv6hdr *ip, __u32 start, __u32 n, bool more)
{
	struct fragment_header *f = (void *)(ip + 1);

	ip->payload_len = bpf_htons(sizeof(*f) + n);
	f->offset = bpf_htons((c->frag_off + start) | more);
}

INLINE void cut_header4(const struct pieces *c, struct iphdr *ip, __u32 start, __u32 n, bool more)
{
	__be16 len = bpf_htons(c->header + n), frag_off = bpf_htons(c->frag_off + start / 8);

	if (more)
		frag_off |= IP_MF;
	ip->check = csum_add(ip->check, (__u16)~ip->tot_len + len + (__u16)~ip->frag_off +
					frag_off);
	ip->tot_len = len;
	ip->frag_off = frag_off;
}

/* Writes fragment i over the packet, and sends it unless it is the last one. Returns 0 to continue,
 * 1 to stop. */
static long cut_piece(__u32 i, void **ctx)
{
	struct pkt p = { .ctx = *ctx, .plane = PLANE_TC };
	struct pieces *c = pieces_find();
	__u32 start, step, n, header;
	struct iphdr *ip;

	if (!c)
		return 1;
	header = c->header;
	step = c->step;
	n = c->rest;
	start = c->len - n;
	if (n > step)
		n = step;
	if (start >= PIECES_LEN || !n || n > PIECE_MAX || header < sizeof(*ip) ||
	    header > sizeof(*ip) + OPTIONS_MAX)
		return 1;
	if ((!i || n < step) && bpf_skb_change_tail(p.ctx, c->l3 + header + n, 0))
		return 1;
	if ((i || c->shift) &&
	    plane_write(&p, c->l3 + header, c->stash + start, bounded(n, PIECE_ROOM)))
		return 1;
	ip = (void *)c->ip[i ? 1 : 0];
	if (ip->version == 6)
		cut_header6(c, (void *)ip, start, n, c->rest > n);
	else
		cut_header4(c, ip, start, n, c->rest > n);
	if (plane_write(&p, c->l3, ip, bounded(header, sizeof(c->ip[0]))))
		return 1;
	if (c->rest == n || c->first_alone) {
		c->rest = 0;
		return 1;
	}
	if (bpf_clone_redirect(p.ctx, c->ifindex, 0) < 0)
		return 1;
	c->rest -= n;
	return 0;
}

/* Reads the IP header in c->ip[0]. It sets c->header to the header length of the fragments, and
 * c->frag_off to the packet's own fragment offset. Returns the number of payload bytes. */
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

/* Fragments the packet, whose headers are rewritten already. The last fragment replaces the packet.
 * With first_alone the first fragment replaces it, and the other fragments are discarded. Returns 0
 * or a negative value. */
INLINE int cut_all(struct pkt *p, __u32 ifindex, bool first_alone)
{
	struct pieces *c = pieces_find();
	void *ctx = p->ctx;
	__u32 len;

	if (!c || plane_read(p, p->s->l3, c->ip[0], sizeof(struct iphdr) + OPTIONS_MAX))
		return -1;
	len = c->ip[0][0] >> 4 == 6 ? cut_read6(c) : cut_read4(c);
	if (len - 1 >= PIECES_LEN || plane_read(p, p->s->l3 + c->header - c->shift, c->stash,
						bounded(len, PIECE_ROOM)))
		return -1;
	c->l3 = p->s->l3;
	c->len = c->rest = len;
	c->step = p->s->cut;
	c->ifindex = ifindex;
	c->first_alone = first_alone;
	memcpy(c->ip[1], c->ip[0], sizeof(c->ip[1]));
	cut_options(c);
	bpf_loop(PIECES_LEN / 8, cut_piece, &ctx, 0);
	return c->rest ? -1 : 0;
}
