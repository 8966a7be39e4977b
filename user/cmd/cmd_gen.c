/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp gen: files of others, made from what is described once: all of a topology's hosts, or a configuration as rules of nft(8).
 * Nothing of wgxdp need run for it.
 */
#include "cmd/command.h"
#include "lib/log.h"

#ifdef WITH_GEN
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include "config/config.h"
#include "gen/gen.h"

const char gen_help[] =
	"hosts TOPOLOGY.yaml -o DIR [--check | --diff]\n"
	"       wgxdp gen nft [-c FILE]\n\n"
	"hosts writes, for each host of a topology, all files that it takes to DIR/HOST: WireGuard's, nftables, radvd, keepalived,\n"
	"networkd, sysctl, wgxdp's, and a README that says what goes where. Keys are made with wg(8) where there are none, and kept in\n"
	"DIR/state. Written again, only what the topology changed is changed, and what is no longer asked for removed; files of others\n"
	"in DIR are left alone. nft prints a configuration as rules of the same meaning.\n"
	"Exit status: 0 done; 1 failed; 2 usage, or a file that cannot be read or is invalid. With --check and --diff: 0 nothing would\n"
	"change; 1 something would; 2 that cannot be told.\n\n"
	"  -o, --output DIR   where the files are; made if it is not there\n"
	"      --check        write nothing, make no key: list what would be added, changed and removed\n"
	"      --diff         the same, as differences of the texts, without their secrets\n"
	"  -c, --config FILE  of wgxdp; default " CONFIG_DEFAULT "; - is standard input\n";

struct arguments {
	const char *what, *topology, *directory, *config;
	enum gen_how how;
};

enum { OPT_CHECK = 256, OPT_DIFF };

static int take_option(struct arguments *a, int option, char **argv)
{
	switch (option) {
	case 'o':
		a->directory = optarg;
		return 0;
	case 'c':
		a->config = optarg;
		return 0;
	case OPT_CHECK:
		a->how = a->how == GEN_DIFF ? GEN_DIFF : GEN_CHECK;
		return 0;
	case OPT_DIFF:
		a->how = GEN_DIFF;
		return 0;
	}
	option_error("gen", option, argv);
	return -EINVAL;
}

static int check_hosts(const struct arguments *a, int more, char **argv)
{
	if (!a->topology)
		log_error("gen hosts: a topology is missing: wgxdp gen hosts TOPOLOGY.yaml -o DIR");
	else if (more)
		log_error("gen hosts: %s: one topology is enough, and it is %s", argv[optind + 2], a->topology);
	else if (!a->directory || !*a->directory)
		log_error("gen hosts: -o DIR is missing: where the files are to be written");
	else if (a->config)
		log_error("gen hosts: -c: only `gen nft` reads a configuration");
	else
		return 0;
	return -EINVAL;
}

static int check_nft(const struct arguments *a, char **argv)
{
	if (a->topology)
		log_error("gen nft: %s: not an option; a file is named by -c", a->topology);
	else if (a->directory || a->how != GEN_WRITE)
		log_error("gen nft: %s: only `gen hosts` has it; rules are printed", a->directory ? "-o" : "--check, --diff");
	else
		return 0;
	return -EINVAL;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, OPT_CHECK }, { "diff", no_argument, NULL, OPT_DIFF }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":c:o:", options, NULL)) != -1)
		rc = take_option(a, option, argv);
	if (rc)
		return rc;
	a->what = optind < argc ? argv[optind] : "";
	a->topology = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (!strcmp(a->what, "hosts"))
		return check_hosts(a, argc - optind > 2, argv);
	if (!strcmp(a->what, "nft"))
		return check_nft(a, argv);
	log_error("gen: %s%swhat is to be made: hosts or nft; `wgxdp gen --help` says more", a->what, *a->what ? ": " : "");
	return -EINVAL;
}

int cmd_gen(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };

	if (parse(&a, argc, argv))
		return EXIT_USAGE;
	if (!strcmp(a.what, "nft"))
		return gen_config_nft(g->instance, a.config ?: CONFIG_DEFAULT);
	return gen_hosts(a.topology, a.directory, a.how);
}
#else
const char gen_help[] = "\n\nThis program was built without the generator (WITH_GEN=0): generate the files on another host.\n";

int cmd_gen(const struct global *g, int argc, char **argv)
{
	log_error("gen: this program was built without the generator (WITH_GEN=0): generate the files on another host");
	return EXIT_USAGE;
}
#endif
