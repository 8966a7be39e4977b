/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Translation of ICMP error types and codes (RFC 7915, sections 4.2 and 5.2), for the step leave().
 * quote.h includes it. icmp_to6() and icmp_to4() return type << 8 | code of the new error, or 0 if
 * it has no equivalent. Both functions also return the second word of the new error's header, in
 * host byte order.
 */
#pragma once

#include "icmp/icmp.h"

#define IPV6_MTU_MIN 1280

/* Convert the pointer in a parameter problem error to the same field of the other IP version (RFC
 * 7915, figures 3 and 6). Return ~0 if it has no such field. */
INLINE __u32 pointer_to6(__u32 pointer)
{
	return pointer < 2 ? pointer : pointer < 4 ? 4 : pointer == 8 ? 7 : pointer == 9 ? 6 :
	       pointer < 12 ? ~0U : pointer < 16 ? 8 : pointer < 20 ? 24 : ~0U;
}

INLINE __u32 pointer_to4(__u32 pointer)
{
	return pointer < 2 ? pointer : pointer < 4 ? ~0U : pointer < 6 ? 2 : pointer == 6 ? 9 :
	       pointer == 7 ? 8 : pointer < 24 ? 12 : pointer < 40 ? 16 : ~0U;
}

/* Returns the MTU of a translated error (RFC 7915 sections 4.2 and 5.2): the least of the reported
 * one and those of both next hops. The error arrived on the link of one next hop, and leaves by the
 * other. Packets of the error's receiver gain the difference of the IP headers by the translation,
 * and a fragment header if the quote has one. */
INLINE __u32 quote_mtu(struct pkt *p, __u32 mtu)
{
	__u32 out = p->s->out, limit, gain = sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);
	const struct link *link = link_find(p->s->ifindex);
	bool to6 = p->s->family == FAMILY_IPV4;

	if (!hop || !link)
		return 0;
	gain = to6 ? -gain : gain + (p->s->quote.fragment[0] ? sizeof(struct fragment_header) : 0);
	limit = link_mtu(p->ctx, link, p->s->family);
	mtu = mtu < limit ? mtu : limit;
	mtu = (!to6 && mtu < IPV6_MTU_MIN ? IPV6_MTU_MIN : mtu) - gain;
	limit = hop->fib.mtu_result;
	mtu = mtu < limit ? mtu : limit;
	return to6 && mtu < IPV6_MTU_MIN ? IPV6_MTU_MIN : mtu;
}

#define ICMP_KIND(type, code) ((__u32)(type) << 8 | (code))

INLINE __u32 icmp_to6(struct pkt *p, __u8 type, __u8 code, __u32 word, __u32 *ret_word)
{
	*ret_word = 0;
	if (type == ICMP_TIME_EXCEEDED)
		return ICMP_KIND(ICMPV6_TIME_EXCEED, code);
	if (type == ICMP_PARAMETERPROB) {
		*ret_word = pointer_to6(word >> 24);
		return (code && code != 2) || *ret_word == ~0U ? 0 : ICMP_KIND(ICMPV6_PARAMPROB, 0);
	}
	if (code == ICMP_FRAG_NEEDED) {
		*ret_word = quote_mtu(p, word & 0xffff);
		return ICMP_KIND(ICMPV6_PKT_TOOBIG, 0);
	}
	if (code == ICMP_PROT_UNREACH) {
		*ret_word = offsetof(struct ipv6hdr, nexthdr);
		return ICMP_KIND(ICMPV6_PARAMPROB, 1);
	}
	if (code == ICMP_PORT_UNREACH)
		return ICMP_KIND(ICMPV6_DEST_UNREACH, 4);
	/* administratively prohibited, or precedence cutoff */
	if (code == 9 || code == 10 || code == 13 || code == 15)
		return ICMP_KIND(ICMPV6_DEST_UNREACH, 1);
	return code > 12 ? 0 : ICMP_KIND(ICMPV6_DEST_UNREACH, 0);
}

INLINE __u32 icmp_to4(struct pkt *p, __u8 type, __u8 code, __u32 word, __u32 *ret_word)
{
	*ret_word = 0;
	if (type == ICMPV6_TIME_EXCEED)
		return ICMP_KIND(ICMP_TIME_EXCEEDED, code);
	if (type == ICMPV6_PKT_TOOBIG) {
		*ret_word = quote_mtu(p, word);
		return ICMP_KIND(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED);
	}
	if (type == ICMPV6_PARAMPROB) {
		*ret_word = code ? 0 : pointer_to4(word) << 24;
		if (code == 1)
			return ICMP_KIND(ICMP_DEST_UNREACH, ICMP_PROT_UNREACH);
		return code || pointer_to4(word) == ~0U ? 0 : ICMP_KIND(ICMP_PARAMETERPROB, 0);
	}
	if (code == 4)
		return ICMP_KIND(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
	if (code == 1)
		return ICMP_KIND(ICMP_DEST_UNREACH, 10);
	return code > 4 ? 0 : ICMP_KIND(ICMP_DEST_UNREACH, ICMP_HOST_UNREACH);
}
