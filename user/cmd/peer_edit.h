/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changing the relay that runs: what `peer` and `route` have in common.
 */
#pragma once
#include "cmd/command.h"
#include "config/config.h"

struct peer_edit {
	const char *command, *verb, *name;	/* for messages: "peer", "add", "site-a" */
	int (*edit)(struct peer_edit *e, struct config *c, const char *instance);	/* 0 or -errno, told */
	void *data;
};

/* Under the lock: what runs is read, changed, checked, applied and written. An exit code. */
int peer_edit(const struct global *g, struct peer_edit *e);
int peer_add_prefix(struct peer_config *p, const struct prefix *prefix);
/* A prefix as an argument says it; what: which. -EINVAL, told. */
int peer_parse_prefix(const char *what, const char *text, struct prefix *ret);
