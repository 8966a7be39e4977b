/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the facts: interfaces, backends with the ways to them, and WireGuard devices.
 */
#include <stdio.h>
#include <string.h>
#include "config/config_diff.h"
#include "config/config_sections.h"
#include "findings/facts.h"
#include "lib/grow.h"

/* ---- interfaces ---- */

/* Sets the path of the i-th name of config_interface(). */
static void set_path(const struct config *c, size_t i, char ret[96])
{
	if (i < c->n_interfaces)
		snprintf(ret, 96, "/interfaces/%zu/name", i);
	else if ((i -= c->n_interfaces) < c->n_services)
		snprintf(ret, 96, "/services/%zu/listen/interface", i);
	else if (!(i -= c->n_services))
		strcpy(ret, "/blind/listen/interface");
	else if (--i < c->follow.n_wireguard)
		snprintf(ret, 96, "/follow/wireguard/%zu", i);
	else
		snprintf(ret, 96, "/peers/%zu/device", i - c->follow.n_wireguard);
}

struct interface_fact *facts_interface(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_interfaces; i++)
		if (!strcmp(f->interfaces[i].about.name, name))
			return &f->interfaces[i];
	return NULL;
}

struct interface_fact *facts_add_interface(struct facts *f, const char *name, enum link_role role,
					   bool port)
{
	struct interface_fact *i = facts_interface(f, name);

	if (!i) {
		i = append(f->interfaces, f->n_interfaces);
		snprintf(i->about.name, sizeof(i->about.name), "%s", name);
		i->link = host_link_by_name(f->host, name);
		i->about.ifindex = i->link ? i->link->ifindex : 0;
		i->config = config_interface_entry(f->config, name);
	}
	if (i->port || !port)
		return i;
	i->port = true;
	i->role = role;
	for (int ipv6 = 0; ipv6 < 2 && i->link; ipv6++) {
		i->forwards[ipv6] = host_forwards(name, ipv6);
		i->needs[ipv6] = reach_needs(f->config, f->host, i->link,
					     ipv6 ? FAMILY_IPV6 : FAMILY_IPV4);
	}
	return i;
}

/* Adds an interface that only the daemon uses. */
static void add_followed(struct facts *f, const char *name, const char *path)
{
	if (*name && !facts_interface(f, name))
		strcpy(facts_add_interface(f, name, ROLE_NONE, false)->about.path, path);
}

void facts_interfaces(struct facts *f)
{
	const struct config *c = f->config;
	enum link_role role;
	const char *name;
	char path[96];

	for (size_t at = 0; (name = config_interface(c, &at, &role));)
		set_path(c, at - 1, facts_add_interface(f, name, role, true)->about.path);
	for (size_t i = 0; (name = config_followed(c, i, path, sizeof(path))); i++)
		add_followed(f, name, path);
	add_followed(f, c->blind.device, "/blind/device");
}

bool pppoe_device(const char *name, char ret[IFNAMSIZ])
{
	FILE *in = fopen("/proc/net/pppoe", "re");
	char line[128], device[IFNAMSIZ];
	bool found = false;

	while (in && !found && fgets(line, sizeof(line), in))
		if (sscanf(line, "%*s %*s %15s", device) == 1 && strcmp(device, "Device") &&
		    (!name || !strcmp(device, name))) {
			strcpy(ret, device);
			found = true;
		}
	if (in)
		fclose(in);
	return found;
}

/* ---- backends ---- */

const struct nl_link *facts_network(const struct facts *f, const struct backend_fact *b,
				    struct prefix *ret)
{
	for (size_t i = 0; i < f->host->n_addresses; i++) {
		const struct nl_address *a = &f->host->addresses[i];

		*ret = (struct prefix){
			.addr = a->local.addr, .family = a->local.family, .len = a->prefix_len,
		};
		prefix_clear_host(ret);
		if (prefix_covers(ret, &b->address) && host_link(f->host, a->ifindex))
			return host_link(f->host, a->ifindex);
	}
	return NULL;
}

static struct backend_fact *new_backend(struct facts *f, const struct service_config *s,
					const char *text, const struct address *a)
{
	struct backend_fact *b = append(f->backends, f->n_backends);
	const struct nl_link *to = NULL;
	struct prefix network;

	*b = (struct backend_fact){
		.about = { .kind = "backend ", .service = s, .backend = *a }, .text = text,
		.family = a->family, .address = *a,
	};
	if (!a->family) {
		snprintf(b->about.name, sizeof(b->about.name), "%s", text);
		return b;
	}
	address_format(a, b->about.name);
	b->vrf = host_vrf(f->host, s);
	b->reach = reach_backend(f->host, f->config, s, a, &b->way);
	if (b->reach == REACH_NONE || b->reach == REACH_WAN)
		to = facts_network(f, b, &network);
	b->down = to && !to->up ? to : NULL;
	return b;
}

struct backend_fact *facts_add_backend(struct facts *f, const struct service_config *s,
				       const struct address *a)
{
	for (size_t i = 0; i < f->n_backends; i++)
		if (f->backends[i].about.service == s && address_equal(&f->backends[i].address, a))
			return &f->backends[i];
	return new_backend(f, s, "", a);
}

static void add_backend(struct facts *f, const struct service_config *s, const char *text,
			__u8 family, __be16 port, const char *path)
{
	struct backend_fact *b;
	struct address a;

	if (!*text)
		return;
	resolved_backends_address(f->answers, text, family, &a);
	b = new_backend(f, s, text, &a);
	b->family = family;
	b->port = port;
	snprintf(b->about.path, sizeof(b->about.path), "%s/%s", path,
		 family == FAMILY_IPV4 ? "ipv4" : "ipv6");
}

/* Adds the two addresses of a backend, of its standby if that serves, or (idle) of both. */
static void add_both(struct facts *f, const struct service_config *s,
		     const struct backend_config *b, const char *path, bool idle)
{
	bool standby = f->plan && plan_on_standby(f->plan, s, b);
	char below[80];

	if (!standby || idle) {
		add_backend(f, s, b->ipv4, FAMILY_IPV4, b->port, path);
		add_backend(f, s, b->ipv6, FAMILY_IPV6, b->port, path);
	}
	if (!standby && !idle)
		return;
	snprintf(below, sizeof(below), "%s/standby", path);
	add_backend(f, s, b->standby.ipv4, FAMILY_IPV4, b->standby.port ?: b->port, below);
	add_backend(f, s, b->standby.ipv6, FAMILY_IPV6, b->standby.port ?: b->port, below);
}

void facts_backends(struct facts *f, bool idle)
{
	const struct config *c = f->config;
	char path[64];

	for (size_t i = 0; i < c->n_services; i++)
		for (size_t n = 0; n < backends_of(&c->services[i]); n++) {
			const struct service_config *s = &c->services[i];

			snprintf(path, sizeof(path), s->n_backends ? "/services/%zu/backends/%zu" :
				 "/services/%zu/backend", i, n);
			add_both(f, s, backend_at(s, n), path, idle);
		}
}

void facts_ways(struct facts *f)
{
	for (size_t i = 0; i < f->n_backends; i++) {
		const struct backend_fact *b = &f->backends[i];
		const struct nl_link *link = host_link(f->host, b->way.oif);
		struct interface_fact *out;

		if (b->reach != REACH_ROUTED || !link || link->loopback)
			continue;
		out = facts_add_interface(f, link->name, ROLE_LAN, true);
		out->needs[b->family == FAMILY_IPV6] = true;
		if (!*out->about.path)
			strcpy(out->about.path, b->about.path);
	}
}

/* ---- WireGuard devices ---- */

const struct device_fact *facts_device(struct facts *f, const char *name)
{
	struct device_fact *d;

	for (size_t i = 0; i < f->n_devices; i++)
		if (!strcmp(f->devices[i].name, name))
			return &f->devices[i];
	d = append(f->devices, f->n_devices);
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->error = wg_read(name, &d->wg);
	return d;
}

void facts_free(struct facts *f)
{
	for (size_t i = 0; i < f->n_devices; i++)
		wg_free(&f->devices[i].wg);
	free(f->interfaces);
	free(f->backends);
	free(f->devices);
}
