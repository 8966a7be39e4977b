/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A topology while it is read: its grammar, values and checks. Hosts still know their places in the
 * file. Only topology*.c include it.
 */
#pragma once
#include "gen/topology.h"
#include "lib/yaml.h"

struct topology_row {			/* a host or a site */
	union {				/* first, so that tables of either can work on a row */
		struct topology_host host;
		struct topology_site site;
	};
	struct yaml_node *node;		/* its mapping */
	/* number of the site in the file, or of the gateway (also for its clients) from 1; else
	 * 0 */
	size_t group;
	size_t order;			/* order in the file */
	char serves[TOPOLOGY_NAME];	/* firewalls */
};

struct topology_reading {
	struct yaml y;			/* first: handlers get only this */
	struct topology *t;
	struct topology_row *rows, *sites;	/* hosts, sites */
	size_t n_rows, n_sites;
	size_t gateways;		/* so far, including the one being read */
};

extern const struct yaml_key topology_keys[];

/* Values; offsets are those of the tables' objects */
yaml_set topology_set_name, topology_set_key, topology_set_interface, topology_set_ipv4,
	topology_set_backend, topology_set_exit_way,
	topology_set_prefix, topology_set_mtu, topology_set_link, topology_set_subnet,
		topology_set_token, topology_set_ports, topology_set_keepalive;
yaml_set topology_add_address, topology_add_network, topology_add_tcp_port;

/* The node at the path in the row, as "addresses/0"; NULL: not in the file */
struct yaml_node *topology_said(const struct topology_row *row, const char *path);
/* The same, or the row itself */
struct yaml_node *topology_at(const struct topology_row *row, const char *path);

/* Reports an error there (row NULL: of the topology itself); begins with the path's last key */
void topology_error(struct topology_reading *r, const struct topology_row *row, const char *path,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reports contradictions */
void topology_check(struct topology_reading *r);

void topology_free_host(struct topology_host *h);	/* frees the contents */
/* a gateway has at most one of each */
enum topology_kind { NETWORK_IPV4, NETWORK_ULA, NETWORK_GLOBAL };
enum topology_kind topology_kind(const struct prefix *p);
/* NULL: it has none */
const struct prefix *topology_network(const struct topology_host *gateway, enum topology_kind kind);
/* The one of overlay, tunnels and mesh, other than p, that overlaps p; NULL: none */
const char *topology_whole_meets(const struct topology *t, const struct prefix *p);
bool topology_host_meets(const struct topology_host *h, const struct prefix *p);
