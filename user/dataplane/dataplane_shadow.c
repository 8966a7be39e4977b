/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The hash in the map control shows whether the running programs are those of this build. Their
 * constants are read from the kernel.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "dataplane/pins.h"
#include "dataplane/dataplane_programs.h"
#include "dataplane/tracing.h"
#include "dataplane/load_error.h"
#include "lib/file.h"
#include "lib/log.h"
#include "dataplane/map_info.h"
#include "lib/memory.h"
#include "wgxdp.skel.h"

#define BATCH 2048

/* How the shadow uses each map. SHARED: programs only read it, so the running map is used. EMPTY:
 * programs write it before they read it, or only count in it. COPIED: all others. */
static const enum { COPIED, SHARED, EMPTY } what[MAP_COUNT] = {
	[MAP_table] = SHARED, [MAP_sources] = SHARED, [MAP_source_hints] = SHARED,
	[MAP_source_trie] = SHARED, [MAP_lists] = SHARED, [MAP_list_hints] = SHARED,
	[MAP_service_lists] = SHARED, [MAP_followed_lists] = SHARED,
	[MAP_names] = SHARED, [MAP_uniform] = SHARED, [MAP_devices] = SHARED, [MAP_peers] = SHARED,
	[MAP_peer_names] = SHARED, [MAP_subnets] = SHARED, [MAP_routes] = SHARED,
	[MAP_own] = SHARED, [MAP_policy] = SHARED, [MAP_pools] = SHARED, [MAP_guards] = SHARED,
	[MAP_guard_keys] = SHARED, [MAP_public_keys] = SHARED, [MAP_cookies] = SHARED,
	[MAP_backend_names] = SHARED, [MAP_endpoints] = SHARED, [MAP_blind_names] = SHARED,
	[MAP_flows_deleted] = SHARED, [MAP_tx_dropped] = SHARED, [MAP_secrets] = SHARED,
	[MAP_nexthops] = EMPTY, [MAP_fragment_area] = EMPTY, [MAP_totals] = EMPTY,
	[MAP_reasons] = EMPTY,
	[MAP_transmit_failed] = EMPTY, [MAP_peer_totals] = EMPTY, [MAP_flow_totals] = EMPTY,
	[MAP_states] = EMPTY, [MAP_blind_totals] = EMPTY, [MAP_blind_lock] = EMPTY,
	[MAP_signals] = EMPTY, [MAP_challenges] = EMPTY, [MAP_events] = EMPTY,
	[MAP_event_watch] = EMPTY, [MAP_notifications] = EMPTY,
	[MAP_express_cpus] = EMPTY, [MAP_memo] = EMPTY,
	[MAP_xdp_way] = EMPTY,
};

/* ---- the same programs ---- */

static int map_of_program(int program, const char *name, size_t size)
{
	__u32 ids[2 * MAP_COUNT], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = 2 * MAP_COUNT,
				      .map_ids = (__u64)(unsigned long)ids };

	if (bpf_obj_get_info_by_fd(program, &info, &len))
		return -errno;
	for (__u32 i = 0; i < info.nr_map_ids && i < 2 * MAP_COUNT; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info map = map_info(fd);

		if (fd < 0)
			return -errno;
		if (!strcmp(map.name, name) && map.value_size == size)
			return fd;
		close(fd);
	}
	return -ENOENT;
}

/* Reads the constants of the running programs. Returns 0, or -errno after printing an error. */
static int read_switches(const struct dataplane *dp, struct wgxdp *s)
{
	int xdp = program_fd(dp, PROGRAM_wgxdp_xdp), rc = 0;
	int fd = map_of_program(xdp, "wgxdp.rodata", bpf_map__value_size(s->maps.rodata));
	__u32 zero = 0;

	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, s->rodata))
		rc = fd < 0 ? fd : -errno;
	fd_close(fd);
	/* The hash does not cover these constants, because `up` sets them later. The shadow's
	 * programs do not read them. */
	s->rodata->device_ifindex = s->rodata->device_net = s->rodata->net_inum = 0;
	if (rc == -EPERM)
		log_error("this process lacks CAP_SYS_ADMIN, which reading running programs needs: run this as root with it (in a container: podman exec --privileged)");
	return rc == -ENOENT ? 0 : rc;
}

/* Sets the sizes of maps, and which programs to load, as `up` did for the running ones. */
static void set_as_running(const struct dataplane *dp, struct load_settings *set,
			   const struct wgxdp *s)
{
	*set->rodata = *s->rodata;
	for (int i = 0; i < MAP_COUNT; i++)
		if (map_fd(dp, i) >= 0)
			set->entries[i] = dataplane_entries(dp, i);
	set->tc_l3 = program_fd(dp, PROGRAM_wgxdp_tc_l3) >= 0;
	set->express = program_fd(dp, PROGRAM_wgxdp_express) >= 0;
	set->flow_end = pin_exists(dp->instance, "progs/wgxdp_flow_end");
	set->send = pin_exists(dp->instance, PIN_SEND);
	set->blind_put = set->tc_egress = s->rodata->with_blind;
}

/* Compares the running programs with those of this build, and sets the sizes of maps. Returns 0 if
 * they are the same, or -ESTALE after printing an error. */
static int compare_programs(const struct dataplane *dp, struct wgxdp *s)
{
	struct control c = { 0 };
	struct load_settings *set;
	__u32 zero = 0;
	int rc = dataplane_settings(&set);

	if (rc)
		return rc;
	set_as_running(dp, set, s);
	dataplane_settings_apply(set, s);
	bpf_map_lookup_elem(map_fd(dp, MAP_control), &zero, &c);
	if (dataplane_settings_hash(set) == c.program)
		return 0;
	log_error("instance %s runs the BPF programs of another build of wgxdp: replace them with `wgxdp up`",
		  dp->instance);
	return -ESTALE;
}

/* ---- maps ---- */

static int write_batch(void *data, const void *keys, const void *values, __u32 n)
{
	const struct bpf_map *map = data;
	size_t size = bpf_map__value_size(map);
	int to = bpf_map__fd(map);

	if (bpf_map__type(map) != BPF_MAP_TYPE_ARRAY)
		return n && bpf_map_update_batch(to, keys, values, &n, NULL) ? -errno : 0;
	for (const char *v = values; n--; v += size, keys += sizeof(__u32))
		if ((*v || memcmp(v, v + 1, size - 1)) &&	/* a new array has only zeros */
		    bpf_map_update_elem(to, keys, v, BPF_ANY))
			return -errno;
	return 0;
}

/* Copies a map in batches, because it may have hundreds of thousands of elements. */
static int copy_map(int from, struct bpf_map *map)
{
	return dataplane_batches(from, bpf_map__key_size(map), map_value_size(from), BATCH,
				 write_batch, map);
}

/* Reuses the shared maps. Call it before loading. */
static int share_maps(const struct dataplane *dp, struct wgxdp *s)
{
	int rc = 0;

	for (int i = 0; i < MAP_COUNT && !rc; i++)
		if (what[i] == SHARED)
			rc = bpf_map__reuse_fd(dataplane_map(s, i), map_fd(dp, i));
	return rc;
}

static int take_maps(const struct dataplane *dp, struct dataplane *shadow)
{
	int rc = 0;

	for (int i = 0; i < MAP_COUNT && !rc; i++) {
		struct bpf_map *map = dataplane_map(shadow->skeleton, i);

		if (what[i] == COPIED)
			rc = copy_map(map_fd(dp, i), map);
		if (rc)
			log_error("cannot copy the map %s of instance %s: %s",
				  dataplane_map_names[i], dp->instance, strerror(-rc));
		shadow->maps[i] = dup(bpf_map__fd(map));
	}
	return rc;
}

/* ---- loading ---- */

static int load_shadow(const struct dataplane *dp, struct wgxdp *s)
{
	struct bpf_program *p;
	int rc;

	bpf_object__for_each_program(p, s->obj)
		bpf_program__set_autoload(p, p == s->progs.wgxdp_xdp || p == s->progs.wgxdp_tc);
	load_error_begin();
	rc = share_maps(dp, s) ?: wgxdp__load(s);
	if (rc) {
		char what[INSTANCE_LEN + 32];

		snprintf(what, sizeof(what), "a copy of instance %s", dp->instance);
		load_error_tell(what, rc);
	}
	return rc;
}

static int fill_shadow(const struct dataplane *dp, struct dataplane *shadow)
{
	int rc = take_maps(dp, shadow);

	for (int i = 0; i < PROGRAM_COUNT; i++) {
		struct bpf_program *p = dataplane_program(shadow->skeleton, i);

		shadow->programs[i] = bpf_program__autoload(p) ? dup(bpf_program__fd(p)) : -1;
	}
	return rc ?: dataplane_shadow_clear(shadow);
}

int dataplane_shadow(const struct dataplane *dp, struct dataplane **ret)
{
	/* BPF_FUNC_clone_redirect would send a copy of the packet. In the shadow it only returns
	 * success. */
	static const enum bpf_func_id sends[] = { BPF_FUNC_clone_redirect, 0 };
	struct dataplane *shadow = xcalloc(1, sizeof(*shadow));
	int rc;

	strcpy(shadow->instance, dp->instance);
	memset(shadow->maps, -1, sizeof(shadow->maps));
	memset(shadow->programs, -1, sizeof(shadow->programs));
	shadow->skeleton = dataplane_open_without(sends, 0);
	rc = shadow->skeleton ? read_switches(dp, shadow->skeleton) : -errno;
	if (!rc)
		rc = compare_programs(dp, shadow->skeleton);
	if (!rc) {
		/* The shadow must not remember any decision. */
		shadow->skeleton->rodata->with_express = false;
		rc = load_shadow(dp, shadow->skeleton) ?: fill_shadow(dp, shadow);
	}
	shadow->running = true;
	if (rc)
		dataplane_close(shadow);
	else
		*ret = shadow;
	return rc;
}

/* ---- between packets ---- */

/* Sets all elements of a map to this value, which includes all CPUs. */
static int clear_array(int map, size_t size, const void *element)
{
	__u32 n = map_entries(map), keys[BATCH], count;
	size_t step = 65536 / size + 1 < BATCH ? 65536 / size + 1 : BATCH;
	char *values = xmalloc(step * size);
	int rc = 0;

	for (size_t i = 0; i < step; i++)
		memcpy(values + i * size, element, size);
	for (__u32 from = 0; from < n && !rc; from += count) {
		count = n - from < step ? n - from : step;
		for (__u32 i = 0; i < count; i++)
			keys[i] = from + i;
		rc = bpf_map_update_batch(map, keys, values, &count, NULL) ? -errno : 0;
	}
	free(values);
	return rc;
}

int dataplane_shadow_clear(struct dataplane *shadow)
{
	static const enum dataplane_map counters[] = { MAP_totals, MAP_peer_totals, MAP_flow_totals,
						       MAP_fragment_area };
	int cpus = libbpf_num_possible_cpus(), rc = 0;
	void *nothing = xcalloc(cpus, sizeof(struct fragment_area));
	struct nexthop *hops = xcalloc(cpus, sizeof(*hops));
	struct reason_key key;

	/* Mark each neighbour as probed: otherwise the shadow would pass a packet up to keep it
	 * alive. */
	for (int i = 0; i < cpus; i++)
		hops[i].probe[0] = hops[i].probe[1] = ~0ULL;
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters) && !rc; i++)
		rc = clear_array(map_fd(shadow, counters[i]),
				 map_value_size(map_fd(shadow, counters[i])), nothing);
	rc = rc ?: clear_array(map_fd(shadow, MAP_nexthops), sizeof(*hops) * cpus, hops);
	while (!rc && !bpf_map_get_next_key(map_fd(shadow, MAP_reasons), NULL, &key))
		rc = bpf_map_delete_elem(map_fd(shadow, MAP_reasons), &key) ? -errno : 0;
	free(nothing);
	free(hops);
	return rc;
}

__u32 dataplane_shadow_slots(const struct dataplane *shadow)
{
	return shadow->skeleton->rodata->uniform_slots;
}
