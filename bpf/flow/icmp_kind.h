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

#define ICMP_KIND(type, code) ((__u32)(type) << 8 | (code))

INLINE __u32 icmp_to6(__u8 type, __u8 code, __u32 word, __u32 *ret_word)
{
	__u32 mtu = word & 0xffff;

	*ret_word = 0;
	if (type == ICMP_TIME_EXCEEDED)
		return ICMP_KIND(ICMPV6_TIME_EXCEED, code);
	if (type == ICMP_PARAMETERPROB) {
		*ret_word = pointer_to6(word >> 24);
		return (code && code != 2) || *ret_word == ~0U ? 0 : ICMP_KIND(ICMPV6_PARAMPROB, 0);
	}
	if (code == ICMP_FRAG_NEEDED) {
		*ret_word = mtu + sizeof(struct ipv6hdr) - sizeof(struct iphdr);
		*ret_word = *ret_word < IPV6_MTU_MIN ? IPV6_MTU_MIN : *ret_word;
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

INLINE __u32 icmp_to4(__u8 type, __u8 code, __u32 word, __u32 *ret_word)
{
	*ret_word = 0;
	if (type == ICMPV6_TIME_EXCEED)
		return ICMP_KIND(ICMP_TIME_EXCEEDED, code);
	if (type == ICMPV6_PKT_TOOBIG) {
		word = word < IPV6_MTU_MIN ? IPV6_MTU_MIN : word > 0xffff ? 0xffff : word;
		*ret_word = word - (sizeof(struct ipv6hdr) - sizeof(struct iphdr));
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
