/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changes to the running relay: what the commands `peer` and `route` share.
 */
#pragma once
#include "cmd/command.h"
#include "config/config.h"

struct peer_edit {
	const char *command, *verb, *name;	/* for messages: "peer", "add", "site-a" */
	/* Changes the configuration. Returns 0 or -errno (reported). */
	int (*edit)(struct peer_edit *e, struct config *c, const char *instance);
	void *data;
};

/* Reads what runs, changes, checks and applies it, under the lock. Returns an exit code. */
int peer_edit(const struct global *g, struct peer_edit *e);
int peer_add_prefix(struct peer_config *p, const struct prefix *prefix);
/* Parses a prefix. what: the option or command, for the message. Returns 0 or -EINVAL
 * (reported). */
int peer_parse_prefix(const char *what, const char *text, struct prefix *ret);
