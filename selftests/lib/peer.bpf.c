/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * XDP programs for the far ends of test cables. A driver takes frames from XDP only if the far end has one. `pass`
 * does nothing. `slow` delays each frame, so that the ring before it fills up. `drop` is another project's program,
 * which passes only ARP. `look` is a tc program that does nothing.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define SLOW_NS 200000		/* more than any sender takes, even on an emulated machine */

char LICENSE[] SEC("license") = "GPL";

SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int drop(struct xdp_md *ctx)
{
	const unsigned char *frame = (void *)(long)ctx->data;

	if ((void *)(long)ctx->data_end < (void *)(frame + 14))
		return XDP_DROP;
	return frame[12] == 8 && frame[13] == 6 ? XDP_PASS : XDP_DROP;
}

static long is_late(__u32 i, __u64 *until)
{
	return bpf_ktime_get_ns() >= *until;
}

SEC("xdp.frags")
int slow(struct xdp_md *ctx)
{
	__u64 until = bpf_ktime_get_ns() + SLOW_NS;

	bpf_loop(1 << 16, is_late, &until, 0);
	return XDP_PASS;
}

SEC("tc")
int look(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}
