/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section rates: the most bits and packets per second that are forwarded for a service or a
 * peer, in each direction. plan/ and show/ include it, and files of config/ for its grammar.
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
	/* The entry is for this service or this peer; "": not for one of that kind. */
	char service[NAME_LEN], peer[NAME_LEN];
	/* For packets from the service's clients or from the peer, and for packets to them. */
	struct rate_limits from, to;
};

#define RATE_STRLEN 64

/* Writes the limits as text, such as "100 Mbit/s, 2000 packets/s"; "" if there are none. */
const char *rate_format(const struct rate_limits *r, char text[RATE_STRLEN]);

/* Returns the entry of a service or, if `service` is "", of a peer; NULL: there is none. */
const struct rate_config *config_rate(const struct config *c, const char *service,
				      const char *peer);

extern const struct yaml_key config_rates_keys[];

void config_check_rates(struct check *k);
void config_put_rate(FILE *out, const struct rate_config *r);
void config_put_rates(FILE *out, const struct config *c);
