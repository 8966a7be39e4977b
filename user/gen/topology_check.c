/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds contradictions in a topology.
 */
#include <arpa/inet.h>
#include <string.h>
#include "gen/topology_keys.h"
#include "lib/memory.h"

#define NAME_WHOLE 253			/* length of the longest name in DNS */
/* Highest port of the relays, because the ports above it are for tunnels between relays. */
#define PORT_MOST (65535 - TOPOLOGY_SHARING_MAX)

#define ITEM_PATH 32
static const char *item_path(char ret[ITEM_PATH], const char *key, size_t i)
{
	snprintf(ret, ITEM_PATH, "%s/%zu", key, i);
	return ret;
}

/* ---- names and keys of all ---- */

struct named {
	const char *name;
	const struct topology_row *row;
	struct wg_key key;
	size_t order;			/* number of the host or site in the order of the file */
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

/* Lists hosts, sites and the name of topology.shared together. Their names must all differ, because
 * keys are stored under these names. */
static struct named *all_named(struct topology_reading *r, const struct topology_row *shared,
			       size_t *ret_n)
{
	size_t n = r->n_rows + r->n_sites, more = *shared->host.name ? 1 : 0;
	struct named *list = xcalloc(n + 1, sizeof(*list));

	*ret_n = n + more;
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

static void check_named(struct topology_reading *r)
{
	struct topology_row shared = { .host = r->t->shared,
				       .node = yaml_by_path(yaml_root(&r->y), "/relays-share") };
	size_t n, domain = strlen(r->t->domain);
	struct named *list = all_named(r, &shared, &n);
	char text[WG_KEY_STRLEN];

	qsort(list, n, sizeof(*list), by_name);
	for (size_t i = 0; i < n; i++) {
		if (domain && strlen(list[i].name) + 1 + domain > NAME_WHOLE)
			topology_error(r, list[i].row, "name",
				"%s.%s is longer than the %d characters that DNS allows: shorten "
				"it", list[i].name, r->t->domain, NAME_WHOLE);
		if (i && !strcasecmp(list[i - 1].name, list[i].name))
			topology_error(r, list[i].row, "name",
				"the name '%s' is also in line %d: give each host and site its own",
				list[i].name, topology_at(list[i - 1].row, "name")->line + 1);
	}
	qsort(list, n, sizeof(*list), by_key);
	for (size_t i = 1; i < n; i++)
		if (!wg_key_is_none(&list[i].key) &&
		    !wg_key_compare(&list[i - 1].key, &list[i].key))
			topology_error(r, list[i].row, "public-key",
				       "%s is also the key of %s: give each host its own",
				       wg_key_format(&list[i].key, text), list[i - 1].name);
	free(list);
}

/* ---- what every host has ---- */

static void check_link(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host;

	if (topology_said(row, "mtu") && topology_said(row, "link"))
		topology_error(r, row, "mtu", "link: says the MTU already: remove one of the two "
					      "keys");
	if (*h->lan && !strcmp(h->lan, h->interface))
		topology_error(r, row, "lan", "interface '%s' is also given as %s: name another "
					      "interface, or a VLAN on it, such as %s.10", h->lan,
			       h->role == ROLE_GATEWAY ? "interface" : "wan", h->lan);
}

static void check_ddns(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology *t = r->t;

	if (!row->host.ddns)
		return;
	if (!t->has_ddns)
		topology_error(r, row, "ddns", "no provider is given that writes the names: add "
			       "ddns: { provider: … } at the top of the file");
	if (!*t->domain)
		topology_error(r, row, "ddns", "the domain for the name is missing: add domain: "
			       "example.net at the top of the file");
	else if (t->has_ddns && *t->ddns.zone && !ddns_in_zone(t->domain, t->ddns.zone))
		topology_error(r, row, "ddns", "%s is not in the zone %s of provider: correct one "
					       "of the two", t->domain, t->ddns.zone);
}

static void check_addresses(struct topology_reading *r, size_t at)
{
	const struct topology_host *h = &r->rows[at].host;
	char path[ITEM_PATH], text[ADDRESS_STRLEN];

	for (size_t i = 0; i < h->n_addresses; i++)
		for (size_t other = 0; other < at; other++) {
			const struct topology_host *o = &r->rows[other].host;

			/* Edge routers behind different NATs may have the same addresses. */
			if (h->role == ROLE_EDGE || o->role == ROLE_EDGE ||
			    address_find(o->addresses, o->n_addresses,
					 &h->addresses[i]) == o->n_addresses)
				continue;
			item_path(path, "addresses", i);
			topology_error(r, &r->rows[at], path,
				       "%s is also an address of %s: give each host its own",
				       address_format(&h->addresses[i], text), o->name);
		}
}

/* ---- sites ---- */

/* Returns whether a list has two addresses of one family. */
static bool has_two(const struct address *list, size_t n)
{
	return n > 2 || (n == 2 && list[0].family == list[1].family);
}

static bool is_blind(const struct topology_reading *r)
{
	return r->n_rows && r->rows->host.blind;
}

static void check_mesh(struct topology_reading *r)
{
	const struct topology *t = r->t;
	const struct port_range *ports = t->policy.udp_ports;
	__u16 port = ntohs(t->mesh_port);

	if (!t->no_mesh && (port < ports->first || port > ports->last))
		topology_error(r, NULL, "mesh/port", "relays do not let port %u pass: write one "
			       "from %u to %u", port, ports->first, ports->last);
	if (t->no_mesh && r->n_sites && !is_blind(r) && !t->policy.n_tcp_ports)
		topology_error(r, NULL, "mesh", "no TCP would pass, because relays let only "
			       "ICMPv6 pass: remove mesh: off, or add policy: { "
			       "tcp-ports: [ 22 ] }, or blind: true to the relays");
	if (is_blind(r) && t->policy.n_tcp_ports)
		topology_error(r, NULL, "policy", "blind relays let through every packet between "
			       "sites: remove policy");
	for (size_t i = 0; t->no_mesh && i < r->n_rows; i++)
		if (r->rows[i].host.mesh_key_given)
			topology_error(r, &r->rows[i], "public-key", "with mesh: off, a server has "
				       "no tunnel of its own: remove this key");
}

/* Checks that overlay, tunnels and mesh do not overlap. */
static void check_prefixes(struct topology_reading *r)
{
	const struct topology *t = r->t;
	const struct prefix *const list[] = { &t->overlay, &t->tunnels, &t->mesh };
	static const char *const paths[] = { "overlay", "tunnels", "mesh/prefix" };
	char text[2][ADDRESS_STRLEN];

	for (int i = 1; i < 3; i++)
		for (int j = 0; j < i; j++)
			if (prefix_meets(list[i], list[j]))
				topology_error(r, NULL, paths[i],
					"%s overlaps with the %s %s: write a prefix of its own",
					       prefix_format(list[i], text[0]), j ? "tunnels" :
					       "overlay", prefix_format(list[j], text[1]));
}

static void check_subnet(struct topology_reading *r, const struct topology_row *row)
{
	unsigned int len = r->t->overlay.family ? r->t->overlay.len : 48,
		most = len < 48 ? 0xffff : 0xffff >> (len - 48);

	if (row->site.subnet_given && row->site.subnet > most)
		topology_error(r, row, "subnet", "%x does not fit into the overlay, because a /%u "
			       "has %u subnets: write 0 to %x, or a larger overlay",
			       row->site.subnet, len, most + 1, most);
	for (const struct topology_row *other = r->sites; row->site.subnet_given && other != row;
	     other++)
		if (other->site.subnet_given && other->site.subnet == row->site.subnet)
			topology_error(r, row, "subnet", "%x is also the subnet of %s: give each "
				       "site its own", row->site.subnet, other->site.name);
}

static void check_token(struct topology_reading *r, size_t at)
{
	const struct topology_host *h = &r->rows[at].host;

	if (!h->token_given)
		return;
	for (size_t i = at;
	     i-- && r->rows[i].host.role == ROLE_SERVER && r->rows[i].host.site == h->site;)
		if (r->rows[i].host.token_given && r->rows[i].host.token == h->token)
			topology_error(r, &r->rows[at], "token",
				       "%x is also the token of %s: give each server of a site its "
				       "own", h->token, r->rows[i].host.name);
}

static void check_ipv4(struct topology_reading *r, const struct topology_row *row, size_t edges)
{
	const struct prefix *p = &row->site.ipv4;
	char text[2][ADDRESS_STRLEN];

	if (!p->family)
		return;
	if (!is_blind(r))
		topology_error(r, row, "ipv4", "only blind relays carry IPv4 between sites: remove "
			       "this key, or add blind: true to the relays");
	if (edges > 1)
		topology_error(r, row, "ipv4", "site '%s' has %zu edge routers, and hosts of an "
			       "IPv4 LAN know one of them: remove the others, or this key",
			       row->site.name, edges);
	for (const struct topology_row *other = r->sites; other != row; other++)
		if (prefix_meets(&other->site.ipv4, p))
			topology_error(r, row, "ipv4", "%s of site '%s' overlaps with %s of site "
				       "'%s': give one of the two LANs other addresses",
				       prefix_format(p, text[0]), row->site.name,
				       prefix_format(&other->site.ipv4, text[1]), other->site.name);
}

/* Checks the addresses and next hops of an edge router. */
static void check_edge(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host;
	const __u8 families[] = { FAMILY_IPV4, FAMILY_IPV6 };

	for (int i = 0; i < 2; i++)
		if (!topology_address(h, families[i]) != !topology_gateway(h, families[i]))
			topology_error(r, row, "gateway", "IPv%d has only one of an address and "
				       "the next hop of the default route: add the other one",
				       i ? 6 : 4);
	if (has_two(h->gateways, h->n_gateways))
		topology_error(r, row, "gateway", "write one for each IP version");
	if (h->n_addresses && !strncmp(h->interface, "ppp", 3))
		topology_error(r, row, "addresses", "pppd gives '%s' its addresses: remove this "
			       "key", h->interface);
}

static void check_sites(struct topology_reading *r)
{
	size_t *edges = xcalloc(r->n_sites + 1, sizeof(*edges));

	for (size_t i = 0; i < r->n_rows; i++) {
		if (r->rows[i].host.role == ROLE_EDGE) {
			edges[r->rows[i].host.site]++;
			check_edge(r, &r->rows[i]);
		}
		check_token(r, i);
	}
	if (r->n_sites && (!r->n_rows || r->rows[0].host.role != ROLE_RELAY))
		topology_error(r, NULL, "sites", "no relay connects the sites: add relays: [ { "
						 "name: relay, interface: eth0, addresses: [ "
						 "198.51.100.1 ], port: 51820 } ]");
	for (size_t i = 0; i < r->n_sites; i++) {
		if (!edges[i])
			topology_error(r, &r->sites[i], "sites", "site '%s' has no edge router: "
				       "add edges: [ { name: edge-%s1, wan: eth0, lan: eth1 } ]",
				       r->sites[i].site.name, r->sites[i].site.name);
		check_subnet(r, &r->sites[i]);
		check_ipv4(r, &r->sites[i], edges[i]);
	}
	check_mesh(r);
	check_prefixes(r);
	free(edges);
}

/* ---- relays ---- */

static void check_blind(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host;

	if (has_two(h->addresses, h->n_addresses))
		topology_error(r, row, "addresses", "a blind relay has at most one IPv4 and one "
						    "IPv6 address: remove the others");
	if (r->n_sites >= BLIND_SITES_MAX)
		topology_error(r, row, "blind", "the topology has %zu sites, but a blind relay "
			       "connects at most %d: remove some", r->n_sites, BLIND_SITES_MAX - 1);
}

static void check_sharing(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host, *shared = &r->t->shared;

	if (h->blind != r->rows->host.blind)
		topology_error(r, row, "blind", "relays that share a key are all blind, or none "
			       "is: write blind: %s here", h->blind ? "false" : "true");
	if (h->key_given)
		topology_error(r, row, "public-key", "with relays-share, all relays have the same "
			       "key: write it in relays-share");
	if (!h->n_addresses)
		topology_error(r, row, "relays", "addresses: relay '%s' has none, and the name "
						 "'%s' leads to the addresses of all relays: add "
						 "addresses", h->name, shared->name);
	if (h->port != shared->port)
		topology_error(r, row, "port", "with relays-share, all relays have the same port: "
					       "write the same port everywhere");
	if (ntohs(h->port) > PORT_MOST)
		topology_error(r, row, "port", "with relays-share, the port is at most %d, because "
			       "the tunnels between relays use the next ports", PORT_MOST);
	if (!strncmp(h->interface, TOPOLOGY_BETWEEN, strlen(TOPOLOGY_BETWEEN)))
		topology_error(r, row, "interface", "'%s' is a tunnel between relays: name the "
			       "interface that carries it, such as eth0", h->interface);
}

/* Reports a shared address that is also the address of a host. */
static void check_own(struct topology_reading *r, const struct address *a)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < r->n_rows; i++) {
		const struct topology_host *h = &r->rows[i].host;

		if (address_find(h->addresses, h->n_addresses, a) < h->n_addresses)
			topology_error(r, NULL, "relays-share",
				       "addresses: %s is also the address of %s: write another one",
				       address_format(a, text), h->name);
	}
}

/* Checks the addresses that keepalived moves between two relays. */
static void check_pair(struct topology_reading *r, size_t n)
{
	const struct topology_host *shared = &r->t->shared;
	bool blind = n && r->rows->host.blind;

	if (!blind || n != 2)
		topology_error(r, NULL, "relays-share", "addresses: two blind relays can share "
			       "addresses, and here are %zu relays%s: remove addresses", n,
			       blind ? "" : " that are not blind");
	if (has_two(shared->addresses, shared->n_addresses) ||
	    !topology_address(shared, FAMILY_IPV4))
		topology_error(r, NULL, "relays-share", "addresses: write one IPv4 address, for "
			       "which keepalived uses VRRP, and at most one IPv6 address");
	if (has_two(shared->gateways, shared->n_gateways))
		topology_error(r, NULL, "relays-share", "gateways: write one for each IP version");
	for (size_t i = 0; i < shared->n_addresses; i++) {
		__u8 family = shared->addresses[i].family;
		const char *version = family == FAMILY_IPV4 ? "IPv4" : "IPv6";

		check_own(r, &shared->addresses[i]);
		if (!topology_gateway(shared, family))
			topology_error(r, NULL, "relays-share", "gateways: the next hop of the "
				       "default route over %s is missing: add it", version);
		for (size_t h = 0; h < n; h++)
			if (!topology_address(&r->rows[h].host, family))
				topology_error(r, &r->rows[h], "relays", "addresses: relay '%s' "
					       "needs an %s address of its own beside the shared "
					       "one", r->rows[h].host.name, version);
	}
}

/* Checks what only blind relays with a common key need: addresses of one family. */
static void check_blind_sharing(struct topology_reading *r)
{
	bool all4 = true, all6 = true;
	size_t n = 0;

	for (; n < r->n_rows && r->rows[n].host.role == ROLE_RELAY; n++) {
		all4 &= !!topology_address(&r->rows[n].host, FAMILY_IPV4);
		all6 &= !!topology_address(&r->rows[n].host, FAMILY_IPV6);
	}
	if (r->t->shared.n_addresses)
		check_pair(r, n);
	else if (r->t->shared.n_gateways)
		topology_error(r, NULL, "relays-share", "gateways: they belong to addresses that "
			       "two blind relays share: add addresses, or remove gateways");
	if (!n || !r->rows->host.blind)
		return;
	if (!all4 && !all6)
		topology_error(r, NULL, "relays", "addresses: edge routers use one IP version to "
			       "all blind relays: give all an IPv4 address, or all an IPv6 one");
}

static void check_relays(struct topology_reading *r)
{
	for (size_t i = 0; i < r->n_rows && r->rows[i].host.role == ROLE_RELAY; i++) {
		const struct topology_row *row = &r->rows[i];

		if (!row->host.shares && !row->host.n_addresses && !*r->t->domain)
			topology_error(r, row, "relays", "'%s' has no address that sites can "
				       "connect to: add addresses: [ 198.51.100.1 ] here, or "
				       "domain: example.net at the top of the file",
				       row->host.name);
		if (row->host.shares)
			check_sharing(r, row);
		if (row->host.blind)
			check_blind(r, row);
		if (i && !row->host.shares)
			topology_error(r, row, "relays", "several relays need a common name: add "
				       "relays-share: { name: … } at the top of the file");
	}
	if (!yaml_by_path(yaml_root(&r->y), "/relays-share"))
		return;
	check_blind_sharing(r);
	if (!*r->t->domain)
		topology_error(r, NULL, "relays-share", "the domain for the name is missing: add "
			       "domain: example.net at the top of the file");
	if (!r->n_rows || r->rows[0].host.role != ROLE_RELAY)
		topology_error(r, NULL, "relays-share", "the list of relays is missing: add "
			       "relays: [ { name: r1, interface: eth0, addresses: … }, … ]");
}

static const char *const kinds[] = { [NETWORK_IPV4] = "of IPv4", [NETWORK_ULA] = "that is a ULA",
				     [NETWORK_GLOBAL] = "that is global" };

/* ---- networks ---- */

/* Reports an error if p, at `path` of row `at`, overlaps overlay, tunnels, mesh, or an earlier
 * row. */
static void check_apart(struct topology_reading *r, size_t at, const char *path,
			const struct prefix *p)
{
	const char *other = topology_whole_meets(r->t, p);
	char text[ADDRESS_STRLEN];

	for (size_t i = at; !other && i--;)
		if (topology_host_meets(&r->rows[i].host, p))
			other = r->rows[i].host.name;
	if (other)
		topology_error(r, &r->rows[at], path, "%s already uses addresses of %s: write "
			       "another prefix", other, prefix_format(p, text));
}

static void check_networks(struct topology_reading *r, size_t at)
{
	const struct topology_row *row = &r->rows[at];
	const struct topology_host *h = &row->host;
	char path[ITEM_PATH], text[ADDRESS_STRLEN];

	if (!h->n_networks)
		topology_error(r, row, "networks", "the list has no network: add [ "
			       "10.200.200.0/24, \"fd42:42:42::/64\" ]");
	for (size_t i = 0; i < h->n_networks; i++) {
		const struct prefix *p = &h->networks[i];

		if (p->len > (p->family == FAMILY_IPV4 ? 30 : 112))
			topology_error(r, row, item_path(path, "networks", i),
				       "%s is too small: write /%d or shorter",
				       prefix_format(p, text), p->family == FAMILY_IPV4 ? 30 : 112);
		if (topology_network(h, topology_kind(p)) != p)
			topology_error(r, row, item_path(path, "networks", i),
				"%s is a second prefix %s: write at most one IPv4 prefix, one ULA "
				"and one global IPv6 prefix",
				       prefix_format(p, text), kinds[topology_kind(p)]);
		check_apart(r, at, item_path(path, "networks", i), p);
	}
	for (size_t i = 0; i < h->n_home; i++)
		for (size_t j = 0; j < h->n_networks; j++)
			if (prefix_meets(&h->home[i], &h->networks[j]))
				topology_error(r, row, item_path(path, "home", i),
					       "%s is part of networks, which are the tunnels' "
					       "addresses: write the network behind %s",
					       prefix_format(&h->home[i], text), h->name);
}

/* ---- gateways ---- */

static void lacks(struct topology_reading *r, const struct topology_row *row, const char *path,
		  enum topology_kind kind, const struct topology_host *gateway)
{
	if (!topology_network(gateway, kind))
		topology_error(r, row, path, "networks of '%s' lacks a prefix %s, which this "
			       "needs: add one", gateway->name, kinds[kind]);
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

/* Returns whether the gateway or its firewall has an address for its clients. family 0: of any
 * family. */
static bool is_found(const struct topology_reading *r, size_t at, __u8 family)
{
	bool found = false;

	for (size_t i = 0; i < r->n_rows; i++) {
		const struct topology_host *h = &r->rows[i].host;

		if (i == at || (h->role == ROLE_FIREWALL && h->gateway == at &&
				(family != FAMILY_IPV6 || h->forward6)))
			found |= family ? !!topology_address(h, family) : h->n_addresses;
	}
	return found;
}

static void check_endpoint(struct topology_reading *r, size_t at)
{
	const struct topology_row *row = &r->rows[at];
	enum topology_endpoint e = row->host.endpoint;
	__u8 family = e == ENDPOINT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;

	if (!*r->t->domain && !is_found(r, at, 0))
		topology_error(r, row, "gateways", "clients cannot find '%s': add addresses here, "
			       "or domain: example.net at the top of the file", row->host.name);
	else if (e == ENDPOINT_NAME && !*r->t->domain)
		topology_error(r, row, "endpoint", "there is no name: add domain: example.net at "
			       "the top of the file");
	else if (e > ENDPOINT_NAME && !is_found(r, at, family))
		topology_error(r, row, "endpoint", "neither '%s' nor its firewall has an IPv%d "
			       "address: add one to addresses", row->host.name,
			       family == FAMILY_IPV6 ? 6 : 4);
}

static void check_gateway(struct topology_reading *r, size_t at)
{
	const struct topology_row *row = &r->rows[at];

	check_networks(r, at);
	check_exit(r, row);
	check_endpoint(r, at);
	if (*row->host.lan && !row->host.n_home)
		topology_error(r, row, "lan", "the network behind this interface is missing: add "
			       "home: [ 192.168.1.0/24 ]");
}

static void check_client(struct topology_reading *r, const struct topology_row *row)
{
	if (topology_said(row, "ipv6"))
		lacks(r, row, "ipv6", row->host.direct ? NETWORK_GLOBAL : NETWORK_ULA,
		      &r->rows[row->host.gateway].host);
	if (topology_said(row, "split") && !row->host.n_split)
		topology_error(r, row, "split", "the list is empty: write [ 192.168.1.0/24 ], or "
			       "leave split out to send everything through the tunnel");
}

/* ---- firewalls ---- */

static void check_dnat(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host, *gateway = &r->rows[h->gateway].host;

	if (!*h->lan)
		topology_error(r, row, "firewalls", "with nat: dnat, the interface to '%s' is "
						    "missing: add lan: eth1", gateway->name);
	if (!h->backend4.family)
		yaml_error(&r->y, topology_at(row, "backend"),
			   "firewalls: with nat: dnat, the IPv4 address of '%s' in the LAN is "
			   "missing: add it, such as backend: 192.168.1.10", gateway->name);
	if (h->ipv6 == IPV6_DNAT && !h->backend6.family)
		topology_error(r, row, "ipv6", "the value dnat needs an IPv6 address of '%s': add "
			       "one to its addresses, or to backend here", gateway->name);
	if (h->ipv6 == IPV6_DIRECT && h->port != gateway->port)
		topology_error(r, row, "port", "with ipv6: direct, clients send to the port of "
			       "'%s' over IPv6, which is %u: write that port, or add ipv6: dnat or "
			       "ipv6: off", gateway->name, ntohs(gateway->port));
	if (h->ipv6 == IPV6_DIRECT && !h->backend6.family && !*r->t->domain)
		topology_error(r, row, "ipv6", "the value direct needs an IPv6 address or a name "
					       "of '%s': add addresses there, backend here, or "
					       "domain at the top", gateway->name);
}

static void check_masquerade(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host, *gateway = &r->rows[h->gateway].host;

	if (topology_said(row, "ipv6") && h->ipv6 != IPV6_OFF)
		topology_error(r, row, "ipv6", "with nat: masquerade, clients of both families are "
			       "served: leave ipv6 out, or write off for IPv4 only");
	if (h->lan_address.family)
		topology_error(r, row, "lan-address", "this key is only for nat: dnat: remove it");
	if (!h->backend4.family && !h->backend6.family && !*r->t->domain)
		topology_error(r, row, "firewalls", "gateway '%s' has neither an address nor a "
			       "name: add addresses to it, backend here, or domain at the top of "
			       "the file", gateway->name);
}

static void check_firewall(struct topology_reading *r, const struct topology_row *row)
{
	const struct topology_host *h = &row->host;

	if (!h->n_addresses && !*r->t->domain)
		topology_error(r, row, "firewalls", "clients cannot find '%s': add addresses "
			       "here, or domain: example.net at the top of the file", h->name);
	if (h->nat == NAT_MASQUERADE)
		check_masquerade(r, row);
	else
		check_dnat(r, row);
}

static void check_gateways(struct topology_reading *r)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct topology_row *row = &r->rows[i];

		if (row->host.role == ROLE_GATEWAY)
			check_gateway(r, i);
		if (row->host.role == ROLE_CLIENT || row->host.role == ROLE_ROAMING)
			check_client(r, row);
		if (row->host.role == ROLE_ROAMING)
			check_apart(r, i, "prefix", &row->host.prefix);
		if (row->host.role == ROLE_FIREWALL)
			check_firewall(r, row);
	}
}

void topology_check(struct topology_reading *r)
{
	check_named(r);
	for (size_t i = 0; i < r->n_rows; i++) {
		check_link(r, &r->rows[i]);
		check_ddns(r, &r->rows[i]);
		check_addresses(r, i);
	}
	check_relays(r);
	check_sites(r);
	check_gateways(r);
}
