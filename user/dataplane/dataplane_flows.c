/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for flows: sets the sizes of their maps, makes the pools match
 * a plan, reads flows, ends them for commands, and copies them into new tables.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "dataplane/map_info.h"
#include "dataplane/table.h"
#include "lib/memory.h"
#include "lib/log.h"
#include "wgxdp.skel.h"

#define PIN_FLOW_END "progs/wgxdp_flow_end"

void dataplane_size_map(const struct dataplane *dp, struct load_settings *set, enum dataplane_map m,
			__u32 wanted)
{
	__u32 have = dataplane_entries(dp, m);

	set->entries[m] = have > wanted ? have : wanted;
}

void dataplane_size_learned(const struct dataplane *dp, struct load_settings *set,
			    enum dataplane_map m, __u32 places)
{
	int map = map_fd(dp, m);
	__u32 have = learned_is_table(map) ? map_entries(map) : 0, wanted = learned_buckets(places);

	set->entries[m] = have > wanted ? have : wanted;
}

/* If no service has flows, each map gets one entry, because no map can be empty. */
void dataplane_size_flows(const struct dataplane *dp, struct load_settings *set,
			  const struct plan *p, __u32 services)
{
	bool on = p->n_flows;
	__u32 buckets = on ? flow_table_buckets(p->n_flows) : 1;

	dataplane_size_map(dp, set, MAP_flow_table, buckets);
	dataplane_size_map(dp, set, MAP_flow_index, 2 * buckets);
	dataplane_size_map(dp, set, MAP_flow_shares, on ? FLOW_SHARES : 1);
	dataplane_size_map(dp, set, MAP_pools, on ? services : 1);
	dataplane_size_map(dp, set, MAP_flow_totals, on ? services : 1);
	dataplane_size_map(dp, set, MAP_flows_deleted, on ? services : 1);
}

/* ---- reading and ending flows ---- */

bool flow_entry_is_flow(const struct flow_entry *e, __u64 now)
{
	return learned_word_state(e->word) != LEARNED_HALF && learned_left(e->word, now);
}

static int walk_flows(const struct dataplane *dp, flow_each *each, void *data, bool all)
{
	__u32 buckets = dataplane_entries(dp, MAP_flow_table);
	struct flow_table t;
	struct flow_entry e;
	__u64 now = learned_now();
	int rc = buckets ? flow_table_open(map_fd(dp, MAP_flow_table), buckets, &t) : 0;

	if (rc || !buckets)
		return rc;
	for (__u32 place = 0; place < buckets * LEARNED_WAYS && !rc; place++)
		if (flow_table_read(&t, place, &e) && (all || flow_entry_is_flow(&e, now)))
			rc = each(data, &e);
	flow_table_close(&t);
	return rc;
}

int dataplane_flow_entries(const struct dataplane *dp, flow_each *each, void *data)
{
	return walk_flows(dp, each, data, true);
}

int dataplane_flows(const struct dataplane *dp, flow_each *each, void *data)
{
	return walk_flows(dp, each, data, false);
}

/* ---- packets that the express path has counted, and not yet added to their flows ---- */

typedef void memo_each(const struct memo *m, struct flow *flow, void *data);

/* Calls each() for all entries of a memo that count the packets of a flow in the table. */
static void walk_memo(int map, const struct flow_table *t, memo_each *each, void *data)
{
	size_t n = map < 0 ? 0 : (size_t)map_entries(map) * MEMO_WAYS;
	size_t size = n * sizeof(struct memo);
	struct memo *memo = size ? map_memory(map, size, PROT_READ) : NULL;

	for (const struct memo *m = memo; memo && m < memo + n; m++) {
		struct flow_bucket *b = &t->buckets[m->place / LEARNED_WAYS & (t->n - 1)];
		__u32 way = m->place % LEARNED_WAYS;

		if (m->from && memo_counts_for(m, b->line.word[way]))
			each(m, &b->flow[way], data);
	}
	if (memo)
		munmap(memo, size);
}

struct counted {
	struct flow_table table;
	struct sum {
		__u64 packets[2], bytes[2];	/* by direction; 0: the memo does not count it */
		__u16 version;			/* memo_version() of the flow */
	} *sums;				/* by place */
	flow_each *each;
	void *data;
};

/* Reads the counters of an entry and its flow at one moment. Reads again, but not for ever, if the
 * express path adds the entry's packets to the flow meanwhile. */
static void add_to_sum(const struct memo *m, struct flow *flow, void *data)
{
	__u32 d = total_direction(m->total), tries = 1000;
	struct counted *c = data;
	struct sum *sum = &c->sums[m->place & (c->table.n * LEARNED_WAYS - 1)];
	struct flow before;
	struct memo entry;

	do {
		before = *flow;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		entry = *m;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while ((!entry.from || m->from != entry.from || m->until != entry.until ||
		  flow->packets[d] != before.packets[d]) && --tries);
	if (!sum->packets[0] && !sum->packets[1]) {
		memcpy(sum->packets, before.packets, sizeof(sum->packets));
		memcpy(sum->bytes, before.bytes, sizeof(sum->bytes));
	}
	sum->version = m->flags & MEMO_VERSION;
	sum->packets[d] += entry.packets;
	sum->bytes[d] += entry.bytes;
}

static int each_counted(void *data, const struct flow_entry *entry)
{
	struct counted *c = data;
	const struct sum *sum = &c->sums[entry->place];
	bool same = sum->version == memo_version(entry->word);
	struct flow_entry e = *entry;

	for (int d = 0; d < 2; d++)
		if (same && sum->packets[d] > e.flow.packets[d]) {
			e.flow.packets[d] = sum->packets[d];
			e.flow.bytes[d] = sum->bytes[d];
		}
	return c->each(c->data, &e);
}

int dataplane_flows_counted(const struct dataplane *dp, flow_each *each, void *data)
{
	__u32 buckets = dataplane_entries(dp, MAP_flow_table);
	struct counted c = { .each = each, .data = data };
	int rc = buckets ? flow_table_open(map_fd(dp, MAP_flow_table), buckets, &c.table) : 0;

	if (rc || !buckets)
		return rc;
	c.sums = xcalloc(buckets * LEARNED_WAYS, sizeof(*c.sums));
	walk_memo(map_fd(dp, MAP_memo), &c.table, add_to_sum, &c);
	rc = walk_flows(dp, each_counted, &c, false);
	flow_table_close(&c.table);
	free(c.sums);
	return rc;
}

static void add_to_flow(const struct memo *m, struct flow *flow, void *data)
{
	__u32 d = total_direction(m->total);

	__atomic_fetch_add(&flow->packets[d], m->packets, __ATOMIC_RELAXED);
	__atomic_fetch_add(&flow->bytes[d], m->bytes, __ATOMIC_RELAXED);
}

void dataplane_flows_add_former(const struct dataplane *dp)
{
	struct flow_table t = { .n = dataplane_entries(dp, MAP_flow_table) };

	if (!dp->map_is_new[MAP_flow_table] && t.n)
		t.buckets = map_memory(map_fd(dp, MAP_flow_table), t.n * sizeof(*t.buckets),
				       PROT_READ | PROT_WRITE);
	if (t.buckets)
		walk_memo(dp->former[MAP_memo], &t, add_to_flow, NULL);
	flow_table_close(&t);
}

struct flow_counts {
	__u32 *of;
	size_t n;
};

static int count_flow(void *data, const struct flow_entry *e)
{
	struct flow_counts *c = data;

	if (e->flow.id < c->n)
		c->of[e->flow.id]++;
	return 0;
}

int dataplane_flow_counts(const struct dataplane *dp, __u32 **ret)
{
	struct flow_counts c = { .n = dataplane_entries(dp, MAP_flow_totals) };
	int rc;

	c.of = xcalloc(c.n + 1, sizeof(*c.of));
	rc = dataplane_flows(dp, count_flow, &c);
	if (rc)
		free(c.of);
	else
		*ret = c.of;
	return rc;
}

/* Ends the flow by running wgxdp_flow_end. Fails if the flow has changed since it was read, for
 * example if a packet has renewed its timeout. */
static bool end_flow(int program, const struct flow_entry *entry)
{
	struct flow_end wish = { .word = entry->word, .place = entry->place };
	unsigned char frame[ETH_HLEN + sizeof(wish)] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);

	memcpy(frame + ETH_HLEN, &wish, sizeof(wish));
	return !bpf_prog_test_run_opts(program, &run) && run.retval == FLOW_ENDED;
}

static void count_deleted(const struct dataplane *dp, __u32 id)
{
	__u64 n = 0;

	bpf_map_lookup_elem(map_fd(dp, MAP_flows_deleted), &id, &n);
	n++;
	bpf_map_update_elem(map_fd(dp, MAP_flows_deleted), &id, &n, BPF_ANY);
}

/* Opens the program that ends flows in the table of dp. If this table is new, the pinned program
 * still uses the former one. Returns -errno if the programs have no flows. */
static int open_flow_end(const struct dataplane *dp)
{
	if (dp->skeleton && dp->map_is_new[MAP_flow_table])
		return dup(bpf_program__fd(dp->skeleton->progs.wgxdp_flow_end));
	return pin_get(dp->instance, PIN_FLOW_END);
}

bool dataplane_flow_delete(const struct dataplane *dp, const struct flow_entry *entry)
{
	int program = open_flow_end(dp);
	struct flow_entry e = *entry;
	struct flow_table t;
	bool ended;

	if (program < 0)
		return false;
	ended = end_flow(program, &e);
	if (!ended && !flow_table_open(map_fd(dp, MAP_flow_table),
				       dataplane_entries(dp, MAP_flow_table), &t)) {
		for (int tries = 0; tries < 8 && !ended; tries++) {
			if (!flow_table_read(&t, entry->place, &e) ||
			    !learned_same(entry->word, e.word))
				break;
			ended = end_flow(program, &e);
		}
		flow_table_close(&t);
	}
	close(program);
	if (ended && flow_entry_is_flow(&e, learned_now()))
		count_deleted(dp, e.flow.id);
	return ended;
}

#define OLD_AT_ONCE 20000		/* flows; to end so many takes some 50 ms */

struct old_flows {
	int program;
	__u64 now;
	__u32 ended;
};

static int end_old(void *data, const struct flow_entry *e)
{
	struct old_flows *o = data;

	o->ended += learned_word_old(e->word, o->now) && end_flow(o->program, e);
	return o->ended >= OLD_AT_ONCE;
}

bool dataplane_flows_end_old(const struct dataplane *dp)
{
	struct old_flows o = { pin_get(dp->instance, PIN_FLOW_END), learned_now(), 0 };
	bool more = false;

	if (o.program >= 0) {
		more = dataplane_flow_entries(dp, end_old, &o) > 0;
		close(o.program);
	}
	return more;
}

void dataplane_pin_flow_end(struct dataplane *dp, const struct plan *p, const char *suffix)
{
	if (p->n_flows)
		pin_set(bpf_program__fd(dp->skeleton->progs.wgxdp_flow_end), dp->instance, suffix,
			PIN_FLOW_END);
	else
		pin_remove(dp->instance, PIN_FLOW_END);
}

/* ---- pools ---- */

bool dataplane_pool(const struct dataplane *dp, __u32 id, struct pool *ret)
{
	return !bpf_map_lookup_elem(map_fd(dp, MAP_pools), &id, ret) && ret->last;
}

/* Returns whether the pool has this address and port. */
static bool pool_has(const struct pool *pool, __u8 family, const struct addr *a, __be16 port)
{
	const struct addr *own = family == FAMILY_IPV4 ? pool->own4 : pool->own6;
	__u32 n = family == FAMILY_IPV4 ? pool->n4 : pool->n6;

	if (ntohs(port) < pool->first || ntohs(port) > pool->last)
		return false;
	for (__u32 i = 0; i < n; i++)
		if (!memcmp(&own[i], a, sizeof(*a)))
			return true;
	return false;
}

/* ---- new tables ---- */

static struct learned_secret draw_secret(void)
{
	struct learned_secret s = LEARNED_NO_SECRET;

	if (getrandom(&s, sizeof(s), 0) != sizeof(s))
		log_warning("the kernel returned no random numbers, so an attacker can slow down hash tables: run `wgxdp up` again later");
	s.factor[0] |= 1;
	s.factor[1] |= 1;
	return s;
}

struct learned_secret dataplane_secret(const struct dataplane *dp)
{
	struct learned_secret s;
	__u32 zero = 0;

	if (map_fd(dp, MAP_secrets) >= 0 &&
	    !bpf_map_lookup_elem(map_fd(dp, MAP_secrets), &zero, &s) && s.factor[0])
		return s;
	return draw_secret();
}

struct carrying {
	const struct dataplane *dp;
	struct flow_table to;
	struct table table;	/* without buckets if it cannot be read */
	struct pool pool;
	__u32 id;
	bool has_pool;
};

/* Returns whether a flow's address and port belong to a service, so that no flow may have them. */
static bool port_is_taken(const struct table *t, const struct flow *f)
{
	struct table_key key = { f->own, table_word(KEY_OWN_PORT, f->family, f->own_port, 0) };

	return t->buckets && table_lookup(t, &key);
}

/* Copies a flow into the new table. Skips flows whose address and port have left the service's
 * pool, or belong to a service: dataplane_sync() has ended them. */
static int carry_flow(void *data, const struct flow_entry *e)
{
	struct carrying *c = data;

	if (!c->has_pool || c->id != e->flow.id) {
		c->id = e->flow.id;
		c->has_pool = dataplane_pool(c->dp, c->id, &c->pool);
	}
	if (c->has_pool && !port_is_taken(&c->table, &e->flow) &&
	    pool_has(&c->pool, e->flow.family, &e->flow.own, e->flow.own_port))
		flow_table_put(&c->to, &e->flow, learned_word_state(e->word), e->word);
	return 0;
}

void dataplane_carry_flows(const struct dataplane *dp)
{
	int former = dp->former[MAP_flow_table];
	__u32 buckets = former < 0 ? 0 : map_entries(former);
	struct learned_secret secret = dataplane_secret(dp);
	struct carrying c = { .dp = dp, .table.n = dataplane_entries(dp, MAP_table) };
	size_t size = c.table.n * sizeof(struct table_bucket);
	struct flow_table from;
	struct flow_entry e;

	if (former < 0 || flow_table_open(former, buckets, &from))
		return;
	if (flow_table_open_new(map_fd(dp, MAP_flow_table), map_fd(dp, MAP_flow_index),
				dataplane_entries(dp, MAP_flow_table), &secret, &c.to)) {
		flow_table_close(&from);
		return;
	}
	c.table.buckets = size ? map_memory(map_fd(dp, MAP_table), size, PROT_READ) : NULL;
	for (__u32 place = 0; place < buckets * LEARNED_WAYS; place++)
		if (flow_table_read(&from, place, &e))
			carry_flow(&c, &e);
	flow_table_close(&from);
	flow_table_close(&c.to);
	if (c.table.buckets)
		munmap(c.table.buckets, size);
}

/* ---- numbers ---- */

int dataplane_flow_numbers(const struct dataplane *dp, __u32 id, __u32 now,
			   struct flow_numbers *ret)
{
	struct flow_total t;
	__u64 deleted, there;
	int rc = dataplane_sum(map_fd(dp, MAP_flow_totals), &id, sizeof(t) / 8, (__u64 *)&t) ?:
		 bpf_map_lookup_elem(map_fd(dp, MAP_flows_deleted), &id, &deleted);

	if (rc)
		return rc;
	/* Flows that begin or end between these readings could make the difference negative. */
	there = t.moved + deleted + now;
	*ret = (struct flow_numbers){ now, t.created, t.created > there ? t.created - there : 0,
				      t.moved, deleted };
	return 0;
}

/* ---- flows that lose their port ---- */

/* Finds the flows of a service whose address or port is not in its pool any more. */
struct lost {
	__u32 id;
	const struct pool *pool;
	const struct dataplane *dp;
};

static int end_lost(void *data, const struct flow_entry *e)
{
	const struct lost *l = data;

	if (e->flow.id == l->id &&
	    !pool_has(l->pool, e->flow.family, &e->flow.own, e->flow.own_port))
		dataplane_flow_delete(l->dp, e);
	return 0;
}

struct taken {
	const struct table *table;
	const struct dataplane *dp;
};

static int end_taken(void *data, const struct flow_entry *e)
{
	const struct taken *t = data;

	if (port_is_taken(t->table, &e->flow))
		dataplane_flow_delete(t->dp, e);
	return 0;
}

void dataplane_flows_end_taken(const struct dataplane *dp, const struct table *table)
{
	struct taken t = { .table = table, .dp = dp };

	table_grace();	/* a packet that has read the former table has made its flow now */
	dataplane_flow_entries(dp, end_taken, &t);
}

int dataplane_pools_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	static const struct pool none;		/* pool of a service that is removed */
	__u32 n = dataplane_entries(dp, MAP_pools);
	bool *shrunk = xcalloc(n + 1, sizeof(*shrunk)), any = false;
	int rc = 0;

	for (__u32 id = 0; id < n && !rc; id++) {
		const struct pool *pool = id < p->n_pools ? &p->pools[id] : &none;
		struct pool now = { 0 };

		rc = bpf_map_lookup_elem(map_fd(dp, MAP_pools), &id, &now) ? -errno : 0;
		if (rc || !memcmp(&now, pool, sizeof(now)))
			continue;
		++*changes;
		rc = bpf_map_update_elem(map_fd(dp, MAP_pools), &id, pool, BPF_ANY) ? -errno : 0;
		shrunk[id] = now.last;
		any |= shrunk[id];
	}
	if (any)
		table_grace();	/* a packet that read the former pool has made its flow now */
	for (__u32 id = 0; id < n && !rc; id++) {
		struct lost l = { id, id < p->n_pools ? &p->pools[id] : &none, dp };

		if (shrunk[id])
			rc = dataplane_flow_entries(dp, end_lost, &l);
	}
	free(shrunk);
	return rc;
}

/* ---- how full the maps are ---- */

static __u32 table_used(const struct dataplane *dp)
{
	struct table_entry *table = NULL;
	size_t n = 0;

	dataplane_table(dp, &table, &n);
	free(table);
	return n;
}

static __u32 names_used(const struct dataplane *dp)
{
	struct service_name *names = NULL;
	size_t n = 0;
	__u32 used = 0;

	dataplane_names(dp, &names, &n);
	for (size_t i = 0; i < n; i++)
		used += *names[i].name != '\0';
	free(names);
	return used;
}

static int count_batch(void *data, const void *keys, const void *values, __u32 n)
{
	*(__u32 *)data += n;
	return 0;
}

static __u32 hash_used(const struct dataplane *dp, enum dataplane_map m)
{
	int map = map_fd(dp, m);
	__u32 used = 0;

	dataplane_batches(map, map_info(map).key_size, map_value_size(map), MAP_STEP, count_batch,
			  &used);
	return used;
}

static int count_used(void *data, const struct flow_entry *e)
{
	++*(__u32 *)data;
	return 0;
}

static __u32 flows_used(const struct dataplane *dp)
{
	__u32 n = 0;

	dataplane_flows(dp, count_used, &n);
	return n;
}

__u32 dataplane_used(const struct dataplane *dp, enum dataplane_map m)
{
	if (learned_is_table(map_fd(dp, m)))
		return learned_table_used(map_fd(dp, m));
	switch (m) {
	case MAP_table:
		return table_used(dp);
	case MAP_names:
		return names_used(dp);
	case MAP_flow_table:
		return flows_used(dp);
	default:
		return hash_used(dp, m);
	}
}
