/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flowhammer DIRECTORY IFINDEX IFINDEX MAC MAC OPERATIONS: two CPUs on the same flows, through the XDP program (BPF_PROG_TEST_RUN)
 * of the instance that is pinned in DIRECTORY, with OPERATIONS packets each. Originals arrive by the first link, on which the firewall
 * has the first MAC, and answers by the second. flow_packets.h has the service and the backend. A second service,
 * 198.51.100.1:51821, has the backend 192.168.1.11:51820.
 *
 * Each of 200 sources has 16 clients. The first client is answered at once, so its flow is confirmed. The others come and go. The share of
 * a source is one flow, so an answered flow gives way to newcomers. The number of attempts of a source is not limited here. No two clients
 * use the same port, so that an address with another client's port is noticed, and so is another client's checksum. Prints
 *
 *     operations N kept N newcomers N answers N lost N torn N
 *
 * kept: sources whose first client has a confirmed flow, without those that share their hash with other sources
 * newcomers: originals of the other clients that got a port
 * answers: answers that reached one of them
 * lost: packets of the first clients that left with a new port, and answers that did not reach them
 * torn: packets that left with values of two clients, or two simultaneous packets of one client that left with two ports
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include "abi.h"
#include "flow_packets.h"
#include "pinned_array.h"

enum { SOURCES = 200, EACH = 16, CLIENT_PORT = 1024, FIRST = 20000, LAST = 20399 };

static void die(const char *what)
{
	fprintf(stderr, "flowhammer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long operations;
static _Atomic __be16 port_of[SOURCES * EACH];	/* 0: none yet */
static bool kept[SOURCES];
static struct flow_share *shares;
static struct flow_bucket *table;
static __u32 n_shares, n_buckets;
static struct learned_secret secret;
static atomic_ulong newcomers, answers, lost, torn;

static __be32 client(int i)
{
	return htonl((10 << 24) + i / EACH + 1);
}

static __be16 client_port(int i)
{
	return htons(CLIENT_PORT + i);
}

/* Clients of even sources use the service of flow_packets.h, and others a second one */
static int service(int i)
{
	return i / EACH & 1;
}

static __be32 backend_of(int i)
{
	return htonl(ntohl(backend) + service(i));
}

/* Returns whether the header's checksum is right. It is wrong if the packet got the checksum of one flow and the
 * addresses of another. */
static bool sum_is_right(const struct frame *f)
{
	struct iphdr ip = f->ip;

	ip.check = 0;
	return head_sum(&ip) == f->ip.check;
}

/* Returns the pool port that the client's packet leaves with, or 0 */
static __be16 ask(int i)
{
	struct frame out;
	__u16 port;

	if (!run(wan, wan_mac, client(i), client_port(i), public, htons(PORT + service(i)), &out))
		return 0;
	port = ntohs(out.udp.source);
	if (out.ip.saddr != ours || out.ip.daddr != backend_of(i) || out.udp.dest != htons(PORT) || port < FIRST || port > LAST ||
	    !sum_is_right(&out))
		torn++;
	return out.udp.source;
}

/* Returns the client to which an answer goes that the backend of client i sends to this port, or -1 */
static int answer(int i, __be16 port)
{
	struct frame out;
	int to;

	if (!run(lan, lan_mac, backend_of(i), htons(PORT), ours, port, &out))
		return -1;
	to = ntohs(out.udp.dest) - CLIENT_PORT;
	if (out.ip.saddr != public || out.udp.source != htons(PORT + service(i)) || to < 0 || to >= SOURCES * EACH ||
	    out.ip.daddr != client(to) || service(to) != service(i) || !sum_is_right(&out))
		torn++;
	return to;
}

/* Both CPUs send a packet of the same client, nanoseconds apart: both must leave with the same port */
static void come_together(int cpu, int i, __u64 random)
{
	static _Atomic __be16 got[CPUS];

	come_close(cpu, random, -1);
	got[cpu] = ask(i);
	meet();
	if (cpu)
		return;
	torn += got[0] && got[1] && got[0] != got[1];
	port_of[i] = got[0] ?: got[1];
	newcomers += port_of[i] != 0;
}

static void answer_to(int i)
{
	__be16 port = port_of[i];

	answers += port && answer(i, port) >= 0;
}

/* Returns the flow that makes room for a flow of the client i, or NULL */
static const struct flow *makes_room(int i)
{
	struct flow f = { .client_port = client_port(i), .client_family = FAMILY_IPV4, .local_port = htons(PORT + service(i)) };
	struct flow_key key;
	const struct flow_bucket *a, *b;
	__u64 hash;
	int way;

	f.client.w[2] = f.local.w[2] = htonl(0xffff);	/* an IPv4 address is ::ffff:a.b.c.d */
	f.client.w[3] = client(i);
	f.local.w[3] = public;
	key = flow_key_of(&f, DIRECTION_ORIGINAL);
	hash = learned_hash((const __u64 *)&key, &secret);
	a = &table[hash & (n_buckets - 1)];
	b = &table[learned_second(hash, &secret) & (n_buckets - 1)];
	way = first_to_go(&a->line, &b->line);
	return way < 0 ? NULL : &(way < LEARNED_WAYS ? a : b)->flow[way % LEARNED_WAYS];
}

/* A CPU sends a packet of a newcomer, whose flow takes the place of another flow. Meanwhile the other CPU answers to that
 * flow's port */
static void displace(int cpu, int i, __u64 random)
{
	const struct flow *f = makes_room(i);
	__be16 port = f ? *(volatile __be16 *)&f->own_port : 0;
	int former = f ? ntohs(*(volatile __be16 *)&f->client_port) - CLIENT_PORT : 0, writer = random >> 35 & 1;

	come_close(cpu, random, !writer);
	if (cpu == writer) {
		port_of[i] = ask(i);
		newcomers += port_of[i] != 0;
	} else if (port) {
		answers += answer(former, port) >= 0;
	}
}

/* Gives the sources their attempts back */
static void give_back(void)
{
	for (__u32 i = 0; i < n_shares; i++)
		__atomic_store_n(&shares[i].half, 0, __ATOMIC_RELAXED);
}

static void *hammer(void *data)
{
	__u64 random = 0x9e3779b97f4a7c15ULL;	/* the same clients on both CPUs */
	int cpu = (long)data;

	stay_on_cpu(cpu);
	for (unsigned long n = 0; n < operations; n++) {
		int i, kind, other;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		i = random % SOURCES * EACH;
		other = i + 1 + (random >> 40) % (EACH - 1);
		kind = random >> 32 & 7;
		if (!(n & 0xffff))
			give_back();
		if (!kept[i / EACH])
			continue;
		if (kind < 2)
			lost += ask(i) != port_of[i];
		else if (kind < 4)
			lost += answer(i, port_of[i]) != i;
		else if (kind < 6)
			come_together(cpu, other, random);
		else if (kind < 7)
			displace(cpu, other, random);
		else
			answer_to(other);
	}
	return NULL;
}

/* Finds the first clients whose flow never gives way */
static unsigned int find_kept(void)
{
	unsigned int n = 0;

	for (__u32 i = 0; i < n_buckets * LEARNED_WAYS; i++) {
		__u64 word = table[i / LEARNED_WAYS].line.word[i % LEARNED_WAYS];
		const struct flow *f = &table[i / LEARNED_WAYS].flow[i % LEARNED_WAYS];

		if (!learned_word_tag(word) || learned_word_state(word) != LEARNED_LIVE)
			continue;
		kept[(ntohs(f->client_port) - CLIENT_PORT) / EACH] = true;
		n++;
	}
	return n;
}

static void begin(int i)
{
	port_of[i] = ask(i);
	if (!port_of[i] || answer(i, port_of[i]) != i) {
		fprintf(stderr, "flowhammer: client %d got no flow\n", i);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[CPUS];
	unsigned int n_kept;

	if (argc != 7 || !flow_packets_open(argv + 1))
		return 2;
	operations = strtoul(argv[6], NULL, 0);
	shares = pinned_array(argv[1], "flow_shares", &n_shares);
	table = pinned_array(argv[1], "flow_table", &n_buckets);
	secret = pinned_secret(argv[1]);
	for (int i = 0; i < SOURCES * EACH; i += EACH)
		begin(i);
	n_kept = find_kept();
	for (long cpu = 0; cpu < CPUS; cpu++)
		if (pthread_create(&threads[cpu], NULL, hammer, (void *)cpu))
			die("a thread");
	for (int cpu = 0; cpu < CPUS; cpu++)
		pthread_join(threads[cpu], NULL);
	printf("operations %lu kept %u newcomers %lu answers %lu lost %lu torn %lu\n", operations * CPUS, n_kept, newcomers, answers, lost, torn);
	return 0;
}
