/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section ddns (dynamic DNS): which addresses this host publishes, under which names, and
 * through which provider. config.h, ddns/ and gen/ include it.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "lib/addr.h"

#define DDNS_TTL 300			/* default TTL of the records, in seconds */
#define DDNS_TTL_MAX 604800
#define DDNS_PORT 53

enum ddns_by { DDNS_RFC2136, DDNS_OVH, DDNS_EXEC };
enum ddns_endpoint { OVH_EU, OVH_CA, OVH_US };

struct ddns_text {
	char text[256];
};

struct ddns_config {
	char interface[IFNAMSIZ];	/* interface whose addresses are published */
	struct ddns_text *names;	/* host names to publish, without a dot at the end */
	size_t n_names;
	bool ipv4, ipv6;		/* types of records to write: A, AAAA */
	/* Publishes another host behind this one: AAAA records get a prefix of the interface and
	 * the last 64 bits of this address. Family 0: publishes this host. */
	struct address host;
	__u32 ttl;
	enum ddns_by by;
	char zone[256];			/* DNS zone of the names; unused by DDNS_EXEC */
	char server[256];	/* for DDNS_RFC2136: address or name of the primary server */
	__be16 port;
	/* File with the key or credentials. Without a slash it is the name of a systemd
	 * credential. */
	char secret[256];
	enum ddns_endpoint endpoint;	/* API of DDNS_OVH; used if url is "" */
	char url[256];
	struct ddns_text *command;	/* for DDNS_EXEC: the program and its first arguments */
	size_t n_command;
};

struct config;

/* Write the section ddns as YAML: the whole section, or one entry as a list item. */
void config_put_ddns(FILE *out, const struct config *c);
void config_put_ddns_one(FILE *out, const struct ddns_config *d);
void config_free_ddns(struct ddns_config *d);	/* frees the members, not *d itself */

/* Writes a list of texts in brackets. */
void config_put_texts(FILE *out, const struct ddns_text *list, size_t n);
/* Returns whether the DNS name is the zone's own name or below it. */
bool ddns_in_zone(const char *name, const char *zone);
