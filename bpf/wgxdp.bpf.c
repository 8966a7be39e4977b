/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The entry points of the data path: two programs for XDP, one for tc, one for tc on devices
 * without an Ethernet header (PPP, TUN, WireGuard), and one for egress on the blind relay's link.
 * User space itself runs wgxdp_flow_end, wgxdp_send and wgxdp_blind_put. The tracepoints are in
 * transmit.h.
 *
 * Each program calls run() in pipeline.h. If the express path is on, XDP first runs wgxdp_express,
 * which calls express_first() in express/express.h. It is a separate program, so that it has its
 * own registers and stack, and the verifier does not walk the pipeline behind each of its paths.
 */
#include "send_frame.h"
#include "blind/egress.h"
#include "blind/put.h"
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

/* Handles packets at egress. It runs before other programs and filters there. */
SEC("tc")
int wgxdp_tc_egress(struct __sk_buff *ctx)
{
	return blind_egress(ctx) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* Ends a flow. The express path may remember a flow that has not timed out, so its entries become
 * invalid. User space runs it by BPF_PROG_TEST_RUN with a packet of an Ethernet header and a
 * struct flow_end. Returns enum flow_ended, or a negative value. */
SEC("tc")
int wgxdp_flow_end(struct __sk_buff *ctx)
{
	struct flow_end wish;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &wish, sizeof(wish)))
		return -1;
	if (!flow_end_at(wish.place, wish.word))
		return FLOW_CHANGED;
	if (learned_word_state(wish.word) == LEARNED_LIVE &&
	    learned_left(wish.word, bpf_jiffies64() >> tick_shift))
		__sync_fetch_and_add(&control_find()->generation, 1);
	return FLOW_ENDED;
}

/* Sends a frame. User space runs it by BPF_PROG_TEST_RUN, with the device's ifindex in ctx_in.
 * Fills in the MAC addresses of the route to the destination. Returns 0 if the device accepted
 * it. */
SEC("tc")
int wgxdp_send(struct __sk_buff *ctx)
{
	return send_frame(ctx);
}

/* Writes entries of sessions and hints. User space runs it by BPF_PROG_TEST_RUN with a packet of an
 * Ethernet header and up to BLIND_PUTS of struct blind_put. */
SEC("tc")
int wgxdp_blind_put(struct __sk_buff *ctx)
{
	blind_put_all(ctx);
	return 0;
}
