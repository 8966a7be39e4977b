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

struct global {
	const char *instance;		/* name of the instance (--instance), which is valid */
};

/* A word that may follow the command's name, as `add` of `wgxdp peer add` */
struct command_word {
	const char *word;
	/* For completion: the words that may follow this one, as in struct command_option. */
	const char *values;
	/* Words that may follow instead, ended by an empty one. */
	const struct command_word *below;
};

struct command {
	const char *name;
	const char *summary;		/* summary of the command, one line of `wgxdp --help` */
	const char *usage;	/* operands after the name, as --help shows them; one form a line */
	const char *about;		/* description in --help, one paragraph a line */
	/* Runs the command. argv[0] is its name. Returns an exit code. */
	int (*run)(const struct global *g, int argc, char **argv);
	/* Options of the command, ended by an empty one; NULL: it has none. */
	const struct command_option *options;
	/* Words that may follow the name, ended by an empty one; NULL: none. */
	const struct command_word *words;
	/* For completion: the operand that may follow the name instead of words. */
	const char *operand;
	/* The command's only purpose is output, so a write error is an error of the command. */
	bool only_prints;
};

extern const struct command up_command, check_command, daemon_command, ddns_command,
	doctor_command, down_command, endpoint_command, flow_command, gen_command,
	instances_command, knock_command, monitor_command, mtu_command, peer_command,
	reload_command, route_command, save_command, service_command, show_command, top_command,
	trace_command;

/* All commands, sorted by name; NULL ends the list. */
extern const struct command *const commands[];
