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
/* Handling of IPv4 packets without DF that exceed the MTU. */
enum df_handling { DF_FRAGMENT, DF_REPORT };

struct backend_config {
	/* Name of the backend if the service has several; "": the only backend. */
	char name[NAME_LEN];
	char ipv4[256], ipv6[256];	/* address or name per family, as in the file; "": none */
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

struct port_range {			/* range of ports in host order; both ends belong to it */
	__u16 first, last;
};

/* Flow settings, used if service_has_flows(); 0 in a member: the default. */
struct flows_config {
	__u32 max, share;	/* limit of the service's flows, and of the flows of one source */
	__u32 timeout;			/* seconds after which an idle flow ends */
	struct port_range ports;	/* local ports that flows may use */
	/* Local addresses of the flows; if the list is empty: the source address of the route to
	 * the backend. */
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
/* Largest .health_sources, because the data path counts sources in 64 bits. */
#define GUARD_HEALTH_SOURCES_MAX 16

/* Guard settings, used if service_has_guard(); 0 in a member: the default. */
struct guard_config {
	/* The file has the key `wireguard`. A service with several backends has a guard without it
	 * too. */
	bool on;
	bool strict;
	enum profile profile;
	/* For AmneziaWG: the type word of each type of message, and the number of junk bytes in
	 * front of it. */
	__u32 headers[MESSAGES];
	__u32 junk[MESSAGES];
	size_t n_headers, n_junk;
	/* Limit of initiations per second, from a source and to the service. */
	__u32 per_source, per_service;
	/* Rate of initiations above which the guard challenges; 0: no challenge. */
	__u32 challenge_above;
	/* Numbers of unanswered initiations and of their sources from which on the backend is
	 * down. */
	__u32 health_initiations, health_sources;
};

struct service_config {
	char name[NAME_LEN];
	/* Interface whose addresses are listened on; "": the file gives addresses. */
	char listen_interface[IFNAMSIZ];
	struct address *listen_addresses;
	size_t n_listen_addresses;
	__be16 *ports;			/* ports to listen on: at least one, except with NAT_NONE */
	size_t n_ports;
	struct backend_config backend;
	/* Backends, if there are several, each with its own keys; they replace `backend`. Use
	 * backend_at(). */
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
	/* The service also accepts clients from a lan at the listen address, and masquerades
	 * them. */
	bool hairpin;
	/* A command made or changed the service, not the file ("origin: hand" in running.yaml). */
	bool by_hand;
	/* Position of `listen` in config.file, counted from 1; 0: unknown. */
	int line, column;
};
