/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The part of config.h that describes a service. config.h includes it.
 */
#pragma once
#include <net/if.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

enum mode { MODE_AUTO, MODE_NATIVE, MODE_GENERIC, MODE_TC };
enum express_use { EXPRESS_ON, EXPRESS_OFF };
/* the last: no service of a configuration has it */
enum nat { NAT_DNAT, NAT_NONE, NAT_MASQUERADE, NAT_BLIND };
enum ipv6_handling { IPV6_DIRECT, IPV6_DNAT, IPV6_OFF };
enum df_handling { DF_FRAGMENT, DF_REPORT };	/* for IPv4 packets without DF that are too long */

struct backend_config {
	char name[NAME_LEN];		/* names one of several backends; "": the only one */
	char ipv4[256], ipv6[256];	/* as written: an address or a name; "": none */
	__be16 port;
	/* public keys; the guard recognizes messages for the backend by them */
	struct wg_key *keys;
	size_t n_keys;
	struct standby_config {		/* takes over while the backend is down: daemon/standby.h */
		char ipv4[256], ipv6[256];	/* as above; both "": no standby */
		__be16 port;		/* 0: the port of the backend */
	} standby;
};

struct port_range {			/* host order, both ends included */
	__u16 first, last;
};

struct flows_config {			/* if service_has_flows(); 0 in a member: the default */
	__u32 max, share;		/* flows; of these, what one source may have */
	__u32 timeout;			/* seconds until an idle flow ends */
	struct port_range ports;	/* local ports */
	/* local addresses; none: the address of the route to the backend */
	struct address *sources;
	size_t n_sources;
};

enum profile { PROFILE_WIREGUARD, PROFILE_NONE, PROFILE_AMNEZIAWG };

#define GUARD_SOURCE_RATE 20		/* default; a burst may be twice as large */
#define GUARD_SERVICE_RATE 2000		/* default; a burst may be as large */
#define GUARD_HEALTH_INITIATIONS 20
#define GUARD_HEALTH_SOURCES 3
#define GUARD_HEALTH_SOURCES_MAX 16	/* the data path counts them in 64 bits */

struct guard_config {			/* if service_has_guard(); 0 in a member: the default */
	bool on;	/* configured; several backends have a guard even without it */
	bool strict;
	enum profile profile;
	/* AmneziaWG's headers, and the bytes of junk in front of a message */
	__u32 headers[MESSAGES];
	__u32 junk[MESSAGES];
	size_t n_headers, n_junk;
	__u32 per_source, per_service;	/* initiations per second */
	__u32 challenge_above;		/* initiations per second; 0: no challenge */
	/* so many unanswered initiations from so many sources: the backend is down */
	__u32 health_initiations, health_sources;
};

struct service_config {
	char name[NAME_LEN];
	char listen_interface[IFNAMSIZ];	/* "" if addresses are given */
	struct address *listen_addresses;
	size_t n_listen_addresses;
	__be16 *ports;			/* at least one, except with NAT_NONE */
	size_t n_ports;
	struct backend_config backend;
	/* replace `backend` if there are several, each with its keys: backend_at() */
	struct backend_config *backends;
	size_t n_backends;
	struct guard_config guard;
	enum nat nat;
	enum ipv6_handling ipv6;
	/* prefixes of clients; without `allow` every client outside of `deny` */
	struct prefix *allow, *deny;
	size_t n_allow, n_deny;
	enum df_handling df;
	struct flows_config flows;
	bool hairpin;	/* masquerades clients that come from a lan to the listen address */
	bool by_hand;	/* made by a command, not by the file: "origin: hand" in running.yaml */
	int line, column;		/* of `listen` in config.file, from 1; 0: none */
};
