/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp import: prints a configuration made from firewall rules and WireGuard settings. It changes
 * nothing.
 */
#include <stdio.h>
#include "cmd/command.h"
#include "config/relay_prefix.h"
#include "import/import.h"
#include "lib/log.h"

static int parse_overlay(void *member, const struct command_option *o, char *value)
{
	struct prefix *p = member;
	const char *why;

	if (prefix_parse(value, p))
		return option_wrong(o, value, "this is not a prefix: write one such as "
					      "fd12:3456:789a::/48");
	why = relay_overlay_wrong(p);
	return why ? option_wrong(o, value, "this prefix %s", why) : 0;
}

static int run_import(const struct global *g, int argc, char **argv)
{
	struct import im = { 0 };
	int status = EXIT_USAGE, rc, n;
	char **files = options_parse(&import_command, argc, argv, &im, &n);

	if (!files)
		return EXIT_USAGE;
	rc = n ? 0 : import_host(&im);
	for (int i = 0; i < n && !rc; i++)
		rc = import_file(&im, files[i]);
	rc = rc ?: import_make(&im);
	if (!rc && import_write(&im, stdout)) {
		log_error("import: cannot write to standard output: is the disk full?");
		status = EXIT_FAILED;
	} else if (!rc) {
		status = import_warn(&im) ? EXIT_HOST : EXIT_DONE;
	}
	import_free(&im);
	return status;
}

static const struct command_option options[] = {
	{ 0, "wan", "IF", offsetof(struct import, wan),
	  "the interface on which clients arrive, for rules that name neither an interface nor an "
	  "address (default: the only interface by which masqueraded packets leave)",
	  parse_interface, .values = "@interface" },
	{ 0, "overlay", "PREFIX", offsetof(struct import, overlay),
	  "the prefix of all sites: WireGuard's peers with prefixes in it become peers of a relay "
	  "(default: from a rule that accepts UDP between tunnels)", parse_overlay },
	{ 0 },
};

const struct command import_command = {
	.name = "import",
	.summary = "print a configuration made from firewall rules and WireGuard settings",
	.usage = "[--wan IF] [--overlay PREFIX] [FILE]...",
	.about = "Reads the ruleset of nft in JSON (also of firewalld), and the output of "
		 "iptables-save (also of Docker). It also reads `wg show all dump`, `uci show`, "
		 "scripts of iptables commands, and wg-quick's files. Prints a configuration that "
		 "does the same. Without FILE it reads this host. It changes nothing. Rules that "
		 "translate the destination of UDP packets become services. The clients that "
		 "other rules let pass become allow and deny. A comment at each entry names its "
		 "rules. At the end, comments list the rules that wgxdp has no counterpart for, "
		 "and warnings say why.\n"
		 "Exit status 0: all rules have a counterpart, or are for other packets. 1: "
		 "failed. 2: wrong usage, or a file that cannot be read. 3: the configuration was "
		 "printed, but a rule has no counterpart.",
	.run = run_import,
	.options = options,
	.operand = "@file",
	.only_prints = true,
};
