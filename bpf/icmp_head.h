/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The heads of errors of our own, and how many of them a source gets. Part of icmp_send.h.
 */
#ifndef WGXDP_ICMP_HEAD_H
#define WGXDP_ICMP_HEAD_H

#include "icmp_read.h"

#define ANSWER_MAX4 576			/* RFC 1812 4.3.2.3, and the kernel */
#define ANSWER_MAX6 1280		/* RFC 4443 2.4 */
#define ANSWER_TTL 64
#define ANSWER_OWN (1U << 31)		/* IPv6: from our own address on the link, not from whom the packet was sent to */
#define ANSWER_UNREACHABLE (1U << 30)	/* IPv6: destination unreachable; the code is in the lowest byte */
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

/* Where both are made, and what is answered is read to */
struct answer_room {
	union {
		struct answer4 v4;
		struct answer6 v6;
	};
	union {
		struct iphdr of4;
		struct ipv6hdr of6;
	};
	__u8 macs[2 * ETH_ALEN];
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

/* what: an MTU or 0, as above; or ANSWER_UNREACHABLE | code */
INLINE void answer_head6(struct answer6 *a, const struct ipv6hdr *of, __u32 what, __u32 n, __u32 sum)
{
	bool unreachable = what & ANSWER_UNREACHABLE;
	__u32 mtu = unreachable ? 0 : what;
	__u64 pseudo;

	*a = (struct answer6){
		.ip = { .version = 6, .payload_len = bpf_htons(sizeof(a->icmp) + n), .nexthdr = IPPROTO_ICMPV6,
			.hop_limit = ANSWER_TTL, .saddr = of->daddr, .daddr = of->saddr },
		.icmp = { .icmp6_type = unreachable ? ICMPV6_DEST_UNREACH : mtu ? ICMPV6_PKT_TOOBIG : ICMPV6_TIME_EXCEED,
			  .icmp6_code = unreachable ? what & 0xff : 0 },
	};
	mtu = mtu && mtu < ANSWER_MAX6 ? ANSWER_MAX6 : mtu;
	a->icmp.icmp6_mtu = bpf_htonl(mtu);
	pseudo = csum_pseudo6(&a->ip) + a->ip.payload_len + bpf_htons(IPPROTO_ICMPV6);
	a->icmp.icmp6_cksum = ~csum_fold(sum + *(__u16 *)&a->icmp + bpf_htons(mtu) + csum_fold64(pseudo));
}

#endif
