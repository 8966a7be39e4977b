/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A relay in host_world.h's terms: two tunnels, one with two sites, two nics with a site each. The packets that meet it: host_fate.h.
 */
#ifndef HOST_RELAY_H
#define HOST_RELAY_H

#include "host_scene.h"

enum { TA = 20, TC, NN, NO, NW };	/* tunnels of A and B, and of C; NICs of N (behind a gateway), of O (on the link), an unused one */
enum { PEER_A = 1, PEER_B, PEER_C, PEER_N, PEER_O, PEER_WAITS, PEERS = 8 };
#define OVERLAY "fd12:3456:789a:"
#define RELAY_BUCKETS 4
#define RELAY_SLOTS 60			/* the first of two */

static inline void relay_subnet(__u32 id, __u32 word)
{
	bpf_map_update_elem(&subnets, &id, &word, 0);
}

static inline void relay_prefix(const char *prefix, __u32 len, __u32 word)
{
	struct route_key key = { .prefixlen = 32 + len, .addr = world_addr(prefix) };

	bpf_map_update_elem(&routes, &key, &word, 0);
}

static inline void relay_link(__u32 ifindex, __u32 flags, __u32 mtu, __u32 only)
{
	struct own o = { .addr = world_addr("fd99::1"), .ifindex = ifindex, .peer = only };
	__u32 place = ifindex % LINKS;

	world_link(ifindex, ROLE_TUNNEL, flags | LINK_TC | LINK_PEERS, mtu, 0);
	bpf_map_update_elem(&own, &place, &o, 0);
}

static inline void relay_peer(__u32 id, __u32 ifindex, __u32 mtu, __u32 flags, __u32 slot)
{
	struct peer peer = { .ifindex = ifindex, .mtu = mtu, .flags = flags, .slot = slot };

	bpf_map_update_elem(&peers, &id, &peer, 0);
}

static inline struct policy *relay_policy(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&policy, &zero);
}

static inline void relay_policy_setup(void)
{
	static const __u8 types[] = { 128, 129, 1, 2, 3, 4, 134, 135, 136 };
	struct policy *rules = relay_policy();

	for (int port = 58000; port <= 60000; port++)
		rules->ports[port / 64] |= 1ULL << port % 64;
	for (size_t i = 0; i < sizeof(types); i++)
		rules->icmpv6[types[i] / 64] |= 1ULL << types[i] % 64;
	for (int i = 0; i < 14; i++)
		rules->keys[i] = 0x9e3779b9 * (i + 1) ^ 0x5bd1e995;
	rules->factors[0] = 0x9fb21c651e98df25ULL;
	rules->factors[1] = 0xc4ceb9fe1a85ec53ULL;
}

static inline void relay_maps(void)
{
	struct { struct host_map *map; __u32 max; } maps[] = {
		{ &peers, PEERS }, { &peer_totals, PEERS * 4 }, { &subnets, SUBNETS }, { &routes, 16 }, { &own, LINKS }, { &policy, 1 },
		{ &allowed, RELAY_BUCKETS },
	};
	struct addr prefix = world_addr(OVERLAY ":"), mask = world_addr("ffff:ffff:ffff::");

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		host_map_reset(maps[i].map, maps[i].max);
	overlay_hi = prefix.q[0];
	overlay_mask_hi = mask.q[0];
	overlay_lo = overlay_mask_lo = 0;
	allowed_mask = RELAY_BUCKETS - 1;
	with_subnets = with_routes = true;
	with_routes64 = false;
}

/* Adds the relay to the present world; its three routes are the last ones */
static inline void relay_beside(void)
{
	relay_maps();
	relay_link(TA, LINK_L3, 1420, 0);
	relay_link(TC, LINK_L3, 1380, PEER_C);
	relay_link(NN, LINK_XDP_SENDS | LINK_XDP_SENDS_FRAGS, 1500, PEER_N);
	relay_link(NO, LINK_XDP_SENDS, 1500, PEER_O);
	world_link(NW, ROLE_WAN, LINK_TC, 1500, 0);
	relay_peer(PEER_A, TA, 1420, PEER_TUNNEL, 0);
	relay_peer(PEER_B, TA, 1420, PEER_TUNNEL, 0);
	relay_peer(PEER_C, TC, 1380, PEER_TUNNEL, 0);
	relay_peer(PEER_N, NN, 0, 0, RELAY_SLOTS);
	relay_peer(PEER_O, NO, 0, 0, RELAY_SLOTS + 1);
	for (__u32 i = 0; i < PEER_WAITS; i++)
		relay_subnet(0xa + i, PEER_A + i);		/* …:a:: belongs to A, and so on; …:f:: has no peer yet */
	relay_subnet(1, ROUTE_LOCAL);
	relay_subnet(0x10, ROUTE_LONGER | PEER_A);
	relay_prefix(OVERLAY "10::", 64, PEER_A);
	relay_prefix(OVERLAY "10:1::", 80, PEER_C);
	relay_prefix("fd99::a", 128, PEER_A);
	relay_prefix("fd99::c", 128, PEER_C);
	relay_policy_setup();
	world_route(OVERLAY "d::/64", NN, 1500, 0x1d, "fe80::d");
	world_route(OVERLAY "e::99/128", NO, 0, 0, NULL)->answer = BPF_FIB_LKUP_RET_NO_NEIGH;
	world_route(OVERLAY "e::/64", NO, 1400, 0x1e, NULL);
}

static inline void relay_setup(void)
{
	scene_setup();
	world_knows(WAY_RELAY);
	host_n_routes = 0;
	relay_beside();
}

#endif
