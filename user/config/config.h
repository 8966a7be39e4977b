/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configuration: reads /etc/wgxdp/wgxdp.yaml or standard input into structures, and writes them
 * back. Parsers print each error on standard error as FILE:LINE:COLUMN: error: text, with the value
 * found and what would be valid. Every room above config/ includes this header.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "lib/addr.h"
#include "config/config_ddns.h"
#include "config/config_service.h"

#define CONFIG_DEFAULT "/etc/wgxdp/wgxdp.yaml"

struct interface_config {
	char name[IFNAMSIZ];
	enum link_role role;
	enum mode mode;
	bool shared;			/* XDP next to other programs' XDP */
	int line, column;		/* of the name in config.file, from 1; 0: none */
};

struct peer_config {
	char name[NAME_LEN];
	struct wg_key key;		/* none: a peer behind a network card */
	char device[IFNAMSIZ];
	struct prefix *prefixes;	/* the prefixes of its site, and its tunnel addresses */
	size_t n_prefixes;
	bool by_hand;			/* as in struct service_config */
};

enum page_for { PAGE_LOCAL, PAGE_EVERYWHERE, PAGE_OFF };

struct follow_config {
	struct device_name {
		char name[IFNAMSIZ];
	} *wireguard;			/* their peers come from WireGuard itself */
	size_t n_wireguard;
	__u32 *tables;			/* kernel routing tables; an earlier one takes precedence */
	size_t n_tables;
};

#define ANNOUNCE_AFTER 180		/* WireGuard's own limit for a session, in seconds */

struct announce_config {		/* routes to live sites, in a table of the kernel */
	__u32 table;			/* 0: off */
	__u32 after;			/* seconds since the latest handshake; 0: ANNOUNCE_AFTER */
	__u32 silent;			/* seconds without a packet from the peer; 0: no limit */
};

struct policy_config {
	struct prefix overlay;		/* family 0: neither overlay nor policy */
	struct port_range *udp_ports;
	size_t n_udp_ports;
	__u32 icmpv6;	/* one bit per type that may pass; the bit is its number in icmpv6_name() */
	enum policy_reject reject;
};

#define BLIND_MTU 1420
#define BLIND_NAME "blind"		/* its counters appear under this service name */

struct blind_config {			/* the blind relay; device "": off */
	/* interface: where WireGuard packets arrive; device: this host's own WireGuard behind it */
	char interface[IFNAMSIZ], device[IFNAMSIZ];
	__be16 port;
	__u32 mtu;			/* MTU of the sites' tunnels; 0: BLIND_MTU */
	struct site_name {
		char name[NAME_LEN];
	} *sites;			/* none: all peers of the device */
	size_t n_sites;
	struct site_pair {
		char name[2][NAME_LEN];
	} *pairs;			/* pairs of sites that may talk; none: all pairs */
	size_t n_pairs;
	int line, column;		/* of the section in config.file, from 1; 0: none */
};

struct endpoint_config {
	struct address address;
	__be16 port;
};

struct config {
	struct interface_config *interfaces;
	size_t n_interfaces;
	struct service_config *services;
	size_t n_services;
	struct peer_config *peers;
	size_t n_peers;
	struct follow_config follow;
	struct announce_config announce;
	struct policy_config policy;
	struct blind_config blind;
	struct peer_endpoint_config *endpoints;	/* config_endpoints.h */
	struct learn_config *learn;	/* config_learn.h */
	size_t n_endpoints, n_learn;
	struct endpoint_config *exporter;	/* addresses that serve metrics */
	size_t n_exporter;
	struct ddns_text *exporter_names;	/* under which it is asked, beside the host's own */
	size_t n_exporter_names;
	enum page_for page;		/* clients that may read the status page */
	struct ddns_config *ddns;
	size_t n_ddns;
	enum mode mode;			/* from `up --mode`, or saved from the running instance */
	struct removed_entry {
		char text[NAME_LEN + 8];	/* "service office" */
	} *removed;			/* by hand: the next file brings them back */
	size_t n_removed;
	enum express_use express;	/* whether the data path has its express path */
	__u32 express_entries;		/* its tuples on each CPU; 0: EXPRESS_TUPLES */
	char *file;			/* that was read, for messages; NULL: none */
};

/* config_write() begins its text with "running: { mode: … }", which holds the mode of `up --mode`.
 * Only a text with that line may have "origin: hand" at a service or peer. Everything else is as in
 * a file that a person writes.
 *
 * Reads and checks FILE ("-": standard input). A file that configures nothing is refused, unless it
 * is {}. Returns 0, or -errno after printing all errors:
 * -EINVAL for an invalid configuration, -ENOENT, -EACCES … for a file that cannot be read (exit
 * code 2 for both). */
int config_read(const char *file, struct config **ret);
/* The same for text in memory; messages name it `name`. */
int config_parse(const char *text, const char *name, struct config **ret);
/* Checks a whole configuration, made by any means, for contradictions: two services on one address
 * and port, a backend equal to listen, duplicate names, no ports … config_read and config_parse
 * call it. */
int config_check(const struct config *c, const char *name);
/* Writes YAML that config_parse reads back to the same configuration. config_save omits "running:
 * …" where it would add nothing. */
int config_write(const struct config *c, FILE *out);
int config_save(const struct config *c, FILE *out);
void config_free(struct config *c);
void config_free_service(struct service_config *s);	/* frees the members, not the struct */
void config_free_peer(struct peer_config *p);
bool config_relays(const struct config *c);	/* at least one peer is configured or followed */
/* whether `follow` has this device */
bool config_follows(const struct config *c, const char *device);
bool service_has_flows(const struct service_config *s);
/* Returns the interface of row i of endpoints, learn and ddns taken together, and the path of its
 * value; NULL: no such row. */
const char *config_followed(const struct config *c, size_t i, char *path, size_t n);
/* Warns if there is no service, no peer and nothing else to do. */
void config_warn_nothing(const struct config *c);
bool config_is_control(const struct config *c);	/* nothing in it needs the data path */
bool service_has_guard(const struct service_config *s);
/* The backends of a service: several, or the single one. */
static inline size_t backends_of(const struct service_config *s)
{
	return s->n_backends ?: 1;
}
static inline const struct backend_config *backend_at(const struct service_config *s, size_t i)
{
	return s->n_backends ? &s->backends[i] : &s->backend;
}
static inline bool backend_has_standby(const struct backend_config *b)
{
	return *b->standby.ipv4 || *b->standby.ipv6 || b->standby.port;
}
/* at least one backend has */
bool service_has_family(const struct service_config *s, __u8 family);

const char *mode_name(enum mode m);
const char *express_name(enum express_use e);
const char *nat_name(enum nat n);
const char *role_name(enum link_role r);
const char *ipv6_name(enum ipv6_handling h);
const char *df_name(enum df_handling h);
const char *page_name(enum page_for p);
const char *profile_name(enum profile p);
const char *reject_name(enum policy_reject r);
/* The ICMPv6 types of policy by index: the name, as "echo-request", and the ICMPv6 type, as 128.
 * NULL: no such index. */
const char *icmpv6_name(unsigned int i, __u8 *ret_type);
int mode_parse(const char *s, enum mode *ret);
int nat_parse(const char *s, enum nat *ret);
