/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the guard of a service: its limits for WireGuard messages, the keys by which it recognizes
 * a backend, and the numbers of the backends.
 */
#include <endian.h>
#include <string.h>
#include "blake2s.h"
#include "config/config_diff.h"
#include "lib/grow.h"
#include "lib/jiffies.h"
#include "plan/plan_make.h"
#include "plan/resolved_backends.h"

/* ---- numbers ---- */

/* Returns whether the running service sends the packets for its backend with this number to the
 * host: an address or a name (IPv4, IPv6), and a port. */
static bool leads_to(const struct plan_input *in, __u32 id, __u32 number, const char *ipv4,
		     const char *ipv6, __be16 port)
{
	struct address a[2];

	resolved_backends_address(in->answers, ipv4, FAMILY_IPV4, &a[0]);
	resolved_backends_address(in->answers, ipv6, FAMILY_IPV6, &a[1]);
	for (size_t i = 0; i < in->n_running; i++) {
		const struct table_entry *e = &in->running[i];
		__u32 kind = e->key.word & 0xff;

		if ((kind != KEY_SERVICE && kind != KEY_BACKEND + number) || e->service.id != id ||
		    SERVICE_BACKEND(e->service.flags) != number || e->service.port != port)
			continue;
		for (int j = 0; j < 2; j++)
			if (a[j].family && !memcmp(&e->service.to, &a[j].addr, sizeof(a[j].addr)))
				return true;
	}
	return false;
}

/* Returns whether the running service has this single backend, which has the number 0 and no name:
 * it leads to the backend or to its standby. */
static bool was_single(const struct plan_input *in, __u32 id, const struct backend_config *b)
{
	return leads_to(in, id, 0, b->ipv4, b->ipv6, b->port) ||
	       (backend_has_standby(b) && leads_to(in, id, 0, b->standby.ipv4, b->standby.ipv6,
						   b->standby.port ?: b->port));
}

/* Returns the name of the backend of s that has this number in the running instance. "": the number
 * is free. " ", which is no name: s does not have the backend any more. */
static const char *running_name(const struct plan_input *in, const struct service_config *s,
				__u32 id, __u32 number)
{
	size_t first = (size_t)id * GUARD_BACKENDS_MAX, n = 0;

	if (id >= in->n_names || strcmp(in->names[id].name, s->name))
		return "";
	while (n < GUARD_BACKENDS_MAX && first + n < in->n_backend_names &&
	       !*in->backend_names[first + n].name)
		n++;
	if (n < GUARD_BACKENDS_MAX && first + n < in->n_backend_names)
		return in->backend_names[first + number].name;
	/* It has a single backend. */
	for (size_t i = 0; i < s->n_backends && !number; i++)
		if (was_single(in, id, &s->backends[i]))
			return s->backends[i].name;
	return number || !s->n_backends ? "" : " ";
}

static __u32 free_number(const struct plan_input *in, const struct service_config *s,
			 const struct backend_name *names, __u32 id)
{
	for (__u32 n = 0; n < GUARD_BACKENDS_MAX; n++)
		if (!*names[n].name && !*running_name(in, s, id, n))
			return n;
	for (__u32 n = 0; n < GUARD_BACKENDS_MAX; n++)
		if (!*names[n].name)
			return n;
	return 0;
}

/* Gives each backend a number. A running backend keeps its number. The number of a removed one
 * becomes free only in the next change, so that no packet gets to the wrong backend. */
static void give_numbers(struct plan_builder *m, size_t service, __u32 id, struct plan_guard *g)
{
	const struct service_config *s = &m->config->services[service];

	g->names = xcalloc(GUARD_BACKENDS_MAX, sizeof(*g->names));
	for (int running = 1; running >= 0; running--)
		for (size_t i = 0; i < s->n_backends; i++) {
			__u32 number = running ? 0 : free_number(m->in, s, g->names, id);
			bool has = false;

			while (running && number < GUARD_BACKENDS_MAX &&
			       strcmp(running_name(m->in, s, id, number), s->backends[i].name))
				number++;
			for (__u32 n = 0; n < GUARD_BACKENDS_MAX; n++)
				has |= !strcmp(g->names[n].name, s->backends[i].name);
			if (has || number == GUARD_BACKENDS_MAX)
				continue;
			strcpy(g->names[number].name, s->backends[i].name);
			plan_backend(m, service, i)->number = number;
		}
}

/* ---- standbys ---- */

static bool runs_as(const struct plan_input *in, __u32 id, __u32 number,
		    const struct service_config *s, const struct backend_config *b)
{
	return s->n_backends ? *b->name && !strcmp(running_name(in, s, id, number), b->name) :
	       !number && !*running_name(in, s, id, 0);
}

/* Returns whether the backend of s was the standby of its former backend, which it has replaced in
 * the configuration. */
static bool was_standby(const struct plan_input *in, const struct service_config *s,
			const struct backend_config *b)
{
	const struct service_config *was = in->before ? config_service(in->before, s->name) : NULL;

	for (size_t i = 0; was && i < backends_of(was); i++) {
		const struct backend_config *old = backend_at(was, i);

		if (!strcmp(old->name, b->name) && !strcmp(old->standby.ipv4, b->ipv4) &&
		    !strcmp(old->standby.ipv6, b->ipv6) &&
		    (old->standby.port ?: old->port) == b->port)
			return true;
	}
	return false;
}

bool plan_on_standby(const struct plan_input *in, const struct service_config *s,
		     const struct backend_config *b)
{
	for (__u32 id = 0; id < in->n_names && id < in->n_guards && backend_has_standby(b); id++)
		for (__u32 n = 0; n < GUARD_BACKENDS_MAX && !strcmp(in->names[id].name, s->name);
		     n++)
			if (in->guards[id].standby >> n & 1 && runs_as(in, id, n, s, b))
				return !was_standby(in, s, b);
	return false;
}

/* Keeps the standby in the place of its backend if the running instance has it there. */
static void keep_standbys(const struct plan_builder *m, size_t service, struct guard *g)
{
	for (size_t i = 0; i < backends_of(&m->config->services[service]); i++)
		if (plan_backend(m, service, i)->on_standby)
			g->standby |= 1ULL << plan_backend(m, service, i)->number;
}

/* ---- keys ---- */

static void add_key(struct plan_guard *g, const struct wg_key *public, __u32 backend)
{
	struct plan_key *k = append(g->keys, g->n_keys);

	memcpy(k->public.b, public->b, sizeof(public->b));
	blake2s_mac1(k->key.mac1, public->b);
	k->key.backend = backend;
}

/* Adds the keys of all backends that have an address: the others could not answer. */
static void add_keys(struct plan_builder *m, size_t service, struct plan_guard *g)
{
	const struct service_config *s = &m->config->services[service];

	for (size_t i = 0; i < backends_of(s); i++) {
		const struct backend_address *b = plan_backend(m, service, i);

		for (size_t j = 0; j < backend_at(s, i)->n_keys; j++)
			if (!s->n_backends || b->ipv4.family || b->ipv6.family)
				add_key(g, &backend_at(s, i)->keys[j], b->number);
	}
}

/* ---- limits ---- */

static __u64 ticks_each(__u32 rate)
{
	return ((__u64)jiffies_a_second() << GUARD_TICK) / rate;
}

static void set_guard(struct guard *g, const struct service_config *s)
{
	const struct guard_config *c = &s->guard;
	bool amneziawg = c->profile == PROFILE_AMNEZIAWG;

	g->flags = GUARD_ON | (c->strict ? GUARD_STRICT : 0) | (s->n_backends ? GUARD_BACKENDS : 0);
	for (int i = 0; i < MESSAGES; i++) {
		g->header[i] = htole32(amneziawg && c->n_headers ? c->headers[i] : i + 1);
		g->span[i] = amneziawg ? c->header_ends[i] - c->headers[i] : 0;
		g->junk[i] = amneziawg ? c->junk[i] : 0;
		g->flags |= g->junk[i] ? GUARD_JUNK : 0;
	}
	g->source_each = ticks_each(c->per_source ?: GUARD_SOURCE_RATE);
	g->source_burst = 2 * (c->per_source ?: GUARD_SOURCE_RATE);
	g->service_each = ticks_each(c->per_service ?: GUARD_SERVICE_RATE);
	g->service_burst = c->per_service ? 2 * c->per_service : GUARD_SERVICE_RATE;
	g->health_initiations = c->health_initiations ?: GUARD_HEALTH_INITIATIONS;
	g->health_sources = c->health_sources ?: GUARD_HEALTH_SOURCES;
	if (c->challenge_above) {
		g->flags |= GUARD_CHALLENGE;
		g->challenge_each = ticks_each(c->challenge_above);
		g->challenge_burst = c->challenge_above;
	}
}

void plan_guard(struct plan_builder *m, size_t service, __u32 id)
{
	const struct service_config *s = &m->config->services[service];
	struct plan *p = m->plan;
	struct plan_guard *g;

	while (p->n_guards <= id)
		append(p->guards, p->n_guards);
	if (!service_has_guard(s))
		return;
	g = &p->guards[id];
	set_guard(&g->guard, s);
	if (s->n_backends)
		give_numbers(m, service, id, g);
	keep_standbys(m, service, &g->guard);
	add_keys(m, service, g);
	p->n_keys += g->n_keys;
	p->guarded = true;
	p->strict |= s->guard.strict;
	p->challenges |= g->guard.flags & GUARD_CHALLENGE;
}
