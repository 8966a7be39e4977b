/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section ddns (dynamic DNS): which addresses this host publishes, under which names, and
 * through which provider. config.h, ddns/ and gen/ include it.
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
	char interface[IFNAMSIZ];	/* its addresses are published */
	struct ddns_text *names;	/* without a dot at the end */
	size_t n_names;
	bool ipv4, ipv6;		/* the types of records to write: A, AAAA */
	/* If its family is not 0: AAAA records have a prefix of the interface and the last 64 bits
	 * of this address, for another host behind this one. */
	struct address host;
	__u32 ttl;
	enum ddns_by by;
	char zone[256];			/* not used by DDNS_EXEC */
	char server[256];	/* for DDNS_RFC2136: the primary server, an address or a name */
	__be16 port;
	/* The file with the key or the credentials. A name without a slash is a credential of
	 * systemd. */
	char secret[256];
	enum ddns_endpoint endpoint;	/* for DDNS_OVH, if url is "" */
	char url[256];
	struct ddns_text *command;	/* for DDNS_EXEC: the program and its first arguments */
	size_t n_command;
};

struct config;

/* Write the section as YAML: all of it, or one entry as an item of a list. */
void config_put_ddns(FILE *out, const struct config *c);
void config_put_ddns_one(FILE *out, const struct ddns_config *d);
void config_free_ddns(struct ddns_config *d);	/* frees the members, not *d itself */

const char *ddns_endpoint_name(enum ddns_endpoint e);	/* NULL: there is no such endpoint */
/* Returns whether the name is the zone itself or in the zone. */
bool ddns_in_zone(const char *name, const char *zone);
