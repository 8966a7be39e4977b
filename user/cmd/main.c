/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp: the command table.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include "bpf_compiler.h"
#include "cmd/command.h"
#include "lib/log.h"

static const struct command commands[] = {
	{ "up", cmd_up, "load, attach and fill; running already: bring it to what is asked for", up_help },
	{ "check", cmd_check, "look for what is wrong with a configuration, and with this host for it", check_help },
	{ "daemon", cmd_daemon, "up, and then follow what the kernel and other commands change", daemon_help },
	{ "ddns", cmd_ddns, "write this host's addresses into DNS", ddns_help },
	{ "doctor", cmd_doctor, "find what on this host keeps packets from passing, with the command that cures it", doctor_help },
	{ "down", cmd_down, "detach and remove everything of the instance", down_help },
	{ "endpoint", cmd_endpoint, "bring a WireGuard peer's endpoint to an address of its name that answers", endpoint_help },
	{ "flow", cmd_flow, "end flows of masquerading services", flow_help },
#ifdef WITH_GEN
	{ "gen", cmd_gen, "files for all hosts of a topology; or a configuration as rules of nft(8)", gen_help },
#else
	{ "gen", cmd_gen, "not in this program: it was built without the generator (WITH_GEN=0)", gen_help },
#endif
	{ "knock", cmd_knock, "hear knocks, or knock at another host", knock_help },
	{ "monitor", cmd_monitor, "tell of drops, flows, handshakes and knocks as they happen, or write packets to a pcap file", monitor_help },
	{ "mtu", cmd_mtu, "find the longest packet that passes, and say which MTU belongs where", mtu_help },
	{ "peer", cmd_peer, "make, change and remove peers of the relay that runs, or take over WireGuard's", peer_help },
	{ "reload", cmd_reload, "bring what runs to what the file says, and tell what differs", reload_help },
	{ "route", cmd_route, "give and take prefixes of the relay's peers", route_help },
	{ "save", cmd_save, "write what runs, as a configuration", save_help },
	{ "service", cmd_service, "make, change and remove services of what runs, and say whom they are for", service_help },
	{ "show", cmd_show, "interfaces, services and counters", show_help },
	{ "top", cmd_top, "who sends how much now", top_help },
	{ "trace", cmd_trace, "tell what becomes of a packet, without sending it", trace_help },
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

/* What is optional and was left out of this build (WITH_…=0 in the Makefile) */
static const char *const without[] = {
#ifndef WITH_MHD
	"libmicrohttpd",
#endif
#ifndef WITH_SODIUM
	"libsodium",
#endif
#ifndef WITH_LDNS
	"libldns",
#endif
#ifndef WITH_CURL
	"libcurl",
#endif
#ifndef WITH_QRENCODE
	"libqrencode",
#endif
#ifndef WITH_NCURSES
	"ncurses",
#endif
#ifndef WITH_GEN
	"the generator (gen)",
#endif
	NULL,
};

static void version(void)
{
	printf("wgxdp " VERSION);
	for (size_t i = 0; without[i]; i++)
		printf("%s %s", i ? "," : " without", without[i]);
	puts("\nBPF programs built by " BPF_COMPILER);
}

static void usage(FILE *out)
{
	fputs("Usage: wgxdp [--instance NAME] COMMAND [ARGUMENT]...\n\nCommands:\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nOptions:\n"
	      "  --instance NAME  one of several on this host (default: " INSTANCE_DEFAULT "); also after the command\n"
	      "  -h, --help       this; after a command, its own\n"
	      "  --version\n"
	      "\nSee wgxdp(8).\n", out);
}

/* Takes --instance NAME and --instance=NAME out of argv, wherever it stands; false: told what is wrong */
static bool take_instance(int *argc, char **argv, struct global *g)
{
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		if (!strcmp(argv[i], "--instance")) {
			if (i + 1 == *argc) {
				log_error("--instance: a name is missing");
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
	if (instance_valid(g->instance))
		return true;
	log_error("--instance %s: not a name: up to %d letters, digits, - and _", g->instance, INSTANCE_LEN - 1);
	return false;
}

void option_error(const char *command, int returned, char **argv)
{
	char letter[] = { '-', (char)optopt, '\0' };
	const char *said = returned == '?' && optopt > 0 && optopt < 128 ? letter : argv[optind - 1];

	if (returned == ':')
		log_error("%s: %s: an argument is missing; `wgxdp %s --help` says which", command, said, command);
	else
		log_error("%s: %s: not an option; `wgxdp %s --help` lists them", command, said, command);
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

/* Where its loop cannot have more room libuv ends the program without a word */
static void *room_for_loop(void *p, size_t n)
{
	void *ret = realloc(p, n);

	if (!ret && n) {
		log_error("no memory");
		exit(EXIT_FAILED);
	}
	return ret;
}

/* A file must not get the number of a stream that was closed: what is said would be written into it */
static void open_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What it writes to standard output is all that it is for: it fails where that fails */
static bool tells(const struct command *c)
{
	return c->run == cmd_check || c->run == cmd_doctor || c->run == cmd_mtu || c->run == cmd_show || c->run == cmd_top || c->run == cmd_trace;
}

static int run(const struct command *c, const struct global *g, int argc, char **argv)
{
	int status = c->run(g, argc, argv);

	if (!tells(c) || !(fflush(stdout) | ferror(stdout)))
		return status;
	log_error("%s: not all of it could be written to standard output", c->name);
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct global g = { .instance = INSTANCE_DEFAULT };

	open_streams();
	uv_replace_allocator(malloc, room_for_loop, calloc, free);
	if (!take_instance(&argc, argv, &g))
		return EXIT_USAGE;
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		version();
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strcmp(argv[1], c->name))
			continue;
		if (asks_help(argc - 1, argv + 1)) {
			printf("Usage: wgxdp %s%s%s", c->name, *c->help == '\n' ? "" : " ", c->help);
			return EXIT_DONE;
		}
		return run(c, &g, argc - 1, argv + 1);
	}
	log_error("%s: no such command; `wgxdp --help` lists them", argv[1]);
	return EXIT_USAGE;
}
