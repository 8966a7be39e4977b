/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends ICMP errors of our own, as a router must (tc only). The errors are fragmentation needed,
 * packet too big, time exceeded, and the relay's destination unreachable. The errors answer two
 * kinds of packets: those to an address of ours, which the kernel would take for its own, and those
 * between sites. The kernel sends the errors about packets that it would forward itself. Exception:
 * it would fragment IPv4 without DF. The unchanged packet becomes the quote: it is truncated, and
 * new headers are added in front.
 *
 * Runs if service_way() or site_way() ended with too_big, hop_limit or a refusal.
 * Reads:  s->result, out, family, l3, l4; the packet; the maps nexthops, own.
 * Writes: the packet, s->action; the maps icmp_limits, fragment_area.
 */
#pragma once

#include "fragment/too_big.h"
#include "icmp/icmp.h"
#include "learned_steps.h"
#include "limit.h"

/* Longest IPv4 error in bytes (RFC 1812 section 4.3.2.3), as in the kernel. */
#define ICMP_ERROR_MAX4 576
#define ICMP_ERROR_MAX6 1280	/* longest IPv6 error in bytes (RFC 4443 section 2.4) */
#define ICMP_ERROR_TTL 64
/* Flag: send an IPv6 error from our own address on the link. */
#define ICMP_ERROR_OWN (1U << 31)
/* Flag: ICMPv6 destination unreachable; the lowest byte is the ICMPv6 code. */
#define ICMP_ERROR_UNREACHABLE (1U << 30)
#define ICMP_ERRORS_SECOND 10		/* errors to one source per second, at most */
#define ICMP_ERRORS_BURST 20
#define ICMP_ERRORS_CPU_BURST 50

struct icmp_error4 {
	struct iphdr ip;
	struct icmphdr icmp;
};
struct icmp_error6 {
	struct ipv6hdr ip;
	struct icmp6hdr icmp;
};

/* The part of fragment_area.stash that holds the new headers, and the header of the packet which
 * the error is about. */
struct icmp_error_room {
	union {
		struct icmp_error4 v4;
		struct icmp_error6 v6;
	};
	union {
		struct iphdr of4;
		struct ipv6hdr of6;
	};
	__u8 macs[2 * ETH_ALEN];
};

/* Returns whether this CPU may send another error. The limit is common to all sources, because
 * sources can be forged. */
INLINE bool cpu_may_send_error(struct pkt_state *s)
{
	__u64 each = ((__u64)tick_rate << GUARD_TICK) / icmp_errors_cpu;
	__u64 now = bpf_jiffies64() << GUARD_TICK;

	return limit_charge(&s->errors_until, each, ICMP_ERRORS_CPU_BURST, now);
}

LEARNED_LIMIT(true, icmp_limits)

/* Returns whether this source may get another error, by a limit of its own. */
INLINE bool source_may_get_error(struct pkt_state *s)
{
	struct addr *source = &learned_key(s)->client.addr;

	*source = s->src;
	if (s->family == FAMILY_IPV6)
		source->q[1] = 0;		/* all addresses of an IPv6 /64 are one source */
	return icmp_limits_charge(s, bpf_jiffies64() << GUARD_TICK,
				  ((__u64)tick_rate << GUARD_TICK) / ICMP_ERRORS_SECOND,
				  ICMP_ERRORS_BURST);
}

/* Builds the headers of an IPv4 error. mtu: what the packet exceeded; 0: the hop limit instead. n,
 * sum: length and checksum of the quoted bytes. */
INLINE void icmp_error_head4(struct icmp_error4 *a, const struct iphdr *of, __u32 mtu, __u32 n,
			     __u32 sum, __u16 id)
{
	__u32 head = 0;

	*a = (struct icmp_error4){
		.ip = { .version = 4, .ihl = 5, .tos = (of->tos & 0x1e) | 0xc0, .id = id,
			.tot_len = bpf_htons(sizeof(*a) + n), .ttl = ICMP_ERROR_TTL,
			.protocol = IPPROTO_ICMP, .saddr = of->daddr, .daddr = of->saddr },
		.icmp = { .type = mtu ? ICMP_DEST_UNREACH : ICMP_TIME_EXCEEDED,
			  .code = mtu ? ICMP_FRAG_NEEDED : 0 },
	};
	a->icmp.un.frag.mtu = bpf_htons(mtu);
	a->icmp.checksum = ~csum_fold(sum + *(__u16 *)&a->icmp + a->icmp.un.frag.mtu);
#pragma unroll
	for (int i = 0; i < 10; i++)
		head += ((__u16 *)&a->ip)[i];
	a->ip.check = ~csum_fold(head);
}

/* Builds the headers of an IPv6 error. what: the MTU, or 0 for time exceeded, or
 * ICMP_ERROR_UNREACHABLE | code. */
INLINE void icmp_error_head6(struct icmp_error6 *a, const struct ipv6hdr *of, __u32 what, __u32 n,
			     __u32 sum)
{
	bool unreachable = what & ICMP_ERROR_UNREACHABLE;
	__u32 mtu = unreachable ? 0 : what;
	__u64 pseudo;

	*a = (struct icmp_error6){
		.ip = { .version = 6, .payload_len = bpf_htons(sizeof(a->icmp) + n),
			.nexthdr = IPPROTO_ICMPV6, .hop_limit = ICMP_ERROR_TTL,
			.saddr = of->daddr, .daddr = of->saddr },
		.icmp = { .icmp6_type = unreachable ? ICMPV6_DEST_UNREACH :
					mtu ? ICMPV6_PKT_TOOBIG : ICMPV6_TIME_EXCEED,
			  .icmp6_code = unreachable ? what & 0xff : 0 },
	};
	mtu = mtu && mtu < ICMP_ERROR_MAX6 ? ICMP_ERROR_MAX6 : mtu;
	a->icmp.icmp6_mtu = bpf_htonl(mtu);
	pseudo = csum_pseudo6(&a->ip) + a->ip.payload_len + bpf_htons(IPPROTO_ICMPV6);
	a->icmp.icmp6_cksum =
		~csum_fold(sum + *(__u16 *)&a->icmp + bpf_htons(mtu) + csum_fold64(pseudo));
}

#ifndef WGXDP_HOST
/* Three global functions build the error. The three functions are called one after the other, so
 * that their stack frames do not add up. The first one truncates the IP packet to the length of the
 * quote, and makes room for the new headers. Returns 0 or a reason. */
__attribute__((noinline)) int tc_error_room(struct __sk_buff *ctx, __u32 l3, __u32 family,
					    __u32 len)
{
	bool ipv4 = family == FAMILY_IPV4;
	__u32 head = ipv4 ? sizeof(struct icmp_error4) : sizeof(struct icmp_error6);
	__u32 most = (ipv4 ? ICMP_ERROR_MAX4 : ICMP_ERROR_MAX6) - head, n = len < most ? len : most;

	if (bpf_skb_change_tail(ctx, l3 + n, 0) ||
	    bpf_skb_adjust_room(ctx, head, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_pull_data(ctx, l3 + head + n))
		return -DROP_send_failed;
	return 0;
}

/* The second function returns the folded sum of the packet from `off` to its end. */
__attribute__((noinline)) int tc_sum(struct __sk_buff *ctx, __u32 off)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_TC };
	__u64 sum = 0;

	sum_bytes(&p, off, ctx->len - off, &sum);
	return csum_fold64(sum);
}

/* The third one writes the new headers and exchanges the MAC addresses. from: the source of an IPv4
 * error; 0 for IPv6, where the source is the packet's destination, or our own address with
 * ICMP_ERROR_OWN. what: see icmp_error_head6(). */
__attribute__((noinline)) int tc_error_head(struct __sk_buff *ctx, __u32 l3, __u32 from,
					    __u32 what, __u32 sum)
{
	__u32 head = from ? sizeof(struct icmp_error4) : sizeof(struct icmp_error6);
	__u32 n = ctx->len - l3 - head;
	__u32 zero = 0, place = ctx->ifindex % LINKS;
	const struct own *o = what & ICMP_ERROR_OWN ? bpf_map_lookup_elem(&own, &place) : NULL;
	struct fragment_area *a = bpf_map_lookup_elem(&fragment_area, &zero);
	struct icmp_error_room *room;
	int rc;

	if (!a)
		return -1;
	room = (void *)a->stash;
	rc = bpf_skb_load_bytes(ctx, 0, room->macs, sizeof(room->macs));
	if (from) {
		rc = rc ?: bpf_skb_load_bytes(ctx, l3 + head, &room->of4, sizeof(room->of4));
		room->of4.daddr = from;
		icmp_error_head4(&room->v4, &room->of4, what, n, sum, bpf_get_prandom_u32());
		rc = rc ?: bpf_skb_store_bytes(ctx, l3, &room->v4, sizeof(room->v4),
					       BPF_F_RECOMPUTE_CSUM);
	} else {
		rc = rc ?: bpf_skb_load_bytes(ctx, l3 + head, &room->of6, sizeof(room->of6));
		if (o)
			addr_store(&room->of6.daddr, o->addr);
		icmp_error_head6(&room->v6, &room->of6, what & ~ICMP_ERROR_OWN, n, sum);
		rc = rc ?: bpf_skb_store_bytes(ctx, l3, &room->v6, sizeof(room->v6),
					       BPF_F_RECOMPUTE_CSUM);
	}
	if (rc || !l3)
		return rc;
	return bpf_skb_store_bytes(ctx, 0, room->macs + ETH_ALEN, ETH_ALEN, 0) ?:
	       bpf_skb_store_bytes(ctx, ETH_ALEN, room->macs, ETH_ALEN, 0);
}

/* Returns the source address that the kernel prefers for packets to this address. Returns 0 if the
 * kernel cannot tell (before Linux 6.7). */
__attribute__((noinline)) int tc_own_address(struct __sk_buff *ctx, __u32 to)
{
	struct bpf_fib_lookup fib = {
		.family = FAMILY_IPV4, .ifindex = ctx->ifindex, .ipv4_dst = to,
	};

	return bpf_fib_lookup(ctx, &fib, sizeof(fib),
			      BPF_FIB_LOOKUP_SRC | BPF_FIB_LOOKUP_SKIP_NEIGH) ? 0 : fib.ipv4_src;
}

/* Replaces the packet by an ICMP error. If the packet's checksum is partial, the kernel or a device
 * will complete it in the quote when the error leaves. The completed checksum changes the sum of
 * the quote, so the change is added here. Returns 0 or a reason. */
INLINE int tc_send_error(struct pkt *p, __u32 from, __u32 what)
{
	__u32 l3 = p->s->l3, family = p->s->family, upper = p->s->l4 - l3, quote, sum;
	__u32 check_at = p->s->overlay ? p->s->check_at : offsetof(struct udphdr, check);
	bool partial = xdp_checksum_partial(p);
	__be16 check = 0;
	int rc;

	/* A complete checksum may equal a partial one by chance. Then the packet's sum is right. */
	if (partial && csum_compare(0, tc_sum(p->ctx, p->s->l4) + p->s->checksum) <= CSUM_SAME)
		partial = false;
	if (!source_may_get_error(p->s) || !cpu_may_send_error(p->s))
		return -DROP_icmp_limited;
	rc = tc_untag(p) ?: tc_error_room(p->ctx, l3, family, p->s->len);
	if (rc)
		return rc;
	quote = l3 + (family == FAMILY_IPV4 ? sizeof(struct icmp_error4) :
					      sizeof(struct icmp_error6));
	sum = tc_sum(p->ctx, quote);
	upper += quote;
	if (partial && !bpf_skb_load_bytes(p->ctx, upper + check_at, &check, sizeof(check)))
		sum += (__u16)~tc_sum(p->ctx, upper) + (__u16)~check;
	return tc_error_head(p->ctx, l3, from, what, csum_fold(sum)) ? -DROP_send_failed : 0;
}

/* Returns whether wgxdp, not the kernel, sends the error. *ret_from: the source of an IPv4 error,
 * otherwise 0. */
INLINE bool error_is_ours(struct pkt *p, bool too_big, __u32 *ret_from)
{
	bool original = p->s->direction == DIRECTION_ORIGINAL, ipv4 = p->s->family == FAMILY_IPV4;
	bool fragmentable = ipv4 && too_big && without_df(p);

	*ret_from = 0;
	if (with_flows && p->s->has_way) {	/* the packet went to an address of ours */
		*ret_from = ipv4 ? addr_to4(p->s->dst) : 0;
		return true;
	}
	if (original ? !addr_same(&p->s->dst, &p->s->service.to) :
		       fragmentable && !addr_same(&p->s->src, &p->s->service.to)) {
		*ret_from = ipv4 ? addr_to4(original ? p->s->dst : p->s->service.to) : 0;
		return true;
	}
	if (fragmentable && p->s->service.flags & SERVICE_DF_REPORT)
		*ret_from = tc_own_address(p->ctx, addr_to4(p->s->src));
	return *ret_from;
}
#endif

/* Sends the ICMP error for the reason in s->result, if the kernel would take the packet as one for
 * itself. Returns the new reason. Later fragments get no error: they lack the ports that tell the
 * sender which socket it is about (RFC 1122 section 3.2.2). */
INLINE int send_owed_error_step(struct pkt *p)
{
	int rc = p->s->result;
#ifndef WGXDP_HOST			/* the host plane, which tests use, builds no packets */
	__u32 from, mtu = 0, out = p->s->out;
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);
	bool too_big = rc == -PASS_too_big;

	if (p->plane != PLANE_TC || p->s->is_quote || is_later(p) || !hop)
		return rc;
	if (!error_is_ours(p, too_big, &from))
		return rc;
	if (too_big)
		mtu = hop->fib.mtu_result;
	/* The packet must fit the egress MTU after translation: tell the length before it. */
	if (is_nat64(p) && too_big)
		mtu = mtu - p->s->flow.nat64.head +
		      (p->s->family == FAMILY_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	rc = tc_send_error(p, from, mtu);
	if (rc)
		return rc;
	p->s->action = bpf_redirect(((struct __sk_buff *)p->ctx)->ifindex, 0);
	return too_big ? -DROP_packet_too_big : -DROP_time_exceeded;
#else
	return rc;
#endif
}
CALLED_STEP(true, send_owed_error)
