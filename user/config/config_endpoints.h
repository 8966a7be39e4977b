/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section endpoints: WireGuard peers whose endpoint is a host name, which the daemon resolves
 * and follows. daemon/, show/ and doctor/ include it, and files of config/ for its grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

/* how the daemon tests whether an address works */
enum endpoint_proof { PROOF_HANDSHAKE, PROOF_ECHO };

struct peer_endpoint_config {
	char interface[IFNAMSIZ];	/* a WireGuard interface */
	struct wg_key peer;
	char host[256];			/* a name or an address */
	__be16 port;
	enum endpoint_proof by;
	/* After so many seconds without an answer the endpoint counts as dead; 0: after WireGuard's
	 * own time limits. */
	__u32 within;
};

extern const struct yaml_key config_endpoints_keys[];

void config_check_endpoints(struct check *k);
void config_put_endpoint(FILE *out, const struct peer_endpoint_config *e);
void config_put_endpoints(FILE *out, const struct config *c);
