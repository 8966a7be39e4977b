/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the maps back to a configuration: what a service's guard asks for, and the names and keys of its backends. A guard that looks
 * at nothing has left nothing there.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "instance/running.h"

static const struct backend_name *name_of(const struct backend_name *names, size_t n, __u32 id, __u32 number)
{
	size_t at = (size_t)id * GUARD_BACKENDS_MAX + number;

	return number < GUARD_BACKENDS_MAX && at < n && *names[at].name ? &names[at] : NULL;
}

struct backend_config *config_rebuild_backend(const struct dataplane *dp, __u32 id, __u32 number, struct service_config *s)
{
	struct backend_config *b = NULL;
	struct backend_name *names;
	const struct backend_name *is;
	size_t n;

	if (dataplane_backend_names(dp, &names, &n))
		return NULL;
	is = name_of(names, n, id, number);
	for (size_t i = 0; i < s->n_backends && is; i++)
		if (!strcmp(s->backends[i].name, is->name))
			b = &s->backends[i];
	if (!is)
		b = &s->backend;
	else if (!b && (b = append(s->backends, s->n_backends)))
		strcpy(b->name, is->name);
	free(names);
	return b;
}

static int add_keys(const struct dataplane *dp, __u32 id, const struct guard *g, struct service_config *s)
{
	struct guard_public *keys = NULL;
	size_t n = 0;
	int rc = dataplane_guard_keys(dp, g, &keys, &n);

	for (size_t i = 0; i < n && !rc; i++) {
		struct backend_config *b = config_rebuild_backend(dp, id, keys[i].backend, s);
		struct wg_key *place = b ? append(b->keys, b->n_keys) : NULL;

		if (place)
			memcpy(place->b, keys[i].key.b, sizeof(place->b));
		else
			rc = -ENOMEM;
	}
	free(keys);
	return rc;
}

static void take_profile(struct guard_config *c, const struct guard *g)
{
	if (!guard_is_amneziawg(g))
		return;
	c->profile = PROFILE_AMNEZIAWG;
	c->n_headers = c->n_junk = MESSAGES;
	for (int i = 0; i < MESSAGES; i++) {
		c->headers[i] = le32toh(g->header[i]);
		c->junk[i] = g->junk[i];
	}
}

static __u32 rate_of(__u64 each, __u64 burst, __u32 usual, __u32 usual_burst)
{
	__u64 second = (__u64)jiffies_a_second() << GUARD_TICK;

	return each == second / usual && burst == usual_burst ? 0 : burst / 2;
}

int config_rebuild_guard(const struct dataplane *dp, __u32 id, struct service_config *s)
{
	struct guard_config *c = &s->guard;
	struct guard g;

	if (!dataplane_guard(dp, id, &g))
		return 0;
	c->strict = g.flags & GUARD_STRICT;
	c->per_source = rate_of(g.source_each, g.source_burst, GUARD_SOURCE_RATE, 2 * GUARD_SOURCE_RATE);
	c->per_service = rate_of(g.service_each, g.service_burst, GUARD_SERVICE_RATE, GUARD_SERVICE_RATE);
	c->challenge_above = g.flags & GUARD_CHALLENGE ? g.challenge_burst : 0;
	c->health_initiations = g.health_initiations == GUARD_HEALTH_INITIATIONS ? 0 : g.health_initiations;
	c->health_sources = g.health_sources == GUARD_HEALTH_SOURCES ? 0 : g.health_sources;
	take_profile(c, &g);
	c->on = !(g.flags & GUARD_BACKENDS) || c->strict || c->profile != PROFILE_WIREGUARD || c->per_source || c->per_service ||
		c->challenge_above || c->health_initiations || c->health_sources;
	return add_keys(dp, id, &g, s);
}
