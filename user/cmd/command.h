/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The commands of wgxdp: one file each, which defines a struct command. main.c lists them,
 * and completes them for the shells, options.c parses their command lines and prints --help.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "config/config.h"
#include "config/service_args.h"
#include "dataplane/pins.h"
#include "lib/log.h"
#include "lib/paths.h"

/* ---- options ---- */

struct command;

struct command_option {
	char letter;			/* such as c for -c; 0: none */
	const char *name; /* such as config for --config; NULL: none */
	const char *argument; /* Argument's name in --help; NULL: the option has no argument. */
	size_t member; /* Offset of the member that the option sets, in the command's struct. */
	const char *help;
	/* Stores the value. Returns 0, or -errno after printing an error. NULL: stores true in a
	 * bool or, for an option with an argument, the argument in a const char *. */
	int (*parse)(void *member, const struct command_option *o, char *value);
	int id;				/* for parse(), which gives it a meaning */
	/* Completion: words for the argument, or one of @file, @interface, @instance, @service,
	 * @peer, @reason. */
	const char *values;
};

/* Options that several commands have. member: as in struct command_option. */
#define CONFIG_OPTION(member) \
	{ 'c', "config", "FILE", member, \
	  "the configuration (default: " CONFIG_DEFAULTS "); - is standard input", \
	  .values = "@file" }
#define TRY_OPTION(member) \
	{ 0, "try", "SECONDS", member, \
	  "restore the former configuration after this time, unless you press Enter or run the " \
	  "printed command; also if the terminal hangs up", \
	  parse_number, TRY_MAX }
#define JSON_OPTION(member) { 'j', "json", NULL, member, "print JSON" }

/* Parses the options in argv, and moves them before the operands. Returns the operands, ended by
 * NULL, of which a command without words and operand has none. *ret_n (or NULL): their number.
 * Returns NULL after printing an error. */
char **options_parse(const struct command *c, int argc, char **argv, void *arguments, int *ret_n);
/* Returns the first operand if it is one of the command's words; NULL after printing an error. */
const char *command_word(const struct command *c, char **words);

/* Prints that an option's value is wrong, and why. Returns -EINVAL. */
int option_wrong(const struct command_option *o, const char *value, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
/* Parses a decimal number from `least` to `most`. Returns 0, or -EINVAL after printing an error. */
int option_number(const struct command_option *o, const char *value, unsigned long least,
		  unsigned long most, unsigned long *ret);
/* Returns the index of the value in o->values, or -EINVAL after printing an error. */
int option_choice(const struct command_option *o, const char *value);

/* Values of struct command_option .parse. They store the result of option_choice() as an int, a
 * number from 1 to o->id (0: any) as an unsigned long, and an interface's name as a const char
 * *. */
int parse_choice(void *member, const struct command_option *o, char *value);
int parse_number(void *member, const struct command_option *o, char *value);
int parse_interface(void *member, const struct command_option *o, char *value);

/* Search for the word most like a mistyped one: call nearest_try() with each candidate, then read
 * `best` (NULL: none is similar). */
struct nearest {
	const char *word, *best;
	unsigned int distance;
};
void nearest_try(struct nearest *n, const char *candidate);

/* Prints what `wgxdp COMMAND --help` shows. */
void command_help(const struct command *c, FILE *out);

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


/* ---- changes of the running configuration ---- */

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

/* ---- options that describe a firewall in one line, for up and doctor ----
 * One table for each command: options_parse(), --help and the shells' completion read it, and
 * tests/lint/docs.py compares the manual page with it. */

static inline int parse_quick_service(void *member, const struct command_option *o, char *value)
{
	return quick_service_option(member, o->id, value);
}

/* Options of a quick service. member: offset of a struct quick_service in the command's struct. */
#define QUICK_SERVICE_OPTIONS(member) \
	{ 0, "wan", "IF", member, \
	  "the interface on which clients arrive; the service listens on all its addresses", \
	  parse_quick_service, QUICK_WAN, "@interface" }, \
	{ 0, "to", "BACKEND", member, \
	  "the WireGuard host's IPv4 address, IPv6 address or both, with :PORT (default 51820; " \
	  "then put IPv6 in brackets). A host name stands for the family without an address; " \
	  "alone, for IPv4.", \
	  parse_quick_service, QUICK_TO }, \
	{ 0, "lan", "IF", member, \
	  "the interface to the WireGuard host (default: by the routing table)", \
	  parse_quick_service, QUICK_LAN, "@interface" }, \
	{ 0, "port", "PORTS", member, \
	  "UDP ports to listen on, such as 51820,443 or 400-450 (default: 51820)", \
	  parse_quick_service, QUICK_PORT }, \
	{ 0, "nat", "MODE", member, \
	  "dnat (default): IPv4 is translated to the backend, IPv6 passes to the backend's own " \
	  "address. none: neither is translated. masquerade: the backend sees an address of this " \
	  "host, and clients of either family reach it.", \
	  parse_quick_service, QUICK_NAT, "dnat none masquerade" }
