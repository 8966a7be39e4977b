/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flowrace DIRECTORY IFINDEX IFINDEX MAC MAC: newcomers of a masquerading service on two CPUs at once, through the XDP program
 * (BPF_PROG_TEST_RUN) of the instance that is pinned in DIRECTORY. They come in by the first link, where the firewall has the first
 * MAC, and their answers by the second. Clients are in 10.0.0.0/8 and have one port, so that all ask for the same port of ours; the
 * service is 198.51.100.1:51820, its backend 192.168.1.10:51820, to which they are shown as 192.168.1.1.
 *
 * Both CPUs wait for each other before each client. Each asks, is answered, and all ask again at the end. Says
 *
 *     clients N refused N ports N twice N stolen N unanswered N changed N
 *
 * refused: no port was left; ports: different ones that were given; twice: given to two clients; stolen: answers that went to
 * somebody else; unanswered: those that went nowhere; changed: clients that had another port at the end. With BREAK in the environment a port is freed behind
 * the back of who has it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
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
#include "abi.h"
#include "dataplane/map_info.h"

enum { CLIENTS = 1500, CPUS = 2, PORT = 51820, CLIENT_PORT = 20000, ALL = CLIENTS * CPUS };

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u8 payload[32];
} __attribute__((packed));

static int program, flow_index;
static __u32 n_lines;
static __u32 wan, lan;
static __u8 wan_mac[ETH_ALEN], lan_mac[ETH_ALEN];
static atomic_int arrived[ALL + 1];
static __be16 port_of[ALL];		/* 0: refused */
static atomic_int owners[65536];
static atomic_ulong refused, twice, stolen, unanswered, changed;
static __be32 public, backend, ours;

static void die(const char *what)
{
	fprintf(stderr, "flowrace: %s: %s\n", what, strerror(errno));
	exit(1);
}

static __sum16 head_sum(const void *ip)
{
	const __u16 *w = ip;
	__u32 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* Whether it was sent, and then as what */
static bool run(__u32 link, const __u8 *mac, __be32 src, __be16 sport, __be32 dst, __be16 dport, struct frame *out)
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

static __be32 client(int i)
{
	return htonl(10 << 24 | (i + 1));
}

static __be16 ask(int i)
{
	struct frame out;

	return run(wan, wan_mac, client(i), htons(CLIENT_PORT), public, htons(PORT), &out) ? out.udp.source : 0;
}

static void answer(int i)
{
	struct frame out;

	if (!run(lan, lan_mac, backend, htons(PORT), ours, port_of[i], &out))
		unanswered++;
	else if (out.ip.saddr != public || out.ip.daddr != client(i) || out.udp.source != htons(PORT) || out.udp.dest != htons(CLIENT_PORT))
		stolen++;
}

/* Until the other CPU is here too */
static void meet(int step)
{
	atomic_fetch_add(&arrived[step], 1);
	while (atomic_load(&arrived[step]) < CPUS)
		;
}

static void set_free(int i)
{
	static struct learned_line none;
	__u32 line = (i * 7919U) % n_lines;

	bpf_map_update_elem(flow_index, &line, &none, BPF_ANY);
}

static void *newcomers(void *data)
{
	int cpu = (long)data;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		die("a second CPU");
	for (int n = 0; n < CLIENTS; n++) {
		int i = n * CPUS + cpu;

		meet(n);
		port_of[i] = ask(i);
		if (!port_of[i]) {
			refused++;
			continue;
		}
		if (atomic_fetch_add(&owners[ntohs(port_of[i])], 1))
			twice++;
		answer(i);
		if (getenv("BREAK") && n % 10 == 5)
			set_free(i);
	}
	meet(CLIENTS);
	for (int i = cpu; i < ALL; i += CPUS)
		if (port_of[i] && ask(i) != port_of[i])
			changed++;
		else if (port_of[i])
			answer(i);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[CPUS];
	unsigned int ports = 0;
	char path[256];

	if (argc != 6 || !ether_aton_r(argv[4], (void *)wan_mac) || !ether_aton_r(argv[5], (void *)lan_mac))
		return 2;
	snprintf(path, sizeof(path), "%s/progs/wgxdp_xdp", argv[1]);
	program = bpf_obj_get(path);
	snprintf(path, sizeof(path), "%s/flow_index", argv[1]);
	flow_index = bpf_obj_get(path);
	if (program < 0 || flow_index < 0)
		die(path);
	n_lines = map_entries(flow_index);
	wan = atoi(argv[2]);
	lan = atoi(argv[3]);
	public = inet_addr("198.51.100.1");
	backend = inet_addr("192.168.1.10");
	ours = inet_addr("192.168.1.1");
	for (long cpu = 0; cpu < CPUS; cpu++)
		if (pthread_create(&threads[cpu], NULL, newcomers, (void *)cpu))
			die("a thread");
	for (int cpu = 0; cpu < CPUS; cpu++)
		pthread_join(threads[cpu], NULL);
	for (int i = 0; i < 65536; i++)
		ports += owners[i] > 0;
	printf("clients %d refused %lu ports %u twice %lu stolen %lu unanswered %lu changed %lu\n", ALL, refused, ports, twice, stolen,
	       unanswered, changed);
	return 0;
}
