/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Defaults of a topology, except those of topology_assign().
 */
#include <arpa/inet.h>
#include <string.h>
#include "gen/topology_keys.h"

#define PORT 51820
#define MTU 1500
/* of a client, whose paths are unknown: leaves 1280, which every path has, inside the tunnel */
#define MTU_ANYWHERE 1360
#define MESH_PORT 58001
#define MESH_PORTS_FIRST 58000		/* what relays pass by default */
#define MESH_PORTS_LAST 60000

static const struct prefix all6 = { .family = FAMILY_IPV6 };

static void add_split(struct yaml *y, struct topology_host *h, const struct prefix *list, size_t n,
		      bool ipv4_only)
{
	struct prefix *place;

	for (size_t i = 0; i < n; i++)
		if ((!ipv4_only || list[i].family == FAMILY_IPV4) &&
		    (place = yaml_append(y, &h->split, &h->n_split, sizeof(*place))))
			*place = list[i];
}

/* Default: everything if the gateway is a way to everything. A LAN behind a roaming router gets
 * IPv6 from its gateway and keeps its own IPv4. */
static void split_of(struct yaml *y, struct topology_host *h, const struct topology_host *gateway)
{
	bool roaming = h->role == ROLE_ROAMING;

	if (!roaming && gateway->exit.there)
		return;
	add_split(y, h, gateway->networks, gateway->n_networks, roaming);
	add_split(y, h, gateway->home, gateway->n_home, roaming);
	if (roaming)
		add_split(y, h, &all6, 1, false);
}

static void client(struct yaml *y, struct topology_row *row, const struct topology_host *gateway)
{
	struct topology_host *h = &row->host;

	if (h->role == ROLE_CLIENT && !topology_said(row, "ipv6"))
		h->direct = !topology_network(gateway, NETWORK_ULA) &&
			topology_network(gateway, NETWORK_GLOBAL);
	if (!topology_said(row, "split"))
		split_of(y, h, gateway);
}

static void exit_of(const struct topology_row *row, struct topology_exit *e)
{
	if (!e->there)
		return;
	if (!topology_said(row, "exit/ipv4"))
		e->masquerade4 = topology_network(&row->host, NETWORK_IPV4);
	if (!topology_said(row, "exit/ipv6"))
		e->masquerade6 = topology_network(&row->host, NETWORK_ULA);
}

static struct address first_of(const struct topology_host *h, __u8 family)
{
	for (size_t i = 0; i < h->n_addresses; i++)
		if (h->addresses[i].family == family)
			return h->addresses[i];
	return (struct address){};
}

static void firewall(const struct topology *t, const struct topology_row *row,
		     struct topology_host *h, const struct topology_host *gateway)
{
	bool masquerade = h->nat == NAT_MASQUERADE;

	if (!h->port)
		h->port = gateway->port;
	if (masquerade && !h->backend4.family && !h->backend6.family)
		h->backend4 = first_of(gateway, FAMILY_IPV4);
	/* else its name leads there */
	if (!h->backend6.family && !gateway->ddns &&
	    (!masquerade || !topology_said(row, "backend")))
		h->backend6 = first_of(gateway, FAMILY_IPV6);
	if (!masquerade && !topology_said(row, "ipv6") && !h->backend6.family && !*t->domain)
		h->ipv6 = IPV6_OFF;
	h->forward6 = masquerade ? h->ipv6 != IPV6_OFF : h->ipv6 == IPV6_DNAT;
}

static void dns(struct yaml *y, struct topology *t)
{
	static const char *const usual[] = { "8.8.8.8", "2001:4860:4860::8888" };
	struct address *place;

	for (size_t i = 0; i < 2; i++)
		if ((place = yaml_append(y, &t->dns, &t->n_dns, sizeof(*place))))
			address_parse(usual[i], place);
}

/* Marks relays that share; check_relays() checks what each has of its own */
static void share(struct topology_reading *r)
{
	struct topology_host *shared = &r->t->shared;

	if (!*shared->name)
		return;
	shared->key_given = !wg_key_is_none(&shared->public_key);
	for (size_t i = 0; i < r->n_rows; i++) {
		struct topology_host *h = &r->rows[i].host;

		if (h->role != ROLE_RELAY)
			continue;
		h->shares = true;
		shared->port = shared->port ?: h->port;
	}
}

static void whole(struct topology_reading *r)
{
	struct topology *t = r->t;

	if (!t->keepalive)
		t->keepalive = TOPOLOGY_KEEPALIVE;
	if (!yaml_by_path(yaml_root(&r->y), "/dns"))
		dns(&r->y, t);
	if (!t->mesh_ports_first) {
		t->mesh_ports_first = MESH_PORTS_FIRST;
		t->mesh_ports_last = MESH_PORTS_LAST;
	}
	if (!t->mesh_port)
		t->mesh_port = htons(MESH_PORT >= t->mesh_ports_first &&
				     MESH_PORT <= t->mesh_ports_last ? MESH_PORT :
				     t->mesh_ports_first);
}

void topology_defaults(struct topology_reading *r)
{
	whole(r);
	for (size_t i = 0; i < r->n_rows; i++) {
		struct topology_host *h = &r->rows[i].host;

		if (!h->mtu)
			h->mtu = h->role == ROLE_CLIENT ? MTU_ANYWHERE : MTU;
		if (!h->port && (h->role == ROLE_RELAY || h->role == ROLE_GATEWAY))
			h->port = htons(PORT);
		if (h->role == ROLE_GATEWAY)
			exit_of(&r->rows[i], &h->exit);
		if (h->role == ROLE_CLIENT || h->role == ROLE_ROAMING)
			client(&r->y, &r->rows[i], &r->rows[h->gateway].host);
		if (h->role == ROLE_FIREWALL)
			firewall(r->t, &r->rows[i], h, &r->rows[h->gateway].host);
	}
	share(r);
}
