/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Gives the settings of AmneziaWG in a server's file of wg-quick to the guard of the services that
 * forward to this server.
 */
#include <string.h>
#include "config/config_parts.h"
#include "import/service.h"
#include "lib/grow.h"
#include "rehearsal/rehearsal.h"

/* Returns whether the host with the rules has the device. */
static bool is_here(const struct import *im, const struct import_device *d)
{
	bool found = d->here;

	for (size_t i = 0; im->rehearsal && i < im->rehearsal->n_links; i++)
		found |= !strcmp(im->rehearsal->links[i].name, d->name);
	return found;
}

static bool is_only_one_on_port(const struct import *im, const struct import_device *d)
{
	for (size_t i = 0; i < im->devices.n; i++)
		if (&im->devices.list[i] != d && im->devices.list[i].port == d->port)
			return false;
	return true;
}

/* Returns why the settings cannot be those of a service's backend; NULL: they are. */
static const char *why_not(const struct import *im, const struct import_device *d)
{
	const struct service_config *found = NULL;
	bool taken = false;

	if (is_here(im, d))
		return "the interface is on this host";
	if (wg_key_is_none(&d->key))
		return "the public key is unknown, because the file has no PrivateKey or libsodium "
		       "is missing";
	if (!d->port)
		return "the file has no ListenPort";
	if (!is_only_one_on_port(im, d))
		return "another interface has the same port";
	for (size_t i = 0; i < im->n_services; i++) {
		const struct service_config *s = &im->services[i].s;

		if (s->backend.port != d->port)
			continue;
		/* No client then reaches WireGuard of this host at this port. */
		taken |= service_has_port(s, d->port) || s->nat == NAT_NONE;
		if (found && !service_same_place(&found->backend, &s->backend))
			return "several backends have this port";
		found = s;
	}
	return !found ? "no service has a backend with this port" :
	       !taken ? "it is unknown whether the interface is on this host or on a backend" :
			NULL;
}

static bool is_too_large(const struct import_amneziawg *a)
{
	for (size_t i = 0; i < a->n_junk; i++)
		if (a->junk[i] > GUARD_JUNK_MAX)
			return true;
	return false;
}

static void set_guard(const struct import_device *d, struct import_service *s)
{
	struct guard_config *g = &s->s.guard;
	struct wg_key *key = append(s->s.backend.keys, s->s.backend.n_keys);

	*key = d->key;
	g->on = true;
	g->profile = PROFILE_AMNEZIAWG;
	memcpy(g->headers, d->amneziawg.headers, sizeof(g->headers));
	memcpy(g->header_ends, d->amneziawg.header_ends, sizeof(g->header_ends));
	memcpy(g->junk, d->amneziawg.junk, sizeof(g->junk));
	g->n_headers = d->amneziawg.n_headers;
	g->n_junk = d->amneziawg.n_junk;
	s->server = d;
}

void import_amneziawg(struct import *im)
{
	for (size_t i = 0; i < im->devices.n; i++) {
		const struct import_device *d = &im->devices.list[i];
		const char *why;

		if (d->is_unknown || (!d->amneziawg.n_headers && !d->amneziawg.n_junk))
			continue;
		why = is_too_large(&d->amneziawg) ? "the sizes are larger than wgxdp allows" :
						    why_not(im, d);
		if (why)
			import_lose(&im->lost, "%s: the settings of AmneziaWG (H1 to S4) are in "
				    "no service: %s: write the key wireguard of the service "
				    "yourself", d->origin, why);
		for (size_t j = 0; j < im->n_services && !why; j++)
			if (im->services[j].s.backend.port == d->port)
				set_guard(d, &im->services[j]);
	}
}
