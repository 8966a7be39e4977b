/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay on the host plane, beside host_flows.h's services: sites, where they are, who is none of them; and what is in its tables,
 * read the plain way.
 */
#ifndef HOST_BLIND_H
#define HOST_BLIND_H

#include "host_flows.h"

enum { RELAY, SITE_A, SITE_B, SITE_C, SITE_D, AWAY, LONELY, SITES, STRANGER4 = SITES, STRANGER6, PEOPLE };
#define BLIND_ID 9			/* the id of its counters */
#define BLIND_LISTENS 51900
#define BLIND_SLOTS 30			/* the sites' next hops: two each */
#define TABLE_BUCKETS 1024

/* C's and our addresses sum up to 0x1ffffffff (on a little-endian host), which needs one more fold than most */
static const struct { const char *addr; __u16 port; } people[PEOPLE] = {
	[SITE_A] = { "192.0.2.10", 40001 }, [SITE_B] = { "192.0.2.20", 40002 }, [SITE_C] = { "2001:db8:9:0:bff3:e55e:0:30", 40003 },
	[SITE_D] = { "2001:db8:9::40", 40004 }, [AWAY] = { "192.0.2.50", 40005 }, [LONELY] = { "192.0.2.60", 40006 },
	[STRANGER4] = { "198.41.0.7", 40007 }, [STRANGER6] = { "2001:db8:9::77", 40008 },
};

static inline struct blind_site *site_at(__u32 n)
{
	return bpf_map_lookup_elem(&blind_sites, &n);
}

static inline struct blind_state *state_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&blind_state, &zero);
}

/* ---- the sites and strangers ---- */

static inline __u8 family_of(__u32 who)
{
	return world_family(people[who].addr);
}

static inline struct addr relay_addr(__u8 family)
{
	return world_addr(family == FAMILY_IPV4 ? "203.0.113.1" : "2001:db8:1::1");
}

static inline void public_key(__u32 n, __u8 key[32])
{
	for (int i = 0; i < 32; i++)
		key[i] = n * 53 + i * 7 + 3;
}

/* Moves the site: writes the inactive endpoint, and makes it the present one */
static inline void site_moves_to(__u32 n, __u32 who)
{
	struct blind_site *site = site_at(n);
	__u32 next = !(site->now & 1), sum = 0;
	struct blind_place *place = &site->place[next];

	*place = (struct blind_place){ .service = { .to = world_addr(people[who].addr), .port = htons(people[who].port), .id = BLIND_ID,
						    .ifindex = W0 },
				       .local = relay_addr(family_of(who)), .family = family_of(who) };
	for (int i = 0; i < 16; i += 2)
		sum += *(__u16 *)&place->local.b[i] + *(__u16 *)&place->service.to.b[i];
	place->sum = frame_fold(sum);
	site->now = next;
	world_control()->generation++;
}

/* All may talk with each other, except LONELY, which has only B */
static inline bool may_talk(__u32 a, __u32 b)
{
	return (a != LONELY && b != LONELY) || a == SITE_B || b == SITE_B;
}

/* The table of endpoints: all sites except `without`, and the n-th one at another site's address; and the pairs */
static inline void endpoints_are(__u32 without, __u32 n, __u32 who)
{
	struct table t = { .n = 256, .grace = world_no_grace };
	struct table_entry want[SITES + SITES * SITES] = { 0 };
	__u32 zero = 0, count = 0;

	t.buckets = bpf_map_lookup_elem(&endpoints, &zero);
	for (__u32 i = 1; i < SITES; i++) {
		__u32 at = i == n ? who : i;

		if (i == without)
			continue;
		want[count].key = (struct table_key){ world_addr(people[at].addr),
						      table_word(KEY_ENDPOINT, family_of(at), htons(people[at].port), 0) };
		want[count++].site = i;
	}
	for (__u32 a = 1; a < SITES; a++)
		for (__u32 b = a + 1; b < SITES; b++)
			if (may_talk(a, b))
				want[count++].key = blind_may_key(a, b);
	if (table_sync(&t, want, count) < 0)
		abort();
}

#define TOTALS 256			/* elements of blind_totals */

/* Returns the index of the counters from one site to another, before others have taken it */
static inline __u32 total_place(__u32 from, __u32 to)
{
	return blind_total_home(from, to, TOTALS - 1) ?: 1;
}

static inline void blind_maps(void)
{
	struct { struct host_map *map; __u32 max; } maps[] = {
		{ &blind_sites, SITES + 1 }, { &endpoints, 256 }, { &sessions, TABLE_BUCKETS }, { &hints, TABLE_BUCKETS },
		{ &blind_pairs, 64 }, { &blind_totals, TOTALS }, { &blind_waiting, SITES }, { &blind_state, 1 },
		{ &blind_lock, 1 }, { &budgets, 1 }, { &failed, FAILED_PLACES },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		host_map_reset(maps[i].map, maps[i].max);
	blind_port = htons(BLIND_LISTENS);
	blind_mask = TABLE_BUCKETS - 1;
	blind_totals_mask = TOTALS - 1;
	endpoints_mask = 255;
	blind_slots = BLIND_SLOTS;
}

/* The next hop's MAC: each site has its own */
static inline __u8 hop_of(__u32 who)
{
	return who == SITE_B ? 20 : who == SITE_D ? 40 : 254;
}

static inline void blind_routes(void)
{
	world_route("192.0.2.20/32", W0, 1500, 20, NULL);
	world_route("2001:db8:9::40/128", W0, 1500, 40, NULL);
	host_routes_first(2);
}

/* All sites except AWAY are there */
static inline void blind_setup(void)
{
	flows_setup();
	world_knows(WAY_BLIND);
	blind_routes();
	blind_maps();
	for (int i = 0; i < 2; i++)
		world_entries[world_n_entries++] = (struct table_entry){
			.key = { relay_addr(i ? FAMILY_IPV6 : FAMILY_IPV4),
				 table_word(KEY_BLIND, i ? FAMILY_IPV6 : FAMILY_IPV4, blind_port, W0) },
			.service = { .id = BLIND_ID, .ifindex = W0 } };
	world_commit();
	for (__u32 n = 0; n < SITES; n++) {
		__u8 key[32];

		public_key(n, key);
		blake2s_mac1(site_at(n)->mac1, key);
		if (n != RELAY && n != AWAY)
			site_moves_to(n, n);
	}
	endpoints_are(AWAY, 0, 0);
	state_now()->sites = SITES;
	flows_no_probes();
	host_n_signals = 0;
}

/* ---- the contents of the tables ---- */

/* Returns the value of a key, expired or not; 0: none. The key must be there only once */
static inline __u64 value_in(struct host_map *map, __u32 user, __u32 index)
{
	const struct blind_session *all = (void *)map->values;
	__u64 key = 1ULL << 63 | (__u64)user << 32 | htole32(index), found = 0, n = 0;

	for (__u32 i = 0; all && i < map->max * BLIND_WAYS; i++)
		if (all[i].key == key) {
			found = all[i].value;
			n++;
		}
	return n > 1 ? ~0ULL : found;
}

static inline __u32 n_live(struct host_map *map)
{
	const struct blind_session *all = (void *)map->values;
	__u32 n = 0;

	for (__u32 i = 0; all && i < map->max * BLIND_WAYS; i++)
		n += all[i].key && BLIND_UNTIL(all[i].value) > host_jiffies;
	return n;
}

/* A sum over everything that a message may change and a refused one must not */
static inline __u64 remembered(void)
{
	struct host_map *maps[] = { &sessions, &hints, &blind_sites, &endpoints, &blind_waiting, &blind_totals };
	__u64 h = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		h = host_map_sum(h ^ i, maps[i]);
	return h;
}

#endif
