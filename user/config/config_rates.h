/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section rates: the most bits and packets per second that are forwarded for a service, for
 * clients, for a peer, or between two peers, in each direction. plan/ and show/ include it, and
 * files of config/ for its grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

#define RATES_MAX 1024			/* most entries of the list */

/* Limits of one direction; 0: none. */
struct rate_limits {
	__u64 bits, packets;		/* per second */
};

struct rate_config {
	/* An entry is for one of these: a service, a peer, two peers, or the clients of all
	 * services in certain prefixes. "" or no prefix: it is not for one of that kind. */
	char service[NAME_LEN], peer[NAME_LEN], pair[2][NAME_LEN];
	struct prefix *clients;
	size_t n_clients, n_pair;	/* prefixes; names in .pair, at most 2 */
	/* For packets from the clients, the peer, or the first peer of the pair, and for packets to
	 * them. */
	struct rate_limits from, to;
};

#define RATE_STRLEN 64

/* Writes the limits as text, such as "100 Mbit/s, 2000 packets/s"; "" if there are none. */
const char *rate_format(const struct rate_limits *r, char text[RATE_STRLEN]);

/* Returns the entry of a service or, if `service` is "", of a peer; NULL: there is none. */
const struct rate_config *config_rate(const struct config *c, const char *service,
				      const char *peer);
/* Removes the entries that name this service or peer; "": none. */
void config_drop_rates(struct config *c, const char *service, const char *peer);
/* Returns the first entry in c that limits the same as r, or one of the same prefixes; NULL: there
 * is none. */
const struct rate_config *config_rate_like(const struct config *c, const struct rate_config *r);

extern const struct yaml_key config_rates_keys[];

void config_check_rates(struct check *k);
void config_put_rate(FILE *out, const struct rate_config *r);
void config_put_rates(FILE *out, const struct config *c);
