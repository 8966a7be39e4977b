// SPDX-License-Identifier: GPL-2.0-or-later
/* The bench's own programs: the sender (run by BPF_PROG_RUN with live frames), the sink, the bare redirect that every
 * ratio is taken against, and the references of the test-run: redirect only, and parse + redirect. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "job.h"

char LICENSE[] SEC("license") = "GPL";

struct bench_job job;
__u8 hop_macs[2 * ETH_ALEN];		/* destination and source that bench_hop writes */

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");			/* slot → device that the sender transmits on */

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} crossings SEC(".maps");		/* ingress device → egress device */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, TARGETS);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");			/* the programs of test-runs */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);		/* flows.c sets the number */
	__type(key, struct flow_key);
	__type(value, __u8[sizeof(struct flow)]);
} lru SEC(".maps");			/* bench_lru rewrites packets to these */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);		/* as many as in wgxdp: guard.c */
	__type(key, struct client_key);
	__type(value, __u64);
} lru_clients SEC(".maps");		/* clients that bench_lookup passes */

static __always_inline __u32 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1624: four bytes changed from `old` to `new`, both in network order */
static __always_inline __u16 csum_replace(__u16 check, __u32 old, __u32 new)
{
	__u32 sum = (__u16)~check;

	sum += (__u16)~old + (__u16)~(old >> 16) + (__u16)new + (new >> 16);
	return ~fold(sum);
}

/* the kernel reuses pages as the last receiver left them, so the whole head is written again */
static __always_inline void *write_head(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 *to = data;

	if (data + HEAD > end)
		return NULL;
#pragma unroll
	for (int i = 0; i < HEAD / 8; i++)
		to[i] = job.head[i];
	return data;
}

static __always_inline void next_client(struct xdp_md *ctx, void *data)
{
	void *end = (void *)(long)ctx->data_end;
	__u32 *address = data + (job.vary & 63), to;
	__u32 from = bpf_htonl(job.base);

	to = bpf_htonl(job.base + job.at);
	job.at += job.stride;
	if (job.at >= job.clients)
		job.at -= job.clients;
	if ((void *)(address + 1) > end)
		return;
	*address = to;
	if (job.family == 4) {
		struct iphdr *ip = data + ETH_HLEN;
		struct udphdr *udp = (void *)(ip + 1);

		if (!job.index_varies)
			ip->check = csum_replace(ip->check, from, to);
		udp->check = csum_replace(udp->check, from, to) ?: 0xffff;
	} else {
		struct udphdr *udp = data + ETH_HLEN + sizeof(struct ipv6hdr);

		udp->check = csum_replace(udp->check, from, to) ?: 0xffff;
	}
}

SEC("xdp") int bench_send(struct xdp_md *ctx)
{
	void *data = write_head(ctx);

	if (!data)
		return XDP_ABORTED;
	if (job.clients > 1)
		next_client(ctx, data);
	job.sent++;
	return bpf_redirect_map(&ports, job.port, 0);
}

static __always_inline int arrived(struct xdp_md *ctx, void *data)
{
	void *end = (void *)(long)ctx->data_end;
	__u32 *address = data + (job.expect_at & 63);
	__u16 *port = data + (job.expect_port_at & 63);

	if ((void *)(address + 4) > end || (void *)(port + 1) > end)
		return 0;
	if (job.arrives == 4)
		return address[0] == job.expect[0] && *port == job.expect_port &&
		       *(__u8 *)(data + ETH_HLEN + 8) == job.expect_ttl;
	return address[0] == job.expect[0] && address[1] == job.expect[1] && address[2] == job.expect[2] &&
	       address[3] == job.expect[3] && *port == job.expect_port && *(__u8 *)(data + ETH_HLEN + 7) == job.expect_ttl;
}

/* takes the marked packets, counts the right ones, leaves ARP and the like to the stack */
SEC("xdp") int bench_sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__be16 proto;
	__u64 *mark;

	if (data + HEAD > end)
		return XDP_PASS;
	proto = ((struct ethhdr *)data)->h_proto;
	if (proto == bpf_htons(ETH_P_IP))
		mark = data + ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr);
	else if (proto == bpf_htons(ETH_P_IPV6))
		mark = data + ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct udphdr);
	else
		return XDP_PASS;
	if (*mark != MARK && (!job.index_varies || (__u32)mark[0] != (__u32)MARK || mark[1] != COUNTER))
		return XDP_PASS;
	if (arrived(ctx, data))
		job.sunk++;
	else
		job.other++;
	return XDP_DROP;
}

SEC("xdp") int bench_bare(struct xdp_md *ctx)
{
	return bpf_redirect_map(&crossings, ctx->ingress_ifindex, XDP_PASS);
}

/* bare redirect between real machines: frames need the MACs of the next one */
SEC("xdp") int bench_hop(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + ETH_HLEN > end || *(__u8 *)data & 1)
		return XDP_PASS;
	__builtin_memcpy(data, hop_macs, sizeof(hop_macs));
	return bpf_redirect_map(&crossings, ctx->ingress_ifindex, 0);
}

static __always_inline void swap(void *a, void *b, __u32 n)
{
	__u8 c[16];

	__builtin_memcpy(c, a, n);
	__builtin_memcpy(a, b, n);
	__builtin_memcpy(b, c, n);
}

/* replaces the sink: sends every packet back like its receiver's answer (with the same checksum) */
SEC("xdp") int bench_answer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if (data + HEAD > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		struct udphdr *udp = (void *)(ip + 1);

		swap(&ip->saddr, &ip->daddr, sizeof(ip->saddr));
		swap(&udp->source, &udp->dest, sizeof(udp->source));
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6) && ((struct ipv6hdr *)(eth + 1))->nexthdr == IPPROTO_UDP) {
		struct ipv6hdr *ip = (void *)(eth + 1);
		struct udphdr *udp = (void *)(ip + 1);

		swap(&ip->saddr, &ip->daddr, sizeof(ip->saddr));
		swap(&udp->source, &udp->dest, sizeof(udp->source));
	} else {
		return XDP_PASS;
	}
	swap(eth->h_dest, eth->h_source, ETH_ALEN);
	return XDP_TX;
}

/* ---- test-run: every repeat begins with a fresh head, the same for all targets ---- */

/* The kernel runs every repeat on the buffer that the last one left. Take back what a translation
 * between families added to the header or removed from it. Every target of such a row pays for this,
 * also the bare redirect. */
static __always_inline long restore_length(struct xdp_md *ctx)
{
	return job.moves ? bpf_xdp_adjust_head(ctx, (int)bpf_xdp_get_buff_len(ctx) - (int)job.length) : 0;
}

/* One program runs all targets, by direct jumps: nothing else differs between the targets. */
SEC("xdp.frags") int bench_fresh(struct xdp_md *ctx)
{
	void *data = restore_length(ctx) ? NULL : write_head(ctx);

	if (!data)
		return XDP_ABORTED;
	if (job.clients > 1)
		next_client(ctx, data);
	/* A locked instruction waits until the head is written. Without it, a load that needs bytes of two of these
	 * stores waits, as for no received frame. */
	__sync_fetch_and_add(&job.fenced, 1);
	switch (job.target) {
	case TARGET_REDIRECT:
		bpf_tail_call_static(ctx, &targets, TARGET_REDIRECT);
		break;
	case TARGET_PARSE:
		bpf_tail_call_static(ctx, &targets, TARGET_PARSE);
		break;
	case TARGET_WGXDP:
		bpf_tail_call_static(ctx, &targets, TARGET_WGXDP);
		break;
	case TARGET_OTHER:
		bpf_tail_call_static(ctx, &targets, TARGET_OTHER);
		break;
	}
	return XDP_ABORTED;
}

SEC("xdp.frags") int bench_redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&crossings, ctx->ingress_ifindex, 0);
}

/* the checks of a full parser: every bound, the version, options, fragments, lengths, martians */
static __always_inline int parse_ipv4(void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);
	__u8 from, to;

	if ((void *)(udp + 1) > end || *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff) ||
	    ip->protocol != IPPROTO_UDP || ip->ttl <= 1)
		return -1;
	from = ip->saddr, to = ip->daddr;
	if (from == 0 || from == 127 || from >= 224 || to == 127 || to >= 224)
		return -1;
	if (bpf_ntohs(ip->tot_len) < sizeof(*ip) + sizeof(*udp) || data + ETH_HLEN + bpf_ntohs(ip->tot_len) > end)
		return -1;
	return bpf_ntohs(udp->len) < sizeof(*udp) ? -1 : 0;
}

static __always_inline int parse_ipv6(void *data, void *end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > end || *(__u8 *)ip >> 4 != 6 || ip->nexthdr != IPPROTO_UDP || ip->hop_limit <= 1)
		return -1;
	if (ip->saddr.s6_addr[0] == 0xff || ip->daddr.s6_addr[0] == 0xff || !ip->saddr.s6_addr32[0] ||
	    !ip->daddr.s6_addr32[0])
		return -1;
	if (bpf_ntohs(ip->payload_len) < sizeof(*udp) ||
	    data + ETH_HLEN + sizeof(*ip) + bpf_ntohs(ip->payload_len) > end)
		return -1;
	return bpf_ntohs(udp->len) < sizeof(*udp) ? -1 : 0;
}

SEC("xdp.frags") int bench_parse(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	int rc = -1;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		rc = parse_ipv4(data, end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		rc = parse_ipv6(data, end);
	return rc ? XDP_PASS : bpf_redirect_map(&crossings, ctx->ingress_ifindex, 0);
}

/* ---- the minimum for a program with flows, only IPv4 and originals ---- */

static __always_inline void lru_rewrite(struct iphdr *ip, struct udphdr *udp, const struct flow *flow)
{
	__u32 ports = (__u16)~udp->source + flow->own_port + (__u16)~udp->dest + flow->backend_port;

	ip->saddr = flow->own.w[3];
	ip->daddr = flow->backend.w[3];
	ip->ttl--;
	ip->check = ~fold((__u16)~ip->check + flow->delta + (__u16)~bpf_htons(0x0100));
	udp->source = flow->own_port;
	udp->dest = flow->backend_port;
	if (udp->check)
		udp->check = (__u16)~fold((__u16)~udp->check + flow->delta + ports) ?: 0xffff;
}

SEC("xdp.frags") int bench_lru(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);
	struct flow_key key = { .family = FAMILY_IPV4, .direction = DIRECTION_ORIGINAL };
	const struct flow *flow;

	if ((void *)(udp + 1) > end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IP) || parse_ipv4(data, end))
		return XDP_PASS;
	key.src.w[2] = key.dst.w[2] = bpf_htonl(0xffff);
	key.src.w[3] = ip->saddr;
	key.dst.w[3] = ip->daddr;
	key.sport = udp->source;
	key.dport = udp->dest;
	flow = bpf_map_lookup_elem(&lru, &key);
	if (!flow)
		return XDP_PASS;
	lru_rewrite(ip, udp, flow);
	return bpf_redirect_map(&crossings, ctx->ingress_ifindex, 0);
}

/* ---- the minimum for a guard that looks clients up ---- */

static __always_inline int client_of(void *data, void *end, struct client_key *key)
{
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp;

	if ((void *)(eth + 1) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end || parse_ipv4(data, end))
			return -1;
		key->addr.w[2] = bpf_htonl(0xffff);
		key->addr.w[3] = ip->saddr;
	} else {
		udp = (void *)(ip6 + 1);
		if (eth->h_proto != bpf_htons(ETH_P_IPV6) || (void *)(udp + 1) > end || parse_ipv6(data, end))
			return -1;
		__builtin_memcpy(&key->addr, &ip6->saddr, sizeof(key->addr));
	}
	key->port = udp->source;
	return 0;
}

SEC("xdp.frags") int bench_lookup(struct xdp_md *ctx)
{
	struct client_key key = { 0 };
	const __u64 *until;

	if (client_of((void *)(long)ctx->data, (void *)(long)ctx->data_end, &key))
		return XDP_PASS;
	until = bpf_map_lookup_elem(&lru_clients, &key);
	return until && *until ? bpf_redirect_map(&crossings, ctx->ingress_ifindex, 0) : XDP_PASS;
}
