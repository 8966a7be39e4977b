/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A topology while it is read: its grammar, values and checks. Hosts still know their places in the
 * file. Only topology*.c and cmd/cmd_schema.c include it.
 */
#pragma once
#include "gen/topology.h"
#include "lib/yaml.h"

struct topology_row {			/* row of a table: a host or a site */
	union {	/* first member, so that the YAML tables of hosts and sites can write to a row */
		struct topology_host host;
		struct topology_site site;
	};
	struct yaml_node *node;		/* mapping of the host or site in the file */
	/* Number of the host's site in the file, or of its gateway, counted from 1. Otherwise 0. */
	size_t group;
	size_t order;			/* number of the row in the file's order */
	char serves[TOPOLOGY_NAME];	/* for a firewall: the name of the gateway that it serves */
};

struct topology_reading {
	struct yaml y;			/* first member, because handlers get only this */
	struct topology *t;
	struct topology_row *rows, *sites;	/* rows of the hosts, and of the sites */
	size_t n_rows, n_sites;
	size_t gateways;		/* number of gateways so far, including the present one */
};

extern const struct yaml_key topology_keys[];

/* Read a YAML value into the member of the object whose offset the key has. */
yaml_set topology_set_name, topology_set_interface, topology_set_ipv4,
	topology_set_exit_way, topology_set_prefix, topology_set_link, topology_set_subnet,
	topology_set_token, topology_set_network;
yaml_set topology_add_address, topology_add_link_address, topology_add_backend,
	topology_add_network;

/* Returns the YAML node at a path below the row's mapping, such as "addresses/0", or NULL if the
 * file does not have it. */
struct yaml_node *topology_said(const struct topology_row *row, const char *path);
/* Returns the same node, or the row's own mapping if the file does not have it. */
struct yaml_node *topology_at(const struct topology_row *row, const char *path);

/* Reports an error at a path below the row's mapping, or of the topology itself if row is NULL. The
 * error text begins with the path's last key. */
void topology_error(struct topology_reading *r, const struct topology_row *row, const char *path,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reports contradictions between values of the topology. */
void topology_check(struct topology_reading *r);

/* Returns the gateway's network of this kind, or NULL. */
const struct prefix *topology_network(const struct topology_host *gateway, enum topology_kind kind);
/* Returns the name of the prefix (overlay, tunnels or mesh) that overlaps p and is not p itself, or
 * NULL. */
const char *topology_whole_meets(const struct topology *t, const struct prefix *p);
bool topology_host_meets(const struct topology_host *h, const struct prefix *p);
