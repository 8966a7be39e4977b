/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The relay and the guard of a running instance: nothing that earlier packets left in their maps, and all of it for the host plane.
 * Part of run_packets.c, after run_vlans.h and run_blind.h.
 */
#ifndef RUN_FEATURES_H
#define RUN_FEATURES_H

#include <string.h>
#include "host/host_plane.h"

/* Peers count from this number on, behind services */
enum { PEERS_FROM = 48 };

static inline __u32 counter_id(__u32 id)
{
	id = id & PEER_ID ? PEERS_FROM + (id & ~PEER_ID) : id;
	return id < IDS ? id : IDS - 1;
}

static inline bool is_there(const char *map)
{
	int fd = pinned(map);
	bool more = map_entries(fd) > 1;

	close(fd);
	return more;
}

/* Clears what handshakes and packets between sites left, as after `up` */
static inline void features_forget(void)
{
	static const char *const tables[] = { "answered", "indices", "guard_sources", "challenged", "icmp_limits" };
	static const char *const arrays[] = { "guard_state", "handshakes", "health", "failed" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		forget_array(tables[i]);
	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
		blind_empty(arrays[i]);
	blind_empty("replays");
	blind_empty("allowed");
}

static inline void copy_routes(void)
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

static inline void relay_switches(const struct wgxdp *s)
{
	__u32 mask = 63;

	host_plane_switch("overlay_hi", (const void *)&s->rodata->overlay_hi);
	host_plane_switch("overlay_lo", (const void *)&s->rodata->overlay_lo);
	host_plane_switch("overlay_mask_hi", (const void *)&s->rodata->overlay_mask_hi);
	host_plane_switch("overlay_mask_lo", (const void *)&s->rodata->overlay_mask_lo);
	host_plane_switch("with_subnets", (const void *)&s->rodata->with_subnets);
	host_plane_switch("with_routes", (const void *)&s->rodata->with_routes);
	host_plane_switch("allowed_mask", &mask);
}

static inline void relay_setup_host(const struct wgxdp *s)
{
	static const char *const copied[] = { "peers", "subnets", "own", "policy" };

	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++)
		copy_array(copied[i]);
	copy_routes();
	host_plane_resize("peer_totals", IDS * 4);
	host_plane_resize("allowed", 64);
	relay_switches(s);
}

static inline void guard_setup_host(void)
{
	static const char *const copied[] = { "guards", "guard_keys" };
	static const struct { const char *name; __u32 max; } own[] = {
		{ "guard_state", IDS }, { "budgets", 1 }, { "guard_sources", 128 }, { "answered", 128 }, { "indices", 128 },
		{ "replays", REPLAY_ROWS }, { "handshakes", HANDSHAKE_PLACES }, { "challenged", 2 }, { "cookies", 1 },
		{ "failed", FAILED_PLACES }, { "health", IDS * GUARD_BACKENDS_MAX },
	};

	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++)
		copy_array(copied[i]);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		host_plane_resize(own[i].name, own[i].max);
}

/* Sets up the host plane like the running program: with the same switches, and its maps */
static inline void features_setup_host(void)
{
	struct wgxdp *s = wgxdp__open();

	if (!s)
		die("features: wgxdp.bpf.o");
	switches_of(program, s->rodata, sizeof(*s->rodata));
	s->rodata->icmp_errors_cpu = ~0U;	/* no limit: more than fifty are answered within a jiffy here */
#define SET(name) host_plane_switch(#name, (const void *)&s->rodata->name);
	HOST_WAYS(SET)
#undef SET
	if (is_there("peers"))
		relay_setup_host(s);
	if (is_there("guard_sources"))
		guard_setup_host();
	wgxdp__destroy(s);
}

#endif
