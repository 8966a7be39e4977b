/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flood: sends WireGuard initiations with a wrong mac1, or messages that look like WireGuard's data, from many IPv4
 * sources, as fast as a CPU sends live frames.
 *
 *   flood [OPTION]... DEVICE MAC FIRST-SOURCE TO PORT      ends after the last packet, or on SIGTERM: `sent N seconds S`
 *
 *   -n NUMBER  packets (0: until SIGTERM)   -r RATE   packets a second, in bursts (0: as fast as possible)
 *   -c NUMBER  sources (10000)               -x        make the packets but send none: measures the cost of making them
 *   -d         data, of 144 bytes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "flood.h"
#include "head_sum.h"
#include "selftests/flood.skel.h"

#define MESSAGE 148
#define DATA 144			/* a multiple of 16, as data messages have */
#define AT_ONCE 100000			/* packets of one call, because each call first waits for RCU */
#define ROUND_NS 10000000		/* between two calls if there is a rate */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u8 message[MESSAGE];
} __attribute__((packed));

static volatile sig_atomic_t ended;
static unsigned long number, rate, sources = 10000;
static bool nowhere, data;

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void end(int signal)
{
	ended = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Leaves out the source, and the UDP checksum, which is optional in IPv4 */
static void make_frame(struct frame *f, const char *mac, const char *to, int port)
{
	__u16 len = data ? DATA : MESSAGE;
	__u8 *m = f->eth.h_dest;

	*f = (struct frame){
		.eth = { .h_source = { 2 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .daddr = inet_addr(to),
			.tot_len = htons(sizeof(f->ip) + sizeof(f->udp) + len) },
		.udp = { .dest = htons(port), .len = htons(sizeof(f->udp) + len) },
	};
	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
		die(mac);
	f->ip.check = head_sum((const __u8 *)f + sizeof(f->eth));
	if (getrandom(f->message, MESSAGE, 0) != MESSAGE)
		die("getrandom");
	memcpy(f->message, data ? "\4\0\0" : "\1\0\0", 4);
	memset(f->message + MESSAGE - 16, 0, 16);
}

/* Waits, and returns how many packets are due: all, or as many as the rate says */
static unsigned long due(double begun, unsigned long sent)
{
	unsigned long n = AT_ONCE;

	if (rate) {
		while (!ended && (now() - begun) * rate < sent + rate * (ROUND_NS * 1e-9))
			usleep(1000);
		n = (now() - begun) * rate - sent;
	}
	if (number && n > number - sent)
		n = number - sent;
	return n;
}

static void send_all(struct flood *skel, struct frame *f)
{
	volatile struct flood_job *job = &skel->bss->job;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f, .data_size_in = sizeof(f->eth) + ntohs(f->ip.tot_len), .batch_size = 64,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	double begun = now();

	while (!ended && (!number || job->sent < number)) {
		opts.repeat = due(begun, job->sent);
		if (opts.repeat && bpf_prog_test_run_opts(bpf_program__fd(skel->progs.flood), &opts) && errno != EINTR)
			die("BPF_PROG_RUN");
	}
	printf("sent %llu seconds %.3f cpu %.3f\n", job->sent, now() - begun, clock() / (double)CLOCKS_PER_SEC);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = end };
	struct flood *skel;
	struct frame f;
	int c;

	while ((c = getopt(argc, argv, "n:r:c:xd")) != -1)
		switch (c) {
		case 'n': number = atol(optarg); break;
		case 'r': rate = atol(optarg); break;
		case 'c': sources = atol(optarg); break;
		case 'x': nowhere = true; break;
		case 'd': data = true; break;
		default: return 2;
		}
	if (argc - optind != 5 || !sources)
		return 2;
	argv += optind;
	sigaction(SIGTERM, &action, NULL);
	make_frame(&f, argv[1], argv[3], atoi(argv[4]));
	skel = flood__open_and_load();
	if (!skel)
		die("the program");
	memcpy(skel->bss->job.head, &f, FLOOD_HEAD);
	skel->bss->job.device = nowhere ? 0 : if_nametoindex(argv[0]);
	skel->bss->job.base = ntohl(inet_addr(argv[2]));
	skel->bss->job.sources = sources;
	if (!nowhere && !skel->bss->job.device)
		die(argv[0]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("floods");
	send_all(skel, &f);
	return 0;
}
