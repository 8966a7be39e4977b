/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads shell files of assignments: a DynDNS script's settings, for `wgxdp ddns`, and OVH's
 * credentials. They are never run: an expansion that needs a shell is an error.
 */
#pragma once
#include "config/config.h"

struct shell_place {
	unsigned int line;
	const char *wrong;		/* NULL: no error */
};

struct ovh_credentials {
	char key[128], secret[128], consumer[128];
};

/* Returns the settings of FILE as a configuration with one section `ddns`, whose credentials are in
 * FILE. 0, or -errno after logging */
int ddns_import(const char *file, struct config **ret);
/* Reads OVH_APP_KEY, OVH_APP_SECRET and OVH_CONSUMER_KEY. The error contains no value of theirs */
struct shell_place ovh_credentials_parse(const char *text, struct ovh_credentials *ret);
