/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How large packets may be in tunnels, and in tunnels inside of them.
 */
#include "gen.h"

#define LAYER 80			/* bytes: IPv6, UDP, WireGuard's header and tag */
#define LEAST 1280			/* of IPv6 */

static unsigned int within(unsigned int mtu)
{
	return mtu >= LEAST + LAYER ? mtu - LAYER : LEAST;
}

/* What passes to, or from, every site: sites differ, but tunnels are one device at the relay, and the mesh one at a server. */
static unsigned int narrowest(const struct topology *t)
{
	unsigned int mtu = -1;

	for (size_t i = 0; i < t->n_hosts; i++)
		if ((t->hosts[i].role == ROLE_EDGE || t->hosts[i].role == ROLE_RELAY) && t->hosts[i].mtu < mtu)
			mtu = t->hosts[i].mtu;
	return within(mtu);
}

static bool has_blind_relay(const struct topology *t)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		if (t->hosts[i].role == ROLE_RELAY && t->hosts[i].blind)
			return true;
	return false;
}

unsigned int gen_tunnel_mtu(const struct topology *t, const struct topology_host *h)
{
	/* nobody between blind edges says that a message is too long */
	return h->role == ROLE_RELAY || (h->role == ROLE_EDGE && has_blind_relay(t)) ? narrowest(t) : within(h->mtu);
}

unsigned int gen_mesh_mtu(const struct topology *t, const struct topology_host *h)
{
	unsigned int tunnel = narrowest(t);

	return within(h->mtu < tunnel ? h->mtu : tunnel);
}
