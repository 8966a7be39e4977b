/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the devices to which XDP is attached: the port itself, the nic below a VLAN, or the ports
 * of a bridge. For a bond, the kernel attaches the program to the bond's ports. tc is attached to
 * the logical link, where the kernel has already removed VLAN tags.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "config/config_diff.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"

const struct plan_nic *plan_nic(const struct plan *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->n_nics; i++)
		if (p->nics[i].ifindex == ifindex)
			return &p->nics[i];
	return NULL;
}

bool plan_carries(const struct host *h, const struct plan_nic *nic, const struct plan_port *port)
{
	const struct nl_link *vlans[2], *below;

	if (!port->n_nics)
		return false;
	return nic->ifindex == port->ifindex ||
	       host_link(h, nic->ifindex)->master == port->ifindex ||
	       (plan_vlans(h, host_link(h, port->ifindex), vlans, &below) > 0 &&
		below->ifindex == nic->ifindex);
}

int plan_vlans(const struct host *h, const struct nl_link *link, const struct nl_link *vlans[2],
	       const struct nl_link **ret_nic)
{
	int n = 0;

	while (!strcmp(link->kind, "vlan")) {
		if (n == 2 || link->lower_elsewhere || !host_link(h, link->lower))
			return -1;
		vlans[n++] = link;
		link = host_link(h, link->lower);
	}
	*ret_nic = link;
	return n;
}

/* Returns the nth of the devices at which a nic's frames arrive: the nic itself, or the ports of a
 * bond. Returns NULL after the last. */
static const struct nl_link *nth_wire(const struct host *h, const struct nl_link *nic, size_t n)
{
	if (strcmp(nic->kind, "bond"))
		return n ? NULL : nic;
	for (size_t i = 0; i < h->n_links; i++)
		if (h->links[i].master == nic->ifindex && !n--)
			return &h->links[i];
	return NULL;
}

/* Returns whether tagged frames may arrive at the nic: a VLAN is on it or, if it is a veth, on its
 * other end. */
static bool has_vlans(const struct host *h, const struct nl_link *nic)
{
	const struct nl_link *at;
	bool there;

	for (size_t i = 0; i < h->n_links; i++)
		if (!strcmp(h->links[i].kind, "vlan") && h->links[i].lower == nic->ifindex &&
		    !h->links[i].lower_elsewhere)
			return true;
	for (size_t i = 0; (at = nth_wire(h, nic, i)); i++)
		if (!strcmp(at->kind, "veth") && !nl_peer_has_vlans(at->ifindex, &there) && there)
			return true;
	return false;
}

/* Returns whether the nic removes VLAN tags before XDP sees the frame, so that XDP would take
 * frames of all VLANs for untagged. Writes the reason to port->why. */
static bool hides_tags(const struct host *h, struct plan_port *port, const struct nl_link *nic)
{
	const struct nl_link *at;
	bool tags, outer;

	for (size_t i = 0; (at = nth_wire(h, nic, i)); i++) {
		if (nl_rx_vlan_offload(at->name, &tags, &outer) || (!tags && !outer))
			continue;
		snprintf(port->why, sizeof(port->why), "%s removes VLAN tags before XDP sees them: to use XDP, run `ethtool -K %s%s%s`",
						       at->name, at->name,
			 tags ? " rxvlan off" : "", outer ? " rx-vlan-stag-hw-parse off" : "");
		return true;
	}
	return false;
}

/* Adds what a further port on the same nic, such as another VLAN, says about it. */
static void join_nic(const struct plan *p, struct plan_nic *nic, size_t port)
{
	const struct plan_port *more = &p->ports[port], *first = &p->ports[nic->port];

	nic->shared |= more->shared;
	if (nic->mode == MODE_AUTO) {
		nic->mode = more->mode;
		nic->port = port;
	} else if (more->mode != MODE_AUTO && more->mode != nic->mode) {
		log_warning("interfaces %s and %s are both on %s, which has the mode of %s: write the same mode for both",
			    first->name, more->name, nic->name, first->name);
	}
}

static void add_nic(struct plan_builder *m, size_t port, const struct nl_link *link)
{
	struct plan_nic *nic;

	if (plan_refused(m->in, link->ifindex)) {
		snprintf(m->plan->ports[port].why, sizeof(m->plan->ports[port].why),
			 "waiting, because another program holds %s", link->name);
		return;
	}
	m->plan->ports[port].n_nics++;
	nic = (struct plan_nic *)plan_nic(m->plan, link->ifindex);
	if (nic) {
		join_nic(m->plan, nic, port);
		return;
	}
	nic = append(m->plan->nics, m->plan->n_nics);
	nic->ifindex = link->ifindex;
	memcpy(nic->name, link->name, sizeof(nic->name));
	nic->mode = m->plan->ports[port].mode;
	nic->shared = m->plan->ports[port].shared;
	nic->port = port;
	m->plan->bridges |= !strcmp(link->kind, "bond");
}

static void vlan_nic(struct plan_builder *m, size_t i, const struct nl_link *link)
{
	struct plan_port *port = &m->plan->ports[i];
	const struct nl_link *vlans[2], *nic, *at;
	struct vlan value = { .ifindex = link->ifindex };
	struct table_key key = { .addr = { .q = { 0, 0 } } };
	int n = plan_vlans(m->host, link, vlans, &nic);

	if (n < 0 || !nic->ethernet) {
		snprintf(port->why, sizeof(port->why), "the interface has more than two VLAN tags, or its network card is in another network namespace");
		return;
	}
	m->plan->vlans = true;		/* XDP may send packets of other ports to this VLAN */
	if (hides_tags(m->host, port, nic))
		return;
	key.addr.q[0] = vlan_key(vlans[n - 1]->vlan_protocol, htons(vlans[n - 1]->vlan_id),
				 n == 2 ? htons(vlans[0]->vlan_id) : 0);
	key.word = table_word(KEY_VLAN, 0, 0, nic->ifindex);
	plan_add_entry(m->plan, &key, &value, sizeof(value));
	for (size_t j = 0; (at = nth_wire(m->host, nic, j)); j++) {
		key.word = table_word(KEY_VLAN, 0, 0, at->ifindex);
		if (!at->bond_backup)
			plan_add_entry(m->plan, &key, &value, sizeof(value));
	}
	add_nic(m, i, nic);
}

static void bridge_nics(struct plan_builder *m, size_t i, const struct nl_link *bridge)
{
	struct plan_port *port = &m->plan->ports[i];

	if (bridge->vlan_filtering) {
		snprintf(port->why, sizeof(port->why), "this bridge filters VLANs, which XDP does not support");
		return;
	}
	for (size_t j = 0; j < m->host->n_links; j++) {
		const struct nl_link *link = &m->host->links[j];

		if (link->master != bridge->ifindex || !link->ethernet ||
		    !strcmp(link->kind, "vlan") ||
		    ((has_vlans(m->host, link) || has_vlans(m->host, bridge)) &&
		     hides_tags(m->host, port, link)))
			continue;
		m->plan->bridges = true;
		add_nic(m, i, link);
	}
}

static bool is_part(const struct host *h, const struct nl_link *link, const struct plan_port *port)
{
	return link && plan_base(h, link)->ifindex == port->ifindex;
}

/* Returns whether IPv4 packets of clients arrive on this port for the service. */
static bool listens_ipv4(const struct plan_builder *m, const struct service_config *s,
			 const struct plan_port *port)
{
	const struct host *h = m->host;
	const struct nl_link *link = *s->listen_interface ?
				     host_link_by_name(h, s->listen_interface) : NULL;

	for (size_t i = 0; i < s->n_listen_addresses; i++) {
		const struct address *a = &s->listen_addresses[i];
		const struct nl_address *at;

		if (a->family != FAMILY_IPV4)
			continue;
		at = host_outer_address(h, a);
		if (!at && port->role == ROLE_WAN)
			/* It listens on every wan, because no interface has the address. */
			return true;
		if (at && is_part(h, host_link(h, at->ifindex), port))
			return true;
	}
	return is_part(h, link, port);
}

/* Returns whether IPv4 replies that become IPv6 may arrive on this port: it is a lan, or there is
 * no lan. */
static bool answers_ipv4(const struct plan_builder *m, const struct service_config *s,
			 const struct plan_port *port)
{
	bool has_lan = false;

	for (size_t i = 0; i < m->plan->n_ports; i++)
		has_lan |= m->plan->ports[i].role == ROLE_LAN;
	return s->ipv6 != IPV6_OFF && (port->role == ROLE_LAN || !has_lan);
}

static bool lengthens_packets(const struct plan_builder *m, const struct plan_port *port)
{
	for (size_t i = 0; i < m->config->n_services; i++) {
		const struct service_config *s = &m->config->services[i];
		bool ipv4 = *s->backend.ipv4, ipv6 = *s->backend.ipv6;

		if (s->nat == NAT_MASQUERADE && ((ipv6 && !ipv4 && listens_ipv4(m, s, port)) ||
						 (ipv4 && !ipv6 && answers_ipv4(m, s, port))))
			return true;
	}
	return false;
}

static void port_nics(struct plan_builder *m, size_t i)
{
	struct plan_port *port = &m->plan->ports[i];
	const struct nl_link *link = host_link(m->host, port->ifindex);

	port->lengthens = lengthens_packets(m, port);
	if (port->l3)
		snprintf(port->why, sizeof(port->why), "no Ethernet header");
	else if (!strcmp(link->kind, "vlan"))
		vlan_nic(m, i, link);
	else if (!strcmp(link->kind, "bridge"))
		bridge_nics(m, i, link);
	else if (plan_macvlan(m->host, link) && plan_port(m->plan, link->lower))
		snprintf(port->why, sizeof(port->why), "the kernel allows XDP on this interface or on %s below it, but not on both",
			 plan_macvlan(m->host, link)->name);
	else if (!has_vlans(m->host, link) || !hides_tags(m->host, port, link))
		add_nic(m, i, link);
}

/* Gives the global mode to the nics for which no entry in `interfaces` says one. */
static void set_global_mode(struct plan_builder *m)
{
	for (size_t i = 0; i < m->plan->n_nics; i++)
		if (m->plan->nics[i].mode == MODE_AUTO)
			m->plan->nics[i].mode = m->config->mode;
}

int plan_nics(struct plan_builder *m)
{
	int rc = 0;

	for (size_t i = 0; i < m->plan->n_ports && !rc; i++) {
		const struct plan_port *port = &m->plan->ports[i];
		enum mode mode = port->mode != MODE_AUTO ? port->mode : m->config->mode;

		port_nics(m, i);
		if (!port->n_nics && (mode == MODE_NATIVE || mode == MODE_GENERIC)) {
			const struct interface_config none = { 0 }, *named =
				config_interface_entry(m->config, port->name);

			rc = contradiction_at(m, named ?: &none, -EOPNOTSUPP,
					      "interface %s: no device can run %s XDP: %s: write mode: auto, which uses a mode that works",
					      port->name, mode_names[mode],
					      *port->why ? port->why : "this bridge has no ports");
		}
	}
	set_global_mode(m);
	return rc;
}

/* Returns the entry in `interfaces` for a link or a virtual router's MACVLAN on it, or NULL. */
static const struct interface_config *config_of(const struct config *c, const struct host *h,
						const struct nl_link *link)
{
	const struct interface_config *found = NULL;

	for (size_t i = 0; i < c->n_interfaces; i++) {
		const struct nl_link *named = host_link_by_name(h, c->interfaces[i].name);

		if (named == link)
			return &c->interfaces[i];
		if (!found && named && plan_base(h, named) == link)
			found = &c->interfaces[i];
	}
	return found;
}

struct plan *plan_running(const struct host *h, const struct config *c, const struct link *links,
			  size_t n)
{
	struct plan_input in = { .config = c, .host = h };
	struct plan_builder m = {
		.in = &in, .config = c, .host = h, .plan = xcalloc(1, sizeof(*m.plan))
	};

	for (size_t i = 0; i < n; i++) {
		const struct nl_link *link = links[i].role ? host_link(h, links[i].ifindex) : NULL;

		if (link)
			plan_append_port(&m, link, links[i].role, config_of(c, h, link));
	}
	for (size_t i = 0; i < m.plan->n_ports; i++)
		port_nics(&m, i);
	set_global_mode(&m);
	return m.plan;
}
