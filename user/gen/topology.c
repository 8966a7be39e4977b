/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads a topology from a file: topology_keys.c parses it, this file orders it and fills in
 * defaults, topology_check.c checks it.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "lib/grow.h"
#include "config/config_parts.h"
#include "gen/nft.h"
#include "gen/topology_keys.h"

#define PORT 51820
#define MTU 1500
/* Default MTU of a client in bytes, because the paths of a client are not known. It leaves 1280
 * inside the tunnel, the minimum of IPv6. */
#define MTU_ANYWHERE 1360
#define MESH_PORT 58001

void topology_free(struct topology *t)
{
	if (!t)
		return;
	for_each_host(h, t) {
		free(h->addresses);
		free(h->networks);
		free(h->home);
		free(h->split);
		free(h->gateways);
	}
	free(t->hosts);
	free(t->sites);
	free(t->tcp_ports);
	free(t->policy.udp_ports);
	free(t->policy.tcp_ports);
	free(t->dns);
	free(t->shared.addresses);
	free(t->shared.gateways);
	config_free_ddns(&t->ddns);
	free(t->file);
	free(t);
}

struct yaml_node *topology_said(const struct topology_row *row, const char *path)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "/%s", path);
	return yaml_by_path(row->node, whole);
}

struct yaml_node *topology_at(const struct topology_row *row, const char *path)
{
	return topology_said(row, path) ?: row->node;
}

void topology_error(struct topology_reading *r, const struct topology_row *row, const char *path,
		    const char *format, ...)
{
	const struct topology_row root = { .node = yaml_root(&r->y) };
	const char *slash = strrchr(path, '/');
	const char *key = slash && !isdigit(slash[1]) ? slash + 1 : path;
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	yaml_error(&r->y, topology_at(row ?: &root, path), "%.*s: %s", (int)strcspn(key, "/"), key,
		   text);
	free(text);
}

static const struct address *first_of(const struct address *list, size_t n, __u8 family)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].family == family)
			return &list[i];
	return NULL;
}

const struct address *topology_address(const struct topology_host *h, __u8 family)
{
	return first_of(h->addresses, h->n_addresses, family);
}

bool topology_is_ipv4_only(const struct topology_host *h)
{
	return !h->ddns && topology_address(h, FAMILY_IPV4) && !topology_address(h, FAMILY_IPV6);
}

const struct address *topology_gateway(const struct topology_host *h, __u8 family)
{
	return first_of(h->gateways, h->n_gateways, family);
}

/* ---- order ---- */

static int class_of(enum topology_role role)
{
	return role == ROLE_RELAY ? 0 : role <= ROLE_SERVER ? 1 : role <= ROLE_ROAMING ? 2 : 3;
}

static int compare_rows(const void *one, const void *other)
{
	const struct topology_row *a = one, *b = other;

	if (a->host.role != b->host.role && class_of(a->host.role) != class_of(b->host.role))
		return class_of(a->host.role) - class_of(b->host.role);
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->host.role != b->host.role)
		return a->host.role < b->host.role ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* Sorts the hosts in the order of topology.h, and sets their indexes. A gateway comes before its
 * clients. */
static void put_in_order(struct topology_reading *r)
{
	size_t gateway = 0;

	if (r->n_rows)
		qsort(r->rows, r->n_rows, sizeof(*r->rows), compare_rows);
	for (size_t i = 0; i < r->n_rows; i++) {
		struct topology_host *h = &r->rows[i].host;

		if (h->role == ROLE_GATEWAY)
			gateway = i;
		if (h->role == ROLE_CLIENT || h->role == ROLE_ROAMING)
			h->gateway = gateway;
		if (h->role == ROLE_EDGE || h->role == ROLE_SERVER)
			h->site = r->rows[i].group;
		h->key_given = !wg_key_is_none(&h->public_key);
		h->mesh_key_given = !wg_key_is_none(&h->mesh_key);
	}
	for (size_t i = 0; i < r->n_sites; i++)
		r->sites[i].site.key_given = !wg_key_is_none(&r->sites[i].site.public_key);
}

static void find_gateways(struct topology_reading *r)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		struct topology_host *h = &r->rows[i].host;

		if (h->role != ROLE_FIREWALL)
			continue;
		h->gateway = r->n_rows;
		for (size_t j = 0; j < r->n_rows; j++)
			if (r->rows[j].host.role == ROLE_GATEWAY &&
			    !strcasecmp(r->rows[j].host.name, r->rows[i].serves))
				h->gateway = j;
		if (h->gateway == r->n_rows)
			topology_error(r, &r->rows[i], "serves", "there is no gateway '%s': "
				       "correct the name, or add gateways: [ { name: %s, "
				       "interface: eth0, networks: [ 10.200.200.0/24 ] } ]",
				       r->rows[i].serves, r->rows[i].serves);
	}
}

/* ---- defaults, except those of topology_assign() ---- */

static const struct prefix all6 = { .family = FAMILY_IPV6 };

static void add_split(struct topology_host *h, const struct prefix *list, size_t n, bool ipv4_only)
{
	for (size_t i = 0; i < n; i++)
		if (!ipv4_only || list[i].family == FAMILY_IPV4)
			*append(h->split, h->n_split) = list[i];
}

/* Sets the default of h->split: empty, which means everything, if a client's gateway has an exit;
 * else the gateway's networks. A roaming router's LAN takes all IPv6 from the gateway, but keeps
 * its own access to the IPv4 internet. */
static void split_of(struct topology_host *h, const struct topology_host *gateway)
{
	bool roaming = h->role == ROLE_ROAMING;

	if (!roaming && gateway->exit.there)
		return;
	add_split(h, gateway->networks, gateway->n_networks, roaming);
	add_split(h, gateway->home, gateway->n_home, roaming);
	if (roaming)
		add_split(h, &all6, 1, false);
}

static void client(struct topology_row *row, const struct topology_host *gateway)
{
	struct topology_host *h = &row->host;

	if (h->role == ROLE_CLIENT && !topology_said(row, "ipv6"))
		h->direct = !topology_network(gateway, NETWORK_ULA) &&
			topology_network(gateway, NETWORK_GLOBAL);
	if (!topology_said(row, "split"))
		split_of(h, gateway);
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

static void firewall(const struct topology *t, const struct topology_row *row,
		     struct topology_host *h, const struct topology_host *gateway)
{
	const struct address *ipv4 = topology_address(gateway, FAMILY_IPV4);
	const struct address *ipv6 = topology_address(gateway, FAMILY_IPV6);
	bool masquerade = h->nat == NAT_MASQUERADE;

	if (!h->port)
		h->port = gateway->port;
	h->backend_given = masquerade && topology_said(row, "backend");
	if (ipv4 && masquerade && !h->backend4.family && !h->backend6.family)
		h->backend4 = *ipv4;
	/* If none of these applies, backend6 stays unset: the firewall uses the gateway's name. */
	if (ipv6 && !h->backend6.family && !gateway->ddns && !h->backend_given)
		h->backend6 = *ipv6;
	if (!masquerade && !topology_said(row, "ipv6") && !h->backend6.family &&
	    (!*t->domain || topology_is_ipv4_only(gateway)))
		h->ipv6 = IPV6_OFF;
	h->forward6 = masquerade ? h->ipv6 != IPV6_OFF : h->ipv6 == IPV6_DNAT;
}

/* Marks the relays that share a key. check_relays() checks the settings of each. */
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
	if (!yaml_by_path(yaml_root(&r->y), "/dns")) {
		address_parse("8.8.8.8", append(t->dns, t->n_dns));
		address_parse("2001:4860:4860::8888", append(t->dns, t->n_dns));
	}
	t->policy.icmpv6 = NFT_ICMPV6_ALL;
	if (t->no_mesh)
		return;
	if (!t->policy.n_udp_ports)
		*append(t->policy.udp_ports, t->policy.n_udp_ports) = config_mesh_ports;
	if (!t->mesh_port)
		t->mesh_port = htons(MESH_PORT >= t->policy.udp_ports->first &&
				     MESH_PORT <= t->policy.udp_ports->last ? MESH_PORT :
				     t->policy.udp_ports->first);
}

static void fill_defaults(struct topology_reading *r)
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
			client(&r->rows[i], &r->rows[h->gateway].host);
		if (h->role == ROLE_FIREWALL)
			firewall(r->t, &r->rows[i], h, &r->rows[h->gateway].host);
	}
	share(r);
}

/* ---- from rows to the topology ---- */

static struct topology_place place_of(const struct yaml_node *node)
{
	return node ? (struct topology_place){ node->line + 1, node->column + 1 } :
	       (struct topology_place){};
}

static void note_places(struct topology_reading *r)
{
	for (size_t i = 0; i < r->n_rows; i++)
		r->rows[i].host.place = place_of(topology_at(&r->rows[i], "name"));
	r->t->shared.place = place_of(yaml_by_path(yaml_root(&r->y), "/relays-share/name"));
	for (size_t i = 0; i < r->n_sites; i++)
		r->sites[i].site.place = place_of(topology_at(&r->sites[i], "name"));
}

/* Moves the rows to the topology, which then owns the hosts, also after an error. */
static void move_rows(struct topology_reading *r)
{
	struct topology *t = r->t;

	t->hosts = xcalloc(r->n_rows + 1, sizeof(*t->hosts));
	t->sites = xcalloc(r->n_sites + 1, sizeof(*t->sites));
	for (size_t i = 0; i < r->n_rows; i++)
		t->hosts[t->n_hosts++] = r->rows[i].host;
	for (size_t i = 0; i < r->n_sites; i++)
		t->sites[t->n_sites++] = r->sites[i].site;
	free(r->rows);
	free(r->sites);
}

static void read_root(struct topology_reading *r, struct yaml_node *root)
{
	static const char *const others[] = { "services", "interfaces", "peers", "follow", "blind",
					      "endpoints", "learn", "rates", "exporter", NULL };
	struct yaml_node *other;

	if (!root || root->type != YAML_MAP) {
		yaml_error(&r->y, root, "%s: begin with a section, such as gateways: or sites:",
			   root ? "the file does not begin with a section of a topology" :
			   "the file is empty");
		return;
	}
	other = yaml_first_key(root, others);
	if (other) {
		yaml_error(&r->y, other, "'%s' is a section of a configuration: use this file with "
					 "`wgxdp up -c %s`. `gen hosts` needs a topology, with "
					 "sections such as sites:", other->text, r->y.name);
		return;
	}
	yaml_map(&r->y, root, topology_keys, "the topology", r->t);
	put_in_order(r);
	if (r->y.errors)
		return;
	find_gateways(r);
	if (r->y.errors)
		return;
	fill_defaults(r);
	topology_check(r);
	if (!r->y.errors && !r->n_rows)
		yaml_error(&r->y, root, "the topology has no hosts: add a section with hosts, such "
			   "as gateways: or sites:");
	note_places(r);
}

int topology_parse(const char *text, const char *name, struct topology **ret)
{
	struct topology_reading r = {};
	int rc = yaml_open(&r.y, text, strlen(text), name);

	if (rc)
		return rc;
	r.t = xcalloc(1, sizeof(*r.t));
	r.t->file = xstrdup(name);
	read_root(&r, yaml_root(&r.y));
	move_rows(&r);
	rc = r.y.errors ? -EINVAL : 0;
	yaml_close(&r.y);
	if (rc)
		topology_free(r.t);
	else
		*ret = r.t;
	return rc;
}

int topology_read(const char *file, struct topology **ret)
{
	char *text;
	size_t n;
	int r = yaml_read(file, &text, &n);

	if (r)
		return r;
	r = topology_parse(text, yaml_file_name(file), ret);
	free(text);
	return r;
}
