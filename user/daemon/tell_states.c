/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compares the states of a running instance with those that were told last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/tell_states.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "show/condition.h"

static struct told_state *find_state(struct told_states *t, const char *what)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->list[i].what, what))
			return &t->list[i];
	return NULL;
}

static void compare(struct told_states *t, const char *kind, const char *name, const char *state,
		    const char *why)
{
	struct told_state now = { .seen = true }, *was;

	snprintf(now.what, sizeof(now.what), "%s %s", kind, name);
	snprintf(now.is, sizeof(now.is), "%s%s%s", state, *why ? ": " : "", why);
	was = find_state(t, now.what);
	if (was ? strcmp(was->is, now.is) : *why)
		log_event("%s: %s", now.what, now.is);
	was = was ?: append(t->list, t->n);
	if (was)
		*was = now;
}

/* Peers are too many to be compared one by one where all are well. */
static void compare_peers(struct told_states *t, const struct conditions *k)
{
	char why[CONDITION_WHY], what[96];
	struct relay_view v;

	if (relay_view_read(k->dp, false, &v))
		return;
	for (__u32 id = 1; id < v.n_peers; id++) {
		const char *name = v.peers[id].name.name;
		bool attached;

		if (!*name)
			continue;
		attached = peer_is_attached(k, &v, id, why);
		snprintf(what, sizeof(what), "peer %s", name);
		if (!attached || (t->n && find_state(t, what)))
			compare(t, "peer", name, attached ? "attached" : "waiting", why);
	}
	relay_view_free(&v);
}

/* What the configuration no longer has is not told. */
static void forget_others(struct told_states *t)
{
	struct told_states left = { 0 };
	struct told_state *place;

	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].seen && (place = append(left.list, left.n))) {
			*place = t->list[i];
			place->seen = false;
		}
	free(t->list);
	*t = left;
}

void tell_states(struct told_states *t, const char *instance)
{
	struct dataplane *dp = NULL;
	struct conditions k = { 0 };

	if (!dataplane_open(instance, &dp) && dp->running && !conditions_read(dp, &k)) {
		for (size_t i = 0; i < k.n_interfaces; i++)
			compare(t, "interface", k.interfaces[i].name,
				interface_state_name(k.interfaces[i].state), k.interfaces[i].why);
		for (size_t id = 0; id < k.n_services; id++)
			if (*k.names[id].name)
				compare(t, "service", k.names[id].name,
					service_state_name(k.services[id].state),
					k.services[id].why);
		compare_peers(t, &k);
		forget_others(t);
	}
	conditions_free(&k);
	dataplane_close(dp);
}
