/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The commands of wgxdp: one file each, which defines a struct command. main.c lists them,
 * options.c parses their command lines and prints --help, complete.c completes them for the
 * shells.
 */
#pragma once
#include "cmd/options.h"
#include "dataplane/pins.h"
#include "lib/exit.h"
#include "lib/paths.h"

struct global {
	const char *instance;		/* --instance, or the default; valid */
	/* File that commands read without -c: CONFIG_DEFAULT, or that of another instance. */
	char config[sizeof(CONFIG_DIR "/.yaml") + INSTANCE_LEN];
};

/* A word that may follow the command's name, as `add` of `wgxdp peer add` */
struct command_word {
	const char *word;
	/* Completion: words that may follow this one, as in struct command_option. */
	const char *values;
	/* Words that may follow this one, ended by an empty one; NULL: none. */
	const struct command_word *below;
};

struct command {
	const char *name;
	const char *heading;		/* line above it in `wgxdp --help`; NULL: none */
	const char *summary;		/* one line in `wgxdp --help` */
	const char *usage;	/* operands in its --help, one form a line */
	const char *about;		/* description in its --help, one paragraph a line */
	/* Runs the command. argv[0] is its name. Returns an exit code. */
	int (*run)(const struct global *g, int argc, char **argv);
	/* Options of the command, ended by an empty one; NULL: it has none. */
	const struct command_option *options;
	/* Words that may follow the name, ended by an empty one; NULL: none. */
	const struct command_word *words;
	const char *operand; /* Completion: what may follow the name if `words` is NULL. */
	bool only_prints; /* A write error fails the command, because output is its only purpose. */
};

extern const struct command up_command, check_command, daemon_command, ddns_command,
	doctor_command, down_command, endpoint_command, exporter_command, flow_command,
	gen_command, import_command, instances_command, knock_command, monitor_command,
	mtu_command, peer_command, reload_command, route_command, save_command, schema_command,
	service_command, show_command, top_command, trace_command;

/* All commands, in the order of `wgxdp --help` and wgxdp(8); NULL ends the list. */
extern const struct command *const commands[];
const struct command *command_named(const char *name);	/* NULL: there is none */
