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
	char letter;			/* letter of the short option, such as c for -c; 0: none */
	const char *name; /* name of the long option, such as config for --config; NULL: none */
	/* Name of the option's argument in --help; NULL: the option takes none. */
	const char *argument;
	/* Offset of the member that the option sets in the command's struct of arguments. */
	size_t member;
	const char *help;
	/* Stores the value and returns 0, or prints an error and returns -errno. If parse is NULL,
	 * an option without an argument sets a bool, and an option with an argument sets a const
	 * char *. */
	int (*parse)(void *member, const struct command_option *o, char *value);
	int id;				/* a number whose meaning parse() defines */
	/* For completion: the words that the argument may be, or one of @file, @interface,
	 * @instance, @service, @peer and @reason */
	const char *values;
};

/* Rows of options that several commands have. member: as in struct command_option. */
#define CONFIG_OPTION(member) \
	{ 'c', "config", "FILE", member, \
	  "the configuration (default: " CONFIG_DEFAULT "); - is standard input", \
	  .values = "@file" }
#define TRY_OPTION(member) \
	{ 0, "try", "SECONDS", member, \
	  "restore the former configuration after this time, unless you press Enter or run the " \
	  "printed command; also if the terminal hangs up", \
	  parse_number, TRY_MAX }
#define JSON_OPTION(member) { 'j', "json", NULL, member, "print JSON" }

/* Parses the options of argv, and moves them before its operands. Returns the operands, a list that
 * NULL ends; a command without words and operand accepts none. *ret_n: their number, unless ret_n
 * is NULL. Returns NULL after printing an error. */
char **options_parse(const struct command *c, int argc, char **argv, void *arguments, int *ret_n);
/* Returns the first operand, which must be one of the command's words; else NULL (reported) */
const char *command_word(const struct command *c, char **words);

/* Reports that the value of an option is wrong, and why. Returns -EINVAL. */
int option_wrong(const struct command_option *o, const char *value, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
/* Parses a decimal number from `least` to `most`. Returns 0 or -EINVAL (reported). */
int option_number(const struct command_option *o, const char *value, unsigned long least,
		  unsigned long most, unsigned long *ret);
/* Returns the index of the value among the words of o->values, or -EINVAL (reported) */
int option_choice(const struct command_option *o, const char *value);

/* Functions for struct command_option .parse; they store option_choice() as an int, a number from 1
 * to o->id (0: of any size) as an unsigned long, and an interface's name as a const char * */
int parse_choice(void *member, const struct command_option *o, char *value);
int parse_number(void *member, const struct command_option *o, char *value);
int parse_interface(void *member, const struct command_option *o, char *value);

/* The candidate that is most similar to a mistyped word: call nearest_try() with each candidate,
 * then read `best`; NULL: no candidate is similar. */
struct nearest {
	const char *word, *best;
	unsigned int distance;
};
void nearest_try(struct nearest *n, const char *candidate);

/* Prints what `wgxdp COMMAND --help` shows. */
void command_help(const struct command *c, FILE *out);
/* Implements `wgxdp complete WORD...`: prints the completions of the last word, one a line, or
 * @file for names of files. Returns an exit code. */
int complete(int n, char **words, FILE *out);
