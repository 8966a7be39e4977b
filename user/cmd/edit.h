/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changes of the running configuration, for the commands `service`, `peer` and `route`.
 */
#pragma once
#include "cmd/command.h"
#include "config/config.h"

struct edit_option {
	/* Part of struct config_place .path that the option sets; NULL: the end of the list. */
	const char *path;
	const char *option;	/* name of the option, for errors at such a path: "--backend: " */
};

struct edit {
	const struct command *command;
	const char *verb, *name;	/* verb and name for messages, such as "add" and "site-a" */
	/* Options of the command: an error names the first whose path fits; NULL: none. */
	const struct edit_option *options;
	/* Changes the configuration. Returns 0 or -errno (reported). */
	int (*change)(struct edit *e, struct config *c, const char *instance);
	void *arguments;
};

/* Reads the running configuration, changes, checks and applies it, under the lock. Prints the
 * differences. Returns an exit code. */
int edit_running(const struct global *g, struct edit *e);
/* Checks that `set` has options, and that only it and `add` do. Returns 0 or -EINVAL (reported). */
int edit_check_options(const struct edit *e, bool given);
struct prefix_list {
	struct prefix *list;
	size_t n;
};

/* Notes that a service or peer was removed by hand, or made again. kind: "service" or "peer".
 * Returns 0 or -ENOMEM. */
int edit_note_removed(struct config *c, const char *kind, const char *name, bool removed);

int prefix_add(struct prefix **list, size_t *n, const struct prefix *prefix);
static inline int peer_add_prefix(struct peer_config *p, const struct prefix *prefix)
{
	return prefix_add(&p->prefixes, &p->n_prefixes, prefix);
}
/* Parses a prefix. what: the name of the option or command, for messages. Returns 0 or -EINVAL
 * (reported). */
int edit_parse_prefix(const char *what, const char *text, struct prefix *ret);
