/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section endpoints: peers of this host's WireGuard whose endpoint is a name that the daemon follows. And, below config.h,
 * its part of the grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

enum endpoint_proof { PROOF_HANDSHAKE, PROOF_ECHO };	/* by what a candidate is known to be good */

struct peer_endpoint_config {
	char interface[IFNAMSIZ];	/* WireGuard's */
	struct wg_key peer;
	char host[256];			/* a name, or an address */
	__be16 port;
	enum endpoint_proof by;
	__u32 within;			/* seconds without an answer after which it is dead; 0: by WireGuard's own times */
};

extern const struct yaml_key config_endpoints_keys[];

void config_check_endpoints(struct check *k);
void config_put_endpoint(FILE *out, const struct peer_endpoint_config *e);
void config_put_endpoints(FILE *out, const struct config *c);
