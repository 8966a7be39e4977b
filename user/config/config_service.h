/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Of config.h: what the configuration says of a service.
 */
#pragma once
#include <net/if.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

enum mode { MODE_AUTO, MODE_NATIVE, MODE_GENERIC, MODE_TC };
enum nat { NAT_DNAT, NAT_NONE, NAT_MASQUERADE, NAT_BLIND };	/* the last one: no service's of a configuration */
enum ipv6_handling { IPV6_DIRECT, IPV6_DNAT, IPV6_OFF };
enum df_handling { DF_FRAGMENT, DF_REPORT };	/* of IPv4 without DF that is too long */

struct backend_config {
	char name[NAME_LEN];		/* of one of several; "": the only one */
	char ipv4[256], ipv6[256];	/* as written: an address or a name; "" for none */
	__be16 port;
	struct wg_key *keys;		/* public ones, of which the guard knows what is for it */
	size_t n_keys;
	struct standby_config {		/* serves in its place while it is down: user/daemon/standby.h */
		char ipv4[256], ipv6[256];	/* as above; both "": there is none */
		__be16 port;		/* 0: the same */
	} standby;
};

struct port_range {			/* host order, both ends included */
	__u16 first, last;
};

struct flows_config {			/* of service_has_flows(); what is 0 is as by default */
	__u32 max, timeout;		/* how many there may be; of idle ones, in seconds */
	struct port_range ports;	/* of ours */
	struct address *sources;	/* of ours; none: the one on the way to the backend */
	size_t n_sources;
};

enum profile { PROFILE_WIREGUARD, PROFILE_NONE, PROFILE_AMNEZIAWG };

#define GUARD_SOURCE_RATE 20		/* by default, and twice as many at once */
#define GUARD_SERVICE_RATE 2000		/* and as many at once */
#define GUARD_HEALTH_INITIATIONS 20
#define GUARD_HEALTH_SOURCES 3
#define GUARD_HEALTH_SOURCES_MAX 16	/* the data path has 64 bits for them */

struct guard_config {			/* of service_has_guard(); what is 0 is as by default */
	bool on;			/* asked for; where there are several backends it is there without that */
	bool strict;
	enum profile profile;
	__u32 headers[MESSAGES];	/* of AmneziaWG, and the sizes of what is in front */
	__u32 junk[MESSAGES];
	size_t n_headers, n_junk;
	__u32 per_source, per_service;	/* handshake messages a second */
	__u32 challenge_above;		/* initiations a second; 0: nobody is challenged */
	__u32 health_initiations, health_sources;	/* so many unanswered, from so many: the backend is down */
};

struct service_config {
	char name[NAME_LEN];
	char listen_interface[IFNAMSIZ];	/* "" where addresses are given */
	struct address *listen_addresses;
	size_t n_listen_addresses;
	__be16 *ports;			/* at least one, except with NAT_NONE */
	size_t n_ports;
	struct backend_config backend;
	struct backend_config *backends;	/* several, each with its keys, in place of that one: backend_at() */
	size_t n_backends;
	struct guard_config guard;
	enum nat nat;
	enum ipv6_handling ipv6;
	struct prefix *allow, *deny;	/* of clients; where allow is empty all that deny does not have */
	size_t n_allow, n_deny;
	enum df_handling df;
	struct flows_config flows;
	bool hairpin;			/* who comes from a lan to the listen address is masqueraded */
	bool by_hand;			/* made by a command, not from the file: kept in running.yaml as "origin: hand" */
};
