/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The part of a configuration that says which addresses are published in DNS, under which names and by whom, and how it
 * is written.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "lib/addr.h"

#define DDNS_TTL 300			/* by default */
#define DDNS_PORT 53

enum ddns_by { DDNS_RFC2136, DDNS_OVH, DDNS_EXEC };
enum ddns_endpoint { OVH_EU, OVH_CA, OVH_US };

struct ddns_text {
	char text[256];
};

struct ddns_config {
	char interface[IFNAMSIZ];	/* whose addresses */
	struct ddns_text *names;	/* without a dot at their end */
	size_t n_names;
	bool ipv4, ipv6;		/* which records: A, AAAA */
	struct address host;		/* family 0: none; else AAAA has these last 64 bits behind a prefix of the interface */
	__u32 ttl;
	enum ddns_by by;
	char zone[256];			/* not of DDNS_EXEC */
	char server[256];		/* of DDNS_RFC2136: the primary, address or name */
	__be16 port;
	char secret[256];		/* the file with the key, or with the credentials; without a slash one of systemd's credentials */
	enum ddns_endpoint endpoint;	/* of DDNS_OVH, where url is "" */
	char url[256];
	struct ddns_text *command;	/* of DDNS_EXEC: the program and what it gets first */
	size_t n_command;
};

struct config;

/* All of the section, or one of its mappings as an item of a list */
void config_put_ddns(FILE *out, const struct config *c);
void config_put_ddns_one(FILE *out, const struct ddns_config *d);
void config_free_ddns(struct ddns_config *d);	/* what it holds */

const char *ddns_endpoint_name(enum ddns_endpoint e);	/* NULL: no more */
/* Whether name is the zone's own or one below it */
bool ddns_in_zone(const char *name, const char *zone);
