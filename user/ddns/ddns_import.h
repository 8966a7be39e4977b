/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files of assignments as a shell reads them, and what a DynDNS script's has to say. They are read, never run: what only a shell
 * could make a value of is an error.
 */
#pragma once
#include "config/config.h"

struct shell_place {
	unsigned int line;
	const char *wrong;		/* NULL: nothing */
};

struct ovh_credentials {
	char key[128], secret[128], consumer[128];
};

/* The settings of FILE, as a configuration with section ddns alone, whose credentials are in FILE. 0; -errno, told */
int ddns_import(const char *file, struct config **ret);
/* OVH_APP_KEY, OVH_APP_SECRET and OVH_CONSUMER_KEY of such a text; what is wrong with it names none of their values */
struct shell_place ovh_credentials_parse(const char *text, struct ovh_credentials *ret);
