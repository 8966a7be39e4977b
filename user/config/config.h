/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct config holds a whole configuration. Functions read it from /etc/wgxdp/wgxdp.yaml or
 * standard input, check it, and write it back as YAML. They print each error on standard error as
 * FILE:LINE:COLUMN: error: text, with the value found and what to write. Every room above config/
 * includes this header.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "lib/addr.h"
#include "config/config_service.h"

/* ---- dynamic DNS ---- */

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

/* How packets leave by an interface. TRANSMIT_TC: only by its qdisc, which may shape them. */
enum transmit { TRANSMIT_AUTO, TRANSMIT_TC };

struct interface_config {
	char name[IFNAMSIZ];
	enum link_role role;
	enum mode mode;
	enum transmit transmit;
	bool shared;	/* XDP runs beside other software's, in libxdp's dispatcher */
	/* Position of the name in config.file, counted from 1; 0: unknown. */
	int line, column;
};

struct peer_config {
	char name[NAME_LEN];
	/* all zeros: the peer has no WireGuard key, but is behind an Ethernet interface */
	struct wg_key key;
	char device[IFNAMSIZ];
	struct prefix *prefixes; /* the site's prefixes, and the peer's addresses in the tunnel */
	size_t n_prefixes;
};

enum page_for { PAGE_LOCAL, PAGE_EVERYWHERE, PAGE_OFF };

struct follow_config {
	struct device_name {
		char name[IFNAMSIZ];
	} *wireguard;			/* devices whose peers become the relay's peers */
	size_t n_wireguard;
	__u32 *tables;	/* kernel routing tables to follow, the preferred one first */
	size_t n_tables;
};

#define ANNOUNCE_AFTER 180 /* default of .after, in seconds: WireGuard's own limit for a session */

/* The daemon announces the prefixes of live sites in a kernel routing table. */
struct announce_config {
	__u32 table;			/* number of the routing table; 0: no announcements */
	/* Seconds after its latest handshake for which a site is live; 0: ANNOUNCE_AFTER. */
	__u32 after;
	/* Seconds without a packet from its peer after which a site is no longer live; 0: no
	 * limit. */
	__u32 silent;
};

struct policy_config {
	struct prefix overlay;	/* family 0: there is no overlay, and so no policy */
	/* Destination ports that sites may send to; for TCP, that connections may go to. */
	struct port_range *udp_ports, *tcp_ports;
	size_t n_udp_ports, n_tcp_ports;
	/* ICMPv6 types that may pass: one bit for each index of icmpv6_name(). */
	__u32 icmpv6;
	enum policy_reject reject;
};

#define BLIND_MTU 1420
#define PAIR_PORT 51822
#define BLIND_NAME "blind"	/* service name under which the blind relay's counters are shown */

struct blind_config {		/* the blind relay; device "": it is off */
	/* interface: where WireGuard packets arrive; device: this host's own WireGuard behind it */
	char interface[IFNAMSIZ], device[IFNAMSIZ];
	__be16 port;
	__u32 mtu;			/* MTU of the sites' tunnels in bytes; 0: BLIND_MTU */
	struct site_name {
		char name[NAME_LEN];
	} *sites;		/* if the list is empty: all peers of the device */
	size_t n_sites;
	struct site_pair {
		char name[2][NAME_LEN];
	/* Pairs of sites that may communicate; if the list is empty: all pairs. */
	} *pairs;
	size_t n_pairs;
	/* The second relay that shares the public address and has the same key; local.family 0:
	 * none. */
	struct pair_config {
		/* Shared public addresses: [0] IPv4, [1] IPv6; family 0: none. */
		struct address shared[2];
		/* Ends of the TCP stream between the relays: of this host and of the other one. */
		struct address local, peer;
		__be16 port;		/* TCP port of both relays; 0: PAIR_PORT */
	} pair;
	/* Position of the section in config.file, counted from 1; 0: unknown. */
	int line, column;
};

struct endpoint_config {
	struct address address;
	__be16 port;
	bool systemd;	/* stands for the sockets of the service manager, without an address */
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
	/* Peers with several endpoints (config_sections.h). */
	struct peer_endpoint_config *endpoints;
	/* Interfaces whose endpoints the daemon learns (config_sections.h). */
	struct learn_config *learn;
	struct rate_config *rates;	/* limits of services, clients and peers */
	size_t n_endpoints, n_learn, n_rates;
	struct endpoint_config *exporter;	/* places at which the exporter serves */
	size_t n_exporter;
	/* Host names, besides this host's own, that requests to the exporter may use. */
	struct ddns_text *exporter_names;
	size_t n_exporter_names;
	enum page_for page;		/* clients that may read the status page */
	char web_config[256];		/* file with the exporter's TLS and passwords; "": none */
	struct ddns_config *ddns;
	size_t n_ddns;
	enum mode mode;			/* from `up --mode`, or else that of the running instance */
	/* A command changed the running configuration since a file was loaded. */
	bool by_command;
	enum express_use express;
	/* Number of entries of the express path on each CPU; 0: chosen by the data path. */
	__u32 express_entries;
	char *file;		/* file that was read, for messages; NULL: none */
};

/* About running.yaml: config_write() begins the text with "running: { mode: … }", which stores the
 * mode of `up --mode`. Everything else is the same as in a file that a person writes.
 *
 * Reads and checks a file, or standard input for "-". A file that configures nothing is an error,
 * unless its text is {}. Returns 0, or -errno after printing all errors: -EINVAL for an invalid
 * configuration; -ENOENT, -EACCES … for a file that cannot be read. Commands exit with 2 for
 * both. */
int config_read(const char *file, struct config **ret);
/* Parses and checks a text in memory, which error messages call `name`. */
int config_parse(const char *text, const char *name, struct config **ret);
/* Checks a whole configuration, made by any means, for invalid values and for contradictions, such
 * as two services on one address and port, a backend that is the listen address, or duplicate
 * names. Prints the errors, which call the configuration `name`. Returns 0 or -EINVAL.
 * config_read() and config_parse() do the same checks. */
int config_check(const struct config *c, const char *name);
/* Both write YAML that config_parse() reads back to the same configuration. config_save() omits
 * "running: …" if it holds nothing but defaults. Both return 0 or -errno. */
int config_write(const struct config *c, FILE *out);
int config_save(const struct config *c, FILE *out);
char *config_text(const struct config *c);	/* the text of config_save(); the caller frees it */
void config_free(struct config *c);
void config_free_service(struct service_config *s);	/* frees the members, not *s itself */
void config_free_peer(struct peer_config *p);
/* Returns the table of the configuration's sections (lib/yaml.h). */
const struct yaml_key *config_grammar(void);
/* Returns whether at least one peer is configured, or a device is followed. */
bool config_relays(const struct config *c);
bool config_follows(const struct config *c, const char *device);
/* Returns whether the service has `allow` or `deny`. */
bool service_has_lists(const struct service_config *s);
bool service_has_flows(const struct service_config *s);
/* Enumerates the interfaces in the sections endpoints, learn and ddns, in this order. Returns the
 * i-th one, and writes where the file has it to `path`. Returns NULL after the last. */
const char *config_followed(const struct config *c, size_t i, char *path, size_t n);
/* Enumerates the interfaces that the configuration names, whether or not the host has them. Returns
 * the next name with each call, each name once, and NULL after the last. *at must be 0 before the
 * first call. *ret_role is the configured role. Without one it is ROLE_WAN for an interface named
 * under listen, or ROLE_TUNNEL for the device of a peer. */
const char *config_interface(const struct config *c, size_t *at, enum link_role *ret_role);
/* Warns about a valid configuration that is probably not intended: nothing to forward, or a service
 * that IPv6 clients reach by another port than IPv4 clients. */
void config_warn(const struct config *c);
/* Returns whether the configuration has only endpoints and ddns, which need no data path. */
bool config_is_control(const struct config *c);
bool service_has_guard(const struct service_config *s);
/* Returns whether the guard of a service challenges clients with cookies. */
bool config_challenges(const struct config *c);
/* Returns whether the service listens on the port. */
bool service_has_port(const struct service_config *s, __be16 port);
/* Returns how many backends the service has: the length of the list `backends`, else 1. */
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
/* Returns whether at least one backend has an address or name for this family. */
bool service_has_family(const struct service_config *s, __u8 family);
/* Returns whether the service forwards packets of this family to a backend's own address,
 * untranslated. */
bool service_is_direct(const struct service_config *s, __u8 family);

/* Words of the configuration for values, indexed by their enum, and ended by NULL. */
extern const char *const express_names[], *const mode_names[], *const role_names[],
	*const ipv6_names[], *const df_names[], *const page_names[], *const nat_names[];
const char *nat_name(enum nat n);	/* "blind" for NAT_BLIND, which has no word */
const char *profile_name(enum profile p);
const char *reject_name(enum policy_reject r);
/* Enumerates the ICMPv6 types that policy knows: returns the name at index i, such as
 * "echo-request", and sets *ret_type to its ICMPv6 type, such as 128. Returns NULL after the last
 * one. */
const char *icmpv6_name(unsigned int i, __u8 *ret_type);
int nat_parse(const char *s, enum nat *ret);
