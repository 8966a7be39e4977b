/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * MAC headers that the stack has lost sight of, and those of virtual routers. Part of tc.h.
 */
#ifndef WGXDP_TC_MAC_H
#define WGXDP_TC_MAC_H

#include "maps.h"

/* Generic XDP (ours, or another's) copies the skb where it wants more headroom, and from 6.9 on the copy has forgotten how long
 * its MAC header is: data begins behind it, and a redirect would send it without one. Putting the header there anew mends that,
 * for us and for those who see the packet after us. */
__attribute__((noinline)) int tc_find_mac(struct __sk_buff *ctx)
{
	__u64 mac[2] = {}, first[2] = {};	/* of an Ethernet header */

	if (bpf_skb_load_bytes_relative(ctx, 0, mac, ETH_HLEN, BPF_HDR_START_MAC))
		return NOT_OURS;
	if (!bpf_skb_load_bytes(ctx, 0, first, ETH_HLEN) && first[0] == mac[0] && first[1] == mac[1])
		return 0;
	if (bpf_skb_change_head(ctx, ETH_HLEN, 0) || bpf_skb_store_bytes(ctx, 0, mac, ETH_HLEN, 0))
		return NOT_OURS;
	return 0;
}

/* What begins with another type than the stack's own word for it is tagged, no Ethernet II, or lacks its MAC header. */
INLINE bool tc_may_lack_mac(const struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;
	const struct ethhdr *eth = at(p, 0, sizeof(*eth));

	return !eth || eth->h_proto != (__be16)skb->protocol || p->link->flags & LINK_GENERIC;
}

/* What is for the MAC of a virtual router (VRRP) is its MACVLAN's to the stack, and here another host's still */
INLINE bool tc_for_router(const struct pkt *p)
{
	const void *eth = at(p, 0, sizeof(struct ethhdr));
	const __u64 *macs = p->link->macs;
	__u64 mac = eth ? load_word(__u64, eth) & bpf_cpu_to_be64(0xffffffffffff0000ULL) : 0;

	return mac == macs[1] || mac == macs[2] || mac == macs[3];
}

#endif
