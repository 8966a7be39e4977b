/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp complete: prints completions for the scripts of bash, zsh and fish. Each line of its output
 * is a word, or a word, a tab and the word's description.
 */
#include <dirent.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "lib/paths.h"
#include "show/words.h"

static void list_interfaces(FILE *out)
{
	struct if_nameindex *list = if_nameindex();

	for (struct if_nameindex *i = list; i && i->if_index; i++)
		fprintf(out, "%s\n", i->if_name);
}

/* Lists the instances. A directory that a refused `up` left has no running configuration, and does
 * not count. */
static void list_instances(FILE *out)
{
	DIR *directory = opendir(RUN_STATE_DIR);
	char running[RUN_STATE_PATH_LEN];
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		if (!instance_valid(entry->d_name))
			continue;
		run_state_path(running, entry->d_name, "running.yaml");
		if (!access(running, F_OK))
			fprintf(out, "%s\n", entry->d_name);
	}
}

/* Lists the names of the peers of a running instance, or of its services. */
static void list_running(const char *instance, bool peers, FILE *out)
{
	struct relay_peer *list = NULL;
	struct service_name *names = NULL;
	struct dataplane *dp = NULL;
	size_t n = 0;

	if (pins_exist(instance) <= 0 || dataplane_open(instance, &dp) || !dp->running ||
	    (peers ? dataplane_peers(dp, &list, &n) : dataplane_names(dp, &names, &n)))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = peers ? list[i].name.name : names[i].name;

		if (*name)
			fprintf(out, "%s\n", name);
	}
}

static void list_reasons(FILE *out)
{
	for (__u16 i = 0; i < REASON_MAX; i++)
		if (reason_drops(i))
			fprintf(out, "%s\n", reason_name(i));
}

static void list_words(const char *words, FILE *out)
{
	for (; *words; words++)
		fputc(*words == ' ' ? '\n' : *words, out);
	fputc('\n', out);
}

/* Lists the words for `values` of struct command_option, such as @service. */
static void list_values(const char *values, const char *instance, FILE *out)
{
	if (!values)
		return;
	if (!strcmp(values, "@interface"))
		list_interfaces(out);
	else if (!strcmp(values, "@instance"))
		list_instances(out);
	else if (!strcmp(values, "@reason"))
		list_reasons(out);
	else if (!strcmp(values, "@service"))
		list_running(instance, false, out);
	else if (!strcmp(values, "@peer"))
		list_running(instance, true, out);
	else
		list_words(values, out);
}

static void list_commands(FILE *out)
{
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "%s\t%s\n", commands[i]->name, commands[i]->summary);
	fputs("--instance\tone of several on this host\n--help\n--version\n", out);
}

static void list_options(const struct command *c, FILE *out)
{
	for (const struct command_option *o = c->options; o && (o->letter || o->name); o++)
		if (o->name)
			fprintf(out, "--%s\t%s\n", o->name, o->help);
		else
			fprintf(out, "-%c\t%s\n", o->letter, o->help);
	fputs("--instance\tone of several on this host\n--help\n", out);
}

/* Returns the option that this word names if an argument must follow; else NULL. */
static const struct command_option *option_with_argument(const struct command *c, const char *word)
{
	for (const struct command_option *o = c->options; o && (o->letter || o->name); o++) {
		const char letter[] = { '-', o->letter, '\0' };
		bool is_name = o->name && !strncmp(word, "--", 2) && !strcmp(word + 2, o->name);

		if (o->argument && (is_name || !strcmp(word, letter)))
			return o;
	}
	return NULL;
}

struct so_far {
	const struct command *command;
	/* Option whose argument is to be completed; NULL: none. */
	const struct command_option *option;
	const struct command_word *words;	/* words that may come next; NULL: none */
	const char *values; /* Other values that may come next: .values of an option; NULL: none. */
	bool operands;				/* there is an operand already */
	const char *instance;
};

static void apply_operand(struct so_far *s, const char *operand)
{
	const struct command_word *w = s->words;

	while (w && w->word && strcmp(w->word, operand))
		w++;
	s->words = w ? w->below : NULL;
	s->values = w ? w->values : NULL;
	s->operands = true;
}

/* Reads all words but the last. Returns false if an instance's name is to be completed. */
static bool read_words(struct so_far *s, int n, char **words)
{
	for (int i = 0; i < n; i++) {
		s->option = NULL;
		if (!strcmp(words[i], "--instance")) {
			if (i + 1 == n)
				return false;
			s->instance = instance_valid(words[++i]) ? words[i] : INSTANCE_DEFAULT;
		} else if (!s->command) {
			s->command = command_named(words[i]);
			s->words = s->command ? s->command->words : NULL;
			s->values = s->command ? s->command->operand : NULL;
		} else if (*words[i] != '-') {
			apply_operand(s, words[i]);
		} else {
			s->option = option_with_argument(s->command, words[i]);
			if (s->option && i + 1 < n)
				i++;
		}
	}
	return true;
}

int complete(int n, char **words, FILE *out)
{
	struct so_far s = { .instance = INSTANCE_DEFAULT };

	if (!n)
		return EXIT_USAGE;
	if (!read_words(&s, n - 1, words)) {
		list_instances(out);
	} else if (!s.command) {
		list_commands(out);
	} else if (s.option) {
		list_values(s.option->values, s.instance, out);
	} else if (*words[n - 1] == '-') {
		list_options(s.command, out);
	} else {
		for (const struct command_word *w = s.words; w && w->word; w++)
			fprintf(out, "%s\n", w->word);
		list_values(s.values, s.instance, out);
		/* file names alone are completed by the shells */
		if (!s.operands && (!s.values || strcmp(s.values, "@file")))
			list_options(s.command, out);
	}
	return EXIT_DONE;
}
