/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One packet through a program that is loaded, by BPF_PROG_TEST_RUN, and what the program itself sent before it returned. Part of
 * run_packets.c and run_planes.c, which have die() and the program's number.
 */
#ifndef RUN_LIVE_H
#define RUN_LIVE_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include "host/host_plane.h"

/* RUN_ROOM: what XDP's test-run leaves in front of a packet, less struct xdp_frame */
enum { PACKET_MAX = 70000, RUN_ROOM = 256 - 40 };
#ifndef BPF_F_TEST_SKB_CHECKSUM_COMPLETE
#define BPF_F_TEST_SKB_CHECKSUM_COMPLETE (1U << 2)
#endif

struct case_head {			/* then len bytes */
	__u32 ifindex, len, runs, gso_segs, gso_size;
	__u32 whole;			/* a truncated one must not be sent */
	__u32 flags;			/* TRUNCATE: run every truncation too; SHORTENED: the kernel forgets the checksum. Then
					 * a bit for each large map to look at: run_changes.h */
	__u32 linear;			/* host: accessible bytes */
	__u32 wait;			/* milliseconds before it comes */
	__u32 room;			/* xdp: bytes in front of it, divided by four; above RUN_ROOM: as many as possible */
};

#define ODD 3				/* a verdict that is none of enum plane_verdict */

static bool tc;
static int program, tap = -1;
static __u8 room[RUN_ROOM + PACKET_MAX], out[PACKET_MAX], *const packet = room + RUN_ROOM;
static __u32 out_len;
static __u8 clones[1 << 20];
static __u32 n_clones, clones_size;

static inline void stay_on_cpu(int n)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(n, &cpu);			/* next hops are remembered for each CPU */
	sched_setaffinity(0, sizeof(cpu), &cpu);
}

static inline void open_tap(void)
{
	int size = 16 << 20;

	tap = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (tap < 0 || setsockopt(tap, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("packet socket");
}

static int run_live(const struct case_head *c, __u32 len, __u32 flags, __u32 *raw)
{
	__u32 taken = tc || c->room > RUN_ROOM ? 0 : RUN_ROOM - c->room;	/* metadata takes this part, which is no room */
	struct xdp_md xdp = { .data = taken, .data_end = taken + len, .ingress_ifindex = c->ifindex };
	struct __sk_buff skb = { .ifindex = c->ifindex, .gso_segs = c->gso_segs, .gso_size = c->gso_size };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet - taken, .data_size_in = taken + len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1, .flags = flags);
	int rc;

	opts.ctx_in = tc ? (void *)&skb : &xdp;
	opts.ctx_size_in = tc ? sizeof(skb) : sizeof(xdp);
	rc = bpf_prog_test_run_opts(program, &opts);
	*raw = rc ? -rc : opts.retval;
	out_len = opts.data_size_out - (rc ? 0 : taken);
	memmove(out, out + taken, out_len);
	if (!rc && out_len != len && opts.retval == (tc ? TC_ACT_SHOT : XDP_DROP))
		return PLANE_DROPPED;		/* its header had already been changed for the other family */
	if (rc || (out_len != len && opts.retval != (tc ? (__u32)TC_ACT_REDIRECT : XDP_REDIRECT)))
		return ODD;
	if (tc)
		return opts.retval == (__u32)TC_ACT_UNSPEC ? PLANE_PASSED : opts.retval == TC_ACT_REDIRECT ? PLANE_SENT :
		       opts.retval == TC_ACT_SHOT ? PLANE_DROPPED : ODD;
	return opts.retval == XDP_PASS ? PLANE_PASSED : opts.retval == XDP_REDIRECT ? PLANE_SENT :
	       opts.retval == XDP_DROP ? PLANE_DROPPED : ODD;
}

/* IPv4, or a fragment of IPv6: everything else comes from the kernel itself */
static bool may_be_fragment(const struct sockaddr_ll *from, const __u8 *frame, size_t n)
{
	return from->sll_pkttype == PACKET_OUTGOING && (from->sll_protocol == htons(ETH_P_IP) ||
	       (from->sll_protocol == htons(ETH_P_IPV6) && n > 20 && frame[20] == IPPROTO_FRAGMENT));
}

/* Takes the packets that the program itself sent, by bpf_clone_redirect(), before it returned */
static void take_clones(void)
{
	static __u8 frame[PACKET_MAX];
	struct sockaddr_ll from;
	socklen_t from_len;
	ssize_t n;

	n_clones = clones_size = 0;
	while (from_len = sizeof(from), (n = recvfrom(tap, frame, sizeof(frame), 0, (void *)&from, &from_len)) >= 0) {
		struct clone_head head = { from.sll_ifindex, n };

		if (!may_be_fragment(&from, frame, n) || clones_size + sizeof(head) + n > sizeof(clones))
			continue;
		memcpy(clones + clones_size, &head, sizeof(head));
		memcpy(clones + clones_size + sizeof(head), frame, n);
		clones_size += sizeof(head) + n;
		n_clones++;
	}
}

#endif
