/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp import: prints a configuration made from firewall rules and WireGuard settings. It changes
 * nothing.
 */
#include <stdio.h>
#include "cmd/command.h"
#include "config/config_check.h"
#include "import/import.h"
#include "lib/log.h"
#include "lib/text.h"

struct arguments {
	struct import im;
	bool compare, all, json;
	const char *config;
};

static int parse_overlay(void *member, const struct command_option *o, char *value)
{
	struct prefix *p = member;
	const char *why;

	if (prefix_parse(value, p))
		return option_wrong(o, value, "this is not a prefix: write one such as fd12:3456:789a::/48");
	why = relay_overlay_wrong(p);
	return why ? option_wrong(o, value, "this prefix %s", why) : 0;
}

/* Writes the configuration that import makes as YAML, and reads it back. */
static int make_config(struct import *im, struct config **ret)
{
	char *text = NULL;
	size_t n;
	FILE *out = text_open(&text, &n);

	import_write(im, out);
	fclose(out);
	return config_parse(text, "the imported configuration", ret);
}

/* Compares the rules with a configuration. Returns an exit code. */
static int run_compare(struct arguments *a)
{
	struct config *config = NULL;
	int rc = a->config ? config_read(a->config, &config) ?: import_begin(&a->im) :
			     import_make(&a->im) ?: make_config(&a->im, &config);
	size_t n_lost = a->config ? import_warn(&a->im) : 0;

	if (rc)
		return EXIT_USAGE;
	rc = import_compare(&a->im, config, a->all, a->json, stdout);
	return rc < 0 ? EXIT_FAILED : rc || n_lost ? EXIT_HOST : EXIT_DONE;
}

static int run_import(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .compare = false };
	struct import *im = &a.im;
	int status = EXIT_USAGE, rc, n;
	char **files = options_parse(&import_command, argc, argv, &a, &n);

	if (!files)
		return EXIT_USAGE;
	if (!a.compare && (a.config || a.json || a.all)) {
		log_error("import: --config, --verbose and --json belong to --compare: add --compare, or leave them out");
		return EXIT_USAGE;
	}
	rc = n ? 0 : import_host(im);
	for (int i = 0; i < n && !rc; i++)
		rc = import_file(im, files[i]);
	if (!rc && a.compare)
		return run_compare(&a);
	rc = rc ?: import_make(im);
	if (!rc && import_write(im, stdout)) {
		log_error("import: cannot write to standard output: is the disk full?");
		status = EXIT_FAILED;
	} else if (!rc) {
		status = import_warn(im) ? EXIT_HOST : EXIT_DONE;
		if (import_is_empty(im)) {
			log_error("import: no rule and no setting of %s becomes a part of a configuration: %s",
				  n ? "these files" : "this host", im->lost.n ? "see the warnings" :
				  n ? "name files with other rules" : "it has none");
			status = EXIT_FAILED;
		}
	}
	return status;
}

static const struct command_option options[] = {
	{ 0, "wan", "IF", offsetof(struct arguments, im.wan),
	  "the interface on which clients arrive (default: those with a default route; without one: those from which the rules forward)",
	  parse_interface, .values = "@interface" },
	{ 0, "overlay", "PREFIX", offsetof(struct arguments, im.overlay),
	  "the prefix of all sites: WireGuard's peers with prefixes in it become peers of a relay (default: from a rule that accepts UDP between tunnels)",
	  parse_overlay },
	{ 0, "compare", NULL, offsetof(struct arguments, compare),
	  "print no configuration, but compare what it does to samples with what the rules do" },
	{ 'c', "config", "FILE", offsetof(struct arguments, config),
	  "with --compare: compare the rules with this configuration (-: standard input), not with the one that import makes",
	  .values = "@file" },
	{ 'v', "verbose", NULL, offsetof(struct arguments, all),
	  "with --compare: list all samples" },
	{ 'j', "json", NULL, offsetof(struct arguments, json), "with --compare: print JSON" },
	{ 0 },
};

const struct command import_command = {
	.name = "import",
	.summary = "print a configuration made from firewall rules and WireGuard settings",
	.usage = "[--wan IF] [--overlay PREFIX] [FILE]...\n"
		 "--compare [-c FILE] [-v|--verbose] [-j|--json] [--wan IF] [--overlay PREFIX] [FILE]...",
	.about = "Prints a configuration that does the same as firewall rules and WireGuard settings. It changes nothing. It copies the rules of this host into a network namespace of its own, and finds out what they do to samples. This needs root. With FILE, the rules are those of another host, and their own programs load them into such a namespace. A FILE has the output of `nft list ruleset`, iptables-save, `ipset save`, `wg show all dump`, `uci show`, `ip -j addr` or `ip -j route`. It may also be a script of such commands, or a file of wg-quick. Comments and warnings name the rules.\n"
		 "With --compare it runs wgxdp itself beside the rules in that namespace. It prints one line for each cause of a difference between the rules and the configuration.\n"
		 "Exit status 0: the configuration does the same. 1: failed, or nothing became a part of a configuration. 2: wrong usage, or a file that cannot be read. 3: the configuration was printed, but lacks something; or, with --compare, samples differ.",
	.run = run_import,
	.options = options,
	.operand = "@file",
	.only_prints = true,
};
