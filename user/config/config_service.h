/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct service_config holds one service of a configuration. config.h includes this header.
 */
#pragma once
#include <net/if.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

enum mode { MODE_AUTO, MODE_NATIVE, MODE_GENERIC, MODE_TC };
enum express_use { EXPRESS_ON, EXPRESS_OFF };
/* NAT_BLIND: the blind relay's entries in the maps; no service in a configuration has it. */
enum nat { NAT_DNAT, NAT_NONE, NAT_MASQUERADE, NAT_BLIND };
enum ipv6_handling { IPV6_DIRECT, IPV6_DNAT, IPV6_OFF };
/* Handling of IPv4 packets without DF that are longer than the MTU. */
enum df_handling { DF_FRAGMENT, DF_REPORT };

struct backend_config {
	/* "": the service has only this backend */
	char name[NAME_LEN];
	char ipv4[256], ipv6[256];	/* address or host name per family; "": none */
	__be16 port;
	/* Public keys by which the guard recognizes messages for this backend. */
	struct wg_key *keys;
	size_t n_keys;
	/* Host that replaces the backend while it is down (daemon/standby.h). */
	struct standby_config {
		/* Address or name per family, as above; both "": there is no standby. */
		char ipv4[256], ipv6[256];
		__be16 port;		/* port of the standby; 0: the same as the backend's */
	} standby;
};

struct port_range {			/* range of ports in host order, including both ends */
	__u16 first, last;
};

/* Settings of flows, for a service with service_has_flows(). 0: the default. */
struct flows_config {
	__u32 max, share;	/* most flows of the service, and of one source address */
	__u32 timeout;			/* seconds without packets after which a flow ends */
	struct port_range ports;	/* ports of this host that flows may use */
	/* Addresses of this host that flows use; none: the source address of the route to the
	 * backend. */
	struct address *sources;
	size_t n_sources;
};

enum profile { PROFILE_WIREGUARD, PROFILE_NONE, PROFILE_AMNEZIAWG };

/* Default initiations per second from a source; a burst may be twice as large. */
#define GUARD_SOURCE_RATE 20
/* Default initiations per second to a service; a burst may be as large. */
#define GUARD_SERVICE_RATE 2000
#define GUARD_HEALTH_INITIATIONS 20
#define GUARD_HEALTH_SOURCES 3
/* Largest .health_sources: the data path marks sources in a word of 64 bits. */
#define GUARD_HEALTH_SOURCES_MAX 16

/* Settings of the guard, for a service with service_has_guard(). 0: the default. */
struct guard_config {
	/* The file has the key `wireguard`. Several backends make a guard even without it. */
	bool on;
	bool strict;
	enum profile profile;
	/* For AmneziaWG, per type of message: the first and last of the numbers that stand for the
	 * type, and the number of junk bytes before it. */
	__u32 headers[MESSAGES], header_ends[MESSAGES];
	__u32 junk[MESSAGES];
	size_t n_headers, n_junk;
	/* Most initiations per second from one source, and to the service. */
	__u32 per_source, per_service;
	/* Initiations per second above which clients must answer a challenge; 0: never. */
	__u32 challenge_above;
	/* The backend is down after this many initiations from this many sources without an
	 * answer. */
	__u32 health_initiations, health_sources;
};

/* A list of clients that another program keeps. */
struct list_config {
	enum list_source source;
	char name[LIST_NAME_LEN];	/* as in struct followed_list */
	size_t at;		/* its place in the key's list, where prefixes may be too */
};

struct service_config {
	char name[NAME_LEN];
	/* Listen on all addresses of this interface; "": on the addresses below. */
	char listen_interface[IFNAMSIZ];
	struct address *listen_addresses;
	size_t n_listen_addresses;
	__be16 *ports;			/* ports to listen on; empty only with NAT_NONE */
	size_t n_ports;
	struct backend_config backend;
	/* List of several backends, each with its own keys, instead of `backend`. backend_at()
	 * returns either. */
	struct backend_config *backends;
	size_t n_backends;
	struct guard_config guard;
	enum nat nat;
	enum ipv6_handling ipv6;
	/* Prefixes of clients, and lists of them. `allow` empty: all clients that are not in
	 * `deny`. */
	struct prefix *allow, *deny;
	size_t n_allow, n_deny;
	struct list_config *allow_lists, *deny_lists;
	size_t n_allow_lists, n_deny_lists;
	enum df_handling df;
	struct flows_config flows;
	/* Clients in the LAN may also send to the listen address; they are masqueraded. */
	bool hairpin;
	/* Position of `listen` in config.file, counted from 1; 0: unknown. */
	int line, column;
};
