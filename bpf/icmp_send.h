/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Errors of our own, on the tc plane: fragmentation needed, packet too big, time exceeded, to clients of an address of ours,
 * which would else be the kernel's to answer, as a packet for itself. Whatever it would forward it answers rightly, so that is
 * left to it. The original packet, as it came, becomes the quote: cut, and a new head put in front of it.
 */
#ifndef WGXDP_ICMP_SEND_H
#define WGXDP_ICMP_SEND_H

#include "icmp.h"

#define ANSWER_MAX4 576			/* RFC 1812 4.3.2.3, and the kernel */
#define ANSWER_MAX6 1280		/* RFC 4443 2.4 */
#define ANSWER_TTL 64
#define ANSWERS_SECOND 10		/* to one source */
#define ANSWERS_BURST 20

struct answer4 {
	struct iphdr ip;
	struct icmphdr icmp;
};
struct answer6 {
	struct ipv6hdr ip;
	struct icmp6hdr icmp;
};

/* Whether this source may have one more: the time up to which it has used its share is kept */
INLINE bool answer_allowed(struct addr source, __u32 family)
{
	__u64 now = bpf_jiffies64(), each = tick_rate / ANSWERS_SECOND ?: 1, until = now + each, *used;

	if (family == FAMILY_IPV6)
		source.q[1] = 0;		/* a /64 is one source */
	used = bpf_map_lookup_elem(&icmp_limits, &source);
	if (!used)
		return !bpf_map_update_elem(&icmp_limits, &source, &until, BPF_ANY);
	if (*used > now)
		until = *used + each;
	if (until > now + ANSWERS_BURST * each)
		return false;
	*used = until;
	return true;
}

/* mtu: of the way that was too narrow; 0: time exceeded. sum: of the quoted bytes, whose length is n. */
INLINE void answer_head4(struct answer4 *a, const struct iphdr *of, __u32 mtu, __u32 n, __u32 sum, __u16 id)
{
	__u32 head = 0;

	*a = (struct answer4){
		.ip = { .version = 4, .ihl = 5, .tos = (of->tos & 0x1e) | 0xc0, .tot_len = bpf_htons(sizeof(*a) + n), .id = id,
			.ttl = ANSWER_TTL, .protocol = IPPROTO_ICMP, .saddr = of->daddr, .daddr = of->saddr },
		.icmp = { .type = mtu ? ICMP_DEST_UNREACH : ICMP_TIME_EXCEEDED, .code = mtu ? ICMP_FRAG_NEEDED : 0 },
	};
	a->icmp.un.frag.mtu = bpf_htons(mtu);
	a->icmp.checksum = ~csum_fold(sum + *(__u16 *)&a->icmp + a->icmp.un.frag.mtu);
#pragma unroll
	for (int i = 0; i < 10; i++)
		head += ((__u16 *)&a->ip)[i];
	a->ip.check = ~csum_fold(head);
}

INLINE void answer_head6(struct answer6 *a, const struct ipv6hdr *of, __u32 mtu, __u32 n, __u32 sum)
{
	__u64 pseudo;

	*a = (struct answer6){
		.ip = { .version = 6, .payload_len = bpf_htons(sizeof(a->icmp) + n), .nexthdr = IPPROTO_ICMPV6,
			.hop_limit = ANSWER_TTL, .saddr = of->daddr, .daddr = of->saddr },
		.icmp = { .icmp6_type = mtu ? ICMPV6_PKT_TOOBIG : ICMPV6_TIME_EXCEED },
	};
	mtu = mtu && mtu < ANSWER_MAX6 ? ANSWER_MAX6 : mtu;
	a->icmp.icmp6_mtu = bpf_htonl(mtu);
	pseudo = csum_pseudo6(&a->ip) + a->ip.payload_len + bpf_htons(IPPROTO_ICMPV6);
	pseudo = (pseudo & 0xffffffff) + (pseudo >> 32);
	pseudo = (pseudo & 0xffff) + (pseudo >> 16);
	a->icmp.icmp6_cksum = ~csum_fold(sum + *(__u16 *)&a->icmp + bpf_htons(mtu) + csum_fold(pseudo));
}

#ifndef WGXDP_HOST
/* Three global functions, one after the other, so that their stacks do not add up. First, nothing but as much of the IP packet
 * as is quoted, and room for a head in front of it. 0; positive: not ours to answer, and untouched; negative: a reason. */
__attribute__((noinline)) int tc_answer_room(struct __sk_buff *ctx, __u32 l3, __u32 family, __u32 len, __u32 mtu)
{
	bool ipv4 = family == FAMILY_IPV4;
	__u32 head = ipv4 ? sizeof(struct answer4) : sizeof(struct answer6);
	__u32 most = (ipv4 ? ANSWER_MAX4 : ANSWER_MAX6) - head, n = len < most ? len : most;
	struct addr source = {};
	struct iphdr ip = {};

	if (l3 != ETH_HLEN || bpf_skb_load_bytes(ctx, l3, &ip, sizeof(ip)) ||
	    bpf_skb_load_bytes(ctx, l3 + offsetof(struct ipv6hdr, saddr), &source, sizeof(source)))
		return 1;
	if (ipv4 && mtu && !(ip.frag_off & bpf_htons(0x4000)))
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
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return csum_fold(sum);
}

/* Last the head, and back to whence it came */
__attribute__((noinline)) int tc_answer_head(struct __sk_buff *ctx, __u32 l3, __u32 family, __u32 mtu, __u32 sum)
{
	union {
		struct answer4 v4;
		struct answer6 v6;
	} a;
	struct ipv6hdr of = {};
	__u8 macs[2 * ETH_ALEN] = {};
	__u32 head = family == FAMILY_IPV4 ? sizeof(a.v4) : sizeof(a.v6), n = ctx->len - l3 - head;
	int rc = bpf_skb_load_bytes(ctx, 0, macs, sizeof(macs));

	if (family == FAMILY_IPV4) {
		rc = rc ?: bpf_skb_load_bytes(ctx, l3 + head, &of, sizeof(struct iphdr));
		answer_head4(&a.v4, (struct iphdr *)&of, mtu, n, sum, bpf_get_prandom_u32());
		rc = rc ?: bpf_skb_store_bytes(ctx, l3, &a.v4, sizeof(a.v4), BPF_F_RECOMPUTE_CSUM);
	} else {
		rc = rc ?: bpf_skb_load_bytes(ctx, l3 + head, &of, sizeof(of));
		answer_head6(&a.v6, &of, mtu, n, sum);
		rc = rc ?: bpf_skb_store_bytes(ctx, l3, &a.v6, sizeof(a.v6), BPF_F_RECOMPUTE_CSUM);
	}
	return rc ?: bpf_skb_store_bytes(ctx, 0, macs + ETH_ALEN, ETH_ALEN, 0) ?:
		     bpf_skb_store_bytes(ctx, ETH_ALEN, macs, ETH_ALEN, 0);
}

/* A partial checksum in the quote the kernel or a device will complete when the answer leaves: that makes the datagram sum up to
 * what is missing of the checksum as it came. 0, positive or negative as tc_answer_room(). */
INLINE int tc_answer(struct pkt *p, __u32 mtu)
{
	bool partial = xdp_checksum_partial(p);
	__u32 quote = p->l3 + (p->family == FAMILY_IPV4 ? sizeof(struct answer4) : sizeof(struct answer6)), sum;
	__u32 udp = quote + (p->l4 - p->l3);
	__be16 check = 0;
	int rc = tc_answer_room(p->ctx, p->l3, p->family, p->len, mtu);

	if (rc)
		return rc;
	sum = tc_sum(p->ctx, quote);
	if (partial && !bpf_skb_load_bytes(p->ctx, udp + offsetof(struct udphdr, check), &check, sizeof(check)))
		sum += (__u16)~tc_sum(p->ctx, udp) + (__u16)~check;
	return tc_answer_head(p->ctx, p->l3, p->family, mtu, csum_fold(sum)) ? -DROP_send_failed : 0;
}
#endif

/* In place of what resolve came to: an error that a router owes, where the kernel would take the packet for its own. Of a
 * datagram in pieces nothing is said. */
INLINE int error_owed(struct pkt *p, int rc, const struct nexthop *nexthop, int *ret_action)
{
	bool too_big = rc == -PASS_too_big;

	if (p->plane != PLANE_TC || !(too_big || rc == -PASS_hop_limit))
		return rc;
	if (p->quote || p->fragment || p->direction != DIRECTION_ORIGINAL || addr_same(&p->dst, &p->to) || !nexthop)
		return rc;
#ifdef WGXDP_HOST
	return rc;			/* it has no packets of its own */
#else
	int answer = tc_answer(p, too_big ? nexthop->fib.mtu_result : 0);

	if (answer)
		return answer > 0 ? rc : answer;
	*ret_action = bpf_redirect(((struct __sk_buff *)p->ctx)->ifindex, 0);
	return too_big ? -DROP_packet_too_big : -DROP_time_exceeded;
#endif
}

#endif
