/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * entryhammer fragments|limit DIRECTORY IFINDEX MAC OPERATIONS: two CPUs on the same entries of a table of struct learned_entry, through
 * the programs (BPF_PROG_TEST_RUN) of the instance that is pinned in DIRECTORY, with OPERATIONS packets each. The packets arrive by the
 * link, on which the firewall has the MAC. The services are 198.51.100.1:51820 and :51821, their backends 192.168.1.10 and .11.
 *
 * fragments: sends first and later fragments of few datagrams, whose entries all belong in the first 1/256 of the buckets. These
 * buckets have places for half of the datagrams, so that each place is rewritten all the time. Some later fragments are of the
 * datagram whose entry the other CPU is displacing. The number of a datagram gives its ports and the length of its first fragment, so
 * that a wrong value is noticed. Prints
 *
 *     operations N datagrams N places N found N missed N torn N entries N wrong N
 *
 * found: later fragments that went to a backend; missed: later fragments passed to the kernel
 * torn: fragments that went to the other service's backend, or overlap their first fragment
 * entries: entries of the table at the end; wrong: those with another datagram's value, those in two or other places, and BUSY ones
 *
 * limit: sends packets whose TTL has expired, from 20 sources. Each source should get ten ICMP errors a second. Prints
 *
 *     operations N seconds N errors N least N most N
 *
 * least, most: the number of errors for the source that got the fewest or the most.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include "abi.h"
#include "flow_packets.h"
#include "pinned_array.h"

enum { DATAGRAMS_MAX = 1024, LIMITED = 20, SHORT = 16, LONG = 32, FEW = 256 };

static void die(const char *what)
{
	fprintf(stderr, "entryhammer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long operations;
static bool limit;
static atomic_ulong found, missed, torn, errors[LIMITED];

static __u32 numbers[DATAGRAMS_MAX], n_datagrams;
static struct learned_bucket *table;
static __u32 n_buckets, n_hot;
static struct learned_secret secret;

/* ---- a datagram: everything follows from its number ---- */

struct datagram {
	__be32 src;
	__be16 id, sport, dport;
	__u16 end;
};

static struct datagram datagram(__u32 i)
{
	__u32 mixed = i * 0x9e3779b1U;

	return (struct datagram){
		.src = htonl((10 << 24) + i), .id = htons(mixed >> 16), .sport = htons(1024 + i % 60000),
		.dport = htons(PORT + (mixed >> 8 & 1)), .end = mixed >> 9 & 1 ? LONG : SHORT,
	};
}

static union learned_key key_of(const struct datagram *d)
{
	union learned_key key = { .fragment = { .id = htonl(ntohs(d->id) << 16), .ifindex = wan } };

	key.fragment.src.w[2] = key.fragment.dst.w[2] = htonl(0xffff);	/* an IPv4 address is ::ffff:a.b.c.d */
	key.fragment.src.w[3] = d->src;
	key.fragment.dst.w[3] = public;
	return key;
}

/* Chooses the datagrams whose buckets are both among the first ones */
static void choose_datagrams(const char *directory)
{
	secret = pinned_secret(directory);
	table = pinned_array(directory, "frags", &n_buckets);
	n_hot = n_buckets / FEW;
	for (__u32 n = 0; n < 1 << 24 && n_datagrams < DATAGRAMS_MAX; n++) {
		struct datagram d = datagram(n);
		union learned_key key = key_of(&d);
		__u64 hash = learned_hash(key.word, &secret);

		if ((hash & (n_buckets - 1)) < n_hot && (learned_second(hash, &secret) & (n_buckets - 1)) < n_hot)
			numbers[n_datagrams++] = n;
	}
	if (n_datagrams < n_hot * LEARNED_WAYS) {
		fprintf(stderr, "entryhammer: only %u datagrams\n", n_datagrams);
		exit(1);
	}
}

static void first(__u32 i)
{
	struct datagram d = datagram(i);
	struct frame in = frame_of(wan_mac, d.src, public, d.end), out;

	in.ip.id = d.id;
	in.ip.frag_off = htons(0x2000);
	frame_udp(&in, d.sport, d.dport, 200);
	frame_run_xdp(&in, wan, &out);
}

/* at: where the payload begins */
static void later(__u32 i, __u16 at)
{
	struct datagram d = datagram(i);
	struct frame in = frame_of(wan_mac, d.src, public, 24), out;
	__be32 to = htonl(ntohl(backend) + (d.dport != htons(PORT)));
	__u32 verdict;

	in.ip.id = d.id;
	in.ip.frag_off = htons(0x2000 | at / 8);
	verdict = frame_run_xdp(&in, wan, &out);
	if (verdict == XDP_PASS)
		missed++;
	else if (verdict == XDP_REDIRECT && out.ip.daddr == to && at >= d.end)
		found++;
	else if (verdict != XDP_DROP || at >= d.end)
		torn++;
}

/* ---- a source that gets an ICMP error when the TTL of its packets has expired ---- */

static void expired(__u32 source)
{
	__u16 len = sizeof(((struct frame *)0)->udp) + sizeof(((struct frame *)0)->payload);
	struct frame in = frame_of(wan_mac, htonl((10 << 24) + source + 1), public, len);
	__u8 out[256];			/* the answer is longer */
	struct __sk_buff ctx = { .ifindex = wan };
	__u32 verdict;

	in.ip.ttl = 1;
	frame_udp(&in, htons(4000), htons(PORT), len);
	verdict = frame_run(&in, &ctx, sizeof(ctx), out, sizeof(out));
	if (verdict == TC_ACT_REDIRECT) {
		errors[source]++;
	} else if (verdict != TC_ACT_SHOT) {
		fprintf(stderr, "entryhammer: a packet without TTL: verdict %u\n", verdict);
		exit(1);
	}
}

/* ---- two CPUs ---- */

/* Returns the datagram whose entry makes room for the datagram i */
static __u32 makes_room(__u32 i)
{
	struct datagram d = datagram(i);
	union learned_key key = key_of(&d);
	__u64 hash = learned_hash(key.word, &secret);
	const struct learned_bucket *a = &table[hash & (n_buckets - 1)];
	const struct learned_bucket *b = &table[learned_second(hash, &secret) & (n_buckets - 1)];
	int way = first_to_go(&a->line, &b->line);

	if (way < 0)
		return i;
	a = way < LEARNED_WAYS ? a : b;
	return ntohl(*(volatile __be32 *)&a->entry[way % LEARNED_WAYS].key.fragment.src.w[3]) - (10 << 24);
}

static void fragments(int cpu, __u64 random)
{
	int writer = random >> 32 & 1, kind = random >> 33 & 3;
	__u32 i = numbers[random % n_datagrams], other = makes_room(i);

	come_close(cpu, random, kind == 2 ? !writer : -1);
	switch (kind) {
	case 0:		/* the same first fragment on both CPUs: there must be one entry */
		first(i);
		break;
	case 1:		/* a CPU reads the entry while the other CPU makes it */
		cpu == writer ? first(i) : later(i, random >> 35 & 1 ? LONG : SHORT);
		break;
	case 2:		/* a CPU reads an entry while the other CPU's may displace it */
		cpu == writer ? first(i) : later(other, random >> 35 & 1 ? LONG : SHORT);
		break;
	default:
		later(i, random >> 35 & 1 ? LONG : SHORT);
	}
}

static void *hammer(void *data)
{
	__u64 random = 0x9e3779b97f4a7c15ULL;	/* the same entries on both CPUs */
	int cpu = (long)data;

	stay_on_cpu(cpu);
	for (unsigned long n = 0; n < operations; n++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		if (limit) {
			meet();
			expired(random % LIMITED);
		} else {
			fragments(cpu, random);
		}
	}
	return NULL;
}

/* ---- the table, after both CPUs have finished ---- */

static bool is_wrong(const struct learned_entry *e)
{
	const struct fragment *f = &e->value.fragment;

	for (__u32 i = 0; i < n_datagrams; i++) {
		struct datagram d = datagram(numbers[i]);
		union learned_key key = key_of(&d);

		if (!memcmp(&key, &e->key, sizeof(key)))
			return f->sport != d.sport || f->dport != d.dport || f->end != d.end;
	}
	return true;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(union learned_key));
}

static void look_at_table(void)
{
	union learned_key *keys = calloc(n_buckets * LEARNED_WAYS, sizeof(*keys));
	__u32 entries = 0, wrong = 0;

	for (__u32 i = 0; i < n_buckets * LEARNED_WAYS; i++) {
		const struct learned_entry *e = &table[i / LEARNED_WAYS].entry[i % LEARNED_WAYS];
		__u64 word = table[i / LEARNED_WAYS].line.word[i % LEARNED_WAYS];

		if (!learned_word_tag(word))
			continue;
		wrong += i >= n_hot * LEARNED_WAYS || learned_word_state(word) == LEARNED_BUSY || is_wrong(e);
		keys[entries++] = e->key;
	}
	qsort(keys, entries, sizeof(*keys), compare_keys);
	for (__u32 i = 1; i < entries; i++)
		wrong += !memcmp(&keys[i - 1], &keys[i], sizeof(*keys));
	free(keys);
	printf("operations %lu datagrams %u places %u found %lu missed %lu torn %lu entries %u wrong %u\n", operations * CPUS, n_datagrams,
	       n_hot * LEARNED_WAYS, found, missed, torn, entries, wrong);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void look_at_limit(double since)
{
	unsigned long all = 0, least = -1, most = 0;

	for (int i = 0; i < LIMITED; i++) {
		all += errors[i];
		least = errors[i] < least ? errors[i] : least;
		most = errors[i] > most ? errors[i] : most;
	}
	printf("operations %lu seconds %.2f errors %lu least %lu most %lu\n", operations * CPUS, seconds() - since, all, least, most);
}

int main(int argc, char **argv)
{
	pthread_t threads[CPUS];
	char path[256];
	double since;

	/* packets arrive by one link only */
	if (argc != 6 || !flow_packets_open((char *[]){ argv[2], argv[3], "0", argv[4], argv[4] }))
		return 2;
	limit = !strcmp(argv[1], "limit");
	if (limit) {
		snprintf(path, sizeof(path), "%s/progs/wgxdp_tc", argv[2]);
		program = bpf_obj_get(path);
		if (program < 0)
			die(path);
	} else {
		choose_datagrams(argv[2]);
	}
	operations = strtoul(argv[5], NULL, 0);
	since = seconds();
	for (long cpu = 0; cpu < CPUS; cpu++)
		if (pthread_create(&threads[cpu], NULL, hammer, (void *)cpu))
			die("a thread");
	for (int cpu = 0; cpu < CPUS; cpu++)
		pthread_join(threads[cpu], NULL);
	limit ? look_at_limit(since) : look_at_table();
	return 0;
}
