/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Options of commands: parsing and --help.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/command.h"
#include "config/config_check.h"
#include "lib/addr.h"
#include "lib/log.h"
#include "lib/text.h"

#define OPTIONS_MAX 32
#define LIST_LEN 128
#define WIDTH 80			/* columns of --help */
#define HELP_COLUMN 24			/* rightmost column at which the text of an option begins */

static bool is_last(const struct command_option *o)
{
	return !o || (!o->letter && !o->name);
}

/* ---- parsing ---- */

/* Fills the arrays for getopt_long(), which returns 256 plus its index for an option without a
 * letter. */
static void make_getopt(const struct command_option *o, struct option *longs, char *letters)
{
	*letters++ = ':';	/* makes getopt_long() return ':' for a missing argument */
	for (int i = 0; !is_last(&o[i]); i++) {
		int has_argument = o[i].argument ? required_argument : no_argument;

		if (o[i].name)
			*longs++ = (struct option){ o[i].name, has_argument, NULL, 256 + i };
		if (o[i].letter) {
			*letters++ = o[i].letter;
			if (o[i].argument)
				*letters++ = ':';
		}
	}
	*longs = (struct option){ 0 };
	*letters = '\0';
}

static const struct command_option *find_option(const struct command_option *o, int returned)
{
	if (returned >= 256)
		return &o[returned - 256];
	while (o->letter != returned)
		o++;
	return o;
}

static int store_value(const struct command_option *o, void *arguments, char *value)
{
	void *member = (char *)arguments + o->member;

	if (o->parse)
		return o->parse(member, o, value);
	if (o->argument)
		*(const char **)member = value;
	else
		*(bool *)member = true;
	return 0;
}

void nearest_try(struct nearest *n, const char *candidate)
{
	unsigned int most = strlen(n->word) < 5 ? 2 : 3,
		     distance = text_distance(n->word, candidate);

	if (distance >= (n->best ? n->distance : most))
		return;
	n->best = candidate;
	n->distance = distance;
}

/* Returns the option's name if the user wrote it with a single dash (-wan); else NULL. */
static const char *after_single_dash(const struct command *c, char **argv)
{
	for (; *argv; argv++)
		for (const struct command_option *o = c->options; !is_last(o); o++)
			if (o->name && **argv == '-' && (*argv)[1] == optopt &&
			    !strcmp(*argv + 1, o->name))
				return o->name;
	return NULL;
}

static bool has_option(const struct command *c, const char *name)
{
	for (const struct command_option *o = c->options; !is_last(o); o++)
		if (o->name && !strcmp(o->name, name))
			return true;
	return false;
}

static void report_unknown(const struct command *c, const char *option, char **argv)
{
	/* Pairs: an option of other programs, and ours for the same purpose. */
	static const char *const others[][2] = {
		{ "interface", "wan" }, { "iface", "wan" }, { "dev", "wan" }, { "backend", "to" },
		{ "file", "config" },
	};
	const char *name = after_single_dash(c, argv);
	struct nearest n = { .word = option + strspn(option, "-") };

	for (const struct command_option *o = c->options; !is_last(o); o++)
		if (o->name && !strncmp(option, "--", 2))
			nearest_try(&n, o->name);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(n.word, others[i][0]) && has_option(c, others[i][1]))
			n.best = others[i][1];
	if (name)
		log_error("%s: -%s: this option has two dashes: write --%s", c->name, name, name);
	else if (n.best)
		log_error("%s: %s: there is no such option: did you mean --%s? `wgxdp %s --help` lists the options",
			  c->name, option, n.best, c->name);
	else
		log_error("%s: %s: there is no such option: `wgxdp %s --help` lists the options",
			  c->name, option, c->name);
}

/* Reports what is wrong if getopt_long() returned ':' or '?'. Returns -EINVAL. */
static int report_refused(const struct command *c, int returned, char **argv)
{
	char letter[] = { '-', (char)optopt, '\0' };
	const char *option = returned == '?' && optopt > 0 && optopt < 128 ? letter :
			     argv[optind - 1];

	if (returned == ':')
		log_error("%s: %s: a value is missing: write %s %s", c->name, option, option,
			  find_option(c->options, optopt)->argument);
	else
		report_unknown(c, option, argv);
	return -EINVAL;
}

/* Reports a word that is no operand and no option's argument; mostly it is a file, or the second
 * item of a list. */
static void report_stray(const struct command *c, const char *word)
{
	struct address a;

	if (has_option(c, "to") && !address_parse(word, &a))
		log_error("%s: %s: this word is not expected: for a list, write one word with commas, --to ADDRESS,%s",
			  c->name, word, word);
	else if (has_option(c, "config"))
		log_error("%s: %s: name a file with -c: write `wgxdp %s -c %s`", c->name, word, c->name, word);
	else
		log_error("%s: %s: no word is expected here: see `wgxdp %s --help`", c->name, word, c->name);
}

char **options_parse(const struct command *c, int argc, char **argv, void *arguments, int *ret_n)
{
	static const struct command_option none[1];
	const struct command_option *options = c->options ?: none;
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 2];
	int returned, rc = 0;

	make_getopt(options, longs, letters);
	opterr = 0;
	optind = 0;
	while (!rc && (returned = getopt_long(argc, argv, letters, longs, NULL)) != -1)
		rc = returned == ':' || returned == '?' ? report_refused(c, returned, argv) :
			store_value(find_option(options, returned), arguments, optarg);
	if (rc)
		return NULL;
	if (optind < argc && !c->words && !c->operand) {
		report_stray(c, argv[optind]);
		return NULL;
	}
	if (ret_n)
		*ret_n = argc - optind;
	return argv + optind;
}

/* Appends a word to a list for people, such as "a, b or c". */
static void append_choice(char list[LIST_LEN], const char *word, int len, bool is_last)
{
	size_t n = strlen(list);

	snprintf(list + n, LIST_LEN - n, "%s%.*s", !n ? "" : is_last ? " or " : ", ", len, word);
}

const char *command_word(const struct command *c, char **words)
{
	struct nearest n = { .word = *words };
	char list[LIST_LEN] = "";

	for (const struct command_word *w = c->words; w->word; w++) {
		if (*words && !strcmp(*words, w->word))
			return *words;
		if (*words)
			nearest_try(&n, w->word);
		append_choice(list, w->word, strlen(w->word), !w[1].word);
	}
	if (n.best)
		log_error("%s: %s: this word is unknown: did you mean %s?", c->name, *words, n.best);
	else if (*words)
		log_error("%s: %s: this word is unknown: write %s", c->name, *words, list);
	else
		log_error("%s: a word is missing: write one of these after it: %s", c->name, list);
	return NULL;
}

int option_wrong(const struct command_option *o, const char *value, const char *why, ...)
{
	char text[256];
	va_list list;

	va_start(list, why);
	vsnprintf(text, sizeof(text), why, list);
	va_end(list);
	if (o->name)
		log_error("--%s %s: %s", o->name, value, text);
	else
		log_error("-%c %s: %s", o->letter, value, text);
	return -EINVAL;
}

int option_number(const struct command_option *o, const char *value, unsigned long least,
		  unsigned long most, unsigned long *ret)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || number < least || number > most)
		return option_wrong(o, value, "this number is wrong: write a number%s from %lu to %lu, without a unit",
			strcmp(o->argument, "SECONDS") ? "" : " of seconds", least, most);
	*ret = number;
	return 0;
}

int option_choice(const struct command_option *o, const char *value)
{
	const char *word = o->values;
	char list[LIST_LEN] = "";

	for (int i = 0; *word; i++) {
		size_t len = strcspn(word, " ");

		if (strlen(value) == len && !strncmp(word, value, len))
			return i;
		append_choice(list, word, len, !word[len]);
		word += len + (word[len] == ' ');
	}
	return option_wrong(o, value, "this value is unknown: write %s", list);
}

int parse_choice(void *member, const struct command_option *o, char *value)
{
	int i = option_choice(o, value);

	*(int *)member = i;
	return i < 0 ? i : 0;
}

int parse_number(void *member, const struct command_option *o, char *value)
{
	return option_number(o, value, 1, o->id ?: ULONG_MAX, member);
}

int parse_interface(void *member, const struct command_option *o, char *value)
{
	*(const char **)member = value;
	return is_interface_name(value) ? 0 :
	       option_wrong(o, value, "this cannot be the name of an interface: write one such as wg0");
}

/* ---- --help ---- */

/* Writes text from a column on, with line breaks between words and `indent` spaces before further
 * lines. Text in brackets stays together. */
static void write_wrapped(FILE *out, const char *text, int column, int indent)
{
	bool first = true;

	while (*text) {
		const char *end = text;
		int depth = 0, n;

		for (; *end && *end != '\n' && (*end != ' ' || depth); end++)
			depth += (*end == '[') - (*end == ']');
		n = end - text;
		if (!first && column + 1 + n > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, n, out);
		column += n;
		first = false;
		if (*end == '\n') {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			first = true;
		}
		text = *end ? end + 1 : end;
	}
	fputc('\n', out);
}

/* Writes the left column of --help, such as "  -c, --config FILE". Returns its length. */
static int option_label(const struct command_option *o, char *ret, size_t size)
{
	char letter[5] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c%s", o->letter, o->name ? ", " : "");
	return snprintf(ret, size, "  %s%s%s%s%s", letter, o->name ? "--" : "", o->name ?: "",
			o->argument ? " " : "", o->argument ?: "");
}

static int help_column(const struct command_option *o)
{
	char label[64];
	int widest = 0;

	for (; !is_last(o); o++) {
		int n = option_label(o, label, sizeof(label));

		if (n > widest && n + 2 <= HELP_COLUMN)
			widest = n;
	}
	return widest + 2;
}

void command_help(const struct command *c, FILE *out)
{
	int column = help_column(c->options);
	const char *line = c->usage, *end;
	char text[256];

	for (bool first = true; line; first = false, line = *end ? end + 1 : NULL) {
		int indent = fprintf(out, "%swgxdp %s%s", first ? "Usage: " : "       ", c->name,
				     *line ? " " : "");

		end = strchrnul(line, '\n');
		snprintf(text, sizeof(text), "%.*s", (int)(end - line), line);
		write_wrapped(out, text, indent, indent);
	}
	fputc('\n', out);
	write_wrapped(out, c->about, 0, 0);
	if (!is_last(c->options))
		fputc('\n', out);
	for (const struct command_option *o = c->options; !is_last(o); o++) {
		int n = option_label(o, text, sizeof(text));

		fputs(text, out);
		if (n + 2 > column)
			fputc('\n', out);
		fprintf(out, "%*s", n + 2 > column ? column : column - n, "");
		write_wrapped(out, o->help, column, column);
	}
}
