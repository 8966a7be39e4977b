/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section learn: WireGuard interfaces that learn the endpoint of a peer which moves behind a
 * NAT, from its handshakes or from knocks. daemon/, show/, doctor/ and cmd/ include it, and files
 * of config/ for its grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

#define KNOCK_PORT 19000		/* default of the first of the ports for knocks */

struct learn_config {
	char interface[IFNAMSIZ];
	/* Peer whose endpoint is learned; all zeros: the only peer of the interface. */
	struct wg_key peer;
	bool knock;			/* the daemon listens for knocks, from port `port` on */
	__be16 port;			/* first of KNOCK_PORTS ports */
	/* Program and arguments that a knock starts; empty: it only makes learning begin again. */
	struct ddns_text *command;
	size_t n_command;
	/* User account that runs the command; "": the default account, see wgxdp.yaml(5). */
	char user[33];
};

extern const struct yaml_key config_learn_keys[];

void config_check_learn(struct check *k);
void config_put_learn(FILE *out, const struct config *c);
