/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flowhammer DIRECTORY IFINDEX IFINDEX MAC MAC OPERATIONS: two CPUs on the same flows, through the XDP program (BPF_PROG_TEST_RUN) of the
 * instance that is pinned in DIRECTORY, each with so many packets. Originals come in by the first link, where the firewall has the first
 * MAC, and answers by the second. Service and backend: flow_packets.h.
 *
 * Each of 4,000 sources has 16 clients. The first one is answered at once, and so has a flow for good. The others come and go: with a
 * share of one flow for each source, what is answered of them gives way to whoever comes. No port belongs to two clients, so an
 * address with the port of another client is seen. Says
 *
 *     operations N newcomers N answers N lost N torn N
 *
 * newcomers: originals of those who come and go that got a port; answers: those that went to one of them; lost: packets of the first
 * clients that left with another port than ever, or answers to them that did not come; torn: packets that left with what no one
 * client has.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include "flow_packets.h"

enum { SOURCES = 4000, EACH = 16, CPUS = 2, CLIENT_PORT = 1024, FIRST = 20000, LAST = 27999 };

static void die(const char *what)
{
	fprintf(stderr, "flowhammer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long operations;
static _Atomic __be16 port_of[SOURCES * EACH];	/* 0: none yet */
static atomic_ulong newcomers, answers, lost, torn;

static __be32 client(int i)
{
	return htonl((10 << 24) + i / EACH + 1);
}

static __be16 client_port(int i)
{
	return htons(CLIENT_PORT + i);
}

/* The port of ours that the client's packet leaves with; 0: none */
static __be16 ask(int i)
{
	struct frame out;
	__u16 port;

	if (!run(wan, wan_mac, client(i), client_port(i), public, htons(PORT), &out))
		return 0;
	port = ntohs(out.udp.source);
	if (out.ip.saddr != ours || out.ip.daddr != backend || out.udp.dest != htons(PORT) || port < FIRST || port > LAST)
		torn++;
	return out.udp.source;
}

/* The client to whom an answer to this port goes; -1: nobody */
static int answer(__be16 port)
{
	struct frame out;
	int to;

	if (!run(lan, lan_mac, backend, htons(PORT), ours, port, &out))
		return -1;
	to = ntohs(out.udp.dest) - CLIENT_PORT;
	if (out.ip.saddr != public || out.udp.source != htons(PORT) || to < 0 || to >= SOURCES * EACH || out.ip.daddr != client(to))
		torn++;
	return to;
}

static void come_and_go(int i, bool asks)
{
	__be16 port = asks ? ask(i) : port_of[i];

	if (!port)
		return;
	port_of[i] = port;
	if (asks)
		newcomers++;
	else
		answers += answer(port) >= 0;
}

static void *hammer(void *data)
{
	__u64 random = 0x9e3779b97f4a7c15ULL * ((long)data + 1);

	stay_on_cpu((long)data);
	for (unsigned long n = 0; n < operations; n++) {
		int i, kind;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		i = random % SOURCES * EACH;
		kind = random >> 32 & 7;
		if (kind < 3)
			lost += ask(i) != port_of[i];
		else if (kind < 5)
			lost += answer(port_of[i]) != i;
		else
			come_and_go(i + 1 + (random >> 40) % (EACH - 1), kind < 7);
	}
	return NULL;
}

static void begin(int i)
{
	port_of[i] = ask(i);
	if (!port_of[i] || answer(port_of[i]) != i) {
		fprintf(stderr, "flowhammer: client %d got no flow\n", i);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[CPUS];

	if (argc != 7 || !flow_packets_open(argv + 1))
		return 2;
	operations = strtoul(argv[6], NULL, 0);
	for (int i = 0; i < SOURCES * EACH; i += EACH)
		begin(i);
	for (long cpu = 0; cpu < CPUS; cpu++)
		if (pthread_create(&threads[cpu], NULL, hammer, (void *)cpu))
			die("a thread");
	for (int cpu = 0; cpu < CPUS; cpu++)
		pthread_join(threads[cpu], NULL);
	printf("operations %lu newcomers %lu answers %lu lost %lu torn %lu\n", operations * CPUS, newcomers, answers, lost, torn);
	return 0;
}
