/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tracepoint programs that count the packets that a driver failed to send after XDP redirected them
 * to it (map transmit_failed, by egress interface). User space attaches them. If the switch
 * device_ifindex is known, they are raw tracepoints, which need only CAP_PERFMON. If device_ifindex
 * is not known, they are the tracepoints of tracefs.
 */
#pragma once

#include "link.h"

/* Layouts of the kernel's events, from events/xdp/NAME/format in tracefs; the same from Linux 6.1
 * to 6.18. The events name no network namespace, so a failure in another namespace counts too if
 * the devices there have the same ifindexes. */
struct xdp_devmap_xmit {
	__u64 common;
	int from_ifindex;
	__u32 act;
	int to_ifindex, drops, sent, err;
};

struct xdp_redirect_err {
	__u64 common;
	int prog_id;
	__u32 act;
	int ifindex, err, to_ifindex;
	__u32 map_id;
	int map_index;
};

/* Counts packets that `to` did not send, if our XDP program runs on `from`. */
INLINE void transmit_failed_add(__u32 from, __u32 to, __u32 packets)
{
	__u32 place = to % LINKS;
	__u64 *n = bpf_map_lookup_elem(&transmit_failed, &place);
	const struct link *link = link_find(from);

	/* The port of a bond has no XDP flags, but it has `above`. */
	if (n && link && (link->flags & (LINK_NATIVE | LINK_GENERIC) || link->above))
		*n += packets;
}

INLINE int ifindex_of(__u64 device)
{
	int ifindex = 0;

	bpf_probe_read_kernel(&ifindex, sizeof(ifindex), (const void *)(device + device_ifindex));
	return ifindex;
}

/* Returns whether the device is in our network namespace: others use the same ifindexes. Returns
 * true if either namespace is unknown. */
INLINE bool is_in_our_netns(__u64 device)
{
	__u64 net = 0;
	__u32 inum = 0;
	const struct control *c = control_find();

	if (!net_inum || !c->netns)
		return true;
	bpf_probe_read_kernel(&net, sizeof(net), (const void *)(device + device_net));
	bpf_probe_read_kernel(&inum, sizeof(inum), (const void *)(net + net_inum));
	return inum == c->netns;
}

/* Counts packets that the driver did not accept, for example because its ring was full. */
SEC("raw_tp/xdp_devmap_xmit")
int wgxdp_devmap_raw(const struct bpf_raw_tracepoint_args *ctx)
{
	int drops = ctx->args[3];

	if (drops > 0 && is_in_our_netns(ctx->args[0]))
		transmit_failed_add(ifindex_of(ctx->args[0]), ifindex_of(ctx->args[1]), drops);
	return 0;
}

SEC("tp/xdp/xdp_devmap_xmit")
int wgxdp_devmap_xmit(const struct xdp_devmap_xmit *ctx)
{
	if (ctx->drops > 0)
		transmit_failed_add(ctx->from_ifindex, ctx->to_ifindex, ctx->drops);
	return 0;
}

/* Counts packets to a device that is down or cannot transmit from XDP. */
SEC("raw_tp/xdp_redirect_err")
int wgxdp_redirect_raw(const struct bpf_raw_tracepoint_args *ctx)
{
	if (is_in_our_netns(ctx->args[0]))
		transmit_failed_add(ifindex_of(ctx->args[0]), ctx->args[6], 1);
	return 0;
}

SEC("tp/xdp/xdp_redirect_err")
int wgxdp_redirect_err(const struct xdp_redirect_err *ctx)
{
	transmit_failed_add(ctx->ifindex, ctx->map_index, 1);
	return 0;
}
