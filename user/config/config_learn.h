/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section learn: WireGuard interfaces whose peer moves behind a NAT, and knocks. And, below config.h, its part of the grammar.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

#define KNOCK_PORT 19000		/* by default the first of KNOCK_PORTS */

struct knock_word {
	char text[256];
};

struct learn_config {
	char interface[IFNAMSIZ];	/* WireGuard's */
	struct wg_key peer;		/* which one; none: its only one */
	bool knock;			/* knocks are heard, */
	__be16 port;			/* from this port on */
	struct knock_word *command;	/* program and arguments; none: they re-arm learning */
	size_t n_command;
	char user[33];			/* as whom it runs; "": nobody */
};

extern const struct yaml_key config_learn_keys[];

void config_check_learn(struct check *k);
void config_put_learn(FILE *out, const struct config *c);
