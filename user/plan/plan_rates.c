/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the rates of services, clients and peers: converts bits and packets per second to the units
 * of include/abi_rate.h, and says which packets a rate is for.
 */
#include <arpa/inet.h>
#include <string.h>
#include "config/config_sections.h"
#include "lib/grow.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "plan/plan_make.h"

/* Returns the cost of `units` units, if `n` units per second are allowed; 0: no limit. */
static __u64 cost(__u64 units, __u64 n)
{
	return n ? (units * jiffies_a_second() << (RATE_TICK + RATE_FRACTION)) / n : 0;
}

static struct rate rate_of(const struct rate_limits *l)
{
	__u64 burst = (RATE_BURST_MS * jiffies_a_second() + 999) / 1000 << RATE_TICK;

	return (struct rate){ .each = { cost(8, l->bits), cost(1, l->packets) },
			      .burst = { l->bits ? burst : 0, l->packets ? burst : 0 } };
}

static void set_rates(struct rate **list, size_t n, __u32 id, const struct rate_config *r)
{
	if (!*list)
		*list = xcalloc(2 * n, sizeof(**list));
	(*list)[rate_index(id, DIRECTION_ORIGINAL)] = rate_of(&r->from);
	(*list)[rate_index(id, DIRECTION_REPLY)] = rate_of(&r->to);
}

/* ---- clients and pairs, which have numbers ---- */

static void add_prefix(struct plan *p, const struct prefix *prefix, __u32 number)
{
	bool is_ipv6 = prefix->family == FAMILY_IPV6;
	struct list_entry *e = append(p->lists, p->n_lists);

	e->key.id = htonl(SERVICE_LIST | rate_clients(is_ipv6));
	e->key.prefixlen = 32 + prefix->len + (is_ipv6 ? 0 : 96);
	e->key.addr = prefix->addr;
	e->verdict = number;
	p->n_rated++;
}

/* Returns the id of a peer, or 0 if a followed device does not have it now. */
static __u32 peer_id(const struct plan *p, const char *name)
{
	__u32 id = p->relay.n_peers;

	while (id > 1 && strcmp(p->relay.peers[id - 1].name.name, name))
		id--;
	return id > 1 ? id - 1 : 0;
}

static void add_pair(struct plan *p, __u32 from, __u32 to, __u32 rate)
{
	struct table_entry *e = append(p->entries, p->n_entries);

	e->key = (struct table_key){ rate_pair(from, to), table_word(KEY_PAIR, 0, 0, 0) };
	e->rate = rate;
	p->pair_rates = true;
}

static void add_pairs(struct plan *p, const struct rate_config *r, __u32 number)
{
	__u32 a = peer_id(p, r->pair[0]), b = peer_id(p, r->pair[1]);

	if (!a || !b)
		return;
	add_pair(p, a, b, rate_index(number, DIRECTION_ORIGINAL));
	add_pair(p, b, a, rate_index(number, DIRECTION_REPLY));
}

/* A followed peer may get its name later, or never have it. */
static void report_absent(const struct plan *p, const char *peer)
{
	if (*peer && !peer_id(p, peer))
		log_waiting("rates: waiting for a peer with the name '%s', which no peer has now: `wgxdp show peers` lists the names",
			    peer);
}

/* Gives numbers to the rates of clients, or to those of pairs. */
static void plan_numbered(struct plan_builder *m, bool clients)
{
	const struct config *c = m->config;
	struct plan *p = m->plan;

	for (size_t i = 0; i < c->n_rates; i++) {
		const struct rate_config *r = &c->rates[i];

		if (clients ? !r->n_clients : !*r->pair[0])
			continue;
		for (size_t n = 0; n < r->n_clients; n++)
			add_prefix(p, &r->clients[n], p->n_numbered);
		if (*r->pair[0])
			add_pairs(p, r, p->n_numbered);
		set_rates(&p->numbered_rates, RATE_NUMBERS, p->n_numbered++, r);
	}
}

void plan_rates(struct plan_builder *m)
{
	const struct config *c = m->config;
	struct plan *p = m->plan;

	for (__u32 id = 0; id < p->n_services && c->n_rates; id++) {
		const char *name = p->services[id].name;
		const struct rate_config *r = *name ? config_rate(c, name, "") : NULL;

		if (r)
			set_rates(&p->service_rates, p->n_services, id, r);
	}
	for (__u32 id = 1; id < p->relay.n_peers && c->n_rates; id++) {
		const char *name = p->relay.peers[id].name.name;
		const struct rate_config *r = *name ? config_rate(c, "", name) : NULL;

		if (r)
			set_rates(&p->peer_rates, p->relay.n_peers, id, r);
	}
	for (size_t i = 0; i < c->n_rates; i++) {
		report_absent(p, c->rates[i].peer);
		report_absent(p, c->rates[i].pair[0]);
		report_absent(p, c->rates[i].pair[1]);
	}
	plan_numbered(m, true);
	plan_numbered(m, false);
}
