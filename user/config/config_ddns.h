/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Dynamic DNS: which addresses this host publishes, under which names and through which provider.
 * config.h includes it, and so do ddns/ and gen/.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "lib/addr.h"

#define DDNS_TTL 300			/* seconds */
#define DDNS_PORT 53

enum ddns_by { DDNS_RFC2136, DDNS_OVH, DDNS_EXEC };
enum ddns_endpoint { OVH_EU, OVH_CA, OVH_US };

struct ddns_text {
	char text[256];
};

struct ddns_config {
	char interface[IFNAMSIZ];	/* publishes the addresses of this interface */
	struct ddns_text *names;	/* without a dot at their end */
	size_t n_names;
	bool ipv4, ipv6;		/* types of records: A, AAAA */
	/* AAAA is a prefix of the interface and the last 64 bits of this address; family 0: off */
	struct address host;
	__u32 ttl;
	enum ddns_by by;
	char zone[256];			/* unused by DDNS_EXEC */
	char server[256];	/* of DDNS_RFC2136: the primary server, an address or a name */
	__be16 port;
	/* file with the key or the credentials; a name without a slash is one of systemd's
	 * credentials */
	char secret[256];
	enum ddns_endpoint endpoint;	/* of DDNS_OVH, if url is "" */
	char url[256];
	struct ddns_text *command;	/* of DDNS_EXEC: the program and its first arguments */
	size_t n_command;
};

struct config;

/* Write the whole section, or one mapping as an item of a list. */
void config_put_ddns(FILE *out, const struct config *c);
void config_put_ddns_one(FILE *out, const struct ddns_config *d);
void config_free_ddns(struct ddns_config *d);	/* frees the members, not the struct */

const char *ddns_endpoint_name(enum ddns_endpoint e);	/* NULL: no such endpoint */
/* Returns whether name is the zone's own name or lies below it. */
bool ddns_in_zone(const char *name, const char *zone);
