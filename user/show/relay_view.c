/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the relay's state from the maps and from WireGuard.
 */
#include <stdio.h>
#include <string.h>
#include "lib/grow.h"
#include "show/relay_view.h"
#include "instance/run_state.h"

/* ---- what WireGuard says ---- */

static int by_key(const void *a, const void *b)
{
	return wg_key_compare(&(*(const struct wg_peer *const *)a)->key,
			      &(*(const struct wg_peer *const *)b)->key);
}

/* Reads a device from WireGuard, and stores for each peer of the relay its peer there. */
static void read_device(struct relay_view *v, const char *device)
{
	const struct wg_peer **sorted;
	struct relay_device *place;
	struct wg_device d = { 0 };

	if (wg_read(device, &d))
		return;		/* no WireGuard device has this name now */
	place = append(v->devices, v->n_devices);
	snprintf(place->name, sizeof(place->name), "%s", device);
	place->wg = d;
	sorted = xcalloc(d.n_peers + 1, sizeof(*sorted));
	for (size_t i = 0; i < d.n_peers; i++)
		sorted[i] = &d.peers[i];
	qsort(sorted, d.n_peers, sizeof(*sorted), by_key);
	for (size_t id = 1; id < v->n_peers; id++) {
		struct wg_peer like;
		const struct wg_peer *wanted = &like, **found;

		if (strcmp(v->peers[id].name.device, device))
			continue;
		memcpy(&like.key, v->peers[id].name.key, sizeof(like.key));
		found = bsearch(&wanted, sorted, d.n_peers, sizeof(*sorted), by_key);
		v->wireguard[id] = found ? *found : NULL;
	}
	free(sorted);
}

static void read_wireguard(struct relay_view *v)
{
	v->wireguard = xcalloc(v->n_peers + 1, sizeof(*v->wireguard));
	for (size_t id = 1; id < v->n_peers; id++) {
		const char *device = v->peers[id].name.device;
		size_t before = 1;

		while (*device && before < id && strcmp(v->peers[before].name.device, device))
			before++;		/* skip free ids, whose device is "" */
		if (*device && before == id)
			read_device(v, device);
	}
}

/* ---- prefixes as configured ---- */

static void read_shapes(const struct dataplane *dp, const struct relay_view *v, struct prefixes *s)
{
	struct config *c = NULL;

	run_state_read(dp->instance, &c);
	for (size_t i = 0; c && i < c->n_peers; i++)
		for (size_t j = 0; j < c->peers[i].n_prefixes; j++)
			*append(s->list, s->n) = c->peers[i].prefixes[j];
	for (size_t id = 1; id < v->n_peers; id++)
		for (size_t j = 0; v->wireguard[id] && j < v->wireguard[id]->n_allowed; j++)
			*append(s->list, s->n) = v->wireguard[id]->allowed[j];
	config_free(c);
}

int relay_view_read(const struct dataplane *dp, bool routes, struct relay_view *ret)
{
	struct relay_view v = { 0 };
	struct prefixes shapes = { 0 };
	int rc = dataplane_peers(dp, &v.peers, &v.n_peers);

	while (!rc && v.n_peers && !*v.peers[v.n_peers - 1].name.name)
		v.n_peers--;			/* drop ids at the end that no peer has */
	rc = rc ?: dataplane_peer_totals(dp, v.n_peers, &v.totals);
	if (!rc)
		read_wireguard(&v);
	if (!rc && routes) {
		read_shapes(dp, &v, &shapes);
		rc = dataplane_routes(dp, shapes.list, shapes.n, &v.routes, &v.n_routes);
	}
	free(shapes.list);
	if (rc)
		relay_view_free(&v);
	else
		*ret = v;
	return rc;
}

struct total relay_view_total(const struct relay_view *v, __u32 id, enum peer_direction direction)
{
	const struct total *xdp = &v->totals[total_index(id, direction, PLANE_XDP)],
			   *tc = &v->totals[total_index(id, direction, PLANE_TC)];

	return (struct total){ .refused = xdp->refused + tc->refused,
			       .forwarded = xdp->forwarded + tc->forwarded,
			       .bytes = xdp->bytes + tc->bytes };
}

bool relay_view_is_wireguard(const struct relay_view *v, const char *device)
{
	for (size_t i = 0; i < v->n_devices; i++)
		if (!strcmp(v->devices[i].name, device))
			return true;
	return false;
}

void relay_view_free(struct relay_view *v)
{
	for (size_t i = 0; i < v->n_devices; i++)
		wg_free(&v->devices[i].wg);
	free(v->devices);
	free(v->wireguard);
	free(v->peers);
	free(v->totals);
	free(v->routes);
}
