/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Packets between sites that are no plain UDP, told apart as conntrack does: what begins something, what belongs to something
 * that was allowed, and what is neither. A global function of each plane, whose answer's details are in the map judged.
 */
#ifndef WGXDP_JUDGE_H
#define WGXDP_JUDGE_H

#include "allowed.h"
#include "icmp_read.h"
#include "plane.h"
#include "route.h"

/* Other answers are -DROP_refused and -DROP_invalid */
enum judgement {
	JUDGED_PASS,
	JUDGED_UDP,			/* behind extension headers; its ports decide */
	JUDGED_LATER,			/* a later fragment; its first decides */
};

#define ICMP6_NI_QUERY 139		/* RFC 4620 */
#define TCP_HEADER 20
#define TCP_CHECK 16			/* offset of its checksum */

/* Types that conntrack does not track, and for which the list alone decides: MLD, neighbour discovery but redirects, and two of
 * multicast router discovery (RFC 4286) */
#define ICMP6_UNTRACKED(type) (((type) >= 130 && (type) <= 136) || (type) == 143 || (type) == 151 || (type) == 152)

/* Queries, whose answers have the next type */
INLINE bool icmp6_is_query(__u8 type)
{
	return type == ICMPV6_ECHO_REQUEST || type == ICMP6_NI_QUERY;
}

/* n bytes at off, if the packet has them */
INLINE int judge_read(void *ctx, enum plane plane, struct judged *j, __u32 off, __u32 n)
{
	return off + n > j->end || plane_read(ctx, plane, off, j->bytes, n);
}

/* What begins is a plain SYN, or an ACK of a connection from before; no TCP may pass. */
INLINE int judge_tcp(void *ctx, enum plane plane, struct judged *j, __u32 at, struct addr src, struct addr dst)
{
	__u32 begins, header, len = j->end - at;
	struct ipv6hdr ip;

	if (judge_read(ctx, plane, j, at, TCP_HEADER))
		return -DROP_invalid;
	header = (j->bytes[12] >> 4) * 4;
	begins = j->bytes[13] & 0x17;	/* FIN, SYN, RST, ACK: PSH, URG and those of ECN go with any */
	if (header < TCP_HEADER || header > len || (begins != 0x02 && begins != 0x10))
		return -DROP_invalid;
	addr_store(&ip.saddr, src);
	addr_store(&ip.daddr, dst);
	j->checksum = load_word(__u16, j->bytes + TCP_CHECK);
	j->check_at = TCP_CHECK;
	j->partial = csum_compare(j->checksum, csum_pseudo6(&ip) + bpf_htons(len) + bpf_htons(IPPROTO_TCP));
	return -DROP_refused;
}

/* An error passes if it is for who sent what it quotes, and if that was allowed, as itself or as an answer. */
INLINE int judge_error(void *ctx, enum plane plane, struct judged *j, __u32 at, struct addr to, const struct policy *policy)
{
	struct addr src, dst;
	__be16 sport, dport;
	__u8 next, type;
	int answer;

	at += sizeof(struct icmp6hdr);
	if (judge_read(ctx, plane, j, at, sizeof(struct ipv6hdr)) || j->bytes[0] >> 4 != 6)
		return -DROP_invalid;
	next = j->bytes[offsetof(struct ipv6hdr, nexthdr)];
	src = addr_load(j->bytes + offsetof(struct ipv6hdr, saddr));
	dst = addr_load(j->bytes + offsetof(struct ipv6hdr, daddr));
	answer = src.q[0] != to.q[0] || src.q[1] != to.q[1] ? 0 : ipv6_walk(ctx, plane, at, &next);
	if (answer <= 0)
		return -DROP_invalid;
	at += answer & 0xffff;
	if (next == IPPROTO_UDP) {
		if (judge_read(ctx, plane, j, at, 4))
			return -DROP_invalid;
		sport = load_word(__be16, j->bytes);
		dport = load_word(__be16, j->bytes + 2);
		/* one after the other: both at once take more of the stack, of which 6.1 has none left below a relay with a guard */
		if (allowed_known(allowed_tag(policy, src, dst, sport, dport, IPPROTO_UDP)))
			return JUDGED_PASS;
		return allowed_known(allowed_tag(policy, dst, src, dport, sport, IPPROTO_UDP)) ? JUDGED_PASS : -DROP_invalid;
	}
	if (next != IPPROTO_ICMPV6 || judge_read(ctx, plane, j, at, sizeof(struct icmp6hdr)))
		return -DROP_invalid;
	type = j->bytes[0];
	sport = load_word(__be16, j->bytes + 4);
	if (icmp6_is_query(type))
		return allowed_known(allowed_tag(policy, src, dst, sport, load_word(__be16, j->bytes), IPPROTO_ICMPV6)) ?
		       JUDGED_PASS : -DROP_invalid;
	dport = load_word(__be16, j->bytes) - bpf_htons(0x0100);
	return icmp6_is_query(type - 1) &&
	       allowed_known(allowed_tag(policy, dst, src, sport, dport, IPPROTO_ICMPV6)) ? JUDGED_PASS : -DROP_invalid;
}

/* A query and its answer share their identifier, which stands for a port, and their code, which with the query's type stands for
 * the other. */
INLINE int judge_icmp(void *ctx, enum plane plane, struct judged *j, __u32 at, struct addr src, struct addr dst,
		      const struct policy *policy)
{
	__u64 tag, listed;
	__u8 type;

	if (judge_read(ctx, plane, j, at, sizeof(struct icmp6hdr)))
		return -DROP_invalid;
	type = j->bytes[0];
	listed = policy->icmpv6[type >> 6] >> (type & 63) & is_overlay(dst);
	j->silent = type < 128 || type == 137;		/* RFC 4443 2.4 (e): nor about redirects */
	j->sport = load_word(__be16, j->bytes + 4);
	j->dport = load_word(__be16, j->bytes);		/* type and code */
	if (type < 128)
		return judge_error(ctx, plane, j, at, dst, policy);
	if (ICMP6_UNTRACKED(type))
		return listed ? JUDGED_PASS : -DROP_refused;
	if (icmp6_is_query(type)) {
		j->tag = allowed_tag(policy, src, dst, j->sport, j->dport, IPPROTO_ICMPV6);
		return listed ? JUDGED_PASS : -DROP_refused;
	}
	if (!icmp6_is_query(type - 1))
		return -DROP_invalid;
	tag = allowed_tag(policy, dst, src, j->sport, j->dport - bpf_htons(0x0100), IPPROTO_ICMPV6);
	j->tag = tag;
	return allowed_known(tag) ? JUDGED_PASS : -DROP_invalid;
}

/* Of the packet whose IPv6 header is at l3: enum judgement, or a reason */
INLINE int judge_packet(void *ctx, enum plane plane, __u32 l3)
{
	__u32 zero = 0, at;
	struct judged *j = bpf_map_lookup_elem(&judged, &zero);
	const struct policy *rules = bpf_map_lookup_elem(&policy, &zero);
	struct addr src, dst;
	__u8 next;
	int answer;

	if (!j || !rules || plane_read(ctx, plane, l3, j->bytes, sizeof(struct ipv6hdr)))
		return -DROP_invalid;
	next = j->bytes[offsetof(struct ipv6hdr, nexthdr)];
	src = addr_load(j->bytes + offsetof(struct ipv6hdr, saddr));
	dst = addr_load(j->bytes + offsetof(struct ipv6hdr, daddr));
	j->end = l3 + sizeof(struct ipv6hdr) + bpf_ntohs(load_word(__be16, j->bytes + offsetof(struct ipv6hdr, payload_len)));
	j->tag = j->partial = 0;
	j->sport = j->dport = 0;
	j->checksum = j->check_at = 0;
	j->silent = 0;
	answer = ipv6_walk(ctx, plane, l3, &next);
	j->l4 = answer & 0xffff;
	j->fragment = (__u32)answer / EXTENSION_FRAGMENT;
	if (answer <= 0 || j->l4 > EXTENSIONS_LEN + sizeof(struct ipv6hdr) || l3 + j->l4 > j->end)
		return -DROP_invalid;
	at = l3 + j->l4;
	switch (next) {
	case IPPROTO_UDP:
		return JUDGED_UDP;
	case IPPROTO_FRAGMENT:
		return JUDGED_LATER;
	case IPPROTO_ICMPV6:
		return judge_icmp(ctx, plane, j, at, src, dst, rules);
	case IPPROTO_TCP:
		return judge_tcp(ctx, plane, j, at, src, dst);
	case IPPROTO_NONE:
		return -DROP_invalid;
	}
	return -DROP_refused;
}

#ifdef WGXDP_HOST
INLINE int host_judge(struct pkt *p)
{
	return judge_packet(p->ctx, p->plane, p->l3);
}
#else
__attribute__((noinline)) int xdp_judge_packet(struct xdp_md *ctx, __u32 l3)
{
	return judge_packet(ctx, PLANE_XDP, l3);
}

__attribute__((noinline)) int tc_judge_packet(struct __sk_buff *ctx, __u32 l3)
{
	return judge_packet(ctx, PLANE_TC, l3);
}

INLINE int xdp_judge(struct pkt *p)
{
	return xdp_judge_packet(p->ctx, p->l3);
}

INLINE int tc_judge(struct pkt *p)
{
	return tc_judge_packet(p->ctx, p->l3);
}
#endif

#endif
