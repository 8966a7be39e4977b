/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans where the blind relay listens, and for how many sites it has room. The daemon tracks the
 * sites themselves (user/daemon/blind.c).
 */
#include <errno.h>
#include <string.h>
#include "lib/log.h"
#include "plan/plan_make.h"

#define ROOM_LEAST 64

/* Reports a service that listens on the address and port of the blind relay. */
static int refuse_services(struct plan_builder *m, const struct nl_link *link,
			   const struct address *local)
{
	__be16 port = m->config->blind.port;
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct listener *l = &m->listeners[i];

		if (l->ifindex == link->ifindex && l->port == port &&
		    address_equal(&l->local, local))
			return contradiction_at(m, plan_service(m, l->id), -EEXIST,
						"service %s: the blind relay also listens on %s: give one of the two another port or address",
				m->plan->services[l->id].name, endpoint_format(local, port, text));
	}
	return 0;
}

static void listen_at(struct plan_builder *m, const struct nl_link *link,
		      const struct address *local, __u32 id)
{
	struct table_key key = { local->addr,
				 table_word(KEY_BLIND, local->family, m->config->blind.port,
					    link->ifindex) };
	struct service value = { .id = id, .ifindex = link->ifindex };

	plan_add_entry(m->plan, &key, &value, sizeof(value));
}

/* Reports a tunnel MTU that is too large for the link. Each packet in the tunnel gets headers of IP
 * (40 or 20 bytes), UDP (8) and WireGuard (32). */
static int check_mtu(const struct plan_builder *m, const struct nl_link *link, bool ipv6)
{
	__u32 mtu = m->config->blind.mtu ?: BLIND_MTU, around = (ipv6 ? 40 : 20) + 8 + 32;

	if (mtu + around <= link->mtu)
		return 0;
	return contradiction_at(m, &m->config->blind, -EINVAL,
				"blind: with mtu: %u, packets are %u bytes long over %s, but %s takes %u: write mtu: %u or less, here and at all sites",
				mtu, mtu + around, ipv6 ? "IPv6" : "IPv4", link->name, link->mtu,
				link->mtu - around);
}

/* Listens at the addresses that this relay shares with another one, also while the other one has
 * them: then the first packets after a change find everything in its place. Returns 0 or -errno. */
static int listen_at_shared(struct plan_builder *m, const struct nl_link *link, __u32 id,
			    bool *ret_any, bool *ret_ipv6)
{
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++) {
		const struct address *a = &m->config->blind.pair.shared[i];
		const struct nl_address *is = a->family ? host_address(m->host, a) : NULL;

		m->plan->blind.only[i] = a->addr;
		if (!a->family || (is && is->ifindex == link->ifindex && !is->tentative))
			continue;
		*ret_any = true;
		*ret_ipv6 |= a->family == FAMILY_IPV6;
		listen_at(m, link, a, id);
		rc = refuse_services(m, link, a);
	}
	return rc;
}

int plan_blind(struct plan_builder *m)
{
	const struct blind_config *b = &m->config->blind;
	struct plan *p = m->plan;
	const struct nl_link *link, *base;
	bool any = false, ipv6 = false;
	int rc = 0;
	__u32 id;

	if (!*b->device)
		return 0;
	p->blind = (struct plan_blind){
		.on = true, .room = ROOM_LEAST, .port = b->port, .n_pairs = b->n_pairs,
	};
	while (p->blind.room < BLIND_SITES_MAX &&
	       p->blind.room / 4 * 3 <= (m->in->n_sites > b->n_sites ? m->in->n_sites : b->n_sites))
		p->blind.room = p->blind.room * 4 < BLIND_SITES_MAX ? p->blind.room * 4 :
								      BLIND_SITES_MAX;
	strcpy(p->blind.device, b->device);
	id = plan_service_id(p, BLIND_NAME, NAT_BLIND);
	link = host_link_by_name(m->host, b->interface);
	if (!link)
		/* plan_add_port() has already printed that the interface is missing. */
		return 0;
	base = plan_base(m->host, link);
	p->blind.ifindex = base->ifindex;
	for (size_t i = 0; i < m->host->n_addresses && !rc; i++) {
		const struct nl_address *a = &m->host->addresses[i];

		if (a->ifindex != link->ifindex || address_is_link_local(&a->local) || a->tentative)
			continue;
		any = true;
		ipv6 |= a->local.family == FAMILY_IPV6;
		listen_at(m, base, &a->local, id);
		rc = refuse_services(m, base, &a->local);
	}
	rc = rc ?: listen_at_shared(m, base, id, &any, &ipv6);
	if (!any)
		log_warning("blind: waiting for an address on %s", b->interface);
	return rc ?: any ? check_mtu(m, link, ipv6) : 0;
}
