/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Entry points of the data path: one a plane; and the same with a relay, so that a firewall's carry nothing of it. The way of a
 * packet is in pipeline.h and relay.h.
 */
#include "relay.h"
#include "transmit.h"

char LICENSE[] SEC("license") = "GPL";

SEC("xdp.frags")
int wgxdp_xdp(struct xdp_md *ctx)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_XDP, .ifindex = ctx->ingress_ifindex, .segments = 1 };
	int action = XDP_ABORTED, rc = pipeline(&p, 0, &action);

	return verdict(&p, rc, action, XDP_PASS, XDP_DROP);
}

SEC("tc")
int wgxdp_tc(struct __sk_buff *ctx)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_TC, .ifindex = ctx->ifindex, .segments = 1 };
	int action = TC_ACT_SHOT, rc = pipeline(&p, 0, &action);

	return verdict(&p, rc, action, TC_ACT_UNSPEC, action);	/* what is dropped may be answered */
}

/* devices without an Ethernet header: PPP, TUN, WireGuard */
SEC("tc")
int wgxdp_tc_l3(struct __sk_buff *ctx)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_TC, .bare = true, .ifindex = ctx->ifindex, .segments = 1 };
	int action = TC_ACT_SHOT, rc = pipeline(&p, ctx->protocol, &action);

	return verdict(&p, rc, action, TC_ACT_UNSPEC, action);	/* what is dropped may be answered */
}

SEC("xdp.frags")
int wgxdp_xdp_relay(struct xdp_md *ctx)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_XDP, .ifindex = ctx->ingress_ifindex, .segments = 1 };
	int action = XDP_ABORTED, rc = relay(&p, 0, &action);

	return relay_verdict(&p, rc, action, XDP_PASS, XDP_DROP);
}

SEC("tc")
int wgxdp_tc_relay(struct __sk_buff *ctx)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_TC, .ifindex = ctx->ifindex, .segments = 1 };
	int action = TC_ACT_SHOT, rc = relay(&p, 0, &action);

	return relay_verdict(&p, rc, action, TC_ACT_UNSPEC, action);
}

SEC("tc")
int wgxdp_tc_l3_relay(struct __sk_buff *ctx)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_TC, .bare = true, .ifindex = ctx->ifindex, .segments = 1 };
	int action = TC_ACT_SHOT, rc = relay(&p, ctx->protocol, &action);

	return relay_verdict(&p, rc, action, TC_ACT_UNSPEC, action);
}
