/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the reading part of config.h: the grammar of the configuration, as one table for each
 * mapping, with the outermost mapping last. config_check.c looks for contradictions between values.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "config/config_parts.h"
#include "config/config_sections.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/yaml.h"

static const char *const transmit_names[] = { "auto", "tc", NULL };

/* ---- values that are more than text ---- */

bool service_has_port(const struct service_config *s, __be16 port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

static void add_ports(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	const char *text = yaml_text(y, key, value);
	struct service_config *s = object;
	unsigned int port, last;

	if (!text)
		return;
	if (ports_parse(text, &port, &last)) {
		yaml_error(y, value, "%s: '%s' %s", key->name, text,
			   ports_wrong(text, "51820 or 20000-20010"));
		return;
	}
	if (last - port >= PORTS_MAX - s->n_ports) {
		yaml_error(y, value, "%s: the service has %zu ports, and the limit is %u: divide them among several services",
				     key->name, s->n_ports + last - port + 1, PORTS_MAX);
		return;
	}
	for (; port <= last; port++) {
		if (service_has_port(s, htons(port))) {
			yaml_error(y, value, "%s: port %u is listed twice: remove one of the two",
				   key->name, port);
			return;
		}
		*append(s->ports, s->n_ports) = htons(port);
	}
}

static void add_endpoint(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			 void *object)
{
	const char *text = yaml_text(y, key, value);
	struct config *c = object;
	struct endpoint_config *place;

	if (!text)
		return;
	place = append(c->exporter, c->n_exporter);
	place->systemd = !strcmp(text, "systemd");
	if (!place->systemd && endpoint_parse(text, &place->address, &place->port)) {
		yaml_error(y, value, "%s: '%s' is not an address and a port: write both, such as %s, or systemd",
			   key->name, text, key->like);
		return;
	}
	for (size_t i = 0; i + 1 < c->n_exporter; i++)
		if (c->exporter[i].systemd == place->systemd &&
		    c->exporter[i].port == place->port &&
		    address_equal(&c->exporter[i].address, &place->address))
			yaml_error(y, value, "%s: '%s' is listed twice: remove one of the two",
				   key->name, text);
}

/* ---- the grammar ---- */

#define AT(s, f) .offset = offsetof(struct s, f), .size = sizeof(((struct s *)NULL)->f)
#define ROWS(s, f, n) .offset = offsetof(struct s, f), .count = offsetof(struct s, n), \
	.size = sizeof(*((struct s *)NULL)->f)

static const struct yaml_key interface_keys[] = {
	{ "name", yaml_set_text, "eth0", AT(interface_config, name), .required = true,
	  .pattern = PATTERN_INTERFACE },
	{ "role", yaml_set_choice, "wan", AT(interface_config, role), .choices = role_names,
	  .required = true },
	{ "mode", yaml_set_choice, "native", AT(interface_config, mode), .choices = mode_names },
	{ "transmit", yaml_set_choice, "tc", AT(interface_config, transmit),
	  .choices = transmit_names },
	{ "shared", yaml_set_flag, "true", AT(interface_config, shared),
	  .choices = yaml_flag_names },
	{},
};

static const struct yaml_key listen_keys[] = {
	{ "interface", yaml_set_text, "eth0", AT(service_config, listen_interface),
	  .pattern = PATTERN_INTERFACE },
	{ "addresses", yaml_set_list, "203.0.113.1",
	  ROWS(service_config, listen_addresses, n_listen_addresses), .item = config_add_address,
	  .pattern = PATTERN_ADDRESS },
	{ "ports", yaml_set_list, "51820", .item = add_ports, IS_PORTS },
	{},
};

static const struct yaml_key service_keys[] = {
	{ "name", yaml_set_text, "wg-end", AT(service_config, name), .required = true,
	  .pattern = PATTERN_SERVICE },
	{ "listen", yaml_set_map, "{ interface: eth0, ports: [ 51820 ] }", .below = listen_keys },
	{ "backend", yaml_set_map, "{ ipv4: 192.168.1.10, port: 51820 }",
	  AT(service_config, backend), .below = config_backend_keys, .required = true,
	  .unless = "backends" },
	/* before backends: a public-key beside a backend belongs here */
	{ "wireguard", config_set_wireguard, "{ public-key: \"…=\" }",
	  .below = config_wireguard_keys },
	{ "backends", yaml_set_rows,
	  "{ name: alpha, ipv4: 10.0.0.7, port: 51820, public-key: \"…=\" }",
	  ROWS(service_config, backends, n_backends), .below = config_backends_keys },
	{ "nat", yaml_set_choice, "dnat", AT(service_config, nat), .choices = nat_names },
	{ "ipv6", yaml_set_choice, "direct", AT(service_config, ipv6), .choices = ipv6_names },
	{ "df", yaml_set_choice, "fragment", AT(service_config, df), .choices = df_names },
	{ "allow", config_set_clients, "192.0.2.0/24", ROWS(service_config, allow, n_allow),
	  .item = config_add_allowed, .pattern = PATTERN_PREFIX, .below = config_list_keys,
	  .alone = true },
	{ "deny", config_set_clients, "192.0.2.0/24", ROWS(service_config, deny, n_deny),
	  .item = config_add_denied, .pattern = PATTERN_PREFIX, .below = config_list_keys,
	  .alone = true },
	{ "flows", yaml_set_map, "{ max: 262144 }", .below = config_flows_keys },
	{ "hairpin", yaml_set_flag, "true", AT(service_config, hairpin),
	  .choices = yaml_flag_names },
	{},
};

static const struct yaml_key running_keys[] = {
	{ "mode", yaml_set_choice, "auto", AT(config, mode), .choices = mode_names },
	{ "by-command", yaml_set_flag, "true", AT(config, by_command), .choices = yaml_flag_names },
	{},
};

static const struct yaml_key exporter_keys[] = {
	{ "listen", yaml_set_list, "\"127.0.0.1:9851\"", .item = add_endpoint, .required = true,
	  .pattern = "systemd|" PATTERN_ENDPOINT },
	{ "page", yaml_set_choice, "local", AT(config, page), .choices = page_names },
	{ "web-config", config_set_path, "/etc/wgxdp/web.yml", AT(config, web_config),
	  .pattern = PATTERN_PATH },
	{ "names", yaml_set_list, "relay.example.net",
	  ROWS(config, exporter_names, n_exporter_names), .item = config_add_host_name,
	  .pattern = PATTERN_DOMAIN },
	{},
};

static const struct yaml_key config_keys[] = {
	{ "interfaces", yaml_set_rows, "{ name: eth0, role: wan } or { name: eth1, role: lan }",
	  ROWS(config, interfaces, n_interfaces), .below = interface_keys },
	{ "services", yaml_set_rows, "{ name: wg-end, listen: …, backend: … }",
	  ROWS(config, services, n_services), .below = service_keys },
	{ "peers", yaml_set_rows, "{ name: site-a, device: wgvpnr01 }",
	  ROWS(config, peers, n_peers), .below = config_peer_keys },
	{ "follow", yaml_set_map,
	  "{ wireguard: [ wg0 ] } with your WireGuard interface in place of wg0",
	  AT(config, follow), .below = config_follow_keys },
	{ "announce", yaml_set_map, "{ table: 700 }", AT(config, announce),
	  .below = config_announce_keys },
	{ "policy", config_set_policy, "{ overlay: \"fd12:3456:789a::/48\" }", AT(config, policy),
	  .below = config_policy_keys },
	{ "blind", yaml_set_map, "{ listen: { interface: eth0, port: 51820 }, device: wgvpnr01 }",
	  AT(config, blind), .below = config_blind_keys },
	{ "endpoints", yaml_set_rows,
	  "{ interface: wg0, peer: \"…=\", host: vpn.example.net, port: 51820 }",
	  ROWS(config, endpoints, n_endpoints), .below = config_endpoints_keys },
	{ "learn", yaml_set_rows, "{ interface: wg1 }", ROWS(config, learn, n_learn),
	  .below = config_learn_keys },
	{ "rates", yaml_set_rows, "{ service: wg-end, from: 100 Mbit/s }",
	  ROWS(config, rates, n_rates), .below = config_rates_keys },
	{ "exporter", yaml_set_map, "{ listen: [ \"127.0.0.1:9851\" ] }", .below = exporter_keys },
	{ "ddns", yaml_set_rows, "{ interface: ens18, … }", .item = config_add_ddns,
	  .below = config_ddns_keys, .alone = true },
	{ "express", yaml_set_choice, "on", AT(config, express), .choices = express_names },
	{ "express-entries", yaml_set_number, "65536", AT(config, express_entries),
	  .least = EXPRESS_ENTRIES_MIN, .most = EXPRESS_ENTRIES_MAX },
	{ "running", yaml_set_map, "{ mode: auto }", .below = running_keys, .unlisted = true },
	{},
};

const struct yaml_key *config_grammar(void)
{
	return config_keys;
}

/* ---- reading ---- */

/* Returns the item of a list of ports that contains this port, or the list if there is none. */
static struct yaml_node *port_item(struct yaml_node *list, __be16 port)
{
	unsigned int first, last;
	struct yaml_node *item = list ? list->first : NULL;

	for (; item; item = item->next)
		if (!ports_parse(item->text ?: "", &first, &last) && ntohs(port) >= first &&
		    ntohs(port) <= last)
			return item;
	return list;
}

/* Returns the node with this path. If the file lacks its last parts, returns the nearest mapping or
 * list that should contain them. */
static struct yaml_node *node_at(struct yaml *y, const struct config_place *place)
{
	struct yaml_node *node = NULL;
	char path[sizeof(place->path)];
	char *slash;

	strcpy(path, place->path);
	while (!(node = yaml_by_path(yaml_root(y), path)) && (slash = strrchr(path, '/')))
		*slash = '\0';
	if (place->port && node && node->type == YAML_LIST)
		node = port_item(node, place->port);
	return node ?: yaml_root(y);
}

static void report_at(void *data, const struct config_place *place, const char *text)
{
	yaml_error(data, node_at(data, place), "%s", text);
}

struct inspection {		/* errors that an inspector has reported */
	struct yaml *y;
	struct inspected {
		struct yaml_node *at;
		size_t order;
		char *text;
	} *list;
	size_t n;
};

static void note_error(void *data, const struct config_place *place, const char *text)
{
	struct inspection *k = data;
	size_t order = k->n;

	*append(k->list, k->n) = (struct inspected){ node_at(k->y, place), order, xstrdup(text) };
}

static int compare_places(const void *a, const void *b)
{
	const struct inspected *x = a, *y = b;
	int lines = x->at->line - y->at->line, columns = x->at->column - y->at->column;

	return lines ?: columns ?: x->order < y->order ? -1 : 1;
}

/* Prints the errors of an inspector in the order of the file. */
static void inspect(struct yaml *y, const struct config_inspector *inspector,
		    const struct config *c)
{
	struct inspection k = { .y = y };

	inspector->inspect(inspector->data, c, note_error, &k);
	if (k.n)
		qsort(k.list, k.n, sizeof(*k.list), compare_places);
	for (size_t i = 0; i < k.n; i++) {
		yaml_error(y, k.list[i].at, "%s", k.list[i].text);
		free(k.list[i].text);
	}
	free(k.list);
}

static void read_root(struct yaml *y, struct yaml_node *root, bool is_file, struct config *c)
{
	static const char *const others[] = { "relays", "gateways", "firewalls", NULL };
	struct yaml_node *other =
		root && root->type == YAML_MAP ? yaml_first_key(root, others) : NULL;

	if (root && root->type != YAML_MAP) {
		yaml_error(y, root, "the file does not begin with a section of a configuration: begin with one, such as services:");
	} else if (is_file && !root) {
		/* truncated or commented out: loading it would remove everything that runs */
		yaml_error(y, root, "the file is empty: begin with a section, such as services:");
	} else if (other) {
		yaml_error(y, other, "'%s' is a section of a topology, not of a configuration: `wgxdp gen hosts %s -o DIR` makes a configuration for each host",
			   other->text, y->name);
	} else if (root) {
		yaml_map(y, root, config_keys, "the configuration", c);
		config_check_each(c, y->errors, report_at, y);
	}
}

/* Finds the line and column of a path, or of the nearest node that should contain it. */
static void __attribute__((format(printf, 4, 5)))
note_place(struct yaml *y, int *line, int *column, const char *format, ...)
{
	const struct yaml_node *node;
	char path[64];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	while (!(node = yaml_by_path(yaml_root(y), path)) && *path)
		*strrchr(path, '/') = '\0';
	*line = node ? node->line + 1 : 0;
	*column = node ? node->column + 1 : 0;
}

/* Stores the line and column of values that can turn out to be wrong later, when the plan is made
 * for this host. */
static void note_places(struct yaml *y, struct config *c)
{
	c->file = xstrdup(y->name);
	for (size_t i = 0; i < c->n_interfaces; i++)
		note_place(y, &c->interfaces[i].line, &c->interfaces[i].column,
			   "/interfaces/%zu/name", i);
	for (size_t i = 0; i < c->n_services; i++)
		note_place(y, &c->services[i].line, &c->services[i].column,
			   "/services/%zu/listen", i);
	note_place(y, &c->blind.line, &c->blind.column, "/blind/mtu");
}

static int parse_config(const char *text, size_t n, const char *name, bool is_file,
			const struct config_inspector *inspector, struct config **ret)
{
	struct yaml_node *root;
	struct config *c;
	struct yaml y;
	int r;

	r = yaml_open(&y, text, n, name);
	if (r)
		return r;
	c = xcalloc(1, sizeof(*c));
	root = yaml_root(&y);
	read_root(&y, root, is_file, c);
	if (is_file && !y.errors)
		note_places(&y, c);
	r = y.errors ? -EINVAL : 0;
	if (!r && root && inspector)
		inspect(&y, inspector, c);
	yaml_close(&y);
	if (!r)
		*ret = c;
	else
		config_free(c);
	return r;
}

int config_parse(const char *text, const char *name, struct config **ret)
{
	return parse_config(text, strlen(text), name, false, NULL, ret);
}

int config_read_and_inspect(const char *file, const struct config_inspector *inspector,
			    struct config **ret)
{
	char *text;
	size_t n;
	int r = yaml_read(file, &text, &n);

	if (r)
		return r;
	r = parse_config(text, n, yaml_file_name(file), true, inspector, ret);
	free(text);
	return r;
}

int config_read(const char *file, struct config **ret)
{
	return config_read_and_inspect(file, NULL, ret);
}

void config_free_service(struct service_config *s)
{
	for (size_t i = 0; i < s->n_backends; i++)
		free(s->backends[i].keys);
	free(s->backends);
	free(s->backend.keys);
	free(s->listen_addresses);
	free(s->ports);
	free(s->allow);
	free(s->deny);
	free(s->allow_lists);
	free(s->deny_lists);
	free(s->flows.sources);
}

void config_free_peer(struct peer_config *p)
{
	free(p->prefixes);
}

bool config_follows(const struct config *c, const char *device)
{
	for (size_t i = 0; i < c->follow.n_wireguard; i++)
		if (!strcmp(c->follow.wireguard[i].name, device))
			return true;
	return false;
}

bool config_is_control(const struct config *c)
{
	return (c->n_endpoints || c->n_ddns) && !c->n_interfaces && !c->n_services &&
	       !config_relays(c) && !*c->blind.device && !c->n_learn;
}

const char *config_followed(const struct config *c, size_t i, char *path, size_t n)
{
	if (i < c->n_endpoints) {
		snprintf(path, n, "/endpoints/%zu/interface", i);
		return c->endpoints[i].interface;
	}
	i -= c->n_endpoints;
	if (i < c->n_learn) {
		snprintf(path, n, "/learn/%zu/interface", i);
		return c->learn[i].interface;
	}
	i -= c->n_learn;
	snprintf(path, n, "/ddns/%zu/interface", i);
	return i < c->n_ddns ? c->ddns[i].interface : NULL;
}

/* Returns the i-th name of an interface: those of the section interfaces, then those on which
 * services and the blind relay listen, then the devices of peers. NULL: there are no more. */
static const char *interface_at(const struct config *c, size_t i, enum link_role *ret_role)
{
	*ret_role = i < c->n_interfaces ? c->interfaces[i].role :
		    i <= c->n_interfaces + c->n_services ? ROLE_WAN : ROLE_TUNNEL;
	if (i < c->n_interfaces)
		return c->interfaces[i].name;
	i -= c->n_interfaces;
	if (i < c->n_services)
		return c->services[i].listen_interface;
	i -= c->n_services;
	if (!i)
		return c->blind.interface;
	i--;
	if (i < c->follow.n_wireguard)
		return c->follow.wireguard[i].name;
	i -= c->follow.n_wireguard;
	return i < c->n_peers ? c->peers[i].device : NULL;
}

static bool named_before(const struct config *c, size_t i, const char *name)
{
	enum link_role role;

	/* Search backwards, because most peers have the same device as the peer before. */
	for (size_t j = i; j--;)
		if (!strcmp(interface_at(c, j, &role), name))
			return true;
	return false;
}

const char *config_interface(const struct config *c, size_t *at, enum link_role *ret_role)
{
	const char *name;

	while ((name = interface_at(c, *at, ret_role))) {
		size_t i = (*at)++;

		if (*name && !named_before(c, i, name))
			return name;
	}
	return NULL;
}

/* Warns if IPv6 clients, which send to the backend itself, need another port than IPv4 clients: no
 * name and port then serves both. */
static void warn_direct(const struct service_config *s)
{
	for (size_t b = 0; b < backends_of(s); b++) {
		const struct backend_config *backend = backend_at(s, b);

		if (s->nat == NAT_DNAT && s->ipv6 == IPV6_DIRECT && *backend->ipv6 &&
		    !service_has_port(s, backend->port))
			log_warning("service %s: IPv6 clients send to the backend %s itself, so they need its port %u. With `ipv6: dnat` they use this host's address and the service's ports",
				    s->name, backend->ipv6, ntohs(backend->port));
	}
}

static void warn_open_exporter(const struct config *c)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < c->n_exporter && !*c->web_config; i++) {
		endpoint_format(&c->exporter[i].address, c->exporter[i].port, text);
		if (!strncmp(text, "0.0.0.0:", 8) || !strncmp(text, "[::]:", 5))
			log_warning("exporter: %s serves the metrics to every host that reaches this one: name an address, or add web-config",
				    text);
	}
}

void config_warn(const struct config *c)
{
	for (size_t i = 0; i < c->n_services; i++)
		warn_direct(&c->services[i]);
	warn_open_exporter(c);
	if (!c->n_services && !config_relays(c) && !*c->blind.device && !c->n_learn &&
	    !config_is_control(c))
		log_warning("no service and no peer is configured, so nothing will be forwarded: add one");
}

void config_free(struct config *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n_services; i++)
		config_free_service(&c->services[i]);
	for (i = 0; i < c->n_peers; i++)
		config_free_peer(&c->peers[i]);
	free(c->services);
	free(c->peers);
	free(c->follow.wireguard);
	free(c->follow.tables);
	free(c->policy.udp_ports);
	free(c->policy.tcp_ports);
	free(c->blind.sites);
	free(c->blind.pairs);
	free(c->endpoints);
	for (i = 0; i < c->n_learn; i++)
		free(c->learn[i].command);
	free(c->learn);
	for (i = 0; i < c->n_rates; i++)
		free(c->rates[i].clients);
	free(c->rates);
	free(c->exporter);
	free(c->exporter_names);
	for (i = 0; i < c->n_ddns; i++)
		config_free_ddns(&c->ddns[i]);
	free(c->ddns);
	free(c->interfaces);
	free(c->file);
	free(c);
}
