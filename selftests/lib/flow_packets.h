/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends packets through a program of an instance, by BPF_PROG_TEST_RUN. For flowrace.c, flowhammer.c, flowcrowd.c and
 * entryhammer.c, which have die(). The service is 198.51.100.1:51820. Its backend 192.168.1.10:51820 sees clients of a
 * masquerading service as 192.168.1.1.
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
#include <sys/timerfd.h>
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

/* A packet to the firewall, for frame_run(). len: bytes behind the IP header, at most those of struct frame.
 * Addresses are in network byte order. */
static inline struct frame frame_of(const __u8 *mac, __be32 src, __be32 dst, __u16 len)
{
	struct frame in = {
		.eth = { .h_source = { 2, 0, 0, 0, 0, 7 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .tot_len = htons(sizeof(in.ip) + len),
			.saddr = src, .daddr = dst },
	};

	memcpy(in.eth.h_dest, mac, ETH_ALEN);
	return in;
}

static inline void frame_udp(struct frame *in, __be16 sport, __be16 dport, __u16 len)
{
	in->udp = (struct udphdr){ .source = sport, .dest = dport, .len = htons(len) };
}

/* Runs the program once, with the context that it needs. Returns its verdict, and the sent packet in *out, up to its
 * size */
static inline __u32 frame_run(struct frame *in, void *ctx, size_t ctx_size, void *out, size_t room)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = sizeof(in->eth) + ntohs(in->ip.tot_len), .data_out = out,
		    .data_size_out = room, .ctx_in = ctx, .ctx_size_in = ctx_size, .repeat = 1);

	in->ip.check = 0;
	in->ip.check = head_sum((const __u8 *)in + offsetof(struct frame, ip));
	if (bpf_prog_test_run_opts(program, &opts))
		die("test-run");
	return opts.retval;
}

/* Like frame_run() by XDP, but tries up to three times: XDP passes a packet to the kernel now and then, so that the
 * kernel refreshes its neighbour */
static inline __u32 frame_run_xdp(struct frame *in, __u32 link, struct frame *out)
{
	struct xdp_md ctx = { .data_end = sizeof(in->eth) + ntohs(in->ip.tot_len), .ingress_ifindex = link };
	__u32 verdict = XDP_PASS;

	for (int tries = 0; tries < 3 && verdict != XDP_REDIRECT && verdict != XDP_DROP; tries++)
		verdict = frame_run(in, &ctx, sizeof(ctx), out, sizeof(*out));
	return verdict;
}

/* Returns whether the packet was sent, and its new addresses. Network byte order. To a guard, the packet is WireGuard's
 * data */
static inline bool run(__u32 link, const __u8 *mac, __be32 src, __be16 sport, __be32 dst, __be16 dport, struct frame *out)
{
	__u16 len = sizeof(out->udp) + sizeof(out->payload);
	struct frame in = frame_of(mac, src, dst, len);

	frame_udp(&in, sport, dport, len);
	in.payload[0] = 4;
	return frame_run_xdp(&in, link, out) == XDP_REDIRECT;
}

/* Tells the CPU that it waits. An emulator of two CPUs in one thread then runs the other one. */
static inline void wait_a_little(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

static inline void spend_time(unsigned int rounds)
{
	for (volatile unsigned int n = rounds; n; n--)
		;
}

/* Waits until both CPUs are here */
static inline void meet(void)
{
	static atomic_ulong arrived;
	unsigned long all = (atomic_fetch_add(&arrived, 1) / CPUS + 1) * CPUS;

	while (atomic_load(&arrived) < all)
		wait_a_little();
}

/* Interrupts this CPU once, after some nanoseconds, between any two instructions of a program */
static inline void interrupt_soon(unsigned int ns)
{
	static __thread int timer = -1;
	struct itimerspec at = { .it_value.tv_nsec = ns + 1 };

	if (timer < 0)
		timer = timerfd_create(CLOCK_MONOTONIC, 0);
	if (timerfd_settime(timer, 0, &at, NULL))
		die("a timer");
}

/* Both CPUs wait for each other, and begin within the same microsecond. random: the same on both CPUs. reader: a CPU that
 * is interrupted at a random moment, for about two microseconds, in which the other CPU can rewrite the entry that the
 * reader has begun to read; or -1 */
static inline void come_close(int cpu, unsigned long random, int reader)
{
	unsigned int mine = cpu ? random >> 40 : random >> 52;

	meet();
	if (reader < 0)
		spend_time(mine & 255);
	else if (reader == cpu)
		interrupt_soon(mine & 4095);
	else
		spend_time(512 + (mine & 1023));
}

static inline void stay_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		die("a second CPU");
}

/* words: DIRECTORY IFINDEX IFINDEX MAC MAC, of the instance and the links of clients and backend. Returns false if
 * they are wrong */
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
