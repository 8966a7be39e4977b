/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configuration: /etc/wgxdp/wgxdp.yaml or standard input into structures, and back. Every error is told on standard
 * error as FILE:LINE:COLUMN: error: text, with what was found there and what would be right.
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
	bool shared;			/* XDP beside programs of others */
};

struct peer_config {
	char name[NAME_LEN];
	struct wg_key key;		/* none: a peer on a nic */
	char device[IFNAMSIZ];
	struct prefix *prefixes;	/* its site's, and its tunnel addresses */
	size_t n_prefixes;
	bool by_hand;			/* as with services */
};

enum page_for { PAGE_LOCAL, PAGE_EVERYWHERE, PAGE_OFF };

struct follow_config {
	struct device_name {
		char name[IFNAMSIZ];
	} *wireguard;			/* devices whose peers are WireGuard's own word */
	size_t n_wireguard;
	__u32 *tables;			/* of the kernel's routes, the first goes before the next */
	size_t n_tables;
};

#define ANNOUNCE_AFTER 180		/* WireGuard's own limit for a session */

struct announce_config {		/* routes of sites that are alive, in a table of the kernel's */
	__u32 table;			/* 0: none */
	__u32 after;			/* seconds since the latest handshake; 0: ANNOUNCE_AFTER */
	__u32 silent;			/* seconds without a packet of the peer; 0: it may be silent */
};

struct policy_config {
	struct prefix overlay;		/* family 0: none, and no policy */
	struct port_range *udp_ports;
	size_t n_udp_ports;
	__u32 icmpv6;			/* a bit for each type that may pass: its number in icmpv6_name() */
	enum policy_reject reject;
};

#define BLIND_MTU 1420
#define BLIND_NAME "blind"		/* as a service it counts under this name */

struct blind_config {			/* the blind relay; device "": none */
	char interface[IFNAMSIZ], device[IFNAMSIZ];	/* that WireGuard comes in by, and this host's own WireGuard behind it */
	__be16 port;
	__u32 mtu;			/* of the sites' tunnels; 0: BLIND_MTU */
	struct site_name {
		char name[NAME_LEN];
	} *sites;			/* none: all peers of the device */
	size_t n_sites;
	struct site_pair {
		char name[2][NAME_LEN];
	} *pairs;			/* that may talk; none: all */
	size_t n_pairs;
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
	struct peer_endpoint_config *endpoints;	/* that the daemon follows: config_endpoints.h */
	struct learn_config *learn;	/* config_learn.h */
	size_t n_endpoints, n_learn;
	struct endpoint_config *exporter;	/* where metrics are served */
	size_t n_exporter;
	enum page_for page;		/* and to whom the status page */
	struct ddns_config *ddns;
	size_t n_ddns;
	enum mode mode;			/* of `up --mode`, or as saved from what runs */
};

/* What runs (config_write) begins with "running: { mode: … }", which says the mode of `up --mode`; only where that stands a
 * service or peer may have "origin: hand". Everything else is as in a file that a person writes.
 *
 * Reads and checks FILE ("-": standard input). 0, or -errno after having told every error it found. -EINVAL: invalid
 * (exit code 2); a file that cannot be read is -ENOENT, -EACCES … (exit code 2 as well). */
int config_read(const char *file, struct config **ret);
/* The same for text in memory; name stands in messages. */
int config_parse(const char *text, const char *name, struct config **ret);
/* Contradictions of a whole configuration, however it was made (two services on one address and port, backend equal to
 * listen, names twice, no ports …). Called by config_read and config_parse. */
int config_check(const struct config *c, const char *name);
/* YAML that config_parse reads back to the same; config_save without "running: …" where that would say nothing. */
int config_write(const struct config *c, FILE *out);
int config_save(const struct config *c, FILE *out);
void config_free(struct config *c);
void config_free_service(struct service_config *s);	/* what it holds */
void config_free_peer(struct peer_config *p);
bool config_relays(const struct config *c);	/* some peer is configured or followed */
bool config_follows(const struct config *c, const char *device);	/* its WireGuard peers are ours */
bool service_has_flows(const struct service_config *s);
/* The interface of the i-th row of endpoints, learn and ddns together, and the path of its place; NULL: there are no more */
const char *config_followed(const struct config *c, size_t i, char *path, size_t n);
/* Warns where there is neither service nor peer, and nothing else to do */
void config_warn_nothing(const struct config *c);
bool config_is_control(const struct config *c);	/* nothing in it needs the data path */
bool config_has_flows(const struct config *c);	/* some service has */
bool service_has_guard(const struct service_config *s);
/* Its backends, or the only one */
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
bool service_has_family(const struct service_config *s, __u8 family);	/* some backend of it has */

const char *mode_name(enum mode m);
const char *nat_name(enum nat n);
const char *role_name(enum link_role r);
const char *ipv6_name(enum ipv6_handling h);
const char *df_name(enum df_handling h);
const char *page_name(enum page_for p);
const char *profile_name(enum profile p);
const char *reject_name(enum policy_reject r);
/* The ICMPv6 types that policy knows, by number: "echo-request", and 128 of ICMPv6; NULL: no more */
const char *icmpv6_name(unsigned int i, __u8 *ret_type);
int mode_parse(const char *s, enum mode *ret);
int nat_parse(const char *s, enum nat *ret);
