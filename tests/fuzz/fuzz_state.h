/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The head of an input of fuzz_pipeline.c: the number of its world, and the changes to it: the kernel's answers, the
 * services' guards, the room.
 */
#ifndef FUZZ_STATE_H
#define FUZZ_STATE_H

#include "fuzz_scenes.h"

struct state {				/* the head of an input */
	__u8 world;			/* 2 bits; the others: the map lookup that finds nothing */
	__u8 kernel;			/* enum kernel_bits */
	__u8 control;			/* enum control_bits */
	__u8 guard;			/* enum guard_bits */
	__u8 keys;			/* 4 bits: of each guarded service, but one; 4: backends that stand by */
	__u8 room;			/* 4 bits: LIVE flows of a source; 4: log2 of the buckets in use */
	__u8 ports;			/* number of ports in each pool except one */
	__u8 relay;			/* enum relay_bits */
};
enum kernel_bits { NO_NEIGHBOURS = 1, SEND_FAILS = 2, SHARE_USED = 8, PROBES = 16, BLACKHOLES = 32, LOOKUP_FAILS = 64 };
enum control_bits { ASKS_ALWAYS = 1, LIVING_DAEMON = 2, WATCHED = 4, NO_TC = 8, REPORTS_DF = 16, GENERIC = 32 };
enum guard_bits { STRICT = 1, MANY = 2, AMNEZIA = 4, JUNK = 8, LIMITS = 16, CHALLENGES = 32, NO_TIME = 64, UNKNOWN_SITES = 128 };
enum relay_bits { WITH_RELAY = 1, NO_SUBNETS = 2, ROUTES64 = 4, SILENT = 8, PROHIBITED = 16, NO_VLANS = 32, NO_LISTS = 64, NO_ROUTES = 128 };

/* ---- as the input says ---- */

static void state_guards(const struct state *s)
{
	static const __u32 headers[] = { 0x1234567, 0x2345678, 0x3456789, 0x456789a };
	static const __u16 junk[] = { 15, 0, 33, 8 };
	__u32 zero = 0;

	for (__u32 id = 0; id < GUARDED; id++) {
		struct guard *g = guard_at(id);

		g->flags = GUARD_ON | (s->guard & STRICT ? GUARD_STRICT : 0) | (s->guard & MANY ? GUARD_BACKENDS : 0) |
			   (s->guard & JUNK ? GUARD_JUNK : 0) | (s->guard & CHALLENGES ? GUARD_CHALLENGE : 0);
		g->keys = GUARD_KEYS_WORD(16, 1 + s->keys % 16);
		for (__u32 i = 0; i < MESSAGES; i++) {
			g->header[i] = s->guard & AMNEZIA ? htole32(headers[i]) : g->header[i];
			g->junk[i] = s->guard & JUNK ? junk[i] : 0;
		}
		g->challenge_each = (__u64)tick_rate << GUARD_TICK;
		g->challenge_burst = 1;
		if (!(s->guard & LIMITS))
			continue;
		g->source_each = g->service_each = (__u64)tick_rate << GUARD_TICK;
		g->source_burst = 2;
		g->service_burst = 3;
	}
	((struct cookies *)bpf_map_lookup_elem(&cookies, &zero))->alive = s->guard & CHALLENGES ? host_jiffies + 120 * tick_rate : 0;
	for (__u32 i = 16; s->guard & MANY && i < 32; i++)		/* each backend has its key, or all keys are the single backend's */
		((struct guard_key *)bpf_map_lookup_elem(&guard_keys, &i))->backend = (i - 16) % BACKENDS;
}

static void state_kernel(const struct state *s)
{
	for (struct host_route *r = host_routes; r < host_routes + host_n_routes; r++) {
		if (s->kernel & NO_NEIGHBOURS && !r->answer && r->ifindex == L0)
			r->answer = BPF_FIB_LKUP_RET_NO_NEIGH;
		if (s->kernel & BLACKHOLES && !r->answer && (r->dmac[5] == 77 || r->ifindex == NN))
			r->answer = r->ifindex == NN ? BPF_FIB_LKUP_RET_UNREACHABLE : BPF_FIB_LKUP_RET_FWD_DISABLED;
	}
	for (__u32 slot = 0; s->kernel & PROBES && slot < WORLD_SLOTS; slot++)
		memset(((struct nexthop *)bpf_map_lookup_elem(&nexthops, &slot))->probe, 0, sizeof(__u64[2]));
	host_send_fails = s->kernel & SEND_FAILS;
}

static void state_control(const struct state *s)
{
	static const __u32 all[] = { W0, L0, X0, NN };
	__u32 zero = 0;

	world_control()->flags = s->control & ASKS_ALWAYS ? CONTROL_ASK_ALWAYS : 0;
	world_control()->heartbeat = s->control & LIVING_DAEMON ? host_jiffies + 30 * tick_rate : 0;
	*(__u64 *)bpf_map_lookup_elem(&event_watch, &zero) = s->control & WATCHED ? ~0ULL : 0;
	for (__u32 i = 0; s->control & (NO_TC | GENERIC) && i < 4; i++) {
		struct link *l = bpf_map_lookup_elem(&links, &all[i]);

		l->flags &= s->control & NO_TC ? ~LINK_TC : ~0;
		l->flags |= s->control & GENERIC ? LINK_GENERIC : 0;
	}
}

/* Gives listeners backends with other addresses, or the first ones again; the former ones answer as such */
static void backends_replaced(void)
{
	for (size_t i = 0; i < world_n_entries; i++) {
		struct table_entry *e = (struct table_entry *)table_find(&world_entries[i].key);
		__u32 kind = world_entries[i].key.word & 0xff;

		if (!e || (kind != KEY_SERVICE && kind != KEY_REPLY) || e->service.id > 3)
			continue;
		if (kind == KEY_REPLY) {
			e->service.flags ^= present == &worlds[FIREWALL] ? SERVICE_OLD : 0;
			continue;
		}
		e->service.to.b[15] ^= 1;
		e->service.delta = world_delta(&world_entries[i].key.addr, &e->service.to);
	}
	world_control()->generation++;
}

/* Lets a standby serve for some backends */
static void state_standby(__u32 which)
{
	for (size_t i = 0; i < world_n_entries && which; i++) {
		struct table_entry *e = (struct table_entry *)table_find(&world_entries[i].key);

		if (e && (world_entries[i].key.word & 0xff) == KEY_REPLY && which >> i % 4 & 1)
			e->service.flags = (__u8)e->service.flags | SERVICE_QUIET;
	}
}

static void state_rooms(const struct state *s)
{
	__u32 buckets = 1 << s->room / 16;

	flow_mask = (buckets < flow_table.max ? buckets : flow_table.max) - 1;
	flow_index_mask = 2 * flow_mask + 1;
	for (__u32 id = 0; id < WORLD_SERVICES; id++) {
		struct pool *pool = flows_pool(id);

		pool->share = s->room % 16;
		pool->last = pool->first ? pool->first + s->ports % 64 : 0;
		pool->n4 = s->ports >> 6 == 3 ? 0 : pool->n4 > 1 && s->ports & 128 ? 1 : pool->n4;
	}
	for (__u32 cell = 0; s->kernel & SHARE_USED && cell < flow_shares.max; cell++)
		((struct flow_share *)bpf_map_lookup_elem(&flow_shares, &cell))->half = host_jiffies + (HALF_OPEN_SHARE - 2) * HALF_OPEN_EACH;
}

/* Indices that our own WireGuard knows and the relay does not; and pairs with all possible indices */
static void state_blind(const struct state *s)
{
	static struct blind_pair full;

	if (s->guard & UNKNOWN_SITES)
		state_now()->sites = 0;
	full.next = BLIND_RING + s->keys;
	for (__u32 i = 0; i < BLIND_RING; i++)
		full.index[i] = htole32((i & 7) * 0x01000193U);
	for (__u32 a = SITE_A; s->guard & LIMITS && a <= SITE_D; a++)
		for (__u32 b = SITE_A; b <= SITE_D; b++) {
			__u64 pair = BLIND_PAIR(a, b);

			bpf_map_update_elem(&blind_pairs, &pair, &full, BPF_ANY);
		}
	for (__u32 i = 0; s->guard & STRICT && i < 8; i++) {	/* indices of our own WireGuard */
		__u64 key = BLIND_KEY(0, htole32((100 + i) * 0x01000193U)), value = BLIND_VALUE(host_jiffies + 100 * tick_rate, 0, 1);
		__u32 home = blind_home(blind_hash(key), 0, blind_mask);
		struct blind_bucket *bucket = bpf_map_lookup_elem(&sessions, &home);

		bucket->way[i / 2 % BLIND_WAYS] = (struct blind_session){ key, value };
	}
}

static void state_relay(const struct state *s)
{
	struct policy *rules = relay_policy();

	rules->reject = s->relay & SILENT ? REJECT_SILENTLY : s->relay & PROHIBITED ? REJECT_PROHIBITED : REJECT_ADDRESS;
	with_subnets = !(s->relay & NO_SUBNETS);
	with_routes64 = s->relay & ROUTES64;
	with_routes = !(s->relay & NO_ROUTES);
	with_vlans = with_bridges = !(s->relay & NO_VLANS);
	with_choices = with_source_trie = with_lists = !(s->relay & NO_LISTS);
}

/* Changes the world for this input */
static void state_enter(const struct state *s)
{
	static const __u16 few[] = { 0, 1, 2, 5 };
	__u32 zero = 0;

	lookups_until_failure = 0;
	lookup_failed = false;
	host_jiffies = 1 << 20;
	world_enter(&worlds[s->world % WORLDS], s->relay & WITH_RELAY);
	state_kernel(s);
	state_control(s);
	state_relay(s);
	if (present == &worlds[GUARDS])
		state_guards(s);
	state_standby(s->keys >> 4);
	if (present == &worlds[BLIND])
		state_blind(s);
	if (s->guard & NO_TIME)
		((struct budgets *)bpf_map_lookup_elem(&budgets, &zero))->guard = (struct guard_budget){
			.since = host_jiffies, .left = { few[s->keys & 3], few[s->keys >> 2 & 3], few[s->keys >> 4 & 3] } };
	if (present != &worlds[FIREWALL])
		state_rooms(s);
	lookups_until_failure = s->kernel & LOOKUP_FAILS ? 1 + s->world / 4 + (s->ports & 0xc0) : 0;
}

#endif
