/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp up: from a file, or a firewall in one line, to a running instance: all of it or nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "instance/apply.h"
#include "cmd/command.h"
#include "config/config_check.h"
#include "lib/heap.h"
#include "config/line.h"
#include "lib/log.h"
#include "instance/state.h"
#include "instance/try.h"

const char up_help[] =
	"[-c FILE] [--mode MODE] [--try SECONDS]\n"
	"       wgxdp up --wan IF [--wan IF]... --to BACKEND[,BACKEND][:PORT] [--lan IF]... [--port N[,N]...]\n"
	"                [--nat dnat|none|masquerade] [--mode MODE] [--try SECONDS]\n\n"
	"Loads the data path, attaches it and fills its maps. Running already, it is brought to what is asked for, touching\n"
	"only what differs. All of it or nothing.\n\n"
	"  -c, --config FILE  default " CONFIG_DEFAULT "; - is standard input\n"
	"  --wan IF           where clients come in; every address of it is listened on\n"
	"  --to BACKEND       wg-end's IPv4 address, IPv6 address or both; :PORT (default 51820), IPv6 in brackets then; a name\n"
	"                     stands for the family that is not there as an address, alone for IPv4\n"
	"  --lan IF           where wg-end is; default: what the routing table says\n"
	"  --port N[,N]       UDP ports to listen on (default 51820)\n"
	"  --nat MODE         dnat: IPv4 is translated to the backend, IPv6 to the backend's own address let through (default);\n"
	"                     none: no translation for either; masquerade: the backend sees an address of this host, and clients of\n"
	"                     either family reach it\n"
	"  --mode MODE        auto: native XDP where the driver has it, else generic, else tc (default); native, generic, tc\n"
	"  --try SECONDS      roll back to what ran before, unless Enter, or another `up`, keeps the change within that time; and\n"
	"                     where this command is ended, or its terminal hangs up\n";

struct arguments {
	const char *file;		/* NULL: none said */
	enum mode mode;
	bool mode_said;
	struct line line;		/* --wan, --to … */
	unsigned int try_seconds;	/* 0: for good */
};

enum { OPT_MODE = LINE_OPTIONS, OPT_TRY };

static int parse_seconds(struct arguments *a, const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !seconds || seconds > TRY_MAX) {
		log_error("--try %s: a number of seconds from 1 to %d is wanted", text, TRY_MAX);
		return -EINVAL;
	}
	a->try_seconds = seconds;
	return 0;
}

static int parse_option(struct arguments *a, int option)
{
	switch (option) {
	case 'c':
		a->file = optarg;
		return 0;
	case OPT_TRY:
		return parse_seconds(a, optarg);
	case OPT_MODE:
		a->mode_said = true;
		if (!mode_parse(optarg, &a->mode))
			return 0;
		log_error("--mode %s: auto, native, generic or tc is wanted", optarg);
		return -EINVAL;
	}
	return line_option(&a->line, option, optarg);
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "wan", required_argument, NULL, LINE_WAN },
		{ "lan", required_argument, NULL, LINE_LAN }, { "to", required_argument, NULL, LINE_TO },
		{ "port", required_argument, NULL, LINE_PORT }, { "nat", required_argument, NULL, LINE_NAT },
		{ "mode", required_argument, NULL, OPT_MODE },
		{ "try", required_argument, NULL, OPT_TRY }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("up", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(a, option);
	}
	if (!rc && optind < argc) {
		log_error("up: %s: not an option; `wgxdp up --help` lists them", argv[optind]);
		rc = -EINVAL;
	}
	if (!rc && a->line.config && a->file) {
		log_error("up: either -c FILE or --wan and --to, not both");
		rc = -EINVAL;
	}
	return rc ?: a->line.config ? line_finish(&a->line, "up") : 0;
}

/* Under the lock; with --try it waits without */
static int bring_up(const char *instance, const struct config *c, unsigned int try_seconds)
{
	struct try *t = NULL;
	int lock = state_lock(instance), rc = lock < 0 ? lock : 0;

	if (!rc && try_seconds)
		rc = try_begin(instance, try_seconds, lock, &t);
	if (!rc)
		rc = apply(instance, c);
	if (!rc && !t)
		try_keep(instance);
	if (lock >= 0)
		close(lock);
	if (!t)
		return rc;
	if (!rc)
		return try_wait(t);
	try_abandon(t);
	return rc;
}

int cmd_up(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	int rc = parse(&a, argc, argv), status = EXIT_USAGE;

	if (!rc && !a.line.config) {
		heap_for_file(a.file ?: CONFIG_DEFAULT);
		rc = config_read(a.file ?: CONFIG_DEFAULT, &a.line.config);
		if (rc == -ENOENT && !a.file)
			log_error("up: without a file --wan IF and --to BACKEND are wanted; `wgxdp up --help` says more");
	}
	if (rc)
		goto cleanup;
	config_warn_nothing(a.line.config);
	if (a.mode_said)
		a.line.config->mode = a.mode;
	status = bring_up(g->instance, a.line.config, a.try_seconds) ? EXIT_FAILED : EXIT_DONE;
cleanup:
	config_free(a.line.config);
	return status;
}
