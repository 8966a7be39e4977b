/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * MTUs of tunnels, and of tunnels inside tunnels.
 */
#include "gen/gen_host.h"
#include "doctor/mtu.h"

static unsigned int within(unsigned int mtu)
{
	return mtu >= MTU_IPV6_MIN + MTU_LAYER ? mtu - MTU_LAYER : MTU_IPV6_MIN;
}

/* The path to or from every site: a relay has one device for all tunnels, and a server one for the
 * mesh */
static unsigned int narrowest(const struct topology *t)
{
	unsigned int mtu = -1;

	for_each_host(h, t)
		if ((h->role == ROLE_EDGE || h->role == ROLE_RELAY) && h->mtu < mtu)
			mtu = h->mtu;
	return within(mtu);
}

static bool has_blind_relay(const struct topology *t)
{
	for_each_host(h, t)
		if (h->blind)
			return true;
	return false;
}

/* A gateway has one device for all clients. Its packets must fit every client's path, where ICMP
 * errors may get lost. */
static unsigned int narrowest_to(const struct topology *t, const struct topology_host *gateway)
{
	unsigned int mtu = gateway->mtu;

	for_each_host(h, t)
		if (gen_comes_to(t, h, gateway) && h->mtu < mtu)
			mtu = h->mtu;
	return within(mtu);
}

unsigned int gen_tunnel_mtu(const struct topology *t, const struct topology_host *h)
{
	if (h->role == ROLE_GATEWAY)
		return narrowest_to(t, h);
	/* between blind edge routers nothing sends "packet too big" */
	return h->role == ROLE_RELAY ||
	       (h->role == ROLE_EDGE && has_blind_relay(t)) ? narrowest(t) : within(h->mtu);
}

unsigned int gen_between_mtu(const struct topology_host *one, const struct topology_host *other)
{
	return within(one->mtu < other->mtu ? one->mtu : other->mtu);
}

unsigned int gen_mesh_mtu(const struct topology *t, const struct topology_host *h)
{
	unsigned int tunnel = narrowest(t);

	return within(h->mtu < tunnel ? h->mtu : tunnel);
}
