/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section endpoints: peers of this host's WireGuard whose endpoint is a name that the daemon
 * follows. daemon/, show/ and doctor/ include it, and the files of config/ for its grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

enum endpoint_proof { PROOF_HANDSHAKE, PROOF_ECHO };	/* what proves that a candidate works */

struct peer_endpoint_config {
	char interface[IFNAMSIZ];	/* a WireGuard interface */
	struct wg_key peer;
	char host[256];			/* a name or an address */
	__be16 port;
	enum endpoint_proof by;
	/* seconds without an answer until it counts as dead; 0: WireGuard's own timers */
	__u32 within;
};

extern const struct yaml_key config_endpoints_keys[];

void config_check_endpoints(struct check *k);
void config_put_endpoint(FILE *out, const struct peer_endpoint_config *e);
void config_put_endpoints(FILE *out, const struct config *c);
