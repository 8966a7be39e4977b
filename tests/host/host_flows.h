/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Masquerading services in host_world.h's terms: all four pairs of families, a second wan, a lan's hosts that use the public address,
 * and a way out with a small MTU; and what must hold of the maps of flows at any time.
 */
#ifndef HOST_FLOWS_H
#define HOST_FLOWS_H

#include "host_ways.h"

struct masq {
	const char *name;
	__u16 id;
	__u32 in;
	const char *client, *local;
	__u16 port;
	const char *ours, *backend;
	__u16 backend_port;
	__u32 out;
	__u8 next_hop, client_hop;	/* last bytes of their MACs */
	__u32 mtu;			/* towards the backend */
};

static const struct masq masqs[] = {
	{ "44", 0, W0, "192.0.2.9", "203.0.113.1", 51820, "192.168.1.1", "192.168.1.10", 51821, L0, 10, 254, 1500 },
	{ "66", 1, W0, "2001:db8:9::9", "2001:db8:1::1", 51820, "2001:db8:2::1", "2001:db8:2::10", 51821, L0, 10, 254, 1500 },
	{ "46", 2, W0, "192.0.2.9", "203.0.113.1", 52000, "2001:db8:2::1", "2001:db8:2::20", 51820, L0, 10, 254, 1500 },
	{ "64", 3, W0, "2001:db8:9::9", "2001:db8:1::1", 53000, "192.168.1.1", "192.168.1.30", 51820, L0, 10, 254, 1500 },
	{ "44, another wan", 0, X0, "192.0.2.9", "198.51.100.1", 51820, "192.168.1.1", "192.168.1.10", 51821, L0, 10, 254, 1500 },
	{ "44, hairpin", 4, L0, "192.168.1.55", "203.0.113.1", 54000, "192.168.1.1", "192.168.1.40", 51820, L0, 10, 10, 1500 },
	{ "44, small MTU", 5, W0, "192.0.2.9", "203.0.113.1", 56000, "192.168.2.1", "192.168.2.10", 51820, M0, 10, 254, 1300 },
	{ "64, small MTU", 6, W0, "2001:db8:9::9", "2001:db8:1::1", 57000, "192.168.2.1", "192.168.2.20", 51820, M0, 10, 254, 1300 },
};
#define MASQS (sizeof(masqs) / sizeof(masqs[0]))
#define MASQ_PAIRS 4			/* the first ones: of each pair of families one */
#define MASQ_DNAT 4			/* the id of the hairpin's service, whose clients from outside are not masqueraded */
#define FLOWS_SLOTS 2			/* the first slot */

static inline const struct masq *masq_named(const char *name)
{
	for (size_t i = 0; i < MASQS; i++)
		if (!strcmp(masqs[i].name, name))
			return &masqs[i];
	abort();
}

static inline struct pool *flows_pool(__u32 id)
{
	return bpf_map_lookup_elem(&pools, &id);
}

static inline struct flow_total *flows_total(__u32 id)
{
	return bpf_map_lookup_elem(&flow_totals, &id);
}

/* Room for so many entries in each */
static inline void flows_room(__u32 n_flows, __u32 n_embryos)
{
	struct { struct host_map *map; __u32 max; } maps[] = {
		{ &flows, n_flows }, { &embryos, n_embryos }, { &embryo_limits, 8 }, { &flow_totals, WORLD_SERVICES },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		host_map_reset(maps[i].map, maps[i].max);
}

/* All services' pools: these ports, 44's and 66's with a second address */
static inline void flows_pools(__u16 first, __u16 last)
{
	host_map_reset(&pools, WORLD_SERVICES);
	for (size_t i = 0; i < MASQS; i++) {
		struct pool *p = flows_pool(masqs[i].id);

		*p = (struct pool){ .first = first, .last = last, .timeout = 30, .n4 = 1, .n6 = 1 };
		p->own4[0] = world_addr(i >= 6 ? "192.168.2.1" : "192.168.1.1");
		p->own6[0] = world_addr("2001:db8:2::1");
	}
	for (__u32 id = 0; id < 2; id++) {
		struct pool *p = flows_pool(id);

		p->n4 = p->n6 = 2;
		p->own4[1] = world_addr("192.168.1.2");
		p->own6[1] = world_addr("2001:db8:2::2");
	}
}

/* The listeners; that of `moved` has a backend whose address is one more (NULL: none) */
static inline void flows_listen(const struct masq *moved)
{
	world_n_entries = 0;
	world_listen(MASQ_DNAT, W0, "203.0.113.1", 54000, "192.168.1.40", 51820, FLOWS_SLOTS, 0);
	world_entries[1].service.flags = SERVICE_FLOWS;
	for (size_t i = 0; i < MASQS; i++) {
		const struct masq *m = &masqs[i];
		__u16 flags = SERVICE_MASQUERADE | (world_family(m->backend) == FAMILY_IPV6 ? SERVICE_TO_IPV6 : 0);
		size_t at = world_n_entries;

		world_listen(m->id, m->in, m->local, m->port, m->backend, m->backend_port, FLOWS_SLOTS + 2 + 2 * i, flags);
		if (m == moved)
			world_entries[at].service.to.b[15]++;
		if (m == moved && world_n_entries > at + 1)
			world_entries[at + 1].key.addr.b[15]++;
		if (world_n_entries > at + 1)
			world_entries[at + 1].service.flags = SERVICE_MASQUERADE | SERVICE_FLOWS;
	}
	world_commit();
}

/* Next hops that the kernel need not be asked to probe */
static inline void flows_no_probes(void)
{
	for (__u32 slot = 0; slot < nexthops.max; slot++)
		memset(((struct nexthop *)bpf_map_lookup_elem(&nexthops, &slot))->probe, 0xff, sizeof(__u64[2]));
}

static inline void flows_setup(void)
{
	static const char *const lan[] = { "192.168.0.0/16", "2001:db8:2::/48", NULL };

	world_clear();
	scene_links();
	scene_routes();
	world_link(L0, ROLE_LAN, LINK_XDP_SENDS | LINK_XDP_SENDS_FRAGS | LINK_TC, 1500, 2);
	world_sources(2, lan);
	flows_room(64, 64);
	flows_pools(40000, 40063);
	flows_listen(NULL);
	world_knows(WAY_FLOWS);
	flows_no_probes();
	host_jiffies = 1 << 20;
}

/* ---- what must hold of the maps ---- */

static inline struct flow *flow_at(__u32 i, struct flow_key *ret_key)
{
	memcpy(ret_key, flows.entries[i].key, sizeof(*ret_key));
	return flows.entries[i].value;
}

/* Each entry's reverse is there and says the same, so no two have one reply; what is a flow is no embryo; the sums of what a client's
 * address, ports and checksum become are right; and they are counted */
static inline const char *flows_complaint(void)
{
	__u64 n = 0;

	for (__u32 i = 0; i < flows.n; i++) {
		struct flow_key key, other;
		const struct flow *f = flow_at(i, &key), *back;

		other = flow_reverse(&key, f);
		back = bpf_map_lookup_elem(&flows, &other);
		if (!back)
			return "half a flow";
		other = flow_reverse(&other, back);
		if (memcmp(&other, &key, sizeof(key)))
			return "two flows with one reply";
		if (back->id != f->id || back->ifindex != f->ifindex)
			return "directions of different services";
		if ((f->delta + (__u32)(__u16)~world_delta(&key.src, &f->src) + (__u16)~world_delta(&key.dst, &f->dst)) % 0xffff)
			return "a wrong checksum difference";
		if (key.direction == DIRECTION_REPLY && bpf_map_lookup_elem(&embryos, &key))
			return "a flow that is an embryo too";
	}
	for (__u32 id = 0; id < WORLD_SERVICES; id++)
		n += flows_total(id)->created - flows_total(id)->expired - flows_total(id)->moved;
	return 2 * n != flows.n ? "flows that are not counted, or counted but not there" :
	       embryos.n > embryos.max || flows.n > flows.max ? "more than there is room for" : NULL;
}

#endif
