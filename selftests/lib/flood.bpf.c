/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sender of flood.c, run by BPF_PROG_RUN with live frames. The kernel reuses pages as the last receiver left them,
 * so the program writes every field again that a receiver may have changed.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "flood.h"

#define STRIDE 7919			/* a prime, so that consecutive packets use distant sources */

char LICENSE[] SEC("license") = "GPL";

struct flood_job job;

struct packet {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u32 type, index;
	__u8 pad[6];
} __attribute__((packed));

_Static_assert(sizeof(struct packet) == FLOOD_HEAD, "the head ends with a word");

static __always_inline __u32 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

SEC("xdp") int flood(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet *p = data;
	__u64 *to = data;
	__u32 n;

	if (data + FLOOD_HEAD > end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < FLOOD_HEAD / 8; i++)
		to[i] = job.head[i];
	n = job.at;
	job.at += STRIDE % job.sources;
	if (job.at >= job.sources)
		job.at -= job.sources;
	p->ip.saddr = bpf_htonl(job.base + n);
	p->udp.source = bpf_htons(1024 + n % 60000);
	p->index = bpf_get_prandom_u32();
	p->ip.check = ~fold((__u16)~p->ip.check + (__u16)p->ip.saddr + (p->ip.saddr >> 16)); /* the sum was that of 0.0.0.0 */
	job.sent++;
	return job.device ? bpf_redirect(job.device, 0) : XDP_DROP;
}
