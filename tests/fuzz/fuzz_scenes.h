/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The worlds of fuzz_pipeline.c: host_scene.h's firewall with VLANs, a bridge and lists, host_flows.h's services,
 * host_guarded.h's, host_blind.h's sites, and host_relay.h's peers in each.
 */
#ifndef FUZZ_SCENES_H
#define FUZZ_SCENES_H

#include "fuzz_worlds.h"

static const __u8 cookie_secret[32] = "a secret of thirty-two bytes ..";

static void scene_link_more(__u32 ifindex, __u32 port, __u16 outer, __u16 inner, __u32 above)
{
	struct link l = *link_find(port ?: above);
	__u32 place = ifindex % LINKS;

	l.ifindex = ifindex;
	l.port = port;
	l.above = above;
	l.flags |= inner ? LINK_OUTER_AD : 0;
	l.tags[0] = htons(outer);
	l.tags[1] = htons(inner);
	if (!above)
		world_mac((__u8 *)&l.macs[0], ifindex, 1);
	bpf_map_update_elem(&links, &place, &l, 0);
	if (!port)
		return;
	world_entries[world_n_entries++] = (struct table_entry){
		.key = { { .q = { vlan_key(inner ? ETH_P_8021AD : ETH_P_8021Q, htons(outer), htons(inner)) } }, table_word(KEY_VLAN, 0, 0, port) },
		.vlan = { .ifindex = ifindex } };
}

static void scene_listed(const char *prefix, __u32 id, __u8 verdict)
{
	struct addr addr, mask;
	struct source_key key = { .id = htonl(id) };

	world_prefix(prefix, &addr, &mask);
	key.addr = addr;
	key.prefixlen = 32 + atoi(strchr(prefix, '/') + 1) + (strchr(prefix, ':') ? 0 : 96);
	bpf_map_update_elem(&source_trie, &key, &verdict, 0);
}

/* Some clients have a common next hop for a whole prefix, others are looked up */
static void scene_uniform(void)
{
	for (__u32 i = 0; i < UNIFORM_BLOCKS * UNIFORM_ROWS; i++) {
		struct uniform_row *row = bpf_map_lookup_elem(&uniform, &i);

		for (__u32 j = 0; j < UNIFORM_ROW; j++)
			row->slot[j] = i / UNIFORM_ROWS == 2 ? UNIFORM_DEEPER | 2 : j % 4 == 0 ? 0 : j % 4 == 1 ? UNIFORM_DEEPER | (2 + (i + j) % (UNIFORM_BLOCKS - 2)) : 1 + j % 3;
	}
}

/* More prefixes on one wan than a short list holds, so that the trie has them. Also listeners in VLANs, and a masquerading
 * service into a site */
static void scene_more(void)
{
	static const char *const wan[] = { "192.168.0.0/16", "10.0.0.0/8", "198.18.0.0/15", "203.0.113.1/32", "100.64.0.0/10", "172.16.0.0/12",
					   "198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32", "2001:db8:2::/48", "2001:db8:1::1/128",
					   "2001:db8:3::/48", "2001:db8:4::/48", "2001:db8:5::/48", "2001:db8:6::/48", "2001:db8:7::/48",
					   "2001:db8:8::/48", "2001:db8:a::/48", NULL };
	__u32 wan_link = W0;

	world_sources(0, wan);
	((struct link *)bpf_map_lookup_elem(&links, &wan_link))->flags |= LINK_SOURCES_TRIE;
	scene_listed("192.0.2.128/25", 0, 1);
	scene_listed("2001:db8:9::8000/113", 0, 1);
	scene_listed("192.0.2.12/32", SERVICE_LIST | 0, LIST_DENY);
	scene_listed("192.0.2.0/24", SERVICE_LIST | 0, LIST_ALLOW);
	scene_listed("2001:db8:9::b/128", SERVICE_LIST | 0, LIST_DENY);
	world_entries[0].service.flags |= SERVICE_LISTS;
	scene_link_more(V0, W0, VLAN_PLAIN, 0, 0);
	scene_link_more(Q0, W0, VLAN_OUTER, VLAN_PLAIN, 0);
	scene_link_more(B0, 0, 0, 0, L0);
	scene_uniform();
	relay_beside();
	world_route("192.168.7.0/24", V0, 1496, 7, NULL);
	world_route("192.168.8.0/24", Q0, 1492, 8, NULL);
	world_entries[world_n_entries++] = (struct table_entry){
		.key = { world_addr(OVERLAY "b::"), table_word(KEY_ROUTE, FAMILY_IPV6, 0, 0) }, .route = { .word = PEER_B } };
	world_listen(7, W0, "2001:db8:1::1", 59000, OVERLAY "d::7", 51820, 58, 0);
	world_commit();
	host_routes_first(5);
}

/* A replaced backend and its successor are known: see backends_replaced() */
static void scene_former(void)
{
	size_t n = world_n_entries;

	for (size_t i = 0; i < n; i++) {
		struct table_entry e = world_entries[i];
		__u32 kind = e.key.word & 0xff;

		if (world_n_entries == WORLD_ENTRIES || (kind != KEY_SERVICE && kind != KEY_REPLY) || e.service.id > 3)
			continue;
		if (kind == KEY_REPLY) {
			e.key.addr.b[15] ^= 1;
			e.service.delta = world_delta(&e.key.addr, &e.service.to);
		} else {
			e.key.addr = old_addr(&e.key.addr, &e.service.to);
			e.key.word ^= KEY_SERVICE ^ KEY_OLD;
		}
		world_entries[world_n_entries++] = e;
	}
}

static void scenes_make(void)
{
	__u32 zero = 0;

	traits_begin();
	for (struct world *w = worlds; w < worlds + WORLDS; w++) {
		guards_reset();
		blind_maps();
		if (w == &worlds[FIREWALL]) {
			scene_setup();
			flows_room(1);
			host_map_reset(&pools, WORLD_SERVICES);
			world_listen(9, V0, "203.0.113.5", 51820, "192.168.1.50", 51820, 22, 0);
			world_listen(10, Q0, "203.0.113.6", 51820, "192.168.1.51", 51820, 24, 0);
			world_listen(12, W0, "203.0.113.1", 58000, "192.168.7.10", 51820, 28, 0);
			world_listen(13, V0, "203.0.113.5", 58000, "192.168.8.10", 51820, 30, 0);
			world_listen(11, W0, "203.0.113.1", 57000, "192.168.1.52", 51820, 26, SERVICE_DF_REPORT);
		} else if (w == &worlds[MASQUERADES]) {
			flows_setup();
		} else if (w == &worlds[GUARDS]) {
			guarded_setup(GUARD_CHALLENGE, 16);
			blake2s_key(((struct cookies *)bpf_map_lookup_elem(&cookies, &zero))->secret[0].h, cookie_secret, 32, MAC_LEN);
		} else {
			blind_setup();
			host_map_reset(&sessions, INDICES);
			host_map_reset(&hints, INDICES);
			blind_mask = INDICES - 1;
		}
		host_map_reset(&icmp_limits, 2);
		flows_no_probes();
		if (w == &worlds[FIREWALL] || w == &worlds[MASQUERADES])
			scene_former();
		scene_more();
		world_keep(w);
	}
	with_vlans = with_bridges = true;
	with_lists = true;
	host_watch = touches;
}

#endif
