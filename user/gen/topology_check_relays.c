/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds contradictions in a topology: relays, a single one or several that share a key, a name and
 * an address.
 */
#include <arpa/inet.h>
#include <string.h>
#include "gen/topology_keys.h"

/* the ports above are for tunnels between relays */
#define PORT_MOST (65535 - TOPOLOGY_SHARING_MAX)

static void check_blind(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host;
	unsigned int n4 = 0;

	for (size_t i = 0; i < h->n_addresses; i++)
		n4 += h->addresses[i].family == FAMILY_IPV4;
	if (n4 > 1 || h->n_addresses - n4 > 1)
		yaml_error(&r->y, topology_at(row, "addresses"), "addresses: a blind relay has one "
			   "of each family: a site is where its packets for that one come from");
	if (r->n_sites >= BLIND_SITES_MAX)
		yaml_error(&r->y, topology_at(row, "blind"), "blind: %zu sites: a blind relay "
			   "joins %d at most", r->n_sites, BLIND_SITES_MAX - 1);
}

static void check_sharing(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host, *shared = &r->t->shared;

	if (h->blind)
		yaml_error(&r->y, topology_at(row, "blind"),
			   "blind: with relays-share: not supported: what relays tell each other "
			   "about sites is where they decrypt");
	if (h->key_given)
		yaml_error(&r->y, topology_at(row, "public-key"),
			   "public-key: with relays-share: all relays have one: it belongs there");
	if (!h->n_addresses)
		yaml_error(&r->y, row->node, "relays: addresses: of '%s' are wanted: '%s' is found "
			   "by those of all relays", h->name, shared->name);
	if (h->port != shared->port)
		yaml_error(&r->y, topology_at(row, "port"), "port: with relays-share: all relays "
			   "have one: sites send to the same port of each");
	if (ntohs(h->port) > PORT_MOST)
		yaml_error(&r->y, topology_at(row, "port"), "port: with relays-share: up to %d: "
			   "the ports behind it are those of tunnels between relays", PORT_MOST);
	if (!strncmp(h->interface, TOPOLOGY_BETWEEN, strlen(TOPOLOGY_BETWEEN)))
		yaml_error(&r->y, topology_at(row, "interface"), "interface: '%s' is a tunnel "
			   "between relays: what carries it is wanted, as eth0", h->interface);
}

void topology_check_relays(struct topology_reading *r)
{
	const struct topology *t = r->t;
	struct yaml_node *share = yaml_by_path(yaml_root(&r->y), "/relays-share");

	for (size_t i = 0; i < r->n_rows && r->rows[i].host.role == ROLE_RELAY; i++) {
		const struct topology_row *row = &r->rows[i];

		if (!row->host.shares && !row->host.n_addresses && !*t->domain)
			yaml_error(&r->y, row->node, "relays: sites cannot find '%s': addresses: "
				   "are wanted here, or, at the top, domain: example.net",
				   row->host.name);
		if (row->host.shares)
			check_sharing(r, row);
		else if (i)
			yaml_error(&r->y, row->node, "relays: a second one: sites know several by "
				   "one name: at the top, relays-share: { name: … }");
		else if (row->host.blind)
			check_blind(r, row);
	}
	if (!share)
		return;
	if (!*t->domain)
		yaml_error(&r->y, share,
			   "relays-share: a name is missing: at the top, domain: example.net");
	if (!r->n_rows || r->rows[0].host.role != ROLE_RELAY)
		yaml_error(&r->y, share, "relays-share: relays are missing: relays: [ { name: r1, "
			   "interface: eth0, addresses: … }, … ]");
}
