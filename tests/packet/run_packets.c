// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run_packets INSTANCE xdp|tc|host-xdp|host-tc CASES RESULTS [ROUTES [VLANS]]: runs each packet through the programs
 * that a running instance has attached (BPF_PROG_TEST_RUN), or through the host plane with that instance's maps. It
 * writes the results: verdict, packet, and the growth of the counters. It checks only truncations;
 * tests/packet/packets.py checks the rest.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "host/host_plane.h"
#include "dataplane/map_info.h"
#include "run_pins.h"

enum { IDS = 64, CPUS = 256 };

struct result_head {			/* then len bytes, n counters and n clones */
	__u32 verdict;			/* enum plane_verdict, or ODD */
	__u32 raw;			/* retval or errno */
	__u32 len, n_counters, truncations, bad_truncations, n_clones;
	__u32 changed;			/* a bit for each map of $STATE that changed */
	__u32 late;			/* ms from the beginning of the run before it, of any case, to its end, without `wait` */
};
#define TRUNCATE 1
#define SHORTENED 2
#define STATE_SHIFT 2

struct counter {
	__u32 id;
	__u8 direction, plane;
	__u16 what;			/* RECEIVED …, or REASONS + reason */
	__u64 n;
};
enum { RECEIVED, FORWARDED, BYTES, REASONS };
enum { COUNTERS = IDS * 4 * (REASONS + REASON_MAX) };

static bool host, by_express;
static int totals, reasons, peer_totals;
static __u32 n_ids, n_peers;
static __u64 before[COUNTERS], after[COUNTERS];

#include "run_live.h"			/* with these */
#include "run_changes.h"
#include "run_vlans.h"
#include "run_host.h"
#include "run_blind.h"
#include "run_features.h"

/* ---- counters: before[] and after[], one number for each id, direction, plane and kind ---- */

static __u64 *number(__u64 *all, __u32 id, __u32 direction, __u32 plane, __u32 what)
{
	return &all[(id * 4 + plane * 2 + direction) * (REASONS + REASON_MAX) + what];
}

enum { BATCH = 512 };			/* entries of a map that one call reads */
static __u64 values[BATCH * CPUS * sizeof(struct total) / sizeof(__u64)];

/* Adds the totals of n ids, whose first counts as id `from`. A peer has only what it sent */
static void read_totals(__u64 *all, const char *name, int map, __u32 n, __u32 from)
{
	static __u32 keys[BATCH];
	__u32 zero = 0, place, entries = 4 * n, cpus = host ? 1 : libbpf_num_possible_cpus();
	const struct total *t = host ? host_plane_read(name, &zero) : (void *)values;

	if (!host && n && (bpf_map_lookup_batch(map, NULL, &place, keys, values, &entries, NULL) || entries != 4 * n))
		die(name);
	for (__u32 i = 0; i < entries; i++) {
		__u64 *sums = number(all, from + total_service(i), total_direction(i), i >> 1 & 1, RECEIVED);

		for (__u32 cpu = 0; cpu < cpus && (from != PEERS_FROM || (i & 1) == PEER_RX); cpu++) {
			sums[RECEIVED] += total_received(&t[i * cpus + cpu]);
			sums[FORWARDED] += t[i * cpus + cpu].forwarded;
			sums[BYTES] += t[i * cpus + cpu].bytes;
		}
	}
}

static void read_reasons(__u64 *all)
{
	static struct reason_key keys[BATCH];
	__u32 place, cpus = libbpf_num_possible_cpus();
	int rc = 0;

	for (__u32 n = BATCH, *from = NULL; !rc; from = &place, n = BATCH) {
		rc = bpf_map_lookup_batch(reasons, from, &place, keys, values, &n, NULL);
		if (rc && errno != ENOENT)
			die("reasons");
		for (__u32 i = 0; i < n * cpus; i++) {
			const struct reason_key *key = &keys[i / cpus];

			*number(all, counter_id(key->id), key->direction, key->plane, REASONS + key->reason) += values[i];
		}
	}
}

static void read_counters(__u64 *all)
{
	const struct reason_key *key;
	const __u64 *n;

	memset(all, 0, sizeof(before));
	read_totals(all, "totals", totals, n_ids, 0);
	read_totals(all, "peer_totals", peer_totals, n_peers, PEERS_FROM);
	if (!host) {
		read_reasons(all);
		return;
	}
	for (__u32 i = 0; host_plane_entry("reasons", i, (const void **)&key, (const void **)&n); i++)
		*number(all, counter_id(key->id), key->direction, key->plane, REASONS + key->reason) = *n;
}

static __u32 write_gains(FILE *to)
{
	enum { KINDS = REASONS + REASON_MAX };
	__u32 n = 0;

	for (__u32 i = 0; i < IDS * 4; i++) {
		const __u64 *old = &before[i * KINDS], *new = &after[i * KINDS];

		if (!memcmp(old, new, sizeof(*old) * KINDS))
			continue;
		for (__u32 what = 0; what < KINDS; what++) {
			struct counter c = { i / 4, i & 1, i >> 1 & 1, what, new[what] - old[what] };

			if (c.n && to)
				fwrite(&c, sizeof(c), 1, to);
			n += !!c.n;
		}
	}
	return n;
}

/* ---- one packet ---- */

/* Resets a CPU's limit of ICMP errors, because a fast machine runs more packets than it allows */
static void forget_work(void)
{
	static void *nothing;
	static int fd = -1;
	__u32 zero = 0;

	if (fd < 0) {
		fd = pinned("states");
		nothing = calloc(libbpf_num_possible_cpus(), (map_info(fd).value_size + 7) & ~7);
	}
	if (!nothing || bpf_map_update_elem(fd, &zero, nothing, BPF_ANY))
		die("states");
}

static int run(const struct case_head *c, __u32 len, __u32 flags, __u32 *raw)
{
	int verdict;

	*raw = 0;
	out_len = len;
	if (host)
		return host_plane_run(tc ? PLANE_TC : PLANE_XDP, c->ifindex, packet, len, c->linear, c->gso_segs, c->gso_size, out,
				      &out_len);
	forget_work();
	verdict = run_live(c, len, flags, raw);
	if (len == c->len)
		take_clones();
	return verdict;
}

static __u32 write_clones(FILE *to)
{
	const void *from = clones;
	__u32 n = n_clones, size = clones_size;

	if (host)
		from = host_plane_clones(&n, &size);
	if (to)
		fwrite(from, 1, size, to);
	return n;
}

/* Truncated anywhere, a packet stays unchanged, unless only padding is missing and it is sent */
static void run_truncated(const struct case_head *c, struct result_head *result)
{
	for (__u32 len = host ? 0 : 14; len < c->len; len++) {
		__u32 raw;
		int verdict;

		if (len > 400 && c->len - len > 40)
			continue;
		verdict = run(c, len, 0, &raw);
		if (verdict == ODD && raw == EINVAL)
			continue;			/* too short for the kernel's own test-run */
		result->truncations++;
		if (verdict == PLANE_SENT ? len < c->whole : verdict != PLANE_PASSED || memcmp(packet, out, len)) {
			result->bad_truncations++;
			fprintf(stderr, "truncated to %u of %u bytes: verdict %d (%u)\n", len, c->len, verdict, raw);
		}
	}
	if (!host)
		take_clones();		/* so that the next packet has only its own */
}

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Runs the case without a result. The counters that it raises go to `extra`, because `wgxdp show` counts it too */
static void run_unrecorded(const struct case_head *c, __u32 run_flags, FILE *extra)
{
	__u32 raw;

	run(c, c->len, run_flags, &raw);
	read_counters(after);
	write_gains(extra);
	memcpy(before, after, sizeof(before));
}

static void run_case(const struct case_head *c, FILE *to, FILE *extra)
{
	static bool counted;			/* whether after[] is still valid since the last run */
	static bool complete = true;		/* whether the kernel checks CHECKSUM_COMPLETE; alternates */
	static __u64 last;			/* when the last run began */
	__u64 began;

	if (host)
		host_plane_wait(c->wait);
	else if (c->wait)
		usleep(c->wait * 1000);
	for (__u32 i = 0; i < c->runs; i++) {
		struct result_head result = { .len = c->len };
		__u32 run_flags = tc && complete && i & 1 && !(c->flags & SHORTENED) ? BPF_F_TEST_SKB_CHECKSUM_COMPLETE : 0;

		if (counted)
			memcpy(before, after, sizeof(before));
		else
			read_counters(before);
		counted = true;
		/* A busy machine stopped this process for so long that it is the kernel's turn again */
		if (i && now_ms() - last > 1000) {
			last = now_ms();
			run_unrecorded(c, run_flags, extra);
		}
		began = now_ms();
		result.verdict = run(c, c->len, run_flags, &result.raw);
		if (run_flags && result.verdict == ODD && result.raw == EINVAL) {
			complete = false;
			result.verdict = run(c, c->len, 0, &result.raw);
		}
		result.late = last ? now_ms() - last - (i || host ? 0 : c->wait) : 0;
		last = began;
		read_counters(after);
		result.n_counters = write_gains(NULL);
		result.len = out_len;
		result.n_clones = write_clones(NULL);
		if (i + 1 == c->runs)
			result.changed = state_changed(host, c->flags >> STATE_SHIFT);
		fwrite(&result, sizeof(result), 1, to);
		fwrite(out, 1, out_len, to);
		write_gains(to);
		write_clones(to);
	}
	if (c->flags & TRUNCATE) {
		struct result_head result = { 0 };

		read_counters(before);
		run_truncated(c, &result);
		read_counters(after);
		result.n_counters = write_gains(NULL);
		fwrite(&result, sizeof(result), 1, to);
		write_gains(to);
	}
}

/* The hints of lists depend on it */
static void read_secret(void)
{
	struct learned_secret secret;
	int fd = pinned("secrets");
	__u32 zero = 0;

	if (bpf_map_lookup_elem(fd, &zero, &secret))
		die("secrets");
	host_plane_switch("learned_secret", &secret);
	close(fd);
}

static void host_setup(const char *routes)
{
	FILE *f = fopen(routes, "r");
	char line[512];
	int fd = pinned("nexthops");

	copy_array("links");
	copy_array("table");
	copy_array("sources");
	copy_array("control");
	copy_trie();
	copy_array("pools");
	copy_array("list_hints");
	copy_array("service_lists");
	read_secret();
	host_plane_resize("flow_table", 64);
	host_plane_resize("flow_index", 128);
	host_plane_resize("flow_shares", 256);
	host_plane_resize("flow_totals", n_ids);
	host_plane_resize("nexthops", map_entries(fd));
	close(fd);
	host_plane_resize("totals", n_ids * 4);
	host_plane_resize("choices", 128);
	host_plane_start();
	if (!f)
		die(routes);
	while (fgets(line, sizeof(line), f))
		if (!host_plane_route(line)) {
			fprintf(stderr, "run_packets: %s: bad route: %s", routes, line);
			exit(1);
		}
	fclose(f);
}

static void setup(const char *plane, const char *routes, const char *vlans)
{
	stay_on_cpu(0);
	host = !strncmp(plane, "host-", 5);
	tc = strstr(plane, "tc");
	totals = pinned("totals");
	reasons = pinned("reasons");
	n_ids = map_entries(totals) / 4;
	n_ids = n_ids < PEERS_FROM ? n_ids : PEERS_FROM;
	peer_totals = pinned("peer_totals");
	n_peers = is_there("peers") ? IDS - PEERS_FROM : 0;
	program = pinned(tc ? "progs/wgxdp_tc" : "progs/wgxdp_xdp");
	if (host) {
		host_setup(routes);
		features_setup_host();
		if (getenv("SITES"))
			blind_setup(getenv("SITES"), true);
		return;
	}
	if (*vlans) {
		int table = pinned("table");

		vlans_read(vlans, pinned("links"), table, map_entries(table));
		by_express = !tc;
		program = tc ? program : with_vlans_too(program);
	}
	forget_array("frags");
	if (!getenv("KEEP_FLOWS")) {
		forget_array("flow_table");
		forget_array("flow_index");
		forget_array("flow_shares");
		features_forget();
	}
	if (getenv("SITES"))
		blind_setup(getenv("SITES"), false);
	open_tap();
}

int main(int argc, char **argv)
{
	struct case_head c;
	FILE *from, *to, *extra = tmpfile();
	int byte;

	if (argc < 5) {
		fprintf(stderr, "usage: run_packets INSTANCE xdp|tc|host-xdp|host-tc CASES RESULTS [ROUTES [VLANS]]\n");
		return 2;
	}
	instance = argv[1];
	setup(argv[2], argc > 5 ? argv[5] : "", argc > 6 ? argv[6] : "");
	state_setup(host);
	from = fopen(argv[3], "rb");
	to = fopen(argv[4], "wb");
	if (!from || !to || !extra)
		die(from ? argv[4] : argv[3]);
	while (fread(&c, sizeof(c), 1, from) == 1) {
		if (c.len > PACKET_MAX || fread(packet, 1, c.len, from) != c.len)
			die("cases");
		run_case(&c, to, extra);
	}
	fclose(from);
	for (rewind(extra); (byte = getc(extra)) != EOF;)
		putc(byte, to);
	return fclose(to) ? 1 : 0;
}
