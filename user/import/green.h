/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The green room: a network namespace into which the rules of another host are loaded, by the
 * programs that wrote them. Parts of green*.c for each other.
 */
#pragma once
#include "import/import.h"

struct green {
	struct import *im;
	char (*names)[IFNAMSIZ];	/* interfaces that rules name */
	size_t n_names;
	char *text;			/* the loaded rules, as their programs print them */
	struct variable {		/* the script has assigned it */
		char *name, *value;
	} *variables;
	size_t n_variables;
};

/* Runs a program with this input. Returns 0, 1 if it failed, or -errno after printing an error,
 * also if the program is missing. *ret_said: what it said last, for the caller to free. */
int green_program(char **words, const char *input, size_t n, char **ret_said);
/* Runs the commands of a line of a script, but no shell. Names the line if not all its commands
 * were run. device: name for %i. Returns 0 or -errno after printing an error. */
int green_line(struct green *g, const char *line, const char *device, const char *origin);
/* Returns whether a line of iptables-save or `ipset save` does more than change rules here: it may
 * run another program, write a file, or change something outside the namespace. */
bool green_is_unsafe(const char *program, const char *line);
/* Finds the names of interfaces behind these keywords: the next word, or all in the brackets that
 * come next. quoted: names are in quotation marks, as nft prints them, and come before the end of
 * the line. */
void green_find_names(struct green *g, const char *s, const char *keywords, bool quoted);
/* Blanks out the objects of a ruleset of nft and, in nft's own form, the tables that a save of
 * iptables has too. */
void green_remove_saved(const struct import *im, struct import_text *t);

/* Returns whether a file has the default route. Otherwise the network has to be assumed. */
bool green_knows_wan(const struct import *im);
/* Gives assumed addresses to the interfaces that have none, if the network has to be assumed. */
void green_add_addresses(struct green *g);
/* Finds out, in the copy, on which interfaces clients arrive, which addresses these have, and which
 * interfaces lead to backends. */
void green_assume(struct green *g);
