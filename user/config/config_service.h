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
/* NAT_BLIND stands for the blind relay; no service of a configuration has it. */
enum nat { NAT_DNAT, NAT_NONE, NAT_MASQUERADE, NAT_BLIND };
enum ipv6_handling { IPV6_DIRECT, IPV6_DNAT, IPV6_OFF };
/* the handling of too long IPv4 packets without DF */
enum df_handling { DF_FRAGMENT, DF_REPORT };

struct backend_config {
	/* the name of one of several backends; "": the only backend */
	char name[NAME_LEN];
	char ipv4[256], ipv6[256];	/* an address or a name, as in the file; "": none */
	__be16 port;
	/* public keys, by which the guard recognizes messages for this backend */
	struct wg_key *keys;
	size_t n_keys;
	/* replaces the backend while it is down (daemon/standby.h) */
	struct standby_config {
		char ipv4[256], ipv6[256];	/* as above; both are "": there is no standby */
		__be16 port;		/* 0: the port of the backend */
	} standby;
};

struct port_range {			/* in host order; both ends belong to the range */
	__u16 first, last;
};

/* used if service_has_flows(); 0 in a member: the default */
struct flows_config {
	__u32 max, share;		/* limit of flows, and of flows from one source */
	__u32 timeout;			/* an idle flow ends after so many seconds */
	struct port_range ports;	/* local ports */
	/* local addresses; if there are none: the source address of the route to the backend */
	struct address *sources;
	size_t n_sources;
};

enum profile { PROFILE_WIREGUARD, PROFILE_NONE, PROFILE_AMNEZIAWG };

#define GUARD_SOURCE_RATE 20		/* default per second; a burst may be twice as large */
#define GUARD_SERVICE_RATE 2000		/* default per second; a burst may be as large */
#define GUARD_HEALTH_INITIATIONS 20
#define GUARD_HEALTH_SOURCES 3
#define GUARD_HEALTH_SOURCES_MAX 16	/* because the data path counts sources in 64 bits */

/* used if service_has_guard(); 0 in a member: the default */
struct guard_config {
	/* the key wireguard is there; several backends have a guard without it too */
	bool on;
	bool strict;
	enum profile profile;
	/* for AmneziaWG: the type words, and how many bytes of junk are in front of each type of
	 * message */
	__u32 headers[MESSAGES];
	__u32 junk[MESSAGES];
	size_t n_headers, n_junk;
	__u32 per_source, per_service;	/* initiations per second */
	__u32 challenge_above;		/* initiations per second; 0: no challenge */
	/* The backend is down after so many unanswered initiations from so many sources. */
	__u32 health_initiations, health_sources;
};

struct service_config {
	char name[NAME_LEN];
	char listen_interface[IFNAMSIZ];	/* "": addresses are given instead */
	struct address *listen_addresses;
	size_t n_listen_addresses;
	__be16 *ports;			/* at least one port, except with NAT_NONE */
	size_t n_ports;
	struct backend_config backend;
	/* Several backends, each with its own keys; they replace `backend`. Use backend_at(). */
	struct backend_config *backends;
	size_t n_backends;
	struct guard_config guard;
	enum nat nat;
	enum ipv6_handling ipv6;
	/* Prefixes of clients. Without `allow`, every client that is not in `deny` is allowed. */
	struct prefix *allow, *deny;
	size_t n_allow, n_deny;
	enum df_handling df;
	struct flows_config flows;
	/* also accept clients from a lan at the listen address, and masquerade them */
	bool hairpin;
	/* made or changed by a command, not by the file; "origin: hand" in running.yaml */
	bool by_hand;
	/* place of `listen` in config.file, counted from 1; 0: unknown */
	int line, column;
};
