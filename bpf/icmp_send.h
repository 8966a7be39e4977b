/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Errors of our own, on the tc plane: fragmentation needed, packet too big, time exceeded, to clients of an address of ours,
 * which would else be the kernel's to answer, as a packet for itself. Whatever it would forward it answers rightly, so that is
 * left to it, but for IPv4 without DF, which it would cut. The original packet, as it came, becomes the quote: cut, and a new head
 * put in front of it.
 */
#ifndef WGXDP_ICMP_SEND_H
#define WGXDP_ICMP_SEND_H

#include "cut.h"
#include "icmp_head.h"

#ifndef WGXDP_HOST
/* Three global functions, one after the other, so that their stacks do not add up. First, nothing but as much of the IP packet
 * as is quoted, and room for a head in front of it. 0; positive: not ours to answer, and untouched; negative: a reason. */
__attribute__((noinline)) int tc_answer_room(struct __sk_buff *ctx, __u32 l3, __u32 family, __u32 len)
{
	bool ipv4 = family == FAMILY_IPV4;
	__u32 head = ipv4 ? sizeof(struct answer4) : sizeof(struct answer6);
	__u32 most = (ipv4 ? ANSWER_MAX4 : ANSWER_MAX6) - head, n = len < most ? len : most;
	struct addr source = {};
	struct iphdr ip = {};

	if (bpf_skb_load_bytes(ctx, l3, &ip, sizeof(ip)) ||
	    bpf_skb_load_bytes(ctx, l3 + offsetof(struct ipv6hdr, saddr), &source, sizeof(source)))
		return 1;
	if (ipv4)
		source = addr_from4(ip.saddr);
	if (!answer_allowed(source, family))
		return -DROP_icmp_limited;
	if (bpf_skb_change_tail(ctx, l3 + n, 0) || bpf_skb_adjust_room(ctx, head, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_pull_data(ctx, l3 + head + n))
		return -DROP_send_failed;
	return 0;
}

/* Then the sum of the packet from off to its end, folded */
__attribute__((noinline)) int tc_sum(struct __sk_buff *ctx, __u32 off)
{
	void *data = ctx_ptr(ctx, data) + (off & 0x7ff), *end = ctx_ptr(ctx, data_end);
	__u64 sum = 0;

	for (int i = 0; i < ANSWER_MAX6 / 4 && data + 4 <= end; i++, data += 4)
		sum += *(__u32 *)data;
	if (data + 2 <= end) {
		sum += *(__u16 *)data;
		data += 2;
	}
	if (data + 1 <= end)
		sum += bpf_htons(*(__u8 *)data << 8);
	return csum_fold64(sum);
}

/* Last the head, and back to whence it came. from: of an IPv4 answer; 0: an IPv6 one, which is from whom it was sent to, unless
 * what says ANSWER_OWN. what: as in answer_head6() */
__attribute__((noinline)) int tc_answer_head(struct __sk_buff *ctx, __u32 l3, __u32 from, __u32 what, __u32 sum)
{
	__u32 zero = 0, head = from ? sizeof(struct answer4) : sizeof(struct answer6), n = ctx->len - l3 - head;
	__u32 place = ctx->ifindex % LINKS;
	const struct own *o = what & ANSWER_OWN ? bpf_map_lookup_elem(&own, &place) : NULL;
	struct answer_room *room;
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);
	int rc;

	if (!c)
		return -1;
	room = (void *)c->stash;		/* the stack has none */
	rc = bpf_skb_load_bytes(ctx, 0, room->macs, sizeof(room->macs));
	if (from) {
		rc = rc ?: bpf_skb_load_bytes(ctx, l3 + head, &room->of4, sizeof(room->of4));
		room->of4.daddr = from;
		answer_head4(&room->v4, &room->of4, what, n, sum, bpf_get_prandom_u32());
		rc = rc ?: bpf_skb_store_bytes(ctx, l3, &room->v4, sizeof(room->v4), BPF_F_RECOMPUTE_CSUM);
	} else {
		rc = rc ?: bpf_skb_load_bytes(ctx, l3 + head, &room->of6, sizeof(room->of6));
		if (o)
			addr_store(&room->of6.daddr, o->addr);
		answer_head6(&room->v6, &room->of6, what & ~ANSWER_OWN, n, sum);
		rc = rc ?: bpf_skb_store_bytes(ctx, l3, &room->v6, sizeof(room->v6), BPF_F_RECOMPUTE_CSUM);
	}
	if (rc || !l3)
		return rc;
	return bpf_skb_store_bytes(ctx, 0, room->macs + ETH_ALEN, ETH_ALEN, 0) ?:
	       bpf_skb_store_bytes(ctx, ETH_ALEN, room->macs, ETH_ALEN, 0);
}

/* The address of ours that is preferred on the way to this one, as in the kernel's errors; 0 where it cannot say (before 6.7) */
__attribute__((noinline)) int tc_own_address(struct __sk_buff *ctx, __u32 to)
{
	struct bpf_fib_lookup fib = { .family = FAMILY_IPV4, .ifindex = ctx->ifindex, .ipv4_dst = to };

	return bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_SRC | BPF_FIB_LOOKUP_SKIP_NEIGH) ? 0 : fib.ipv4_src;
}

/* A partial checksum in the quote the kernel or a device will complete when the answer leaves: that makes the datagram sum up to
 * what is missing of the checksum as it came. 0, positive or negative as tc_answer_room(). */
INLINE int tc_answer(struct pkt *p, __u32 from, __u32 what)
{
	__u32 partial = blur(p, xdp_checksum_partial(p)), l3 = blur(p, p->l3), family = blur(p, p->family);	/* whatever the path here */
	__u32 upper = blur(p, p->l4 - p->l3), check_at = p->overlay ? p->check_at : offsetof(struct udphdr, check), quote, sum;
	__be16 check = 0;
	int rc;

	from = blur(p, from);
	what = blur(p, what);
	rc = tc_answer_room(p->ctx, l3, family, p->len);
	if (rc)
		return rc;
	quote = l3 + (family == FAMILY_IPV4 ? sizeof(struct answer4) : sizeof(struct answer6));
	sum = tc_sum(p->ctx, quote);
	upper += quote;
	if (partial && !bpf_skb_load_bytes(p->ctx, upper + check_at, &check, sizeof(check)))
		sum += (__u16)~tc_sum(p->ctx, upper) + (__u16)~check;
	return tc_answer_head(p->ctx, l3, from, what, csum_fold(sum)) ? -DROP_send_failed : 0;
}

/* Whether it is ours to answer, and of IPv4 from which address */
INLINE bool answer_is_ours(struct pkt *p, bool too_big, __u32 *ret_from)
{
	bool original = p->direction == DIRECTION_ORIGINAL, ipv4 = p->family == FAMILY_IPV4;
	bool uncut = ipv4 && too_big && without_df(p);

	*ret_from = 0;
	if (p->flows && p->way) {		/* sent to an address of ours, whichever way it goes */
		*ret_from = ipv4 ? addr_to4(p->dst) : 0;
		return true;
	}
	if (original ? !addr_same(&p->dst, &p->to) : uncut && !addr_same(&p->src, &p->to)) {
		*ret_from = ipv4 ? addr_to4(original ? p->dst : p->to) : 0;
		return true;
	}
	if (uncut && p->service->flags & SERVICE_DF_REPORT)
		*ret_from = tc_own_address(p->ctx, addr_to4(p->src));
	return *ret_from;
}
#endif

/* In place of what resolve came to: an error that a router owes, where the kernel would take the packet for its own. Of a
 * datagram in pieces the first is answered: only that tells the sender which of his sockets it is about (RFC 1122 3.2.2). */
INLINE int error_owed(struct pkt *p, int rc, const struct nexthop *nexthop, int *ret_action)
{
	bool too_big = rc == -PASS_too_big;

	if (p->plane != PLANE_TC || !(too_big || rc == -PASS_hop_limit))
		return rc;
	if (p->quote || is_later(p) || !nexthop)
		return rc;
#ifdef WGXDP_HOST
	return rc;			/* it has no packets of its own */
#else
	__u32 from, mtu = too_big ? nexthop->fib.mtu_result : 0;
	int answer;

	if (!answer_is_ours(p, too_big, &from))
		return rc;
	if (is_across(p) && too_big)		/* as long as it may come, to be so long when it leaves */
		mtu = mtu - p->way->across.head + (p->family == FAMILY_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	answer = tc_answer(p, from, mtu);
	if (answer)
		return answer > 0 ? rc : answer;
	*ret_action = bpf_redirect(((struct __sk_buff *)p->ctx)->ifindex, 0);
	return too_big ? -DROP_packet_too_big : -DROP_time_exceeded;
#endif
}

#endif
