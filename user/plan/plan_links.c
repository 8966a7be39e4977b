/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the map `links`. For every interface of this host it contains the MAC addresses of frames
 * for this host, the logical link that its frames belong to, and the VLAN tags of frames that
 * leave.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"

/* Returns the logical link that gets a nic's untagged frames, or 0 if the nic itself does. It is
 * the bridge or bond above, the bridge above that bond, or the link below a virtual router's
 * MACVLAN. */
static __u32 link_above(const struct plan_builder *m, const struct nl_link *from)
{
	const struct nl_link *bond = plan_bond(m->host, from), *nic = bond ?: from,
			     *base = plan_base(m->host, from);

	if (base != from)
		return plan_port(m->plan, base->ifindex) ? base->ifindex : 0;
	if (!plan_nic(m->plan, nic->ifindex) || from->bond_backup || from->bridge_blocked)
		return 0;
	if (bond && plan_port(m->plan, bond->ifindex))
		return bond->ifindex;
	return nic->master && plan_port(m->plan, nic->master) ? nic->master : 0;
}

static void add_mac(struct link *link, const struct nl_link *of)
{
	int i = 0;

	while (i < LINK_MACS && link->macs[i] != LINK_NO_MAC)
		i++;
	if (i == LINK_MACS) {
		log_warning("interface %s: its link has more than %d virtual routers, so the kernel handles its packets, not wgxdp",
			    of->name, LINK_MACS - 1);
		return;
	}
	link->macs[i] = 0;
	memcpy(&link->macs[i], of->mac, sizeof(of->mac));
}

/* Collects the MAC addresses to which frames for a link are sent, also those of its virtual
 * routers. A backup port of a bond and a blocked port of a bridge get none: the kernel drops frames
 * that arrive there. */
static void link_macs(struct plan_builder *m, const struct nl_link *from, struct link *link)
{
	const struct host *h = m->host;

	for (int i = 0; i < LINK_MACS; i++)
		link->macs[i] = LINK_NO_MAC;
	if (from->bond_backup || from->bridge_blocked)
		return;
	add_mac(link, from);
	for (size_t i = 0; i < h->n_links && link->role; i++) {
		if (&h->links[i] == from || !h->links[i].up || plan_base(h, &h->links[i]) != from)
			continue;
		add_mac(link, &h->links[i]);
		m->plan->routers = true;
	}
}

/* Returns LINK_LISTENS and LINK_REPLIES, as far as services listen on the link or on a MACVLAN
 * above it. The clients of a listener for hairpin have flows. */
static __u16 link_listens(const struct plan_builder *m, const struct nl_link *from)
{
	__u16 flags = 0;

	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct listener *l = &m->listeners[i];
		const struct nl_link *listens = host_link(m->host, l->ifindex);

		if (listens && (listens == from || plan_macvlan(m->host, listens) == from))
			flags |= LINK_LISTENS | (l->hairpin ? 0 : LINK_REPLIES);
	}
	return flags;
}

/* Sets the VLAN tags that XDP adds to packets that leave by this link. Without any VLAN among the
 * ports XDP adds none, and tc sends such packets. */
static void link_tags(const struct plan_builder *m, const struct nl_link *from, struct link *link)
{
	const struct nl_link *vlans[2], *nic;
	int n = plan_vlans(m->host, from, vlans, &nic);

	if (n <= 0 || !m->plan->vlans)
		return;
	link->port = nic->ifindex;
	for (int i = 0; i < n; i++)
		link->tags[i] = htons(vlans[n - 1 - i]->vlan_id);
	if (vlans[n - 1]->vlan_protocol == ETH_P_8021AD)
		link->flags |= LINK_OUTER_AD;
}

static bool is_attached(const struct plan *p, const struct nl_link *link)
{
	return plan_port(p, link->ifindex) || plan_nic(p, link->ifindex);
}

/* Decides which of two interfaces with one index in the map `links` gets the place: the one to
 * which a program is attached. Returns 1 if `link` does not get it, so that the kernel sends its
 * packets; otherwise 0. Returns -ENOSPC after printing an error if programs are attached to
 * both. */
static int gives_way(const struct plan_builder *m, const struct nl_link *link)
{
	const struct host *h = m->host;
	bool ours = is_attached(m->plan, link);

	for (const struct nl_link *other = h->links; other < h->links + h->n_links; other++) {
		bool theirs;

		if (other->ifindex % LINKS != link->ifindex % LINKS || other == link)
			continue;
		theirs = is_attached(m->plan, other);
		if (ours == theirs ? other > link : ours)
			continue;
		if (ours)
			return contradiction(m, -ENOSPC,
				"interfaces %s and %s: their indexes %u and %u collide (modulo %u): delete and create one of them again",
					     link->name, other->name, link->ifindex, other->ifindex,
					     LINKS) ?: 1;
		return 1;
	}
	return 0;
}

int plan_links(struct plan_builder *m)
{
	for (size_t i = 0; i < m->host->n_links; i++) {
		const struct nl_link *from = &m->host->links[i];
		const struct plan_port *port = plan_port(m->plan, from->ifindex);
		int way = gives_way(m, from);
		struct link *link;

		if (way < 0)
			return way;
		if (way)
			continue;
		link = append(m->plan->links, m->plan->n_links);
		link->ifindex = from->ifindex;
		link->mtu = from->mtu;
		link->mtu6 = from->mtu6 ?: from->mtu;
		link->role = port ? port->role : ROLE_NONE;
		link->sources = port ? port->sources : 0;
		link->flags = from->ethernet ? 0 : LINK_L3;
		link_tags(m, from, link);
		link->above = link_above(m, from);
		for (size_t j = 0; port && j < m->plan->n_trie; j++)
			if (m->plan->trie[j].id == htonl(port->sources))
				link->flags |= LINK_SOURCES_TRIE;
		link->flags |= link_listens(m, from);
		if (plan_has_peers(m->plan, from->ifindex))
			link->flags |= LINK_PEERS;
		link_macs(m, from, link);
	}
	return 0;
}
