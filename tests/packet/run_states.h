/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The maps of run_planes.c. Maps with the configuration are the instance's own. Maps that packets change are separate
 * small ones, emptied before each sequence. The host plane has copies of all.
 */
#ifndef RUN_STATES_H
#define RUN_STATES_H

#include <stdio.h>
#include "state.h"
#include "run_host.h"
#include "run_vlans.h"

struct state {
	const char *name;
	__u32 max;			/* entries; 0: as many as in the instance */
	int fd;
	bool array;
	bool lasting;			/* too large to empty each time */
	__u32 n, size;			/* entries of an array; bytes of all its values, on all CPUs */
	void *first;			/* its first contents; NULL: zeros */
};

static struct state states[] = {
	{ .name = "choices", .max = 128 }, { .name = "frags", .max = 128 }, { .name = "icmp_limits", .max = 128 },
	{ .name = "totals" }, { .name = "reasons", .max = 4096 }, { .name = "flow_table", .max = 64 }, { .name = "flow_index", .max = 128 },
	{ .name = "flow_shares", .max = 256 }, { .name = "sessions", .max = 16 }, { .name = "hints", .max = 16 },
	{ .name = "blind_pairs", .max = 1024 }, { .name = "blind_waiting" }, { .name = "failed", .lasting = true }, { .name = "guard_state" },
	{ .name = "budgets" }, { .name = "guard_sources", .max = 128 }, { .name = "answered", .max = 128 },
	{ .name = "indices", .max = 128 }, { .name = "replays", .lasting = true }, { .name = "handshakes", .lasting = true },
	{ .name = "challenged", .max = 128 }, { .name = "health" }, { .name = "peer_totals" }, { .name = "allowed", .max = 16 },
	{ .name = "blind_state" },
};
enum { STATES = sizeof(states) / sizeof(*states), LASTING = 128 };	/* LASTING: resets from one emptying to the next */

/* copied to the host plane once */
static const char *const settings[] = {
	"links", "table", "sources", "control", "pools", "guards", "guard_keys", "cookies", "peers", "subnets", "own", "policy", "blind_sites", "endpoints",
	"uniform", "list_hints", "service_lists",
};

static struct state *state_of(const char *name)
{
	for (int i = 0; i < STATES; i++)
		if (!strcmp(states[i].name, name))
			return &states[i];
	return NULL;
}

static void copy_routes(void)
{
	struct route_key key, *last = NULL;
	int fd = pinned("routes");
	__u32 word;

	host_plane_resize("routes", 1024);
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key)
		if (!bpf_map_lookup_elem(fd, &key, &word))
			host_plane_write("routes", &key, &word);
	close(fd);
}

static void copy_settings(void)
{
	int fd = pinned("nexthops");

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		copy_array(settings[i]);
	copy_trie();
	copy_routes();
	host_plane_resize("nexthops", map_entries(fd));
	close(fd);
}

/* Takes the instance's maps, except the states; nothing remembers next hops */
static void choose_maps(struct wgxdp *s)
{
	struct bpf_map *map;
	int fd;

	bpf_object__for_each_map(map, s->obj) {
		const char *name = pin_of(map);
		const struct state *state = name ? state_of(name) : NULL;

		if (!name || !strcmp(name, "xdp_way"))
			continue;
		fd = pinned(name);
		if (!state) {
			if (!strcmp(name, "nexthops"))
				bpf_map__set_max_entries(map, map_entries(fd));
			else if (bpf_map__reuse_fd(map, fd))
				die(name);
		} else {
			bpf_map__set_max_entries(map, state->max && map_entries(fd) > 1 ? state->max : map_entries(fd));
		}
		close(fd);
	}
	s->rodata->blind_mask = map_entries(pinned("sessions")) > 1 ? state_of("sessions")->max - 1 : 0;
	s->rodata->blind_totals_mask = map_entries(pinned("blind_totals")) - 1;
	if (map_entries(pinned("flow_table")) > 1) {
		s->rodata->flow_mask = state_of("flow_table")->max - 1;
		s->rodata->flow_index_mask = state_of("flow_index")->max - 1;
		s->rodata->flow_share_mask = state_of("flow_shares")->max - 1;
	}
#define MASK(name) s->rodata->name##_mask = map_entries(pinned(#name)) > 1 ? state_of(#name)->max - 1 : 0;
	LEARNED_MAPS(MASK)
#undef MASK
	s->rodata->allowed_mask = map_entries(pinned("allowed")) > 1 ? state_of("allowed")->max - 1 : 0;
}

/* From now on, no packet goes to the kernel to refresh a neighbour: the packet tests cover that */
static void no_probes(int nexthops)
{
	int cpus = libbpf_num_possible_cpus();
	struct nexthop *all = calloc(cpus, sizeof(*all));

	for (int i = 0; all && i < cpus; i++)
		all[i].probe[0] = all[i].probe[1] = ~0ULL >> 1;
	for (__u32 i = 0, n = map_entries(nexthops); i < n; i++) {
		if (!all || bpf_map_update_elem(nexthops, &i, all, BPF_ANY))
			die("nexthops");
		host_plane_write("nexthops", &i, all);
	}
	free(all);
}

static void states_open(struct wgxdp *s)
{
	__u32 zero = 0;

	for (int i = 0; i < STATES; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(s->obj, states[i].name);
		enum bpf_map_type type = bpf_map__type(map);
		bool each = type == BPF_MAP_TYPE_PERCPU_ARRAY;

		states[i].fd = bpf_map__fd(map);
		states[i].array = each || type == BPF_MAP_TYPE_ARRAY;
		states[i].n = bpf_map__max_entries(map);
		states[i].size = (bpf_map__value_size(map) + 7) / 8 * 8 * (each ? libbpf_num_possible_cpus() : 1);
		states[i].first = calloc(states[i].n, states[i].size);
	}
	if (bpf_map_lookup_elem(pinned("blind_state"), &zero, state_of("blind_state")->first))
		die("blind_state");
}

static void zero_array(const struct state *s)
{
	static __u32 numbers[65536];
	__u32 n = s->n;

	for (__u32 i = 0; i < n && !numbers[n - 1]; i++)
		numbers[i] = i;
	if (n > 65536 || (bpf_map_update_batch(s->fd, numbers, s->first, &n, NULL) && errno))
		die(s->name);
}

static void empty_hash(const struct state *s)
{
	__u8 key[128];

	while (!bpf_map_get_next_key(s->fd, NULL, key))
		if (bpf_map_delete_elem(s->fd, key) && errno != ENOENT)
			die(s->name);
}

/* Clears everything remembered, before a sequence. ask_always: next hops and the express path's decisions are not
 * remembered later either. */
static void decisions_forget(bool ask_always)
{
	static int fd = -1;
	struct control c;
	__u32 zero = 0;

	if (fd < 0)
		fd = pinned("control");
	if (bpf_map_lookup_elem(fd, &zero, &c))
		die("control");
	c.generation++;
	c.flags = (c.flags & ~CONTROL_ASK_ALWAYS) | (ask_always ? CONTROL_ASK_ALWAYS : 0);
	if (bpf_map_update_elem(fd, &zero, &c, BPF_ANY))
		die("control");
	host_plane_write("control", &zero, &c);
}

/* Returns the hits of the express path since the last call. */
static __u64 new_express_hits(int fd)
{
	static struct express_cpu *all;
	static __u64 before;
	__u64 hits = 0, was = before;
	__u32 zero = 0;

	if (!all)
		all = calloc(EXPRESS_CPUS, sizeof(*all));
	if (!all || bpf_map_lookup_elem(fd, &zero, all))
		die("express_cpus");
	for (int i = 0; i < EXPRESS_CPUS; i++)
		hits += express_hits(&all[i]);
	before = hits;
	return hits - was;
}

static void states_reset(void)
{
	static __u64 seed = 1;
	static __u32 n_resets;
	__u32 zero = 0;
	struct guard_state *guards = state_of("guard_state")->first;

	/* The present replays are in other rows. A row that has the same initiation by chance is rare, as long as the
	 * replays are few. */
	for (__u32 i = 0; i < state_of("guard_state")->n; i++)
		guards[i].seed = seed++ * 0x9e3779b97f4a7c15ULL | 1;

	for (int i = 0; i < STATES; i++) {
		const struct state *s = &states[i];

		host_plane_resize(s->name, s->n);
		if (s->lasting && n_resets % LASTING)
			continue;
		s->array ? zero_array(s) : empty_hash(s);
	}
	n_resets++;
	host_plane_write("blind_state", &zero, state_of("blind_state")->first);
}

#endif
