/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The programs of the data path: two for XDP, one for tc, one for tc on devices without an Ethernet
 * header (PPP, TUN, WireGuard), and one at the egress of the blind relay's link. User space runs
 * two more; transmit.h has the tracepoints.
 *
 * A packet's way begins here and goes on in run() of pipeline.h; in XDP in express_first() of
 * express/express.h, if the express path is on. That is a program of its own, so that its registers
 * and its stack are no concern of the pipeline's, nor of the verifier's when it walks that.
 */
#include "answer.h"
#include "blind/egress.h"
#include "pipeline.h"
#include "transmit.h"

char LICENSE[] SEC("license") = "GPL";

SEC("xdp.frags")
int wgxdp_express(struct xdp_md *ctx)
{
	int action = express_first(ctx, ctx->ingress_ifindex);

	if (action != EXPRESS_MISS)
		return action;
	bpf_tail_call(ctx, &xdp_way, 0);
	express_forget();
	return XDP_PASS;
}

SEC("xdp.frags")
int wgxdp_xdp(struct xdp_md *ctx)
{
	return run(ctx, PLANE_XDP, ctx->ingress_ifindex, false, XDP_PASS, XDP_DROP);
}

SEC("tc")
int wgxdp_tc(struct __sk_buff *ctx)
{
	return run(ctx, PLANE_TC, ctx->ifindex, false, TC_ACT_UNSPEC, TC_ACT_SHOT);
}

SEC("tc")
int wgxdp_tc_l3(struct __sk_buff *ctx)
{
	return run(ctx, PLANE_TC, ctx->ifindex, true, TC_ACT_UNSPEC, TC_ACT_SHOT);
}

/* Runs at egress. Other programs and filters there run after it. */
SEC("tc")
int wgxdp_tc_egress(struct __sk_buff *ctx)
{
	blind_egress(ctx);
	return TC_ACT_UNSPEC;
}

/* User space runs it by BPF_PROG_TEST_RUN. The packet is an Ethernet header and then a struct
 * flow_end. Ends that flow. Returns enum flow_ended, or negative. */
SEC("tc")
int wgxdp_flow_end(struct __sk_buff *ctx)
{
	struct flow_end wish;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &wish, sizeof(wish)))
		return -1;
	return flow_end_at(wish.place, wish.word) ? FLOW_ENDED : FLOW_CHANGED;
}

/* User space runs it by BPF_PROG_TEST_RUN, with the device's ifindex in ctx_in. Sends the frame
 * there, with the MACs of the way to its destination. Returns 0 if the device took it. */
SEC("tc")
int wgxdp_answer(struct __sk_buff *ctx)
{
	return answer_send(ctx);
}
