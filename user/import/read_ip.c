/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the network of another host: what `ip -j addr` and `ip -j route` print.
 */
#include <errno.h>
#include <string.h>
#include "config/config_check.h"
#include "import/read.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/yaml.h"

static const char *get(struct yaml_node *row, const char *path)
{
	struct yaml_node *n = yaml_by_path(row, path);

	return n && n->type == YAML_SCALAR && n->text ? n->text : "";
}

static void add_address(struct import_network *n, const char *device, struct yaml_node *row)
{
	struct import_address *a = append(n->addresses, n->n_addresses);

	strcpy(a->device, device);
	if (!row || strcmp(get(row, "/scope"), "global") ||
	    address_parse(get(row, "/local"), &a->address))
		return;
	a->len = strtoul(get(row, "/prefixlen"), NULL, 10);
	if (a->len > (a->address.family == FAMILY_IPV4 ? 32 : 128))
		a->address.family = 0;
}

/* Adds an interface with its addresses. */
static void add_link(struct import_network *n, struct yaml_node *row)
{
	struct yaml_node *list = yaml_by_path(row, "/addr_info");
	const char *device = get(row, "/ifname");

	if (!is_interface_name(device) || !strcmp(device, "lo"))
		return;
	add_address(n, device, NULL);
	for (struct yaml_node *a = list && list->type == YAML_LIST ? list->first : NULL; a;
	     a = a->next)
		add_address(n, device, a);
}

/* Adds the route of a row, and those of its next hops. six: the family of "default". */
static void add_route(struct import_network *n, struct yaml_node *row, bool six)
{
	const char *to = get(row, "/dst"), *device = get(row, "/dev");
	struct yaml_node *hops = yaml_by_path(row, "/nexthops");
	struct import_route r;
	struct address a;

	if (!*device && hops && hops->first)
		device = get(hops->first, "/dev");
	if (!strcmp(to, "default"))
		r.to = (struct prefix){ .family = six ? FAMILY_IPV6 : FAMILY_IPV4 };
	else if (!address_parse(to, &a))
		r.to = address_prefix(&a);
	else if (prefix_parse(to, &r.to))
		return;
	if (!is_interface_name(device) || !strcmp(device, "lo"))
		return;
	strcpy(r.device, device);
	*append(n->routes, n->n_routes) = r;
}

/* Returns whether a row of a list of routes has an IPv6 address. */
static bool is_ipv6(struct yaml_node *list)
{
	for (struct yaml_node *row = list->first; row; row = row->next)
		if (strchr(get(row, "/dst"), ':') || strchr(get(row, "/gateway"), ':'))
			return true;
	return false;
}

static int read_list(struct import_network *n, const char *line, const char *origin)
{
	struct yaml y = { 0 };
	int rc = yaml_open_json(&y, line, strlen(line), origin);
	struct yaml_node *root = rc ? NULL : yaml_root(&y), *row;
	bool list = root && root->type == YAML_LIST;

	for (row = list ? root->first : NULL; row; row = row->next)
		if (*get(row, "/ifname"))
			add_link(n, row);
		else
			add_route(n, row, is_ipv6(root));
	if (!rc && !list) {
		log_error("%s: this is not the output of `ip -j addr` or `ip -j route`", origin);
		rc = -EINVAL;
	}
	yaml_close(&y);
	return rc;
}

int read_ip(struct import_network *n, const struct import_text *t)
{
	struct import_lines lines = { .text = t, .rest = t->text };
	char *line;
	int rc = 0;

	while (!rc && (line = import_next_line(&lines)))
		rc = read_list(n, line, lines.origin);
	free(lines.origin);
	return rc;
}
