/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section learn: WireGuard interfaces that learn the endpoint of a peer which moves behind a
 * NAT, from its handshakes or from knocks. daemon/, show/, doctor/ and cmd/ include it, and files
 * of config/ for its grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

#define KNOCK_PORT 19000		/* default of the first of KNOCK_PORTS ports */

struct knock_word {
	char text[256];
};

struct learn_config {
	char interface[IFNAMSIZ];	/* a WireGuard interface */
	struct wg_key peer;		/* all zeros: the only peer of the interface */
	bool knock;			/* the daemon listens for knocks */
	__be16 port;			/* the first port for knocks */
	/* a program and its arguments; none: a knock only re-arms learning */
	struct knock_word *command;
	size_t n_command;
	/* the user account that runs the command; "": the default one, see wgxdp.yaml(5) */
	char user[33];
};

extern const struct yaml_key config_learn_keys[];

void config_check_learn(struct check *k);
void config_put_learn(FILE *out, const struct config *c);
