/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads shell files that contain only assignments: the settings of a DynDNS script, for `wgxdp
 * ddns`, and the credentials of OVH. The files are never run, and an expansion that needs a shell
 * is an error. cmd/ and ddns_ovh.c include it.
 */
#pragma once
#include "config/config.h"

struct shell_place {
	unsigned int line;
	const char *wrong;		/* the error in that line; NULL: none */
};

struct ovh_credentials {
	char key[128], secret[128], consumer[128];
};

/* Converts a shell file of settings to a configuration with one section ddns, which takes its
 * credentials from the same file. Returns 0, or -errno after printing an error. */
int ddns_import(const char *file, struct config **ret);
/* Reads OVH_APP_KEY, OVH_APP_SECRET and OVH_CONSUMER_KEY from a shell file's text. The returned
 * error, if any, never contains their values. */
struct shell_place ovh_credentials_parse(const char *text, struct ovh_credentials *ret);
