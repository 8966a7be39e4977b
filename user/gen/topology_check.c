/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds contradictions in a topology: names, keys, addresses and links of all hosts; sites.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "gen/topology_keys.h"

#define NAME_WHOLE 253			/* the longest name in DNS */

static struct yaml_node *top(struct topology_reading *r, const char *path)
{
	return yaml_by_path(yaml_root(&r->y), path);
}

/* ---- names and keys of all ---- */

struct named {
	const char *name;
	const struct topology_row *row;
	struct wg_key key;
	size_t order;			/* in the source */
};

static int by_name(const void *one, const void *other)
{
	const struct named *a = one, *b = other;
	int r = strcasecmp(a->name, b->name);

	return r ?: a->order < b->order ? -1 : a->order > b->order;
}

static int by_key(const void *one, const void *other)
{
	const struct named *a = one, *b = other;
	int r = wg_key_compare(&a->key, &b->key);

	return r ?: a->order < b->order ? -1 : a->order > b->order;
}

/* Hosts, sites and the relays' shared name in one list: keys are filed under these names */
static struct named *all_named(struct topology_reading *r, const struct topology_row *shared,
			       size_t *ret_n)
{
	size_t n = r->n_rows + r->n_sites, more = *shared->host.name ? 1 : 0;
	struct named *list = calloc(n + 1, sizeof(*list));

	*ret_n = list ? n + more : 0;
	r->y.no_memory |= !list;
	for (size_t i = 0; i < *ret_n; i++) {
		bool host = i < r->n_rows || i == n;
		const struct topology_row *row = i == n ? shared : host ? &r->rows[i] :
			&r->sites[i - r->n_rows];

		list[i].name = host ? row->host.name : row->site.name;
		list[i].row = row;
		list[i].key = !host ? row->site.public_key :
			row->host.mesh_key_given ? row->host.mesh_key : row->host.public_key;
		list[i].order = topology_at(row, "name")->at;
	}
	return list;
}

static void check_length(struct topology_reading *r, const struct named *one)
{
	if (*r->t->domain && strlen(one->name) + 1 + strlen(r->t->domain) > NAME_WHOLE)
		yaml_error(&r->y, topology_at(one->row, "name"), "name: %s.%s is longer than the "
			   "%d characters that DNS allows", one->name, r->t->domain, NAME_WHOLE);
}

static void check_named(struct topology_reading *r)
{
	struct topology_row shared = { .host = r->t->shared, .node = top(r, "/relays-share") };
	size_t n;
	struct named *list = all_named(r, &shared, &n);
	char text[WG_KEY_STRLEN];

	if (n)
		qsort(list, n, sizeof(*list), by_name);
	for (size_t i = 0; i < n; i++) {
		check_length(r, &list[i]);
		if (i && !strcasecmp(list[i - 1].name, list[i].name))
			yaml_error(&r->y, topology_at(list[i].row, "name"), "name: '%s' "
				   "is there already, in line %d: each host and site has its own",
				   list[i].name, topology_at(list[i - 1].row, "name")->line + 1);
	}
	if (n)
		qsort(list, n, sizeof(*list), by_key);
	for (size_t i = 1; i < n; i++)
		if (!wg_key_is_none(&list[i].key) &&
		    !wg_key_compare(&list[i - 1].key, &list[i].key))
			yaml_error(&r->y, topology_at(list[i].row, "public-key"),
				   "public-key: %s is %s's already: each has its own",
				   wg_key_format(&list[i].key, text), list[i - 1].name);
	free(list);
}

/* ---- what every host has ---- */

static void check_link(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host;

	if (topology_said(row, "mtu") && topology_said(row, "link"))
		yaml_error(&r->y, topology_said(row, "mtu"),
			   "mtu: link: says it already: one of them has to go");
	if (*h->lan && !strcmp(h->lan, h->interface))
		yaml_error(&r->y, topology_at(row, "lan"), "lan: '%s' is %s: another interface "
			   "is wanted, a VLAN of it perhaps, as %s.10", h->lan,
			   h->role == ROLE_GATEWAY ? "the interface: already" : "the wan", h->lan);
}

static void check_ddns(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology *t = r->t;

	if (!row->host.ddns)
		return;
	if (!t->has_ddns)
		yaml_error(&r->y, topology_at(row, "ddns"),
			   "ddns: who is told is missing: at the top, ddns: { provider: … }");
	if (!*t->domain)
		yaml_error(&r->y, topology_at(row, "ddns"),
			   "ddns: a name is missing: at the top, domain: example.net");
	else if (t->has_ddns && *t->ddns.zone && !ddns_in_zone(t->domain, t->ddns.zone))
		yaml_error(&r->y, topology_at(row, "ddns"), "ddns: %s is no domain of the zone %s, "
			   "which provider: writes", t->domain, t->ddns.zone);
}

static void check_addresses(struct topology_reading *r, size_t at)
{
	const struct topology_host *h = &r->rows[at].host;
	char path[32], text[ADDRESS_STRLEN];

	for (size_t i = 0; i < h->n_addresses; i++)
		for (size_t other = 0; other < at; other++) {
			const struct topology_host *o = &r->rows[other].host;

			if (address_find(o->addresses, o->n_addresses,
					 &h->addresses[i]) == o->n_addresses)
				continue;
			snprintf(path, sizeof(path), "addresses/%zu", i);
			yaml_error(&r->y, topology_at(&r->rows[at], path),
				   "addresses: %s is %s's already: each host has its own",
				   address_format(&h->addresses[i], text), o->name);
		}
}

void topology_check_hosts(struct topology_reading *r)
{
	check_named(r);
	for (size_t i = 0; i < r->n_rows; i++) {
		check_link(r, &r->rows[i]);
		check_ddns(r, &r->rows[i]);
		check_addresses(r, i);
	}
}

/* ---- sites ---- */

static void check_mesh(struct topology_reading *r)
{
	const struct topology *t = r->t;
	__u16 port = ntohs(t->mesh_port);

	if (port < t->mesh_ports_first || port > t->mesh_ports_last)
		yaml_error(&r->y, top(r, "/mesh/port"), "port: %u is none of %u-%u, the ports that "
			   "relays let pass", port, t->mesh_ports_first, t->mesh_ports_last);
	for (size_t i = 0; t->no_mesh && i < r->n_rows; i++)
		if (r->rows[i].host.mesh_key_given)
			yaml_error(&r->y, topology_at(&r->rows[i], "public-key"),
				   "public-key: with mesh: off a server has no tunnel, and no key");
}

/* Overlay, tunnels and mesh must not overlap */
static void check_prefixes(struct topology_reading *r)
{
	const struct topology *t = r->t;
	const struct prefix *const list[] = { &t->overlay, &t->tunnels, &t->mesh };
	static const char *const paths[] = { "/overlay", "/tunnels", "/mesh/prefix" };
	char text[2][ADDRESS_STRLEN];

	for (int i = 1; i < 3; i++)
		for (int j = 0; j < i; j++)
			if (prefix_meets(list[i], list[j]))
				yaml_error(&r->y, top(r, paths[i]), "%s: %s and the %s, %s, have "
					   "addresses in common: a prefix of its own is wanted",
					   strrchr(paths[i], '/') + 1,
					   prefix_format(list[i], text[0]), j ? "tunnels" :
					   "overlay", prefix_format(list[j], text[1]));
}

static void check_subnet(struct topology_reading *r, const struct topology_row *row)
{
	unsigned int len = r->t->overlay.family ? r->t->overlay.len : 48,
		most = len < 48 ? 0xffff : 0xffff >> (len - 48);

	if (row->site.subnet_given && row->site.subnet > most)
		yaml_error(&r->y, topology_at(row, "subnet"), "subnet: %x has no place in an "
			   "overlay of /%u: 0 to %x is wanted", row->site.subnet, len, most);
	for (const struct topology_row *other = r->sites; row->site.subnet_given && other != row;
	     other++)
		if (other->site.subnet_given && other->site.subnet == row->site.subnet)
			yaml_error(&r->y, topology_at(row, "subnet"),
				   "subnet: %x is %s's already: each site has its own",
				   row->site.subnet, other->site.name);
}

static void check_token(struct topology_reading *r, size_t at)
{
	const struct topology_host *h = &r->rows[at].host;

	if (!h->token_given)
		return;
	for (size_t i = at;
	     i-- && r->rows[i].host.role == ROLE_SERVER && r->rows[i].host.site == h->site;)
		if (r->rows[i].host.token_given && r->rows[i].host.token == h->token)
			yaml_error(&r->y, topology_at(&r->rows[at], "token"),
				   "token: %llx is %s's already: each server of a site has its own",
				   (unsigned long long)h->token, r->rows[i].host.name);
}

void topology_check_sites(struct topology_reading *r)
{
	bool *has_edge = calloc(r->n_sites + 1, sizeof(*has_edge));

	r->y.no_memory |= !has_edge;
	for (size_t i = 0; has_edge && i < r->n_rows; i++) {
		if (r->rows[i].host.role == ROLE_EDGE)
			has_edge[r->rows[i].host.site] = true;
		check_token(r, i);
	}
	if (r->n_sites && (!r->n_rows || r->rows[0].host.role != ROLE_RELAY))
		yaml_error(&r->y, top(r, "/sites"), "sites: what joins them is missing: relays: [ "
			   "{ name: relay, interface: eth0, … } ]");
	for (size_t i = 0; has_edge && i < r->n_sites; i++) {
		if (!has_edge[i])
			yaml_error(&r->y, r->sites[i].node, "sites: '%s' has no way to the relay: "
				   "edges: [ { name: edge-%s1, wan: eth0, lan: eth1 } ] is wanted",
				   r->sites[i].site.name, r->sites[i].site.name);
		check_subnet(r, &r->sites[i]);
	}
	check_mesh(r);
	check_prefixes(r);
	free(has_edge);
}
