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
	const char *instance;		/* --instance, valid */
};

/* A word that may follow the command's name, as `add` of `wgxdp peer add` */
struct command_word {
	const char *word;
	/* values that may follow it, for completion: see struct command_option */
	const char *values;
	const struct command_word *below;	/* instead: words; ends with an empty one */
};

struct command {
	const char *name;
	const char *summary;		/* one line of `wgxdp --help` */
	const char *usage;		/* the arguments after the name; one form a line */
	const char *about;		/* paragraphs of --help, a line each */
	/* argv[0]: the name. Returns an exit code. */
	int (*run)(const struct global *g, int argc, char **argv);
	const struct command_option *options;	/* ends with an empty one; NULL: none */
	const struct command_word *words;	/* ends with an empty one; NULL: none */
	/* values that may follow the name instead of words, for completion */
	const char *operand;
	/* output is the command's only purpose: a write error fails it */
	bool only_prints;
};

extern const struct command up_command, check_command, daemon_command, ddns_command,
	doctor_command, down_command, endpoint_command, flow_command, gen_command,
	instances_command, knock_command, monitor_command, mtu_command, peer_command,
	reload_command, route_command, save_command, service_command, show_command, top_command,
	trace_command;

extern const struct command *const commands[];	/* sorted by name; ends with NULL */
