/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The IP header of another family, as far as it is the kernel's to change. Part of tc.h.
 */
#ifndef WGXDP_TC_FAMILY_H
#define WGXDP_TC_FAMILY_H

#include "pkt.h"

/* Another IP header than the one that it has: the kernel knows how to change the shortest ones, the rest is room. 0; positive: the
 * packet is unchanged; negative: lost */
__attribute__((noinline)) int tc_change_family(struct __sk_buff *ctx, __u32 ipv4, __u32 from, __u32 to)
{
	int change = ipv4 ? -(int)(sizeof(struct ipv6hdr) - sizeof(struct iphdr)) : (int)(sizeof(struct ipv6hdr) - sizeof(struct iphdr));
	int rest = (int)to - (int)from - change;

	if (bpf_skb_change_proto(ctx, ipv4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6), 0))
		return 1;
	return rest && bpf_skb_adjust_room(ctx, rest, BPF_ADJ_ROOM_MAC, 0) ? -1 : 0;
}

#endif
