/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Assigns prefixes, numbers and addresses to a topology's hosts: from the file, else from earlier
 * runs, else the first free one.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include "gen/topology_keys.h"
#include "gen/topology_state.h"
#include "lib/grow.h"
#include "lib/memory.h"

/* First token of a server, SUBNET::TOKEN. Edge routers have lower numbers, from SUBNET::1. */
#define FIRST_TOKEN 0x10
#define FIRST_CLIENT 2			/* first number of a client; the gateway has number 1 */
/* Offset of the sites' addresses, TUNNELS::1:SUBNET. A single relay is at TUNNELS::1; several are
 * at TUNNELS::102:1, ::102:2, ::103:1 … */
#define SITES_TUNNELS 0x10000
#define TRIES 64			/* number of random prefixes to try, until one is free */

/* ---- errors ---- */

static int __attribute__((format(printf, 3, 4))) clash(const struct topology *t,
						       struct topology_place at, const char *format,
						       ...)
{
	va_list args;

	fprintf(stderr, "%s:%d:%d: error: ", t->file, at.line, at.column);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
	return -EINVAL;
}

/* ---- prefixes ---- */

/* Returns the name of a prefix or host that overlaps p, except p itself. Returns NULL if there is
 * none. */
static const char *meets(const struct topology *t, const struct prefix *p)
{
	const char *whole = topology_whole_meets(t, p);

	if (whole)
		return whole;
	for_each_host(h, t)
		if (topology_host_meets(h, p))
			return h->name;
	return NULL;
}

/* Makes a random ULA prefix: fd and 40 random bits (RFC 4193). */
static int make_ula(const struct topology *t, struct topology_state *s, __u8 len,
		    struct prefix *p)
{
	struct prefix one = { .addr.b = { 0xfd }, .family = FAMILY_IPV6, .len = len };

	for (int i = 0; i < TRIES; i++) {
		if (s->random ? s->random(one.addr.b + 1, 5) : getrandom(one.addr.b + 1, 5, 0) != 5)
			return -EIO;
		if (!meets(t, &one)) {
			s->made = true;
			*p = one;
			return 0;
		}
	}
	fprintf(stderr, "%s: error: found no unused ULA prefix: add overlay:, tunnels: and mesh: "
			"with prefixes of your own\n", t->file);
	return -EINVAL;
}

/* Sets *p, unless the file gives it, to the earlier run's prefix *kept, or else to a random one. */
static int assign_prefix(const struct topology *t, struct topology_state *s, __u8 len,
			 const char *name, struct prefix *p, struct prefix *kept)
{
	char text[ADDRESS_STRLEN];
	int r = 0;

	if (!p->family && kept->family) {
		const char *other = meets(t, kept);

		if (other)
			return clash(t, (struct topology_place){ 1, 1 },
				     "%s: %s overlaps with %s from an earlier run: write another "
				     "prefix for it, or one for %s:", name, other,
				     prefix_format(kept, text), name);
		*p = *kept;
	}
	if (!p->family)
		r = make_ula(t, s, len, p);
	*kept = *p;
	return r;
}

static bool has_role(const struct topology *t, enum topology_role role)
{
	for_each_host(h, t)
		if (h->role == role)
			return true;
	return false;
}

static int assign_prefixes(struct topology *t, struct topology_state *s)
{
	int r = 0;

	if (has_role(t, ROLE_RELAY)) {
		r = assign_prefix(t, s, 48, "overlay", &t->overlay, &s->overlay);
		t->policy.overlay = t->overlay;
		if (!r)
			r = assign_prefix(t, s, 64, "tunnels", &t->tunnels, &s->tunnels);
	}
	if (!r && !t->no_mesh && has_role(t, ROLE_SERVER))
		r = assign_prefix(t, s, 64, "mesh", &t->mesh, &s->mesh);
	return r;
}

static struct address in_prefix(const struct prefix *p, __u64 number)
{
	struct address a = { .addr = p->addr, .family = p->family };

	a.addr.q[1] |= htobe64(number);
	return a;
}

/* ---- numbers ---- */

struct numbered {	/* a host or site that gets a number, which is unique in its scope */
	const char *scope, *name, *key;
	struct topology_place place;
	bool given;
	unsigned int number, first, last;	/* last: the largest number that fits */
	const struct topology_host *gateway;	/* gateway of a client; NULL: it is no client */
};

/* Returns whether an address with this number is the gateway's own: its network may be the prefix
 * of its link (proxy-ndp). */
static bool is_own(const struct topology_host *gateway, unsigned int number)
{
	for (size_t i = 0; gateway && i < gateway->n_networks; i++) {
		struct address a = in_prefix(&gateway->networks[i], number);

		if (address_find(gateway->addresses, gateway->n_addresses, &a) <
		    gateway->n_addresses || address_equal(&a, &gateway->exit.snat4) ||
		    address_equal(&a, &gateway->exit.snat6))
			return true;
	}
	return false;
}

static const struct numbered *find_kept(const struct numbered *list, size_t n,
					const struct topology_kept *k)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(list[i].name, k->name) && !strcasecmp(list[i].scope, k->scope))
			return &list[i];
	return NULL;
}

/* Gives the number in the file to a host or site. It takes the number away from a host that is no
 * longer in the topology, but not from one in the topology without a number in the file. */
static int claim(const struct topology *t, struct topology_state *s, const struct numbered *list,
		 size_t n, const struct numbered *one)
{
	struct topology_kept *other = topology_keeper(s, one->scope, one->number), *own;
	const struct numbered *keeper = other ? find_kept(list, n, other) : NULL;

	if (keeper && keeper != one && !keeper->given)
		return clash(t, one->place, "%s: an earlier run gave %x to %s: write another "
			     "number here or there", one->key, one->number, keeper->name);
	if (other && keeper != one)
		topology_forget(s, other);
	own = topology_kept(s, one->scope, one->name);
	if (own)
		own->number = one->number;
	else
		topology_keep(s, one->scope, one->name, one->number);
	return 0;
}

/* Gives a host or site its number of the earlier run, or else the first free one from `from` on. */
static int keep_or_find(const struct topology *t, struct topology_state *s, struct numbered *one,
			unsigned int from)
{
	const struct topology_kept *kept = topology_kept(s, one->scope, one->name);

	one->number = kept ? kept->number : from;
	while (!kept && one->number <= one->last &&
	       (topology_keeper(s, one->scope, one->number) || is_own(one->gateway, one->number)))
		one->number++;
	if (one->number > one->last)
		return clash(t, one->place, "%s: '%s' would have number %u, but the prefix has "
			     "only %u: write a shorter prefix, or forget old hosts", one->key,
			     one->name, one->number, one->last);
	if (!kept)
		topology_keep(s, one->scope, one->name, one->number);
	return 0;
}

/* Forgets the number of a client whose address the gateway has had itself since an earlier run. */
static void forget_own(struct topology_state *s, const struct numbered *one)
{
	struct topology_kept *kept = topology_kept(s, one->scope, one->name);

	if (kept && !one->given && is_own(one->gateway, kept->number))
		topology_forget(s, kept);
}

static int assign_numbers(const struct topology *t, struct topology_state *s, struct numbered *list,
			  size_t n)
{
	const struct numbered *before = NULL;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		if (list[i].given)
			r = claim(t, s, list, n, &list[i]);
	for (size_t i = 0; !r && i < n; i++)
		forget_own(s, &list[i]);
	for (size_t i = 0; !r && i < n; i++)
		if (!list[i].given && topology_kept(s, list[i].scope, list[i].name))
			r = keep_or_find(t, s, &list[i], 0);
	for (size_t i = 0; !r && i < n; i++) {
		struct numbered *one = &list[i];

		if (one->given || topology_kept(s, one->scope, one->name))
			continue;
		r = keep_or_find(t, s, one, before && before->first == one->first &&
				 !strcmp(before->scope, one->scope) ? before->number + 1 :
				 one->first);
		before = one;
	}
	return r;
}

static struct prefix site_prefix(const struct prefix *overlay, unsigned int subnet)
{
	struct prefix p = { .addr = overlay->addr, .family = overlay->family, .len = 64 };

	p.addr.q[0] |= htobe64(subnet);
	return p;
}

/* Notes the prefixes of the run before. */
static void note_former(struct topology *t, const struct topology_state *s)
{
	for (size_t i = 0; i < t->n_sites; i++) {
		const struct topology_kept *k = topology_kept(s, SCOPE_SITES, t->sites[i].name);

		if (k && s->overlay.family)
			t->sites[i].former = site_prefix(&s->overlay, k->number);
	}
}

/* Forgets the former prefix if it is the site's prefix, or another site's. */
static void forget_former(const struct topology *t, struct topology_site *site)
{
	if (prefix_meets(&site->former, &site->prefix))
		site->former.family = 0;
	for (size_t i = 0; site->former.family && i < t->n_sites; i++)
		if (prefix_meets(&site->former, &t->sites[i].prefix))
			site->former.family = 0;
}

/* Assigns the sites' numbers in tunnels and mesh, which stay when the subnets change. */
static int assign_ends(struct topology *t, struct topology_state *s, struct numbered *list)
{
	int r;

	for (size_t i = 0; i < t->n_sites; i++)
		list[i] = (struct numbered){ SCOPE_ENDS, t->sites[i].name, "subnet",
					     t->sites[i].place, .first = t->sites[i].subnet,
					     .last = TOPOLOGY_NUMBER_MAX };
	r = assign_numbers(t, s, list, t->n_sites);
	for (size_t i = 0; i < t->n_sites; i++)
		t->sites[i].number = list[i].number;
	return r;
}

static int assign_sites(struct topology *t, struct topology_state *s)
{
	unsigned int last = t->overlay.len <= 48 ? 0xffff : 0xffff >> (t->overlay.len - 48);
	struct numbered *list = xcalloc(t->n_sites + 1, sizeof(*list));
	int r;

	for (size_t i = 0; i < t->n_sites; i++) {
		const struct topology_site *site = &t->sites[i];

		list[i] = (struct numbered){ SCOPE_SITES, site->name, "subnet", site->place,
					     site->subnet_given, site->subnet, 1, last };
	}
	r = assign_numbers(t, s, list, t->n_sites);
	for (size_t i = 0; !r && i < t->n_sites; i++) {
		struct topology_site *site = &t->sites[i];

		site->subnet = list[i].number;
		site->prefix = site_prefix(&t->overlay, site->subnet);
	}
	for (size_t i = 0; i < t->n_sites; i++)
		forget_former(t, &t->sites[i]);
	r = r ?: assign_ends(t, s, list);
	free(list);
	return r;
}

/* Returns the largest host number that has an address in every network of the gateway. The
 * broadcast address is none. */
static unsigned int room_of(const struct topology_host *gateway)
{
	unsigned int room = TOPOLOGY_NUMBER_MAX;

	for (size_t i = 0; i < gateway->n_networks; i++) {
		const struct prefix *p = &gateway->networks[i];
		unsigned int bits = (p->family == FAMILY_IPV4 ? 32 : 128) - p->len;

		if (bits < 17 && (1U << bits) - 2 < room)
			room = (1U << bits) - 2;
	}
	return room;
}

static bool number_of(const struct topology *t, const struct topology_host *h, struct numbered *ret)
{
	bool server = h->role == ROLE_SERVER, ours = server || h->role == ROLE_EDGE;

	if (h->role == ROLE_RELAY)
		*ret = (struct numbered){ h->shares ? t->shared.name : SCOPE_RELAYS,
					  h->name, "relays", h->place, false, 0, 1,
					  h->shares ? TOPOLOGY_SHARING_MAX : TOPOLOGY_NUMBER_MAX };
	else if (ours)
		*ret = (struct numbered){ t->sites[h->site].name, h->name,
					  server ? "token" : "edges", h->place, h->token_given,
					  h->token, server ? FIRST_TOKEN : 1, TOPOLOGY_NUMBER_MAX };
	else
		*ret = (struct numbered){ t->hosts[h->gateway].name, h->name, "clients", h->place,
					  false, 0, FIRST_CLIENT, room_of(&t->hosts[h->gateway]),
					  &t->hosts[h->gateway] };
	return h->role != ROLE_GATEWAY && h->role != ROLE_FIREWALL;
}

static int assign_hosts(struct topology *t, struct topology_state *s)
{
	struct numbered *list = xcalloc(t->n_hosts + 1, sizeof(*list));
	bool shared = *t->shared.name;
	size_t n = 0;
	int r;

	if (shared)
		n += number_of(t, &t->shared, &list[n]);
	for_each_host(h, t)
		n += number_of(t, h, &list[n]);
	r = assign_numbers(t, s, list, n);
	n = 0;
	if (shared)
		t->shared.number = list[n++].number;
	for (size_t i = 0; !r && i < t->n_hosts; i++) {
		struct topology_host *h = &t->hosts[i];

		if (h->role == ROLE_GATEWAY)
			h->number = 1;
		else if (h->role != ROLE_FIREWALL)
			h->number = list[n++].number;
	}
	free(list);
	return r;
}

/* ---- addresses ---- */

struct address topology_between(const struct topology *t, const struct topology_host *one,
				const struct topology_host *other)
{
	unsigned int first = one->number < other->number ? one->number : other->number,
		second = one->number ^ other->number ^ first;

	return in_prefix(&t->tunnels, (__u64)first << 24 | second << 16 | one->number);
}

static void assign_inside(struct topology_host *h, const struct topology_host *gateway)
{
	enum topology_kind other = h->direct ? NETWORK_ULA : NETWORK_GLOBAL;

	for (size_t i = 0; i < gateway->n_networks && h->n_inside < TOPOLOGY_NETWORKS; i++)
		if (h->role != ROLE_CLIENT || topology_kind(&gateway->networks[i]) != other)
			h->inside[h->n_inside++] = in_prefix(&gateway->networks[i], h->number);
}

/* Adds the gateway's own addresses to what a client sends into the tunnel. */
static void add_gateway(struct topology_host *h, const struct topology_host *gateway)
{
	bool all = !h->n_split;

	for (size_t i = 0; !all && i < gateway->n_inside; i++) {
		const struct address *a = &gateway->inside[i];
		unsigned int len = a->family == FAMILY_IPV4 ? 32 : 128;
		bool there = false, same = false;

		for (size_t j = 0; j < h->n_split; j++)
			there |= prefix_covers(&h->split[j], a);
		for (size_t j = 0; j < h->n_inside; j++)
			same |= prefix_covers(&gateway->networks[i], &h->inside[j]);
		if (same && !there)
			*append(h->split, h->n_split) = (struct prefix){ a->addr, a->family, len };
	}
}

static void assign_addresses(struct topology *t, struct topology_host *h)
{
	const struct topology_site *site = h->role == ROLE_EDGE ||
		h->role == ROLE_SERVER ? &t->sites[h->site] : NULL;

	if (h->role == ROLE_RELAY)
		h->tunnel = in_prefix(&t->tunnels, h->shares ? t->shared.number : h->number);
	if (h->role == ROLE_EDGE)
		h->tunnel = in_prefix(&t->tunnels, SITES_TUNNELS | site->number);
	if (site)
		h->lan6 = in_prefix(&site->prefix, h->number);
	if (h->role == ROLE_SERVER && t->mesh.family && !t->no_mesh)
		h->mesh = in_prefix(&t->mesh, (__u64)site->number << 16 | h->number);
	if (h->role == ROLE_GATEWAY)
		assign_inside(h, h);
	if (h->role == ROLE_CLIENT || h->role == ROLE_ROAMING) {
		assign_inside(h, &t->hosts[h->gateway]);
		add_gateway(h, &t->hosts[h->gateway]);
	}
}

int topology_assign(struct topology *t, struct topology_state *s)
{
	int r;

	note_former(t, s);
	r = assign_prefixes(t, s);
	if (!r)
		r = assign_sites(t, s);
	if (!r)
		r = assign_hosts(t, s);
	if (!r && *t->shared.name)
		assign_addresses(t, &t->shared);
	for (size_t i = 0; !r && i < t->n_hosts; i++)
		assign_addresses(t, &t->hosts[i]);
	return r;
}
