/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds contradictions in a topology: gateways and their networks, clients, roaming routers,
 * firewalls.
 */
#include <stdio.h>
#include <string.h>
#include "gen/topology_keys.h"

static const char *const kinds[] = { [NETWORK_IPV4] = "of IPv4", [NETWORK_ULA] = "that is a ULA",
				     [NETWORK_GLOBAL] = "that is global" };

static struct yaml_node *item(const struct topology_row *row, const char *key, size_t i)
{
	char path[32];

	snprintf(path, sizeof(path), "%s/%zu", key, i);
	return topology_at(row, path);
}

/* ---- networks ---- */

/* Reports if p, under key of a host, overlaps any prefix up to that host */
static void check_apart(struct topology_reading *r, size_t at, struct yaml_node *node,
			const char *key, const struct prefix *p)
{
	const struct topology *t = r->t;
	const struct prefix *const whole[] = { &t->overlay, &t->tunnels, &t->mesh };
	static const char *const names[] = { "the overlay", "the tunnels' prefix", "the mesh" };
	const char *other = NULL;
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < at; i++) {
		const struct topology_host *h = &r->rows[i].host;

		for (size_t j = 0; j < h->n_networks; j++)
			if (prefix_meets(p, &h->networks[j]))
				other = h->name;
		if (prefix_meets(p, &h->prefix))
			other = h->name;
	}
	for (int i = 0; i < 3; i++)
		if (prefix_meets(p, whole[i]))
			other = names[i];
	if (other)
		yaml_error(&r->y, node, "%s: %s has addresses of %s already: a prefix of its "
			   "own is wanted", key, other, prefix_format(p, text));
}

static void check_networks(struct topology_reading *r, size_t at)
{
	const struct topology_row *row = &r->rows[at];
	const struct topology_host *h = &row->host;
	char text[ADDRESS_STRLEN];

	if (!h->n_networks)
		yaml_error(&r->y, topology_at(row, "networks"),
			   "networks: one is missing, as [ 10.200.200.0/24, \"fd42:42:42::/64\" ]");
	for (size_t i = 0; i < h->n_networks; i++) {
		const struct prefix *p = &h->networks[i];

		if (p->len > (p->family == FAMILY_IPV4 ? 30 : 112))
			yaml_error(&r->y, item(row, "networks", i),
				   "networks: %s is too narrow: /%d or shorter is wanted",
				   prefix_format(p, text), p->family == FAMILY_IPV4 ? 30 : 112);
		if (topology_network(h, topology_kind(p)) != p)
			yaml_error(&r->y, item(row, "networks", i), "networks: %s is a second one "
				   "%s: one of IPv4, one ULA and one global one are wanted",
				   prefix_format(p, text), kinds[topology_kind(p)]);
		check_apart(r, at, item(row, "networks", i), "networks", p);
	}
	for (size_t i = 0; i < h->n_home; i++)
		for (size_t j = 0; j < h->n_networks; j++)
			if (prefix_meets(&h->home[i], &h->networks[j]))
				yaml_error(&r->y, item(row, "home", i), "home: %s is inside of "
					   "the tunnels by networks: what lies behind %s is wanted",
					   prefix_format(&h->home[i], text), h->name);
}

/* ---- gateways ---- */

static void lacks(struct topology_reading *r, const struct topology_row *row, const char *path,
		  enum topology_kind kind, const struct topology_host *gateway)
{
	const char *slash = strrchr(path, '/');

	if (!topology_network(gateway, kind))
		yaml_error(&r->y, topology_at(row, path), "%s: for that networks: of '%s' "
			   "lacks one %s", slash ? slash + 1 : path, gateway->name, kinds[kind]);
}

static void check_exit(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_exit *e = &row->host.exit;

	if (e->masquerade4 || e->snat4.family)
		lacks(r, row, "exit/ipv4", NETWORK_IPV4, &row->host);
	if (e->masquerade6 || e->snat6.family)
		lacks(r, row, "exit/ipv6", NETWORK_ULA, &row->host);
	if (e->proxy_ndp)
		lacks(r, row, "exit/proxy-ndp", NETWORK_GLOBAL, &row->host);
	if (e->open)
		lacks(r, row, "exit/inbound", NETWORK_GLOBAL, &row->host);
}

/* Whether clients have an endpoint to write */
static bool is_found(const struct topology_reading *r, size_t at)
{
	bool found = *r->t->domain || r->rows[at].host.n_addresses;

	for (size_t i = 0; i < r->n_rows; i++)
		found |= r->rows[i].host.role == ROLE_FIREWALL && r->rows[i].host.gateway == at &&
			r->rows[i].host.n_addresses;
	return found;
}

static void check_gateway(struct topology_reading *r, size_t at)
{
	const struct topology_row *row = &r->rows[at];

	check_networks(r, at);
	check_exit(r, row);
	if (!is_found(r, at))
		yaml_error(&r->y, row->node, "gateways: clients cannot find '%s': addresses: are "
			   "wanted here, or, at the top, domain: example.net", row->host.name);
	if (*row->host.lan && !row->host.n_home)
		yaml_error(&r->y, topology_at(row, "lan"),
			   "lan: what lies behind it is missing, as home: [ 192.168.1.0/24 ]");
}

static void check_client(struct topology_reading *r, const struct topology_row *row)
{
	if (topology_said(row, "ipv6"))
		lacks(r, row, "ipv6", row->host.direct ? NETWORK_GLOBAL : NETWORK_ULA,
		      &r->rows[row->host.gateway].host);
	if (topology_said(row, "split") && !row->host.n_split)
		yaml_error(&r->y, topology_at(row, "split"), "split: a prefix is missing, as [ "
			   "192.168.1.0/24 ]; for everything leave it out");
}

/* ---- firewalls ---- */

static void check_dnat(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host, *gateway = &r->rows[h->gateway].host;

	if (!*h->lan)
		yaml_error(&r->y, row->node, "firewalls: with nat: dnat the way to '%s' is "
			   "missing, as lan: eth1", gateway->name);
	if (!h->backend4.family)
		yaml_error(&r->y, topology_at(row, "backend"),
			   "firewalls: with nat: dnat the address of IPv4 that '%s' has in the LAN "
			   "is wanted, as backend: 192.168.1.10", gateway->name);
	if (h->ipv6 == IPV6_DNAT && !h->backend6.family)
		yaml_error(&r->y, topology_at(row, "ipv6"), "ipv6: dnat: '%s' has no address of "
			   "IPv6: one is wanted under addresses: there, or under backend: here",
			   gateway->name);
	if (h->ipv6 == IPV6_DIRECT && !h->backend6.family && !*r->t->domain)
		yaml_error(&r->y, topology_at(row, "ipv6"), "ipv6: direct: '%s' has neither "
			   "an address of IPv6 nor a name: addresses: there, backend: here, or "
			   "domain: at the top is wanted", gateway->name);
}

static void check_masquerade(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host, *gateway = &r->rows[h->gateway].host;

	if (topology_said(row, "ipv6") && h->ipv6 != IPV6_OFF)
		yaml_error(&r->y, topology_at(row, "ipv6"), "ipv6: with nat: masquerade clients of "
			   "both families are served: only off, for IPv4 alone, means something");
	if (h->lan_address.family)
		yaml_error(&r->y, topology_at(row, "lan-address"),
			   "lan-address: it is for nat: dnat");
	if (!h->backend4.family && !h->backend6.family && !*r->t->domain)
		yaml_error(&r->y, row->node, "firewalls: '%s' has neither an address nor a "
			   "name: addresses: there, backend: here, or domain: at the top is wanted",
			   gateway->name);
}

static void check_firewall(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host;

	if (!h->n_addresses && !*r->t->domain)
		yaml_error(&r->y, row->node, "firewalls: clients cannot find '%s': addresses: are "
			   "wanted here, or, at the top, domain: example.net", h->name);
	if (h->nat == NAT_MASQUERADE)
		check_masquerade(r, row);
	else
		check_dnat(r, row);
}

void topology_check_gateways(struct topology_reading *r)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct topology_row *row = &r->rows[i];

		if (row->host.role == ROLE_GATEWAY)
			check_gateway(r, i);
		if (row->host.role == ROLE_CLIENT || row->host.role == ROLE_ROAMING)
			check_client(r, row);
		if (row->host.role == ROLE_ROAMING)
			check_apart(r, i, topology_at(row, "prefix"), "prefix", &row->host.prefix);
		if (row->host.role == ROLE_FIREWALL)
			check_firewall(r, row);
	}
}
