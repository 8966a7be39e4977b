/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Assumes the network of another host, as far as no file describes it. Samples show which of the
 * interfaces that the rules name forward anything: each interface is tried as the one on which
 * clients arrive, and as the one to backends. import prints each assumption.
 */
#include <string.h>
#include "import/green.h"
#include "import/live.h"
#include "lib/grow.h"
#include "lib/text.h"

#define STAND_IN "lan"			/* leads to backends, if the rules name no such interface */
#define SAMPLES_TRIED_MAX 500000
#define WANS_MAX 16
#define CLIENTS_MAX 100			/* clients that are tried for a port, at most */

struct forwarding {			/* a sample has shown it */
	__u32 in, out;
	struct address to;
	bool masquerade, direct;	/* direct: its destination is not translated */
};

struct guess {
	struct import *im;
	struct rehearsal *r;
	const char *text;		/* the loaded rules */
	__u32 links[66];		/* ifindexes that are tried; the last one is the stand-in */
	size_t n_links;
	struct forwarding *list;
	size_t n, tried;
	__u32 wans[WANS_MAX];
	size_t n_wans;
	FILE *said;
};

static const __u8 families[] = { FAMILY_IPV4, FAMILY_IPV6 };

static bool is_private(const struct address *a)
{
	static const char *const texts[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
	};
	struct prefix p;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!prefix_parse(texts[i], &p) && prefix_covers(&p, a))
			return true;
	return false;
}

bool green_knows_wan(const struct import *im)
{
	for (size_t i = 0; i < im->network.n_routes; i++)
		if (!im->network.routes[i].to.len)
			return true;
	return false;
}

/* The first addresses that are assumed. No rule is about them, as far as possible. */
static const char *const first[] = { "93.184.215.200", "2606:2800:21f::200" };

bool green_is_assumed(const struct import *im, const struct address *a)
{
	struct address b;

	address_parse(first[a->family != FAMILY_IPV4], &b);
	return im->assumed && !memcmp(&a->addr, &b.addr, sizeof(b.addr) - 1);
}

void green_add_addresses(struct green *g)
{
	if (green_knows_wan(g->im))
		return;
	strcpy(*append(g->names, g->n_names), STAND_IN);
	for (size_t i = 0; i < g->n_names && i < 50; i++) {
		__u32 index;
		int rc = room_add_link(g->names[i], &index);

		for (int f = 0; f < 2 && !rc; f++) {
			bool has = false;
			struct address a;

			for (size_t k = 0; k < g->im->network.n_addresses; k++)
				has |= g->im->network.addresses[k].address.family == families[f] &&
				       !strcmp(g->im->network.addresses[k].device, g->names[i]);
			address_parse(first[f], &a);
			a.addr.b[15] += i;
			if (!has)
				room_add_address(index, &a, f ? 128 : 32);
		}
	}
}

/* ---- samples ---- */

/* Routes all packets over `out`, but those to clients over `in`. */
static void turn(__u32 in, __u32 out)
{
	for (int f = 0; f < 2; f++) {
		struct prefix all = { .family = families[f] }, client;
		struct address outsider = sample_outsider(families[f]);

		client = address_prefix(&outsider);
		room_route(out, &all, false, true);
		room_route(in, &client, false, true);
	}
}

static struct sample_answer ask_from(struct guess *g, __u32 in, const struct address *from,
				     const struct address *to, __u16 port)
{
	g->tried++;
	return sample_play(g->r, &(struct sample){ .in = in, .from = *from, .to = *to,
						   .port = port });
}

/* Asks for a client that no rule mentions and, if its packet is lost, for others: one in each set,
 * and those at the ends of prefixes. */
static struct sample_answer ask(struct guess *g, __u32 in, const struct address *to, __u16 port)
{
	struct address client = sample_outsider(to->family);
	struct sample_answer a = ask_from(g, in, &client, to, port);
	size_t step = g->r->n_edges / CLIENTS_MAX + 1;

	client = sample_member(to->family);
	for (size_t i = 0; i < g->r->n_sets && a.end == SAMPLE_LOST; i++)
		if (!rehearsal_put(g->r, &g->r->sets[i], &client, true)) {
			a = ask_from(g, in, &client, to, port);
			rehearsal_put(g->r, &g->r->sets[i], &client, false);
		}
	for (size_t i = 0; i < g->r->n_edges && a.end == SAMPLE_LOST; i += step)
		if (g->r->edges[i].family == to->family && live_is_client(g->r, &g->r->edges[i]) &&
		    !is_private(&g->r->edges[i]) && g->tried < SAMPLES_TRIED_MAX)
			a = ask_from(g, in, &g->r->edges[i], to, port);
	return a;
}

static void note(struct guess *g, __u32 in, const struct sample_answer *a, bool direct)
{
	struct forwarding f = { in, a->out, a->to, live_is_local(g->r, &a->from), direct };

	for (size_t i = 0; i < g->n; i++)
		if (g->list[i].in == in && g->list[i].out == a->out &&
		    address_equal(&g->list[i].to, &a->to))
			return;
	*append(g->list, g->n) = f;
}

/* Returns whether the rules mention a host only as a source. */
static bool is_source(const char *text, const struct address *a)
{
	char host[ADDRESS_STRLEN];
	bool only = true;
	size_t n;

	n = strlen(address_format(a, host));
	for (const char *at = text; only && (at = strstr(at, host)); at += n)
		only = at - text > 6 && (!memcmp(at - 6, "saddr ", 6) || !memcmp(at - 3, "-s ", 3));
	return only;
}

/* Sends samples to all addresses of an interface. */
static void try_link(struct guess *g, __u32 in)
{
	for (size_t k = 0; k < g->r->n_addresses; k++)
		for (size_t i = 0; i < g->r->n_ports && g->r->addresses[k].index == in; i++) {
			const struct address *to = &g->r->addresses[k].address;
			struct sample_answer a = ask(g, in, to, g->r->ports[i]);

			if (a.end == SAMPLE_AWAY && !address_equal(&a.to, to))
				note(g, in, &a, false);
		}
}

/* Sends samples to an address of the rules as a host behind this one, and then as an address of
 * this one. *ret: whether the rules translate its packets in another way than those to the
 * interface's other addresses. */
static void try_host(struct guess *g, __u32 in, const struct address *to, bool *ret)
{
	const struct prefix p = address_prefix(to);
	struct address client = sample_outsider(to->family);
	const struct address *other = NULL;
	bool direct;

	direct = ask_from(g, in, &client, to, 7777).end != SAMPLE_AWAY &&
		 ask_from(g, in, &client, to, 17777).end != SAMPLE_AWAY;
	for (size_t i = 0; i < g->r->n_ports && direct; i++) {
		struct sample_answer a = ask(g, in, to, g->r->ports[i]);

		if (a.end == SAMPLE_AWAY)
			note(g, in, &a, true);
	}
	for (size_t k = 0; k < g->r->n_addresses && !other; k++)
		if (g->r->addresses[k].index == in &&
		    g->r->addresses[k].address.family == to->family)
			other = &g->r->addresses[k].address;
	if (!other || room_route(in, &p, true, true))
		return;
	for (size_t i = 0; i < g->r->n_ports; i++) {
		struct sample_answer a = ask(g, in, to, g->r->ports[i]), b;

		if (a.end != SAMPLE_AWAY || address_equal(&a.to, to))
			continue;
		b = ask(g, in, other, g->r->ports[i]);
		if (live_same_backend(&a, &b))
			continue;
		note(g, in, &a, false);
		*ret = true;
	}
	room_route(in, &p, true, false);
}

static bool is_tried(const struct guess *g, __u32 in)
{
	return !g->im->wan || !strcmp(g->im->wan, live_name(g->r, in));
}

/* Tries all interfaces. Addresses that only an interface of this host can have are added to it. */
static void try_all(struct guess *g)
{
	for (size_t i = 0; i + 1 < g->n_links; i++)
		for (size_t k = 0; k < g->n_links && is_tried(g, g->links[i]); k++) {
			turn(g->links[i], g->links[k]);
			try_link(g, g->links[i]);
		}
	for (size_t h = 0; h < g->r->n_hosts && g->tried < SAMPLES_TRIED_MAX; h++)
		for (size_t i = 0; i + 1 < g->n_links; i++) {
			const struct prefix p = address_prefix(&g->r->hosts[h]);
			bool own = false;

			for (size_t k = 0; k < g->n_links && is_tried(g, g->links[i]) &&
			     live_is_client(g->r, &g->r->hosts[h]) &&
			     !is_source(g->text, &g->r->hosts[h]); k++) {
				turn(g->links[i], g->links[k]);
				try_host(g, g->links[i], &g->r->hosts[h], &own);
			}
			if (own && !room_route(g->links[i], &p, true, true))
				*append(g->r->addresses, g->r->n_addresses) =
					(struct copied_address){ g->r->hosts[h], g->links[i],
								 p.len };
		}
	if (g->tried >= SAMPLES_TRIED_MAX)
		import_lose(&g->im->lost, "the rules mention too many hosts: import has not tried "
			    "whether the last ones are addresses of that host");
}

/* ---- what follows from them ---- */

/* Returns whether packets of a backend to clients leave by this interface with another source. */
static bool masquerades(struct guess *g, __u32 wan)
{
	for (size_t i = 0; i < g->n; i++) {
		struct sample s = { .from = g->list[i].to, .port = 443,
				    .to = sample_outsider(g->list[i].to.family) };
		struct sample_answer a;

		if (g->list[i].out == wan)
			continue;
		s.in = g->list[i].out;
		turn(wan, wan);
		a = sample_play(g->r, &s);
		if (a.end == SAMPLE_AWAY && a.out == wan && !address_equal(&a.from, &s.from))
			return true;
	}
	return false;
}

/* Returns whether packets that arrive on the interface are forwarded. */
static bool forwards_from(const struct guess *g, __u32 in, bool direct)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->list[i].in == in && g->list[i].direct == direct)
			return true;
	return false;
}

/* Returns whether packets that arrive on the interface are translated, and then dropped. */
static bool translates(struct guess *g, __u32 in)
{
	bool found = false;

	turn(in, in);
	sample_trace(g->r, true);
	for (size_t k = 0; k < g->r->n_addresses; k++)
		for (size_t i = 0; i < g->r->n_ports && g->r->addresses[k].index == in; i++) {
			const struct address *to = &g->r->addresses[k].address;
			const struct sample s = { .in = in, .from = sample_outsider(to->family),
						  .to = *to, .port = g->r->ports[i] };
			struct decision why;

			sample_decision(g->r, &s, &why);
			for (size_t w = 0; w < g->r->n_way; w++)
				found |= live_translates(&g->r->way[w]);
		}
	sample_trace(g->r, false);
	return found;
}

/* Clients arrive on each interface whose packets are translated or, if there is none, forwarded. If
 * this holds for all interfaces, because no rule names one, they arrive where masqueraded packets
 * leave. */
static void choose_wans(struct guess *g)
{
	bool all = g->n_links > 2, direct = true;

	for (size_t i = 0; i < g->n; i++)
		direct &= g->list[i].direct;
	for (size_t i = 0; i + 1 < g->n_links; i++)
		all &= forwards_from(g, g->links[i], direct);
	for (size_t i = 0; i + 1 < g->n_links && g->n_wans < WANS_MAX; i++)
		if (forwards_from(g, g->links[i], direct) &&
		    (!all || g->im->wan || masquerades(g, g->links[i])))
			g->wans[g->n_wans++] = g->links[i];
	for (size_t i = 0; i + 1 < g->n_links && !g->n && g->n_wans < WANS_MAX; i++)
		if (is_tried(g, g->links[i]) && translates(g, g->links[i]))
			g->wans[g->n_wans++] = g->links[i];
	if (!g->n_wans && (g->n || g->n_links == 1) && g->r->rules)
		import_lose(&g->im->lost, "the rules do not tell on which interface clients "
			    "arrive: add --wan IF");
}

static bool is_wan(const struct guess *g, __u32 index)
{
	for (size_t i = 0; i < g->n_wans; i++)
		if (g->wans[i] == index)
			return true;
	return false;
}

static bool is_tunnel(const struct guess *g, __u32 index)
{
	for (size_t i = 0; i < g->im->devices.n; i++)
		if (!strcmp(g->im->devices.list[i].name, live_name(g->r, index)))
			return true;
	return false;
}

/* Returns how well an interface suits as the way to a backend. A public IPv4 address is rather
 * behind a wan. The AllowedIPs of a tunnel have routes, so it leads to no other backend. */
static int suits(const struct guess *g, const struct forwarding *f)
{
	bool stand_in = f->out == g->links[g->n_links - 1];

	if (f->to.family == FAMILY_IPV4 && !f->direct && !is_private(&f->to))
		return f->out == f->in ? 4 : stand_in ? 1 : is_wan(g, f->out) ? 0 : 3;
	return is_wan(g, f->out) || is_tunnel(g, f->out) ? 0 : stand_in ? 1 : f->masquerade ? 2 : 3;
}

/* Routes the network of a backend over an interface. */
static void choose_way(struct guess *g, const struct address *to)
{
	struct prefix near = address_prefix(to), own = near;
	const struct forwarding *best = NULL;
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < g->n; i++)
		if (address_equal(&g->list[i].to, to) && is_wan(g, g->list[i].in) &&
		    (!best || suits(g, &g->list[i]) > suits(g, best)))
			best = &g->list[i];
	if (!best || is_wan(g, best->out) || live_is_local(g->r, to))
		return;
	near.len = to->family == FAMILY_IPV6 ? 64 : is_private(to) ? 24 : 32;
	prefix_clear_host(&near);
	room_route(best->out, &near, false, true);
	room_route(best->out, &own, false, true);
	fprintf(g->said, "; %s leads to %s", best->out == g->links[g->n_links - 1] ?
		"another interface" : live_name(g->r, best->out), address_format(to, text));
}

static void choose_ways(struct guess *g)
{
	for (size_t i = 0; i < g->n; i++) {
		bool done = false;

		for (size_t k = 0; k < i; k++)
			done |= address_equal(&g->list[k].to, &g->list[i].to);
		if (!done)
			choose_way(g, &g->list[i].to);
	}
}

void green_face(const struct import *im, __u32 wan)
{
	if (im->assumed)
		turn(wan, wan);
}

void green_assume(struct green *green)
{
	struct guess g = { .im = green->im, .r = green->im->rehearsal,
			   .text = green->text ?: "" };
	size_t size;

	g.said = text_open(&g.im->assumed, &size);
	for (size_t i = 0; i < green->n_names; i++) {
		__u32 index = live_index(g.r, green->names[i]);

		if (index)
			g.links[g.n_links++] = index;
	}
	try_all(&g);
	choose_wans(&g);
	for (size_t i = 0; i < g.n_wans; i++) {
		fprintf(g.said, "%sclients arrive on %s", i ? "; " : "", live_name(g.r, g.wans[i]));
		for (size_t k = 0; k < g.r->n_links; k++)
			g.r->links[k].gateway |= g.r->links[k].index == g.wans[i];
	}
	choose_ways(&g);
	fclose(g.said);
	free(g.list);
}
