/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp: the table of commands, their completion, and the options that all of them have.
 */
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>
#include "bpf_compiler.h"
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/paths.h"
#include "show/words.h"

/* All commands, in the order of `wgxdp --help` and wgxdp(8); NULL ends the list. */
static const struct command *const commands[] = {
	&up_command, &check_command, &reload_command, &daemon_command, &save_command,
	&instances_command, &down_command, &exporter_command,
	&show_command, &top_command, &monitor_command, &trace_command, &doctor_command,
	&mtu_command, &service_command, &peer_command, &route_command, &flow_command,
	&endpoint_command, &ddns_command, &knock_command, &gen_command, &import_command,
	&schema_command, NULL,
};

static const struct command *command_named(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
}

/* ---- completion for shells ---- */

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

/* Implements `wgxdp complete WORD...`: prints what the last word may become, one a line, or @file
 * for file names. Returns an exit code. */
static int complete(int n, char **words, FILE *out)
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

#define DESCRIPTORS 65536	/* enough for 4,096 interfaces, maps and programs */

/* Parts that this program was built without (WITH_…=0 in the Makefile). */
static const char *const without[] = {
#ifndef WITH_MHD
	"libmicrohttpd",
#endif
#ifndef WITH_SODIUM
	"libsodium",
#endif
#ifndef WITH_GEN
	"the generator (gen)",
#endif
	NULL,
};

static void print_version(void)
{
	printf("wgxdp " VERSION);
	for (size_t i = 0; without[i]; i++)
		printf("%s %s", i ? "," : " without", without[i]);
	puts("\nBPF programs built by " BPF_COMPILER);
}

static void print_usage(FILE *out)
{
	fputs("Usage: wgxdp [--instance NAME] COMMAND [ARGUMENT]...\n\nCommands:\n", out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "%s  %-9s %s\n", commands[i]->heading ? commands[i]->heading : "",
			commands[i]->name, commands[i]->summary);
	fputs("\nOptions:\n"
	      "  --instance NAME  the instance, if this host has several (default: " INSTANCE_DEFAULT "); also after COMMAND.\n"
	      "                   Its file is " CONFIG_DEFAULTS "\n"
	      "  -h, --help       print this text, or after COMMAND the help of that command\n"
	      "  --version\n\n"
	      "See wgxdp(8).\n", out);
}

/* Takes --instance NAME or --instance=NAME out of argv, wherever it is. Returns false after
 * printing an error if the name is invalid. */
static bool extract_instance(int *argc, char **argv, struct global *g)
{
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		if (!strcmp(argv[i], "--instance")) {
			if (i + 1 == *argc) {
				log_error("--instance: a name is missing: write one after it, such as --instance second");
				return false;
			}
			g->instance = argv[++i];
		} else if (!strncmp(argv[i], "--instance=", 11)) {
			g->instance = argv[i] + 11;
		} else {
			argv[n++] = argv[i];
		}
	}
	argv[n] = NULL;
	*argc = n;
	if (instance_valid(g->instance)) {
		snprintf(g->config, sizeof(g->config), CONFIG_DIR "/%s.yaml",
			 strcmp(g->instance, INSTANCE_DEFAULT) ? g->instance : "wgxdp");
		return true;
	}
	log_error("--instance %s: this cannot be the name of an instance: write up to %d letters, digits, '-' and '_'",
		  g->instance, INSTANCE_LEN - 1);
	return false;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

/* Reallocates memory for libuv, which would abort without a message if that fails. */
static void *room_for_loop(void *p, size_t n)
{
	return xreallocarray(p, n, 1);
}

/* Opens /dev/null for standard streams that are closed: another file would get their number, and
 * our output. */
static void open_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(fd);
}

/* Reports an unknown command, with a similar one, or with ours for another program's command. */
static void report_unknown(const char *word)
{
	static const char *const elsewhere[][2] = {
		{ "start", "up" }, { "stop", "down" }, { "restart", "reload" },
		{ "status", "show" }, { "list", "show" }, { "stats", "top" },
		{ "test", "check" }, { "validate", "check" },
	};
	struct nearest n = { .word = word };

	for (size_t i = 0; commands[i]; i++)
		nearest_try(&n, commands[i]->name);
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		if (!strcmp(word, elsewhere[i][0]))
			n.best = elsewhere[i][1];
	if (*word == '-')
		log_error("%s: the command is missing: write `wgxdp COMMAND %s`, as options come after the command. `wgxdp --help` lists the commands",
			  word, word);
	else if (n.best)
		log_error("%s: there is no such command: did you mean `wgxdp %s`?", word, n.best);
	else
		log_error("%s: there is no such command: `wgxdp --help` lists the commands", word);
}

/* Prints the help of the command `name`; NULL: the list of commands. */
static int print_help(const char *name)
{
	const struct command *c = name ? command_named(name) : NULL;

	if (c)
		command_help(c, stdout);
	else if (name)
		report_unknown(name);
	else
		print_usage(stdout);
	return c || !name ? EXIT_DONE : EXIT_USAGE;
}

static int run_command(const struct command *c, const struct global *g, int argc, char **argv)
{
	int status = c->run(g, argc, argv);

	if (!c->only_prints || !(fflush(stdout) | ferror(stdout)))
		return status;
	log_error("%s: cannot write the whole output to standard output: is the disk full?", c->name);
	return EXIT_FAILED;
}

/* Allows more open descriptors than the usual 1,024, because a command needs one or two for each
 * interface. No program that is started from here gets an enormous limit, because some programs
 * close each possible descriptor. */
static void allow_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= DESCRIPTORS)
		return;
	files.rlim_cur = files.rlim_max < DESCRIPTORS ? files.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
	struct global g = { .instance = INSTANCE_DEFAULT };
	const struct command *c;

	open_streams();
	allow_descriptors();
	uv_replace_allocator(malloc, room_for_loop, calloc, free);
	if (argc > 1 && !strcmp(argv[1], "complete"))	/* --instance may be the word to complete */
		return complete(argc - 2, argv + 2, stdout);
	if (!extract_instance(&argc, argv, &g))
		return EXIT_USAGE;
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		print_version();
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return print_help(argv[2]);
	c = command_named(argv[1]);
	if (!c || asks_help(argc - 1, argv + 1))
		return print_help(argv[1]);
	return run_command(c, &g, argc - 1, argv + 1);
}
