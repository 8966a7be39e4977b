/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changes of the running configuration, for the commands `service`, `peer` and `route`.
 */
#pragma once
#include "cmd/command.h"
#include "config/config.h"

struct edit_option {
	/* Beginning of the paths (struct config_place) that the option sets; NULL ends the list. */
	const char *path;
	const char *option;	/* how errors at such a path begin: "--backend: " */
};

struct edit {
	const struct command *command;
	const char *verb, *name;	/* for messages, such as "add" and "site-a" */
	/* Options for errors; the first whose path fits is named. NULL: none. */
	const struct edit_option *options;
	/* Changes c. Returns 0, or -errno after printing an error. */
	int (*change)(struct edit *e, struct config *c, const char *instance);
	void *arguments;
};

/* Under the lock, reads the running configuration, changes it by e->change, checks and applies it,
 * and prints the differences. Returns an exit code. */
int edit_running(const struct global *g, struct edit *e);
/* Checks the options: `set` needs some; of the other verbs only `add` has any. Returns 0 or
 * -EINVAL. */
int edit_check_options(const struct edit *e, bool given);
/* Parses a prefix. what: the option or command, for the error. Returns 0, or -EINVAL after printing
 * an error. */
int edit_parse_prefix(const char *what, const char *text, struct prefix *ret);
