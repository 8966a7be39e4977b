/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A firewall for the host plane: its links, routes, neighbours and services, written into the plane's tables as user space
 * would, the services by user space's own writer. Everything that a test may want to bend is in reach afterwards.
 */
#ifndef HOST_WORLD_H
#define HOST_WORLD_H

#include "host_run.h"
#include "dataplane/table.h"

enum { W0 = 1, X0, L0, M0, T0, G0 = LINKS + 9 };	/* wan ×2, lan, lan without XDP transmit, L3, lan in generic mode */
enum { WORLD_SLOTS = 64, WORLD_SERVICES = 16, WORLD_ENTRIES = 64 };

static struct table_entry world_entries[WORLD_ENTRIES];
static size_t world_n_entries;
static struct table world_table = { .n = 256 };

static struct addr world_addr(const char *text)
{
	struct addr a;

	if (!strchr(text, ':')) {
		a = addr_from4(0);
		return inet_pton(AF_INET, text, &a.w[3]) == 1 ? a : (abort(), a);
	}
	return inet_pton(AF_INET6, text, &a) == 1 ? a : (abort(), a);
}

static inline __u8 world_family(const char *text)
{
	return strchr(text, ':') ? FAMILY_IPV6 : FAMILY_IPV4;
}

/* "prefix/len" into address and mask */
static void world_prefix(const char *text, struct addr *addr, struct addr *mask)
{
	char copy[64];
	int len;

	memset(mask, 0, sizeof(*mask));
	snprintf(copy, sizeof(copy), "%s", text);
	len = atoi(strchr(copy, '/') + 1) + (strchr(copy, ':') ? 0 : 96);
	*strchr(copy, '/') = 0;
	*addr = world_addr(copy);
	for (int i = 0; i < len; i++)
		mask->b[i / 8] |= 0x80 >> i % 8;
}

static inline void world_mac(__u8 *mac, __u32 ifindex, __u8 host)
{
	memcpy(mac, (__u8[]){ 2, 0, 0, ifindex >> 8, ifindex, host }, ETH_ALEN);
}

static void world_link(__u32 ifindex, enum link_role role, __u32 flags, __u32 mtu, __u32 list)
{
	struct link l = { .ifindex = ifindex, .role = role, .flags = flags, .mtu = mtu, .mtu6 = mtu, .sources = list };
	__u32 place = ifindex % LINKS;

	memset(l.macs, 0xff, sizeof(l.macs));
	l.macs[0] = 0;
	world_mac((__u8 *)&l.macs[0], ifindex, 1);
	bpf_map_update_elem(&links, &place, &l, 0);
}

/* Writes a list of sources: prefixes up to NULL */
static void world_sources(__u32 list, const char *const *prefixes)
{
	struct source_hints hints;
	struct sources s = { 0 };
	__u32 n4 = 0, n6 = 0;

	source_hints_begin(&hints);
	for (int i = 0; i < SOURCES_GROUP * SOURCES_GROUPS; i++) {
		s.ipv4[i].addr = ~0;
		memset(&s.ipv6[i].addr, 0xff, sizeof(s.ipv6[i].addr));
	}
	for (; *prefixes; prefixes++) {
		struct addr a, mask;
		int len = atoi(strchr(*prefixes, '/') + 1);

		world_prefix(*prefixes, &a, &mask);
		if (world_family(*prefixes) == FAMILY_IPV4) {
			source_hints_add4(&hints, ntohl(a.w[3]), len);
			s.ipv4[n4++] = (struct prefix4){ a.w[3], mask.w[3] };
		} else {
			source_hints_add6(&hints, be64toh(a.q[0]), len);
			s.ipv6[n6++] = (struct prefix6){ a, mask };
		}
	}
	s.groups4 = (n4 + SOURCES_GROUP - 1) / SOURCES_GROUP;
	s.groups6 = (n6 + SOURCES_GROUP - 1) / SOURCES_GROUP;
	bpf_map_update_elem(&sources, &list, &s, 0);
	bpf_map_update_elem(&source_hints, &list, &hints, 0);
}

/* host: last byte of the next hop's MAC; gateway may be NULL */
static struct host_route *world_route(const char *prefix, __u32 ifindex, __u32 mtu, __u8 host, const char *gateway)
{
	struct host_route *r = &host_routes[host_n_routes++];

	memset(r, 0, sizeof(*r));
	world_prefix(prefix, &r->dst, &r->mask);
	r->ifindex = ifindex;
	r->mtu = mtu;
	if (gateway)
		r->gateway = world_addr(gateway);
	world_mac(r->dmac, ifindex, host);
	world_mac(r->smac, ifindex, 1);
	return r;
}

/* Computes the checksum difference in a simple way: new - old of addresses, as 16-bit one's complement */
static __u16 world_delta(const struct addr *old, const struct addr *new)
{
	__u32 sum = 0;

	for (int i = 0; i < 16; i += 2) {
		__u16 o, n;

		memcpy(&o, &old->b[i], 2);
		memcpy(&n, &new->b[i], 2);
		sum += n + (__u32)(0xffff - o);
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* slot: even, the next one is for replies */
static void world_listen(__u16 id, __u32 link, const char *local, __u16 port, const char *backend, __u16 backend_port,
			 __u32 slot, __u16 flags)
{
	struct addr l = world_addr(local), b = world_addr(backend);
	struct table_entry *original = &world_entries[world_n_entries++], *reply = &world_entries[world_n_entries];
	*original = (struct table_entry){
		.key = { l, table_word(KEY_SERVICE, world_family(local), htons(port), link) },
		.service = { b, htons(backend_port), world_delta(&l, &b), id, flags, slot, link },
	};
	*reply = (struct table_entry){
		.key = { b, table_word(KEY_REPLY, world_family(backend), htons(backend_port), 0) },
		.service = { l, htons(port), world_delta(&b, &l), id, flags, slot, link },
	};
	for (size_t i = 0; i < world_n_entries; i++)
		if (!memcmp(&world_entries[i].key, &reply->key, sizeof(reply->key)))
			return;			/* the first listener's entry stays */
	world_n_entries++;
}

static inline void world_no_grace(void)
{
}

static void world_commit(void)
{
	__u32 zero = 0;

	world_table.buckets = bpf_map_lookup_elem(&table, &zero);
	world_table.grace = world_no_grace;
	if (table_sync(&world_table, world_entries, world_n_entries) < 0)
		abort();
}

/* Returns how many entries a table of struct learned_entry holds, with expired ones */
static inline __u32 learned_there(const struct host_map *map)
{
	const struct learned_bucket *b = (const void *)map->values;
	__u32 n = 0;

	for (__u32 i = 0; b && i < map->max * LEARNED_WAYS; i++)
		n += learned_word_tag(b[i / LEARNED_WAYS].line.word[i % LEARNED_WAYS]) != 0;
	return n;
}

static inline struct control *world_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

static void world_clear(void)
{
	struct { struct host_map *map; __u32 max; } maps[] = {
		{ &links, LINKS }, { &table, 256 }, { &sources, 8 }, { &source_trie, 64 },
		{ &nexthops, WORLD_SLOTS + NEXTHOP_UNIFORM + NEXTHOP_GATEWAYS }, { &choices, 1 },
		{ &frags, 8 }, { &totals, WORLD_SERVICES * 4 }, { &reasons, 256 }, { &control, 1 }, { &event_watch, 1 },
		{ &uniform, UNIFORM_BLOCKS * UNIFORM_ROWS }, { &memo, 256 },
	};

	cpu_clear();
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		host_map_reset(maps[i].map, maps[i].max);
	world_knows(0);
	with_express = true;
	express_bits = 8;
	express_listeners = false;
	table_mask = 255;
	uniform_slots = WORLD_SLOTS;
	gateway_slots = WORLD_SLOTS + NEXTHOP_UNIFORM;
	with_choices = true;
	with_source_trie = true;
	host_n_routes = 0;
	host_n_questions = 0;
	host_send_fails = false;
	world_n_entries = 0;
	world_control()->abi_version = ABI_VERSION;
	world_control()->flags = 1 << CONTROL_MTU_SHIFT;	/* tests give routes an MTU */
}

#endif
