/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the relay's maps back to peers, what is followed, and policy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lib/grow.h"
#include "instance/running.h"

static bool has_port(const struct policy *p, __u32 port)
{
	return port < 65536 && p->ports[port / 64] >> port % 64 & 1;
}

static int rebuild_policy(const struct policy *p, struct policy_config *ret)
{
	struct port_range *range;
	__u8 type;

	ret->overlay = (struct prefix){ .addr = p->overlay, .family = FAMILY_IPV6, .len = p->overlay_len };
	ret->reject = p->reject;
	for (unsigned int i = 0; icmpv6_name(i, &type); i++)
		ret->icmpv6 |= (p->icmpv6[type / 64] >> type % 64 & 1) << i;
	for (__u32 port = 1, last; port < 65536; port = last + 1) {
		for (last = port; has_port(p, port) && has_port(p, last + 1); last++)
			;
		if (!has_port(p, port))
			continue;
		range = append(ret->udp_ports, ret->n_udp_ports);
		if (!range)
			return -ENOMEM;
		*range = (struct port_range){ port, last };
	}
	return 0;
}

static int add_followed(struct follow_config *f, const char *device)
{
	struct device_name *place;

	for (size_t i = 0; i < f->n_wireguard; i++)
		if (!strcmp(f->wireguard[i].name, device))
			return 0;
	place = append(f->wireguard, f->n_wireguard);
	if (place)
		strcpy(place->name, device);
	return place ? 0 : -ENOMEM;
}

/* places: by id, where in the configuration a peer is; 0: not there */
static int rebuild_peers(const struct relay_peer *peers, size_t n, struct config *c, size_t *places)
{
	int rc = 0;

	for (size_t id = 1; id < n && !rc; id++) {
		const struct peer_name *name = &peers[id].name;
		struct peer_config *p;

		if (!*name->name)
			continue;
		if (name->flags & PEER_NAME_FOLLOWED) {
			rc = add_followed(&c->follow, name->device);
			continue;
		}
		p = append(c->peers, c->n_peers);
		if (!p)
			return -ENOMEM;
		memcpy(p->name, name->name, sizeof(p->name));
		memcpy(&p->key, name->key, sizeof(p->key));
		memcpy(p->device, name->device, sizeof(p->device));
		places[id] = c->n_peers;
	}
	return rc;
}

static int rebuild_routes(const struct relay_route *routes, size_t n, struct config *c, const size_t *places, size_t n_places)
{
	for (size_t i = 0; i < n; i++) {
		struct peer_config *p = routes[i].word < n_places && places[routes[i].word] ?
					&c->peers[places[routes[i].word] - 1] : NULL;
		struct prefix *place = p ? append(p->prefixes, p->n_prefixes) : NULL;

		if (p && !place)
			return -ENOMEM;
		if (p)
			*place = routes[i].prefix;
	}
	return 0;
}

int config_rebuild_relay(const struct dataplane *dp, struct config *c)
{
	struct relay_route *routes = NULL;
	struct relay_peer *peers = NULL;
	size_t n_routes = 0, n = 0, *places = NULL;
	struct policy policy;
	int rc;

	if (dataplane_entries(dp, MAP_peers) < 2 || dataplane_policy(dp, &policy) || !policy.overlay_len)
		return 0;		/* no relay */
	rc = rebuild_policy(&policy, &c->policy) ?: dataplane_peers(dp, &peers, &n) ?:
	     dataplane_routes(dp, NULL, 0, &routes, &n_routes);
	places = rc ? NULL : calloc(n + 1, sizeof(*places));
	rc = rc ?: places ? rebuild_peers(peers, n, c, places) ?: rebuild_routes(routes, n_routes, c, places, n) : -ENOMEM;
	free(places);
	free(routes);
	free(peers);
	return rc;
}
