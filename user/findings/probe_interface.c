/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Interfaces: whether they exist and are up, whether packets arrive there at all, whether an XDP
 * program of other software has them, and whether the kernel forwards from them.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/pins.h"
#include "dataplane/attach.h"
#include "findings/probes.h"
#include "lib/text.h"

/* Returns a command that makes all services that listen on an interface listen on `other`; NULL: no
 * service listens there. */
static char *fix_listen(const struct facts *f, const char *name, const char *other)
{
	size_t size, n = 0;
	char *text;
	FILE *out;

	if (!f->keep)
		return NULL;
	out = text_open(&text, &size);
	for (size_t i = 0; i < f->config->n_services; i++)
		if (!strcmp(f->config->services[i].listen_interface, name))
			fprintf(out, "%s%s service set %s --listen %s", n++ ? " && " : "", f->wgxdp,
				f->config->services[i].name, SHELL_WORD(other));
	fputs(f->keep, out);
	fclose(out);
	if (n)
		return text;
	free(text);
	return NULL;
}

/* Returns the interface that probably has a missing one's name now: wgxdp is attached to it in the
 * same role, and the configuration does not name it. NULL: none, or several. */
static const struct interface_fact *renamed(const struct facts *f, const struct interface_fact *is)
{
	const struct interface_fact *found = NULL;

	EACH_INTERFACE(f, i) {
		if (!i->link || !i->port || i->role != is->role || i->config || *i->about.path)
			continue;
		if (found)
			return NULL;
		found = i;
	}
	return is->port ? found : NULL;
}

/* Returns a command that creates a missing interface: by wg-quick's file, or if its name is of the
 * usual form NIC.ID of a VLAN, such as eth0.7. */
static char *fix_missing(const struct facts *f, const struct interface_fact *i)
{
	const struct interface_fact *now = renamed(f, i);
	const char *name = i->about.name, *dot = strrchr(name, '.');
	char base[IFNAMSIZ] = "", path[sizeof(WG_QUICK_DIR) + IFNAMSIZ + 8];
	unsigned int id;

	if (dot && sscanf(dot + 1, "%u", &id) == 1 && id && id < 4095)
		memcpy(base, name, dot - name);
	if (now)
		return (!i->config ? fix_listen(f, name, now->about.name) : NULL) ?:
		       xasprintf("ip link set dev %s name %s", SHELL_WORD(now->about.name),
				 SHELL_WORD(name));
	snprintf(path, sizeof(path), WG_QUICK_DIR "/%s.conf", name);
	if (!access(path, R_OK))
		return f->again ? xasprintf("wg-quick up %s && %s", SHELL_WORD(name), f->again) :
		       xasprintf("wg-quick up %s", SHELL_WORD(name));
	if (!*base || !host_link_by_name(f->host, base))
		return NULL;
	return xasprintf("ip link add link %s name %s type vlan id %u && ip link set dev %s up",
			 SHELL_WORD(base), SHELL_WORD(name), id, SHELL_WORD(name));
}

void probe_missing(struct facts *f, struct findings *to)
{
	char there[HOST_NAMES_LEN], advice[HOST_NAMES_LEN + 64];

	EACH_INTERFACE(f, i) {
		if (i->link)
			continue;
		snprintf(advice, sizeof(advice),
			 "this host has %s: correct the name, or create the interface",
			 host_link_names(f->host, i->about.name, there));
		finding_add(to, &i->about,
			    to->to == DOCTOR ? fix_missing(f, i) : NULL, advice,
			    "does not exist");
	}
}

void probe_loopback(struct facts *f, struct findings *to)
{
	EACH_INTERFACE(f, i)
		if (i->link && i->link->loopback && i->port)
			finding_add(to, &i->about, NULL,
				    "name the interface to the clients or to the backend",
				    "is the loopback, which other hosts cannot reach");
}

void probe_down(struct facts *f, struct findings *to)
{
	EACH_INTERFACE(f, i)
		if (i->link && !i->link->up)
			finding_add(to, &i->about, xasprintf("ip link set dev %s up",
							     SHELL_WORD(i->link->name)), NULL,
				    "is down");
}

void probe_noarp(struct facts *f, struct findings *to)
{
	EACH_INTERFACE(f, i)
		if (i->port && i->link && i->link->up && i->link->ethernet && i->link->noarp)
			finding_add(to, &i->about, xasprintf("ip link set dev %s arp on",
							     SHELL_WORD(i->link->name)),
				    "turn ARP on", "does not resolve MAC addresses (NOARP), so it "
				    "reaches no neighbour");
}

/* ---- another interface gets the packets ---- */

/* Reports that another interface has the addresses and gets the packets. */
static void add_wrong_link(struct facts *f, struct findings *to, const struct interface_fact *i,
			   const char *what, const char *other)
{
	char advice[64];

	snprintf(advice, sizeof(advice), "write %s instead", other);
	finding_add(to, &i->about, fix_listen(f, i->about.name, other), advice, "%s %s", what,
		    other);
}

void probe_bridge_port(struct facts *f, struct findings *to)
{
	EACH_INTERFACE(f, i) {
		const struct nl_link *master = i->link && i->port && i->link->up ?
					       host_link(f->host, i->link->master) : NULL;

		if (master && !strcmp(master->kind, "bridge"))
			add_wrong_link(f, to, i, "is a port of the bridge", master->name);
	}
}

void probe_pppoe(struct facts *f, struct findings *to)
{
	char device[IFNAMSIZ];

	EACH_INTERFACE(f, i)
		if (i->port && i->link && i->link->up && i->link->ethernet &&
		    !host_has_family(f->host, i->link->ifindex, FAMILY_IPV4) &&
		    pppoe_device(i->link->name, device) && host_link_by_name(f->host, "ppp0"))
			add_wrong_link(f, to, i, "carries the PPPoE session of", "ppp0");
}

/* ---- programs of other software ---- */

/* Reports an XDP program of other software, or of another instance. Other users than root cannot
 * see it. */
static void add_program(struct facts *f, struct findings *to, const struct interface_fact *i)
{
	__u32 id = i->link->xdp_prog_id;
	char owner[INSTANCE_LEN];

	if (pins_owner(id, "", owner)) {
		if (strcmp(owner, f->instance))
			finding_add(to, &i->about, NULL,
				    "an interface belongs to one instance only",
				    "has the XDP program of the instance %s", owner);
	} else if (shared_is_dispatcher(id)) {
		if (!i->config || !i->config->shared)
			finding_add(to, &i->about, NULL,
				    "write shared: true to run beside its programs, or use "
				    "mode: tc", "has libxdp's dispatcher");
	} else {
		finding_add(to, &i->about, NULL, "remove it, or use mode: tc",
			    "has an XDP program that is not ours (id %u)", id);
	}
}

void probe_program(struct facts *f, struct findings *to)
{
	EACH_INTERFACE(f, i)
		if (i->link && i->link->xdp_prog_id && *i->about.path && i->port && !geteuid() &&
		    (!i->config || i->config->mode != MODE_TC))
			add_program(f, to, i);
}

/* ---- forwarding ---- */

/* Counts the interfaces that need forwarding, and those of them that have it. */
static size_t count_needs(const struct facts *f, bool ipv6, size_t *ret_on)
{
	size_t needs = 0;

	*ret_on = 0;
	EACH_INTERFACE(f, i) {
		needs += i->needs[ipv6];
		*ret_on += i->needs[ipv6] && i->forwards[ipv6];
	}
	return needs;
}

/* Reports forwarding that is off. host: for all interfaces, not only for this one. */
static void add_forwarding(struct facts *f, struct findings *to, const struct interface_fact *i,
			   bool ipv6, bool host)
{
	struct subject about = i->about;
	char *fix = reach_forwarding_fix(f->host, i->about.name, ipv6), advice[512];

	if (host) {
		about.ifindex = FINDING_EVERYWHERE;
		strcpy(about.name, "this host");
	}
	snprintf(advice, sizeof(advice), "run `%s`%s", fix,
		 fix_lasts(fix) ? "" : " (until the next boot)");
	finding_add(to, &about, fix, to->to == DOCTOR ? NULL : advice,
		    "has IPv%d forwarding off, so wgxdp forwards no packets that arrive %s",
		    ipv6 ? 6 : 4, host ? "here" : "on it")->family =
		ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
}

void probe_forwarding(struct facts *f, struct findings *to)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		size_t on, needs = count_needs(f, ipv6, &on);
		bool host = needs && !on && !host_forwards("all", ipv6), done = false;

		EACH_INTERFACE(f, i)
			if (i->needs[ipv6] && !i->forwards[ipv6] && !done) {
				add_forwarding(f, to, i, ipv6, host);
				done = host;
			}
	}
}

void probe_forwarding_on(struct facts *f, struct findings *to)
{
	const struct subject host = { .name = "this host" };

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		size_t on, needs = count_needs(f, ipv6, &on);

		if (needs && on == needs)
			finding_add(to, &host, NULL, NULL, "IPv%d is on", ipv6 ? 6 : 4);
	}
}

/* ---- addresses ---- */

/* Reports an interface without an address of a family for which a service needs one. Packets of the
 * other family pass. */
void probe_no_address(struct facts *f, struct findings *to)
{
	for (size_t i = 0; i < f->config->n_services; i++) {
		const struct service_config *s = &f->config->services[i];
		const struct nl_link *link = host_link_by_name(f->host, s->listen_interface);
		const char *missing = link ? reach_missing_address(f->host, s, link) : NULL;
		struct subject about = { .service = s };

		if (!missing)
			continue;
		strcpy(about.name, link->name);
		snprintf(about.path, sizeof(about.path), "/services/%zu/listen/interface", i);
		finding_add(to, &about, NULL, "give it one, or name another interface",
			    "has no %saddress to listen on", missing);
	}
}

/* Returns whether there is a wan: the configuration names one, or a listen address is on one. */
static bool has_wan(const struct facts *f, bool named)
{
	bool has = false;

	for (size_t i = 0; i < f->config->n_interfaces && named; i++)
		has |= f->config->interfaces[i].role == ROLE_WAN;
	for (size_t i = 0; i < f->config->n_services; i++) {
		const struct service_config *s = &f->config->services[i];

		has |= named && *s->listen_interface;
		for (size_t j = 0; j < s->n_listen_addresses && !named; j++)
			has |= !!host_outer_address(f->host, &s->listen_addresses[j]);
	}
	return has;
}

static void add_address(struct findings *to, const struct service_config *s, const char *key,
			size_t service, size_t at, const struct address *a, const char *text,
			const char *advice)
{
	struct subject about = { .service = s };

	address_format(a, about.name);
	snprintf(about.path, sizeof(about.path), "/services/%zu/%s/%zu", service, key, at);
	finding_add(to, &about, NULL, advice, "%s", text);
}

void probe_no_wan(struct facts *f, struct findings *to)
{
	bool named = has_wan(f, true), found = has_wan(f, false);

	for (size_t i = 0; i < f->config->n_services && !named; i++) {
		const struct service_config *s = &f->config->services[i];

		for (size_t j = 0; j < s->n_listen_addresses; j++) {
			const struct address *a = &s->listen_addresses[j];

			if (!host_outer_address(f->host, a) && !(host_address(f->host, a) && found))
				add_address(to, s, "listen/addresses", i, j, a,
					    "is on no wan of this host", "correct it; if it is "
					    "only routed to this host, name its interface: "
					    "interfaces: [ { name: eth0, role: wan } ]");
		}
	}
}

void probe_source(struct facts *f, struct findings *to)
{
	for (size_t i = 0; i < f->config->n_services; i++) {
		const struct flows_config *c = &f->config->services[i].flows;

		for (size_t j = 0; j < c->n_sources; j++)
			if (!host_address(f->host, &c->sources[j]))
				add_address(to, &f->config->services[i], "flows/source", i, j,
					    &c->sources[j], "is no address of this host",
					    "write one that it has, as answers come there");
	}
}
