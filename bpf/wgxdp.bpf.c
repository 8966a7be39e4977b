/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Entry points of the data path: one a plane, and one for devices without an Ethernet header (PPP, TUN, WireGuard); and the same
 * with a relay, with flows, with both, and with a guard too, so that a firewall's carry nothing of it. The way of a packet is in pipeline.h and
 * relay.h.
 */
#include "answer.h"
#include "blind_egress.h"
#include "relay.h"
#include "transmit.h"

char LICENSE[] SEC("license") = "GPL";

#define XDP_ENTRY(name, way, guard, end, ...) \
	SEC("xdp.frags") \
	int name(struct xdp_md *ctx) \
	{ \
		struct pkt p = { .ctx = ctx, .plane = PLANE_XDP, .ifindex = ctx->ingress_ifindex, .segments = 1, .guards = guard, ##__VA_ARGS__ }; \
		int action = XDP_ABORTED, rc = way(&p, 0, guard, &action); \
		\
		return end(&p, rc, action, XDP_PASS, XDP_DROP); \
	}

/* What is dropped may be answered */
#define TC_ENTRY(name, way, guard, end, protocol, ...) \
	SEC("tc") \
	int name(struct __sk_buff *ctx) \
	{ \
		struct pkt p = { .ctx = ctx, .plane = PLANE_TC, .ifindex = ctx->ifindex, .segments = 1, .guards = guard, ##__VA_ARGS__ }; \
		int action = TC_ACT_SHOT, rc = way(&p, protocol, guard, &action); \
		\
		return end(&p, rc, action, TC_ACT_UNSPEC, action); \
	}

#define ENTRIES(suffix, way, guard, end, ...) \
	XDP_ENTRY(wgxdp_xdp##suffix, way, guard, end, ##__VA_ARGS__) \
	TC_ENTRY(wgxdp_tc##suffix, way, guard, end, 0, ##__VA_ARGS__) \
	TC_ENTRY(wgxdp_tc_l3##suffix, way, guard, end, ctx->protocol, .bare = true, ##__VA_ARGS__)

ENTRIES(, pipeline, false, verdict)
ENTRIES(_relay, relay, false, relay_verdict)
ENTRIES(_flows, pipeline, false, verdict, .flows = true)
ENTRIES(_relay_flows, relay, false, relay_verdict, .flows = true)
ENTRIES(_guard, pipeline, true, verdict, .flows = true)
ENTRIES(_relay_guard, relay, true, relay_verdict, .flows = true)
ENTRIES(_blind, pipeline, false, verdict, .flows = true, .blind = true)
ENTRIES(_relay_blind, relay, false, relay_verdict, .flows = true, .blind = true)

/* For user space, by BPF_PROG_TEST_RUN: behind an Ethernet header comes the key of an original's entry in flows, whose timer is to run.
 * 0: it does, or there is no such flow (any more). */
SEC("tc")
int wgxdp_flow_arm(struct __sk_buff *ctx)
{
	struct flow_key key;

	return bpf_skb_load_bytes(ctx, ETH_HLEN, &key, sizeof(key)) ? -1 : flow_arm_or_end(&key);
}

/* For user space, by BPF_PROG_TEST_RUN with ctx_in's ifindex: sends the frame there, with the MACs of the way to its destination.
 * 0: it was given to the device. */
SEC("tc")
int wgxdp_answer(struct __sk_buff *ctx)
{
	return answer_send(ctx);
}

/* At egress of the blind relay's link; behind it whatever else is there */
SEC("tc")
int wgxdp_tc_egress(struct __sk_buff *ctx)
{
	blind_egress(ctx);
	return TC_ACT_UNSPEC;
}
