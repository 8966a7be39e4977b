/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads once the data that doctor examines, and keeps the list of findings.
 */
#include <stdio.h>
#include <string.h>
#include "config/config_endpoints.h"
#include "config/config_learn.h"
#include "doctor/doctor.h"
#include "lib/grow.h"
#include "lib/text.h"
#include "instance/resolver.h"

void doctor_report(struct doctor *k, enum state state, const char *check, const char *subject,
		   char *fix, const char *format, ...)
{
	struct finding *f = append(k->findings, k->n_findings);
	va_list args;

	f->check = check;
	f->state = state;
	f->fix = fix;
	snprintf(f->subject, sizeof(f->subject), "%s", subject);
	va_start(args, format);
	f->found = xvasprintf(format, args);
	va_end(args);
}

struct doctor_port *doctor_port(struct doctor *k, __u32 ifindex)
{
	for (size_t i = 0; i < k->n_ports; i++)
		if (k->ports[i].link && k->ports[i].link->ifindex == ifindex)
			return &k->ports[i];
	return NULL;
}

const struct doctor_port *doctor_port_named(const struct doctor *k, const char *name)
{
	for (size_t i = 0; i < k->n_ports; i++)
		if (!strcmp(k->ports[i].name, name))
			return &k->ports[i];
	return NULL;
}

const struct nl_link *doctor_nic(const struct doctor *k, const struct nl_link *link)
{
	const struct nl_link *vlans[2], *nic;

	return plan_vlans(&k->h, link, vlans, &nic) < 0 ? link : nic;
}

const struct link *doctor_running_link(const struct doctor *k, __u32 ifindex)
{
	return dataplane_link_of(k->links, k->n_links, ifindex);
}

const char *doctor_link_name(const struct doctor *k, __u32 ifindex)
{
	const struct nl_link *link = host_link(&k->h, ifindex);

	return link ? link->name : "?";
}

const char *doctor_file(const struct doctor *k)
{
	char word[SHELL_WORD_LEN];

	return *k->file && shell_word(k->file, word) == k->file ? k->file : NULL;
}

const char *doctor_same_file(const struct doctor *k)
{
	return k->file_keeps ? doctor_file(k) : NULL;
}

/* ---- gathering ---- */

static void add_port(struct doctor *k, const char *name, enum link_role role)
{
	struct doctor_port *port;

	if (doctor_port_named(k, name))
		return;
	port = append(k->ports, k->n_ports);
	snprintf(port->name, sizeof(port->name), "%s", name);
	port->link = host_link_by_name(&k->h, name);
	port->role = role;
}

static void add_ports(struct doctor *k)
{
	const struct nl_link *link;
	enum link_role role;
	const char *name;
	size_t at = 0;

	while ((name = config_interface(k->c, &at, &role)))
		add_port(k, name, role);
	for (size_t i = 0; i < k->n_links; i++) {
		link = k->links[i].role ? host_link(&k->h, k->links[i].ifindex) : NULL;
		if (link)
			add_port(k, link->name, k->links[i].role);
	}
	for (size_t i = 0; i < k->n_backends; i++) {
		link = k->backends[i].routed ? host_link(&k->h, k->backends[i].way.oif) : NULL;
		if (link && !link->loopback)
			add_port(k, link->name, ROLE_LAN);
	}
}

static void add_backend(struct doctor *k, const struct service_config *s,
			const struct backend_config *from, __u8 family,
			const struct resolved_backends *was)
{
	const char *text = family == FAMILY_IPV4 ? from->ipv4 : from->ipv6;
	struct doctor_backend *b;
	struct address before;

	if (!*text)
		return;
	b = append(k->backends, k->n_backends);
	*b = (struct doctor_backend){
		.service = s, .family = family, .port = from->port, .socket = -1,
		.vrf = host_vrf(&k->h, s),
	};
	snprintf(b->text, sizeof(b->text), "%s", text);
	b->was = resolved_backends_address(was, text, family, &before);
	resolved_backends_address(&k->answers, text, family, &b->address);
	b->reach = b->address.family ? reach_backend(&k->h, k->c, s, &b->address, &b->way) :
		   REACH_NONE;
	b->routed = b->way.oif;
}

static void add_backends(struct doctor *k)
{
	struct resolved_backends was = { 0 };

	resolved_backends_read(k->instance, &was);
	resolved_backends_match(&was, k->c);
	resolved_backends_read(k->instance, &k->answers);
	resolved_backends_match(&k->answers, k->c);
	resolver_once(&k->answers, false, RESOLVE_MS);
	resolved_backends_follow_prefixes(&k->answers, &k->h);
	for (size_t i = 0; i < k->c->n_services; i++)
		for (size_t b = 0; b < backends_of(&k->c->services[i]); b++) {
			const struct backend_config *from = backend_at(&k->c->services[i], b);

			add_backend(k, &k->c->services[i], from, FAMILY_IPV4, &was);
			add_backend(k, &k->c->services[i], from, FAMILY_IPV6, &was);
		}
	resolved_backends_free(&was);
}

static void add_device(struct doctor *k, const char *name)
{
	struct doctor_device *d;

	for (size_t i = 0; i < k->n_devices; i++)
		if (!strcmp(k->devices[i].name, name))
			return;
	if (!*name)
		return;
	d = append(k->devices, k->n_devices);
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->error = wg_read(name, &d->wg);
}

static void add_devices(struct doctor *k)
{
	const struct config *c = k->c;

	add_device(k, c->blind.device);
	for (size_t i = 0; i < c->n_peers; i++)
		add_device(k, c->peers[i].device);
	for (size_t i = 0; i < c->follow.n_wireguard; i++)
		add_device(k, c->follow.wireguard[i].name);
	for (size_t i = 0; i < c->n_endpoints; i++)
		add_device(k, c->endpoints[i].interface);
	for (size_t i = 0; i < c->n_learn; i++)
		add_device(k, c->learn[i].interface);
}

int doctor_gather(struct doctor *k)
{
	bool is_default = !strcmp(k->instance, INSTANCE_DEFAULT);

	snprintf(k->wgxdp, sizeof(k->wgxdp), "wgxdp%s%s", is_default ? "" : " --instance ",
		 is_default ? "" : k->instance);
	if (k->dp) {
		int rc = conditions_read(k->dp, &k->is) ?:
			 dataplane_links(k->dp, &k->links, &k->n_links);

		if (rc)
			return rc;
		k->plan = plan_running(&k->h, k->c, k->links, k->n_links);
		dataplane_reasons(k->dp, &k->before, &k->n_before);
		doctor_begin_replies(k);
	}
	if (k->up)
		k->source = source_read(k->instance, k->c, k->file);
	k->file_keeps = k->source == SOURCE_SAME && source_keeps_options(k->file, k->c);
	if (k->source == SOURCE_SAME && doctor_file(k))
		snprintf(k->keep, sizeof(k->keep), " && cp -p %s %s.old && %s save > %s", k->file,
			 k->file, k->wgxdp, k->file);
	if (doctor_same_file(k))
		snprintf(k->again, sizeof(k->again), "%s reload -c %s", k->wgxdp, k->file);
	else
		/* This also forgets which file the instance came from. */
		snprintf(k->again, sizeof(k->again), "%s save | %s up -c -", k->wgxdp, k->wgxdp);
	add_backends(k);
	add_ports(k);
	add_devices(k);
	return 0;
}
