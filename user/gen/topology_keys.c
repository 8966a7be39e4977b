/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of a topology: one table for each mapping, with the outermost mapping last.
 */
#include <string.h>
#include "lib/grow.h"
#include "config/config_parts.h"
#include "gen/topology_keys.h"
#include "gen/topology_state.h"

static const char *const link_names[] = { "ethernet", "pppoe", "ds-lite", NULL };
static const char *const inbound_names[] = { "established", "open", NULL };
static const char *const endpoint_names[] = { [ENDPOINT_DEFAULT] = "", [ENDPOINT_NAME] = "name",
	[ENDPOINT_IPV6] = "ipv6", [ENDPOINT_IPV4] = "ipv4", NULL };
static const char *const client_names[] = { "nat", "direct", NULL };
static const char *const firewall_names[] = { [NAT_DNAT] = "dnat", [NAT_NONE] = "",
					      [NAT_MASQUERADE] = "masquerade", NULL };

/* ---- rows ---- */

static struct topology_reading *reading(struct yaml *y)
{
	return (struct topology_reading *)y;
}

static struct yaml_node *behind_alias(struct yaml_node *node)
{
	return node && node->type == YAML_ALIAS ? node->to : node;
}

/* Adds a host to the rows. key->size is not a size here, but the role of the host. */
static void add_host(struct yaml *y, const struct yaml_key *key, struct yaml_node *item,
		     void *object)
{
	struct topology_reading *r = reading(y);
	struct topology_row row = { .host.role = key->size, .node = behind_alias(item) };
	struct yaml_key one = *key;

	r->gateways += row.host.role == ROLE_GATEWAY;
	if (row.host.role == ROLE_EDGE || row.host.role == ROLE_SERVER)
		row.group = r->n_sites;
	else if (row.host.role >= ROLE_GATEWAY && row.host.role <= ROLE_ROAMING)
		row.group = r->gateways;
	one.offset = 0;
	yaml_set_map(y, &one, item, &row);
	row.order = r->n_rows;
	*append(r->rows, r->n_rows) = row;
}

static void add_site(struct yaml *y, const struct yaml_key *key, struct yaml_node *item,
		     void *object)
{
	struct topology_reading *r = reading(y);
	struct topology_row row = { .node = behind_alias(item) };
	struct yaml_key one = *key;

	one.offset = 0;
	yaml_set_map(y, &one, item, &row);
	*append(r->sites, r->n_sites) = row;
}

/* ---- a word or a mapping ---- */

static const char *const mesh_words[] = { "off", NULL };

static void set_mesh(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	struct topology *t = object;

	if (value && value->type == YAML_SCALAR && value->text && !strcmp(value->text, *key->words))
		t->no_mesh = true;
	else
		yaml_set_map(y, key, value, object);
}

static void set_exit(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	((struct topology_row *)object)->host.exit.there = true;
	yaml_set_map(y, key, value, object);
}

static void set_ddns(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	struct topology *t = object;

	t->has_ddns = true;
	t->ddns.ttl = DDNS_TTL;
	yaml_set_map(y, key, value, object);
}

/* ---- the grammar ---- */

#define AT(s, f) .offset = offsetof(struct s, f), .size = sizeof(((struct s *)NULL)->f)
#define HOST(f) AT(topology_row, host.f)
#define LIST(f, n) .offset = offsetof(struct topology_row, host.f), \
	.count = offsetof(struct topology_row, host.n)
#define HOSTS(name_, role, like_, keys) \
	{ .name = name_, .set = yaml_set_rows, .like = like_, .size = role, .item = add_host, \
	  .below = keys }

#define IS_NAME .required = true, .pattern = PATTERN_LABEL
#define IS_NIC .pattern = "[0-9A-Za-z][0-9A-Za-z_.-]{0,14}"
#define NAME(like) { "name", topology_set_name, like, HOST(name), IS_NAME }
#define NIC(name, like) \
	{ name, topology_set_interface, like, HOST(interface), .required = true, IS_NIC }
#define LAN(like, ...) { "lan", topology_set_interface, like, HOST(lan), IS_NIC, ##__VA_ARGS__ }
#define KEY(f) { "public-key", config_set_key, "\"…=\"", HOST(f), .pattern = PATTERN_KEY }
/* The least MTU is the minimum of IPv6. */
#define MTU \
	{ "mtu", yaml_set_number, "1500", HOST(mtu), .least = 1280, .most = 9216 }, \
	{ "link", topology_set_link, "pppoe", HOST(mtu), .choices = link_names }
#define PUBLIC \
	{ "addresses", yaml_set_list, "203.0.113.1", LIST(addresses, n_addresses), \
	  .item = topology_add_address, .pattern = PATTERN_ADDRESS }, \
	{ "port", config_set_port, "51820", HOST(port), IS_PORT }
#define DDNS { "ddns", yaml_set_flag, "true", HOST(ddns), .choices = yaml_flag_names }
#define PORTS(f, n) \
	.offset = offsetof(struct topology, f), .count = offsetof(struct topology, n), IS_PORTS
#define SPLIT { "split", yaml_set_list, "192.168.1.0/24", LIST(split, n_split), \
	  .item = config_add_prefix, .pattern = PATTERN_PREFIX }

static const struct yaml_key relay_keys[] = {
	NAME("relay"), NIC("interface", "eth0"), PUBLIC, KEY(public_key), MTU,
	{ "blind", yaml_set_flag, "true", HOST(blind), .choices = yaml_flag_names },
	{},
};

static const struct yaml_key edge_keys[] = {
	NAME("edge-a1"), NIC("wan", "eth0"), LAN("eth1", .required = true), MTU,
	{ "addresses", yaml_set_list, "203.0.113.5/24", .item = topology_add_link_address,
	  .pattern = PATTERN_PREFIX },
	{ "gateway", yaml_set_list, "203.0.113.1", LIST(gateways, n_gateways),
	  .item = topology_add_address, .alone = true, .pattern = PATTERN_ADDRESS },
	{},
};

static const struct yaml_key server_keys[] = {
	NAME("server-a1"), NIC("interface", "eth0"), KEY(mesh_key), MTU,
	{ "token", .set = topology_set_token, .like = "10", .pattern = "[0-9A-Fa-f]{1,4}" },
	{},
};

static const struct yaml_key site_keys[] = {
	{ "name", topology_set_name, "a", AT(topology_row, site.name), IS_NAME },
	{ "subnet", .set = topology_set_subnet, .like = "a", .pattern = "[0-9A-Fa-f]{1,4}" },
	{ "public-key", config_set_key, "\"…=\"", AT(topology_row, site.public_key),
	  .pattern = PATTERN_KEY },
	{ "ipv4", topology_set_network, "192.168.1.0/24", AT(topology_row, site.ipv4),
	  .pattern = PATTERN_PREFIX4 },
	HOSTS("edges", ROLE_EDGE, "{ name: edge-a1, wan: eth0, lan: eth1 }", edge_keys),
	HOSTS("servers", ROLE_SERVER, "{ name: server-a1, interface: eth0 }", server_keys),
	{},
};

static const struct yaml_key exit_keys[] = {
	{ "ipv4", .set = topology_set_exit_way, .like = "masquerade",
	  .pattern = "masquerade|off|" PATTERN_IPV4 },
	{ "ipv6", .set = topology_set_exit_way, .like = "masquerade",
	  .pattern = "masquerade|off|" PATTERN_IPV6 },
	{ "inbound", yaml_set_flag, "established", HOST(exit.open), .choices = inbound_names },
	{ "proxy-ndp", yaml_set_flag, "true", HOST(exit.proxy_ndp), .choices = yaml_flag_names },
	{},
};

static const struct yaml_key client_keys[] = {
	NAME("phone"), KEY(public_key), SPLIT, MTU,
	{ "ipv6", yaml_set_flag, "nat", HOST(direct), .choices = client_names },
	{},
};

static const struct yaml_key roaming_keys[] = {
	NAME("r1"), NIC("wan", "eth0"), LAN("br-lan", .required = true), KEY(public_key), SPLIT,
		MTU,
	{ "prefix", topology_set_prefix, "\"2001:db8:abcd:5::/64\"",
	  .offset = offsetof(struct topology_row, host.prefix), .size = 64, .required = true,
	  .pattern = PATTERN_PREFIX6 },
	{ "openwrt", yaml_set_flag, "true", HOST(openwrt), .choices = yaml_flag_names },
	{ "knock", config_set_port, "19000", HOST(knock), IS_PORT },
	{},
};

static const struct yaml_key gateway_keys[] = {
	NAME("vps"), NIC("interface", "eth0"), LAN("eth1"), PUBLIC, KEY(public_key), MTU, DDNS,
	{ "networks", yaml_set_list, "10.200.200.0/24", LIST(networks, n_networks),
	  .item = topology_add_network, .required = true, .pattern = PATTERN_PREFIX },
	{ "home", yaml_set_list, "192.168.1.0/24", LIST(home, n_home),
	  .item = topology_add_network, .pattern = PATTERN_PREFIX },
	{ "endpoint", yaml_set_choice, "name", HOST(endpoint), .choices = endpoint_names },
	{ "exit", set_exit, "{ ipv4: masquerade }", .below = exit_keys },
	HOSTS("clients", ROLE_CLIENT, "{ name: phone }", client_keys),
	HOSTS("roaming", ROLE_ROAMING, "{ name: r1, wan: eth0, lan: br-lan, prefix: … }",
	      roaming_keys),
	{},
};

static const struct yaml_key firewall_keys[] = {
	NAME("firewall"), NIC("wan", "eth0"), LAN("eth1"), PUBLIC, MTU, DDNS,
	{ "serves", topology_set_name, "wg-end", AT(topology_row, serves), IS_NAME },
	{ "nat", yaml_set_choice, "dnat", HOST(nat), .choices = firewall_names },
	{ "ipv6", yaml_set_choice, "direct", HOST(ipv6), .choices = ipv6_names },
	{ "lan-address", topology_set_ipv4, "192.168.1.1", HOST(lan_address),
	  .pattern = PATTERN_IPV4 },
	{ "backend", yaml_set_list, "192.168.1.10", .item = topology_add_backend, .alone = true,
	  .pattern = PATTERN_ADDRESS },
	{},
};

static const struct yaml_key mesh_keys[] = {
	{ "prefix", topology_set_prefix, "\"fd99:e2e::/64\"",
	  .offset = offsetof(struct topology, mesh), .size = ENDS_LONGEST,
	  .pattern = PATTERN_PREFIX6 },
	{ "ports", config_add_ports, "58000-60000", PORTS(policy.udp_ports, policy.n_udp_ports) },
	{ "port", config_set_port, "58001", AT(topology, mesh_port), IS_PORT },
	{},
};

static const struct yaml_key policy_keys[] = {
	{ "tcp-ports", yaml_set_list, "22", .item = config_add_ports,
	  PORTS(policy.tcp_ports, policy.n_tcp_ports) },
	{},
};

static const struct yaml_key share_keys[] = {
	{ "name", topology_set_name, "relay", AT(topology, shared.name), IS_NAME },
	{ "public-key", config_set_key, "\"…=\"", AT(topology, shared.public_key),
	  .pattern = PATTERN_KEY },
	{ "keepalive", yaml_set_number, "1", AT(topology, keepalive), .least = 1,
	  .most = TOPOLOGY_KEEPALIVE },
	{ "addresses", yaml_set_list, "198.51.100.1",
	  .offset = offsetof(struct topology, shared.addresses),
	  .count = offsetof(struct topology, shared.n_addresses), .item = topology_add_address,
	  .pattern = PATTERN_ADDRESS },
	{ "gateways", yaml_set_list, "198.51.100.254",
	  .offset = offsetof(struct topology, shared.gateways),
	  .count = offsetof(struct topology, shared.n_gateways), .item = topology_add_address,
	  .pattern = PATTERN_ADDRESS },
	{},
};

static const struct yaml_key ddns_keys[] = {
	{ "ttl", yaml_set_number, "300", AT(ddns_config, ttl), .least = 1, .most = DDNS_TTL_MAX },
	{ "provider", config_set_provider, "{ rfc2136: { … } }", .below = config_provider_keys,
	  .required = true, .least = 1, .most = 1 },
	{},
};

const struct yaml_key topology_keys[] = {
	{ "domain", config_set_domain, "example.net", AT(topology, domain),
	  .pattern = PATTERN_DOMAIN },
	{ "overlay", topology_set_prefix, "\"fd12:3456:789a::/48\"",
	  .offset = offsetof(struct topology, overlay), .size = OVERLAY_LONGEST,
	  .pattern = PATTERN_PREFIX6 },
	{ "tunnels", topology_set_prefix, "\"fd12:3456:7899::/64\"",
	  .offset = offsetof(struct topology, tunnels), .size = ENDS_LONGEST,
	  .pattern = PATTERN_PREFIX6 },
	{ "mesh", set_mesh, "{ ports: 58000-60000 }, or off", .below = mesh_keys,
	  .words = mesh_words },
	{ "preshared-keys", yaml_set_flag, "true", AT(topology, preshared_keys),
	  .choices = yaml_flag_names },
	{ "metrics", yaml_set_flag, "true", AT(topology, metrics), .choices = yaml_flag_names },
	{ "policy", yaml_set_map, "{ tcp-ports: [ 22 ] }", .below = policy_keys },
	{ "tcp-ports", yaml_set_list, "22", .item = config_add_ports,
	  PORTS(tcp_ports, n_tcp_ports) },
	{ "dns", yaml_set_list, "\"2001:4860:4860::8888\"",
	  .offset = offsetof(struct topology, dns), .count = offsetof(struct topology, n_dns),
	  .item = topology_add_address, .pattern = PATTERN_ADDRESS },
	{ "ddns", set_ddns, "{ provider: … }", AT(topology, ddns), .below = ddns_keys },
	{ "relays-share", yaml_set_map, "{ name: relay }", .below = share_keys },
	HOSTS("relays", ROLE_RELAY, "{ name: relay, interface: eth0 }", relay_keys),
	{ "sites", yaml_set_rows, "{ name: a, edges: …, servers: … }", .item = add_site,
	  .below = site_keys },
	HOSTS("gateways", ROLE_GATEWAY, "{ name: vps, interface: eth0, networks: … }",
	      gateway_keys),
	HOSTS("firewalls", ROLE_FIREWALL,
	      "{ name: firewall, wan: eth0, lan: eth1, serves: wg-end, … }", firewall_keys),
	{},
};
