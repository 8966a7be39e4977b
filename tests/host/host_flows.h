/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Masquerading services in host_world.h's network: all four pairs of families, a second wan, LAN hosts that use the
 * public address, and an egress with a small MTU. Also the invariants of the maps of flows.
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
#define MASQ_PAIRS 4			/* the first ones: one for each pair of families */
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

/* As many cells as the program has, so that no two prefixes meet in one */
static inline void flows_all_share_cells(void)
{
	host_map_reset(&flow_shares, FLOW_SHARES);
	flow_share_mask = FLOW_SHARES - 1;
}

/* Makes room for so many buckets of flows, a power of two */
static inline void flows_room(__u32 buckets)
{
	host_map_reset(&flow_table, buckets);
	host_map_reset(&flow_index, 2 * buckets);
	host_map_reset(&flow_shares, 64);
	host_map_reset(&flow_totals, WORLD_SERVICES);
	flow_mask = buckets - 1;
	flow_index_mask = 2 * buckets - 1;
	flow_share_mask = 63;
}

/* Sets all pools to these ports, with a second address for 44 and 66 */
static inline void flows_pools(__u16 first, __u16 last)
{
	host_map_reset(&pools, WORLD_SERVICES);
	for (size_t i = 0; i < MASQS; i++) {
		struct pool *p = flows_pool(masqs[i].id);

		*p = (struct pool){ .first = first, .last = last, .timeout = 30, .n4 = 1, .n6 = 1, .share = 1 << 20, .epoch = 30 };
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

/* Sets up the listeners. The backend of `moved` has the next address (NULL: none) */
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

/* Next hops for which no packet must go to the kernel */
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
	flows_room(32);
	flows_pools(40000, 40063);
	flows_listen(NULL);
	world_knows(WAY_FLOWS);
	flows_no_probes();
	host_jiffies = 1 << 20;
}

/* ---- invariants of the maps ---- */

/* Returns the flow, half-open or answered, at a place, or NULL; *ret_word: its word */
static inline struct flow *flow_at(__u32 place, __u64 *ret_word)
{
	struct flow_bucket *b;

	if (!flow_table.values)
		return NULL;
	b = (struct flow_bucket *)flow_table.values + place / LEARNED_WAYS;
	*ret_word = b->line.word[place % LEARNED_WAYS];
	return learned_word_tag(*ret_word) ? &b->flow[place % LEARNED_WAYS] : NULL;
}

static inline __u64 flows_units(void)
{
	return host_jiffies >> tick_shift;
}

/* Counts half-open flows, or answered flows, that have not expired */
static inline __u32 flows_count(bool half_open)
{
	__u32 n = 0;
	__u64 word;

	for (__u32 i = 0; i < flow_table.max * LEARNED_WAYS; i++)
		n += flow_at(i, &word) && learned_left(word, flows_units()) &&
		     (learned_word_state(word) == LEARNED_HALF) == half_open;
	return n;
}

static inline __u32 flows_there(void)
{
	return flows_count(false);
}

static inline __u32 half_open_there(void)
{
	return flows_count(true);
}

/* Whether a tag and its place belong to this key, in a table with so many homes */
static inline bool flows_home(const struct flow_key *key, __u32 tag, __u32 home, __u32 mask)
{
	__u64 hash = learned_hash((const __u64 *)key, &learned_secret), other = learned_second(hash, &learned_secret);

	return (learned_tag(hash) == tag && (hash & mask) == home) || (learned_tag(other) == tag && (other & mask) == home);
}

static inline const char *flow_complaint(__u32 place, const struct flow *f, __u64 word)
{
	struct flow_key original = flow_key_of(f, DIRECTION_ORIGINAL), reply = flow_key_of(f, DIRECTION_REPLY);
	const struct learned_line *lines = (const struct learned_line *)flow_index.values;
	__u64 index;

	if (learned_word_state(word) == LEARNED_BUSY)
		return "a place that is busy, and no program at it";
	if (!flows_home(&original, learned_word_tag(word), place / LEARNED_WAYS, flow_mask))
		return "a flow in a place that is not its key's";
	if (f->place >= flow_index.max * LEARNED_WAYS)
		return "a flow without a reply";
	index = lines[f->place / LEARNED_WAYS].word[f->place % LEARNED_WAYS];
	if ((__u32)index != place || !flows_home(&reply, index >> 32, f->place / LEARNED_WAYS, flow_index_mask))
		return "a flow without a reply";
	if ((f->delta + (__u32)(__u16)~world_delta(&f->client, &f->own) + (__u16)~world_delta(&f->local, &f->backend)) % 0xffff)
		return "a wrong checksum difference";
	return NULL;
}

static inline const char *flows_contradict(const struct flow *f, const struct flow *other)
{
	if (other->client_port == f->client_port && other->local_port == f->local_port && other->number == f->number &&
	    !memcmp(&other->client, &f->client, 32))
		return "two flows of one client";
	if (other->own_port == f->own_port && other->backend_port == f->backend_port && addr_same(&other->own, &f->own) &&
	    addr_same(&other->backend, &f->backend))
		return "two flows with one port";
	return NULL;
}

/* Each flow is in a place of its key. The index has exactly one word for each flow, so no two flows have the same
 * reply, and no two belong to one client. The checksum differences and counters are right. Returns NULL, or what is
 * wrong */
static inline const char *flows_complaint(void)
{
	const struct learned_line *lines = (const struct learned_line *)flow_index.values;
	const struct flow **found = calloc(flow_table.max * LEARNED_WAYS, sizeof(*found));
	__u64 n_words = 0, n_answered = 0, word, created = 0;
	const char *complaint = NULL;
	__u32 n = 0;

	for (__u32 i = 0; !complaint && i < flow_table.max * LEARNED_WAYS; i++) {
		const struct flow *f = flow_at(i, &word);

		if (!f)
			continue;
		complaint = flow_complaint(i, f, word);
		for (__u32 j = 0; !complaint && j < n; j++)
			complaint = flows_contradict(f, found[j]);
		n_answered += learned_word_state(word) != LEARNED_HALF;
		found[n++] = f;
	}
	free(found);
	if (complaint)
		return complaint;
	for (__u32 i = 0; lines && i < flow_index.max * LEARNED_WAYS; i++)
		n_words += !!lines[i / LEARNED_WAYS].word[i % LEARNED_WAYS];
	for (__u32 id = 0; id < WORLD_SERVICES; id++)
		created += flows_total(id)->created - flows_total(id)->moved;
	return n_words != n ? "words of the index without flows" : created < n_answered ? "flows that are not counted" : NULL;
}

/* Deletes all flows, like the command */
static inline void flows_delete_all(void)
{
	__u64 word;

	for (__u32 i = 0; i < flow_table.max * LEARNED_WAYS; i++)
		if (flow_at(i, &word))
			flow_end_at(i, word);
}

#endif
