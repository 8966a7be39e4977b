/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp gen: generates the files of all hosts of a topology, or nft(8) rules from a configuration.
 * No instance needs to run.
 */
#include "cmd/command.h"
#include "lib/log.h"

#ifdef WITH_GEN
#include <errno.h>
#include <string.h>
#include "config/config.h"
#include "gen/gen.h"

struct arguments {
	const char *what, *topology, *directory, *config;
	bool check, diff, replace;
};

static int check_hosts(const struct arguments *a, int n, char **words)
{
	if (!a->topology)
		log_error("gen hosts: the topology file is missing: write wgxdp gen hosts TOPOLOGY.yaml -o DIR");
	else if (n > 2)
		log_error("gen hosts: %s: this word after the topology %s is not expected: remove it",
			  words[2], a->topology);
	else if (!a->directory || !*a->directory)
		log_error("gen hosts: -o DIR is missing: add the directory for the files, such as -o hosts");
	else if (a->config)
		log_error("gen hosts: -c is only for `gen nft`, which reads a configuration: remove it");
	else
		return 0;
	return -EINVAL;
}

static int check_nft(const struct arguments *a)
{
	if (a->topology)
		log_error("gen nft: %s: this is not an option: name the configuration with -c FILE", a->topology);
	else if (a->directory || a->check || a->diff || a->replace)
		log_error("gen nft: %s: this option is only for `gen hosts`: remove it, because `gen nft` prints the rules",
			  a->directory ? "-o" : a->check ? "--check" :
			  a->diff ? "--diff" : "--replace");
	else
		return 0;
	return -EINVAL;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	int n;
	char **words = options_parse(&gen_command, argc, argv, a, &n);

	a->what = words ? command_word(&gen_command, words) : NULL;
	if (!a->what)
		return -EINVAL;
	a->topology = words[1];
	return strcmp(a->what, "nft") ? check_hosts(a, n, words) : check_nft(a);
}

static int run_gen(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };

	if (parse(&a, argc, argv))
		return EXIT_USAGE;
	if (!strcmp(a.what, "nft"))
		return gen_config_nft(g->instance, a.config ?: g->config);
	return gen_hosts(a.topology, a.directory, a.diff ? GEN_DIFF : a.check ? GEN_CHECK :
			 a.replace ? GEN_REPLACE : GEN_WRITE);
}

static const struct command_option options[] = {
	{ 'o', "output", "DIR", offsetof(struct arguments, directory),
	  "the directory to write the files to; it is created if it does not exist",
	  .values = "@file" },
	{ 0, "check", NULL, offsetof(struct arguments, check),
	  "write no files and keys; list the files that would be added, changed or removed" },
	{ 0, "diff", NULL, offsetof(struct arguments, diff),
	  "like --check, but print the changed lines, without secrets" },
	{ 0, "replace", NULL, offsetof(struct arguments, replace),
	  "overwrite files that were edited by hand" },
	{ 'c', "config", "FILE", offsetof(struct arguments, config),
	  "the configuration for nft (default: " CONFIG_DEFAULTS "); - is standard input",
	  .values = "@file" },
	{ 0 },
};

const struct command gen_command = {
	.name = "gen",
	.heading = " Generate:\n",
	.summary = "write the configuration files for all hosts of a network, or print a configuration as nft rules",
	.usage = "hosts TOPOLOGY.yaml -o DIR [--check | --diff | --replace]\nnft [-c FILE]",
	.about = "`hosts` reads a topology, which describes the hosts of a network, and writes the files that each host needs to DIR/HOST. They are for WireGuard, nftables, radvd, keepalived, networkd, sysctl and wgxdp. A README says where each file goes. It creates missing keys with wg(8) and keeps them in DIR/state. A second run changes only the files that the topology changed, and removes those no longer needed. It keeps a file that was edited by hand. If the topology changed that file too, nothing is written without --replace. Other files in DIR stay. `nft` prints a configuration as nft(8) rules with the same meaning.\n"
		 "Exit status 0: done. 1: failed. 2: wrong usage, or a file that cannot be read or is invalid. With --check and --diff, 0: nothing would change. 1: something would change. 2: that is unknown.",
	.run = run_gen,
	.options = options,
	.words = (const struct command_word[]){ { "hosts", "@file" }, { "nft" }, { 0 } },
};
#else
static int run_gen(const struct global *g, int argc, char **argv)
{
	log_error("gen: this program was built without the generator (WITH_GEN=0): generate the files on another host");
	return EXIT_USAGE;
}

const struct command gen_command = {
	.name = "gen",
	.heading = " Generate:\n",
	.summary = "not available: this program was built without the generator (WITH_GEN=0)",
	.usage = "",
	.about = "This program was built without the generator (WITH_GEN=0): generate the files on another host.",
	.run = run_gen,
};
#endif
