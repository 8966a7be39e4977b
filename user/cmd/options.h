/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The options of a command, in one table. options_parse(), --help and the shells' completion read
 * the table, and tests/lint/docs.py compares the manual page with it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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
/* Implements `wgxdp complete WORD...`: prints what the last word may become, one a line, or @file
 * for file names. Returns an exit code. */
int complete(int n, char **words, FILE *out);
