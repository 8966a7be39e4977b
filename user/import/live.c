/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the services of this host by a rehearsal: samples go to every port of every address of the
 * wan, and where the kernel forwards them, there is a service. The clients at the edges of all
 * prefixes in the rules, and one in each named set, show which clients the service has.
 */
#include <errno.h>
#include <string.h>
#include "import/live.h"
#include "lib/grow.h"
#include "lib/log.h"

#define KEPT_PORTS_MAX 32		/* most ports of one service that keep their numbers */
#define CLIENTS_MAX 200			/* clients that try all ports that rules mention, at most */
#define NONE ((size_t)-1)
#define NEIGHBOURS 16		/* clients beside one another, which rules may spread */

/* ---- asking ---- */

struct sample_answer live_ask(struct live *l, __u32 in, const struct address *from,
			      const struct address *to, __u16 port)
{
	const struct sample s = { .in = in, .from = *from, .to = *to, .port = port };

	return sample_play(l->r, &s);
}

static struct sample_answer ask_way(struct live *l, const struct way *w, const struct address *from)
{
	return live_ask(l, w->in, from, &w->local, w->port);
}

bool live_same_backend(const struct sample_answer *a, const struct sample_answer *b)
{
	return a->end == SAMPLE_AWAY && b->end == SAMPLE_AWAY && address_equal(&a->to, &b->to) &&
	       a->port == b->port;
}

/* Returns whether both are forwarded to the same backend, or both are not. */
static bool same_way(const struct sample_answer *a, const struct sample_answer *b)
{
	return live_same_backend(a, b) || (a->end != SAMPLE_AWAY && b->end != SAMPLE_AWAY);
}

bool live_is_local(const struct rehearsal *r, const struct address *a)
{
	for (size_t i = 0; i < r->n_addresses; i++)
		if (address_equal(&r->addresses[i].address, a))
			return true;
	return false;
}

bool live_is_client(const struct rehearsal *r, const struct address *a)
{
	const __u8 *b = a->addr.b;

	if (a->family == FAMILY_IPV4 ? !b[12] || b[12] == 127 || b[12] >= 224 :
				       b[0] == 0xff || (b[0] == 0xfe && b[1] >= 0x80) || !b[0])
		return false;
	return !live_is_local(r, a);
}

/* Collects the clients whose packets come by this interface. wgxdp drops others as forged. */
static void choose_clients(struct live *l, __u32 in)
{
	l->wan = in;
	l->n_clients = 0;
	free(l->clients);
	l->clients = NULL;
	for (size_t i = 0; i < l->r->n_edges; i++)
		if (live_is_client(l->r, &l->r->edges[i]) &&
		    sample_comes_from(l->r, in, &l->r->edges[i]))
			*append(l->clients, l->n_clients) = l->r->edges[i];
}

/* ---- ports ---- */

const char *live_name(const struct rehearsal *r, __u32 index)
{
	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].index == index)
			return r->links[i].name;
	return "?";
}

__u32 live_index(const struct rehearsal *r, const char *name)
{
	for (size_t i = 0; i < r->n_links; i++)
		if (!strcmp(r->links[i].name, name))
			return r->links[i].index;
	return 0;
}

static void found(struct live *l, __u32 in, const struct address *local, __u16 port,
		  const struct address *from, const struct sample_answer *a, bool direct)
{
	struct way *last = l->n_ways ? &l->ways[l->n_ways - 1] : NULL;
	bool masquerade = !address_equal(&a->from, from);

	if (last && !direct && last->in == in && address_equal(&last->local, local) &&
	    last->port + last->run == port && last->answer.port + last->run == a->port &&
	    address_equal(&last->answer.to, &a->to) && last->answer.out == a->out &&
	    last->masquerade == masquerade) {
		last->run++;
		return;
	}
	/* The kernel forwards to the backend of another service itself. */
	for (size_t i = 0; i < l->n_ways && direct; i++)
		if (!l->ways[i].direct && address_equal(&l->ways[i].answer.to, local) &&
		    l->ways[i].answer.port == port)
			return;
	*append(l->ways, l->n_ways) = (struct way){
		.in = in, .local = *local, .port = port, .run = 1, .answer = *a,
		.masquerade = masquerade, .direct = direct,
	};
}

/* A run of ports that is short enough becomes services. */
static void split_runs(struct live *l, size_t first)
{
	for (size_t i = first, n = l->n_ways; i < n; i++)
		while (l->ways[i].run > 1 && l->ways[i].run <= KEPT_PORTS_MAX) {
			struct way one = l->ways[i];

			one.run = 1;
			one.port += --l->ways[i].run;
			one.answer.port += l->ways[i].run;
			*append(l->ways, l->n_ways) = one;
		}
}

static void reached(struct live *l, const struct sample *s, const struct sample_answer *a,
		    bool direct, bool *seen)
{
	if (a->end != SAMPLE_AWAY || seen[s->port])
		return;
	seen[s->port] = true;
	if (!direct || (address_equal(&a->to, &s->to) && a->port == s->port))
		found(l, s->in, &s->to, s->port, &s->from, a, direct);
}

/* Tries all ports for one client. */
static void try_all(struct live *l, struct sample s, bool direct, bool *seen)
{
	struct sample_answer a[SAMPLES_MAX];

	for (unsigned int port = 1, n; port < 65536; port += n) {
		s.port = port;
		n = 65536 - port < SAMPLES_MAX ? 65536 - port : SAMPLES_MAX;
		sample_play_many(l->r, &s, n, a);
		for (size_t i = 0; i < n; i++, s.port++)
			reached(l, &s, &a[i], direct, seen);
	}
}

/* Tries the ports that rules mention for one client. If it reaches two in a row, all are tried:
 * rules mention only the ends of a range. */
static void try_ports(struct live *l, struct sample s, bool direct, const struct address *client,
		      bool *seen)
{
	/* A client that gets through to ports which no rule mentions needs no service. */
	if (client->family != s.to.family ||
	    (direct && (live_ask(l, s.in, client, &s.to, 7777).end == SAMPLE_AWAY ||
			live_ask(l, s.in, client, &s.to, 17777).end == SAMPLE_AWAY)))
		return;
	s.from = *client;
	for (size_t i = 0; i < l->r->n_ports; i++) {
		struct sample_answer a, next;

		s.port = l->r->ports[i];
		if (seen[s.port])
			continue;
		a = sample_play(l->r, &s);
		if (a.end != SAMPLE_AWAY)
			continue;
		next = live_ask(l, s.in, client, &s.to, s.port + 1);
		if (next.end == SAMPLE_AWAY) {
			try_all(l, s, direct, seen);
			return;
		}
		reached(l, &s, &a, direct, seen);
	}
}

/* Finds the ports of an address that are forwarded: all for a client that no rule mentions, and for
 * others that reach a port which rules mention. direct: it is no address of this host. */
static void sweep(struct live *l, __u32 in, const struct address *to, bool direct)
{
	struct sample s = { .in = in, .from = sample_outsider(to->family), .to = *to };
	struct address member = sample_member(to->family);
	size_t first = l->n_ways, step = l->n_clients / CLIENTS_MAX + 1;
	bool *seen = xcalloc(65536, sizeof(*seen));

	if (direct)
		try_ports(l, s, direct, &s.from, seen);
	else
		try_all(l, s, direct, seen);
	for (size_t i = 0; i < l->n_clients; i += step)
		try_ports(l, s, direct, &l->clients[i], seen);
	for (size_t i = 0; i < l->r->n_sets; i++) {
		if (rehearsal_put(l->r, &l->r->sets[i], &member, true))
			continue;
		try_ports(l, s, direct, &member, seen);
		rehearsal_put(l->r, &l->r->sets[i], &member, false);
	}
	split_runs(l, first);
	free(seen);
}

/* ---- clients ---- */

static bool in_spans(const struct span *list, size_t n, const struct address *a)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&a->addr, &list[i].first.addr, 16) >= 0 &&
		    memcmp(&a->addr, &list[i].last.addr, 16) <= 0)
			return true;
	return false;
}

static bool is_listed(const size_t *list, size_t n, size_t wanted)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == wanted)
			return true;
	return false;
}

/* Asks for a client that is in set i, and in set `too` (NONE: in no other one). */
static bool forwards_member(struct live *l, const struct way *w, size_t i, size_t too)
{
	struct address member = sample_member(w->local.family);
	struct sample_answer a;

	if (rehearsal_put(l->r, &l->r->sets[i], &member, true))
		return w->base;
	if (too != NONE)
		rehearsal_put(l->r, &l->r->sets[too], &member, true);
	a = ask_way(l, w, &member);
	if (too != NONE)
		rehearsal_put(l->r, &l->r->sets[too], &member, false);
	rehearsal_put(l->r, &l->r->sets[i], &member, false);
	return live_same_backend(&a, &w->answer);
}

/* Returns whether a list of a service can follow the set. */
static bool may_follow(const struct live *l, const struct way *w, size_t i)
{
	const struct copied_set *s = &l->r->sets[i];

	return s->addresses == w->local.family && s->family &&
	       strlen(s->table) <= LIST_NAME_PART && strlen(s->name) <= LIST_NAME_PART;
}

static void find_sets(struct live *l, struct way *w)
{
	for (size_t i = 0; i < l->r->n_sets; i++)
		if (may_follow(l, w, i) && forwards_member(l, w, i, NONE) != w->base)
			*append(w->sets, w->n_sets) = i;
}

/* Returns whether the rules refuse each client of the service that is in set i. */
static bool refuses(struct live *l, const struct way *w, size_t i)
{
	const struct copied_set *s = &l->r->sets[i];
	struct sample_answer a = { .end = SAMPLE_LOST };

	if (!may_follow(l, w, i) || is_listed(w->sets, w->n_sets, i))
		return false;
	for (size_t k = 0; k < w->n_sets; k++)
		if (forwards_member(l, w, w->sets[k], i))
			return false;
	for (size_t k = 0; k < w->n_list; k++) {
		if (rehearsal_put(l->r, s, &w->list[k].first, true))
			return false;
		a = ask_way(l, w, &w->list[k].first);
		rehearsal_put(l->r, s, &w->list[k].first, false);
		if (live_same_backend(&a, &w->answer))
			return false;
	}
	return w->n_sets || w->n_list;
}

static void fill_sets(struct live *l, const struct way *w, bool full)
{
	for (size_t i = 0; i < w->n_sets + w->n_without; i++) {
		const struct copied_set *s;

		s = &l->r->sets[i < w->n_sets ? w->sets[i] : w->without[i - w->n_sets]];
		(full ? rehearsal_refill : rehearsal_empty)(l->r, s);
	}
}

static void extend(struct span **list, size_t *n, const struct address *a, bool *open)
{
	if (!*open)
		append(*list, *n)->first = *a;
	(*list)[*n - 1].last = *a;
	*open = true;
}

/* Lists the clients with another answer than the outsider, while the sets that decide are empty. */
static void list_clients(struct live *l, struct way *w)
{
	bool open = false;

	fill_sets(l, w, false);
	w->n_list = 0;
	for (size_t i = 0; i < l->n_clients; i++) {
		struct sample_answer a;

		if (l->clients[i].family != w->local.family)
			continue;
		a = ask_way(l, w, &l->clients[i]);
		if (live_same_backend(&a, &w->answer) != w->base)
			extend(&w->list, &w->n_list, &l->clients[i], &open);
		else
			open = false;
	}
	fill_sets(l, w, true);
}

/* Writes the address or, if it is assumed, the interface that has it. */
static const char *place_of(const struct live *l, const struct address *a, char ret[ADDRESS_STRLEN])
{
	for (size_t i = 0; i < l->r->n_addresses && green_is_assumed(l->im, a); i++)
		if (address_equal(&l->r->addresses[i].address, a))
			return live_name(l->r, l->r->addresses[i].index);
	return address_format(a, ret);
}

/* Finds the clients of a service: first the sets that decide, then the prefixes beside them, then
 * the sets that refuse some of both. */
static void find_clients(struct live *l, struct way *w)
{
	struct address base = sample_outsider(w->local.family);
	struct sample_answer a = ask_way(l, w, &base);

	w->base = live_same_backend(&a, &w->answer);
	find_sets(l, w);
	list_clients(l, w);
	for (size_t i = 0; i < l->r->n_sets && !w->base; i++)
		if (refuses(l, w, i))
			*append(w->without, w->n_without) = i;
	if (w->n_without)
		list_clients(l, w);
}

static bool set_has(const struct live *l, size_t set, const struct address *a)
{
	return rehearsal_has(l->r, &l->r->sets[set], a);
}

static void note_wrong(struct way *w, const struct address *from)
{
	if (!w->wrong++)
		w->wrong_from = *from;
}

/* Names the sets of ipset that decide, and other sets that decide about clients of a prefix in the
 * lists. allow and deny cannot express this, so the service has the elements of these sets. */
static void find_copied(struct live *l, const struct way *w)
{
	char text[ADDRESS_STRLEN];
	struct sample_answer a;

	for (size_t i = 0; i < l->r->n_sets; i++) {
		const struct copied_set *s = &l->r->sets[i];
		bool copied = !s->family && s->addresses == w->local.family &&
			      forwards_member(l, w, i, NONE) != w->base;

		for (size_t k = 0; k < w->n_list && !copied; k++) {
			if (is_listed(w->sets, w->n_sets, i) ||
			    is_listed(w->without, w->n_without, i) ||
			    rehearsal_put(l->r, s, &w->list[k].first, true))
				continue;
			a = ask_way(l, w, &w->list[k].first);
			copied = live_same_backend(&a, &w->answer) == w->base;
			rehearsal_put(l->r, s, &w->list[k].first, false);
		}
		if (copied)
			import_lose(&l->im->lost,
				    "port %u of %s: the service copies the elements of the "
				    "set %s %s%s%s, because allow and deny cannot follow this "
				    "set", w->port, place_of(l, &w->local, text),
				    s->family ? family_name(s->family) : "ipset",
				    s->table ?: "", s->table ? " " : "", s->name);
	}
}

/* Returns whether the rules send clients beside one another, which no rule mentions, to different
 * backends. Names the port then. */
static bool is_spread(struct live *l, const struct way *w)
{
	struct address from = sample_outsider(w->local.family);
	struct sample_answer first = ask_way(l, w, &from), a = first;
	char text[ADDRESS_STRLEN];

	for (int i = 1; i < NEIGHBOURS && same_way(&a, &first); i++) {
		from.addr.b[15]++;
		a = ask_way(l, w, &from);
	}
	if (same_way(&a, &first))
		return false;
	import_lose(&l->im->lost, "port %u of %s: the rules spread clients over several backends: "
		    "list the backends with their public keys under the key backends", w->port,
		    place_of(l, &w->local, text));
	return true;
}

/* Compares the rules, as they are, with what the service will do. */
static void verify(struct live *l, struct way *w)
{
	struct sample_answer a;
	bool open = false;

	for (size_t i = 0; i < l->n_clients; i++) {
		const struct address *c = &l->clients[i];
		bool listed = in_spans(w->list, w->n_list, c), forwarded;

		if (c->family != w->local.family)
			continue;
		for (size_t k = 0; k < w->n_sets; k++)
			listed |= set_has(l, w->sets[k], c);
		for (size_t k = 0; k < w->n_without; k++)
			listed &= !set_has(l, w->without[k], c);
		a = ask_way(l, w, c);
		forwarded = live_same_backend(&a, &w->answer);
		if (!forwarded && !w->base && listed && a.end != SAMPLE_AWAY) {
			extend(&w->except, &w->n_except, c, &open);
			continue;
		}
		open = false;
		if (forwarded != (listed != w->base) || (!forwarded && a.end == SAMPLE_AWAY))
			note_wrong(w, c);
	}
}

/* ---- what is left ---- */

static void say_runs(struct live *l)
{
	char local[ADDRESS_STRLEN], to[ADDRESS_STRLEN];

	for (size_t i = 0; i < l->n_ways; i++) {
		const struct way *w = &l->ways[i];

		if (w->run > 1)
			import_lose(&l->im->lost,
				    "the ports %u-%u of %s keep their numbers at %s: add "
				    "services for those that you need", w->port,
				    w->port + w->run - 1, place_of(l, &w->local, local),
				    address_format(&w->answer.to, to));
		else if (w->wrong)
			import_lose(&l->im->lost,
				    "port %u of %s: the rules do something else for %zu "
				    "samples, such as one from %s", w->port,
				    place_of(l, &w->local, local), w->wrong,
				    address_format(&w->wrong_from, to));
	}
}

/* Names the rules that drop packets which other rules translate. */
static void say_lost(struct live *l, __u32 in, const struct address *local)
{
	struct address from = sample_outsider(local->family);
	char text[ADDRESS_STRLEN];
	struct decision why;

	sample_trace(l->r, true);
	for (size_t i = 0; i < l->r->n_ports; i++) {
		const struct sample s = { .in = in, .from = from, .to = *local,
					  .port = l->r->ports[i] };
		bool translated = false, is_service = false;

		for (size_t k = 0; k < l->n_ways; k++)
			is_service |= l->ways[k].in == in && l->ways[k].port == s.port &&
				      address_equal(&l->ways[k].local, local);
		if (is_service || sample_decision(l->r, &s, &why).end != SAMPLE_LOST || !why.by)
			continue;
		for (size_t k = 0; k < l->r->n_way; k++)
			translated |= live_translates(&l->r->way[k]);
		if (translated || !strcmp(why.chain, "FORWARD"))
			import_lose(&l->im->lost,
				    "port %u of %s: the rules translate its packets, and "
				    "%s drops them: wgxdp forwards none of them", s.port,
				    place_of(l, local, text), why.text);
	}
	sample_trace(l->r, false);
}

/* Tries other packets of one client: from the ports that rules mention, and of other lengths. */
static void say_others(struct live *l, __u32 in, const struct address *local)
{
	static const __u16 lengths[] = { 32, 92, 1400 };
	size_t n = sizeof(lengths) / sizeof(*lengths);
	struct sample s = { .in = in, .from = sample_outsider(local->family), .to = *local };
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < l->r->n_ports; i++) {
		struct sample_answer base, a;

		s.port = l->r->ports[i];
		s.sport = s.length = 0;
		base = sample_play(l->r, &s);
		for (size_t k = 0; k < l->r->n_ports + n; k++) {
			s.sport = k < n ? 0 : l->r->ports[k - n];
			s.length = k < n ? lengths[k] : 0;
			a = sample_play(l->r, &s);
			if (same_way(&a, &base))
				continue;
			import_lose(&l->im->lost, "port %u of %s: the rules do something else with "
				    "packets %s %u", s.port, place_of(l, local, text), k < n ?
				    "with a payload of bytes:" : "from the client's port",
				    k < n ? s.length : s.sport);
			break;
		}
	}
}

struct target {				/* a port of this host, or of a service */
	__u32 in;
	struct address local;
	__u16 port;
	struct sample_answer before;	/* without the rule */
};

static void add_target(struct live *l, struct target **list, size_t *n, struct target t)
{
	struct address from = sample_outsider(t.local.family);

	t.before = live_ask(l, t.in, &from, &t.local, t.port);
	*append(*list, *n) = t;
}

static bool is_wan_address(const struct live *l, size_t i)
{
	for (size_t k = 0; k < l->r->n_links; k++)
		if (l->r->links[k].index == l->r->addresses[i].index)
			return live_is_wan(l->im, &l->r->links[k]);
	return false;
}

/* Returns the services, and the ports of the wan that rules mention. */
static struct target *list_targets(struct live *l, size_t *ret_n)
{
	struct target *list = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < l->n_ways; i++)
		add_target(l, &list, ret_n, (struct target){ l->ways[i].in, l->ways[i].local,
							     l->ways[i].port });
	for (size_t i = 0; i < l->r->n_addresses && l->r->n_unknown; i++)
		for (size_t k = 0; k < l->r->n_ports && is_wan_address(l, i); k++)
			add_target(l, &list, ret_n,
				   (struct target){ l->r->addresses[i].index,
						    l->r->addresses[i].address, l->r->ports[k] });
	return list;
}

/* Tries rules with a condition that no sample can meet, as if it were met, one at a time. */
static void say_unknown(struct live *l)
{
	size_t n;
	struct target *targets = list_targets(l, &n), *which;
	char text[1200], local[ADDRESS_STRLEN];

	for (size_t i = 0; i < l->r->n_unknown; i++) {
		int rc = rehearsal_assume(l->r, i, true, text, sizeof(text));

		which = NULL;
		for (size_t k = 0; k < n && !rc && !which; k++) {
			struct address from = sample_outsider(targets[k].local.family);
			struct sample_answer a = live_ask(l, targets[k].in, &from,
							  &targets[k].local, targets[k].port);

			if (!same_way(&a, &targets[k].before))
				which = &targets[k];
		}
		if (rc)
			import_lose(&l->im->lost,
				    "%s cannot be tried here: import leaves this rule out", text);
		else if (which)
			import_lose(&l->im->lost, "%s decides about port %u of %s: import leaves "
				    "this rule out", text, which->port,
				    place_of(l, &which->local, local));
		if (!rc)
			rehearsal_assume(l->r, i, false, text, sizeof(text));
	}
	free(targets);
}

/* ---- the host ---- */

static void look_at_wan(struct live *l, __u32 in)
{
	size_t first = l->n_ways;

	choose_clients(l, in);
	rehearsal_ignore_here(l->r, true);
	for (size_t i = 0; i < l->r->n_addresses; i++)
		if (l->r->addresses[i].index == in)
			sweep(l, in, &l->r->addresses[i].address, false);
	rehearsal_ignore_here(l->r, false);
	for (size_t i = 0; i < l->r->n_hosts; i++)
		if (live_is_client(l->r, &l->r->hosts[i]) &&
		    !sample_comes_from(l->r, in, &l->r->hosts[i]))
			sweep(l, in, &l->r->hosts[i], true);
	for (size_t i = first; i < l->n_ways; i++) {
		if (l->ways[i].run > 1 || is_spread(l, &l->ways[i]))
			continue;
		find_clients(l, &l->ways[i]);
		find_copied(l, &l->ways[i]);
		verify(l, &l->ways[i]);
		live_add_service(l, &l->ways[i]);
	}
	for (size_t i = 0; i < l->r->n_addresses; i++)
		if (l->r->addresses[i].index == in) {
			say_lost(l, in, &l->r->addresses[i].address);
			say_others(l, in, &l->r->addresses[i].address);
		}
}

/* Lets services listen on the interface if they listen on all its addresses of their family. */
static void widen(struct live *l)
{
	for (size_t i = 0; i < l->im->n_services; i++) {
		struct import_service *s = &l->im->services[i];
		size_t all = 0, has = 0;
		bool assumed = false;

		for (size_t k = 0; k < l->r->n_addresses; k++) {
			const struct copied_address *a = &l->r->addresses[k];

			if (a->address.family != s->family ||
			    strcmp(live_name(l->r, a->index), s->in))
				continue;
			all++;
			if (address_find(s->s.listen_addresses, s->s.n_listen_addresses,
					 &a->address) == s->s.n_listen_addresses)
				continue;
			has++;
			assumed |= green_is_assumed(l->im, &a->address);
		}
		if (!has || (has != all && !assumed))
			continue;
		if (has != all)
			import_lose(&l->im->lost, "%s: the service is for all addresses of %s but "
				    "some: add the output of `ip -j addr` and `ip -j route`",
				    l->im->rules[*s->rules].origin, s->in);
		free(s->s.listen_addresses);
		s->s.listen_addresses = NULL;
		s->s.n_listen_addresses = 0;
		strcpy(s->s.listen_interface, s->in);
	}
}

bool live_is_wan(const struct import *im, const struct copied_link *link)
{
	bool is = im->wan ? !strcmp(im->wan, link->name) : link->gateway;

	if (is)
		green_face(im, link->index);
	return is;
}

int import_lacks_rights(int rc)
{
	log_error("import: to find out what the rules do, import puts them into a network "
		  "namespace of its own. It needs the right for it (CAP_NET_ADMIN and "
		  "CAP_SYS_ADMIN): %s: run it as root", strerror(-rc));
	return rc;
}

int import_rehearse(struct import *im)
{
	struct rehearsal *r = xcalloc(1, sizeof(*r));
	int rc = rehearsal_read(r) ?: rehearsal_begin(r);

	im->rehearsal = r;
	return rc ? import_lacks_rights(rc) : 0;
}

void import_live(struct import *im)
{
	struct live l = { .im = im, .r = im->rehearsal };

	if (!l.r->rules && im->live)
		log_warning("this host has no firewall rules");
	for (size_t i = 0; i < l.r->n_links && l.r->rules; i++)
		if (live_is_wan(im, &l.r->links[i]))
			look_at_wan(&l, l.r->links[i].index);
	say_unknown(&l);
	say_runs(&l);
	for (size_t i = 0; i < l.r->n_uncertain; i++)
		import_lose(&im->lost, "%s was tried only as it is now", l.r->uncertain[i]);
	for (size_t i = 0; i < l.r->n_missing; i++)
		import_lose(&im->lost, "import tried samples without %s", l.r->missing[i]);
	services_join_addresses(im);
	widen(&l);
	services_join_families(im);
	services_finish(im);
}
