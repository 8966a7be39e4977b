/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements config_names.h.
 */
#include <string.h>
#include "config/config_names.h"

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
