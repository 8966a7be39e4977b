/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compares the counters of the planes of run_planes.c: each program with the host plane, and xdp and tc together with
 * tc alone. It writes the difference to run_planes.c's why[].
 */
#ifndef RUN_COUNTS_H
#define RUN_COUNTS_H

#include "run_states.h"

enum { TOTALS = 4096 };

static __u64 live_totals[TOTALS], model_totals[TOTALS], chain_totals[TOTALS];

/* Three numbers for each id; the sum over planes if `planes` is false */
static __u32 totals_of(const char *map, __u64 *all, bool from_model)
{
	static __u8 values[1 << 20];
	const struct state *s = state_of(map);
	__u32 n = s->n, numbers[TOTALS], batch;
	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	if (n * 3 > TOTALS || (__u64)n * s->size > sizeof(values))
		die(map);
	if (!from_model && bpf_map_lookup_batch(s->fd, NULL, &batch, numbers, values, &n, &opts) && errno != ENOENT)
		die(map);
	for (__u32 i = 0; i < s->n; i++) {
		int cpus = from_model ? 1 : s->size / sizeof(struct total);
		const struct total *t = from_model ? host_plane_read(map, &i) : (void *)(values + (size_t)i * s->size);

		all[3 * i] = all[3 * i + 1] = all[3 * i + 2] = 0;
		for (int cpu = 0; cpu < cpus; cpu++) {
			all[3 * i] += total_received(&t[cpu]);
			all[3 * i + 1] += t[cpu].forwarded;
			all[3 * i + 2] += t[cpu].bytes;
		}
	}
	return s->n * 3;
}

struct reason_count {
	struct reason_key key;
	__u64 n;
};
enum { REASON_COUNTS = 4096 };

/* Adds a count, to an existing entry if there is one. A drop with an ICMP error counts like the same drop without
 * one */
static int add_reason(struct reason_count *all, int n, const struct reason_key *key, __u64 count)
{
	struct reason_key k = *key;
	int i;

	k.reason = k.reason == DROP_packet_too_big ? PASS_too_big : k.reason == DROP_time_exceeded ? PASS_hop_limit : k.reason;
	for (i = 0; i < n && memcmp(&all[i].key, &k, sizeof(k)); i++)
		;
	if (i == REASON_COUNTS)
		die("reasons");
	all[i].n = count + (i < n ? all[i].n : 0);
	all[i].key = k;
	return i < n ? n : n + 1;
}

static int reasons_of(struct reason_count *all, bool from_model)
{
	const struct reason_key *key;
	struct reason_key next, *last = NULL;
	__u64 cpus[256] = { 0 }, sum;
	const __u64 *count;
	int n = 0, fd = state_of("reasons")->fd;

	for (__u32 i = 0; from_model && host_plane_entry("reasons", i, (const void **)&key, (const void **)&count); i++)
		n = add_reason(all, n, key, *count);
	for (; !from_model && !bpf_map_get_next_key(fd, last, &next); last = &next) {
		sum = 0;
		if (bpf_map_lookup_elem(fd, &next, cpus))
			die("reasons");
		for (int i = 0; i < libbpf_num_possible_cpus(); i++)
			sum += cpus[i];
		n = add_reason(all, n, &next, sum);
	}
	return n;
}

static bool reasons_differ(void)
{
	static struct reason_count a[REASON_COUNTS], b[REASON_COUNTS];
	int n = reasons_of(a, false), there = reasons_of(b, true);

	for (int i = 0; i < n; i++) {
		int j = 0;

		while (j < there && memcmp(&a[i].key, &b[j].key, sizeof(a[i].key)))
			j++;
		if (j < there && a[i].n == b[j].n)
			continue;
		snprintf(why, sizeof(why), "reason %u of %x, direction %u, plane %u: %llu and the host's %llu", a[i].key.reason, a[i].key.id,
			 a[i].key.direction, a[i].key.plane, (unsigned long long)a[i].n, j < there ? (unsigned long long)b[j].n : 0ULL);
		return true;
	}
	if (n != there)
		snprintf(why, sizeof(why), "%d reasons, the host has %d", n, there);
	return n != there;
}

static bool counters_differ(void)
{
	static const char *const maps[] = { "totals", "peer_totals" };

	for (int m = 0; m < 2; m++) {
		__u32 n = totals_of(maps[m], live_totals, false);

		totals_of(maps[m], model_totals, true);
		for (__u32 i = 0; i < n; i++)
			if (live_totals[i] != model_totals[i]) {
				snprintf(why, sizeof(why), "%s %u, %s: %llu and the host's %llu", maps[m], i / 3, i % 3 == 0 ? "received" : i % 3 == 1 ?
					 "forwarded" : "bytes", (unsigned long long)live_totals[i], (unsigned long long)model_totals[i]);
				return true;
			}
	}
	return reasons_differ();
}

/* xdp and tc together must count, for each service and direction, what tc alone counts, if each link has both */
static bool sums_differ(void)
{
	for (__u32 id = 0; id < state_of("totals")->n / 4; id++)
		for (__u32 i = 0; i < 6; i++) {
			__u32 xdp = total_index(id, i / 3, PLANE_XDP) * 3 + i % 3, then = total_index(id, i / 3, PLANE_TC) * 3 + i % 3;

			if (chain_totals[xdp] + chain_totals[then] == live_totals[then])
				continue;
			snprintf(why, sizeof(why), "service %u: xdp counts %llu and tc %llu, tc alone %llu", id, (unsigned long long)chain_totals[xdp],
				 (unsigned long long)chain_totals[then], (unsigned long long)live_totals[then]);
			return true;
		}
	return false;
}

#endif
