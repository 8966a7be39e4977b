/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the reasons on this host why a valid configuration cannot work now. `check` and doctor
 * report them as errors; `up` waits, or warns.
 */
#pragma once
#include "config/config_check.h"
#include "net/wireguard.h"
#include "plan/plan.h"

struct resolved_backends;

/* Reports each error of the configuration on this host, at its place in the file. Returns the
 * number of errors. It changes nothing. */
unsigned int host_check(const struct config *c, const struct host *h,
			const struct resolved_backends *answers, const char *instance,
			config_tell *tell, void *data);

struct host_sites {		/* peers of the blind relay's device, by site_names_read() */
	struct site_name *names;	/* sorted */
	size_t n;
	char text[256];			/* the names, for messages */
	size_t missing;			/* number of names in blind.sites that no peer has */
	/* Name of the only peer that is not in blind.sites; "": there is none, or several. */
	char other[NAME_LEN];
};

/* Reads these peers. */
void host_sites_read(const struct config *c, const struct wg_device *d, struct host_sites *ret);
/* Returns whether a peer has this name. */
bool host_sites_have(const struct host_sites *s, const char *name);
void host_sites_free(struct host_sites *s);
