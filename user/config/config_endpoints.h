/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section endpoints: WireGuard peers whose endpoint is a host name, which the daemon resolves
 * and follows. daemon/, show/ and doctor/ include it, and files of config/ for its grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

/* How the daemon tests whether an address works: a WireGuard handshake, or an echo request. */
enum endpoint_proof { PROOF_HANDSHAKE, PROOF_ECHO };

struct peer_endpoint_config {
	char interface[IFNAMSIZ];
	struct wg_key peer;
	char host[256];			/* name or address of the peer's host */
	__be16 port;
	enum endpoint_proof by;
	/* Seconds without an answer after which the endpoint counts as dead; 0: WireGuard's own
	 * time limits decide. */
	__u32 within;
	/* The other peers of the interface that have an address of this host follow. */
	bool together;
};

extern const struct yaml_key config_endpoints_keys[];

void config_check_endpoints(struct check *k);
void config_put_endpoint(FILE *out, const struct peer_endpoint_config *e);
void config_put_endpoints(FILE *out, const struct config *c);
