/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Programs of `wgxdp monitor`, which the kernel runs whenever a program of the data path returns
 * (fexit). They report handshakes and knocks to the monitor. The data path does not depend on them.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tracing_abi.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} tracing_packets SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tracing_wanted);
} tracing_wanted SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tracing_budget);
} tracing_budgets SEC(".maps");

/* Members of the kernel's structures that this program reads. libbpf finds their offsets in the
 * kernel's BTF (CO-RE), which fexit needs in any case. */
struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));
struct xdp_rxq_info {
	struct net_device *dev;
} __attribute__((preserve_access_index));
struct xdp_buff {
	void *data, *data_end;
	struct xdp_rxq_info *rxq;
} __attribute__((preserve_access_index));
struct sk_buff {
	unsigned int len;
	unsigned char *data;
	struct net_device *dev;
} __attribute__((preserve_access_index));

#define PLANE_XDP 0
#define PLANE_TC 1

/* ---- is it a handshake message or a knock? ---- */

/* Returns the offset of the IP header behind Ethernet and up to two VLAN tags, or 0. */
static __always_inline __u32 find_l3(const void *data, __u16 *protocol)
{
	__u32 l3 = ETH_HLEN;

	for (int tags = 0; tags < 3; tags++, l3 += 4) {
		if (bpf_probe_read_kernel(protocol, sizeof(*protocol),
					  data + l3 - sizeof(*protocol)))
			return 0;
		if (*protocol != bpf_htons(ETH_P_8021Q) && *protocol != bpf_htons(ETH_P_8021AD))
			return l3;
	}
	return 0;
}

/* Returns which of the wanted `kinds` the packet belongs to. */
static __always_inline __u32 find_kinds(const void *data, bool bare, __u32 kinds)
{
	struct { __u16 sport, dport, len, check; __u32 type; } udp;
	__u32 l3, header, found = 0;
	__u16 protocol = 0;
	__u8 ip[12];

	if (!kinds)
		return 0;
	l3 = bare ? 0 : find_l3(data, &protocol);
	if ((!bare && !l3) || bpf_probe_read_kernel(ip, sizeof(ip), data + l3))
		return 0;
	if (ip[0] >> 4 == 4 && ip[9] == 17 && !(ip[6] & 0x3f) && !ip[7])
		header = (ip[0] & 15) * 4;
	else if (ip[0] >> 4 == 6 && ip[6] == 17)
		header = 40;
	else
		return 0;
	if ((ip[0] >> 4 == 4 ? ip[8] : ip[7]) <= 1)
		found |= TRACING_LAST_HOP;
	if (!bpf_probe_read_kernel(&udp, sizeof(udp), data + l3 + header) &&
	    ((udp.type == bpf_htonl(1 << 24) && udp.len == bpf_htons(8 + 148)) ||
	     (udp.type == bpf_htonl(2 << 24) && udp.len == bpf_htons(8 + 92))))
		found |= TRACING_HANDSHAKE;
	return found & kinds;
}

/* ---- reporting ---- */

/* Charges one report to this CPU's budget for the present jiffy, which is `each`. Returns false if
 * that is used up. */
static __always_inline bool take_budget(__u32 each)
{
	__u64 now = bpf_jiffies64();
	__u32 zero = 0;
	struct tracing_budget *b = bpf_map_lookup_elem(&tracing_budgets, &zero);

	if (!b)
		return false;
	if (b->jiffy != now) {
		b->jiffy = now;
		b->used = 0;
	}
	return b->used++ < each;
}

/* Returns those of the wanted kinds among `may` that a packet belongs to; 0: do not report it. */
static __always_inline __u32 wanted_kinds(const void *data, bool bare, __u32 may, __u32 *each)
{
	__u32 zero = 0;
	const struct tracing_wanted *w = bpf_map_lookup_elem(&tracing_wanted, &zero);

	if (!w)
		return 0;
	*each = w->each;
	return find_kinds(data, bare, w->kinds & may);
}

SEC("fexit")
int BPF_PROG(tracing_xdp, struct xdp_buff *xdp, int verdict)
{
	struct tracing_packet p = { .plane = PLANE_XDP };
	__u32 each = 0;
	__u64 n;

	p.kinds = wanted_kinds(xdp->data, false, verdict == XDP_REDIRECT || verdict == XDP_TX ?
			       TRACING_HANDSHAKE : 0, &each);
	if (!p.kinds || !take_budget(each))
		return 0;
	p.ifindex = xdp->rxq->dev->ifindex;
	p.len = xdp->data_end - xdp->data;
	n = p.len < TRACING_MAX ? p.len : TRACING_MAX;
	bpf_xdp_output(xdp, &tracing_packets, n << 32 | BPF_F_CURRENT_CPU, &p, sizeof(p));
	return 0;
}

static __always_inline int tracing_skb(struct sk_buff *skb, int verdict, bool bare)
{
	struct tracing_packet p = { .plane = PLANE_TC, .bare = bare };
	__u32 each = 0;
	__u64 n;

	p.kinds = wanted_kinds(skb->data, bare, verdict == TC_ACT_REDIRECT ? TRACING_HANDSHAKE :
			       verdict == TC_ACT_SHOT ? 0 : TRACING_HANDSHAKE | TRACING_LAST_HOP,
			       &each);
	if (!p.kinds || !take_budget(each))
		return 0;
	p.ifindex = skb->dev->ifindex;
	p.len = skb->len;
	n = p.len < TRACING_MAX ? p.len : TRACING_MAX;
	bpf_skb_output(skb, &tracing_packets, n << 32 | BPF_F_CURRENT_CPU, &p, sizeof(p));
	return 0;
}

SEC("fexit")
int BPF_PROG(tracing_tc, struct sk_buff *skb, int verdict)
{
	return tracing_skb(skb, verdict, false);
}

SEC("fexit")
int BPF_PROG(tracing_tc_l3, struct sk_buff *skb, int verdict)
{
	return tracing_skb(skb, verdict, true);
}
