/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a configuration names.
 */
#include <string.h>
#include "config_names.h"

/* Named interfaces first, then those on which services listen */
static const char *interface_at(const struct config *c, size_t i, enum link_role *ret_role)
{
	*ret_role = i < c->n_interfaces ? c->interfaces[i].role : ROLE_WAN;
	return i < c->n_interfaces ? c->interfaces[i].name : c->services[i - c->n_interfaces].listen_interface;
}

static bool named_before(const struct config *c, size_t i, const char *name)
{
	enum link_role role;

	for (size_t j = 0; j < i; j++)
		if (!strcmp(interface_at(c, j, &role), name))
			return true;
	return false;
}

const char *config_interface(const struct config *c, size_t *at, enum link_role *ret_role)
{
	while (*at < c->n_interfaces + c->n_services) {
		size_t i = (*at)++;
		const char *name = interface_at(c, i, ret_role);

		if (*name && !named_before(c, i, name))
			return name;
	}
	return NULL;
}
