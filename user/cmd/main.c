/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp: the table of commands, and the options that all of them have.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>
#include "bpf_compiler.h"
#include "cmd/command.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/memory.h"

#define DESCRIPTORS 65536	/* enough for 4,096 interfaces, maps and programs */

const struct command *const commands[] = {
	&up_command, &check_command, &reload_command, &daemon_command, &save_command,
	&instances_command, &down_command, &exporter_command,
	&show_command, &top_command, &monitor_command, &trace_command, &doctor_command,
	&mtu_command, &service_command, &peer_command, &route_command, &flow_command,
	&endpoint_command, &ddns_command, &knock_command, &gen_command, &import_command,
	&schema_command, NULL,
};

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
	      "  --instance NAME  the instance, if this host has several (default: "
	      INSTANCE_DEFAULT "); also after COMMAND.\n"
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
				log_error("--instance: a name is missing: write one after it, such "
					  "as --instance second");
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
	log_error("--instance %s: this cannot be the name of an instance: write up to %d letters, "
		  "digits, '-' and '_'", g->instance, INSTANCE_LEN - 1);
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
		log_error("%s: the command is missing: write `wgxdp COMMAND %s`, as options come "
			  "after the command. `wgxdp --help` lists the commands", word, word);
	else if (n.best)
		log_error("%s: there is no such command: did you mean `wgxdp %s`?", word, n.best);
	else
		log_error("%s: there is no such command: `wgxdp --help` lists the commands", word);
}

const struct command *command_named(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
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
	log_error("%s: cannot write the whole output to standard output: is the disk full?",
		  c->name);
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
