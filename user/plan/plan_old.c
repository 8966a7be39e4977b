/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the entries for former backends. When a listener gets another backend, replies of the
 * former one are still translated for OLD_SECONDS, for packets in flight and for clients that have
 * no session with the new backend yet. A removed listener gets no such entries.
 */
#include <string.h>
#include "lib/grow.h"
#include "plan/plan_make.h"

/* Most former backends of a listener; the latest ones are kept. */
enum { PER_LISTENER = 2 };

struct old {
	struct table_key key;		/* key of the listener, with KEY_SERVICE as its kind */
	struct service service;
	__u64 until;
};

struct olds {
	struct old *list;
	size_t n;
};

static struct address old_backend(const struct old *o)
{
	return entry_backend(&(struct table_entry){ .key = o->key, .service = o->service });
}

static enum table_kind kind_of(const struct table_entry *e)
{
	return e->key.word & 0xff;
}

static bool is_listener(const struct table_entry *e)
{
	return kind_of(e) == KEY_SERVICE || kind_of(e) >= KEY_BACKEND;
}

static __u64 with_kind(__u64 word, enum table_kind kind)
{
	return (word & ~0xffULL) | kind;
}

static struct table_entry *find_planned(const struct plan *p, const struct table_key *key)
{
	return plan_entry(p->entries, p->n_entries, key);
}

static bool same_backend(const struct service *a, const struct service *b)
{
	return a->port == b->port && !memcmp(&a->to, &b->to, sizeof(a->to));
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Returns whether the service still has this backend, among several and with another number. */
static bool is_present(const struct plan *p, const struct old *o)
{
	struct table_key back = { o->service.to, table_word(KEY_REPLY, old_backend(o).family,
							    o->service.port, 0) };
	const struct table_entry *reply = find_planned(p, &back);

	return reply && reply->service.id == o->service.id;
}

/* Returns whether the backend and its standby have changed places, and this is the inactive one. */
static bool is_idle(const struct plan_builder *m, const struct old *o)
{
	const struct address is = old_backend(o);

	for (size_t i = 0; i < m->config->n_services; i++)
		for (size_t j = 0; j < backends_of(&m->config->services[i]); j++) {
			const struct backend_address *b = plan_backend(m, i, j);

			if (!strcmp(m->plan->services[o->service.id].name,
				    m->config->services[i].name) &&
			    b->idle_port == o->service.port &&
			    (address_equal(&b->idle[0], &is) || address_equal(&b->idle[1], &is)))
				return true;
		}
	return false;
}

/* Returns whether the service still has this listener, and sends its packets to another backend. */
static bool is_old(const struct plan *p, const struct old *o)
{
	const struct table_entry *now = find_planned(p, &o->key);

	return now && now->service.id == o->service.id &&
	       !same_addr(&o->key.addr, &o->service.to) &&
	       !same_addr(&o->key.addr, &now->service.to) &&
	       !same_backend(&now->service, &o->service) && !is_present(p, o);
}

/* Adds a former backend. Drops the oldest of the listener if there are PER_LISTENER already. */
static void add_old(struct olds *l, const struct old *new)
{
	struct old *place = NULL;
	size_t of_listener = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct old *o = &l->list[i];

		if (memcmp(&o->key, &new->key, sizeof(o->key)))
			continue;
		of_listener++;
		if (!place || o->until < place->until)
			place = o;
	}
	if (of_listener < PER_LISTENER)
		place = append(l->list, l->n);
	else if (place->until >= new->until)
		return;
	*place = *new;
}

/* Fills in *ret from a running entry. An entry with KEY_OLD keeps the time that it has left,
 * because the change was earlier. */
static bool old_of(const struct plan_input *in, const struct table_entry *e, struct old *ret)
{
	const struct table_entry *until;
	struct table_key key = e->key;

	*ret = (struct old){ .key = e->key, .service = e->service, .until = in->now + OLD_SECONDS };
	ret->service.flags &= ~(SERVICE_LISTS | SERVICE_OLD | SERVICE_QUIET);
	if (kind_of(e) == KEY_OLD) {
		key.word = with_kind(key.word, KEY_UNTIL);
		until = plan_entry(in->running, in->n_running, &key);
		ret->until = until ? until->old.until : 0;
		ret->key.addr = old_addr(&e->key.addr, &e->service.to);
	} else if (!is_listener(e)) {
		return false;
	}
	ret->key.word = with_kind(e->key.word, KEY_SERVICE);
	return true;
}

/* Collects listeners whose backend changes now, or changed at most OLD_SECONDS ago. An entry of one
 * of several backends counts only if that backend is idle. */
static void collect_old(const struct plan_builder *m, struct olds *l)
{
	const struct plan_input *in = m->in;
	struct old o;

	for (size_t i = 0; i < in->n_running; i++) {
		const struct table_entry *e = &in->running[i];

		if (!old_of(in, e, &o) || o.until <= in->now || !is_old(m->plan, &o))
			continue;
		if (is_idle(m, &o))
			o.service.flags = (__u8)o.service.flags | SERVICE_QUIET;
		else if (kind_of(e) >= KEY_BACKEND)
			continue;
		add_old(l, &o);
	}
}

static void add_known(struct plan *p, const struct table_key *local, const struct service *s)
{
	struct table_key key = { old_addr(&local->addr, &s->to), with_kind(local->word, KEY_OLD) };

	plan_add_entry(p, &key, s, sizeof(*s));
}

/* Adds entries with KEY_OLD for the backend's present listeners too: replies of a backend that is a
 * former one of any listener are looked up only under KEY_OLD. */
static void add_present(struct plan_builder *m, const struct service *of)
{
	size_t n = m->plan->n_entries;		/* listeners have the first entries */

	for (size_t i = 0; i < n; i++) {
		struct table_entry e = m->plan->entries[i];

		if (is_listener(&e) && same_backend(&e.service, of))
			add_known(m->plan, &e.key, &e.service);
	}
}

/* Returns whether the backend's replies belong to another listener too, present or former. */
static bool has_rivals(const struct plan_builder *m, const struct olds *l, const struct old *of)
{
	for (size_t i = 0; i < l->n; i++)
		if (same_backend(&l->list[i].service, &of->service) &&
		    (!same_addr(&l->list[i].key.addr, &of->key.addr) ||
		     (__u32)l->list[i].key.word != (__u32)of->key.word))
			return true;
	for (size_t i = 0; i < m->plan->n_entries; i++)
		if (is_listener(&m->plan->entries[i]) &&
		    same_backend(&m->plan->entries[i].service, &of->service))
			return true;
	return false;
}

/* Returns the reply entry of a former backend. If a running reply entry belongs to a former
 * listener it is kept, so that replies do not change their source address. */
static struct service old_reply(const struct plan_builder *m, const struct olds *l,
				const struct old *o, const struct table_key *back)
{
	const struct table_entry *was = plan_entry(m->in->running, m->in->n_running, back);
	struct service reply = o->service;

	for (size_t i = 0; was && i < l->n; i++)
		if (same_backend(&l->list[i].service, &o->service) &&
		    same_addr(&l->list[i].key.addr, &was->service.to) &&
		    (__be16)(l->list[i].key.word >> 16) == was->service.port &&
		    l->list[i].service.ifindex == was->service.ifindex)
			return was->service;
	reply.to = o->key.addr;
	reply.port = o->key.word >> 16;
	reply.delta = ~reply.delta;
	return reply;
}

static void add_entries(struct plan_builder *m, const struct olds *l, const struct old *o)
{
	struct table_key back = { o->service.to, table_word(KEY_REPLY, old_backend(o).family,
							    o->service.port, 0) };
	struct table_key until = { old_addr(&o->key.addr, &o->service.to),
				   with_kind(o->key.word, KEY_UNTIL) };
	struct old_until value = { .until = o->until };
	bool rivals = has_rivals(m, l, o);
	struct table_entry *reply;
	struct service s;

	add_known(m->plan, &o->key, &o->service);
	plan_add_entry(m->plan, &until, &value, sizeof(value));
	if (!find_planned(m->plan, &back)) {
		s = old_reply(m, l, o, &back);
		s.flags = o->service.flags & SERVICE_QUIET ? (__u8)s.flags | SERVICE_QUIET :
			  s.flags & ~SERVICE_QUIET;
		plan_add_entry(m->plan, &back, &s, sizeof(s));
	}
	reply = find_planned(m->plan, &back);
	reply->service.flags &= ~(SERVICE_CHOICE | SERVICE_OLD);
	reply->service.flags |= rivals ? SERVICE_CHOICE | SERVICE_OLD : 0;
	m->plan->choices |= rivals;
	if (o->service.slot >= m->plan->n_slots)
		m->plan->n_slots = o->service.slot + 2;
	if (rivals)
		add_present(m, &o->service);
}

int plan_old(struct plan_builder *m)
{
	struct olds l = { 0 };
	int rc = 0;

	collect_old(m, &l);
	for (size_t i = 0; i < l.n && !rc; i++) {
		struct address backend = old_backend(&l.list[i]);
		__u32 vrf = host_link_vrf(m->host, host_link(m->host, l.list[i].service.ifindex));

		add_entries(m, &l, &l.list[i]);
		rc = plan_backend_port(m, &backend, vrf);
		plan_ways(m, &backend, vrf);
	}
	free(l.list);
	return rc;
}
