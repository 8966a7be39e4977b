/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Packets of a masquerading service through the XDP program of an instance, by BPF_PROG_TEST_RUN: for flowrace.c and flowhammer.c,
 * which have die(). The service is 198.51.100.1:51820, its backend 192.168.1.10:51820, to which clients are shown as 192.168.1.1.
 */
#ifndef FLOW_PACKETS_H
#define FLOW_PACKETS_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <netinet/ether.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "head_sum.h"

enum { PORT = 51820, CPUS = 2 };

static void die(const char *what);

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u8 payload[32];
} __attribute__((packed));

static int program;
static __u32 wan, lan;
static __u8 wan_mac[ETH_ALEN], lan_mac[ETH_ALEN];
static __be32 public, backend, ours;

/* Whether it was sent, and then as what. Byte order: the network's */
static inline bool run(__u32 link, const __u8 *mac, __be32 src, __be16 sport, __be32 dst, __be16 dport, struct frame *out)
{
	struct frame in = {
		.eth = { .h_source = { 2, 0, 0, 0, 0, 7 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .tot_len = htons(sizeof(in) - sizeof(in.eth)),
			.saddr = src, .daddr = dst },
		.udp = { .source = sport, .dest = dport, .len = htons(sizeof(in.udp) + sizeof(in.payload)) },
	};
	struct xdp_md ctx = { .data_end = sizeof(in), .ingress_ifindex = link };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in), .data_out = out,
		    .data_size_out = sizeof(*out), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1, .retval = XDP_PASS);

	memcpy(in.eth.h_dest, mac, ETH_ALEN);
	in.ip.check = head_sum((const __u8 *)&in + offsetof(struct frame, ip));
	/* now and then one is to go through the kernel, which so keeps its neighbour alive */
	for (int tries = 0; tries < 3 && opts.retval != XDP_REDIRECT && opts.retval != XDP_DROP; tries++)
		if (bpf_prog_test_run_opts(program, &opts))
			die("test-run");
	return opts.retval == XDP_REDIRECT;
}

/* Waits until each CPU is here */
static inline void meet(void)
{
	static atomic_ulong arrived;
	unsigned long all = (atomic_fetch_add(&arrived, 1) / CPUS + 1) * CPUS;

	while (atomic_load(&arrived) < all)
		;
}

static inline void stay_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		die("a second CPU");
}

/* words: DIRECTORY IFINDEX IFINDEX MAC MAC, of the instance and of the links of clients and backend; false: they are wrong */
static inline bool flow_packets_open(char **words)
{
	char path[256];

	if (!ether_aton_r(words[3], (void *)wan_mac) || !ether_aton_r(words[4], (void *)lan_mac))
		return false;
	snprintf(path, sizeof(path), "%s/progs/wgxdp_xdp", words[0]);
	program = bpf_obj_get(path);
	if (program < 0)
		die(path);
	wan = atoi(words[1]);
	lan = atoi(words[2]);
	public = inet_addr("198.51.100.1");
	backend = inet_addr("192.168.1.10");
	ours = inet_addr("192.168.1.1");
	return true;
}

#endif
