/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends a packet that the daemon has built (a cookie reply) as the kernel would send it, but
 * without a raw socket or a bound port. The program wgxdp_send in wgxdp.bpf.c uses it; it is not
 * a step of the pipeline.
 */
#pragma once

#include "pkt.h"

/* Fills *fib with the arguments of a FIB lookup for the packet's destination. */
INLINE int send_frame_question(struct __sk_buff *ctx, struct bpf_fib_lookup *fib)
{
	struct ipv6hdr ip6;
	struct iphdr ip;

	fib->ifindex = ctx->ifindex;
	fib->l4_protocol = IPPROTO_UDP;
	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(ctx, ETH_HLEN, &ip, sizeof(ip)))
			return -1;
		fib->family = FAMILY_IPV4;
		fib->ipv4_src = ip.saddr;
		fib->ipv4_dst = ip.daddr;
		return 0;
	}
	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &ip6, sizeof(ip6)))
		return -1;
	fib->family = FAMILY_IPV6;
	memcpy(fib->ipv6_src, &ip6.saddr, sizeof(ip6.saddr));
	memcpy(fib->ipv6_dst, &ip6.daddr, sizeof(ip6.daddr));
	return 0;
}

/* Sends the frame. On an L3 device the FIB lookup returns NO_NEIGH, because there are no
 * neighbours. The kernel then removes the Ethernet header. */
INLINE int send_frame(struct __sk_buff *ctx)
{
	struct bpf_fib_lookup fib = { 0 };
	int rc;

	if (send_frame_question(ctx, &fib))
		return -1;
	rc = bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_OUTPUT);
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH)
		return -1;
	if (bpf_skb_store_bytes(ctx, 0, fib.dmac, ETH_ALEN, 0) ||
	    bpf_skb_store_bytes(ctx, ETH_ALEN, fib.smac, ETH_ALEN, 0))
		return -1;
	return bpf_clone_redirect(ctx, ctx->ifindex, 0);
}
